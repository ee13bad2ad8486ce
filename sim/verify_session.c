/* verify_session.c: vectors of sessions: x3dh_ratchet.json.
 *
 * Both parties are played by session_real, each with the chance that the vectors give it, so that all messages come out
 * byte for byte. What the library computes on the way is computed beside it from the values for debugging. */
#include <string.h>

#include "client/prekeys.h"
#include "common/aes.h"
#include "common/suite.h"
#include "common/text.h"
#include "proto/session_message.h"
#include "sim/verify_vector.h"

#define PARTY_PREKEYS_MAX 8
#define MESSAGES_MAX      1024

#define INFO_X3DH    "WhisperText"
#define INFO_RATCHET "WhisperRatchet"
#define INFO_MESSAGE "WhisperMessageKeys"

/* HKDF-SHA256; 96 bytes are the most that is wanted. */
static void hkdf(struct bytes secret, const uint8_t salt[32], const char *info, uint8_t out[96])
{
    uint8_t key[32], block[32 + 32 + 1];
    size_t len = 0, info_len = strlen(info);

    ASSERT(info_len <= 32);
    hash_hmac_sha256((struct bytes){salt, 32}, secret, key);
    for (uint8_t i = 1; i <= 3; i++) {
        memcpy(block + len, info, info_len);
        block[len + info_len] = i;
        hash_hmac_sha256(BYTES_OF(key), (struct bytes){block, len + info_len + 1}, out + (i - 1) * 32);
        memcpy(block, out + (i - 1) * 32, 32);
        len = 32;
    }
}

static void verify_hkdf_info(struct verify *v, const struct json *vector)
{
    verify_string(v, "x3dh", verify_text(v, vector, "x3dh"), BYTES_LIT(INFO_X3DH));
    verify_string(v, "ratchet", verify_text(v, vector, "ratchet"), BYTES_LIT(INFO_RATCHET));
    verify_string(v, "message", verify_text(v, vector, "message"), BYTES_LIT(INFO_MESSAGE));
}

/* ---- the parties ---- */

struct party {
    struct x25519_pair identity;
    struct account_id account;
    struct signed_prekey signed_keys[PARTY_PREKEYS_MAX];
    struct prekeys prekeys;
    struct one_time_prekey one_time;
    bool has_one_time;
    struct blob *record;
};

struct conversation {
    struct verify *v;
    struct session_library *library;
    struct party alice, bob;
    struct x25519_secret base, ratchet; /* what alice drew for the start */
    const struct json *next_draw;
    bool drew_too_much;
    struct {
        uint32_t type;
        struct bytes wire; /* no message yet: no data */
    } messages[MESSAGES_MAX];
};

static struct x25519_pair get_pair(struct verify *v, const struct json *object, const char *private_name,
                                   const char *public_name)
{
    struct account_id expected = verify_account(v, object, public_name), got;
    struct x25519_pair pair;

    verify_hex_into(v, object, private_name, pair.secret.bytes, sizeof(pair.secret.bytes));
    x25519_public_of(&pair.secret, &pair.public);
    account_from_x25519(&pair.public, &got);
    verify_bytes(v, public_name, BYTES_OF(expected.bytes), BYTES_OF(got.bytes));
    return pair;
}

static void get_party(struct verify *v, const struct json *vector, const char *name, struct party *party)
{
    const struct json *object = verify_object(v, vector, name);

    party->prekeys.registration_id = (uint32_t)verify_integer(v, object, "registration_id");
    party->prekeys.signed_keys = party->signed_keys;
    party->identity = get_pair(v, object, "identity_private", "identity_public");
    account_from_x25519(&party->identity.public, &party->account);
}

/* What bob has and alice has not. */
static void get_prekeys(struct verify *v, const struct json *bob, struct party *party)
{
    const struct json *signed_keys = verify_array(v, bob, "signed_prekeys");
    const struct json *one_times = verify_array(v, bob, "one_time_prekeys");

    if (json_count(signed_keys) > PARTY_PREKEYS_MAX || json_count(one_times) > 1) {
        verify_unreadable(v, "there are more prekeys than one contact is offered");
        return;
    }
    for (const struct json *key = json_first(signed_keys); key != NULL; key = json_next(key)) {
        struct signed_prekey *own = &party->signed_keys[party->prekeys.signed_count++];

        own->id = (uint32_t)verify_integer(v, key, "id");
        own->pair = get_pair(v, key, "private", "public");
    }
    for (const struct json *key = json_first(one_times); key != NULL; key = json_next(key)) {
        party->has_one_time = true;
        party->one_time.id = (uint32_t)verify_integer(v, key, "id");
        party->one_time.secret = get_pair(v, key, "private", "public").secret;
    }
}

static struct x25519_public get_key(struct verify *v, const struct json *object, const char *name)
{
    struct account_id prefixed = verify_account(v, object, name);

