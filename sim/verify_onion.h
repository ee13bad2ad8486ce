/* verify_onion.h: what the two parts of onion.json share. Private to sim/verify_onion*.c. */
#ifndef SWARMBED_VERIFY_ONION_H
#define SWARMBED_VERIFY_ONION_H

#include "common/onion.h"
#include "sim/verify_vector.h"

/* A type by its name. */
enum enc_type verify_enc_type(struct verify *v, struct bytes text);
/* The one-use pair and nonce of a layer. */
struct onion_seed verify_seed(struct verify *v, const struct json *layer, enum enc_type type, struct x25519_pair *pair);
/* The agreement and the key of a layer, as one side makes them. */
void verify_layer_key(struct verify *v, const struct json *layer, enum enc_type type, const struct x25519_pair *own,
                      const struct x25519_public *theirs, bool own_is_client, struct shared_key *key);
void verify_open(struct verify *v, struct bytes expected, enum enc_type type, const struct shared_key *key,
                 struct bytes sealed);
void verify_path_v2(struct verify *v, const struct json *vector);
void verify_path_v1(struct verify *v, const struct json *vector);

#endif
