#include "sim/checker.h"

#include <stdlib.h>
#include <string.h>

static const char *const loss_texts[LOSS_COUNT] = {
    [LOSS_NOT_SENT] = "not sent",
    [LOSS_UNFINISHED] = "still being sent at the end",
    [LOSS_EXPIRED] = "expired before the recipient asked",
    [LOSS_NOT_FETCHED] = "stored, not fetched by the end",
    [LOSS_NO_HOLDER] = "no node of the swarm holds it any more",
    [LOSS_UNREADABLE] = "fetched, but not readable",
    [LOSS_SAME_TIME] = "same millisecond as another",
};

const char *loss_text(enum loss loss)
{
    return loss_texts[loss];
}

static struct bytes key_of(const void *value)
{
    const struct checked *message = value;

    return BYTES_OF(message->key);
}

struct noted {
    uint8_t hash[64];
};

static struct bytes number_key_of(const void *value)
{
    const struct checked *message = value;

    return BYTES_OF(message->number_key);
}

static struct bytes noted_key(const void *value)
{
    const struct noted *noted = value;

    return BYTES_OF(noted->hash);
}

static void note(struct table *table, struct bytes hash)
{
    struct noted *noted;

    if (hash.len != sizeof(noted->hash) || table_get(table, hash) != NULL)
        return;
    noted = xmalloc(sizeof(*noted));
    memcpy(noted->hash, hash.data, sizeof(noted->hash));
    table_put(table, noted);
}

static void free_noted(struct table *table)
{
    uint32_t cursor = 0;

    for (struct noted *noted; (noted = table_next(table, &cursor)) != NULL;)
        free(noted);
    table_fini(table);
}

static void write_key(uint8_t key[78], const struct account_id *source, const struct account_id *recipient,
                      uint64_t timestamp_ms, uint32_t twin)
{
    memcpy(key, source->bytes, 33);
    memcpy(key + 33, recipient->bytes, 33);
    store_be64(key + 66, timestamp_ms);
    store_be32(key + 74, twin);
}

static struct checked *find_twin(const struct checker *checker, const struct account_id *source,
                                 const struct account_id *recipient, uint64_t timestamp_ms, uint32_t twin)
{
    uint8_t key[78];

    write_key(key, source, recipient, timestamp_ms, twin);
    return table_get(&checker->messages, BYTES_OF(key));
}

void checker_init(struct checker *checker, checker_account_fn account_of, checker_serves_fn serves, void *owner)
{
    *checker = (struct checker){.account_of = account_of, .serves = serves, .owner = owner};
    table_init(&checker->messages, key_of, 0);
    table_init(&checker->by_number, number_key_of, 0);
    table_init(&checker->unreadable, noted_key, 0);
    table_init(&checker->expired, noted_key, 0);
}

void checker_fini(struct checker *checker)
{
    uint32_t cursor = 0;

    for (struct checked *message; (message = table_next(&checker->messages, &cursor)) != NULL;)
        free(message);
    table_fini(&checker->messages);
    table_fini(&checker->by_number);
    free_noted(&checker->unreadable);
    free_noted(&checker->expired);
}

static bool account_in(struct account_id *out, struct bytes field)
{
    if (field.len != sizeof(out->bytes))
        return false;
    memcpy(out->bytes, field.data, sizeof(out->bytes));
    return true;
}

static struct checked *find(const struct checker *checker, const struct account_id *source,
                            const struct account_id *recipient, uint64_t timestamp_ms, uint32_t number)
{
    struct checked *message;

    for (uint32_t twin = 0; (message = find_twin(checker, source, recipient, timestamp_ms, twin)) != NULL; twin++)
        if (message->number == number)
            break;
    return message;
}

const struct checked *checker_find_number(const struct checker *checker, uint32_t sender_seat, uint32_t number)
{
    uint8_t key[8];

    store_be32(key, sender_seat);
    store_be32(key + 4, number);
    return table_get(&checker->by_number, BYTES_OF(key));
}

bool checker_unreadable(const struct checker *checker, const uint8_t hash[64])
{
    return table_get(&checker->unreadable, (struct bytes){hash, 64}) != NULL;
}

bool checker_expired(const struct checker *checker, const uint8_t hash[64])
{
    return table_get(&checker->expired, (struct bytes){hash, 64}) != NULL;
}

