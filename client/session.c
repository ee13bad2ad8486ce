#include "client/session.h"

#include <omemo/signal_protocol.h>
#include <omemo/protocol.h>
#include <omemo/session_builder.h>
#include <omemo/session_cipher.h>
#include <omemo/session_state.h>
#include <stdlib.h>
#include <string.h>

#include "client/prekeys.h"
#include "common/aes.h"
#include "common/limits.h"
#include "proto/session_message.h"

#define VERSION   3 /* of messages and sessions; libomemo-c's own default is 4 */
#define DEVICE    1
#define KEY_BYTES 32

/* What our stores answer when the library must not go on: none of its own codes. */
#define STOPPED (SG_ERR_MINIMUM - 1)

/* The library asks for sessions, keys and chance through stores. Ours have what one call was given: between two calls
 * they are empty, so that a context serves all clients of a shard. */
struct session_library {
    signal_context *context;
    signal_protocol_store_context *stores;
    struct session_self *self; /* NULL: no call is under way. Below this line: valid during one */
    const struct one_time_prekey *one_time;
    const struct session_wire *wire; /* what is read; NULL: nothing is */
    const struct blob *before;
    struct blob *after;  /* what the call made of the record; NULL: nothing yet */
    uint32_t keys_drawn; /* secrets that the library made */
    bool set_up;         /* it looked for a signed prekey: it begins a session as the one who offered */
    bool too_big;        /* it wanted to store a record over the bound */
};

static int checked(int result)
{
    if (result == SG_ERR_NOMEM)
        out_of_memory();
    return result;
}

static signal_buffer *buffer_of(struct bytes bytes)
{
    signal_buffer *buffer = signal_buffer_create(bytes.data, bytes.len);

    if (buffer == NULL)
        out_of_memory();
    return buffer;
}

static struct bytes buffer_bytes(const signal_buffer *buffer)
{
    return (struct bytes){signal_buffer_const_data(buffer), signal_buffer_len(buffer)};
}

/* --- what the library computes with --- */

static int draw(uint8_t *out, size_t len, void *user_data)
{
    struct session_library *library = user_data;

    library->self->draw(library->self->owner, out, len);
    library->keys_drawn += len == KEY_BYTES;
    return 0;
}

static int hmac_begin(void **context, const uint8_t *key, size_t len, void *user_data)
{
    (void)user_data;
    *context = xmalloc(sizeof(struct hash_hmac));
    hash_hmac_init(*context, (struct bytes){key, len});
    return 0;
}

static int hmac_add(void *context, const uint8_t *data, size_t len, void *user_data)
{
    (void)user_data;
    hash_hmac_update(context, (struct bytes){data, len});
    return 0;
}

static int hmac_end(void *context, signal_buffer **out, void *user_data)
{
    uint8_t code[32];

    (void)user_data;
    hash_hmac_final(context, code);
    *out = buffer_of(BYTES_OF(code));
    return 0;
}

static void hmac_free(void *context, void *user_data)
{
    (void)user_data;
    if (context == NULL)
        return;
    crypto_wipe(context, sizeof(struct hash_hmac));
    free(context);
}

static int encrypt_cbc(signal_buffer **out, int cipher, const uint8_t *key, size_t key_len, const uint8_t *iv,
                       size_t iv_len, const uint8_t *plain, size_t plain_len, void *user_data)
{
    struct session_library *library = user_data;

    ASSERT(cipher == SG_CIPHER_AES_CBC_PKCS5 && key_len == KEY_BYTES && iv_len == AES_CBC_IV_BYTES);
    *out = signal_buffer_alloc(AES_CBC_BYTES(plain_len));
    if (*out == NULL)
        out_of_memory();
    aes_cbc_encrypt(key, iv, (struct bytes){plain, plain_len}, signal_buffer_data(*out));
    library->self->work.sealed_bytes += signal_buffer_len(*out);
    return 0;
}

static int decrypt_cbc(signal_buffer **out, int cipher, const uint8_t *key, size_t key_len, const uint8_t *iv,
                       size_t iv_len, const uint8_t *text, size_t text_len, void *user_data)
{
    struct session_library *library = user_data;
    uint8_t *plain = arena_alloc(library->self->arena, text_len);
    size_t plain_len;

    ASSERT(cipher == SG_CIPHER_AES_CBC_PKCS5 && key_len == KEY_BYTES && iv_len == AES_CBC_IV_BYTES);
    library->self->work.sealed_bytes += text_len;
    if (aes_cbc_decrypt(key, iv, (struct bytes){text, text_len}, plain, &plain_len) != OK)
        return SG_ERR_INVALID_MESSAGE; /* as a wrong MAC: another session may fit */
    *out = buffer_of((struct bytes){plain, plain_len});
    return 0;
}

