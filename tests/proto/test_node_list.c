#include "proto/node_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "proto/storage_rpc.h"
#include "tests/support/check_main.h"

#define X25519  "cc3f32debf64a90014aaab6d3e94dc1995177f47f2220df4f34326a0d1b53952"
#define ED25519 "e43b5838aa7493e7d4f8b7bd7b104bc9726204aa8668a234e15b7a74045eab1a"

/* Three nodes: two in swarm 0x10, the last one decommissioned. */
struct network {
    struct snode_entry nodes[3];
    struct swarm_entry swarm;
    uint32_t members[2];
    struct membership membership;
};

static void network_init(struct network *net)
{
    memset(net, 0, sizeof(*net));
    for (uint32_t i = 0; i < 3; i++) {
        struct snode_entry *node = &net->nodes[i];
        memset(node->ed25519.bytes, (int)(0x10 + i), 32);
        memset(node->x25519.bytes, (int)(0x20 + i), 32);
        node->address = (struct address){0x7f010107 + (i << 8), (uint16_t)(22021 + i)};
        node->swarm_id = i < 2 ? 0x10 : SWARM_NONE;
    }
    net->nodes[1].unlock_height = 99;
    net->swarm = (struct swarm_entry){.id = 0x10, .first = 0, .count = 2};
    net->members[0] = 0;
    net->members[1] = 1;
    net->membership = (struct membership){.height = 1234567,
                                          .nodes = net->nodes,
                                          .node_count = 3,
                                          .swarms = &net->swarm,
                                          .swarm_count = 1,
                                          .members = net->members};
}

static void ck_text(const struct buf *buf, const char *expected)
{
    ck_assert_int_eq(buf->err, OK);
    ck_assert_msg(bytes_equal_text(buf_bytes(buf), expected), "%.*s", (int)buf->len, (const char *)buf->data);
}

static void ck_node_eq(const struct rpc_snode *node, const struct snode_entry *entry)
{
    ck_assert(address_equal(node->address, entry->address));
    ck_assert_mem_eq(node->x25519.bytes, entry->x25519.bytes, 32);
    ck_assert_mem_eq(node->ed25519.bytes, entry->ed25519.bytes, 32);
}

/* The answer to a swarm lookup, and the body of 421: the port is text. A zero key's name is 52 times base32z's zero. */
START_TEST(swarm_makes_the_round_trip)
{
    struct network net;
    struct rpc_snode read[4];
    struct buf out;
    size_t count;
    network_init(&net);
    buf_init(&out, 2000);
    rpc_snodes_encode(&out, &net.membership, &net.swarm);
    ck_text(&out, "{\"snodes\":[{\"address\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.snode\","
                  "\"ip\":\"127.1.1.7\",\"port\":\"22021\","
                  "\"pubkey_x25519\":\"2020202020202020202020202020202020202020202020202020202020202020\","
                  "\"pubkey_ed25519\":\"1010101010101010101010101010101010101010101010101010101010101010\"},"
                  "{\"address\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy.snode\","
                  "\"ip\":\"127.1.2.7\",\"port\":\"22022\","
                  "\"pubkey_x25519\":\"2121212121212121212121212121212121212121212121212121212121212121\","
                  "\"pubkey_ed25519\":\"1111111111111111111111111111111111111111111111111111111111111111\"}]}");
    ck_assert_int_eq(rpc_snodes_decode(buf_bytes(&out), read, 4, &count), OK);
    ck_assert_uint_eq(count, 2);
    ck_node_eq(&read[0], &net.nodes[0]);
    ck_node_eq(&read[1], &net.nodes[1]);
    ck_assert_int_eq(rpc_snodes_decode(buf_bytes(&out), read, 1, &count), OK);
    ck_assert_uint_eq(count, 1);
    buf_fini(&out);
}
END_TEST

START_TEST(no_swarm_is_an_empty_list)
{
    struct network net;
    struct rpc_snode read[1];
    struct buf out;
    size_t count = 9;
    network_init(&net);
    buf_init(&out, 100);
    rpc_snodes_encode(&out, &net.membership, NULL);
    ck_text(&out, "{\"snodes\":[]}");
    ck_assert_int_eq(rpc_snodes_decode(buf_bytes(&out), read, 1, &count), OK);
    ck_assert_uint_eq(count, 0);
    buf_fini(&out);
}
END_TEST

