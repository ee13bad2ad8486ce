/* loki_key.h: the key of a GCM layer: HMAC-SHA-256 of the agreement under the fixed key "LOKI".
 *
 * Made eight times for every onion request. Source: PROTOCOL 4.2. */
#ifndef SWARMBED_LOKI_KEY_H
#define SWARMBED_LOKI_KEY_H

#include <stdint.h>

void loki_key(const uint8_t agreement[32], uint8_t key[32]);

#endif
