#include "client/session_library.h"

#include <omemo/protocol.h>
#include <omemo/session_builder.h>
#include <omemo/session_cipher.h>
#include <omemo/session_state.h>
#include <string.h>

#define VERSION 3 /* of messages and sessions; libomemo-c's own default is 4 */
#define DEVICE  1

static signal_protocol_address address_of(const struct account_id *peer)
{
    return (signal_protocol_address){(const char *)peer->bytes, sizeof(peer->bytes), DEVICE};
}

/* --- signatures --- */

static void real_sign(struct session_self *self, struct bytes text, uint8_t signature[64])
{
    struct session_library *library = library_begin(self, NULL);
    ec_private_key *key = library_private_key(library, &self->identity->secret);
    signal_buffer *out = NULL;
    struct blob *none = NULL;
    int result = library_checked(curve_calculate_signature(library->context, &out, key, text.data, text.len));

    ASSERT(result == 0 && signal_buffer_len(out) == 64);
    memcpy(signature, signal_buffer_const_data(out), 64);
    signal_buffer_free(out);
    SIGNAL_UNREF(key);
    (void)library_end(library, 0, &none);
    self->work.signs++;
}

static bool real_verify(struct session_self *self, const struct x25519_public *signer, struct bytes text,
                        const uint8_t signature[64])
{
    ec_public_key *key = library_public_key(self->library, signer);
    int result = library_checked(curve_verify_signature(key, text.data, text.len, signature, 64));

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
    ec_public_key *identity = library_public_key(library, &peer_key);
    ec_public_key *signed_key = library_public_key(library, &bundle->signed_key);
    ec_public_key *prekey = bundle->prekey_id == 0 ? NULL : library_public_key(library, &bundle->prekey);
    session_pre_key_bundle *offered = NULL;
    session_builder *builder = NULL;
    int result;

    /* Bundles of this network do not tell the registration id. */
    result = library_checked(session_pre_key_bundle_create(&offered, 0, DEVICE, bundle->prekey_id, prekey,
                                                           bundle->signed_key_id, signed_key, bundle->signature,
                                                           sizeof(bundle->signature), identity));
    if (result == 0)
        result = library_checked(session_builder_create(&builder, library->stores, &address, library->context));
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
    library = library_begin(self, *record);
    result = start_from(library, peer, bundle);
    self->work.signs++;
    if (library->keys_drawn > 0) /* both new keys, three or four agreements, and the first ratchet step */
        self->work.x25519 += 2 + 3 + (bundle->prekey_id != 0) + 1;
    return library_end(library, result, record);
}

static int cipher_for(struct session_library *library, const signal_protocol_address *address, session_cipher **cipher)
{
    int result = library_checked(session_cipher_create(cipher, library->stores, address, library->context));

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
    library = library_begin(self, *record);
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
    return library_end(library, result, record);
}

/* The base key of the active session, which is what tells sessions apart. False: no session. */
static bool active_base_key(const struct session_library *library, const struct blob *blob, uint8_t out[33])
{
    session_record *record = NULL;
    ec_public_key *key;
    signal_buffer *text = NULL;
    bool found = false;

    if (blob == NULL ||
        library_checked(session_record_deserialize(&record, blob->data, blob->len, library->context)) != 0)
        return false;
    key = session_state_get_alice_base_key(session_record_get_state(record));
    if (key != NULL && library_checked(ec_public_key_serialize(&text, key)) == 0 && signal_buffer_len(text) == 33) {
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
    library = library_begin(self, *record);
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
    return library_end(library, result, record);
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
    library = library_begin(self, *record);
    result = library_checked(session_record_deserialize(&sessions, (*record)->data, (*record)->len, library->context));
    if (result == 0) {
        for (node = session_record_get_previous_states_head(sessions); node != NULL;)
            node = session_record_get_previous_states_remove(sessions, node);
        result = library_checked(session_record_serialize(&text, sessions));
    }
    if (result == 0)
        library->after = blob_copy(buffer_bytes(text));
    signal_buffer_bzero_free(text);
    SIGNAL_UNREF(sessions);
    return library_end(library, result, record);
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
