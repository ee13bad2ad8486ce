/* The modelled sessions: the ratchet of the real ones, state by state, without their curve and ciphers.
 *
 * It hides nothing and resists nobody: it is for worlds in which all run the same program. Keys agree as in the
 * modelled crypto suite, by a hash of public values; a text is sealed by padding it; its MAC is a SipHash under a
 * message key. Which sessions and keys there are, which message is refused and why, what chance is drawn and how large
 * everything is, follows libomemo-c step by step, because virtual results must be equal with both (DESIGN 2): the tests
 * play the same scripts with both. Records are session_modelled_record.c's. */
#include "client/session.h"

#include <string.h>

#include "client/prekeys.h"
#include "client/session_modelled_record.h"
#include "common/aes.h"
#include "common/limits.h"
#include "proto/session_message.h"

/* --- keys --- */

static void draw_pair(struct session_self *self, struct x25519_pair *pair)
{
    self->draw(self->owner, pair->secret.bytes, KEY_BYTES);
    crypto_modelled.ephemeral_public(&pair->secret, &pair->public);
    self->work.x25519++;
}

/* Curve25519 does not look at a key's top bit. */
static struct x25519_public without_top_bit(const struct x25519_public *key)
{
    struct x25519_public out = *key;

    out.bytes[31] &= 0x7f;
    return out;
}

/* As the real library, which takes even the zeros that points of small order give. */
static void agree(struct session_self *self, const struct x25519_pair *own, const struct x25519_public *theirs,
                  uint8_t out[KEY_BYTES])
{
    struct x25519_pair ours = {.public = without_top_bit(&own->public), .secret = own->secret};
    struct x25519_public other = without_top_bit(theirs);
    struct shared_key key;

    if (crypto_modelled.agree(&ours, &other, &key) != OK)
        memset(&key, 0, sizeof(key));
    memcpy(out, key.bytes, KEY_BYTES);
    self->work.x25519++;
}

/* Secrets -> the next root and a new chain. */
static void derive(struct bytes secrets, uint8_t root[KEY_BYTES], struct chain *chain)
{
    uint8_t keys[2 * KEY_BYTES];

    hash_sha512(secrets, keys);
    memcpy(root, keys, KEY_BYTES);
    memcpy(chain->key, keys + KEY_BYTES, KEY_BYTES);
    chain->index = 0;
}

static void root_step(struct session_self *self, uint8_t root[KEY_BYTES], const struct x25519_pair *own,
                      const struct x25519_public *theirs, struct chain *chain)
{
    uint8_t secrets[2 * KEY_BYTES];

    memcpy(secrets, root, KEY_BYTES);
    agree(self, own, theirs, secrets + KEY_BYTES);
    derive(BYTES_OF(secrets), root, chain);
}

/* The key of the chain's next message, and one step on. */
static void chain_step(struct chain *chain, uint8_t message_key[KEY_BYTES])
{
    const struct bytes key[] = {BYTES_OF(chain->key), BYTES_LIT("\1")};
    const struct bytes next[] = {BYTES_OF(chain->key), BYTES_LIT("\2")};

    hash_blake2b_256(key, ARRAY_LEN(key), message_key);
    hash_blake2b_256(next, ARRAY_LEN(next), chain->key);
    chain->index++;
}

static void make_mac(const uint8_t message_key[KEY_BYTES], const struct account_id *from, const struct account_id *to,
                     struct bytes text, uint8_t mac[SESSION_MAC_BYTES])
{
    const struct bytes parts[] = {{message_key, KEY_BYTES}, BYTES_OF(from->bytes), BYTES_OF(to->bytes)};
    uint8_t key[32];

    hash_blake2b_256(parts, ARRAY_LEN(parts), key);
    store_le64(mac, hash_sip(key, text));
}

static struct account_id own_account(const struct session_self *self)
{
    struct account_id account;

    account_from_x25519(&self->identity->public, &account);
    return account;
}

/* --- signatures: 32 random bytes, then a hash of them with signer and text --- */

static void hash_signed(const struct x25519_public *signer, struct bytes text, const uint8_t nonce[32], uint8_t out[32])
{
    const struct bytes parts[] = {BYTES_LIT("modelled signature"), BYTES_OF(signer->bytes), {nonce, 32}, text};

    hash_blake2b_256(parts, ARRAY_LEN(parts), out);
}

static void modelled_sign(struct session_self *self, struct bytes text, uint8_t signature[64])
{
    self->draw(self->owner, signature, 64); /* as many as the real one draws */
    hash_signed(&self->identity->public, text, signature, signature + 32);
    self->work.signs++;
}