static const signal_crypto_provider provider = {
    .random_func = draw,
    .hmac_sha256_init_func = hmac_begin,
    .hmac_sha256_update_func = hmac_add,
    .hmac_sha256_final_func = hmac_end,
    .hmac_sha256_cleanup_func = hmac_free,
    .encrypt_func = encrypt_cbc,
    .decrypt_func = decrypt_cbc,
};

/* --- what the library remembers --- */

static int load_session(signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address,
                        void *user_data)
{
    struct session_library *library = user_data;

    (void)user_record, (void)address;
    if (library->before == NULL)
        return 0;
    *record = buffer_of(blob_bytes(library->before));
    return 1;
}

static int contains_session(const signal_protocol_address *address, void *user_data)
{
    struct session_library *library = user_data;

    (void)address;
    return library->before != NULL;
}

static int store_session(const signal_protocol_address *address, uint8_t *record, size_t record_len,
                         uint8_t *user_record, size_t user_record_len, void *user_data)
{
    struct session_library *library = user_data;

    (void)address, (void)user_record, (void)user_record_len;
    if (record_len > LIMIT_SESSION_BYTES) {
        library->too_big = true;
        return STOPPED;
    }
    blob_drop(library->after);
    library->after = blob_copy((struct bytes){record, record_len});
    return 0;
}

static const signal_protocol_session_store session_store = {
    .load_session_func = load_session,
    .store_session_func = store_session,
    .contains_session_func = contains_session,
};

static ec_public_key *public_key(struct session_library *library, const struct x25519_public *key)
{
    struct account_id prefixed;
    ec_public_key *out = NULL;
    int result;

    account_from_x25519(key, &prefixed);
    result = checked(curve_decode_point(&out, prefixed.bytes, sizeof(prefixed.bytes), library->context));
    ASSERT(result == 0); /* any 32 bytes are a key to it */
    return out;
}

/* libsodium clamps a secret whenever it uses it, this library never: it must get it so. */
static struct x25519_secret clamped(const struct x25519_secret *key)
{
    struct x25519_secret out = *key;

    out.bytes[0] &= 0xf8;
    out.bytes[31] = (out.bytes[31] & 0x7f) | 0x40;
    return out;
}

static ec_private_key *private_key(struct session_library *library, const struct x25519_secret *key)
{
    struct x25519_secret secret = clamped(key);
    ec_private_key *out = NULL;
    int result = checked(curve_decode_private_point(&out, secret.bytes, sizeof(secret.bytes), library->context));

    crypto_wipe(&secret, sizeof(secret));
    ASSERT(result == 0);
    return out;
}

static ec_key_pair *key_pair(struct session_library *library, const struct x25519_public *public,
                             const struct x25519_secret *secret)
{
    ec_public_key *public_half = public_key(library, public);
    ec_private_key *secret_half = private_key(library, secret);
    ec_key_pair *out = NULL;

    (void)checked(ec_key_pair_create(&out, public_half, secret_half));
    SIGNAL_UNREF(public_half);
    SIGNAL_UNREF(secret_half);
    return out;
}

static int load_one_time(signal_buffer **record, uint32_t id, void *user_data)
{
    struct session_library *library = user_data;
    struct x25519_public public;
    session_pre_key *key = NULL;
    ec_key_pair *pair;
    int result;

    if (library->one_time == NULL || id == 0 || library->one_time->id != id)
        return SG_ERR_INVALID_KEY_ID;
    x25519_public_of(&library->one_time->secret, &public);
    pair = key_pair(library, &public, &library->one_time->secret);
    result = checked(session_pre_key_create(&key, id, pair));
    SIGNAL_UNREF(pair);
    if (result == 0)
        result = checked(session_pre_key_serialize(record, key));
    SIGNAL_UNREF(key);
    return result;
}

/* The caller forgets it, once the record without it is safe. */
static int remove_one_time(uint32_t id, void *user_data)
{
    (void)id, (void)user_data;
    return 0;
}

static const signal_protocol_pre_key_store one_time_store = {
    .load_pre_key = load_one_time,
    .remove_pre_key = remove_one_time,
};

