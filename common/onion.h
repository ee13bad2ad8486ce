/* onion.h: one layer of encryption per hop around one request.
 *
 * A client wraps from the destination outwards; each snode peels one layer and learns only its successor. Pure: the
 * caller brings the randomness, so one seed gives one onion, byte for byte. Whom to ask and how long to wait is
 * node/relay.c; choosing the path is client/path.c. Both forms: v1 (JSON with base64 at every layer, AES-GCM only) and
 * v2 (4-byte little-endian length, bytes, JSON). Source: PROTOCOL 4. Vectors: tests/vectors/onion.json. */
#ifndef SWARMBED_ONION_H
#define SWARMBED_ONION_H

#include "common/arena.h"
#include "common/blob.h"
#include "common/suite.h"

enum onion_version { ONION_V1 = 1, ONION_V2 = 2 };

#define ONION_HOPS_MAX 8 /* that we build: path nodes and the target */

struct onion_hop {
    struct ed25519_public ed25519; /* names it in the layer before */
    struct x25519_public x25519;   /* encrypts to it */
    enum enc_type enc_type;
};

/* One-use randomness of one layer; the caller wipes it. */
struct onion_seed {
    struct x25519_secret secret;
    uint8_t nonce[SEAL_NONCE_MAX]; /* the first seal_nonce_bytes() count */
};

/* What opens the answer: the key of the target's layer. The caller wipes it. */
struct reply_key {
    struct shared_key key;
    enum enc_type enc_type;
};

/* For an outside server as the target: the last path node gets this instead of a destination. Relays of this project
 * recognise it and contact nobody. */
struct onion_server {
    const char *host, *target, *method; /* "example.org", "/oxen/v4/lsrpc", "POST" */
    const char *protocol;               /* "https" or "http"; NULL: not written */
    uint16_t port;                      /* 0: not written */
};

/* Wraps `body` for hops[0] (the guard) through hops[hop_count - 1] (the target node).
 *   headers    JSON of the target layer's `headers`, e.g. `{}` or `{"X-Loki-Long-Poll":"true"}`; for v1 likewise
 *   seeds      hop_count of them
 *   onion      out: the body of POST /onion_req or /onion_req/v2 at the guard; lives in `arena`
 *   reply_key  out: the caller's, who wipes it once the reply is open
 * ERR_TOO_BIG if the result would exceed LIMIT_BODY_BYTES; ERR_CRYPTO for a hop with a bad key. Then nothing is written. */
MUST_CHECK enum err onion_wrap(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                               const struct onion_hop hops[], size_t hop_count, struct bytes body, struct bytes headers,
                               const struct onion_seed seeds[], struct bytes *onion, struct reply_key *reply_key);

/* The same for an outside server, whose x25519 key is that of the last hop (its ed25519 key is not used): two hops at least. */
MUST_CHECK enum err onion_wrap_server(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                                      const struct onion_hop hops[], size_t hop_count, const struct onion_server *server,
                                      struct bytes body, struct bytes headers, const struct onion_seed seeds[],
                                      struct bytes *onion, struct reply_key *reply_key);

/* A layer as it reaches a node: the ciphertext and what is needed to open it. Views into the message it came in. */
struct onion_layer {
    struct bytes ciphertext;        /* binary; v1's base64 is decoded into the arena */
    struct x25519_public ephemeral;
    enum enc_type enc_type;
    int hop_no;                     /* 0 at the guard unless the client says otherwise; never above LIMIT_ONION_HOPS + 2 */
};

/* Reads what a client POSTs to the guard. ERR_FORMAT: `why` (never NULL) is the answer's text (PROTOCOL 4.7). */
MUST_CHECK enum err onion_read_outer(enum onion_version version, struct arena *arena, struct bytes body,
                                     struct onion_layer *layer, const char **why);
/* Node to node: `sn.onion_request`, a bencoded dict {data, enc_type, ephemeral_key, hop_no} (v2), and `sn.onion_req`, a
 * bencoded list of the key as hex and the ciphertext as base64 (v1). The writer returns a new blob, the caller's. */