    return account_x25519(&prefixed);
}

static struct prekey_bundle get_bundle(struct verify *v, const struct json *vector)
{
    const struct json *object = verify_object(v, vector, "bundle");
    struct prekey_bundle bundle = {.identity = verify_account(v, object, "identity_key")};

    bundle.signed_key_id = (uint32_t)verify_integer(v, object, "signed_prekey_id");
    bundle.signed_key = get_key(v, object, "signed_prekey");
    verify_hex_into(v, object, "signed_prekey_signature", bundle.signature, sizeof(bundle.signature));
    if (object != NULL && json_get(object, "prekey") != NULL) {
        bundle.prekey_id = (uint32_t)verify_integer(v, object, "prekey_id");
        bundle.prekey = get_key(v, object, "prekey");
    }
    return bundle;
}

/* ---- acting ---- */

static void draw(void *owner, void *out, size_t len)
{
    struct conversation *c = owner;

    memset(out, 0, len);
    if (c->next_draw == NULL || hex_decode(out, len, json_string(c->next_draw)) != OK)
        c->drew_too_much = true;
    else
        c->next_draw = json_next(c->next_draw);
}

static struct session_self act_as(struct conversation *c, const struct party *party, const struct json *draws)
{
    c->next_draw = json_first(draws);
    c->drew_too_much = false;
    return (struct session_self){.library = c->library,
                                 .identity = &party->identity,
                                 .prekeys = &party->prekeys,
                                 .draw = draw,
                                 .owner = c,
                                 .arena = &c->v->arena};
}

static void verify_draws(struct conversation *c)
{
    verify_that(c->v, !c->drew_too_much && c->next_draw == NULL, "as many random draws");
}

static struct bytes agree(struct conversation *c, const struct x25519_secret *secret,
                          const struct x25519_public *public)
{
    struct x25519_pair own = {.secret = *secret};
    struct shared_key key = {{0}};

    x25519_public_of(secret, &own.public);
    verify_that(c->v, crypto_real.agree(&own, public, &key) == OK, "the keys agree");
    return arena_copy(&c->v->arena, BYTES_OF(key.bytes));
}

static void verify_key(struct verify *v, const struct json *object, const char *name, const struct x25519_public *got)
{
    struct x25519_public expected = get_key(v, object, name);

    verify_bytes(v, name, BYTES_OF(expected.bytes), BYTES_OF(got->bytes));
}

/* The values for debugging, from alice's secrets. */
static void verify_start_values(struct conversation *c, const struct json *start, const struct prekey_bundle *bundle)
{
    static const uint8_t zeros[32] = {0};
    struct x25519_public theirs = account_x25519(&bundle->identity), base, ratchet;
    uint8_t keys[96], root[32];
    struct buf master;

    x25519_public_of(&c->base, &base);
    x25519_public_of(&c->ratchet, &ratchet);
    buf_init(&master, 5 * 32);
    memset(buf_space(&master, 32), 0xff, 32);
    buf_append(&master, agree(c, &c->alice.identity.secret, &bundle->signed_key));
    buf_append(&master, agree(c, &c->base, &theirs));
    buf_append(&master, agree(c, &c->base, &bundle->signed_key));
    if (bundle->prekey_id != 0)
        buf_append(&master, agree(c, &c->base, &bundle->prekey));
    verify_bytes(c->v, "master_secret", verify_hex(c->v, start, "master_secret"), buf_bytes(&master));
    hkdf(buf_bytes(&master), zeros, INFO_X3DH, keys);
    buf_fini(&master);
    memcpy(root, keys, sizeof(root));
    verify_bytes(c->v, "initial_root_key", verify_hex(c->v, start, "initial_root_key"), BYTES_OF(root));
    verify_bytes(c->v, "initial_chain_key", verify_hex(c->v, start, "initial_chain_key"),
                 (struct bytes){keys + 32, 32});
    hkdf(agree(c, &c->ratchet, &bundle->signed_key), root, INFO_RATCHET, keys);
    verify_bytes(c->v, "root_key", verify_hex(c->v, start, "root_key"), (struct bytes){keys, 32});
    verify_bytes(c->v, "first_sending_chain_key", verify_hex(c->v, start, "first_sending_chain_key"),
                 (struct bytes){keys + 32, 32});
    verify_key(c->v, start, "base_public", &base);
    verify_key(c->v, start, "first_sending_ratchet_public", &ratchet);
}

/* ---- the conversation ---- */

