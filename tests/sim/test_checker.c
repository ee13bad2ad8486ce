/* The oracle: it believes the trace alone. Two users, 0 and 1, in the seats of those numbers. */
#include "sim/checker.h"

#include <string.h>

#include "tests/support/check_main.h"

static struct account_id account_of(void *owner, uint32_t seat)
{
    struct account_id account = {{5}};

    (void)owner;
    account.bytes[32] = (uint8_t)seat;
    return account;
}

/* Of the seats from 10 on, which are nodes, 10 to 19 serve user 1 and nobody serves the others. */
static bool serves(void *owner, uint32_t seat, const struct account_id *account)
{
    (void)owner;
    return seat >= 10 && seat < 20 && account->bytes[32] == 1;
}

struct story {
    struct checker checker;
    struct trace_sink sink;
    uint64_t index;
};

static void begin(struct story *story)
{
    checker_init(&story->checker, account_of, serves, NULL);
    story->sink = checker_sink(&story->checker);
    story->index = 0;
}

static void end(struct story *story)
{
    checker_fini(&story->checker);
}

static void tell(struct story *story, int64_t at_us, uint32_t seat, const struct trace_record *record)
{
    ck_assert(story->sink.kinds & TRACE_BIT(record->kind));
    story->sink.record(story->sink.owner, at_us, seat, story->index++, record);
}

static void sends(struct story *story, int64_t at_us, uint32_t from, uint32_t to, uint32_t number,
                  uint64_t timestamp_ms)
{
    struct account_id recipient = account_of(NULL, to);

    tell(story, at_us, from,
         &(struct trace_record){TRACE_SEND, {number, timestamp_ms}, {BYTES_OF(recipient.bytes), BYTES_NONE}});
}

static void shows(struct story *story, int64_t at_us, uint32_t to, uint32_t from, uint64_t timestamp_ms)
{
    struct account_id source = account_of(NULL, from);

    tell(story, at_us, to, &(struct trace_record){TRACE_SHOWN, {timestamp_ms}, {BYTES_OF(source.bytes), BYTES_NONE}});
}

static void ends(struct story *story, uint32_t from, uint32_t to, uint32_t number, uint64_t timestamp_ms, enum err err)
{
    struct account_id recipient = account_of(NULL, to);

    tell(story, 0, from,
         &(struct trace_record){
             TRACE_SEND_STATE, {number, timestamp_ms, 0, err}, {BYTES_OF(recipient.bytes), BYTES_NONE}});
}

/* Judges by the number, so that a test sees who was asked about what. */
static enum loss why(void *owner, const struct checked *message)
{
    uint32_t *asked = owner;

    ++*asked;
    return message->failed ? LOSS_NOT_SENT : message->number == 2 ? LOSS_EXPIRED : LOSS_NOT_FETCHED;
}

static struct checker_totals totals_of(const struct story *story, uint32_t *asked)
{
    struct checker_totals totals;

    *asked = 0;
    checker_totals(&story->checker, why, asked, &totals);
    return totals;
}

START_TEST(nothing_sent_is_nothing_lost)
{
    struct story story;
    struct checker_totals totals;
    uint32_t asked;

    begin(&story);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(totals.sent + totals.delivered + totals.lost + totals.duplicates, 0);
    ck_assert_int_eq(totals.delay_us_p50, -1);
    ck_assert_int_eq(totals.delay_us_max, -1);
    ck_assert_ptr_null(checker_find_number(&story.checker, 0, 1));
    end(&story);
}
END_TEST