struct blob *onion_write_peer(enum onion_version version, const struct onion_layer *layer);
/* ERR_FORMAT, ERR_MISSING. */
MUST_CHECK enum err onion_read_peer(enum onion_version version, struct arena *arena, struct bytes body,
                                    struct onion_layer *layer);

enum onion_kind {
    ONION_FINAL,        /* this node is the target: `body` is the request */
    ONION_RELAY_NODE,   /* `next` goes to the node `destination` */
    ONION_RELAY_SERVER, /* an outside server: `host` and `target` */
    ONION_INVALID       /* decrypted, but unusable inside: answer an encrypted 400 `Invalid json` */
};

struct onion_peeled {
    enum onion_kind kind;
    struct reply_key reply_key;        /* of this layer: seals answers and encrypted errors */
    struct bytes body;                 /* FINAL */
    bool long_poll;                    /* FINAL: `headers` has X-Loki-Long-Poll, in any case */
    bool reply_as_json;                /* FINAL: `"json": true`: the answer's body is embedded as JSON, not as a string */
    bool reply_raw;                    /* FINAL: `"base64": false`: the encrypted answer is not base64 */
    struct ed25519_public destination; /* RELAY_NODE */
    struct onion_layer next;           /* RELAY_NODE: hop_no is already one more than the layer's */
    struct bytes host, target;         /* RELAY_SERVER */
};

/* Opens one layer with the node's x25519 pair; `out` views the arena. ERR_CRYPTO: `Invalid ciphertext`, nothing else is
 * known. Otherwise OK, also for ONION_INVALID. */
MUST_CHECK enum err onion_peel(const struct crypto_suite *suite, enum onion_version version, struct arena *arena,
                               const struct x25519_pair *own, const struct onion_layer *layer, struct onion_peeled *out);

/* The target's answer: {"body": text, "status": n} sealed with the layer's key, base64 unless `raw`. A new blob. */
struct blob *onion_seal_reply(const struct crypto_suite *suite, const struct reply_key *key, const uint8_t *nonce,
                              uint16_t status, struct bytes body, bool body_is_json, bool as_json, bool raw);
/* Opens it at the client, which asks neither for `as_json` nor for `raw`: *status (100 to 999) and *body, in the arena.
 * ERR_CRYPTO: does not decrypt. ERR_FORMAT: decrypts to something else. */
MUST_CHECK enum err onion_open_reply(const struct crypto_suite *suite, const struct reply_key *key, struct arena *arena,
                                     struct bytes reply, uint16_t *status, struct bytes *body);

/* A layer's key from the agreement: HMAC "LOKI" (gcm), the agreement itself (cbc), BLAKE2b with both publics (xchacha20). */
MUST_CHECK enum err onion_layer_key(const struct crypto_suite *suite, enum enc_type type, const struct x25519_pair *own,
                                    const struct x25519_public *theirs, bool own_is_client, struct shared_key *out);
/* "xchacha20", "xchacha20-poly1305", "aes-gcm", "gcm", "aes-cbc", "cbc". ERR_FORMAT: another. */
MUST_CHECK enum err enc_type_from_text(struct bytes text, enum enc_type *out);
const char *enc_type_text(enum enc_type type); /* as written: "xchacha20", "aes-gcm", "aes-cbc" */

/* v2 framing: 4-byte little-endian length, that many bytes, JSON to the end. The writer leaves the bytes to its caller, who
 * fills `*blob` in place; the whole lives in `arena`. ERR_TOO_BIG: more than LIMIT_BODY_BYTES. */
MUST_CHECK enum err onion_frame(struct arena *arena, size_t blob_len, struct bytes json, uint8_t **blob,
                                struct bytes *framed);
MUST_CHECK enum err onion_unframe(struct bytes text, struct bytes *blob, struct bytes *json);

#endif
