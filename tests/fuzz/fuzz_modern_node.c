/* A whole node in today's dialect: the input is a story of signed and raw calls, other members' answers and calls,
 * hang-ups, disk faults, crashes and time. Every call is answered in the end, and nothing is left of it. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/recursive.h"
#include "proto/storage_rpc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/support/modern_fixture.h"

#define STEPS_MAX 60
#define HASHES    4

struct life {
    struct bytes in;
    struct arena *arena;
    struct modern_fixture fixture;
    char hashes[HASHES][MESSAGE_HASH_CHARS + 1];
};

static int take_namespace(struct life *life)
{
    static const int namespaces[] = {0, 5, -1, -11, -10, 7};

    return namespaces[take_u8(&life->in) % ARRAY_LEN(namespaces)];
}

static const char *take_hash(struct life *life)
{
    return life->hashes[take_u8(&life->in) % HASHES];
}

static long long take_time(struct life *life)
{
    static const int spans_ms[] = {0, 1000, 59000, 61000, 3600000, -3000, 20000000};

    return (long long)life->fixture.net.fake.now_ms + spans_ms[take_u8(&life->in) % ARRAY_LEN(spans_ms)];
}

/* Data of one character: the same messages come again and again. */
static void call_store(struct life *life)
{
    static const char *const base64[HASHES] = {"QQ", "Qg", "Qw", "RA"};
    int namespace = take_namespace(life);
    uint8_t number = take_u8(&life->in) % HASHES, letter = 'A' + number;
    long long expiry_ms = take_time(life) + 11000;

    message_hash(&life->fixture.account, (int16_t) namespace, (struct bytes){&letter, 1}, life->hashes[number]);
    (void)call_signed(&life->fixture, "store", "\"timestamp\":%lld,\"expiry\":%lld,\"namespace\":%d,\"data\":\"%s\"",
                      (long long)life->fixture.net.fake.now_ms, expiry_ms, namespace, base64[number]);
}

static void call_one(struct life *life)
{
    static const char *const flags[] = {"", ",\"shorten\":true", ",\"extend\":true"};
    static const char token[] = "BQMAAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    struct modern_fixture *fixture = &life->fixture;

    switch (take_u8(&life->in) % 9) {
    case 0:
        (void)call_signed(fixture, "retrieve", "\"timestamp\":%lld,\"namespace\":%d,\"last_hash\":\"%s\"",
                          (long long)fixture->net.fake.now_ms, take_namespace(life), take_hash(life));
        break;
    case 1:
        (void)call_signed(fixture, "delete", "\"messages\":[\"%s\",\"%s\"],\"required\":true", take_hash(life),
                          take_hash(life));
        break;
    case 2:
        (void)call_signed(fixture, "delete_before", "\"before\":%lld,\"namespace\":\"all\"", take_time(life));
        break;
    case 3:
        (void)call_signed(fixture, "expire", "\"messages\":[\"%s\",\"%s\"],\"expiry\":[%lld,%lld]%s", take_hash(life),
                          take_hash(life), take_time(life), take_time(life),
                          flags[take_u8(&life->in) % ARRAY_LEN(flags)]);
        break;
    case 4:
        (void)call_signed(fixture, "expire_all", "\"expiry\":%lld,\"namespace\":%d", take_time(life),
                          take_namespace(life));
        break;
    case 5:
        (void)call_signed(fixture, take_u8(&life->in) & 1 ? "revoke_subaccount" : "unrevoke_subaccount",
                          "\"timestamp\":%lld,\"revoke\":\"%s\",\"unrevoke\":\"%s\"", take_time(life), token, token);
        break;
    case 6:
        (void)call_by_token(fixture, take_u8(&life->in), "expire", "\"messages\":\"%s\",\"expiry\":%lld",
                            take_hash(life), take_time(life));
        break;
    case 7:
        (void)call_signed(fixture, "get_expiries", "\"timestamp\":%lld,\"messages\":[\"%s\"]",
                          (long long)fixture->net.fake.now_ms, take_hash(life));
        break;
    default:
        (void)call_signed(fixture, "delete_all", "\"timestamp\":%lld", take_time(life));
    }
}

static void send(struct life *life, const char *path, struct bytes body)
{
    struct node_fixture *net = &life->fixture.net;
    const struct ed25519_public *peer = &net->keys[net->members[0]].ed25519;
    struct fake_request *request = strcmp(path, PATH_STORAGE_RPC) == 0
                                       ? fake_env_request(&net->fake, VERB_POST, path, body)
                                       : fake_env_peer_request(&net->fake, peer, path, body);

    snode_on_request(life->fixture.snode, &request->incoming);
    fake_env_run(&net->fake);
}

/* Two calls in one, or raw bytes. */
static void call_many(struct life *life)
{
    static const char *const methods[] = {"batch", "sequence", "ifelse"};
    const char *method = methods[take_u8(&life->in) % ARRAY_LEN(methods)];
    long long now_ms = (long long)life->fixture.net.fake.now_ms;
    const char *pubkey = life->fixture.pubkey;
    struct bytes body = text_request(
        &life->fixture.net.fake,
        "{\"method\":\"%s\",\"params\":{\"if\":{\"height_before\":%u},\"requests\":["
        "{\"method\":\"store\",\"params\":{\"pubkey\":\"%s\",\"timestamp\":%lld,\"ttl\":20000,\"data\":\"\"}},"
        "{\"method\":\"retrieve\",\"params\":{\"pubkey\":\"%s\",\"namespace\":-10}}],"
        "\"then\":{\"method\":\"sequence\",\"params\":{\"requests\":[{\"method\":\"store\",\"params\":"
        "{\"pubkey\":\"%s\",\"timestamp\":%lld,\"ttl\":20000,\"data\":\"\"}},{\"method\":\"info\",\"params\":{}}]}}}}",
        method, take_u8(&life->in), pubkey, now_ms, pubkey, pubkey, now_ms);

    send(life, PATH_STORAGE_RPC, take_mutated(&life->in, life->arena, body));
}

