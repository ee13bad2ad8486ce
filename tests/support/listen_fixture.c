#include "tests/support/listen_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/node_list.h"
#include "proto/storage_rpc.h"

struct node_fixture fixture;
struct snode *snode;

void fixture_start(void)
{
    node_fixture_init(&fixture);
    snode = snode_new(&fixture.config);
    ck_assert_uint_eq(snode_start(snode), 0);
    snode_on_membership(snode, &fixture.membership);
}

void fixture_end(void)
{
    snode_free(snode);
    node_fixture_fini(&fixture);
}

struct fake_request *post_to_node(const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&fixture.fake, VERB_POST, path, body);

    snode_on_request(snode, &request->incoming);
    fake_env_run(&fixture.fake);
    return request;
}

struct fake_request *rpc_to_node(struct bytes body)
{
    return post_to_node(PATH_STORAGE_RPC, body);
}

static struct bytes finish(struct buf *out)
{
    struct bytes body;

    ck_assert_int_eq(out->err, OK);
    body = arena_copy(&fixture.fake.arena, buf_bytes(out));
    buf_fini(out);
    return body;
}

struct bytes listen_body(const struct account_id *account, uint8_t who, uint32_t hold_ms)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_listen listen = {.pubkey = BYTES_OF(hex), .listen_id = {who}, .hold_ms = hold_ms};
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, SIZE_MAX);
    rpc_listen_encode(&out, &listen);
    return finish(&out);
}

struct fake_request *listens(uint32_t account, uint8_t who, uint32_t hold_ms)
{
    struct account_id id = account_here(account);

    return rpc_to_node(listen_body(&id, who, hold_ms));
}

struct bytes deliver_body(const struct account_id *account, struct bytes data)
{
    char hex[ACCOUNT_HEX_LEN];
    struct rpc_deliver deliver = {BYTES_OF(hex), data};
    struct buf out;

    account_to_hex(account, hex);
    buf_init(&out, SIZE_MAX);
    rpc_deliver_encode(&out, &deliver);
    return finish(&out);
}

struct fake_request *delivers(uint32_t account, const char *data)
{
    struct account_id id = account_here(account);

    return rpc_to_node(deliver_body(&id, bytes_text(data)));
}

struct fake_request *delivers_bytes(uint32_t account, size_t len)
{
    struct account_id id = account_here(account);
    char *data = malloc(len);
    struct fake_request *request;

    memset(data, 'A', len);
    request = rpc_to_node(deliver_body(&id, (struct bytes){(const uint8_t *)data, len}));
    free(data);
    return request;
}

void fixture_advance_ms(int64_t ms)
{
    fake_env_advance_ms(&fixture.fake, ms);
}

struct snode_counts node_counts(void)
{
    struct snode_counts out;

    snode_counts(snode, &out);
    return out;
}

void expect_counts(uint64_t leases, uint64_t open, uint64_t waiting, uint64_t waiting_bytes)
{
    struct snode_counts now = node_counts();

    ck_assert_uint_eq(now.leases, leases);
    ck_assert_uint_eq(now.listens_open, open);
    ck_assert_uint_eq(now.deliveries_waiting, waiting);
    ck_assert_uint_eq(now.deliveries_waiting_bytes, waiting_bytes);
}

void expect_no_trace_left(void)
{
    struct snode_counts now = node_counts();

    expect_counts(0, 0, 0, 0);
    ck_assert_uint_eq(now.records + now.stored + now.pushes_waiting_bytes + now.listeners + now.onions_open, 0);
    ck_assert_uint_eq(fixture.fake.call_count, 0);
    ck_assert_uint_eq(fixture.fake.disk_puts, 0);
    fake_env_check(&fixture.fake);
}

void expect_trace(enum trace_kind kind, uint64_t n0, uint64_t n1, uint64_t n2, uint64_t n3)
{
    const struct fake_trace *trace = fake_env_last_trace(&fixture.fake, kind);
    const uint64_t expected[4] = {n0, n1, n2, n3};

    ck_assert_ptr_nonnull(trace);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        ck_assert_uint_eq(trace->n[i], expected[i]);
}

void expect_snodes(const struct fake_request *request, const struct membership *membership,
                   const struct account_id *account)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    rpc_snodes_encode(&out, membership, swarm_of(membership, account));
    buf_byte(&out, 0);
    expect_answer(request, 421, (const char *)out.data);
    buf_fini(&out);
}
