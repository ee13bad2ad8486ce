#include "client/session_modelled_record.h"

#include <string.h>

#include "common/aes.h"

/* --- the sizes of libomemo-c's records, which are protobuf --- */

static size_t varint_bytes(uint64_t value)
{
    size_t len = 1;

    for (; value >= 0x80; value >>= 7)
        len++;
    return len;
}

static size_t number_field(uint64_t value)
{
    return 1 + varint_bytes(value);
}

static size_t bytes_field(size_t len)
{
    return 1 + varint_bytes(len) + len;
}

static size_t real_chain_bytes(const struct chain *chain)
{
    return bytes_field(number_field(chain->index) + bytes_field(KEY_BYTES));
}

static size_t real_receiving_bytes(const struct receiving *receiving)
{
    size_t len = bytes_field(1 + KEY_BYTES) + real_chain_bytes(&receiving->chain);

    for (uint32_t i = 0; i < receiving->skipped_count; i++) /* cipher key, MAC key, IV */
        len += bytes_field(number_field(receiving->skipped[i].counter) + 2 * bytes_field(KEY_BYTES) +
                           bytes_field(AES_CBC_IV_BYTES));
    return len;
}

static size_t real_state_bytes(const struct state *state)
{
    size_t public_field = bytes_field(1 + KEY_BYTES), secret_field = bytes_field(KEY_BYTES), pending = 0;
    size_t flags = 3 * 2;                                 /* version, needs refresh, whether we began */
    size_t len = flags + 3 * public_field + secret_field; /* both identities, base key; root */

    len += number_field(state->previous_counter) + number_field(state->local_registration) +
           number_field(state->remote_registration);
    len += bytes_field(public_field + secret_field + real_chain_bytes(&state->sending));
    for (uint32_t i = 0; i < state->receiving_count; i++)
        len += bytes_field(real_receiving_bytes(&state->receiving[i]));
    if (state->pending) {
        if (state->pending_has_prekey)
            pending = number_field(state->pending_prekey);
        pending += number_field((uint64_t)(int64_t)(int32_t)state->pending_signed) + public_field; /* an int32 there */
        len += bytes_field(pending);
    }
    return bytes_field(len);
}

/* --- a session as bytes --- */

static void put(uint8_t **at, const void *from, size_t len)
{
    memcpy(*at, from, len);
    *at += len;
}

static void put_u32(uint8_t **at, uint32_t value)
{
    store_le32(*at, value);
    *at += 4;
}

static void put_chain(uint8_t **at, const struct chain *chain)
{
    put(at, chain->key, sizeof(chain->key));
    put_u32(at, chain->index);
}

/* Numbers first, those that say what follows among them. Always shorter than what libomemo-c writes for the same. */
struct bytes modelled_state_encode(const struct state *state, struct arena *arena)
{
    size_t len = real_state_bytes(state);
    uint8_t *out = arena_zalloc(arena, len), *at = out;

    put_u32(&at, (uint32_t)len);
    put(&at, state->base_key.bytes, KEY_BYTES);
    put(&at, state->root, KEY_BYTES);
    put_u32(&at, state->previous_counter);
    put_u32(&at, state->local_registration);
    put_u32(&at, state->remote_registration);
    *at++ = (uint8_t)(state->pending | state->pending_has_prekey << 1);
    if (state->pending) {
        put_u32(&at, state->pending_prekey);
        put_u32(&at, state->pending_signed);
    }
    put(&at, &state->ratchet, sizeof(state->ratchet));
    put_chain(&at, &state->sending);
    *at++ = (uint8_t)state->receiving_count;
    for (uint32_t i = 0; i < state->receiving_count; i++) {
        const struct receiving *receiving = &state->receiving[i];

        put(&at, receiving->ratchet_key.bytes, KEY_BYTES);
        put_chain(&at, &receiving->chain);
        put_u32(&at, receiving->skipped_count);
        for (uint32_t j = 0; j < receiving->skipped_count; j++) {
            put_u32(&at, receiving->skipped[j].counter);
            put(&at, receiving->skipped[j].key, KEY_BYTES);
        }
    }
    ASSERT((size_t)(at - out) <= len);
    return (struct bytes){out, len};
}

