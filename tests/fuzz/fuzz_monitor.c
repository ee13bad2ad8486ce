/* Subscriptions to new messages. The first byte chooses: a body of POST /monitor/v1 from anybody, as its dictionary
 * alone and at a node; or a story, of subscribers with signatures that hold, messages, revocations and time. What each
 * subscriber must be answered and told is reckoned beside it, without the node's tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/monitor.h"
#include "proto/monitor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/support/fake_env.h"

#define RECORDS_MAX 10
#define STEPS_MAX   100
#define OWNERS      3
#define TOKENS      3
#define NAMESPACES  8
#define WISHES_MAX  5 /* in one request */
#define HOUR_MS     3600000

/* ---- anything ---- */

static void read_alone(struct bytes input, struct arena *arena)
{
    struct monitor_request request;
    const char *why = NULL;
    struct buf text;

    if (monitor_request_decode(arena, input, &request, &why) != MONITOR_OK) {
        ASSERT(why != NULL);
        return;
    }
    ASSERT(request.namespace_count > 0);
    buf_init(&text, SIZE_MAX);
    monitor_request_signed_text(&text, &request);
    buf_fini(&text);
}

/* Whoever is told of nothing is closed at once; nothing stays when the others have gone. */
static void at_a_node(struct bytes input)
{
    struct fake_env fake;
    struct store store;
    struct monitor *monitor;
    struct fake_request *request;

    fake_env_init(&fake, 1);
    store_init(&store, &fake.env, 1 << 20, RECORDS_MAX, NULL, NULL);
    monitor = monitor_new(&fake.env, &crypto_modelled, &store);
    request = fake_env_request(&fake, VERB_POST, "/monitor/v1", input);
    monitor_on_request(monitor, &request->incoming);
    fake_env_run(&fake);
    ASSERT(request->answered == (monitor->connection_count == 0));
    if (!request->answered)
        fake_env_hang_up(&fake, request);
    ASSERT(monitor->connection_count == 0 && monitor->subscription_count == 0);
    monitor_free(monitor);
    store_fini(&store);
    fake_env_fini(&fake);
}

/* ---- a story ---- */

static const int16_t namespaces[NAMESPACES] = {-32768, -10, -1, 0, 1, 5, 300, 32767};

struct owner {
    struct ed25519_public key;
    struct ed25519_secret secret;
    struct account_id accounts[2]; /* named by the key as it stands, and converted */
    struct subaccount_token tokens[TOKENS];
};

/* What is reckoned of one request: how many parts it has had, and for which namespaces of which account it waits. */
struct subscriber {
    struct fake_request *request;
    size_t parts;
    uint8_t waits[OWNERS][2];
    bool data[OWNERS][2];
};

struct story {
    struct bytes in;
    struct fake_env fake;
    struct store store;
    struct body_pool bodies;
    struct monitor *monitor;
    struct subscriber subscribers[STEPS_MAX];
    size_t subscriber_count;
};

/* For the whole process: keys for each input would cost more than most inputs do. */
static struct owner owners[OWNERS];
static struct ed25519_secret holder_secret; /* of every token */

static void make_owners(void)
{
    uint8_t seed[32] = {9};
    struct ed25519_public holder;

    ed25519_from_seed(seed, &holder, &holder_secret);
    for (size_t i = 0; i < OWNERS; i++) {
        struct owner *owner = &owners[i];
        struct x25519_public converted;

        seed[0] = (uint8_t)i;
        ed25519_from_seed(seed, &owner->key, &owner->secret);
        ASSERT(x25519_from_ed25519_public(&owner->key, &converted) == OK);
        owner->accounts[0].bytes[0] = 3;
        memcpy(owner->accounts[0].bytes + 1, owner->key.bytes, sizeof(owner->key.bytes));
        account_from_x25519(&converted, &owner->accounts[1]);
        for (size_t t = 0; t < TOKENS; t++) {
            owner->tokens[t].bytes[0] = t == 1 ? 3 : ACCOUNT_PREFIX;
            owner->tokens[t].bytes[1] = SUBACCOUNT_READ | (t == 2 ? SUBACCOUNT_ANY_PREFIX : 0);
            memcpy(owner->tokens[t].bytes + 4, holder.bytes, sizeof(holder.bytes));
        }
    }
}

static void sign(const struct ed25519_secret *secret, struct bytes text, bool spoil, uint8_t signature[64])
{
    crypto_modelled.sign(secret, text, signature);
    signature[5] ^= spoil;
}

static void write_named(struct buf *out, const char *name, struct bytes value)
{
    bencode_write_text(out, name);
    bencode_write_string(out, value);
}

