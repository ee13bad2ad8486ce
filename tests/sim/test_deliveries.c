/* What synchronous routing leaves in a whole network, byte by byte: nothing on any disk, and in a request to a stranger
 * no word of where its sender listens (PROTOCOL 9.3, 9.7). */
#include <string.h>

#include "client/client_state.h"
#include "common/text.h"
#include "proto/peer_rpc.h"
#include "proto/storage_rpc.h"
#include "sim/testbed.h"
#include "tests/support/check_main.h"

#define SECOND_US INT64_C(1000000)
#define KEPT_MAX  256

static struct testbed *testbed;
static uint32_t alice, bob;
/* What swarm members handed each other, as it is stored. */
static struct blob *pushed[KEPT_MAX];
static size_t pushed_count;

static void empty_disk(void *owner, const struct ed25519_public *node, disk_each_fn each, void *each_owner)
{
    (void)owner, (void)node, (void)each, (void)each_owner;
}
static const struct disk_source logged_disks = {.each = empty_disk, .logged = true};

static void keep_pushed(void *owner, uint32_t seat, const struct tapped *tapped)
{
    struct bytes rest;
    struct peer_message message;

    (void)owner, (void)seat;
    if (tapped->kind != TAPPED_REQUEST || !bytes_equal_text(tapped->message->path, PATH_PUSH_BATCH))
        return;
    rest = blob_bytes(tapped->message->body);
    while (rest.len > 0 && pushed_count < KEPT_MAX) {
        ck_assert_int_eq(peer_message_decode(&rest, &message), OK);
        pushed[pushed_count++] = blob_copy(message.data);
    }
}

static void start(void)
{
    struct testbed_config config;

    testbed_config_default(&config);
    config.suite = &crypto_modelled;
    config.nodes = 21;
    config.chain_runs = false;
    config.disks = &logged_disks;
    config.world.tap = keep_pushed;
    testbed = testbed_new(&config);
    alice = testbed_add_client(testbed, "Alice");
    bob = testbed_add_client(testbed, "Bob");
    pushed_count = 0;
}

static void stop(void)
{
    testbed_free(testbed);
    for (size_t i = 0; i < pushed_count; i++)
        blob_drop(pushed[i]);
}

/* ---- what the users do ---- */

static void befriend(void *machine, void *owner)
{
    const struct sent *sent;

    ck_assert_int_eq(client_befriend(machine, owner, BYTES_LIT("It is me"), &sent), OK);
}

static void accept(void *machine, void *owner)
{
    ck_assert_int_eq(client_accept(machine, owner), OK);
}

static void go_online(void *machine, void *owner)
{
    (void)owner;
    client_online(machine);
}

static void go_offline(void *machine, void *owner)
{
    (void)owner;
    client_offline(machine);
}

static const struct sent *said;

static void say(void *machine, void *owner)
{
    ck_assert_int_eq(client_send(machine, owner, BYTES_LIT("a text"), &said), OK);
}

static void by(uint32_t user, seat_fn act, uint32_t other)
{
    struct account_id account = *testbed_client_account(testbed, other);

    world_enter(testbed_world(testbed), testbed_client_seat(testbed, user), act, &account);
}

static void run_for_s(int64_t s)
{
    struct world *world = testbed_world(testbed);

    world_run_until(world, world_now_us(world) + s * SECOND_US, 0, NULL, NULL, 0);
}

static void run_until(world_done_fn done)
{
    struct world *world = testbed_world(testbed);

    ck_assert(world_run_until(world, world_now_us(world) + 120 * SECOND_US, SECOND_US / 10, done, NULL, 0));
}

static bool bob_is_asked(void *owner)
{
    (void)owner;
    return client_friend_state(testbed_client(testbed, bob), testbed_client_account(testbed, alice)) == FRIEND_ASKING;
}

static bool both_online(void *owner)
{
    (void)owner;
    return client_contact_state(testbed_client(testbed, alice), testbed_client_account(testbed, bob)) ==
               CONTACT_ONLINE &&
           client_contact_state(testbed_client(testbed, bob), testbed_client_account(testbed, alice)) == CONTACT_ONLINE;
}

static bool both_listen(void *owner)
{
    (void)owner;
    return client_listening(testbed_client(testbed, alice)) && client_listening(testbed_client(testbed, bob));
}

