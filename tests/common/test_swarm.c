#include "common/swarm.h"

#include <signal.h>
#include <string.h>

#include "common/text.h"
#include "tests/support/check_main.h"
#include "tests/support/dies.h"
#include "tests/support/vectors.h"

#define SWARMS_MAX 4096

static struct account_id account_of(const struct json *entry)
{
    struct account_id account;
    ck_assert_int_eq(hex_decode(account.bytes, sizeof(account.bytes), vector_text(entry, "pubkey")), OK);
    return account;
}

START_TEST(positions_match_the_vectors)
{
    struct json *document = vectors_load("swarm_space.json");
    const struct json *entry = json_first(json_get(document, "swarm_space"));
    size_t count = 0;
    for (; entry != NULL; entry = json_next(entry), count++) {
        struct account_id account = account_of(entry);
        ck_assert_uint_eq(swarm_space(&account), vector_u64(entry, "swarm_space"));
    }
    ck_assert_uint_gt(count, 10);
    json_free(document);
}
END_TEST

static size_t read_ids(const struct json *list, uint64_t ids[SWARMS_MAX])
{
    size_t count = 0;
    for (const struct json *id = json_first(list); id != NULL; id = json_next(id), count++) {
        ck_assert_uint_lt(count, SWARMS_MAX);
        ck_assert_int_eq(decimal_decode(&ids[count], json_string(id)), OK);
    }
    return count;
}

/* The list of ids and the membership answer alike. */
START_TEST(choices_match_the_vectors)
{
    struct json *document = vectors_load("swarm_space.json");
    static uint64_t ids[SWARMS_MAX];
    static struct swarm_entry swarms[SWARMS_MAX];
    size_t count = 0;
    for (const struct json *list = json_first(json_get(document, "selection")); list != NULL; list = json_next(list)) {
        struct membership membership = {.swarms = swarms};
        membership.swarm_count = (uint32_t)read_ids(json_get(list, "swarm_ids"), ids);
        for (uint32_t i = 0; i < membership.swarm_count; i++)
            swarms[i] = (struct swarm_entry){.id = ids[i]};
        for (const struct json *entry = json_first(json_get(list, "cases")); entry != NULL; entry = json_next(entry)) {
            struct account_id account = account_of(entry);
            uint64_t position = vector_u64(entry, "swarm_space"), expected = vector_u64(entry, "expected_swarm_id");
            ck_assert_uint_eq(swarm_space(&account), position);
            ck_assert_uint_eq(swarm_choose(ids, membership.swarm_count, position), expected);
            ck_assert_uint_eq(swarm_of(&membership, &account)->id, expected);
            count++;
        }
    }
    ck_assert_uint_gt(count, 100);
    json_free(document);
}
END_TEST

START_TEST(the_prefix_does_not_take_part)
{
    struct account_id account = {{0x05, [32] = 1}}, other = {{0xff, [32] = 1}};
    ck_assert_uint_eq(swarm_space(&account), 1);
    ck_assert_uint_eq(swarm_space(&other), 1);
}
END_TEST

/* PROTOCOL 2.2, the worked example: ties go left, also round the end of the ring. */
START_TEST(ties_go_left)
{
    static const uint64_t two[] = {0x10, 0x20};
    ck_assert_uint_eq(swarm_choose(two, 2, 0x18), 0x10);
    ck_assert_uint_eq(swarm_choose(two, 2, 0x19), 0x20);
    ck_assert_uint_eq(swarm_choose(two, 2, 0x10), 0x10);
    ck_assert_uint_eq(swarm_choose(two, 2, UINT64_MAX), 0x10);
    ck_assert_uint_eq(swarm_choose(two, 2, UINT64_C(0x8000000000000018)), 0x20);
    ck_assert_uint_eq(swarm_choose(two, 2, UINT64_C(0x8000000000000019)), 0x10);
}
END_TEST

START_TEST(without_swarms_there_is_none)
{
    struct membership membership = {0};
    struct account_id account = {{5}};
    struct ed25519_public key = {{0}};
    ck_assert_uint_eq(swarm_choose(NULL, 0, 5), SWARM_NONE);
    ck_assert_ptr_null(swarm_of(&membership, &account));
    ck_assert_ptr_null(swarm_by_id(&membership, 0));
    ck_assert_ptr_null(snode_by_key(&membership, &key));
}
END_TEST

