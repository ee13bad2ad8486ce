#include "client/prekeys.h"

#include <stdlib.h>
#include <string.h>

#define ROTATION_MS      (INT64_C(48) * 3600 * 1000)
#define KEPT_MS          (INT64_C(7) * 24 * 3600 * 1000)
#define KEPT_MIN         3
#define REGISTRATION_MAX 0x3fff

/* On the disk, little endian: registration id (4), last one-time id (4), count (4), and for each signed prekey its id
 * (4), time (8), key pair and signature. */
#define HEAD_BYTES   12
#define SIGNED_BYTES (12 + 32 + 32 + 64)

void prekeys_init(struct prekeys *prekeys, rng_bytes_fn draw, void *owner)
{
    /* Not 0: receivers of the era take that for an absent one. */
    *prekeys = (struct prekeys){.registration_id = 1 + (uint32_t)rng_below_from(draw, owner, REGISTRATION_MAX)};
}

void prekeys_fini(struct prekeys *prekeys)
{
    if (prekeys->signed_keys != NULL)
        crypto_wipe(prekeys->signed_keys, prekeys->signed_count * sizeof(prekeys->signed_keys[0]));
    free(prekeys->signed_keys);
    *prekeys = (struct prekeys){0};
}

const struct signed_prekey *prekeys_signed(const struct prekeys *prekeys, uint32_t id)
{
    for (uint32_t i = 0; i < prekeys->signed_count; i++)
        if (prekeys->signed_keys[i].id == id)
            return &prekeys->signed_keys[i];
    return NULL;
}

/* A key is replaced when the next one is made: from then on it is old. */
static void drop_old(struct prekeys *prekeys, int64_t now_ms)
{
    struct signed_prekey *keys = prekeys->signed_keys;
    uint32_t dropped = 0;

    while (prekeys->signed_count - dropped > 1 + KEPT_MIN && keys[dropped + 1].made_ms < now_ms - KEPT_MS)
        dropped++;
    memmove(keys, keys + dropped, (prekeys->signed_count - dropped) * sizeof(keys[0]));
    crypto_wipe(keys + prekeys->signed_count - dropped, dropped * sizeof(keys[0]));
    prekeys->signed_count -= dropped;
}

static void make_signed(struct prekeys *prekeys, struct session_self *self, const struct session_suite *suite,
                        int64_t now_ms)
{
    uint32_t id = prekeys->signed_count == 0 ? 1 : prekeys->signed_keys[prekeys->signed_count - 1].id + 1;
    struct signed_prekey *key;
    struct account_id prefixed;

    prekeys->signed_keys =
        xrealloc(prekeys->signed_keys, (prekeys->signed_count + 1) * sizeof(prekeys->signed_keys[0]));
    key = &prekeys->signed_keys[prekeys->signed_count++];
    *key = (struct signed_prekey){.id = id, .made_ms = now_ms};
    self->draw(self->owner, key->pair.secret.bytes, sizeof(key->pair.secret.bytes));
    suite->crypto->ephemeral_public(&key->pair.secret, &key->pair.public);
    self->work.x25519++;
    account_from_x25519(&key->pair.public, &prefixed);
    suite->sign(self, BYTES_OF(prefixed.bytes), key->signature);
}

/* A clock that was set back does not make the current key look new for longer than its time. */
static bool rotation_due(const struct prekeys *prekeys, int64_t now_ms)
{
    int64_t made_ms;

    if (prekeys->signed_count == 0)
        return true;
    made_ms = prekeys->signed_keys[prekeys->signed_count - 1].made_ms;
    return now_ms - made_ms >= ROTATION_MS || made_ms - now_ms >= ROTATION_MS;
}