static bool is_acknowledged(void *owner)
{
    (void)owner;
    return said->state == SEND_ACKNOWLEDGED;
}

static bool is_stored(void *owner)
{
    (void)owner;
    return said->state == SEND_STORED && said->stored_count == 3;
}

static void meet(void)
{
    by(alice, go_online, bob);
    by(bob, go_online, alice);
    run_until(both_listen);
    by(alice, befriend, bob);
    run_until(bob_is_asked);
    by(bob, accept, alice);
    run_until(both_online);
    run_for_s(10); /* what was stored on the way is everywhere */
}

/* Records that became durable at any node since the last time. */
static size_t written(void)
{
    struct disk_log_record record;
    struct buf log;
    struct bytes rest;
    size_t count = 0;

    buf_init(&log, SIZE_MAX);
    world_take_disk_log(testbed_world(testbed), &log);
    for (rest = buf_bytes(&log); disk_log_next(&rest, &record);)
        count++;
    buf_fini(&log);
    return count;
}

/* Ten texts and their acknowledgements, and no node has written anything: neither now nor, as what a disk was only told
 * goes there with the next store, along with that. */
START_TEST(deliveries_reach_no_disk)
{
    uint32_t holders[64];

    start();
    meet();
    ck_assert_uint_gt(written(), 0); /* the request and its acceptance */
    for (int i = 0; i < 5; i++) {
        by(alice, say, bob);
        run_until(is_acknowledged);
        by(bob, say, alice);
        run_until(is_acknowledged);
    }
    run_for_s(10);
    ck_assert_uint_eq(written(), 0);

    by(alice, go_offline, bob);
    by(bob, go_offline, alice);
    run_for_s(40);
    for (int i = 0; i < 2; i++) {
        by(i == 0 ? alice : bob, say, i == 0 ? bob : alice);
        run_until(is_stored);
        run_for_s(10);
        ck_assert_uint_eq(written(), testbed_holders(testbed, said->hash, holders, ARRAY_LEN(holders)));
    }
    stop();
}
END_TEST

/* What Bob can read of a stored message if it is a request to him; false: it is none. */
static bool open_request(const struct blob *data, struct arena *arena, struct content_parts *content)
{
    struct x25519_pair own = client_pair(testbed_client(testbed, bob));
    struct x25519_public theirs = account_x25519(testbed_client_account(testbed, alice));
    struct envelope envelope;
    struct shared_key key;
    struct bytes plain;
    size_t len = BASE64_MAX_DECODED(data->len);
    uint8_t *out = arena_alloc(arena, len);

    ck_assert_int_eq(base64_decode(out, &len, blob_bytes(data)), OK);
    ck_assert_int_eq(envelope_unwrap((struct bytes){out, len}, arena, &envelope), OK);
    if (envelope.type != ENVELOPE_FRIEND_REQUEST)
        return false;
    out = arena_alloc(arena, envelope.content.len);
    ck_assert_int_eq(crypto_modelled.agree(&own, &theirs, &key), OK);
    ck_assert_int_eq(crypto_modelled.open(ENC_AES_CBC, &key, envelope.content, out, &len), OK);
    ck_assert_int_eq(content_unpad((struct bytes){out, len}, &plain), OK);
    ck_assert_int_eq(content_decode(plain, arena, content), OK);
    return true;
}

/* Alice listens while she asks. Her request, as the nodes store it, has her text and her prekeys and nothing of that.
 */
START_TEST(requests_do_not_say_who_listens)
{
    struct content_parts content;
    struct arena arena;
    size_t requests = 0;

    start();
    arena_init(&arena);
    by(alice, go_online, bob);
    by(bob, go_online, alice);
    run_until(both_listen);
    by(alice, befriend, bob);
    run_until(bob_is_asked);
    run_for_s(10);
    ck_assert_uint_gt(pushed_count, 0);
    for (size_t i = 0; i < pushed_count; i++) {
        if (!open_request(pushed[i], &arena, &content))
            continue;
        requests++;
        ck_assert(content.has_data && content.has_bundle);
        ck_assert(!content.has_status);
    }
    ck_assert_uint_gt(requests, 0);
    arena_fini(&arena);
    stop();
}
END_TEST

TEST_MAIN("deliveries", deliveries_reach_no_disk, requests_do_not_say_who_listens)