/* From the call to the first showing; who, to whom and when are kept. */
START_TEST(a_message_is_delivered_once)
{
    struct story story;
    struct checker_totals totals;
    const struct checked *message;
    uint32_t asked;

    begin(&story);
    sends(&story, 1000, 0, 1, 1, 500);
    message = checker_find_number(&story.checker, 0, 1);
    ck_assert_uint_eq(message->sender_seat, 0);
    ck_assert_uint_eq(message->recipient_seat, SEAT_NONE);
    ck_assert_int_eq(message->shown_us, -1);
    shows(&story, 4000, 1, 0, 500);
    ck_assert_uint_eq(message->shown_count, 1);
    ck_assert_uint_eq(message->recipient_seat, 1);
    ck_assert_int_eq(message->shown_us, 4000);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(totals.sent, 1);
    ck_assert_uint_eq(totals.delivered, 1);
    ck_assert_uint_eq(totals.lost, 0);
    ck_assert_uint_eq(totals.duplicates, 0);
    ck_assert_int_eq(totals.delay_us_p50, 3000);
    ck_assert_int_eq(totals.delay_us_p99, 3000);
    ck_assert_uint_eq(asked, 0);
    end(&story);
}
END_TEST

/* A second showing is a duplicate and changes no delay; so is what nobody sent. */
START_TEST(what_is_shown_too_often_is_counted)
{
    struct story story;
    struct checker_totals totals;
    uint32_t asked;

    begin(&story);
    sends(&story, 0, 0, 1, 1, 500);
    shows(&story, 10, 1, 0, 500);
    shows(&story, 20, 1, 0, 500);
    shows(&story, 30, 1, 0, 500);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(totals.delivered, 1);
    ck_assert_uint_eq(totals.duplicates, 2);
    ck_assert_int_eq(totals.delay_us_max, 10);
    shows(&story, 40, 1, 0, 501); /* another time */
    shows(&story, 40, 0, 1, 500); /* the other way */
    ck_assert_uint_eq(story.checker.shown_unknown, 2);
    ck_assert_uint_eq(totals_of(&story, &asked).duplicates, 4);
    end(&story);
}
END_TEST

/* Each one that is missing has its cause asked, once. */
START_TEST(what_is_missing_has_a_cause)
{
    struct story story;
    struct checker_totals totals;
    uint32_t asked;

    begin(&story);
    for (uint32_t number = 1; number <= 4; number++)
        sends(&story, number, 0, 1, number, 500 + number);
    shows(&story, 9, 1, 0, 501);
    ends(&story, 0, 1, 4, 504, ERR_TIMEOUT);
    ends(&story, 0, 1, 3, 503, OK);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(asked, 3);
    ck_assert_uint_eq(totals.lost, 3);
    ck_assert_uint_eq(totals.losses[LOSS_EXPIRED], 1);
    ck_assert_uint_eq(totals.losses[LOSS_NOT_FETCHED], 1);
    ck_assert_uint_eq(totals.losses[LOSS_NOT_SENT], 1);
    ck_assert_int_eq(checker_find_number(&story.checker, 0, 4)->err, ERR_TIMEOUT);
    ends(&story, 0, 1, 4, 504, OK); /* what the sender says last counts */
    ck_assert(!checker_find_number(&story.checker, 0, 4)->failed);
    end(&story);
}
END_TEST

/* The middle one, the 99th of a hundred, the last: whatever the order of showing. */
START_TEST(delays_have_percentiles)
{
    struct story story;
    struct checker_totals totals;
    uint32_t asked;

    begin(&story);
    for (uint32_t i = 1; i <= 100; i++) {
        sends(&story, 0, 0, 1, i, i);
        shows(&story, (int64_t)(i * 37 % 101) * 10, 1, 0, i);
    }
    totals = totals_of(&story, &asked);
    ck_assert_int_eq(totals.delay_us_p50, 500);
    ck_assert_int_eq(totals.delay_us_p99, 990);
    ck_assert_int_eq(totals.delay_us_max, 1000);
    end(&story);
}
END_TEST