static const struct snode_entry nodes[] = {
    {.ed25519 = {{1}}, .swarm_id = 300},        {.ed25519 = {{1, 5}}, .swarm_id = 7},
    {.ed25519 = {{2}}, .swarm_id = SWARM_NONE}, {.ed25519 = {{0x7f}}, .swarm_id = 300},
    {.ed25519 = {{0x80}}, .swarm_id = 7},
};
static const struct swarm_entry swarms_of_nodes[] = {{.id = 7, .first = 0, .count = 2},
                                                     {.id = 300, .first = 2, .count = 2}};
static const uint32_t members[] = {1, 4, 0, 3};
static const struct membership small = {.nodes = nodes,
                                        .node_count = ARRAY_LEN(nodes),
                                        .swarms = swarms_of_nodes,
                                        .swarm_count = ARRAY_LEN(swarms_of_nodes),
                                        .members = members};

START_TEST(nodes_are_found_by_key)
{
    static const struct ed25519_public absent[] = {{{0}}, {{1, 4}}, {{1, 5, 1}}, {{3}}, {{0x81}}};
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        ck_assert_ptr_eq(snode_by_key(&small, &nodes[i].ed25519), &nodes[i]);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        ck_assert_ptr_null(snode_by_key(&small, &absent[i]));
}
END_TEST

static void third_member_of_two(void *arg)
{
    swarm_member(&small, arg, 2);
}

START_TEST(swarms_and_their_members)
{
    const struct swarm_entry *swarm = swarm_by_id(&small, 300);
    ck_assert_ptr_eq(swarm, &swarms_of_nodes[1]);
    ck_assert_ptr_eq(swarm_by_id(&small, 7), &swarms_of_nodes[0]);
    ck_assert_ptr_null(swarm_by_id(&small, 6));
    ck_assert_ptr_null(swarm_by_id(&small, 8));
    ck_assert_ptr_null(swarm_by_id(&small, SWARM_NONE));
    ck_assert_ptr_eq(swarm_member(&small, swarm, 0), &nodes[0]);
    ck_assert_ptr_eq(swarm_member(&small, swarm, 1), &nodes[3]);
    ck_assert_int_eq(exit_of(third_member_of_two, (void *)swarm), -SIGABRT);
}
END_TEST

START_TEST(addresses_as_text)
{
    char text[ADDRESS_TEXT_MAX];
    address_text((struct address){0x7f010107, 22021}, text);
    ck_assert_str_eq(text, "127.1.1.7:22021");
    address_text((struct address){0xffffffff, 65535}, text);
    ck_assert_str_eq(text, "255.255.255.255:65535");
    ip_text(0x00000000, text);
    ck_assert_str_eq(text, "0.0.0.0");
    ip_text(0xc0a80a01, text);
    ck_assert_str_eq(text, "192.168.10.1");
    ck_assert(address_equal((struct address){1, 2}, (struct address){1, 2}));
    ck_assert(!address_equal((struct address){1, 2}, (struct address){1, 3}));
    ck_assert(!address_equal((struct address){1, 2}, (struct address){2, 2}));
}
END_TEST

START_TEST(ips_are_four_plain_numbers)
{
    static const char *const bad[] = {"",          "1",         "1.2.3",    "1.2.3.4.5", "1.2.3.",          ".1.2.3",
                                      "1..2.3",    "1.2.3.256", "01.2.3.4", "1.2.3.4 ",  " 1.2.3.4",        "-1.2.3.4",
                                      "1.2.3.4:5", "0x1.2.3.4", "a.b.c.d",  "1.2.3.4.",  "4294967297.2.3.4"};
    uint32_t ip = 0;
    ck_assert_int_eq(ip_from_text(BYTES_LIT("127.0.0.1"), &ip), OK);
    ck_assert_uint_eq(ip, 0x7f000001);
    ck_assert_int_eq(ip_from_text(BYTES_LIT("255.255.255.255"), &ip), OK);
    ck_assert_uint_eq(ip, 0xffffffff);
    ck_assert_int_eq(ip_from_text(BYTES_LIT("0.0.0.0"), &ip), OK);
    ck_assert_uint_eq(ip, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(ip_from_text(bytes_text(bad[i]), &ip) == ERR_FORMAT, "%s", bad[i]);
}
END_TEST

TEST_MAIN("swarm", positions_match_the_vectors, choices_match_the_vectors, the_prefix_does_not_take_part, ties_go_left,
          without_swarms_there_is_none, nodes_are_found_by_key, swarms_and_their_members, addresses_as_text,
          ips_are_four_plain_numbers)