static bool modelled_verify(struct session_self *self, const struct x25519_public *signer, struct bytes text,
                            const uint8_t signature[64])
{
    uint8_t expected[32];

    hash_signed(signer, text, signature, expected);
    self->work.signs++;
    return memcmp(expected, signature + 32, sizeof(expected)) == 0;
}

/* --- beginning a session, on either side --- */

static void add_receiving(struct state *state, const struct x25519_public *ratchet_key, const struct chain *chain)
{
    if (state->receiving_count == CHAINS_MAX) {
        state->receiving_count--;
        memmove(state->receiving, state->receiving + 1, state->receiving_count * sizeof(state->receiving[0]));
    }
    state->receiving[state->receiving_count++] = (struct receiving){.ratchet_key = *ratchet_key, .chain = *chain};
}

static enum err modelled_start(struct session_self *self, const struct account_id *peer,
                               const struct prekey_bundle *bundle, struct blob **record)
{
    struct x25519_public theirs = account_x25519(peer);
    struct state state = {.local_registration = self->prekeys->registration_id,
                          .pending = true,
                          .pending_has_prekey = bundle->prekey_id != 0,
                          .pending_prekey = bundle->prekey_id,
                          .pending_signed = bundle->signed_key_id};
    uint8_t secrets[4 * KEY_BYTES];
    struct account_id signed_key;
    struct x25519_pair base;
    struct record sessions;
    struct chain receiving;

    if (!account_equal(&bundle->identity, peer))
        return ERR_REFUSED;
    account_from_x25519(&bundle->signed_key, &signed_key);
    if (!modelled_verify(self, &theirs, BYTES_OF(signed_key.bytes), bundle->signature) ||
        !modelled_record_decode(*record, &sessions))
        return ERR_CRYPTO;
    draw_pair(self, &base);
    draw_pair(self, &state.ratchet);
    state.base_key = base.public;
    agree(self, self->identity, &bundle->signed_key, secrets);
    agree(self, &base, &theirs, secrets + KEY_BYTES);
    agree(self, &base, &bundle->signed_key, secrets + 2 * KEY_BYTES);
    if (bundle->prekey_id != 0)
        agree(self, &base, &bundle->prekey, secrets + 3 * KEY_BYTES);
    derive((struct bytes){secrets, (3u + (bundle->prekey_id != 0)) * KEY_BYTES}, state.root, &receiving);
    add_receiving(&state, &bundle->signed_key, &receiving);
    root_step(self, state.root, &state.ratchet, &bundle->signed_key, &state.sending);
    modelled_record_promote(&sessions, modelled_state_encode(&state, self->arena));
    return modelled_record_store(&sessions, record);
}

/* The one who offered the bundle, when the first message of a session comes. */
static enum err set_up(struct session_self *self, const struct account_id *peer, const struct one_time_prekey *one_time,
                       const struct session_prekey_message *prekey, struct state *state)
{
    const struct signed_prekey *signed_key = prekeys_signed(self->prekeys, prekey->signed_prekey_id);
    struct x25519_public theirs = account_x25519(peer);
    uint8_t secrets[4 * KEY_BYTES];
    struct x25519_pair pair;

    if (signed_key == NULL || (one_time != NULL && !prekey->has_prekey_id))
        return ERR_NOT_FOUND;
    if (prekey->has_prekey_id) {
        if (one_time == NULL || prekey->prekey_id == 0 || one_time->id != prekey->prekey_id)
            return ERR_NOT_FOUND;
        pair.secret = one_time->secret;
        crypto_modelled.ephemeral_public(&pair.secret, &pair.public);
    }
    *state = (struct state){.base_key = prekey->base_key,
                            .local_registration = self->prekeys->registration_id,
                            .remote_registration = prekey->registration_id,
                            .ratchet = signed_key->pair};
    agree(self, &signed_key->pair, &theirs, secrets);
    agree(self, self->identity, &prekey->base_key, secrets + KEY_BYTES);
    agree(self, &signed_key->pair, &prekey->base_key, secrets + 2 * KEY_BYTES);
    if (prekey->has_prekey_id)
        agree(self, &pair, &prekey->base_key, secrets + 3 * KEY_BYTES);
    derive((struct bytes){secrets, (3u + prekey->has_prekey_id) * KEY_BYTES}, state->root, &state->sending);
    return OK;
}

/* --- writing --- */

/* PKCS#7 over the plaintext as it is. */
static struct bytes pad(struct bytes plain, struct arena *arena)
{
    size_t len = AES_CBC_BYTES(plain.len);
    uint8_t *out = arena_alloc(arena, len);

