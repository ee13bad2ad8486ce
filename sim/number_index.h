/* number_index.h: finds by key the things that are numbered 0, 1, ... and never go: seats, nodes, users.
 *
 * Only the numbers are stored, four bytes in at most three quarters of the slots: the keys stay with the things, and
 * `key_of` cuts them out. A world has millions of them; where things also go, or have an order, use common/table.h. The
 * keys are made by the world itself, so nobody can choose ones that collide. */
#ifndef SWARMBED_NUMBER_INDEX_H
#define SWARMBED_NUMBER_INDEX_H

#include "common/bytes.h"

/* The key of the thing with that number; valid until the next call. */
typedef struct bytes (*number_key_fn)(const void *owner, uint32_t number);

#define NUMBER_NONE UINT32_MAX

struct number_index {
    number_key_fn key_of;
    const void *owner; /* of key_of; never read here */
    uint32_t *slots;   /* number + 1; 0: empty. Open addressing */
    uint32_t count;
    uint32_t cap; /* power of two, or 0 */
};

void number_index_init(struct number_index *index, number_key_fn key_of, const void *owner);
void number_index_fini(struct number_index *index);
/* The next number, `count`, is taken in; its key is new and never changes. */
void number_index_add(struct number_index *index);
uint32_t number_index_find(const struct number_index *index, struct bytes key); /* NUMBER_NONE */

#endif