static bool take(struct bytes *rest, void *out, size_t len)
{
    if (rest->len < len)
        return false;
    memcpy(out, rest->data, len);
    *rest = bytes_slice(*rest, len, rest->len - len);
    return true;
}

static bool take_u32(struct bytes *rest, uint32_t *out)
{
    uint8_t bytes[4];
    bool taken = take(rest, bytes, sizeof(bytes));

    *out = taken ? load_le32(bytes) : 0;
    return taken;
}

static bool take_chain(struct bytes *rest, struct chain *chain)
{
    return take(rest, chain->key, sizeof(chain->key)) && take_u32(rest, &chain->index);
}

static bool take_receiving(struct bytes *rest, struct arena *arena, struct receiving *receiving)
{
    if (!take(rest, receiving->ratchet_key.bytes, KEY_BYTES) || !take_chain(rest, &receiving->chain) ||
        !take_u32(rest, &receiving->skipped_count) || receiving->skipped_count > rest->len / (4 + KEY_BYTES))
        return false;
    receiving->skipped = arena_alloc(arena, receiving->skipped_count * sizeof(struct skipped));
    for (uint32_t i = 0; i < receiving->skipped_count; i++)
        if (!take_u32(rest, &receiving->skipped[i].counter) || !take(rest, receiving->skipped[i].key, KEY_BYTES))
            return false;
    return true;
}

bool modelled_state_decode(struct bytes wire, struct arena *arena, struct state *state)
{
    struct bytes rest = bytes_slice(wire, HEAD_BYTES, wire.len - HEAD_BYTES);
    uint8_t flags, count;

    memset(state, 0, sizeof(*state));
    if (!take(&rest, state->base_key.bytes, KEY_BYTES) || !take(&rest, state->root, KEY_BYTES) ||
        !take_u32(&rest, &state->previous_counter) || !take_u32(&rest, &state->local_registration) ||
        !take_u32(&rest, &state->remote_registration) || !take(&rest, &flags, 1))
        return false;
    state->pending = flags & 1;
    state->pending_has_prekey = flags >> 1 & 1;
    if (state->pending && (!take_u32(&rest, &state->pending_prekey) || !take_u32(&rest, &state->pending_signed)))
        return false;
    if (!take(&rest, &state->ratchet, sizeof(state->ratchet)) || !take_chain(&rest, &state->sending) ||
        !take(&rest, &count, 1) || count > CHAINS_MAX)
        return false;
    for (; state->receiving_count < count; state->receiving_count++)
        if (!take_receiving(&rest, arena, &state->receiving[state->receiving_count]))
            return false;
    return true;
}

/* --- a record as sessions --- */

bool modelled_record_decode(const struct blob *blob, struct record *record)
{
    struct bytes rest = blob_bytes(blob);

    record->count = 0;
    while (rest.len > 0) {
        size_t len = rest.len < HEAD_BYTES ? 0 : load_le32(rest.data);

        if (len < HEAD_BYTES + KEY_BYTES || len > rest.len || record->count == STATES_MAX)
            return false;
        record->states[record->count++] = bytes_slice(rest, 0, len);
        rest = bytes_slice(rest, len, rest.len - len);
    }
    return true;
}

enum err modelled_record_store(const struct record *record, struct blob **blob)
{
    struct blob *stored;
    size_t len = 0, at = 0;

    for (size_t i = 0; i < record->count; i++)
        len += record->states[i].len;
    if (len > LIMIT_SESSION_BYTES)
        return ERR_TOO_BIG;
    stored = blob_new(len);
    for (size_t i = 0; i < record->count; i++) {
        memcpy(stored->data + at, record->states[i].data, record->states[i].len);
        at += record->states[i].len;
    }
    blob_drop(*blob);
    *blob = stored;
    return OK;
}

void modelled_record_promote(struct record *record, struct bytes state)
{
    memmove(record->states + 1, record->states, record->count * sizeof(record->states[0]));
    record->states[0] = state;
    if (record->count < STATES_MAX)
        record->count++;
}

void modelled_record_take_out(struct record *record, size_t index)
{
    record->count--;
    memmove(record->states + index, record->states + index + 1, (record->count - index) * sizeof(record->states[0]));
}

bool modelled_state_has_base_key(struct bytes state, const struct x25519_public *key)
{
    return memcmp(state.data + HEAD_BYTES, key->bytes, KEY_BYTES) == 0;
}
