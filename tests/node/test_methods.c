#include "node/methods.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"
#include "tests/support/node_fixture.h"

/* The parts of a node that methods work on, without the node, in the era's dialect. */
static struct node_fixture fixture;
static struct membership_view view;
static struct difficulty difficulty;
static struct store store;
static struct long_poll long_poll;
static struct replicate replicate;
static struct methods methods;

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner;
    long_poll_notify(&long_poll, body);
}

static void each_body(void *owner, body_fn each, void *each_owner)
{
    (void)owner;
    store_each(&store, each, each_owner);
}

static void start_with(const struct crypto_suite *suite, uint64_t bytes_max)
{
    struct env *env;

    node_fixture_init(&fixture);
    fixture.preset.suite = suite;
    env = &fixture.fake.env;
    difficulty_init(&difficulty, env, 1);
    store_init(&store, env, bytes_max, LIMIT_STORE_RECORDS, NULL, on_stored);
    long_poll_init(&long_poll, env);
    replicate_init(&replicate, &fixture.config, &view);
    membership_init(&view, &fixture.config, &replicate, each_body, NULL);
    membership_update(&view, &fixture.membership);
    methods = (struct methods){.env = env,
                               .suite = suite,
                               .bodies = &fixture.bodies,
                               .view = &view,
                               .difficulty = &difficulty,
                               .store = &store,
                               .long_poll = &long_poll,
                               .replicate = &replicate,
                               .spoken = SPEAKS_ERA};
    methods_init(&methods);
}

static void start(void)
{
    start_with(&crypto_modelled, LIMIT_STORE_BYTES);
}

static void end(void)
{
    methods_fini(&methods);
    replicate_fini(&replicate);
    long_poll_fini(&long_poll);
    store_fini(&store);
    difficulty_fini(&difficulty);
    node_fixture_fini(&fixture);
}

/* Executes the body as a direct request, and all that follows at once. */
static struct fake_request *execute_held(struct bytes body, uint32_t hold_ms)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_POST, PATH_STORAGE_RPC, body);
    struct rpc_reply reply = rpc_reply_direct(&fixture.fake.env, &request->incoming);

    methods_execute(&methods, blob_bytes(request->incoming.in.body), hold_ms, &reply);
    fake_env_run(&fixture.fake);
    return request;
}

static struct fake_request *execute(struct bytes body)
{
    return execute_held(body, 0);
}

static struct fake_request *execute_store(const struct test_message *message)
{
    return execute(store_request(&fixture.fake, message));
}

static struct fake_request *execute_retrieve(uint32_t account, const char *last_hash)
{
    struct account_id id = account_here(account);

    return execute(retrieve_request(&fixture.fake, &id, last_hash));
}

static void make(struct test_message *message, uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    make_message(message, &id, (uint64_t)fixture.fake.now_ms, 60000, data);
}

static void publish(uint64_t value)
{
    difficulty_read(&difficulty, &(struct pow_record){fixture.fake.now_ms, value}, 1);
}

/* ---- the call ---- */

START_TEST(methods_refuse_what_is_no_call)
{
    static const struct {
        const char *body, *answer;
    } cases[] = {
        {"", "invalid json"},
        {"{\"method\":", "invalid json"},
        {"{} x", "invalid json"},
        {"[]", "invalid json: no `method` field"},
        {"{}", "invalid json: no `method` field"},
        {"{\"method\":1,\"params\":{}}", "invalid json: no `method` field"},
        {"{\"method\":\"store\"}", "invalid json: no `params` field"},
        {"{\"method\":\"store\",\"params\":[]}", "invalid json: no `params` field"},
        {"{\"method\":\"Store\",\"params\":{}}", "no method Store"},
        {"{\"method\":\"\",\"params\":{}}", "no method "},
    };

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_answer(execute(bytes_text(cases[i].body)), 400, cases[i].answer);
    end();
}
END_TEST