void prekeys_bundle(struct prekeys *prekeys, struct session_self *self, const struct session_suite *suite,
                    int64_t now_ms, struct one_time_prekey *one_time, struct prekey_bundle *bundle, bool *changed)
{
    const struct signed_prekey *current;

    *changed = false;
    if (rotation_due(prekeys, now_ms)) {
        make_signed(prekeys, self, suite, now_ms);
        drop_old(prekeys, now_ms);
        *changed = true;
    }
    if (one_time->id == 0) {
        one_time->id = ++prekeys->one_time_last_id;
        self->draw(self->owner, one_time->secret.bytes, sizeof(one_time->secret.bytes));
        *changed = true;
    }
    current = &prekeys->signed_keys[prekeys->signed_count - 1];
    account_from_x25519(&self->identity->public, &bundle->identity);
    bundle->prekey_id = one_time->id;
    suite->crypto->ephemeral_public(&one_time->secret, &bundle->prekey);
    self->work.x25519++;
    bundle->signed_key_id = current->id;
    bundle->signed_key = current->pair.public;
    memcpy(bundle->signature, current->signature, sizeof(bundle->signature));
}

void one_time_prekey_forget(struct one_time_prekey *one_time)
{
    crypto_wipe(one_time, sizeof(*one_time));
}

void prekeys_encode(const struct prekeys *prekeys, struct buf *out)
{
    uint8_t head[HEAD_BYTES];

    store_le32(head, prekeys->registration_id);
    store_le32(head + 4, prekeys->one_time_last_id);
    store_le32(head + 8, prekeys->signed_count);
    buf_append(out, BYTES_OF(head));
    for (uint32_t i = 0; i < prekeys->signed_count; i++) {
        const struct signed_prekey *key = &prekeys->signed_keys[i];
        uint8_t numbers[12];

        store_le32(numbers, key->id);
        store_le64(numbers + 4, (uint64_t)key->made_ms);
        buf_append(out, BYTES_OF(numbers));
        buf_append(out, BYTES_OF(key->pair.public.bytes));
        buf_append(out, BYTES_OF(key->pair.secret.bytes));
        buf_append(out, BYTES_OF(key->signature));
    }
}

static void read_signed(const uint8_t *wire, struct signed_prekey *key)
{
    key->id = load_le32(wire);
    key->made_ms = (int64_t)load_le64(wire + 4);
    memcpy(key->pair.public.bytes, wire + 12, 32);
    memcpy(key->pair.secret.bytes, wire + 44, 32);
    memcpy(key->signature, wire + 76, 64);
}

enum err prekeys_decode(struct prekeys *prekeys, struct bytes wire)
{
    uint32_t count, last_id = 0;

    *prekeys = (struct prekeys){0};
    if (wire.len < HEAD_BYTES)
        return ERR_FORMAT;
    count = load_le32(wire.data + 8);
    if ((wire.len - HEAD_BYTES) / SIGNED_BYTES != count || (wire.len - HEAD_BYTES) % SIGNED_BYTES != 0)
        return ERR_FORMAT;
    prekeys->registration_id = load_le32(wire.data);
    prekeys->one_time_last_id = load_le32(wire.data + 4);
    if (count > 0)
        prekeys->signed_keys = xcalloc(count, sizeof(prekeys->signed_keys[0]));
    for (; prekeys->signed_count < count; prekeys->signed_count++) {
        struct signed_prekey *key = &prekeys->signed_keys[prekeys->signed_count];

        read_signed(wire.data + HEAD_BYTES + (size_t)prekeys->signed_count * SIGNED_BYTES, key);
        if (key->id <= last_id)
            break;
        last_id = key->id;
    }
    if (prekeys->signed_count == count && prekeys->registration_id != 0 && prekeys->registration_id <= REGISTRATION_MAX)
        return OK;
    prekeys_fini(prekeys);
    return ERR_FORMAT;
}

void one_time_prekey_encode(const struct one_time_prekey *one_time, uint8_t out[ONE_TIME_PREKEY_BYTES])
{
    store_le32(out, one_time->id);
    memcpy(out + 4, one_time->secret.bytes, sizeof(one_time->secret.bytes));
}

void one_time_prekey_decode(struct one_time_prekey *one_time, const uint8_t wire[ONE_TIME_PREKEY_BYTES])
{
    one_time->id = load_le32(wire);
    memcpy(one_time->secret.bytes, wire + 4, sizeof(one_time->secret.bytes));
}
