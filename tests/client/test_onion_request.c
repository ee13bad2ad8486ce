#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/onion_request.h"
#include "tests/support/fake_swarm.h"

static struct fake_swarm net;
static struct client *client;
static struct onion_request request;
static struct client_paths paths;
static int done_count;
static char answer[256];

static void on_done(struct onion_request *r)
{
    done_count++;
    size_t len = r->answer.len < sizeof answer - 1 ? r->answer.len : sizeof answer - 1;
    if (len > 0)
        memcpy(answer, r->answer.data, len);
    answer[len] = '\0';
}

static void make_request(uint32_t target, uint32_t attempts, uint32_t pause_ms)
{
    struct buf buf;
    char own[ACCOUNT_HEX_LEN];
    account_to_hex(client_account(client), own);
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_get_snodes_encode(&buf, BYTES_OF(own));
    blob_drop(request.body);
    request = (struct onion_request){
        .target = {net.entries[target].address, net.entries[target].x25519, net.entries[target].ed25519},
        .method = "get_snodes_for_pubkey",
        .body = blob_from_buf(&buf),
        .timeout_ms = LIMIT_ONION_TIMEOUT_MS,
        .attempts = attempts,
        .pause_ms = pause_ms,
        .done = on_done,
    };
    buf_fini(&buf);
    done_count = 0;
}

static void start(void)
{
    fake_swarm_init(&net, 20, 1);
    client = fake_swarm_client(&net, 1);
    request = (struct onion_request){0};
}

static void nothing(struct path_waiter *waiter, enum err err)
{
    (void)waiter;
    ck_assert_int_eq(err, OK);
}

/* A client that has its paths, and a target that is in none of them. */
static uint32_t start_with_paths(void)
{
    static struct path_waiter waiter;
    start();
    waiter = (struct path_waiter){0};
    ck_assert_int_eq(path_wait(client, &waiter, nothing), ERR_NOT_READY);
    fake_swarm_run(&net);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 3);
    for (uint32_t i = 0;; i++) {
        bool used = false;
        for (size_t p = 0; p < 3; p++)
            for (size_t h = 0; h < 3; h++)
                used = used || fake_swarm_by_key(&net, &paths.nodes[p][h]) == i;
        if (!used)
            return i;
    }
}

static void stop(void)
{
    blob_drop(request.body);
    client_free(client);
    fake_env_check(&net.fake);
    fake_swarm_fini(&net);
}

static void set_path_modes(size_t hop, enum fake_mode mode)
{
    for (size_t p = 0; p < 3; p++)
        net.nodes[fake_swarm_by_key(&net, &paths.nodes[p][hop])].mode = mode;
}

/* Everything from nothing: list, guards, paths, answer. Never inside the start. */
START_TEST(first_request_builds_paths)
{
    start();
    make_request(5, 1, 0);
    onion_request_start(&request, client);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_ANSWERED);
    ck_assert_uint_eq(request.status, 200);
    ck_assert(strncmp(answer, "{\"snodes\":[", 11) == 0);
    const struct fake_trace *sent = fake_env_last_trace(&net.fake, TRACE_ONION_SENT);
    const struct fake_trace *done = fake_env_last_trace(&net.fake, TRACE_ONION_DONE);
    ck_assert_uint_eq(sent->n[0], done->n[0]);
    ck_assert_uint_eq(sent->n[2], 0);
    ck_assert_uint_eq(done->n[1], 200);
    ck_assert_uint_eq(done->n[3], ONION_ANSWERED);
    ck_assert(bytes_equal_text(blob_bytes(sent->b[1]), "get_snodes_for_pubkey"));
    ck_assert_uint_eq(net.fake.charged[COST_X25519], 8);
    ck_assert_uint_ge(net.fake.charged[COST_SEAL], 5);
    stop();
}
END_TEST

