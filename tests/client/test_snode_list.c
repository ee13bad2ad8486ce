#include "tests/support/check_main.h"

#include <string.h>

#include "tests/support/fake_swarm.h"

static struct fake_swarm net;

static struct blob *list_text(void)
{
    struct buf buf;
    buf_init(&buf, LIMIT_BODY_BYTES);
    rpc_node_list_encode(&buf, &net.membership);
    struct blob *text = blob_from_buf(&buf);
    buf_fini(&buf);
    return text;
}

/* Two clients that were given the same bytes share one list; it goes with the last of them. */
START_TEST(same_text_is_parsed_once)
{
    struct snode_list *a, *b, *c;
    fake_swarm_init(&net, 20, 2);
    struct blob *first = list_text(), *second = list_text();
    net.membership.height++;
    struct blob *other = list_text();

    ck_assert_int_eq(snode_list_get(&net.lists, first, &a), OK);
    ck_assert_int_eq(snode_list_get(&net.lists, second, &b), OK);
    ck_assert_int_eq(snode_list_get(&net.lists, other, &c), OK);
    ck_assert_ptr_eq(a, b);
    ck_assert_ptr_ne(a, c);
    ck_assert_uint_eq(c->height, a->height + 1);
    ck_assert_uint_eq(net.lists.lists.count, 2);
    blob_drop(first);
    blob_drop(second);
    blob_drop(other);
    snode_list_drop(a);
    ck_assert_uint_eq(net.lists.lists.count, 2);
    ck_assert_ptr_eq(snode_list_keep(b), b);
    snode_list_drop(b);
    snode_list_drop(b);
    ck_assert_uint_eq(net.lists.lists.count, 1);
    snode_list_drop(c);
    snode_list_drop(NULL);
    fake_swarm_fini(&net);
}
END_TEST

/* Ascending by key, whatever the text's order; every node is found, others are not. */
START_TEST(nodes_are_sorted_and_found)
{
    struct snode_list *list;
    struct snode_entry reversed[20];
    fake_swarm_init(&net, 20, 2);
    for (size_t i = 0; i < 20; i++)
        reversed[i] = net.entries[19 - i];
    struct membership membership = net.membership;
    net.membership.nodes = reversed;
    struct blob *text = list_text();
    net.membership = membership;

    ck_assert_int_eq(snode_list_get(&net.lists, text, &list), OK);
    ck_assert_uint_eq(list->count, 20);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert(memcmp(&list->nodes[i].ed25519, &net.entries[i].ed25519, 32) == 0);
        ck_assert_uint_eq(snode_list_find(list, &net.entries[i].ed25519), i);
    }
    struct ed25519_public unknown = {{1}};
    ck_assert_uint_eq(snode_list_find(list, &unknown), UINT32_MAX);
    blob_drop(text);
    snode_list_drop(list);
    fake_swarm_fini(&net);
}
END_TEST

/* A key listed twice counts once. */
START_TEST(repeated_keys_count_once)
{
    struct snode_list *list;
    struct snode_entry twice[4];
    fake_swarm_init(&net, 4, 1);
    for (size_t i = 0; i < 4; i++)
        twice[i] = net.entries[i / 2];
    twice[1].address.port++;
    struct membership membership = net.membership;
    net.membership.nodes = twice;
    struct blob *text = list_text();
    net.membership = membership;
    ck_assert_int_eq(snode_list_get(&net.lists, text, &list), OK);
    ck_assert_uint_eq(list->count, 2);
    ck_assert_uint_eq(list->nodes[0].address.port, net.entries[0].address.port);
    blob_drop(text);
    snode_list_drop(list);
    fake_swarm_fini(&net);
}
END_TEST

/* What is no list, or has no usable node, is refused and leaves nothing behind. */
START_TEST(broken_lists_are_refused)
{
    struct snode_list *list;
    fake_swarm_init(&net, 4, 1);
    struct blob *garbage = blob_copy(BYTES_LIT("{\"result\":")), *nothing = blob_new(0);
    net.membership.node_count = 0;
    struct blob *empty = list_text();
    ck_assert_int_eq(snode_list_get(&net.lists, garbage, &list), ERR_FORMAT);
    ck_assert_int_eq(snode_list_get(&net.lists, nothing, &list), ERR_FORMAT);
    ck_assert_int_eq(snode_list_get(&net.lists, empty, &list), ERR_MISSING);
    blob_drop(garbage);
    blob_drop(nothing);
    blob_drop(empty);
    fake_swarm_fini(&net);
}
END_TEST

TEST_MAIN("snode_list", same_text_is_parsed_once, nodes_are_sorted_and_found, repeated_keys_count_once,
          broken_lists_are_refused)