/* A request and its answer cost by their size. */
START_TEST(methods_charge_for_reading_and_writing)
{
    start();
    (void)execute(bytes_text("{}"));
    ck_assert_uint_eq(fixture.fake.charged[COST_PARSE], 2);
    end();
}
END_TEST

/* ---- store ---- */

/* The documented vector, checked by the real suite: kept under its documented hash. */
START_TEST(store_takes_the_documented_message)
{
    const struct bytes body =
        BYTES_LIT("{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"store\",\"params\":{"
                  "\"pubKey\":\"0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
                  "\"ttl\":\"86400000\",\"nonce\":\"AAAAAAAADVU=\",\"timestamp\":\"1567296000000\","
                  "\"data\":\"aGVsbG8=\"}}");
    uint8_t hash[64];

    start_with(&crypto_real, LIMIT_STORE_BYTES);
    publish(10);
    expect_answer(execute(body), 200, "{\"difficulty\":10}");
    ck_assert_int_eq(hex_decode(hash, sizeof(hash),
                                BYTES_LIT("0012a4c457ec44b24484393bf5c25f6ad8678f1043f298781f2d8d1576f53ef0"
                                          "d3d1d85ba73baf5d4890decc9495f16333b011ef8128c577872abd217d206c63")),
                     OK);
    ck_assert(store_holds(&store, hash));
    ck_assert_uint_eq(fixture.fake.charged[COST_POW_CHECK], 1);
    end();
}
END_TEST

/* Stored, answered, kept on the disk, and relayed to the two other members of the swarm. */
START_TEST(store_keeps_and_relays)
{
    struct test_message message;
    struct fake_request *request;

    start();
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    expect_answer(request, 200, "{\"difficulty\":1}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert(store_holds(&store, message.hash));
    ck_assert_uint_eq(fixture.fake.disk.count, 1);
    ck_assert_uint_eq(fake_env_open_calls(&fixture.fake), 0);
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&fixture.fake), 2);
    end();
}
END_TEST

/* The answer waits for the disk. */
START_TEST(store_answers_when_it_is_durable)
{
    struct test_message message;
    struct fake_request *request, *again;

    start();
    fixture.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    again = execute_store(&message);
    ck_assert(!request->answered);
    fake_env_complete_sync(&fixture.fake);
    expect_answer(request, 200, "{\"difficulty\":1}");
    expect_answer(again, 200, "{\"difficulty\":1}");
    end();
}
END_TEST

/* A full disk: 503, not kept. */
START_TEST(store_says_that_the_disk_is_full)
{
    struct test_message message;

    start();
    fixture.fake.disk_err = ERR_FULL;
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 503, "Disk full, nothing was stored");
    ck_assert(!store_holds(&store, message.hash));
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_STORE_REFUSED)->n[0], 503);
    end();
}
END_TEST

/* A failing disk: 500, not kept, not relayed. */
START_TEST(store_says_that_the_disk_failed)
{
    struct test_message message;

    start();
    fixture.fake.disk_err = ERR_IO;
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 500, "Database failure");
    ck_assert(!store_holds(&store, message.hash));
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_STORE_REFUSED)->n[0], 500);
    ck_assert_uint_eq(fake_env_last_trace(&fixture.fake, TRACE_STORE_REFUSED)->n[1], STEP_DISK);
    fake_env_check(&fixture.fake);
    end();
}
END_TEST

/* A duplicate gets the same answer, and is relayed all the same. */
START_TEST(store_answers_duplicates_alike)
{
    struct test_message message;

    start();
    make(&message, 1, "aGVsbG8=");
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&fixture.fake), 4);
    ck_assert_uint_eq(store.counts.stored, 1);
    ck_assert_uint_eq(store.counts.duplicates, 1);
    end();
}
END_TEST

/* The asker hangs up while the disk works: the message is kept and relayed. */
START_TEST(store_goes_on_without_the_asker)
{
    struct test_message message;
    struct fake_request *request;

    start();
    fixture.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    fake_env_hang_up(&fixture.fake, request);
    fake_env_complete_sync(&fixture.fake);
    ck_assert(!request->answered);
    ck_assert(store_holds(&store, message.hash));
    fake_env_advance_ms(&fixture.fake, LIMIT_FLUSH_MS);
    ck_assert_uint_eq(fake_env_open_calls(&fixture.fake), 2);
    end();
}
END_TEST