static void verify_start(struct conversation *c, const struct json *vector)
{
    struct prekey_bundle bundle = get_bundle(c->v, vector);
    const struct json *start = verify_object(c->v, vector, "session_start");
    const struct json *draws = verify_array(c->v, start, "random_draws");
    struct session_self alice = act_as(c, &c->alice, draws);
    struct account_id signed_key;

    if (!bytes_equal_text(verify_text(c->v, start, "by"), "alice") || json_count(draws) != 2)
        verify_unreadable(c->v, "a session must be started by alice with 2 random draws");
    if (!verify_readable(c->v))
        return;
    draw(c, c->base.bytes, sizeof(c->base.bytes));
    draw(c, c->ratchet.bytes, sizeof(c->ratchet.bytes));
    verify_draws(c);
    verify_start_values(c, start, &bundle);

    account_from_x25519(&bundle.signed_key, &signed_key);
    verify_that(c->v,
                session_real.verify(&alice, &c->bob.identity.public, BYTES_OF(signed_key.bytes), bundle.signature),
                "signed_prekey_signature");
    alice = act_as(c, &c->alice, draws);
    verify_that(c->v, session_real.start(&alice, &c->bob.account, &bundle, &c->alice.record) == OK,
                "the session starts");
    verify_draws(c);
}

/* Counter, seed and keys of a message, and that these keys made it. */
static void verify_message_keys(struct conversation *c, const struct json *step, const struct party *from,
                                const struct party *to, const struct session_message *message)
{
    static const uint8_t zeros[32] = {0};
    const struct json *values = verify_object(c->v, step, "message_keys");
    struct bytes plain = verify_hex(c->v, step, "plaintext_hex");
    uint8_t *text = arena_alloc(&c->v->arena, AES_CBC_BYTES(plain.len));
    uint8_t keys[96], code[32];
    struct hash_hmac hmac;

    verify_number(c->v, "counter", (uint64_t)verify_integer(c->v, values, "counter"), message->counter);
    verify_key(c->v, step, "ratchet_public", &message->ratchet_key);
    hkdf(verify_hex(c->v, values, "seed"), zeros, INFO_MESSAGE, keys);
    verify_bytes(c->v, "cipher_key", verify_hex(c->v, values, "cipher_key"), (struct bytes){keys, 32});
    verify_bytes(c->v, "mac_key", verify_hex(c->v, values, "mac_key"), (struct bytes){keys + 32, 32});
    verify_bytes(c->v, "iv", verify_hex(c->v, values, "iv"), (struct bytes){keys + 64, 16});
    aes_cbc_encrypt(keys, keys + 64, plain, text);
    verify_bytes(c->v, "ciphertext", (struct bytes){text, AES_CBC_BYTES(plain.len)}, message->ciphertext);
    hash_hmac_init(&hmac, (struct bytes){keys + 32, 32});
    hash_hmac_update(&hmac, BYTES_OF(from->account.bytes));
    hash_hmac_update(&hmac, BYTES_OF(to->account.bytes));
    hash_hmac_update(&hmac, message->signed_part);
    hash_hmac_final(&hmac, code);
    verify_bytes(c->v, "MAC", (struct bytes){code, SESSION_MAC_BYTES}, BYTES_OF(message->mac));
}

/* Message by message: libraries of the era write the fields of the outer one in another order. */
static void verify_written(struct conversation *c, uint32_t type, struct bytes expected, struct bytes got)
{
    struct session_wire a, b;

    if (session_wire_decode(type, expected, &c->v->arena, &a) != OK ||
        session_wire_decode(type, got, &c->v->arena, &b) != OK) {
        verify_that(c->v, false, "wire_hex is a message of that type");
        return;
    }
    if (!a.begins) {
        verify_bytes(c->v, "wire_hex", expected, got);
        return;
    }
    verify_number(c->v, "has a preKeyId", a.prekey.has_prekey_id, b.prekey.has_prekey_id);
    verify_number(c->v, "preKeyId", a.prekey.prekey_id, b.prekey.prekey_id);
    verify_number(c->v, "signedPreKeyId", a.prekey.signed_prekey_id, b.prekey.signed_prekey_id);
    verify_number(c->v, "registrationId", a.prekey.registration_id, b.prekey.registration_id);
    verify_bytes(c->v, "baseKey", BYTES_OF(a.prekey.base_key.bytes), BYTES_OF(b.prekey.base_key.bytes));
    verify_bytes(c->v, "identityKey", BYTES_OF(a.prekey.identity.bytes), BYTES_OF(b.prekey.identity.bytes));
    verify_bytes(c->v, "message", a.prekey.message, b.prekey.message);
}

static uint32_t get_type(struct verify *v, const struct json *step)
{
    struct bytes type = verify_text(v, step, "type");

    if (bytes_equal_text(type, "prekey"))
        return ENVELOPE_PREKEY_BUNDLE;
    if (!bytes_equal_text(type, "whisper"))
        verify_unreadable(v, "the member 'type' must be 'prekey' or 'whisper'");
    return ENVELOPE_CIPHERTEXT;
}

