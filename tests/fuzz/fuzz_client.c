/* Two whole clients: the input is the story of their lives. They ask, accept, send, poll and listen in a small network,
 * and whatever they ask for may be answered rightly, wrongly, with anything, or not at all; both may crash. They begin
 * as strangers, as friends, or as friends who listen to one another: friendship takes more right steps than stories
 * have. Whatever happens, every message comes to an end, and in the end nothing is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/listening.h"
#include "common/limits.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"
#include "tests/support/fake_swarm.h"

#define STEPS_MAX   200
#define CLIENTS     2
#define NODES       9
#define SWARMS      3
#define ANSWERS_MAX 100 /* in one step: a poll that is never held goes on for ever */
#define SENT_MAX    32
#define END_MS      (30 * 60 * 1000) /* longer than any time limit with its retries */

struct life {
    struct bytes in;
    struct arena *arena;
    struct fake_swarm net;
    struct client *clients[CLIENTS];
    uint32_t puts, sent_count;
};

/* ---- what the users do ---- */

static void write_somebody(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    struct client *from = life->clients[how & 1];
    struct account_id to = *client_account(life->clients[~how & 1]);
    struct bytes text = take_bytes(&life->in);
    const struct sent *sent;

    if (life->sent_count == SENT_MAX)
        return;
    life->sent_count++;
    if ((how & 0x18) == 0x18)
        store_be64(to.bytes + 1, how * UINT64_C(0x0101010101010101)); /* of another swarm, and perhaps no key */
    if ((how & 2) != 0)
        (void)!client_befriend(from, &to, text, &sent);
    else
        (void)!client_send(from, &to, text, &sent);
}

static void answer_request(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    struct client *client = life->clients[how & 1];
    const struct account_id *other = client_account(life->clients[~how & 1]);

    if ((how & 0x70) == 0x70)
        (void)!client_decline(client, other);
    else
        (void)!client_accept(client, other);
}