/* A crash with stores on their way to the disk leaves nothing behind. */
START_TEST(store_survives_a_crash_on_the_way)
{
    struct test_message message;

    start();
    fixture.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    (void)execute_store(&message);
    (void)execute_store(&message);
    fake_env_crash(&fixture.fake);
    end(); /* ASSERTs that no body is left */
}
END_TEST

/* One field after another is missing, in the documented order; then each is of another type. */
START_TEST(store_wants_all_fields)
{
    static const char *const fields[] = {"pubKey", "ttl", "nonce", "timestamp", "data"};
    char expected[80];

    start();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct buf body;

        buf_init(&body, 4096);
        buf_text(&body, "{\"method\":\"store\",\"params\":{\"x\":1");
        for (size_t j = 0; j < i; j++)
            buf_printf(&body, ",\"%s\":\"\"", fields[j]);
        buf_text(&body, "}}");
        snprintf(expected, sizeof(expected), "invalid json: no `%s` field", fields[i]);
        expect_answer(execute(buf_bytes(&body)), 400, expected);

        buf_clear(&body);
        buf_text(&body, "{\"method\":\"store\",\"params\":{");
        for (size_t j = 0; j < ARRAY_LEN(fields); j++)
            buf_printf(&body, j == i ? "%s\"%s\":86400000" : "%s\"%s\":\"\"", j == 0 ? "" : ",", fields[j]);
        buf_text(&body, "}}");
        snprintf(expected, sizeof(expected), "invalid json: `%s` is not a string", fields[i]);
        expect_answer(execute(buf_bytes(&body)), 400, expected);
        buf_fini(&body);
    }
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_STORE_REFUSED), 2 * ARRAY_LEN(fields));
    end();
}
END_TEST

static struct fake_request *store_texts(const struct rpc_store *texts)
{
    struct fake_request *request;
    struct buf body;

    buf_init(&body, SIZE_MAX);
    rpc_store_encode(&body, texts);
    request = execute(buf_bytes(&body));
    buf_fini(&body);
    return request;
}

static void expect_step(const struct fake_request *request, enum store_step step)
{
    const struct fake_trace *trace = fake_env_last_trace(&fixture.fake, TRACE_STORE_REFUSED);

    ck_assert_uint_eq(trace->n[0], request->status);
    ck_assert_uint_eq(trace->n[1], step);
}