static size_t usable(const char *entry)
{
    struct rpc_snode read[4];
    struct buf text;
    size_t count;
    buf_init(&text, 2000);
    buf_printf(&text,
               "{\"snodes\":[%s,{\"ip\":\"1.2.3.4\",\"port\":5,\"pubkey_x25519\":\"" X25519
               "\",\"pubkey_ed25519\":\"" ED25519 "\"}]}",
               entry);
    ck_assert_int_eq(text.err, OK);
    ck_assert_int_eq(rpc_snodes_decode(buf_bytes(&text), read, 4, &count), OK);
    ck_assert_uint_ge(count, 1); /* the good one behind it */
    ck_assert_uint_eq(read[count - 1].address.ip, 0x01020304);
    ck_assert_uint_eq(read[count - 1].address.port, 5);
    buf_fini(&text);
    return count - 1;
}

#define KEYS "\"pubkey_x25519\":\"" X25519 "\",\"pubkey_ed25519\":\"" ED25519 "\""

/* What cannot be called or encrypted to is skipped; the others of the list stay. */
START_TEST(unusable_nodes_are_skipped)
{
    static const char *const bad[] = {
        "1",
        "null",
        "{}",
        "{\"port\":\"5\"," KEYS "}",
        "{\"ip\":\"0.0.0.0\",\"port\":\"5\"," KEYS "}",
        "{\"ip\":\"\",\"port\":\"5\"," KEYS "}",
        "{\"ip\":\"1.2.3\",\"port\":\"5\"," KEYS "}",
        "{\"ip\":7,\"port\":\"5\"," KEYS "}",
        "{\"ip\":\"1.2.3.4\"," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"0\"," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"65536\"," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":-5," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"x\"," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":[]," KEYS "}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"5\",\"pubkey_x25519\":\"" X25519 "\"}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"5\",\"pubkey_ed25519\":\"" ED25519 "\"}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"5\",\"pubkey_x25519\":\"" X25519 "\",\"pubkey_ed25519\":\"\"}",
        "{\"ip\":\"1.2.3.4\",\"port\":\"5\",\"pubkey_x25519\":\"" X25519 "\",\"pubkey_ed25519\":\"" ED25519 "00\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(usable(bad[i]) == 0, "%s", bad[i]);
    ck_assert_uint_eq(usable("{\"ip\":\"1.2.3.4\",\"port\":\"65535\"," KEYS "}"), 1);
    ck_assert_uint_eq(usable("{\"ip\":\"1.2.3.4\",\"port\":1," KEYS "}"), 1);
}
END_TEST

START_TEST(what_is_no_list_is_refused)
{
    static const char *const bad[] = {"", "[]", "{}", "{\"snodes\":{}}", "{\"snodes\":null}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rpc_snode read[1];
        size_t count;
        ck_assert_int_eq(rpc_snodes_decode(bytes_text(bad[i]), read, 1, &count), ERR_FORMAT);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

/* The seed's answer has the members that real clients check, numbers as numbers, and only active nodes. */
START_TEST(node_list_is_as_clients_expect)
{
    struct network net;
    struct rpc_snode *read;
    struct json *document;
    const struct json *result, *node;
    struct bytes text;
    int64_t number;
    uint64_t height;
    struct buf out;
    size_t count;
    enum err err;
    network_init(&net);
    buf_init(&out, 5000);
    rpc_node_list_encode(&out, &net.membership);
    document = json_parse(buf_bytes(&out), &err);
    ck_assert_ptr_nonnull(document);
    result = json_get(document, "result");
    ck_assert_int_eq(json_get_integer(result, "height", &number), OK);
    ck_assert_int_eq(number, 1234567);
    ck_assert_uint_eq(json_count(json_get(result, "service_node_states")), 2);
    node = json_next(json_first(json_get(result, "service_node_states")));
    ck_assert_int_eq(json_get_string(node, "public_ip", &text), OK);
    ck_assert(bytes_equal_text(text, "127.1.2.7"));
    ck_assert_int_eq(json_get_integer(node, "storage_port", &number), OK);
    ck_assert_int_eq(number, 22022);
    ck_assert_int_eq(json_get_integer(node, "requested_unlock_height", &number), OK);
    ck_assert_int_eq(number, 99);
    ck_assert_int_eq(json_get_integer(node, "swarm_id", &number), OK);
    ck_assert_int_eq(number, 0x10);
    ck_assert_int_eq(json_get_string(node, "swarm", &text), OK);
    ck_assert(bytes_equal_text(text, "10"));
    ck_assert_int_eq(json_get_string(node, "service_node_pubkey", &text), OK);
    ck_assert_uint_eq(text.len, 64);
    ck_assert(json_true(json_get(node, "active")));
    json_free(document);

    ck_assert_int_eq(rpc_node_list_decode(buf_bytes(&out), &read, &count, &height), OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(height, 1234567);
    ck_node_eq(&read[0], &net.nodes[0]);
    ck_node_eq(&read[1], &net.nodes[1]);
    free(read);
    buf_fini(&out);
}
END_TEST

/* The largest swarm id does not fit other JSON readers' numbers; here nobody reads it as one. */
START_TEST(large_swarm_ids_do_not_disturb)
{
    struct network net;
    struct rpc_snode *read;
    uint64_t height;
    struct buf out;
    size_t count;
    network_init(&net);
    net.nodes[0].swarm_id = SWARM_ID_MAX;
    buf_init(&out, 5000);
    rpc_node_list_encode(&out, &net.membership);
    ck_assert_uint_ne(bytes_find(buf_bytes(&out), BYTES_LIT("\"swarm\":\"fffffffffffffffe\"")), SIZE_MAX);
    ck_assert_uint_ne(bytes_find(buf_bytes(&out), BYTES_LIT("\"swarm_id\":18446744073709551614,")), SIZE_MAX);
    ck_assert_int_eq(rpc_node_list_decode(buf_bytes(&out), &read, &count, &height), OK);
    ck_assert_uint_eq(count, 2);
    free(read);
    buf_fini(&out);
}
END_TEST

/* The request names the seed's method and asks for the fields that clients read. */
START_TEST(node_list_request_is_a_seed_call)
{
    struct rpc_call call;
    struct buf out;
    buf_init(&out, 1000);
    rpc_node_list_request(&out);
    ck_assert_int_eq(rpc_seed_call_decode(buf_bytes(&out), &call), OK);
    ck_assert(bytes_equal_text(call.method, "get_n_service_nodes"));
    ck_assert(json_true(json_get(call.params, "active_only")));
    ck_assert(json_true(json_get(json_get(call.params, "fields"), "public_ip")));
    rpc_call_free(&call);
    buf_fini(&out);
}
END_TEST

START_TEST(bad_node_lists_are_refused)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"result\":[]}",
        "{\"result\":{\"height\":1}}",
        "{\"result\":{\"service_node_states\":[]}}",
        "{\"result\":{\"height\":\"1\",\"service_node_states\":[]}}",
        "{\"result\":{\"height\":-1,\"service_node_states\":[]}}",
        "{\"result\":{\"height\":1,\"service_node_states\":{}}}",
        "{\"error\":{\"code\":-32601}}",
    };
    struct rpc_snode *read;
    uint64_t height;
    size_t count;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(rpc_node_list_decode(bytes_text(bad[i]), &read, &count, &height), ERR_FORMAT);
        ck_assert_ptr_null(read);
        ck_assert_uint_eq(count, 0);
    }
    /* a list of nothing is a list */
    ck_assert_int_eq(rpc_node_list_decode(bytes_text("{\"result\":{\"height\":1,\"service_node_states\":[]}}"), &read,
                                          &count, &height),
                     OK);
    ck_assert_uint_eq(count, 0);
    free(read);
}
END_TEST

/* A network of the deployed size, and one above the limit of entries. */
START_TEST(node_lists_are_bounded)
{
    uint32_t node_count = LIMIT_NODE_LIST + 1;
    struct snode_entry *nodes = xcalloc(node_count, sizeof(*nodes));
    struct membership membership = {.height = 1, .nodes = nodes, .node_count = node_count};
    struct rpc_snode *read;
    uint64_t height;
    struct buf out;
    size_t count;
    for (uint32_t i = 0; i < node_count; i++) {
        store_be32(nodes[i].ed25519.bytes, i);
        nodes[i].address = (struct address){0x7f010107, (uint16_t)(1 + i)};
    }
    buf_init(&out, LIMIT_BODY_BYTES);
    membership.node_count = 1600;
    rpc_node_list_encode(&out, &membership);
    ck_assert_int_eq(rpc_node_list_decode(buf_bytes(&out), &read, &count, &height), OK);
    ck_assert_uint_eq(count, 1600);
    free(read);

    buf_clear(&out);
    membership.node_count = node_count;
    rpc_node_list_encode(&out, &membership);
    ck_assert_int_eq(out.err, OK);
    ck_assert_int_eq(rpc_node_list_decode(buf_bytes(&out), &read, &count, &height), OK);
    ck_assert_uint_eq(count, LIMIT_NODE_LIST);
    ck_node_eq(&read[LIMIT_NODE_LIST - 1], &nodes[LIMIT_NODE_LIST - 1]);
    free(read);
    buf_fini(&out);
    free(nodes);
}
END_TEST

TEST_MAIN("node_list", swarm_makes_the_round_trip, no_swarm_is_an_empty_list, unusable_nodes_are_skipped,
          what_is_no_list_is_refused, node_list_is_as_clients_expect, large_swarm_ids_do_not_disturb,
          node_list_request_is_a_seed_call, bad_node_lists_are_refused, node_lists_are_bounded)
