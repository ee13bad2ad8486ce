/* A whole client: the input is the story of its life. It sends, polls and listens in a small network, and whatever it
 * asks for may be answered rightly, wrongly, with anything, or not at all. Whatever happens, every message ends stored
 * or failed, and in the end nothing is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/message.h"
#include "common/limits.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/support/fake_swarm.h"

#define STEPS_MAX   200
#define NODES       9
#define SWARMS      3
#define ANSWERS_MAX 100 /* in one step: a poll that is never held goes on for ever */
#define SENT_MAX    32
#define END_MS      (30 * 60 * 1000) /* longer than any time limit with its retries */

struct life {
    struct bytes in;
    struct arena *arena;
    struct fake_swarm net;
    struct client *client, *friend;
    uint32_t puts, sent_count;
};

/* ---- what the user does ---- */

static void befriend(struct life *life)
{
    struct account_id recipient = *client_account(life->friend);
    const struct sent *sent;
    uint8_t how = take_u8(&life->in);
    struct bytes text = take_bytes(&life->in);

    if (life->sent_count == SENT_MAX)
        return;
    if ((how & 3) == 3)
        store_be64(recipient.bytes + 1, how * UINT64_C(0x0101010101010101)); /* of another swarm, and perhaps no key */
    if (client_befriend(life->client, &recipient, text, &sent) == OK)
        life->sent_count++;
}

static void listen(struct life *life)
{
    uint8_t how = take_u8(&life->in);

    if ((how & 3) == 0)
        client_poll_once(life->client);
    else if ((how & 3) == 1)
        client_listen_stop(life->client);
    else
        client_listen_start(life->client, (how & 1) != 0);
    if ((how & 4) != 0)
        client_clear_inbox(life->client);
    if ((how & 8) != 0)
        client_forget_sent(life->client, how >> 4);
}

/* ---- what the network does ---- */

static void answer_rightly(struct life *life)
{
    for (int n = take_u8(&life->in) % ANSWERS_MAX; n >= 0 && fake_swarm_run_one(&life->net); n--)
        ;
}

static void answer_anything(struct life *life)
{
    static const uint16_t statuses[] = {200, 400, 401, 404, 406, 421, 432, 500, 502, 503, 504, 999};
    struct fake_env *fake = &life->net.fake;
    size_t open = fake_env_open_calls(fake), index;
    uint8_t how = take_u8(&life->in);

    if (open == 0)
        return;
    index = fake_env_open_call(fake, take_u8(&life->in) % open);
    if (how < 0x30)
        fake_env_fail(fake, index, how < 0x10 ? NET_REFUSED : how < 0x20 ? NET_RESET : NET_TIMEOUT);
    else
        fake_env_answer(fake, index, statuses[how % ARRAY_LEN(statuses)], take_bytes(&life->in));
}

/* The target of an onion says this, sealed as it should be. */
static void force_answers(struct life *life)
{
    static const char *const methods[] = {NULL, "store", "retrieve", "get_snodes_for_pubkey"};
    static const uint16_t statuses[] = {200, 406, 421, 432, 503};
    struct fake_node *node = &life->net.nodes[take_u8(&life->in) % NODES];
    uint8_t how = take_u8(&life->in);
    struct bytes body = take_bytes(&life->in);

    node->forced_method = methods[how & 3];
    node->forced_status = statuses[(how >> 2) % ARRAY_LEN(statuses)];
    node->forced_body = arena_printf(life->arena, "%.*s", (int)body.len, (const char *)body.data);
    node->forced_times = how >> 5;
}

/* Good enough to be sealed into an onion: the honest list of the seed with some bytes changed. */
static void spoil_seed(struct life *life)
{
    struct buf list;
    struct bytes spoilt;

    buf_init(&list, LIMIT_BODY_BYTES);
    rpc_node_list_encode(&list, &life->net.membership);
    spoilt = take_mutated(&life->in, life->arena, buf_bytes(&list));
    life->net.seed_answer = arena_printf(life->arena, "%.*s", (int)spoilt.len, (const char *)spoilt.data);
    buf_fini(&list);
}