/* A request with everything wrong is repaired check by check: that is their order. */
START_TEST(store_checks_in_the_documented_order)
{
    static char long_data[LIMIT_DATA_CHARS + 1];
    char elsewhere[ACCOUNT_HEX_LEN], here[ACCOUNT_HEX_LEN];
    struct account_id account = account_elsewhere(1);
    struct rpc_store texts = {BYTES_LIT("05"), BYTES_LIT("x"), BYTES_LIT("x"), BYTES_LIT("x"), BYTES_OF(long_data)};
    struct test_message good;
    struct fake_request *request;

    start();
    make(&good, 1, "aGVsbG8=");
    account_to_hex(&account, elsewhere);
    memcpy(here, good.pubkey, sizeof(here));
    memset(long_data, 'A', sizeof(long_data));

    request = store_texts(&texts);
    expect_answer(request, 400, "Pubkey must be 66 characters long");
    expect_step(request, STEP_PUBKEY);
    texts.pubkey = BYTES_LIT("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    expect_answer(store_texts(&texts), 400, "Pubkey must be hexadecimal");

    texts.pubkey = BYTES_OF(elsewhere);
    request = store_texts(&texts);
    expect_answer(request, 400, "Message body exceeds maximum allowed length of 102400");
    expect_step(request, STEP_DATA);

    texts.data.len = LIMIT_DATA_CHARS;
    request = store_texts(&texts);
    ck_assert_uint_eq(request->status, 421);
    expect_step(request, STEP_SWARM);

    texts.pubkey = BYTES_OF(here);
    request = store_texts(&texts);
    expect_answer(request, 403, "Provided TTL is not valid.");
    expect_step(request, STEP_TTL);

    texts.ttl = bytes_text(good.ttl);
    request = store_texts(&texts);
    expect_answer(request, 406, "Timestamp error: check your clock");
    expect_step(request, STEP_TIMESTAMP);

    texts.timestamp = bytes_text(good.timestamp);
    request = store_texts(&texts);
    expect_answer(request, 432, "{\"difficulty\":1}");
    ck_assert_int_eq(request->content, CONTENT_JSON);
    expect_step(request, STEP_PROOF);
    ck_assert_uint_eq(fixture.fake.charged[COST_POW_CHECK], 0); /* the nonce was none */

    texts.nonce = bytes_text(good.nonce);
    expect_answer(store_texts(&texts), 432, "{\"difficulty\":1}"); /* a proof for other data */
    texts.data = bytes_text(good.data);
    expect_answer(store_texts(&texts), 200, "{\"difficulty\":1}");
    end();
}
END_TEST

/* What a ttl may be: to the millisecond, and canonical, since peers print it anew to check the proof. */
START_TEST(store_checks_the_ttl)
{
    static const struct {
        const char *ttl;
        uint16_t status;
    } cases[] = {{"9999", 403},   {"10000", 200}, {"345600000", 200}, {"345600001", 403}, {"", 403},
                 {"-60000", 403}, {"6e4", 403},   {"60000.0", 403},   {" 60000", 403},    {"99999999999999999999", 403},
                 {"060000", 400}, {"00", 400},    {"0", 403}};

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct test_message message;
        struct fake_request *request;

        make(&message, 1, "aGVsbG8=");
        snprintf(message.ttl, sizeof(message.ttl), "%s", cases[i].ttl);
        message.ttl_ms = strtoull(cases[i].ttl, NULL, 10);
        sign_message(&message, 1);
        request = execute_store(&message);
        ck_assert_msg(request->status == cases[i].status, "ttl %s is answered %u", cases[i].ttl, request->status);
        if (request->status == 400)
            expect_answer(request, 400, "ttl must not have leading zeros");
    }
    end();
}
END_TEST

/* A clock 10 s ahead is forgiven; a message may come at its very last millisecond. */
START_TEST(store_checks_the_timestamp)
{
    static const struct {
        int64_t offset_ms;
        uint16_t status;
    } cases[] = {{LIMIT_FUTURE_MS, 200}, {LIMIT_FUTURE_MS + 1, 406}, {-60000, 200}, {-60001, 406}};
    struct account_id account = account_here(1);
    struct test_message message;

    start();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        make_message(&message, &account, (uint64_t)(fixture.fake.now_ms + cases[i].offset_ms), 60000, "aGVsbG8=");
        ck_assert_uint_eq(execute_store(&message)->status, cases[i].status);
    }
    make(&message, 1, "aGVsbG8=");
    snprintf(message.timestamp, sizeof(message.timestamp), "0%lld", (long long)fixture.fake.now_ms);
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 400, "timestamp must not have leading zeros");
    snprintf(message.timestamp, sizeof(message.timestamp), "18446744073709551615");
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 406, "Timestamp error: check your clock");
    end();
}
END_TEST

/* The longest message that is allowed. */
START_TEST(store_takes_102400_characters)
{
    static char data[LIMIT_DATA_CHARS];
    uint8_t payload_hash[64], nonce[8], hash[64];
    char nonce_text[12];
    struct test_message message;
    struct rpc_store texts;
    uint64_t target;

    start();
    make(&message, 1, "");
    memset(data, 'A', sizeof(data));
    texts = (struct rpc_store){bytes_text(message.pubkey), bytes_text(message.ttl), BYTES_OF(nonce_text),
                               bytes_text(message.timestamp), BYTES_OF(data)};
    pow_payload_hash((struct bytes[]){texts.timestamp, texts.ttl, texts.pubkey, texts.data}, 4, payload_hash);
    ck_assert_int_eq(pow_target(&target, texts.timestamp.len + texts.ttl.len + 66 + sizeof(data), 60000, 1), OK);
    ck_assert_int_eq(crypto_modelled.pow_prove(payload_hash, target, UINT64_MAX, nonce, hash), OK);
    base64_encode(nonce_text, BYTES_OF(nonce));
    expect_answer(store_texts(&texts), 200, "{\"difficulty\":1}");
    end();
}
END_TEST

