#include "tests/support/methods_fixture.h"

#include "common/limits.h"

struct methods_world methods_world;

static void on_stored(void *owner, struct stored_body *body)
{
    (void)owner;
    long_poll_notify(&methods_world.long_poll, body);
}

static void each_body(void *owner, body_fn each, void *each_owner)
{
    (void)owner;
    store_each(&methods_world.store, each, each_owner);
}

void methods_world_init_with(const struct crypto_suite *suite, uint64_t bytes_max)
{
    struct methods_world *world = &methods_world;
    struct env *env;

    node_fixture_init(&world->net);
    world->net.preset.suite = suite;
    env = &world->net.fake.env;
    difficulty_init(&world->difficulty, env, 1);
    store_init(&world->store, env, bytes_max, LIMIT_STORE_RECORDS, NULL, on_stored);
    long_poll_init(&world->long_poll, env);
    replicate_init(&world->replicate, &world->net.config, &world->view);
    membership_init(&world->view, &world->net.config, &world->replicate, each_body, NULL);
    membership_update(&world->view, &world->net.membership);
    world->methods = (struct methods){.env = env,
                                      .suite = suite,
                                      .bodies = &world->net.bodies,
                                      .view = &world->view,
                                      .difficulty = &world->difficulty,
                                      .store = &world->store,
                                      .long_poll = &world->long_poll,
                                      .replicate = &world->replicate,
                                      .spoken = SPEAKS_ERA};
    methods_init(&world->methods);
}

void methods_world_init(void)
{
    methods_world_init_with(&crypto_modelled, LIMIT_STORE_BYTES);
}

void methods_world_fini(void)
{
    methods_fini(&methods_world.methods);
    replicate_fini(&methods_world.replicate);
    long_poll_fini(&methods_world.long_poll);
    store_fini(&methods_world.store);
    difficulty_fini(&methods_world.difficulty);
    node_fixture_fini(&methods_world.net);
}

struct fake_request *execute_held(struct bytes body, uint32_t hold_ms)
{
    struct fake_request *request = fake_env_request(&methods_world.net.fake, VERB_POST, PATH_STORAGE_RPC, body);
    struct rpc_reply reply = rpc_reply_direct(&methods_world.net.fake.env, &request->incoming);

    methods_execute(&methods_world.methods, blob_bytes(request->incoming.in.body), hold_ms, &reply);
    fake_env_run(&methods_world.net.fake);
    return request;
}

struct fake_request *execute(struct bytes body)
{
    return execute_held(body, 0);
}

struct fake_request *execute_store(const struct test_message *message)
{
    return execute(store_request(&methods_world.net.fake, message));
}

struct fake_request *execute_retrieve(uint32_t account, const char *last_hash)
{
    struct account_id id = account_here(account);

    return execute(retrieve_request(&methods_world.net.fake, &id, last_hash));
}

void make(struct test_message *message, uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    make_message(message, &id, (uint64_t)methods_world.net.fake.now_ms, 60000, data);
}

void publish(uint64_t value)
{
    difficulty_read(&methods_world.difficulty, &(struct pow_record){methods_world.net.fake.now_ms, value}, 1);
}