    memset(out, (int)(len - plain.len), len);
    if (plain.len > 0)
        memcpy(out, plain.data, plain.len);
    return (struct bytes){out, len};
}

static struct bytes write_message(struct session_self *self, const struct account_id *peer, struct state *state,
                                  struct bytes plain)
{
    struct session_message message = {.ratchet_key = state->ratchet.public,
                                      .counter = state->sending.index,
                                      .previous_counter = state->previous_counter,
                                      .ciphertext = pad(plain, self->arena)};
    struct account_id own = own_account(self);
    uint8_t key[KEY_BYTES];
    struct bytes wire;

    self->work.sealed_bytes += message.ciphertext.len;
    chain_step(&state->sending, key);
    wire = session_message_encode(&message, self->arena);
    make_mac(key, &own, peer, wire, (uint8_t *)(uintptr_t)wire.data + wire.len); /* there is room behind */
    wire.len += SESSION_MAC_BYTES;
    return wire;
}

static enum err modelled_encrypt(struct session_self *self, const struct account_id *peer, struct bytes plain,
                                 struct blob **record, struct session_sealed *out)
{
    struct record sessions;
    struct state state;

    if (*record == NULL)
        return ERR_MISSING;
    if (!modelled_record_decode(*record, &sessions) || sessions.count == 0 ||
        !modelled_state_decode(sessions.states[0], self->arena, &state))
        return ERR_CRYPTO;
    out->type = state.pending ? ENVELOPE_PREKEY_BUNDLE : ENVELOPE_CIPHERTEXT;
    out->wire = write_message(self, peer, &state, plain);
    if (state.pending) {
        struct session_prekey_message prekey = {.has_prekey_id = state.pending_has_prekey,
                                                .prekey_id = state.pending_prekey,
                                                .signed_prekey_id = state.pending_signed,
                                                .registration_id = state.local_registration,
                                                .base_key = state.base_key,
                                                .identity = own_account(self),
                                                .message = out->wire};
        out->wire = session_prekey_message_encode(&prekey, self->arena);
    }
    sessions.states[0] = modelled_state_encode(&state, self->arena);
    return modelled_record_store(&sessions, record);
}

/* --- reading --- */

static struct receiving *find_receiving(struct state *state, const struct x25519_public *ratchet_key)
{
    for (uint32_t i = 0; i < state->receiving_count; i++)
        if (memcmp(state->receiving[i].ratchet_key.bytes, ratchet_key->bytes, KEY_BYTES) == 0)
            return &state->receiving[i];
    return NULL;
}

/* They have a new key: their chain, then a new key of ours and our next chain. */
static struct receiving *ratchet_step(struct session_self *self, struct state *state,
                                      const struct x25519_public *theirs)
{
    struct chain receiving;

    root_step(self, state->root, &state->ratchet, theirs, &receiving);
    draw_pair(self, &state->ratchet);
    state->previous_counter = state->sending.index > 0 ? state->sending.index - 1 : 0;
    root_step(self, state->root, &state->ratchet, theirs, &state->sending);
    add_receiving(state, theirs, &receiving);
    return &state->receiving[state->receiving_count - 1];
}

/* The key of message `counter`, which is used up now; keys of messages before it are kept for when they come. */
static enum err message_key(struct receiving *receiving, uint32_t counter, struct arena *arena, uint8_t key[KEY_BYTES])
{
    struct skipped *skipped = receiving->skipped;
    uint32_t ahead;

    if (counter < receiving->chain.index) {
        for (uint32_t i = 0; i < receiving->skipped_count; i++) {
            if (skipped[i].counter != counter)
                continue;
            memcpy(key, skipped[i].key, KEY_BYTES);
            receiving->skipped_count--;
            memmove(skipped + i, skipped + i + 1, (receiving->skipped_count - i) * sizeof(*skipped));
            return OK;
        }
        return ERR_DUPLICATE;
    }
    ahead = counter - receiving->chain.index;
    if (ahead > LIMIT_SESSION_SKIP)
        return ERR_CRYPTO;
    receiving->skipped = arena_alloc(arena, (receiving->skipped_count + ahead) * sizeof(*skipped));
    if (receiving->skipped_count > 0)
        memcpy(receiving->skipped, skipped, receiving->skipped_count * sizeof(*skipped));
    for (uint32_t i = 0; i < ahead; i++) {
        struct skipped *one = &receiving->skipped[receiving->skipped_count++];

        one->counter = receiving->chain.index;
        chain_step(&receiving->chain, one->key);
    }
    chain_step(&receiving->chain, key);
    return OK;
}

