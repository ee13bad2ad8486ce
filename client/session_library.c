#include "client/session_library.h"

#include <stdlib.h>
#include <string.h>

#include "client/prekeys.h"
#include "common/aes.h"
#include "common/limits.h"

#define KEY_BYTES 32

/* What our stores answer when the library must not go on: none of its own codes. */
#define STOPPED (SG_ERR_MINIMUM - 1)

int library_checked(int result)
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

ec_public_key *library_public_key(struct session_library *library, const struct x25519_public *key)
{
    struct account_id prefixed;
    ec_public_key *out = NULL;
    int result;

    account_from_x25519(key, &prefixed);
    result = library_checked(curve_decode_point(&out, prefixed.bytes, sizeof(prefixed.bytes), library->context));
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

ec_private_key *library_private_key(struct session_library *library, const struct x25519_secret *key)
{
    struct x25519_secret secret = clamped(key);
    ec_private_key *out = NULL;
    int result =
        library_checked(curve_decode_private_point(&out, secret.bytes, sizeof(secret.bytes), library->context));

    crypto_wipe(&secret, sizeof(secret));
    ASSERT(result == 0);
    return out;
}

static ec_key_pair *key_pair(struct session_library *library, const struct x25519_public *public,
                             const struct x25519_secret *secret)
{
    ec_public_key *public_half = library_public_key(library, public);
    ec_private_key *secret_half = library_private_key(library, secret);
    ec_key_pair *out = NULL;

    (void)library_checked(ec_key_pair_create(&out, public_half, secret_half));
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
    result = library_checked(session_pre_key_create(&key, id, pair));
    SIGNAL_UNREF(pair);
    if (result == 0)
        result = library_checked(session_pre_key_serialize(record, key));
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
    result = library_checked(session_signed_pre_key_create(&key, id, (uint64_t)found->made_ms, pair, found->signature,
                                                           sizeof(found->signature), NULL, 0));
    SIGNAL_UNREF(pair);
    if (result == 0)
        result = library_checked(session_signed_pre_key_serialize(record, key));
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
    (void)library_checked(signal_context_create(&library->context, library));
    (void)library_checked(signal_context_set_crypto_provider(library->context, &crypto));
    (void)library_checked(signal_protocol_store_context_create(&library->stores, library->context));
    (void)library_checked(signal_protocol_store_context_set_session_store(library->stores, &sessions));
    (void)library_checked(signal_protocol_store_context_set_pre_key_store(library->stores, &one_times));
    (void)library_checked(signal_protocol_store_context_set_signed_pre_key_store(library->stores, &signeds));
    (void)library_checked(signal_protocol_store_context_set_identity_key_store(library->stores, &identities));
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

struct session_library *library_begin(struct session_self *self, const struct blob *record)
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
    switch (library_checked(result)) {
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

enum err library_end(struct session_library *library, int result, struct blob **record)
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
