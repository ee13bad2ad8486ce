/* The digest is the run: whatever is another in it, one microsecond, one byte, one lost call, makes another digest;
 * what can't be observed, threads, makes none. */
#include "sim/digest.h"

#include <string.h>

#include "sim/assets.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"
#include "tests/support/script.h"

#define SECOND_US INT64_C(1000000)

/* ---- single records ---- */

static uint64_t fold(uint64_t digest, int64_t at_us, uint64_t index, const struct trace_record *record,
                     const struct message *message)
{
    return digest_fold(digest, at_us, index, record, message);
}

/* Every part of a record and of its message counts; the same again is the same. */
START_TEST(every_part_of_a_record_counts)
{
    struct blob *body = blob_copy(BYTES_LIT("body")), *other_body = blob_copy(BYTES_LIT("bodz"));
    struct header header = {BYTES_LIT("name"), BYTES_LIT("value")},
                  other_header = {BYTES_LIT("name"), BYTES_LIT("valuf")};
    struct header moved_header = {BYTES_LIT("namev"), BYTES_LIT("alue")};
    struct trace_record record = {TRACE_CALL, {1, 2, 3, 4}, {BYTES_LIT("ab"), BYTES_LIT("c")}};
    struct message message = {.path = BYTES_LIT("/x"), .headers = &header, .header_count = 1, .body = body};
    uint64_t seen[32];
    size_t count = 0;

#define CHANGED(what, ...)                                                                                             \
    do {                                                                                                               \
        struct trace_record r = record;                                                                                \
        struct message m = message;                                                                                    \
        (void)r;                                                                                                       \
        (void)m;                                                                                                       \
        what;                                                                                                          \
        seen[count++] = __VA_ARGS__;                                                                                   \
    } while (0)
    CHANGED(, fold(7, 5, 6, &r, &m));
    CHANGED(, fold(8, 5, 6, &r, &m));
    CHANGED(, fold(7, 6, 6, &r, &m));
    CHANGED(, fold(7, 5, 7, &r, &m));
    CHANGED(, fold(7, 5, 6, &r, NULL));
    CHANGED(r.kind = TRACE_CALL_END, fold(7, 5, 6, &r, &m));
    for (size_t i = 0; i < 4; i++)
        CHANGED(r.n[i] ^= UINT64_C(1) << 63, fold(7, 5, 6, &r, &m));
    CHANGED(r.b[0] = BYTES_LIT("ac"), fold(7, 5, 6, &r, &m));
    CHANGED((r.b[0] = BYTES_LIT("a"), r.b[1] = BYTES_LIT("bc")), fold(7, 5, 6, &r, &m)); /* the same bytes in a row */
    CHANGED(m.path = BYTES_LIT("/y"), fold(7, 5, 6, &r, &m));
    CHANGED(m.status = 200, fold(7, 5, 6, &r, &m));
    CHANGED(m.verb = VERB_POST, fold(7, 5, 6, &r, &m));
    CHANGED(m.header_count = 0, fold(7, 5, 6, &r, &m));
    CHANGED(m.headers = &other_header, fold(7, 5, 6, &r, &m));
    CHANGED(m.headers = &moved_header, fold(7, 5, 6, &r, &m));
    CHANGED(m.body = other_body, fold(7, 5, 6, &r, &m));
    CHANGED(m.body = NULL, fold(7, 5, 6, &r, &m));
#undef CHANGED
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(seen[i] != seen[j], "%zu and %zu", i, j);
    ck_assert_uint_eq(fold(7, 5, 6, &record, &message), seen[0]);
    blob_drop(body);
    blob_drop(other_body);
}
END_TEST

/* Long byte strings are folded in pieces: each byte of each piece counts. */
START_TEST(every_byte_of_a_long_record_counts)
{
    uint8_t bytes[1000] = {0};
    struct trace_record record = {TRACE_CALL, {0}, {BYTES_OF(bytes), BYTES_NONE}};
    uint64_t digest = fold(0, 0, 0, &record, NULL);

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        ck_assert_uint_ne(fold(0, 0, 0, &record, NULL), digest);
        bytes[i] = 0;
        record.b[0].len = i;
        ck_assert_uint_ne(fold(0, 0, 0, &record, NULL), digest);
        record.b[0].len = sizeof(bytes);
    }
    ck_assert_uint_eq(fold(0, 0, 0, &record, NULL), digest);
    ck_assert_uint_ne(digest_join(1, 2), digest_join(2, 1));
}
END_TEST

/* ---- whole runs, by hand ---- */

struct day {
    uint64_t seed;
    const char *text;    /* what Alice writes */
    uint32_t delay_us;   /* more than by default, between any two regions */
    uint32_t drop_calls; /* of Alice's */
    int64_t look_us;     /* when Bob looks */
};

static const struct day ordinary = {.seed = 1, .text = "hello", .look_us = 60 * SECOND_US};

struct writing {
    struct account_id recipient;
    struct bytes text;
};

static void write_fn(void *machine, void *owner)
{
    const struct writing *writing = owner;
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, &writing->recipient, writing->text, &sent), OK);
}

