#include "tests/support/snode_fixture.h"

#include <check.h>

#include "proto/storage_rpc.h"

struct snode_world snode_world;

void snode_world_init_alone(void)
{
    node_fixture_init(&snode_world.net);
    snode_world.snode = snode_new(&snode_world.net.config);
    ck_assert_uint_eq(snode_start(snode_world.snode), 0);
}

void snode_world_init(void)
{
    snode_world_init_alone();
    snode_on_membership(snode_world.snode, &snode_world.net.membership);
}

void snode_world_fini(void)
{
    snode_free(snode_world.snode);
    node_fixture_fini(&snode_world.net);
}

size_t snode_world_restart(void)
{
    size_t kept;

    fake_env_crash(&snode_world.net.fake);
    snode_free(snode_world.snode);
    snode_world.snode = snode_new(&snode_world.net.config);
    kept = snode_start(snode_world.snode);
    snode_on_membership(snode_world.snode, &snode_world.net.membership);
    return kept;
}

void snode_world_deliver(struct fake_request *request)
{
    snode_on_request(snode_world.snode, &request->incoming);
    fake_env_run(&snode_world.net.fake);
}

struct fake_request *snode_post(const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&snode_world.net.fake, VERB_POST, path, body);

    snode_world_deliver(request);
    return request;
}

struct fake_request *snode_get(const char *path)
{
    struct fake_request *request = fake_env_request(&snode_world.net.fake, VERB_GET, path, BYTES_NONE);

    snode_world_deliver(request);
    return request;
}

struct fake_request *snode_post_as_peer(const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_peer_request(
        &snode_world.net.fake, &snode_world.net.keys[snode_world.net.members[0]].ed25519, path, body);

    snode_world_deliver(request);
    return request;
}

void snode_make(struct test_message *message, uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    make_message(message, &id, (uint64_t)snode_world.net.fake.now_ms, 60000, data);
}

struct fake_request *snode_retrieve(uint32_t account)
{
    struct account_id id = account_here(account);

    return snode_post(PATH_STORAGE_RPC, retrieve_request(&snode_world.net.fake, &id, ""));
}

struct fake_request *snode_poll(uint32_t account, const char *header)
{
    struct account_id id = account_here(account);
    struct fake_request *request = fake_env_request(&snode_world.net.fake, VERB_POST, PATH_STORAGE_RPC,
                                                    retrieve_request(&snode_world.net.fake, &id, ""));

    fake_request_add_header(request, "Host", "127.0.0.1");
    fake_request_add_header(request, header, "true");
    snode_world_deliver(request);
    return request;
}

void snode_push(const struct test_message *const messages[], size_t count)
{
    struct buf batch;

    buf_init(&batch, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        append_to_batch(&batch, messages[i]);
    expect_answer(snode_post_as_peer(PATH_PUSH_BATCH, buf_bytes(&batch)), 200, "");
    buf_fini(&batch);
}

void snode_push_one(const struct test_message *message)
{
    snode_push(&message, 1);
}