static void on_send(struct checker *checker, int64_t at_us, uint32_t seat, const struct trace_record *record)
{
    struct account_id recipient, source = checker->account_of(checker->owner, seat);
    struct checked *message;
    uint32_t twin = 0;

    if (!account_in(&recipient, record->b[0]))
        return;
    while (find_twin(checker, &source, &recipient, record->n[1], twin) != NULL)
        twin++;
    message = xcalloc(1, sizeof(*message));
    message->sender_seat = seat;
    message->recipient_seat = SEAT_NONE;
    message->number = (uint32_t)record->n[0];
    message->source = source;
    message->recipient = recipient;
    message->timestamp_ms = record->n[1];
    message->sent_us = at_us;
    message->shown_us = -1;
    message->twin = twin;
    write_key(message->key, &source, &recipient, message->timestamp_ms, twin);
    table_put(&checker->messages, message);
    store_be32(message->number_key, seat);
    store_be32(message->number_key + 4, message->number);
    if (checker_find_number(checker, seat, message->number) == NULL)
        table_put(&checker->by_number, message);
}

static void on_shown(struct checker *checker, int64_t at_us, uint32_t seat, const struct trace_record *record)
{
    struct account_id source, recipient = checker->account_of(checker->owner, seat);
    struct checked *message = NULL, *next;

    if (account_in(&source, record->b[0]))
        message = find_twin(checker, &source, &recipient, record->n[0], 0);
    if (message == NULL) {
        checker->shown_unknown++;
        return;
    }
    while (message->shown_count > 0 &&
           (next = find_twin(checker, &source, &recipient, record->n[0], message->twin + 1)) != NULL)
        message = next;
    message->recipient_seat = seat;
    if (message->shown_count++ == 0)
        message->shown_us = at_us;
}

static void on_state(struct checker *checker, uint32_t seat, const struct trace_record *record)
{
    struct account_id recipient, source = checker->account_of(checker->owner, seat);
    struct checked *message;

    if (!account_in(&recipient, record->b[0]))
        return;
    message = find(checker, &source, &recipient, record->n[1], (uint32_t)record->n[0]);
    if (message != NULL) {
        message->err = (enum err)record->n[3];
        message->failed = message->err != OK;
    }
}

static void on_expired(struct checker *checker, uint32_t seat, const struct trace_record *record)
{
    struct account_id recipient;

    if (account_in(&recipient, record->b[0]) && checker->serves(checker->owner, seat, &recipient))
        note(&checker->expired, record->b[1]);
}

static void on_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct checker *checker = owner;

    (void)index;
    if (record->kind == TRACE_SEND)
        on_send(checker, at_us, seat, record);
    else if (record->kind == TRACE_SHOWN)
        on_shown(checker, at_us, seat, record);
    else if (record->kind == TRACE_SEND_STATE)
        on_state(checker, seat, record);
    else if (record->kind == TRACE_UNREADABLE)
        note(&checker->unreadable, record->b[0]);
    else if (record->kind == TRACE_EXPIRED)
        on_expired(checker, seat, record);
}

struct trace_sink checker_sink(struct checker *checker)
{
    return (struct trace_sink){.owner = checker,
                               .kinds = TRACE_BIT(TRACE_SEND) | TRACE_BIT(TRACE_SHOWN) | TRACE_BIT(TRACE_SEND_STATE) |
                                        TRACE_BIT(TRACE_UNREADABLE) | TRACE_BIT(TRACE_EXPIRED),
                               .record = on_record};
}

static int compare_delays(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

void checker_totals(const struct checker *checker, checker_why_fn why, void *owner, struct checker_totals *out)
{
    int64_t *delays = xcalloc(checker->messages.count + 1, sizeof(*delays));
    uint32_t cursor = 0;

    *out = (struct checker_totals){.delay_us_p50 = -1, .delay_us_p99 = -1, .delay_us_max = -1};
    for (const struct checked *message; (message = table_next(&checker->messages, &cursor)) != NULL;) {
        out->sent++;
        if (message->shown_count == 0) {
            out->lost++;
            out->losses[why(owner, message)]++;
            continue;
        }
        delays[out->delivered++] = message->shown_us - message->sent_us;
        out->duplicates += message->shown_count - 1;
    }
    out->duplicates += checker->shown_unknown;
    if (out->delivered > 0) {
        qsort(delays, out->delivered, sizeof(*delays), compare_delays);
        out->delay_us_p50 = delays[(out->delivered - 1) / 2];
        out->delay_us_p99 = delays[(out->delivered - 1) * 99 / 100];
        out->delay_us_max = delays[out->delivered - 1];
    }
    free(delays);
}