static void call_by_member(struct life *life)
{
    const struct fake_env *fake = &life->fixture.net.fake;
    struct bytes body = fake->call_count == 0 ? take_bytes(&life->in)
                                              : fake_call_body(fake->calls[take_u8(&life->in) % fake->call_count]);

    send(life, PATH_SN_STORAGE_CC, take_mutated(&life->in, life->arena, body));
}

static void answer_call(struct life *life)
{
    static const char *const results[] = {"de", "d7:alreadyi1e4:hash1:ae", "d7:deletedl1:aee", "d6:failedi1ee", ""};
    struct fake_env *fake = &life->fixture.net.fake;
    size_t open = fake_env_open_calls(fake), index;
    uint8_t how = take_u8(&life->in);

    if (open == 0)
        return;
    index = fake_env_open_call(fake, take_u8(&life->in) % open);
    if (how < 0x40)
        fake_env_fail(fake, index, how < 0x20 ? NET_REFUSED : NET_TIMEOUT);
    else if (how < 0x60)
        fake_env_answer(fake, index, 401, take_bytes(&life->in));
    else
        fake_env_answer(fake, index, 200,
                        take_mutated(&life->in, life->arena, bytes_text(results[how % ARRAY_LEN(results)])));
}

static void hang_up(struct life *life)
{
    struct fake_env *fake = &life->fixture.net.fake;

    for (size_t i = fake->request_count; i-- > 0;) {
        if (!fake->requests[i]->answered && !fake->requests[i]->gone) {
            fake_env_hang_up(fake, fake->requests[i]);
            return;
        }
    }
}

static void crash_and_restart(struct life *life)
{
    fake_env_crash(&life->fixture.net.fake);
    snode_free(life->fixture.snode);
    life->fixture.snode = snode_new(&life->fixture.net.config);
    (void)snode_start(life->fixture.snode);
    snode_on_membership(life->fixture.snode, &life->fixture.net.membership);
}

static void change_disk(struct life *life)
{
    static const enum err errs[] = {OK, OK, ERR_FULL, ERR_IO};
    struct fake_env *fake = &life->fixture.net.fake;
    uint8_t how = take_u8(&life->in);

    fake->disk_manual = (how & 4) != 0;
    fake->disk_err = errs[how & 3];
    if ((how & 8) != 0 && fake->syncs_waiting > 0)
        fake_env_complete_sync(fake);
}

static void step(struct life *life)
{
    static const int64_t spans_ms[] = {0, 1, 4999, 5001, 30000, 4000000};

    switch (take_u8(&life->in) % 12) {
    case 0:
        fake_env_advance_ms(&life->fixture.net.fake, spans_ms[take_u8(&life->in) % ARRAY_LEN(spans_ms)]);
        break;
    case 1:
        change_disk(life);
        break;
    case 2:
        crash_and_restart(life);
        break;
    case 3:
        hang_up(life);
        break;
    case 4:
        call_many(life);
        break;
    case 5:
        call_by_member(life);
        break;
    case 6:
    case 7:
        answer_call(life);
        break;
    case 8:
    case 9:
        call_store(life);
        break;
    default:
        call_one(life);
    }
    arena_reset(&life->fixture.net.fake.arena);
}

/* The disk works again, the members stay silent, and then every asker has an answer. */
static void end(struct life *life)
{
    struct fake_env *fake = &life->fixture.net.fake;
    struct snode_counts counts;

    fake->disk_manual = false;
    fake->disk_err = OK;
    while (fake->syncs_waiting > 0)
        fake_env_complete_sync(fake);
    for (int i = 0; i < LIMIT_BATCH_REQUESTS; i++) /* a sequence asks them one after another */
        fake_env_advance_ms(fake, LIMIT_MEMBER_MS);
    ASSERT(fake_env_open_calls(fake) == 0);
    for (size_t i = 0; i < fake->request_count; i++)
        ASSERT(fake->requests[i]->answered || fake->requests[i]->gone);
    fake_env_advance_ms(fake, LIMIT_TTL_PRIVATE_MS_MAX + 2 * LIMIT_SWEEP_MS);
    snode_counts(life->fixture.snode, &counts);
    ASSERT(counts.records == 0);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct life *life = xcalloc(1, sizeof(*life));

    life->in = input;
    life->arena = arena;
    modern_fixture_init(&life->fixture, SPEAKS_BOTH);
    for (size_t i = 0; i < HASHES; i++)
        memset(life->hashes[i], 'A', MESSAGE_HASH_CHARS);
    for (int i = 0; i < STEPS_MAX && life->in.len > 0; i++)
        step(life);
    end(life);
    modern_fixture_fini(&life->fixture);
    free(life);
}
