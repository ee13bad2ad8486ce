/* err.h: what the world may do to us, as one small set of codes.
 *
 * `ASSERT` is for what only our own code can get wrong; peers' bytes never reach one. Each code has a text for
 * people and the HTTP status that a node answers it with, both from one table in err.c. */
#ifndef SWARMBED_ERR_H
#define SWARMBED_ERR_H

#include <stddef.h>
#include <stdint.h>

enum err {
    OK = 0,
    ERR_FULL,       /* a bound is reached; trying again later may help */
    ERR_TOO_BIG,    /* the input, or what would come of it, exceeds its limit */
    ERR_FORMAT,     /* bytes that do not parse */
    ERR_MISSING,    /* a required field is absent */
    ERR_RANGE,      /* a number outside its allowed range */
    ERR_CRYPTO,     /* does not decrypt, or a signature or proof is wrong */
    ERR_NOT_FOUND,  /* no such thing here */
    ERR_DUPLICATE,  /* already there */
    ERR_NOT_READY,  /* not in a swarm, or still starting */
    ERR_WRONG_SWARM,/* another swarm serves that key */
    ERR_TIMEOUT,    /* no answer in time */
    ERR_UNREACHABLE,/* refused or reset */
    ERR_CANCELLED,  /* the caller gave up */
    ERR_CLOCK,      /* a timestamp that the other side does not accept */
    ERR_REFUSED,    /* the other side answered no */
    ERR_IO,         /* a file of the real machine: errno tells */
    ERR_COUNT
};

const char *err_text(enum err err);    /* for people: lower case, no full stop */
uint16_t err_status(enum err err);     /* HTTP status that a node answers with */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Prints what broke and where, then aborts. On in every build. */
_Noreturn void assert_failed(const char *what, const char *file, int line);
#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))

/* The process has no memory left: says so and exits with 3 (the machine failed us). */
_Noreturn void out_of_memory(void);
void *xmalloc(size_t size);             /* never NULL */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
