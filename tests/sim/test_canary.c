/* A message is readable in no call, trace or store but at its two ends.
 *
 * A canary, long and random, is sent as an introduction. Every body of every call and answer, every trace record, every
 * durable record of every disk and every stored body is searched for pieces of it: as it is, as hex, as base64 at each
 * of its three alignments. That the search finds what is there, the same network without encryption shows. */
#include <ctype.h>
#include <string.h>

#include "common/text.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"

#define SECOND_US    INT64_C(1000000)
#define CANARY_BYTES 96
#define PIECE_BYTES  24
/* Both ends of the canary, in 6 forms each. */
#define NEEDLES 12

struct needle {
    uint8_t bytes[2 * PIECE_BYTES];
    size_t len;
};

/* Where the search looks. */
enum place { PLACE_CALL, PLACE_TRACE, PLACE_DISK, PLACE_STORE, PLACE_COUNT };
struct search {
    char canary[CANARY_BYTES + 1];
    struct needle needles[NEEDLES];
    uint64_t bytes[PLACE_COUNT]; /* searched */
    uint64_t found[PLACE_COUNT];
};

static void add_needle(struct needle **at, struct bytes bytes)
{
    memcpy((*at)->bytes, bytes.data, bytes.len);
    (*at)->len = bytes.len;
    ++*at;
}

/* What base64 makes of the piece when `before` bytes precede it: without the characters that share bits with others. */
static struct bytes base64_inside(char out[64], struct bytes piece, size_t before)
{
    uint8_t padded[PIECE_BYTES + 2] = {0};
    size_t from = (8 * before + 5) / 6, to = 8 * (before + piece.len) / 6;

    memcpy(padded + before, piece.data, piece.len);
    base64_encode(out, (struct bytes){padded, before + piece.len});
    return (struct bytes){(const uint8_t *)out + from, to - from};
}

static void add_needles(struct needle **at, struct bytes piece)
{
    char text[64];

    add_needle(at, piece);
    hex_encode(text, piece);
    add_needle(at, (struct bytes){(const uint8_t *)text, 2 * piece.len});
    for (size_t i = 0; i < 2 * piece.len; i++)
        text[i] = (char)toupper(text[i]);
    add_needle(at, (struct bytes){(const uint8_t *)text, 2 * piece.len});
    for (size_t before = 0; before < 3; before++)
        add_needle(at, base64_inside(text, piece, before));
}

static void search_init(struct search *search, uint64_t seed)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct needle *at = search->needles;
    struct rng_key key;
    struct rng rng;

    memset(search, 0, sizeof(*search));
    rng_key_from_seed(&key, seed);
    rng_init(&rng, &key, RNG_SCENARIO, 1);
    for (size_t i = 0; i < CANARY_BYTES; i++)
        search->canary[i] = letters[rng_below(&rng, sizeof(letters) - 1)];
    add_needles(&at, (struct bytes){(const uint8_t *)search->canary, PIECE_BYTES});
    add_needles(&at, (struct bytes){(const uint8_t *)search->canary + CANARY_BYTES - PIECE_BYTES, PIECE_BYTES});
    ck_assert_ptr_eq(at, search->needles + NEEDLES);
}

static void look(struct search *search, enum place place, struct bytes bytes)
{
    search->bytes[place] += bytes.len;
    for (size_t i = 0; i < NEEDLES; i++) {
        struct bytes needle = {search->needles[i].bytes, search->needles[i].len};
        search->found[place] += bytes_find(bytes, needle) != SIZE_MAX;
    }
}

static void on_message(void *owner, uint32_t seat, const struct tapped *tapped)
{
    const struct message *message = tapped->message;

    (void)seat;
    look(owner, PLACE_CALL, message->path);
    for (size_t i = 0; i < message->header_count; i++)
        look(owner, PLACE_CALL, message->headers[i].value);
    if (message->body != NULL)
        look(owner, PLACE_CALL, blob_bytes(message->body));
}

static void on_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    (void)at_us;
    (void)seat;
    (void)index;
    for (size_t i = 0; i < ARRAY_LEN(record->b); i++)
        look(owner, PLACE_TRACE, record->b[i]);
}

static void on_disk_record(void *owner, struct bytes key, struct bytes value)
{
    look(owner, PLACE_DISK, key);
    look(owner, PLACE_DISK, value);
}

static void look_into_nodes(struct search *search, struct testbed *testbed)
{
    struct world *world = testbed_world(testbed);

    for (uint32_t i = 0; i < testbed_node_count(testbed); i++) {
        uint32_t seat = testbed_node_seat(testbed, i), cursor = 0;

        env_disk_each(world_env(world, seat), on_disk_record, search);
        for (const struct stored_body *body; (body = table_next(&world_bodies(world, seat)->by_hash, &cursor)) != NULL;)
            look(search, PLACE_STORE, (struct bytes){body->data, body->data_len});
    }
}

struct befriending {
    struct account_id recipient;
    struct bytes text;
};

