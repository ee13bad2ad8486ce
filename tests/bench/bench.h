/* bench.h: measures one side against another, and prints what came out as one table.
 *
 * Both sides of a row run in turn in one process: a warm-up, then rounds whose order changes, and the medians count. A
 * figure is either a ratio of the sides or absolute, each with an aim or without. Not a test: nothing here fails. */
#ifndef SWARMBED_BENCH_H
#define SWARMBED_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_aim { AIM_NONE, AIM_AT_LEAST, AIM_AT_MOST };
struct bench_figure {
    double value;
    enum bench_aim aim;
    double aim_value;
    const char *unit; /* behind the number; "" for a ratio; NULL: there is no such figure */
    int decimals;
};
static inline struct bench_figure bench_ratio(double value, enum bench_aim aim, double aim_value)
{
    return (struct bench_figure){value, aim, aim_value, "", 2};
}

struct bench_row {
    const char *name; /* of the benchmark: what --only says */
    char what[96];
    const char *against; /* "-": nothing */
    struct bench_figure ratio, absolute;
    char detail[160];
};

struct bench;
void bench_add(struct bench *bench, const struct bench_row *row);

/* One round of one side: nanoseconds of its work per unit. */
typedef double (*bench_side_fn)(void *owner);
struct bench_pair {
    double ours_ns, theirs_ns;
    double ratio; /* ours over theirs, the median of the rounds' own */
};
struct bench_pair bench_compare(unsigned rounds, bench_side_fn ours, void *our_owner, bench_side_fn theirs,
                                void *their_owner);
double bench_median(double values[], size_t count); /* sorts them */

/* Processor time of this process: what others do on the machine disturbs it little. Only for one thread. */
uint64_t bench_cpu_ns(void);
/* Bytes that are allocated now. */
uint64_t bench_allocated(void);
/* A cheap generator of evenly spread numbers, for what both sides draw. */
static inline uint64_t bench_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The benchmarks. */
void bench_onion(struct bench *bench);    /* onion requests, real cryptography */
void bench_modelled(struct bench *bench); /* the same, modelled */
void bench_threads(struct bench *bench);  /* a busy network on two threads */
void bench_pow(struct bench *bench);      /* trials of a proof of work */
void bench_events(struct bench *bench);   /* the event engine */
void bench_memory(struct bench *bench);   /* bytes per node, client and replica */
void bench_building(struct bench *bench); /* building a world */
void bench_store(struct bench *bench);    /* a store and its replication */
void bench_http(struct bench *bench);     /* a served network over real sockets */
void bench_data(struct bench *bench);     /* stores that are kept */
void bench_session(struct bench *bench);  /* friend requests, sessions, messages in them */
void bench_idle(struct bench *bench);     /* a day in which nothing happens */

#endif