static enum err unpad(struct bytes text, struct bytes *plain)
{
    uint8_t padding = text.len == 0 ? 0 : text.data[text.len - 1];

    if (text.len % AES_CBC_IV_BYTES != 0 || padding == 0 || padding > AES_CBC_IV_BYTES)
        return ERR_CRYPTO;
    for (size_t i = text.len - padding; i < text.len; i++)
        if (text.data[i] != padding)
            return ERR_CRYPTO;
    *plain = bytes_slice(text, 0, text.len - padding);
    return OK;
}

/* ERR_CRYPTO: another session may fit. The state is spoilt if it is not OK. */
static enum err read_in(struct session_self *self, const struct account_id *peer, struct state *state,
                        const struct session_message *message, struct bytes *plain)
{
    struct receiving *receiving = find_receiving(state, &message->ratchet_key);
    struct account_id own = own_account(self);
    uint8_t key[KEY_BYTES], mac[SESSION_MAC_BYTES];
    enum err err;

    if (receiving == NULL)
        receiving = ratchet_step(self, state, &message->ratchet_key);
    err = message_key(receiving, message->counter, self->arena, key);
    if (err != OK)
        return err;
    make_mac(key, peer, &own, message->signed_part, mac);
    if (memcmp(mac, message->mac, sizeof(mac)) != 0)
        return ERR_CRYPTO;
    self->work.sealed_bytes += message->ciphertext.len;
    state->pending = state->pending_has_prekey = false;
    return unpad(message->ciphertext, plain);
}

/* Tries the sessions one after another; the one that fits becomes the active one. */
static enum err read_in_any(struct session_self *self, const struct account_id *peer, struct record *sessions,
                            const struct session_message *message, struct bytes *plain)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct state state;
        enum err err;

        if (!modelled_state_decode(sessions->states[i], self->arena, &state))
            return ERR_CRYPTO;
        err = read_in(self, peer, &state, message, plain);
        if (err == ERR_CRYPTO)
            continue;
        if (err != OK)
            return err;
        modelled_record_take_out(sessions, i);
        modelled_record_promote(sessions, modelled_state_encode(&state, self->arena));
        return OK;
    }
    return ERR_CRYPTO;
}

static bool knows_session(const struct record *sessions, const struct x25519_public *base_key)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (modelled_state_has_base_key(sessions->states[i], base_key))
            return true;
    return false;
}

static enum err modelled_decrypt(struct session_self *self, const struct account_id *peer,
                                 const struct one_time_prekey *one_time, uint32_t type, struct bytes wire,
                                 struct blob **record, struct session_opened *out)
{
    struct bytes active = BYTES_NONE;
    struct session_wire read;
    struct record sessions;
    struct state state;
    bool began = false;
    enum err err;

    if (session_wire_decode(type, wire, self->arena, &read) != OK)
        return ERR_FORMAT;
    if (read.begins && !account_equal(&read.prekey.identity, peer))
        return ERR_REFUSED;
    if (!read.begins && *record == NULL)
        return ERR_MISSING;
    if (!modelled_record_decode(*record, &sessions))
        return ERR_CRYPTO;
    if (sessions.count > 0)
        active = sessions.states[0];
    if (read.begins && !knows_session(&sessions, &read.prekey.base_key)) {
        err = set_up(self, peer, one_time, &read.prekey, &state);
        if (err != OK)
            return err;
        modelled_record_promote(&sessions, modelled_state_encode(&state, self->arena));
        began = true;
    }
    err = read_in_any(self, peer, &sessions, &read.message, &out->plain);
    if (err != OK)
        return err;
    out->began = began && modelled_state_has_base_key(sessions.states[0], &read.prekey.base_key);
    out->switched =
        active.len > 0 && memcmp(active.data + HEAD_BYTES, sessions.states[0].data + HEAD_BYTES, KEY_BYTES) != 0;
    out->prekey_used = out->began && read.prekey.has_prekey_id;
    return modelled_record_store(&sessions, record);
}

static enum err modelled_keep_active(struct session_self *self, struct blob **record)
{
    struct record sessions;

    (void)self;
    if (*record == NULL)
        return ERR_MISSING;
    if (!modelled_record_decode(*record, &sessions))
        return ERR_CRYPTO;
    sessions.count = 1;
    return modelled_record_store(&sessions, record);
}

const struct session_suite session_modelled = {
    .name = "modelled",
    .crypto = &crypto_modelled,
    .sign = modelled_sign,
    .verify = modelled_verify,
    .start = modelled_start,
    .encrypt = modelled_encrypt,
    .decrypt = modelled_decrypt,
    .keep_active = modelled_keep_active,
};