/* The proof must meet the current difficulty, which every answer tells. */
START_TEST(store_asks_for_the_current_difficulty)
{
    struct test_message message;

    start();
    make(&message, 1, "aGVsbG8=");
    publish(100);
    expect_answer(execute_store(&message), 432, "{\"difficulty\":100}");
    sign_message(&message, 100);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":100}");
    end();
}
END_TEST

/* A nonce of another size, or in another text than the canonical one, is an invalid proof. */
START_TEST(store_wants_a_nonce_of_8_bytes)
{
    static const char *const nonces[] = {
        "", "AAAAAAAADVU", "AAAAAAAADV==", "AAAAAAAADVV=", "AAAAAAAAAADVVQ==", "AAAA!AAADVU="};

    start();
    for (size_t i = 0; i < ARRAY_LEN(nonces); i++) {
        struct test_message message;

        make(&message, 1, "aGVsbG8=");
        snprintf(message.nonce, sizeof(message.nonce), "%s", nonces[i]);
        ck_assert_uint_eq(execute_store(&message)->status, 432);
    }
    end();
}
END_TEST

/* An upper-case key names the same account, but a proof made over it is for another text. */
START_TEST(store_lowers_the_key)
{
    struct account_id account = account_here(0xabcdef);
    struct test_message message;

    start();
    make_message(&message, &account, (uint64_t)fixture.fake.now_ms, 60000, "aGVsbG8=");
    for (char *at = message.pubkey; *at != 0; at++)
        *at = (char)toupper(*at);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}"); /* signed in lower case */
    ck_assert_uint_eq(store_held_for(&store, &account), 1);
    sign_message(&message, 1);
    expect_answer(execute_store(&message), 432, "{\"difficulty\":1}");
    end();
}
END_TEST

/* 421 names the nodes that do serve the account. */
START_TEST(store_says_which_swarm_it_is)
{
    struct account_id account = account_elsewhere(1);
    struct rpc_snode nodes[8];
    struct test_message message;
    struct fake_request *request;
    size_t count;

    start();
    make_message(&message, &account, (uint64_t)fixture.fake.now_ms, 60000, "aGVsbG8=");
    request = execute_store(&message);
    ck_assert_uint_eq(request->status, 421);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert_int_eq(rpc_snodes_decode(fake_request_answer(request), nodes, ARRAY_LEN(nodes), &count), OK);
    ck_assert_uint_eq(count, FIXTURE_SWARM_NODES);
    for (size_t i = 0; i < count; i++)
        ck_assert(address_equal(nodes[i].address, fixture.entries[fixture.members[FIXTURE_SWARM_NODES + i]].address));
    end();
}
END_TEST

/* A node that knows no swarm of its own has nothing to compare with: told at the end of all checks. */
START_TEST(store_waits_for_a_swarm)
{
    struct test_message message;
    struct fake_request *request;

    start();
    fixture.entries[fixture.own].swarm_id = SWARM_NONE;
    membership_update(&view, &fixture.membership);
    make(&message, 1, "aGVsbG8=");
    request = execute_store(&message);
    expect_answer(request, 503, "Service node is initializing\n");
    expect_step(request, STEP_READY);
    end();
}
END_TEST