static void change_network(struct life *life)
{
    uint8_t how = take_u8(&life->in);

    switch (how & 7) {
    case 0:
        life->net.nodes[take_u8(&life->in) % NODES].mode = take_u8(&life->in) % (FAKE_SLANDERS + 1);
        break;
    case 1:
        fake_swarm_assign(&life->net, 1 + (how >> 3) % SWARMS, take_u8(&life->in));
        break;
    case 2:
        life->net.seed_down = (how & 8) != 0;
        break;
    case 3:
        spoil_seed(life);
        break;
    case 4:
        life->net.seed_answer = NULL;
        break;
    case 5:
        life->net.difficulty = 1 + take_u8(&life->in);
        break;
    case 6:
        life->net.holds = (how & 8) != 0;
        break;
    default:
        fake_swarm_release(&life->net);
    }
}

/* A message for the client at one of its nodes: from its friend, with some bytes changed, or made of anything. */
static void put_message(struct life *life)
{
    uint32_t node = take_u8(&life->in) % NODES;
    struct fake_env *fake = &life->net.fake;
    struct bytes text = take_bytes(&life->in), data;
    struct blob *sealed;

    if (text.len > 0 && text.data[0] < 0x80 &&
        message_seal(life->friend, client_account(life->client), (uint64_t)fake->now_ms, text, &sealed) == OK) {
        data = take_mutated(&life->in, life->arena, blob_bytes(sealed));
        blob_drop(sealed);
    } else {
        char *base64 = arena_alloc(life->arena, BASE64_LEN(text.len) + 1);

        base64_encode(base64, text);
        data = (struct bytes){(const uint8_t *)base64, BASE64_LEN(text.len)};
    }
    fake_swarm_put(&life->net, node, client_account(life->client), ++life->puts, data,
                   fake->now_ms + 1000 * (int64_t)take_u16(&life->in));
}

static void pass_time(struct life *life)
{
    static const int64_t spans_ms[] = {0, 1, 499, 1000, 2000, 5000, 10000, 40000};

    fake_env_advance_ms(&life->net.fake, spans_ms[take_u8(&life->in) % ARRAY_LEN(spans_ms)]);
}

static void crash_and_restart(struct life *life)
{
    fake_env_crash(&life->net.fake);
    client_free(life->client);
    life->client = fake_swarm_client(&life->net, 1);
    life->sent_count = 0;
}

/* ---- the life ---- */

static void step(struct life *life)
{
    switch (take_u8(&life->in) % 12) {
    case 0:
    case 1:
    case 2:
        answer_rightly(life);
        break;
    case 3:
        answer_anything(life);
        break;
    case 4:
        force_answers(life);
        break;
    case 5:
        change_network(life);
        break;
    case 6:
        put_message(life);
        break;
    case 7:
        pass_time(life);
        break;
    case 8:
        listen(life);
        break;
    case 9:
        if (take_u8(&life->in) >= 0xf0)
            crash_and_restart(life);
        break;
    default:
        befriend(life);
    }
    if (life->net.log_count > FAKE_LOG_MAX - ANSWERS_MAX - SENT_MAX * 64)
        life->net.log_count = 0;
    arena_reset(&life->net.fake.arena);
}

/* The user stops, and nobody answers any more. */
static void end(struct life *life)
{
    struct fake_env *fake = &life->net.fake;
    char left[FAKE_LEFT_MAX];

    client_listen_stop(life->client);
    fake_env_advance_ms(fake, END_MS);
    if (!fake_env_idle(fake, left))
        fprintf(stderr, "left: %s\n", left);
    ASSERT(fake_env_idle(fake, left) && !client_busy(life->client) && !client_polling(life->client));
    for (uint32_t number = 1; number <= life->sent_count; number++) {
        const struct sent *sent = client_sent(life->client, number);

        if (sent != NULL)
            ASSERT((sent->state == SEND_STORED && sent->stored_count > 0) ||
                   (sent->state == SEND_FAILED && sent->err != OK));
    }
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    struct life *life = xcalloc(1, sizeof(*life));
    uint8_t switches;

    life->in = input;
    life->arena = arena;
    fake_swarm_init(&life->net, NODES, SWARMS);
    switches = take_u8(&life->in);
    life->net.strangers = true;
    life->net.preset.suite = &crypto_modelled;
    life->net.preset.onion_version = (switches & 1) != 0 ? ONION_V1 : ONION_V2;
    life->net.preset.enc_type = (switches & 3) == 2 ? ENC_XCHACHA20 : ENC_AES_GCM;
    life->client = fake_swarm_client(&life->net, 1);
    life->friend = fake_swarm_client(&life->net, 2);
    for (int i = 0; i < STEPS_MAX && life->in.len > 0; i++)
        step(life);
    end(life);
    client_free(life->client);
    client_free(life->friend);
    fake_swarm_fini(&life->net);
    free(life);
}