/* An inner status is handed up, and only a 5xx or a 429 is tried again: those mean "not now". */
START_TEST(inner_status_is_handed_up)
{
    const struct {
        uint16_t status;
        uint32_t asked, failures; /* of three attempts; counted against the target */
    } cases[] = {{200, 1, 0}, {400, 1, 0}, {401, 1, 0}, {403, 1, 1}, {406, 1, 0},
                 {421, 1, 0}, {432, 1, 0}, {429, 3, 3}, {500, 3, 3}, {503, 3, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t target = start_with_paths();
        net.preset.node_failures = 100;
        net.nodes[target].forced_times = 3;
        net.nodes[target].forced_status = cases[i].status;
        net.nodes[target].forced_body = "{\"difficulty\":7}";
        size_t direct = net.log_count;
        make_request(target, 3, 500);
        onion_request_start(&request, client);
        fake_swarm_run_ms(&net, 2000);
        ck_assert_int_eq(done_count, 1);
        ck_assert_int_eq(request.failure, ONION_ANSWERED);
        ck_assert_uint_eq(request.status, cases[i].status);
        ck_assert_str_eq(answer, "{\"difficulty\":7}");
        ck_assert_uint_eq(net.log_count - direct, cases[i].asked);
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_NODE_FAILED), cases[i].failures);
        ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH_FAILED), 0);
        stop();
    }
}
END_TEST

/* Attempt n waits n times the pause; what fails once may succeed then, over another path or the same. */
START_TEST(attempts_are_spaced)
{
    uint32_t target = start_with_paths();
    net.nodes[target].forced_times = 2;
    net.nodes[target].forced_status = 500;
    make_request(target, 3, 500);
    onion_request_start(&request, client);
    size_t before = net.fake.call_count;
    ck_assert_uint_eq(before, 5);
    fake_swarm_run_ms(&net, 499);
    ck_assert_uint_eq(net.fake.call_count, before);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(net.fake.call_count, before + 1);
    fake_swarm_run_ms(&net, 999);
    ck_assert_uint_eq(net.fake.call_count, before + 1);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run_ms(&net, 1);
    ck_assert_uint_eq(net.fake.call_count, before + 2);
    ck_assert_int_eq(done_count, 1);
    ck_assert_uint_eq(request.status, 200);
    stop();
}
END_TEST

static void expect_failure(size_t hop, enum fake_mode mode, enum onion_failure failure, uint16_t status,
                           uint32_t path_failures, uint32_t node_failures)
{
    uint32_t target = start_with_paths();
    if (hop < LIMIT_PATH_NODES)
        set_path_modes(hop, mode);
    else
        net.nodes[target].mode = mode;
    make_request(target, 1, 0);
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, mode == FAKE_SILENT && hop == 0 ? 30000 : 0);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, failure);
    ck_assert_uint_eq(request.status, status);
    ck_assert_uint_eq(fake_env_last_trace(&net.fake, TRACE_ONION_DONE)->n[3], failure);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH_FAILED), path_failures);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_NODE_FAILED), node_failures);
    stop();
}

/* Each way of failing, and who pays: the guard alone, or path and relays, or the node that is named. */
START_TEST(failures_are_told_apart)
{
    expect_failure(0, FAKE_REFUSES, ONION_GUARD_UNREACHABLE, 0, 1, 1);
    expect_failure(0, FAKE_SILENT, ONION_TIMEOUT, 0, 1, 1);
    expect_failure(0, FAKE_NOT_READY, ONION_NOT_READY, 503, 1, 2);
    expect_failure(1, FAKE_REFUSES, ONION_RELAY_TIMEOUT, 504, 1, 2);
    expect_failure(2, FAKE_SILENT, ONION_RELAY_TIMEOUT, 504, 1, 2);
    expect_failure(2, FAKE_GARBLES, ONION_INVALID_CIPHERTEXT, 400, 1, 2);
    expect_failure(1, FAKE_GONE, ONION_NEXT_NOT_FOUND, 502, 0, 1);
    expect_failure(3, FAKE_SILENT, ONION_RELAY_TIMEOUT, 504, 1, 2);
    expect_failure(3, FAKE_GONE, ONION_NEXT_NOT_FOUND, 502, 0, 1);
    expect_failure(3, FAKE_NOT_READY, ONION_NOT_READY, 503, 1, 2);
    expect_failure(3, FAKE_BABBLES, ONION_UNDECODABLE, 0, 1, 2);
    expect_failure(1, FAKE_SLANDERS, ONION_OTHER_STATUS, 502, 1, 2);
}
END_TEST

