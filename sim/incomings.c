#include "sim/incomings.h"

#include <stdlib.h>

void incomings_init(struct incomings *incomings)
{
    *incomings = (struct incomings){0};
}

void incomings_fini(struct incomings *incomings)
{
    free(incomings->buckets);
}

/* Names are our own numbers, not a peer's: mixing is enough. */
static struct parcel **bucket_of(const struct incomings *incomings, uint32_t callee, uint32_t caller, uint64_t sequence)
{
    uint64_t mixed = ((uint64_t)callee << 32 | caller) * UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 29 ^ sequence) * UINT64_C(0xbf58476d1ce4e5b9);
    return &incomings->buckets[(mixed ^ mixed >> 32) & (incomings->cap - 1)];
}

static void chain(struct incomings *incomings, struct parcel *parcel)
{
    struct parcel **bucket = bucket_of(incomings, parcel->callee, parcel->caller, parcel->sequence);

    parcel->hash_next = *bucket;
    parcel->hash_link = bucket;
    if (*bucket != NULL)
        (*bucket)->hash_link = &parcel->hash_next;
    *bucket = parcel;
}

static void grow(struct incomings *incomings)
{
    struct incomings larger = {.cap = incomings->cap == 0 ? 64 : 2 * incomings->cap, .count = incomings->count};

    larger.buckets = xcalloc(larger.cap, sizeof(*larger.buckets));
    for (size_t i = 0; i < incomings->cap; i++) {
        struct parcel *next;

        for (struct parcel *parcel = incomings->buckets[i]; parcel != NULL; parcel = next) {
            next = parcel->hash_next;
            chain(&larger, parcel);
        }
    }
    free(incomings->buckets);
    *incomings = larger;
}

void incomings_add(struct incomings *incomings, struct parcel **seat_list, struct parcel *parcel)
{
    if (incomings->count == incomings->cap)
        grow(incomings);
    incomings->count++;
    chain(incomings, parcel);
    parcel->next = *seat_list;
    parcel->link = seat_list;
    if (*seat_list != NULL)
        (*seat_list)->link = &parcel->next;
    *seat_list = parcel;
}

void incomings_remove(struct incomings *incomings, struct parcel *parcel)
{
    incomings->count--;
    *parcel->hash_link = parcel->hash_next;
    if (parcel->hash_next != NULL)
        parcel->hash_next->hash_link = parcel->hash_link;
    *parcel->link = parcel->next;
    if (parcel->next != NULL)
        parcel->next->link = parcel->link;
}

struct parcel *incomings_find(const struct incomings *incomings, uint32_t callee, uint32_t caller, uint64_t sequence)
{
    struct parcel *parcel;

    if (incomings->cap == 0)
        return NULL;
    parcel = *bucket_of(incomings, callee, caller, sequence);
    while (parcel != NULL && (parcel->callee != callee || parcel->caller != caller || parcel->sequence != sequence))
        parcel = parcel->hash_next;
    return parcel;
}