static int load_signed(signal_buffer **record, uint32_t id, void *user_data)
{
    struct session_library *library = user_data;
    const struct signed_prekey *found = prekeys_signed(library->self->prekeys, id);
    session_signed_pre_key *key = NULL;
    ec_key_pair *pair;
    int result;

    if (found == NULL || (library->one_time != NULL && !library->wire->prekey.has_prekey_id))
        return SG_ERR_INVALID_KEY_ID;
    library->set_up = true;
    pair = key_pair(library, &found->pair.public, &found->pair.secret);
    result = checked(session_signed_pre_key_create(&key, id, (uint64_t)found->made_ms, pair, found->signature,
                                                   sizeof(found->signature), NULL, 0));
    SIGNAL_UNREF(pair);
    if (result == 0)
        result = checked(session_signed_pre_key_serialize(record, key));
    SIGNAL_UNREF(key);
    return result;
}

static const signal_protocol_signed_pre_key_store signed_store = {
    .load_signed_pre_key = load_signed,
};

static int load_identity(signal_buffer **public_data, signal_buffer **private_data, void *user_data)
{
    struct session_library *library = user_data;
    const struct x25519_pair *identity = library->self->identity;
    struct x25519_secret secret = clamped(&identity->secret);
    struct account_id prefixed;

    account_from_x25519(&identity->public, &prefixed);
    *public_data = buffer_of(BYTES_OF(prefixed.bytes));
    *private_data = buffer_of(BYTES_OF(secret.bytes));
    crypto_wipe(&secret, sizeof(secret));
    return 0;
}

static int load_registration(void *user_data, uint32_t *registration_id)
{
    struct session_library *library = user_data;

    *registration_id = library->self->prekeys->registration_id;
    return 0;
}

static int save_identity(const signal_protocol_address *address, uint8_t *key, size_t key_len, void *user_data)
{
    (void)address, (void)key, (void)key_len, (void)user_data;
    return 1;
}

/* An account is its key: whose message it is has been compared before the library saw it. */
static int trust_identity(const signal_protocol_address *address, uint8_t *key, size_t key_len, void *user_data)
{
    (void)address, (void)key, (void)key_len, (void)user_data;
    return 1;
}

static const signal_protocol_identity_key_store identity_store = {
    .get_identity_key_pair = load_identity,
    .get_local_registration_id = load_registration,
    .save_identity = save_identity,
    .is_trusted_identity = trust_identity,
};

/* --- the library itself --- */

struct session_library *session_library_new(void)
{
    struct session_library *library = xcalloc(1, sizeof(*library));
    signal_protocol_session_store sessions = session_store;
    signal_protocol_pre_key_store one_times = one_time_store;
    signal_protocol_signed_pre_key_store signeds = signed_store;
    signal_protocol_identity_key_store identities = identity_store;
    signal_crypto_provider crypto = provider;

    sessions.user_data = one_times.user_data = signeds.user_data = identities.user_data = crypto.user_data = library;
    (void)checked(signal_context_create(&library->context, library));
    (void)checked(signal_context_set_crypto_provider(library->context, &crypto));
    (void)checked(signal_protocol_store_context_create(&library->stores, library->context));
    (void)checked(signal_protocol_store_context_set_session_store(library->stores, &sessions));
    (void)checked(signal_protocol_store_context_set_pre_key_store(library->stores, &one_times));
    (void)checked(signal_protocol_store_context_set_signed_pre_key_store(library->stores, &signeds));
    (void)checked(signal_protocol_store_context_set_identity_key_store(library->stores, &identities));
    return library;
}

void session_library_free(struct session_library *library)
{
    if (library == NULL)
        return;
    signal_protocol_store_context_destroy(library->stores);
    signal_context_destroy(library->context);
    free(library);
}

static struct session_library *begin(struct session_self *self, const struct blob *record)
{
    struct session_library *library = self->library;

    ASSERT(library->self == NULL);
    library->self = self;
    library->before = record;
    library->keys_drawn = 0;
    library->set_up = library->too_big = false;
    return library;
}

static enum err err_of(const struct session_library *library, int result)
{
    if (result >= 0)
        return OK;
    if (library->too_big)
        return ERR_TOO_BIG;
    switch (checked(result)) {
    case SG_ERR_DUPLICATE_MESSAGE:
        return ERR_DUPLICATE;
    case SG_ERR_INVALID_KEY_ID:
        return ERR_NOT_FOUND;
    case SG_ERR_NO_SESSION:
        return ERR_MISSING;
    default:
        return ERR_CRYPTO;
    }
}

/* Ends the call: its record is the caller's if all went well. */
static enum err end(struct session_library *library, int result, struct blob **record)
{
    enum err err = err_of(library, result);

    if (err == OK && library->after != NULL) {
        blob_drop(*record);
        *record = library->after;
    } else {
        blob_drop(library->after);
    }
    library->after = NULL;
    library->self = NULL;
    library->one_time = NULL;
    library->wire = NULL;
    library->before = NULL;
    return err;
}