static size_t get_message(struct verify *v, const struct json *step)
{
    int64_t index = verify_integer(v, step, "message");

    if (index >= 0 && index < MESSAGES_MAX)
        return (size_t)index;
    verify_unreadable(v, "the member 'message' must be from 0 to %d", MESSAGES_MAX - 1);
    return 0;
}

static void verify_encrypt(struct conversation *c, const struct json *step, struct party *from, const struct party *to)
{
    struct session_self self = act_as(c, from, NULL);
    struct bytes plain = verify_hex(c->v, step, "plaintext_hex"), wire = verify_hex(c->v, step, "wire_hex");
    uint32_t type = get_type(c->v, step);
    size_t index = get_message(c->v, step);
    struct session_sealed sealed;
    struct session_wire read;

    if (!verify_readable(c->v))
        return;
    c->messages[index].type = type;
    c->messages[index].wire = wire;
    if (session_real.encrypt(&self, &to->account, plain, &from->record, &sealed) != OK) {
        verify_that(c->v, false, "it is sealed");
        return;
    }
    verify_draws(c);
    verify_number(c->v, "type", type, sealed.type);
    verify_written(c, type, wire, sealed.wire);
    if (session_wire_decode(sealed.type, sealed.wire, &c->v->arena, &read) == OK)
        verify_message_keys(c, step, from, to, &read.message);
}

/* OK: there is none. */
static enum err get_error(struct verify *v, const struct json *step)
{
    struct bytes error;

    if (json_get(step, "error") == NULL)
        return OK;
    error = verify_text(v, step, "error");
    if (bytes_equal_text(error, "duplicate"))
        return ERR_DUPLICATE;
    if (!bytes_equal_text(error, "invalid message"))
        verify_unreadable(v, "the member 'error' must be 'duplicate' or 'invalid message'");
    return ERR_CRYPTO;
}

static void verify_decrypt(struct conversation *c, const struct json *step, struct party *to, const struct party *from)
{
    const struct json *draws = verify_array(c->v, step, "random_draws");
    struct session_self self = act_as(c, to, draws);
    size_t index = get_message(c->v, step);
    struct bytes wire = c->messages[index].wire;
    enum err expected = get_error(c->v, step), err;
    struct session_opened opened;

    if (wire.data == NULL)
        verify_unreadable(c->v, "the member 'message' must be a message that was written before");
    if (json_get(step, "wire_hex") != NULL)
        wire = verify_hex(c->v, step, "wire_hex");
    if (!verify_readable(c->v))
        return;
    err = session_real.decrypt(&self, &from->account, to->has_one_time ? &to->one_time : NULL, c->messages[index].type,
                               wire, &to->record, &opened);
    verify_string(c->v, "error", bytes_text(err_text(expected)), bytes_text(err_text(err)));
    verify_draws(c);
    if (expected == OK && err == OK)
        verify_bytes(c->v, "plaintext_hex", verify_hex(c->v, step, "plaintext_hex"), opened.plain);
}

static void verify_step(struct conversation *c, const struct json *step)
{
    struct bytes by = verify_text(c->v, step, "by"), op = verify_text(c->v, step, "op");
    bool by_alice = bytes_equal_text(by, "alice");
    struct party *actor = by_alice ? &c->alice : &c->bob, *other = by_alice ? &c->bob : &c->alice;

    if (!by_alice && !bytes_equal_text(by, "bob"))
        verify_unreadable(c->v, "the member 'by' must be 'alice' or 'bob'");
    else if (bytes_equal_text(op, "encrypt"))
        verify_encrypt(c, step, actor, other);
    else if (bytes_equal_text(op, "decrypt"))
        verify_decrypt(c, step, actor, other);
    else
        verify_unreadable(c->v, "the member 'op' must be 'encrypt' or 'decrypt'");
}

static void verify_scenario(struct verify *v, const struct json *vector)
{
    struct conversation *c = arena_zalloc(&v->arena, sizeof(*c));
    const struct json *steps = verify_array(v, vector, "steps");
    size_t index = 0;

    c->v = v;
    c->library = session_library_new();
    get_party(v, vector, "alice", &c->alice);
    get_party(v, vector, "bob", &c->bob);
    get_prekeys(v, verify_object(v, vector, "bob"), &c->bob);
    verify_start(c, vector);
    for (const struct json *step = json_first(steps); step != NULL; step = json_next(step)) {
        verify_enter(v, "steps", index++);
        verify_step(c, step);
        verify_leave(v);
    }
    blob_drop(c->alice.record);
    blob_drop(c->bob.record);
    session_library_free(c->library);
}

const struct verify_section verify_session_sections[] = {
    {"hkdf_info", verify_hkdf_info},
    {"scenarios", verify_scenario},
    {NULL, NULL},
};