static void befriend(void *machine, void *owner)
{
    const struct befriending *befriending = owner;
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, &befriending->recipient, befriending->text, &sent), OK);
}

static void poll(void *machine, void *owner)
{
    (void)owner;
    client_poll_once(machine);
}

static void run_for(struct world *world, int64_t us)
{
    world_run_until(world, world_now_us(world) + us, 0, NULL, NULL, 0);
}

/* The canary's way from one user to the other; the search has seen all of it. */
static void send_canary(struct search *search, const struct crypto_suite *suite, enum onion_version version,
                        enum enc_type cipher)
{
    struct trace_sink sink = {.owner = search, .kinds = UINT64_MAX, .record = on_record};
    struct befriending befriending = {.text = bytes_text(search->canary)};
    struct testbed_config config;
    struct testbed *testbed;
    struct world *world;
    uint32_t alice, bob;

    ck_assert_int_eq(crypto_start(), OK);
    testbed_config_default(&config);
    config.nodes = 12;
    config.suite = suite;
    config.client.onion_version = version;
    config.client.enc_type = cipher;
    config.world.tap = on_message;
    config.world.tap_owner = search;
    testbed = testbed_new(&config);
    world = testbed_world(testbed);
    world_add_sink(world, &sink);
    alice = testbed_add_client(testbed, "Alice");
    bob = testbed_add_client(testbed, "Bob");
    befriending.recipient = *client_account(testbed_client(testbed, bob));

    world_enter(world, testbed_client_seat(testbed, alice), befriend, &befriending);
    run_for(world, 60 * SECOND_US);
    look_into_nodes(search, testbed);
    world_enter(world, testbed_client_seat(testbed, bob), poll, NULL);
    run_for(world, 60 * SECOND_US);

    ck_assert_ptr_nonnull(client_inbox(testbed_client(testbed, bob)));
    ck_assert(bytes_equal_text(client_inbox(testbed_client(testbed, bob))->text, search->canary));
    testbed_free(testbed);
}

/* The search itself: each form, wherever it stands, and nothing else. */
START_TEST(the_search_finds_every_form)
{
    struct search search;
    uint8_t around[CANARY_BYTES + 40];
    char text[2 * sizeof(around)];

    search_init(&search, 1);
    for (size_t before = 0; before < 7; before++) {
        struct bytes bytes = {around, before + CANARY_BYTES + 5};

        memset(around, 'x', sizeof(around));
        memcpy(around + before, search.canary, CANARY_BYTES);
        look(&search, PLACE_CALL, bytes);
        ck_assert_uint_eq(search.found[PLACE_CALL], 2); /* both ends */
        hex_encode(text, bytes);
        look(&search, PLACE_DISK, (struct bytes){(const uint8_t *)text, 2 * bytes.len});
        ck_assert_uint_eq(search.found[PLACE_DISK], 2);
        base64_encode(text, bytes);
        look(&search, PLACE_STORE, (struct bytes){(const uint8_t *)text, BASE64_LEN(bytes.len)});
        ck_assert_uint_eq(search.found[PLACE_STORE], 2);
        memset(search.found, 0, sizeof(search.found));
    }
    around[3] ^= 1;
    look(&search, PLACE_TRACE, (struct bytes){around, 3 + PIECE_BYTES - 1});
    ck_assert_uint_eq(search.found[PLACE_TRACE], 0);
}
END_TEST

/* With each form of onion. */
START_TEST(a_message_is_readable_at_its_two_ends_only)
{
    static const struct {
        enum onion_version version;
        enum enc_type cipher;
    } onions[] = {{ONION_V1, ENC_AES_GCM}, {ONION_V2, ENC_AES_GCM}, {ONION_V2, ENC_XCHACHA20}};

    for (size_t i = 0; i < ARRAY_LEN(onions); i++) {
        struct search search;

        search_init(&search, 7 + i);
        send_canary(&search, &crypto_real, onions[i].version, onions[i].cipher);
        for (int place = 0; place < PLACE_COUNT; place++) {
            ck_assert_uint_gt(search.bytes[place], 1000);
            ck_assert_uint_eq(search.found[place], 0);
        }
    }
}
END_TEST

/* Without encryption it is in calls, on disks and in stores: the test above would have seen it. In the trace it is not
 * even then. */
START_TEST(without_encryption_it_is_everywhere)
{
    struct search search;

    search_init(&search, 7);
    send_canary(&search, &crypto_modelled, ONION_V2, ENC_AES_GCM);
    ck_assert_uint_gt(search.found[PLACE_CALL], 0);
    ck_assert_uint_gt(search.found[PLACE_DISK], 0);
    ck_assert_uint_gt(search.found[PLACE_STORE], 0);
    ck_assert_uint_eq(search.found[PLACE_TRACE], 0);
}
END_TEST

TEST_MAIN("canary", the_search_finds_every_form, a_message_is_readable_at_its_two_ends_only,
          without_encryption_it_is_everywhere)