static void listen(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    struct client *client = life->clients[how & 1];

    switch (how >> 1 & 7) {
    case 0:
        client_listen_stop(client);
        break;
    case 1:
    case 2:
        client_listen_start(client, (how & 2) != 0);
        break;
    case 3:
        client_online(client);
        break;
    case 4:
        client_offline(client);
        break;
    default:
        client_poll_once(client);
    }
    if ((how & 0x10) != 0)
        client_clear_inbox(client);
    if ((how & 0x20) != 0)
        client_forget_sent(client, how >> 6);
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

/* What one of the nodes has, with some bytes changed, or anything. */
static void put_message(struct life *life)
{
    uint8_t how = take_u8(&life->in);
    const struct fake_node *from = &life->net.nodes[(how >> 1) % NODES];
    uint32_t to = take_u8(&life->in) % NODES;
    struct account_id account = *client_account(life->clients[how & 1]);
    struct bytes data;

    if (from->stored_count > 0) {
        const struct fake_stored *stored = &from->stored[take_u8(&life->in) % from->stored_count];

        account = stored->account;
        data = take_mutated(&life->in, life->arena, bytes_text(stored->data));
    } else {
        struct bytes anything = take_bytes(&life->in);
        char *base64 = arena_alloc(life->arena, BASE64_LEN(anything.len) + 1);

        base64_encode(base64, anything);
        data = (struct bytes){(const uint8_t *)base64, BASE64_LEN(anything.len)};
    }
    fake_swarm_put(&life->net, to, &account, ++life->puts, data,
                   life->net.fake.now_ms + 1000 * (int64_t)take_u16(&life->in));
}

static void change_disk(struct life *life)
{
    static const enum err errs[] = {OK, OK, ERR_FULL, ERR_IO};

    life->net.fake.disk_err = errs[take_u8(&life->in) & 3];
}

static void pass_time(struct life *life)
{
    static const int64_t spans_ms[] = {0, 1, 499, 1000, 2000, 5000, 10000, 40000};

    fake_env_advance_ms(&life->net.fake, spans_ms[take_u8(&life->in) % ARRAY_LEN(spans_ms)]);
}

/* Both, since they share the machine. */
static void crash_and_restart(struct life *life)
{
    fake_env_crash(&life->net.fake);
    if (life->net.held_cap > 0)
        memset(life->net.held, 0, life->net.held_cap * sizeof(*life->net.held)); /* nobody waits any more */
    for (uint8_t i = 0; i < CLIENTS; i++) {
        client_free(life->clients[i]);
        life->clients[i] = fake_swarm_client(&life->net, i);
        (void)client_start(life->clients[i]);
    }
}

/* ---- the life ---- */

static void step(struct life *life)
{
    switch (take_u8(&life->in) % 13) {
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
        answer_request(life);
        break;
    case 10:
        if (take_u8(&life->in) >= 0xc0)
            crash_and_restart(life);
        else
            change_disk(life);
        break;
    default:
        write_somebody(life);
    }
    if (life->net.log_count > FAKE_LOG_MAX - ANSWERS_MAX - SENT_MAX * 64)
        life->net.log_count = 0;
    arena_reset(&life->net.fake.arena);
}

static void check_ended(struct client *client)
{
    ASSERT(!client_busy(client) && !client_polling(client) && !client_listening(client));
    for (uint32_t number = 1; number <= SENT_MAX; number++) {
        const struct sent *sent = client_sent(client, number);

        if (sent != NULL)
            ASSERT(sent->state == SEND_ACKNOWLEDGED || (sent->state == SEND_STORED && sent->stored_count > 0) ||
                   (sent->state == SEND_FAILED && sent->err != OK));
    }
}

/* The users stop, and nobody answers any more. */
static void end(struct life *life)
{
    struct fake_env *fake = &life->net.fake;
    char left[FAKE_LEFT_MAX];

    fake->disk_err = OK;
    for (size_t i = 0; i < CLIENTS; i++) {
        client_offline(life->clients[i]);
        client_listen_stop(life->clients[i]);
    }
    fake_env_advance_ms(fake, END_MS);
    if (!fake_env_idle(fake, left))
        fprintf(stderr, "left: %s\n", left);
    ASSERT(fake_env_idle(fake, left));
    for (size_t i = 0; i < CLIENTS; i++)
        check_ended(life->clients[i]);
}

/* One poll asks three of the swarm's nodes: not always those that have the message. */
static void poll_until(struct life *life, int who, enum friend_state wanted)
{
    while (client_friend_state(life->clients[who], client_account(life->clients[!who])) != wanted) {
        client_poll_once(life->clients[who]);
        fake_swarm_run(&life->net);
    }
}

/* With as few polls as will do: most of the time of a story goes here. */
static void make_friends(struct life *life)
{
    const struct sent *sent;

    ASSERT(client_befriend(life->clients[0], client_account(life->clients[1]), BYTES_LIT("Hi"), &sent) == OK);
    fake_swarm_run(&life->net);
    poll_until(life, 1, FRIEND_ASKING);
    ASSERT(client_accept(life->clients[1], client_account(life->clients[0])) == OK);
    fake_swarm_run(&life->net);
    poll_until(life, 0, FRIEND_FRIENDS);
    poll_until(life, 1, FRIEND_FRIENDS);
}

static void meet(struct life *life)
{
    const struct account_id *other = client_account(life->clients[1]);
    const struct sent *sent;

    for (int i = 0; i < CLIENTS; i++)
        listening_start(life->clients[i]);
    fake_swarm_run_ms(&life->net, 10);
    ASSERT(client_send(life->clients[0], other, BYTES_LIT("are you there?"), &sent) == OK);
    while (client_contact_state(life->clients[0], other) != CONTACT_ONLINE) {
        client_poll_once(life->clients[1]);
        fake_swarm_run_ms(&life->net, 100);
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
    for (uint8_t i = 0; i < CLIENTS; i++)
        life->clients[i] = fake_swarm_client(&life->net, i);
    if ((switches & 4) != 0)
        make_friends(life);
    if ((switches & 12) == 12)
        meet(life);
    for (int i = 0; i < STEPS_MAX && life->in.len > 0; i++)
        step(life);
    end(life);
    for (uint8_t i = 0; i < CLIENTS; i++)
        client_free(life->clients[i]);
    fake_swarm_fini(&life->net);
    free(life);
}