static signal_protocol_address address_of(const struct account_id *peer)
{
    return (signal_protocol_address){(const char *)peer->bytes, sizeof(peer->bytes), DEVICE};
}

/* --- signatures --- */

static void real_sign(struct session_self *self, struct bytes text, uint8_t signature[64])
{
    struct session_library *library = begin(self, NULL);
    ec_private_key *key = private_key(library, &self->identity->secret);
    signal_buffer *out = NULL;
    struct blob *none = NULL;
    int result = checked(curve_calculate_signature(library->context, &out, key, text.data, text.len));

    ASSERT(result == 0 && signal_buffer_len(out) == 64);
    memcpy(signature, signal_buffer_const_data(out), 64);
    signal_buffer_free(out);
    SIGNAL_UNREF(key);
    (void)end(library, 0, &none);
    self->work.signs++;
}

static bool real_verify(struct session_self *self, const struct x25519_public *signer, struct bytes text,
                        const uint8_t signature[64])
{
    ec_public_key *key = public_key(self->library, signer);
    int result = checked(curve_verify_signature(key, text.data, text.len, signature, 64));

    SIGNAL_UNREF(key);
    self->work.signs++;
    return result == 1;
}

/* --- sessions --- */

static int start_from(struct session_library *library, const struct account_id *peer,
                      const struct prekey_bundle *bundle)
{
    signal_protocol_address address = address_of(peer);
    struct x25519_public peer_key = account_x25519(peer);
    ec_public_key *identity = public_key(library, &peer_key);
    ec_public_key *signed_key = public_key(library, &bundle->signed_key);
    ec_public_key *prekey = bundle->prekey_id == 0 ? NULL : public_key(library, &bundle->prekey);
    session_pre_key_bundle *offered = NULL;
    session_builder *builder = NULL;
    int result;

    /* Bundles of this network do not tell the registration id. */
    result =
        checked(session_pre_key_bundle_create(&offered, 0, DEVICE, bundle->prekey_id, prekey, bundle->signed_key_id,
                                              signed_key, bundle->signature, sizeof(bundle->signature), identity));
    if (result == 0)
        result = checked(session_builder_create(&builder, library->stores, &address, library->context));
    if (result == 0) {
        session_builder_set_version(builder, VERSION);
        result = session_builder_process_pre_key_bundle(builder, offered);
    }
    session_builder_free(builder);
    SIGNAL_UNREF(offered);
    SIGNAL_UNREF(prekey);
    SIGNAL_UNREF(signed_key);
    SIGNAL_UNREF(identity);
    return result;
}

static enum err real_start(struct session_self *self, const struct account_id *peer, const struct prekey_bundle *bundle,
                           struct blob **record)
{
    struct session_library *library;
    int result;

    if (!account_equal(&bundle->identity, peer))
        return ERR_REFUSED;
    library = begin(self, *record);
    result = start_from(library, peer, bundle);
    self->work.signs++;
    if (library->keys_drawn > 0) /* both new keys, three or four agreements, and the first ratchet step */
        self->work.x25519 += 2 + 3 + (bundle->prekey_id != 0) + 1;
    return end(library, result, record);
}

static int cipher_for(struct session_library *library, const signal_protocol_address *address, session_cipher **cipher)
{
    int result = checked(session_cipher_create(cipher, library->stores, address, library->context));

    if (result == 0)
        session_cipher_set_version(*cipher, VERSION);
    return result;
}

static enum err real_encrypt(struct session_self *self, const struct account_id *peer, struct bytes plain,
                             struct blob **record, struct session_sealed *out)
{
    signal_protocol_address address = address_of(peer);
    struct session_library *library;
    session_cipher *cipher = NULL;
    ciphertext_message *message = NULL;
    int result;

    if (*record == NULL)
        return ERR_MISSING;
    library = begin(self, *record);
    result = cipher_for(library, &address, &cipher);
    if (result == 0)
        result = session_cipher_encrypt(cipher, plain.data, plain.len, &message);
    if (result == 0) {
        out->type = ciphertext_message_get_type(message) == CIPHERTEXT_PREKEY_TYPE ? ENVELOPE_PREKEY_BUNDLE
                                                                                   : ENVELOPE_CIPHERTEXT;
        out->wire = arena_copy(self->arena, buffer_bytes(ciphertext_message_get_serialized(message)));
    }
    SIGNAL_UNREF(message);
    session_cipher_free(cipher);
    return end(library, result, record);
}