/* One dictionary, and what must become of it. */
static enum monitor_error take_wish(struct story *story, struct buf *out, struct subscriber *subscriber)
{
    static const int64_t late_s[] = {0, LIMIT_MONITOR_PAST_S, LIMIT_MONITOR_PAST_S + 1, -LIMIT_MONITOR_FUTURE_S,
                                     -LIMIT_MONITOR_FUTURE_S - 1};
    uint8_t who = take_u8(&story->in), mask = take_u8(&story->in), how = take_u8(&story->in);
    struct owner *owner = &owners[who % OWNERS];
    bool converted = (who & 0x80) != 0, data = (how & 1) != 0, spoil = (how & 6) == 6, by_token = (how & 8) != 0;
    size_t late = (how & 0x30) == 0x30 ? take_u8(&story->in) % ARRAY_LEN(late_s) : 0;
    const struct subaccount_token *token = &owner->tokens[(how >> 6) % TOKENS];
    struct account_id *account = &owner->accounts[converted];
    struct monitor_request request = {.account = *account, .data = data};
    int16_t wanted[NAMESPACES];
    uint8_t signature[64];
    struct buf text;

    for (size_t i = 0; i < NAMESPACES; i++)
        if ((mask & 1u << i) != 0)
            wanted[request.namespace_count++] = namespaces[i];
    request.namespaces = wanted;
    request.signed_s = story->fake.now_ms / 1000 - late_s[late];
    buf_init(&text, SIZE_MAX);
    monitor_request_signed_text(&text, &request);
    sign(by_token ? &holder_secret : &owner->secret, buf_bytes(&text), spoil, signature);
    buf_fini(&text);

    buf_byte(out, 'd');
    if (converted)
        write_named(out, "P", BYTES_OF(owner->key.bytes));
    if (by_token) {
        uint8_t token_signature[64];

        sign(&owner->secret, BYTES_OF(token->bytes), false, token_signature);
        write_named(out, "S", BYTES_OF(token_signature));
        write_named(out, "T", BYTES_OF(token->bytes));
    }
    bencode_write_text(out, "d");
    bencode_write_integer(out, data);
    bencode_write_text(out, "n");
    buf_byte(out, 'l');
    for (size_t i = 0; i < request.namespace_count; i++)
        bencode_write_integer(out, wanted[i]);
    buf_byte(out, 'e');
    if (!converted)
        write_named(out, "p", BYTES_OF(account->bytes));
    write_named(out, "s", BYTES_OF(signature));
    bencode_write_text(out, "t");
    bencode_write_integer(out, request.signed_s);
    buf_byte(out, 'e');

    if (mask == 0)
        return MONITOR_BAD_NAMESPACES;
    if (late == 2 || late == 4)
        return MONITOR_BAD_TIME;
    if (spoil || (by_token && (!subaccount_permits(token, account, SUBACCOUNT_READ) ||
                               store_is_revoked(&story->store, account, token))))
        return MONITOR_BAD_SIGNATURE;
    subscriber->waits[who % OWNERS][converted] |= mask;
    subscriber->data[who % OWNERS][converted] |= data;
    return MONITOR_OK;
}

static void check_results(struct bytes frame, const enum monitor_error expected[], size_t count, bool is_list)
{
    struct bencode in;
    uint8_t len[4];

    ASSERT(frame.len > 4);
    store_be32(len, (uint32_t)frame.len - 4);
    ASSERT(memcmp(frame.data, len, sizeof(len)) == 0);
    bencode_init(&in, bytes_slice(frame, 4, frame.len - 4));
    if (is_list)
        bencode_open(&in, 'l');
    for (size_t i = 0; i < count; i++) {
        enum monitor_error told = MONITOR_OK;

        bencode_open(&in, 'd');
        for (struct bytes key = BYTES_NONE; bencode_key(&in, &key);)
            if (bytes_equal_text(key, "errcode"))
                told = (enum monitor_error)bencode_integer(&in);
            else
                bencode_skip(&in);
        ASSERT(told == expected[i]);
    }
    ASSERT(!is_list || !bencode_element(&in));
    ASSERT(bencode_end(&in));
}

static void subscribe(struct story *story)
{
    struct subscriber *subscriber = &story->subscribers[story->subscriber_count++];
    enum monitor_error expected[WISHES_MAX];
    uint8_t how = take_u8(&story->in);
    bool is_list = (how & 0x80) != 0, waits = false;
    size_t count = is_list ? how % (WISHES_MAX + 1) : 1;
    struct buf body;

    memset(subscriber, 0, sizeof(*subscriber));
    buf_init(&body, SIZE_MAX);
    if (is_list)
        buf_byte(&body, 'l');
    for (size_t i = 0; i < count; i++) {
        expected[i] = take_wish(story, &body, subscriber);
        waits |= expected[i] == MONITOR_OK;
    }
    if (is_list)
        buf_byte(&body, 'e');
    subscriber->request = fake_env_request(&story->fake, VERB_POST, "/monitor/v1", buf_bytes(&body));
    monitor_on_request(story->monitor, &subscriber->request->incoming);
    subscriber->parts = 1;
    ASSERT(subscriber->request->part_count == 1 && subscriber->request->answered == !waits);
    check_results(blob_bytes(subscriber->request->parts[0]), expected, count, is_list);
    buf_fini(&body);
}

