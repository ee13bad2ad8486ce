/* verify_vector.h: one file of vectors while it is verified: reading members, comparing results, counting.
 *
 * A vector is an element of a section, or of an array inside one. Whoever reads one enters it, gets members, checks
 * what the real functions make of them, and leaves. Getting a member that is not there, or has another form, makes the
 * vector unreadable: it is reported once, the getters return zeros from then on and checks say nothing, so a vector's
 * function needs no branches for it. Private to sim/verify*.c. */
#ifndef SWARMBED_VERIFY_VECTOR_H
#define SWARMBED_VERIFY_VECTOR_H

#include <stdio.h>

#include "common/arena.h"
#include "common/json.h"
#include "common/keys.h"

#define VERIFY_DEPTH_MAX 4

struct verify {
    FILE *out, *err;
    const char *file;
    struct arena arena; /* reset when an outermost vector is entered */
    struct verify_place {
        const char *section;
        size_t index;
        unsigned checked, failed; /* in this vector, without those inside */
        bool unreadable;
    } places[VERIFY_DEPTH_MAX]; /* the vector and those around it */
    size_t depth;
    unsigned passed, failed, errors; /* in this file */
};

void verify_enter(struct verify *v, const char *section, size_t index);
void verify_leave(struct verify *v); /* counts it, if anything was checked */
/* The vector cannot be read. */
void verify_unreadable(struct verify *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool verify_readable(const struct verify *v); /* neither this vector nor one around it is unreadable */

/* Getters. */
const struct json *verify_object(struct verify *v, const struct json *object, const char *name);
const struct json *verify_array(struct verify *v, const struct json *object, const char *name); /* for json_first() */
struct bytes verify_text(struct verify *v, const struct json *object, const char *name);
struct bytes verify_hex(struct verify *v, const struct json *object, const char *name); /* of any length */
void verify_hex_into(struct verify *v, const struct json *object, const char *name, uint8_t *out, size_t len);
struct bytes verify_base64(struct verify *v, const struct json *object, const char *name);
uint64_t verify_u64(struct verify *v, const struct json *object, const char *name);    /* decimal text */
uint64_t verify_decimal(struct verify *v, const struct json *value);                   /* the same, an element */
int64_t verify_integer(struct verify *v, const struct json *object, const char *name); /* JSON number */
bool verify_bool(struct verify *v, const struct json *object, const char *name);
struct account_id verify_account(struct verify *v, const struct json *object, const char *name); /* 66 hex digits */

/* Checks: each tells what was expected and what came, shortened. `what` is the member's name, where there is one. */
void verify_that(struct verify *v, bool holds, const char *what);
void verify_bytes(struct verify *v, const char *what, struct bytes expected, struct bytes got);  /* shown as hex */
void verify_string(struct verify *v, const char *what, struct bytes expected, struct bytes got); /* shown as text */
void verify_number(struct verify *v, const char *what, uint64_t expected, uint64_t got);

/* One section of a kind of file. */
struct verify_section {
    const char *name; /* NULL ends a list */
    void (*each)(struct verify *v, const struct json *vector);
};
extern const struct verify_section verify_keys_sections[], verify_message_hash_sections[],
    verify_friend_request_sections[], verify_protobuf_sections[], verify_swarm_space_sections[],
    verify_assignment_sections[], verify_pow_sections[], verify_onion_sections[], verify_session_sections[];

#endif