/* A relay that is gone is replaced, and the request goes on; a target that is gone is not asked for again. */
START_TEST(next_node_not_found)
{
    uint32_t target = start_with_paths();
    set_path_modes(2, FAKE_GONE);
    make_request(target, 4, 0); /* each attempt may meet another of the three */
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_ANSWERED);
    client_paths(client, &paths);
    ck_assert_uint_eq(paths.count, 3);

    for (uint32_t i = 0; i < 20; i++)
        net.nodes[i].mode = i == target ? FAKE_GONE : FAKE_GOOD;
    make_request(target, 3, 0);
    size_t before = net.fake.call_count;
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_NEXT_NOT_FOUND);
    ck_assert_uint_eq(net.fake.call_count, before + 1);
    ck_assert_uint_eq(snode_pool_find(&client->pool, &net.entries[target].ed25519), NODE_NONE);
    stop();
}
END_TEST

/* With all guards down the paths are built anew, between two attempts, and the request arrives. */
START_TEST(paths_are_rebuilt_between_attempts)
{
    uint32_t target = start_with_paths();
    net.preset.path_failures = 1;
    set_path_modes(0, FAKE_REFUSES);
    make_request(target, 5, 10);
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 200);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_ANSWERED);
    stop();
}
END_TEST

/* No path: told later, with the reason. */
START_TEST(no_path)
{
    start();
    net.seed_down = true;
    make_request(5, 1, 0);
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 25000);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_NO_PATH);
    ck_assert_int_eq(request.err, ERR_UNREACHABLE);
    stop();

    fake_swarm_init(&net, 3, 1); /* one path, and the target is on it */
    client = fake_swarm_client(&net, 1);
    request = (struct onion_request){0};
    make_request(1, 2, 10);
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 9);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run_ms(&net, 1);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_NO_PATH);
    ck_assert_int_eq(request.err, ERR_NOT_FOUND);
    stop();
}
END_TEST

/* What no onion can carry is never sent, and never tried again. */
START_TEST(too_big)
{
    uint32_t target = start_with_paths();
    make_request(target, 3, 10);
    blob_drop(request.body);
    request.body = blob_new(LIMIT_BODY_BYTES);
    memset(request.body->data, ' ', LIMIT_BODY_BYTES);
    size_t before = net.fake.call_count;
    onion_request_start(&request, client);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_TOO_BIG);
    ck_assert_uint_eq(net.fake.call_count, before);
    stop();
}
END_TEST

/* A request may be cancelled while it waits for paths, is on its way, or pauses: `done` comes later and once. */
START_TEST(cancelled_everywhere)
{
    start();
    make_request(5, 3, 500);
    onion_request_start(&request, client);
    onion_request_cancel(&request);
    ck_assert_int_eq(done_count, 0);
    fake_env_run(&net.fake);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_CANCELLED);
    fake_swarm_run(&net); /* the paths are built all the same */
    stop();

    uint32_t target = start_with_paths();
    make_request(target, 3, 500);
    onion_request_start(&request, client);
    onion_request_cancel(&request);
    ck_assert_int_eq(done_count, 0);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_CANCELLED);
    ck_assert_uint_eq(fake_env_traces(&net.fake, TRACE_PATH_FAILED), 0);

    net.nodes[target].forced_times = 1;
    net.nodes[target].forced_status = 500;
    make_request(target, 3, 500);
    onion_request_start(&request, client);
    fake_swarm_run_ms(&net, 100);
    ck_assert_int_eq(done_count, 0);
    onion_request_cancel(&request);
    fake_swarm_run(&net);
    ck_assert_int_eq(done_count, 1);
    ck_assert_int_eq(request.failure, ONION_CANCELLED);
    stop();
}
END_TEST

/* The header of a long poll reaches the target, and only then. */
START_TEST(long_poll_reaches_the_target)
{
    uint32_t target = start_with_paths();
    for (int i = 0; i < 2; i++) {
        make_request(target, 1, 0);
        request.long_poll = i == 1;
        onion_request_start(&request, client);
        fake_swarm_run(&net);
        ck_assert_int_eq(net.log[net.log_count - 1].long_poll, i == 1);
    }
    stop();
}
END_TEST

TEST_MAIN("onion_request", first_request_builds_paths, inner_status_is_handed_up, attempts_are_spaced,
          failures_are_told_apart, next_node_not_found, paths_are_rebuilt_between_attempts, no_path, too_big,
          cancelled_everywhere, long_poll_reaches_the_target)