static void look_fn(void *machine, void *owner)
{
    (void)owner;
    client_poll_once(machine);
}

/* Alice writes, Bob looks and reads. */
static uint64_t digest_of(const struct day *day)
{
    struct writing writing = {.text = bytes_text(day->text)};
    struct network_config network;
    struct testbed_config config;
    struct testbed *testbed;
    struct world *world;
    uint32_t alice, bob;
    uint64_t digest;

    network_config_default(&network);
    for (size_t i = 0; i < NETWORK_REGIONS * NETWORK_REGIONS; i++)
        network.region_us[i / NETWORK_REGIONS][i % NETWORK_REGIONS] += day->delay_us;
    testbed_config_default(&config);
    config.nodes = 12;
    config.suite = &crypto_modelled;
    config.world.seed = day->seed;
    config.world.network = &network;
    testbed = testbed_new(&config);
    world = testbed_world(testbed);
    alice = testbed_add_client(testbed, "Alice");
    bob = testbed_add_client(testbed, "Bob");
    writing.recipient = *client_account(testbed_client(testbed, bob));
    world_drop_calls(world, testbed_client_seat(testbed, alice), day->drop_calls);
    world_enter(world, testbed_client_seat(testbed, alice), write_fn, &writing);
    world_input_at(world, testbed_client_seat(testbed, bob), day->look_us, look_fn, NULL);
    world_run_until(world, 120 * SECOND_US, 0, NULL, NULL, 0);
    ck_assert_ptr_nonnull(client_inbox(testbed_client(testbed, bob)));
    ck_assert(bytes_equal_text(client_inbox(testbed_client(testbed, bob))->text, day->text));
    digest = world_digest(world);
    testbed_free(testbed);
    return digest;
}

START_TEST(the_smallest_change_makes_another_digest)
{
    struct day days[6];
    uint64_t digests[ARRAY_LEN(days)];

    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        days[i] = ordinary;
    days[1].text = "hellp"; /* one byte */
    days[2].look_us += 1;   /* one microsecond, of a user */
    days[3].delay_us = 1;   /* one microsecond, of the network */
    days[4].drop_calls = 1; /* one lost call */
    days[5].seed = 2;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        digests[i] = digest_of(&days[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(digests[i] != digests[j], "%zu and %zu", i, j);
    }
    ck_assert_uint_eq(digest_of(&ordinary), digests[0]);
}
END_TEST

/* ---- whole scenarios ---- */

static const struct scenario_set fifty_users = {"users", "50"};

/* Runs a built-in scenario; what it says is of no interest here. */
static struct report report_of(const char *name, const struct scenario_set *set, unsigned threads, uint64_t seed,
                               const struct crypto_suite *suite)
{
    char path[64];
    struct script script;

    snprintf(path, sizeof(path), "scenarios/%s.lua", name);
    script_init(&script);
    script.config.name = name;
    script.config.threads = threads;
    script.config.seed_given = true;
    script.config.seed = seed;
    script.config.suite = suite;
    script.config.sets = set;
    script.config.set_count = set == NULL ? 0 : 1;
    ck_assert_msg(script_run(&script, (const char *)assets_find(path).data) == 0, "%s", script.err);
    script_fini(&script);
    return script.report;
}

/* The figures that a seed decides. */
static void expect_same(const struct report *a, const struct report *b)
{
    ck_assert_mem_eq(&a->totals, &b->totals, sizeof(a->totals));
    ck_assert_mem_eq(&a->metrics, &b->metrics, sizeof(a->metrics));
    ck_assert_int_eq(a->virtual_ms, b->virtual_ms);
    ck_assert_uint_eq(a->stats.events, b->stats.events);
    ck_assert_uint_eq(a->stats.calls, b->stats.calls);
    ck_assert_uint_eq(a->stats.calls_lost, b->stats.calls_lost);
}

/* Threads, seeds and suites of one scenario. */
static void compare_runs(const char *name, const struct scenario_set *set)
{
    struct report one = report_of(name, set, 1, 7, &crypto_real), other;

    for (unsigned threads = 2; threads <= 4; threads *= 2) {
        other = report_of(name, set, threads, 7, &crypto_real);
        ck_assert_uint_eq(other.digest, one.digest);
        expect_same(&other, &one);
    }
    other = report_of(name, set, 1, 8, &crypto_real);
    ck_assert_uint_ne(other.digest, one.digest);
    other = report_of(name, set, 1, 7, &crypto_modelled);
    ck_assert_uint_ne(other.digest, one.digest); /* other bytes travel, as many and as fast */
    expect_same(&other, &one);
}

START_TEST(the_tour_is_a_function_of_its_seed)
{
    compare_runs("tour", NULL);
}
END_TEST

START_TEST(mainnet_is_a_function_of_its_seed)
{
    compare_runs("mainnet", &fifty_users);
}
END_TEST

TEST_MAIN("digest", every_part_of_a_record_counts, every_byte_of_a_long_record_counts,
          the_smallest_change_makes_another_digest, the_tour_is_a_function_of_its_seed,
          mainnet_is_a_function_of_its_seed)
