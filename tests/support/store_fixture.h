/* store_fixture.h: a store of one account, in which a message is a number: its data, one byte.
 *
 * The texts it gives live in the fake env's arena. */
#ifndef SWARMBED_STORE_FIXTURE_H
#define SWARMBED_STORE_FIXTURE_H

#include "node/store.h"
#include "tests/support/fake_env.h"

#define TTL_MS 60000

struct store_world {
    struct fake_env fake;
    struct body_pool bodies;
    struct store store;
    struct account_id account;
    struct store_wait wait; /* of the last put: one at a time */
    bool nobody_waits;      /* for any number of puts at a time */
    unsigned done;          /* waits that ended */
    char changed[256];      /* "namespace:number " of what was told to have changed */
};
extern struct store_world world;

void start(void);
void end(void);
size_t restart(void); /* the machine dies, and starts with its disk: the messages it read */
void settle(void);    /* all up to now reaches the disk */

enum err put_at(int16_t namespace, uint8_t number, int64_t timestamp_ms, uint64_t ttl_ms); /* and nothing runs */
enum err put(int16_t namespace, uint8_t number);                                           /* now, for TTL_MS */
/* The same data from a client of the era: `which` tells such messages apart. */
enum err put_era(uint8_t number, uint8_t which, uint64_t ttl_ms);

const char *hash_of(int16_t namespace, uint8_t number); /* 43 characters */
uint8_t number_of(const struct stored_body *body);
/* "1 2 3": what a page holds, and "+" if there is more. */
const char *page(int16_t namespace, const char *last_hash, size_t count_max, uint64_t bytes_max);
const char *all(int16_t namespace);
const char *after(int16_t namespace, uint8_t number);
const char *era_view(void);
int64_t expiry_of(int16_t namespace, uint8_t number); /* -1: not held */
void on_done(struct store_wait *wait);
void on_changed(void *owner, int16_t namespace, const char hash[MESSAGE_HASH_CHARS]); /* appends to world.changed */

#endif