/* Full: 503, and nothing is lost that was there. What is known already is still answered 200. */
START_TEST(store_says_when_it_is_full)
{
    struct test_message first, second;
    struct fake_request *request;

    start_with(&crypto_modelled, 200);
    make(&first, 1, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    expect_answer(execute_store(&first), 200, "{\"difficulty\":1}");
    request = execute_store(&second);
    expect_answer(request, 503, "Service node is full");
    expect_step(request, STEP_FULL);
    ck_assert_uint_eq(store.counts.refused_full, 1);
    expect_answer(execute_store(&first), 200, "{\"difficulty\":1}");
    end();
}
END_TEST

/* A disk that does not answer: so many may wait, and the one above is refused. */
START_TEST(store_bounds_who_waits_for_the_disk)
{
    struct test_message message;

    start();
    fixture.fake.disk_manual = true;
    make(&message, 1, "aGVsbG8=");
    for (size_t i = 0; i < LIMIT_STORES_OPEN; i++)
        ck_assert(!execute_store(&message)->answered);
    expect_answer(execute_store(&message), 503, "Service node is full");
    fake_env_complete_sync(&fixture.fake);
    expect_answer(execute_store(&message), 200, "{\"difficulty\":1}");
    ck_assert_uint_eq(methods.store_count, 0);
    end();
}
END_TEST

/* ---- retrieve ---- */

/* Ten at a time, in order of arrival, each time after the last hash. */
START_TEST(retrieve_gives_ten_at_a_time)
{
    enum { COUNT = LIMIT_RETRIEVE_MESSAGES + 2 };
    static struct test_message messages[COUNT];
    const struct test_message *expected[COUNT];
    char data[8];

    start();
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(data, sizeof(data), "m%02zu=", i);
        make(&messages[i], 1, data);
        expected[i] = &messages[i];
        ck_assert_uint_eq(execute_store(&messages[i])->status, 200);
    }
    expect_messages(execute_retrieve(1, ""), expected, LIMIT_RETRIEVE_MESSAGES);
    expect_messages(execute_retrieve(1, messages[9].hash_hex), expected + 10, 2);
    expect_messages(execute_retrieve(1, messages[COUNT - 1].hash_hex), NULL, 0);
    expect_answer(execute_retrieve(2, ""), 200, "{\"messages\":[]}");
    ck_assert_uint_eq(fake_env_traces(&fixture.fake, TRACE_RETRIEVED), 4);
    end();
}
END_TEST

/* A last hash that is unknown, of another form, or of a message that is over means: from the beginning. */
START_TEST(retrieve_starts_over_after_an_unknown_hash)
{
    static struct test_message first, second;
    const struct test_message *expected[] = {&first, &second};
    struct account_id account = account_here(1);
    char upper[129];

    start();
    make_message(&first, &account, (uint64_t)fixture.fake.now_ms, 20000, "Zmlyc3Q=");
    make(&second, 1, "c2Vjb25k");
    (void)execute_store(&first);
    (void)execute_store(&second);
    expect_messages(execute_retrieve(1, first.hash_hex), expected + 1, 1);
    expect_messages(execute_retrieve(1, "x"), expected, 2);
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char)toupper(first.hash_hex[i]);
    expect_messages(execute_retrieve(1, upper), expected, 2);
    fixture.fake.now_ms += 20001;
    expect_messages(execute_retrieve(1, second.hash_hex), NULL, 0);
    expect_messages(execute_retrieve(1, first.hash_hex), expected + 1, 1);
    end();
}
END_TEST

START_TEST(retrieve_checks_in_the_documented_order)
{
    struct account_id elsewhere = account_elsewhere(1);

    start();
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{}}")), 400,
                  "invalid json: no `pubKey` field");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\"}}")), 400,
                  "invalid json: no `lastHash` field");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\",\"lastHash\":1}}")), 400,
                  "invalid json: `lastHash` is not a string");
    expect_answer(execute(bytes_text("{\"method\":\"retrieve\",\"params\":{\"pubKey\":\"05\",\"lastHash\":\"\"}}")),
                  400, "Pubkey must be 66 characters long");
    ck_assert_uint_eq(execute(retrieve_request(&fixture.fake, &elsewhere, ""))->status, 421);
    end();
}
END_TEST