/* To the recipient they are one: what it shows counts for the first that is not shown yet. */
START_TEST(messages_of_one_millisecond_are_told_apart)
{
    struct story story;
    struct checker_totals totals;
    uint32_t asked;

    begin(&story);
    sends(&story, 0, 0, 1, 1, 500);
    sends(&story, 0, 0, 1, 2, 500);
    sends(&story, 0, 1, 0, 1, 500); /* the other way: no twin */
    ck_assert_uint_eq(checker_find_number(&story.checker, 0, 1)->twin, 0);
    ck_assert_uint_eq(checker_find_number(&story.checker, 0, 2)->twin, 1);
    ck_assert_uint_eq(checker_find_number(&story.checker, 1, 1)->twin, 0);
    ck_assert_ptr_null(checker_find_number(&story.checker, 0, 3));
    shows(&story, 10, 1, 0, 500);
    ck_assert_uint_eq(checker_find_number(&story.checker, 0, 1)->shown_count, 1);
    ck_assert_uint_eq(checker_find_number(&story.checker, 0, 2)->shown_count, 0);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(totals.sent, 3);
    ck_assert_uint_eq(totals.delivered, 1);
    shows(&story, 20, 1, 0, 500);
    shows(&story, 30, 1, 0, 500);
    totals = totals_of(&story, &asked);
    ck_assert_uint_eq(totals.delivered, 2);
    ck_assert_uint_eq(totals.duplicates, 1);
    end(&story);
}
END_TEST

START_TEST(what_could_not_be_read_is_known)
{
    uint8_t hash[64] = {1}, other[64] = {2};
    struct story story;

    begin(&story);
    tell(&story, 0, 1, &(struct trace_record){TRACE_UNREADABLE, {0}, {BYTES_OF(hash), BYTES_NONE}});
    tell(&story, 0, 1, &(struct trace_record){TRACE_UNREADABLE, {0}, {BYTES_OF(hash), BYTES_NONE}});
    ck_assert(checker_unreadable(&story.checker, hash));
    ck_assert(!checker_unreadable(&story.checker, other));
    end(&story);
}
END_TEST

/* Only a node of the recipient's swarm counts: what another one held was no use to anybody. */
START_TEST(what_a_swarm_held_until_its_end_is_known)
{
    uint8_t hash[64] = {1}, elsewhere[64] = {2};
    struct account_id served = account_of(NULL, 1), other = account_of(NULL, 0);
    struct story story;

    begin(&story);
    tell(&story, 0, 20, &(struct trace_record){TRACE_EXPIRED, {9}, {BYTES_OF(served.bytes), BYTES_OF(elsewhere)}});
    tell(&story, 0, 10, &(struct trace_record){TRACE_EXPIRED, {9}, {BYTES_OF(other.bytes), BYTES_OF(elsewhere)}});
    for (uint32_t seat = 10; seat < 14; seat++)
        tell(&story, 0, seat, &(struct trace_record){TRACE_EXPIRED, {9}, {BYTES_OF(served.bytes), BYTES_OF(hash)}});
    ck_assert(checker_expired(&story.checker, hash));
    ck_assert(!checker_expired(&story.checker, elsewhere));
    end(&story);
}
END_TEST

/* A record of another form counts for nothing. */
START_TEST(records_of_another_form_are_passed_over)
{
    static const enum trace_kind kinds[] = {TRACE_SEND, TRACE_SEND_STATE, TRACE_UNREADABLE, TRACE_EXPIRED};
    struct story story;
    uint32_t asked;

    begin(&story);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        tell(&story, 0, 0, &(struct trace_record){kinds[i], {1, 2, 3, 4}, {BYTES_LIT("short"), BYTES_NONE}});
    ends(&story, 0, 1, 7, 500, ERR_TIMEOUT); /* of a message that was never sent */
    ck_assert_uint_eq(totals_of(&story, &asked).sent, 0);
    end(&story);
}
END_TEST

START_TEST(every_loss_has_a_text)
{
    for (int i = 0; i < LOSS_COUNT; i++)
        ck_assert_uint_gt(strlen(loss_text((enum loss)i)), 5);
}
END_TEST

TEST_MAIN("checker", nothing_sent_is_nothing_lost, a_message_is_delivered_once, what_is_shown_too_often_is_counted,
          what_is_missing_has_a_cause, delays_have_percentiles, messages_of_one_millisecond_are_told_apart,
          what_could_not_be_read_is_known, what_a_swarm_held_until_its_end_is_known,
          records_of_another_form_are_passed_over, every_loss_has_a_text)
