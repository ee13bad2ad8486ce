#include "sim/testbed_state.h"

#include <stdlib.h>
#include <string.h>

#define CLIENT_PORT 40000

static struct user *user_of(const struct testbed *testbed, uint32_t client)
{
    ASSERT(client < testbed->user_count);
    return &testbed->user_pages[client / USERS_PER_PAGE][client % USERS_PER_PAGE];
}

static const char *name_of(const struct testbed *testbed, const struct user *user)
{
    return (const char *)testbed->names.data + user->name_at;
}

struct bytes testbed_user_key(const void *owner, uint32_t number)
{
    return BYTES_OF(user_of(owner, number)->account.bytes);
}

static void on_caller_gone(struct incoming *incoming)
{
    (void)incoming; /* the env frees it: nobody here has kept it */
}

/* A user's device takes no connections, like one behind a home router: the caller hears nothing, until it gives up. */
static void on_client_request(void *machine, struct incoming *incoming)
{
    (void)machine;
    incoming->on_gone = on_caller_gone;
}

static void free_client(void *machine)
{
    client_free(machine);
}

static const struct seat_handler client_handler = {.on_request = on_client_request, .free = free_client};

/* Where the nodes of the account's swarm are, so that what they answer need not cross to another shard. */
static uint32_t shard_of_account(const struct testbed *testbed, const struct account_id *account, uint32_t otherwise)
{
    const struct membership *membership = testbed->newest->membership;
    const struct swarm_entry *swarm = swarm_of(membership, account);
    uint32_t node;

    if (swarm == NULL)
        return otherwise;
    node = testbed_node_by_key(testbed, &swarm_member(membership, swarm, 0)->ed25519);
    return testbed->nodes[node]->shard;
}

static uint32_t shard_of_identity(const struct testbed *testbed, const uint8_t identity_seed[32], uint32_t otherwise)
{
    struct x25519_pair pair;
    struct account_id account;

    x25519_from_seed(identity_seed, &pair);
    account_from_x25519(&pair.public, &account);
    crypto_wipe(&pair, sizeof(pair));
    return shard_of_account(testbed, &account, otherwise);
}

/* 10.0.0.1 and on; the port goes up when the addresses are used up. */
static struct address client_address(uint32_t number)
{
    uint32_t place = number + 1;

    return (struct address){UINT32_C(10) << 24 | (place & 0xffffff), (uint16_t)(CLIENT_PORT + (place >> 24))};
}

static void identity_seed_of(const struct testbed *testbed, uint32_t number, uint8_t identity_seed[32])
{
    struct rng rng;

    rng_init(&rng, testbed->key, RNG_KEYS, CLIENT | number);
    rng_bytes(&rng, identity_seed, 32);
}

/* A device is switched on, with whatever is on its disk. */
static struct client *occupy_user(struct testbed *testbed, const struct user *user, const uint8_t identity_seed[32])
{
    struct client *client = client_new(&(struct client_config){
        .env = world_env(testbed->world, user->seat),
        .preset = &testbed->config.client,
        .lists = world_lists(testbed->world, user->seat),
        .sessions = world_sessions(testbed->world, user->seat),
        .identity_seed = identity_seed,
        .display_name = name_of(testbed, user),
    });

    world_occupy(testbed->world, user->seat, &client_handler, client);
    return client;
}

static struct user *add_user(struct testbed *testbed, const char *name)
{
    uint32_t pages = testbed->user_count / USERS_PER_PAGE;
    struct user *user;

    if (testbed->user_count % USERS_PER_PAGE == 0) {
        testbed->user_pages = xrealloc(testbed->user_pages, (pages + 1) * sizeof(*testbed->user_pages));
        testbed->user_pages[pages] = xcalloc(USERS_PER_PAGE, sizeof(struct user));
    }
    user = user_of(testbed, testbed->user_count++);
    user->name_at = (uint32_t)testbed->names.len;
    buf_text(&testbed->names, name);
    buf_byte(&testbed->names, '\0');
    ASSERT(testbed->names.err == OK);
    return user;
}

uint32_t testbed_add_client(struct testbed *testbed, const char *name)
{
    uint32_t number = testbed->user_count;
    struct user *user = add_user(testbed, name);
    uint8_t identity_seed[32];

    identity_seed_of(testbed, number, identity_seed);
    user->seat =
        world_add_seat(testbed->world, &(struct seat_config){
                                           .address = client_address(number),
                                           .shard = shard_of_identity(testbed, identity_seed, number % WORLD_SHARDS),
                                           .host = CLIENT | number,
                                           .has_disk = true,
                                           .access = network_place_client(testbed->key, number),
                                           .cpu_percent = CLIENT_CPU_PERCENT,
                                       });
    user->account = *client_account(occupy_user(testbed, user, identity_seed));
    crypto_wipe(identity_seed, sizeof(identity_seed));
    number_index_add(&testbed->users_by_account);
    return number;
}

uint32_t testbed_client_count(const struct testbed *testbed)
{
    return testbed->user_count;
}

struct client *testbed_client(struct testbed *testbed, uint32_t client)
{
    return world_machine(testbed->world, user_of(testbed, client)->seat);
}

const struct account_id *testbed_client_account(const struct testbed *testbed, uint32_t client)
{
    return &user_of(testbed, client)->account;
}

void testbed_client_kill(struct testbed *testbed, uint32_t client)
{
    uint32_t seat = user_of(testbed, client)->seat;

    if (world_occupied(testbed->world, seat))
        world_crash(testbed->world, seat);
}

static void on_client_restart(void *machine, void *owner)
{
    struct trace_record record = {.kind = TRACE_RESTART, .n = {client_start(machine)}};

    env_trace(owner, &record);
}

void testbed_client_restart(struct testbed *testbed, uint32_t client)
{
    const struct user *user = user_of(testbed, client);
    uint8_t identity_seed[32];

    if (world_occupied(testbed->world, user->seat))
        return;
    identity_seed_of(testbed, client, identity_seed);
    occupy_user(testbed, user, identity_seed);
    crypto_wipe(identity_seed, sizeof(identity_seed));
    world_enter(testbed->world, user->seat, on_client_restart, world_env(testbed->world, user->seat));
}

uint32_t testbed_client_seat(const struct testbed *testbed, uint32_t client)
{
    return user_of(testbed, client)->seat;
}

const char *testbed_client_name(const struct testbed *testbed, uint32_t client)
{
    return name_of(testbed, user_of(testbed, client));
}

uint32_t testbed_client_by_account(const struct testbed *testbed, const struct account_id *account)
{
    return number_index_find(&testbed->users_by_account, BYTES_OF(account->bytes));
}