/* With the header, a retrieve that finds nothing waits for the next message of the account. */
START_TEST(retrieve_waits_for_a_message)
{
    static struct test_message message;
    const struct test_message *expected[] = {&message};
    struct account_id account = account_here(1);
    struct fake_request *request;

    start();
    request = execute_held(retrieve_request(&fixture.fake, &account, ""), LIMIT_LONG_POLL_MS);
    ck_assert(!request->answered);
    make(&message, 1, "aGVsbG8=");
    (void)execute_store(&message);
    expect_messages(request, expected, 1);
    request = execute_held(retrieve_request(&fixture.fake, &account, ""), LIMIT_LONG_POLL_MS);
    expect_messages(request, expected, 1); /* there is one: no waiting */
    end();
}
END_TEST

/* Above the bound nobody is refused: the answer is the empty list, at once. */
START_TEST(retrieve_does_not_wait_above_the_bound)
{
    struct account_id account = account_here(1);

    start();
    for (size_t i = 0; i < LIMIT_LISTENERS_PER_KEY; i++)
        ck_assert(!execute_held(retrieve_request(&fixture.fake, &account, ""), LIMIT_LONG_POLL_MS)->answered);
    expect_answer(execute_held(retrieve_request(&fixture.fake, &account, ""), LIMIT_LONG_POLL_MS), 200,
                  "{\"messages\":[]}");
    fake_env_crash(&fixture.fake);
    end();
}
END_TEST

/* ---- get_snodes_for_pubkey ---- */

/* Any account is answered, ours or not. */
START_TEST(get_snodes_names_the_swarm_of_any_account)
{
    struct rpc_snode nodes[8];
    size_t count;

    start();
    for (uint32_t swarm = 0; swarm < 2; swarm++) {
        struct account_id account = swarm == 0 ? account_here(1) : account_elsewhere(1);
        char hex[ACCOUNT_HEX_LEN];
        struct fake_request *request;

        account_to_hex(&account, hex);
        request = execute(text_request(
            &fixture.fake, "{\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"%.66s\"}}", hex));
        ck_assert_uint_eq(request->status, 200);
        ck_assert_int_eq(rpc_snodes_decode(fake_request_answer(request), nodes, ARRAY_LEN(nodes), &count), OK);
        ck_assert_uint_eq(count, FIXTURE_SWARM_NODES);
        ck_assert(
            address_equal(nodes[0].address, fixture.entries[fixture.members[swarm * FIXTURE_SWARM_NODES]].address));
    }
    expect_answer(execute(bytes_text("{\"method\":\"get_snodes_for_pubkey\",\"params\":{\"pubKey\":\"05\"}}")), 400,
                  "Pubkey must be 66 characters long");
    expect_answer(execute(bytes_text("{\"method\":\"get_snodes_for_pubkey\",\"params\":{}}")), 400,
                  "invalid json: no `pubKey` field");
    end();
}
END_TEST

TEST_MAIN("methods", methods_refuse_what_is_no_call, methods_charge_for_reading_and_writing,
          store_takes_the_documented_message, store_keeps_and_relays, store_answers_when_it_is_durable,
          store_says_that_the_disk_is_full, store_says_that_the_disk_failed, store_answers_duplicates_alike,
          store_goes_on_without_the_asker, store_survives_a_crash_on_the_way, store_wants_all_fields,
          store_checks_in_the_documented_order, store_checks_the_ttl, store_checks_the_timestamp,
          store_takes_102400_characters, store_asks_for_the_current_difficulty, store_wants_a_nonce_of_8_bytes,
          store_lowers_the_key, store_says_which_swarm_it_is, store_waits_for_a_swarm, store_says_when_it_is_full,
          store_bounds_who_waits_for_the_disk, retrieve_gives_ten_at_a_time, retrieve_starts_over_after_an_unknown_hash,
          retrieve_checks_in_the_documented_order, retrieve_waits_for_a_message, retrieve_does_not_wait_above_the_bound,
          get_snodes_names_the_swarm_of_any_account)