static bool is_open(const struct subscriber *subscriber)
{
    return !subscriber->request->answered && !subscriber->request->gone;
}

/* Which of the subscribers a message is for; the node tells them meanwhile. */
static void on_stored(void *owner, struct stored_body *body)
{
    struct story *story = owner;

    for (size_t s = 0; s < story->subscriber_count; s++) {
        struct subscriber *subscriber = &story->subscribers[s];

        if (!is_open(subscriber))
            continue;
        for (size_t i = 0; i < (size_t)OWNERS * 2; i++)
            if (account_equal(&owners[i / 2].accounts[i % 2], &body->account))
                for (size_t n = 0; n < NAMESPACES; n++)
                    subscriber->parts +=
                        namespaces[n] == body->namespace && (subscriber->waits[i / 2][i % 2] >> n & 1) != 0;
    }
    monitor_notify(story->monitor, body);
}

static void put(struct story *story)
{
    uint8_t who = take_u8(&story->in), which = take_u8(&story->in);
    struct stored_body *body = body_pool_get_modern(
        &story->bodies, &owners[who % OWNERS].accounts[who >> 7], namespaces[which % NAMESPACES], HOUR_MS,
        (uint64_t)story->fake.now_ms, bytes_slice(story->in, 0, story->in.len < which ? story->in.len : which));
    enum err err = store_put(&story->store, body, CAUSE_RELAY, NULL, NULL);

    ASSERT(err == OK || err == ERR_FULL || err == ERR_DUPLICATE);
    body_drop(body);
}

static void revoke(struct story *story)
{
    uint8_t who = take_u8(&story->in);
    struct owner *owner = &owners[who % OWNERS];
    const struct subaccount_token *token = &owner->tokens[(who >> 4) % TOKENS];

    if ((who & 8) != 0) {
        enum err err = store_revoke(&story->store, &owner->accounts[who >> 7], token, 1);

        ASSERT(err == OK || err == ERR_FULL);
    } else {
        (void)store_unrevoke(&story->store, &owner->accounts[who >> 7], token, 1);
    }
}

static void hang_up(struct story *story)
{
    size_t at = take_u8(&story->in);

    if (at < story->subscriber_count && is_open(&story->subscribers[at]))
        fake_env_hang_up(&story->fake, story->subscribers[at].request);
}

static void step(struct story *story)
{
    static const int64_t spans_ms[] = {1, 60000, HOUR_MS, LIMIT_MONITOR_MS - 1};

    switch (take_u8(&story->in) % 8) {
    case 0:
    case 1:
        subscribe(story);
        break;
    case 2:
        fake_env_advance_ms(&story->fake, spans_ms[take_u8(&story->in) % ARRAY_LEN(spans_ms)]);
        break;
    case 3:
        revoke(story);
        break;
    case 4:
        hang_up(story);
        break;
    default:
        put(story);
    }
    fake_env_run(&story->fake);
}

static void check(const struct story *story)
{
    size_t open = 0, subscriptions = 0;

    for (size_t s = 0; s < story->subscriber_count; s++) {
        const struct subscriber *subscriber = &story->subscribers[s];

        ASSERT(subscriber->request->part_count == subscriber->parts);
        if (!is_open(subscriber))
            continue;
        open++;
        for (size_t i = 0; i < (size_t)OWNERS * 2; i++)
            subscriptions += subscriber->waits[i / 2][i % 2] != 0;
    }
    ASSERT(story->monitor->connection_count == open && story->monitor->subscription_count == subscriptions);
}

static void live(struct bytes input)
{
    struct story *story = xcalloc(1, sizeof(*story));

    story->in = input;
    if (owners[0].accounts[0].bytes[0] == 0)
        make_owners();
    fake_env_init(&story->fake, 1);
    body_pool_init(&story->bodies);
    store_init(&story->store, &story->fake.env, 1 << 20, RECORDS_MAX, story, on_stored);
    story->monitor = monitor_new(&story->fake.env, &crypto_modelled, &story->store);
    for (int i = 0; i < STEPS_MAX && story->in.len > 0; i++) {
        step(story);
        check(story);
    }
    if (take_u8(&input) % 2 == 0) { /* else the node dies with all of them */
        fake_env_advance_ms(&story->fake, LIMIT_MONITOR_MS);
        ASSERT(story->monitor->connection_count == 0 && story->monitor->subscription_count == 0);
    }
    monitor_free(story->monitor);
    store_fini(&story->store);
    body_pool_fini(&story->bodies);
    fake_env_fini(&story->fake);
    free(story);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    uint8_t how = take_u8(&input);

    if (how % 2 == 1) {
        live(input);
    } else {
        read_alone(input, arena);
        at_a_node(input);
    }
}
