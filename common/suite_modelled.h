/* suite_modelled.h: how the modelled suite vouches for a layer; for itself, and for tests that forge one. */
#ifndef SWARMBED_SUITE_MODELLED_H
#define SWARMBED_SUITE_MODELLED_H

#include "common/suite.h"

/* A tag over `text` that depends on the type, the whole key and the nonce. */
void modelled_tag(enum enc_type type, const struct shared_key *key, struct bytes nonce, struct bytes text,
                  uint8_t tag[SEAL_TAG_BYTES]);

#endif
