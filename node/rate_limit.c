#include "node/rate_limit.h"

#include <stdlib.h>

#include "common/limits.h"

/* Tokens are counted in thousandths: then a millisecond refills a whole number of them. */
#define TOKEN         1000
#define BUCKET_FULL   (LIMIT_RATE_BUCKET * TOKEN)
#define REFILL_PER_MS (LIMIT_RATE_PER_S * TOKEN / 1000)
#define PURGE_FIRST   64

struct bucket {
    uint32_t ip;
    uint32_t tokens; /* at at_ms */
    int64_t at_ms;
};

struct rate_limit {
    struct table by_ip;
    struct slab buckets;
    uint32_t purge_at;  /* tracked addresses at which full buckets are dropped before another one comes */
    int64_t purged_ms;  /* when that was done last */
    int64_t no_full_ms; /* no bucket is full before: of those that remained then, and of those that came since */
};

static struct bytes key_of(const void *value)
{
    const struct bucket *bucket = value;

    return (struct bytes){(const uint8_t *)&bucket->ip, sizeof(bucket->ip)};
}

struct rate_limit *rate_limit_new(void)
{
    struct rate_limit *limit = xcalloc(1, sizeof(*limit));

    table_init(&limit->by_ip, key_of, UINT64_C(0x726174655f6c696d));
    slab_init(&limit->buckets, sizeof(struct bucket), LIMIT_RATE_CLIENTS);
    limit->purge_at = PURGE_FIRST;
    limit->no_full_ms = INT64_MIN;
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (limit == NULL)
        return;
    table_fini(&limit->by_ip);
    slab_fini(&limit->buckets);
    free(limit);
}

/* A clock that was set back refills nothing, and counts from there. */
static void refill(struct bucket *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->at_ms;

    bucket->at_ms = now_ms;
    if (passed_ms >= (BUCKET_FULL - (int64_t)bucket->tokens + REFILL_PER_MS - 1) / REFILL_PER_MS)
        bucket->tokens = BUCKET_FULL;
    else if (passed_ms > 0)
        bucket->tokens += (uint32_t)(passed_ms * REFILL_PER_MS);
}

static int64_t full_at_ms(uint32_t tokens, int64_t now_ms)
{
    return now_ms + (BUCKET_FULL - tokens + REFILL_PER_MS - 1) / REFILL_PER_MS;
}

static void purge(struct rate_limit *limit, int64_t now_ms)
{
    uint32_t cursor = 0, count;
    int64_t next_full_ms = INT64_MAX;
    struct bucket *bucket;

    while ((bucket = table_next(&limit->by_ip, &cursor)) != NULL) {
        refill(bucket, now_ms);
        if (bucket->tokens == BUCKET_FULL) {
            (void)table_remove(&limit->by_ip, key_of(bucket));
            slab_give(&limit->buckets, bucket);
        } else {
            int64_t full_ms = full_at_ms(bucket->tokens, now_ms);

            next_full_ms = full_ms < next_full_ms ? full_ms : next_full_ms;
        }
    }
    limit->purged_ms = now_ms;
    limit->no_full_ms = next_full_ms;
    count = limit->by_ip.count;
    limit->purge_at = 2 * count > LIMIT_RATE_CLIENTS ? LIMIT_RATE_CLIENTS : 2 * count;
    if (limit->purge_at < PURGE_FIRST)
        limit->purge_at = PURGE_FIRST;
}

/* NULL: as many are tracked as may be, and none is full. */
static struct bucket *add(struct rate_limit *limit, uint32_t ip, int64_t now_ms)
{
    struct bucket *bucket;
    int64_t full_ms = full_at_ms(BUCKET_FULL - TOKEN, now_ms);

    /* A full table is walked again only when a bucket can have become full: a flood of addresses costs no scan each. */
    if (limit->by_ip.count >= limit->purge_at && (now_ms >= limit->no_full_ms || now_ms < limit->purged_ms))
        purge(limit, now_ms);
    bucket = slab_take(&limit->buckets);
    if (bucket == NULL)
        return NULL;
    *bucket = (struct bucket){.ip = ip, .tokens = BUCKET_FULL, .at_ms = now_ms};
    table_put(&limit->by_ip, bucket);
    limit->no_full_ms = full_ms < limit->no_full_ms ? full_ms : limit->no_full_ms;
    return bucket;
}

bool rate_limit_take(struct rate_limit *limit, uint32_t ip, int64_t now_ms)
{
    struct bucket *bucket = table_get(&limit->by_ip, (struct bytes){(const uint8_t *)&ip, sizeof(ip)});

    if (bucket == NULL)
        bucket = add(limit, ip, now_ms);
    if (bucket == NULL)
        return false;
    refill(bucket, now_ms);
    if (bucket->tokens < TOKEN)
        return false;
    bucket->tokens -= TOKEN;
    return true;
}

size_t rate_limit_tracked(const struct rate_limit *limit)
{
    return limit->by_ip.count;
}