/* The base key of the active session, which is what tells sessions apart. False: no session. */
static bool active_base_key(const struct session_library *library, const struct blob *blob, uint8_t out[33])
{
    session_record *record = NULL;
    ec_public_key *key;
    signal_buffer *text = NULL;
    bool found = false;

    if (blob == NULL || checked(session_record_deserialize(&record, blob->data, blob->len, library->context)) != 0)
        return false;
    key = session_state_get_alice_base_key(session_record_get_state(record));
    if (key != NULL && checked(ec_public_key_serialize(&text, key)) == 0 && signal_buffer_len(text) == 33) {
        memcpy(out, signal_buffer_const_data(text), 33);
        found = true;
    }
    signal_buffer_free(text);
    SIGNAL_UNREF(record);
    return found;
}

static int read_wire(struct session_library *library, session_cipher *cipher, struct bytes wire, signal_buffer **plain)
{
    pre_key_signal_message *first = NULL;
    signal_message *message = NULL;
    int result;

    if (library->wire->begins) {
        result = pre_key_signal_message_deserialize(&first, wire.data, wire.len, library->context);
        if (result == 0)
            result = session_cipher_decrypt_pre_key_signal_message(cipher, first, NULL, plain);
    } else {
        result = signal_message_deserialize(&message, wire.data, wire.len, library->context);
        if (result == 0)
            result = session_cipher_decrypt_signal_message(cipher, message, NULL, plain);
    }
    SIGNAL_UNREF(first);
    SIGNAL_UNREF(message);
    return result;
}

/* What a message that was read did to the sessions. */
static void describe(const struct session_library *library, const struct session_wire *wire, struct session_opened *out)
{
    uint8_t before[33], after[33];
    struct account_id base_key;
    bool had = active_base_key(library, library->before, before);
    bool has = active_base_key(library, library->after, after);

    account_from_x25519(&wire->prekey.base_key, &base_key);
    out->began = library->set_up && has && memcmp(after, base_key.bytes, sizeof(after)) == 0;
    out->switched = had && has && memcmp(before, after, sizeof(after)) != 0;
    out->prekey_used = out->began && wire->prekey.has_prekey_id;
}

static enum err real_decrypt(struct session_self *self, const struct account_id *peer,
                             const struct one_time_prekey *one_time, uint32_t type, struct bytes wire,
                             struct blob **record, struct session_opened *out)
{
    signal_protocol_address address = address_of(peer);
    struct session_wire read;
    struct session_library *library;
    session_cipher *cipher = NULL;
    signal_buffer *plain = NULL;
    int result;

    if (session_wire_decode(type, wire, self->arena, &read) != OK)
        return ERR_FORMAT;
    if (read.begins && !account_equal(&read.prekey.identity, peer))
        return ERR_REFUSED;
    library = begin(self, *record);
    library->one_time = one_time;
    library->wire = &read;
    result = cipher_for(library, &address, &cipher);
    if (result == 0)
        result = read_wire(library, cipher, wire, &plain);
    if (result >= 0) {
        out->plain = arena_copy(self->arena, buffer_bytes(plain));
        describe(library, &read, out);
    }
    signal_buffer_bzero_free(plain);
    session_cipher_free(cipher);
    if (library->set_up && result != SG_ERR_INVALID_KEY_ID)
        self->work.x25519 += 3 + read.prekey.has_prekey_id;
    self->work.x25519 +=
        3 * library->keys_drawn; /* a ratchet step: a new key, and agreements of old and new with theirs */
    return end(library, result, record);
}

static enum err real_keep_active(struct session_self *self, struct blob **record)
{
    struct session_library *library;
    session_record *sessions = NULL;
    session_record_state_node *node;
    signal_buffer *text = NULL;
    int result;

    if (*record == NULL)
        return ERR_MISSING;
    library = begin(self, *record);
    result = checked(session_record_deserialize(&sessions, (*record)->data, (*record)->len, library->context));
    if (result == 0) {
        for (node = session_record_get_previous_states_head(sessions); node != NULL;)
            node = session_record_get_previous_states_remove(sessions, node);
        result = checked(session_record_serialize(&text, sessions));
    }
    if (result == 0)
        library->after = blob_copy(buffer_bytes(text));
    signal_buffer_bzero_free(text);
    SIGNAL_UNREF(sessions);
    return end(library, result, record);
}

const struct session_suite session_real = {
    .name = "real",
    .crypto = &crypto_real,
    .sign = real_sign,
    .verify = real_verify,
    .start = real_start,
    .encrypt = real_encrypt,
    .decrypt = real_decrypt,
    .keep_active = real_keep_active,
};

const struct session_suite *session_suite_for(const struct crypto_suite *crypto)
{
    return crypto == &crypto_modelled ? &session_modelled : &session_real;
}
