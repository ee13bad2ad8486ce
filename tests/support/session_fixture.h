/* session_fixture.h: two people who write to each other through client/session.h, in one suite.
 *
 * They are 0 and 1; a function that takes `who` acts for that one, towards the other. */
#ifndef SWARMBED_SESSION_FIXTURE_H
#define SWARMBED_SESSION_FIXTURE_H

#include "client/prekeys.h"
#include "client/session.h"

extern const struct session_suite *const suites[2]; /* real, modelled */

/* One of two people, with its own chance. */
struct person {
    struct rng rng;
    struct x25519_pair identity;
    struct account_id account;
    struct prekeys prekeys;
    struct one_time_prekey one_time; /* made for the other */
    struct blob *record;             /* with the other */
    struct session_work work;
};

/* A conversation in one suite. */
struct pair {
    const struct session_suite *suite;
    struct session_library *library;
    struct arena arena;
    struct person people[2];
};

void pair_init(struct pair *pair, const struct session_suite *suite);
void pair_fini(struct pair *pair);

struct session_self pair_self(struct pair *pair, int who);
/* What `who` offers the other. */
struct prekey_bundle pair_offer(struct pair *pair, int who, int64_t now_ms);
enum err pair_start(struct pair *pair, int who, const struct prekey_bundle *bundle);
enum err pair_seal(struct pair *pair, int who, struct bytes plain, struct session_sealed *sealed);
enum err pair_open(struct pair *pair, int who, const struct session_sealed *sealed, struct session_opened *opened);
/* The same, and nothing is refused. */
struct session_sealed sealed_text(struct pair *pair, int who, const char *text);
struct session_opened opened_text(struct pair *pair, int who, const struct session_sealed *sealed, const char *text);
/* 1 starts with what 0 offered, and both have written. */
void pair_settle(struct pair *pair);

#endif
