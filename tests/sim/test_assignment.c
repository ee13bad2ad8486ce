#include "sim/assignment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"

/* Keys that are small numbers: big-endian, so that their order is the numbers'. */
static struct ed25519_public key_of(uint32_t number)
{
    struct ed25519_public key = {{0}};

    store_be32(key.bytes + 28, number);
    return key;
}

static uint32_t number_of(const struct ed25519_public *key)
{
    return (uint32_t)load_be64(key->bytes + 24);
}

static void join(struct assignment *assignment, uint32_t number)
{
    struct ed25519_public key = key_of(number);

    ck_assert_int_eq(assignment_join(assignment, &key, SWARM_NONE), OK);
}

static void leave(struct assignment *assignment, uint32_t number)
{
    struct ed25519_public key = key_of(number);

    ck_assert_int_eq(assignment_leave(assignment, &key), OK);
}

static uint64_t swarm_of_number(const struct assignment *assignment, uint32_t number)
{
    struct ed25519_public key = key_of(number);
    const struct assignment_node *node = assignment_find(assignment, &key);

    ck_assert_ptr_nonnull(node);
    return node->swarm_id;
}

/* The ids in use, ascending, without SWARM_NONE; how many. */
static size_t ids_of(const struct assignment *assignment, uint64_t ids[], size_t max)
{
    size_t count = 0;

    for (uint32_t i = 0; i < assignment->count; i++) {
        uint64_t id = assignment->nodes[i].swarm_id;
        size_t at = 0;
        if (id == SWARM_NONE)
            continue;
        while (at < count && ids[at] < id)
            at++;
        if (at < count && ids[at] == id)
            continue;
        ck_assert_uint_lt(count, max);
        memmove(&ids[at + 1], &ids[at], (count - at) * sizeof(ids[0]));
        ids[at] = id;
        count++;
    }
    return count;
}

static size_t size_of(const struct assignment *assignment, uint64_t id)
{
    size_t size = 0;

    for (uint32_t i = 0; i < assignment->count; i++)
        size += assignment->nodes[i].swarm_id == id;
    return size;
}

/* "<16 hex digits>:1,2,3;..." in id order: the members ascending. */
static void write_swarms(const struct assignment *assignment, struct buf *out)
{
    uint64_t ids[256];
    size_t count = ids_of(assignment, ids, 256);

    buf_clear(out);
    for (size_t i = 0; i < count; i++) {
        const char *comma = "";
        buf_printf(out, "%s%016llx:", i == 0 ? "" : ";", (unsigned long long)ids[i]);
        for (uint32_t j = 0; j < assignment->count; j++) {
            if (assignment->nodes[j].swarm_id != ids[i])
                continue;
            buf_printf(out, "%s%u", comma, number_of(&assignment->nodes[j].key));
            comma = ",";
        }
    }
}

static void expect_swarms(const struct assignment *assignment, struct buf *out, const char *expected)
{
    write_swarms(assignment, out);
    buf_byte(out, 0);
    ck_assert_str_eq((const char *)out->data, expected);
}

/* The reference run: 28 nodes come, 14 go, 172 come; each block's seed is its number. PROTOCOL 2.4 */
START_TEST(assignment_repeats_the_reference_run)
{
    struct assignment assignment;
    struct buf out;
    uint8_t digest[32];
    char hex[64];

    buf_init(&out, 1 << 20);
    assignment_init(&assignment);
    for (uint32_t block = 1; block <= 207; block++) {
        if (block <= 28) {
            join(&assignment, block);
        } else if (block <= 35) {
            leave(&assignment, 2 * (block - 28) - 1);
            leave(&assignment, 2 * (block - 28));
        } else {
            join(&assignment, block - 7);
        }
        assignment_run(&assignment, block, false);
        switch (block) {
        case 13:
            expect_swarms(&assignment, &out, "0000000000000000:1,2,3,4,5,6,7,8,9,10,11,12,13");
            break;
        case 14:
            expect_swarms(&assignment, &out, "0000000000000000:3,5,6,7,10,11,14;7fffffffffffffff:1,2,4,8,9,12,13");
            break;
        case 15:
            ck_assert_uint_eq(swarm_of_number(&assignment, 15), UINT64_C(0x7fffffffffffffff));
            break;
        case 21:
            expect_swarms(&assignment, &out,
                          "0000000000000000:5,6,7,10,11,14,21;7fffffffffffffff:4,9,12,13,15,17,19;"
                          "bfffffffffffffff:1,2,3,8,16,18,20");
            break;
        case 28:
            expect_swarms(&assignment, &out,
                          "0000000000000000:5,6,7,10,14,21,23;3fffffffffffffff:1,2,11,13,26,27,28;"
                          "7fffffffffffffff:4,9,12,15,17,19,24;bfffffffffffffff:3,8,16,18,20,22,25");
            break;
        case 31: /* swarms only shrink so far */
            expect_swarms(&assignment, &out,
                          "0000000000000000:7,10,14,21,23;3fffffffffffffff:11,13,26,27,28;"
                          "7fffffffffffffff:9,12,15,17,19,24;bfffffffffffffff:8,16,18,20,22,25");
            break;
        case 32: /* steals */
            expect_swarms(&assignment, &out,
                          "0000000000000000:10,14,21,23,24;3fffffffffffffff:11,13,26,27,28;"
                          "7fffffffffffffff:9,12,15,17,19;bfffffffffffffff:16,18,20,22,25");
            break;
        case 33: /* dissolves */
            expect_swarms(&assignment, &out,
                          "3fffffffffffffff:11,13,21,26,27,28;7fffffffffffffff:12,14,15,17,19,24;"
                          "bfffffffffffffff:16,18,20,22,23,25");
            break;
        case 35: /* steals, then dissolves all the same */
            expect_swarms(&assignment, &out,
                          "3fffffffffffffff:17,21,22,24,26,27,28;bfffffffffffffff:15,16,18,19,20,23,25");
            break;
        }
    }
    write_swarms(&assignment, &out);
    hash_sha256(buf_bytes(&out), digest);
    hex_encode(hex, BYTES_OF(digest));
    ck_assert_mem_eq(hex, "b21b1e1160b7d18bcd5d6bf74d93fd29154dea674e2370d096d6c6d6933928ce", 64);
    assignment_fini(&assignment);
    buf_fini(&out);
}
END_TEST

static struct json *read_vectors(struct buf *text)
{
    FILE *file = fopen(VECTORS "/swarm_assignment.json", "rb");
    struct json *document;
    enum err err;
    int byte;

    ck_assert_ptr_nonnull(file);
    buf_init(text, 16 << 20);
    while ((byte = getc(file)) != EOF)
        buf_byte(text, (uint8_t)byte);
    fclose(file);
    document = json_parse(buf_bytes(text), &err);
    ck_assert_ptr_nonnull(document);
    return document;
}

static uint64_t decimal_of(const struct json *value)
{
    uint64_t number;

    ck_assert_int_eq(decimal_decode(&number, json_string(value)), OK);
    return number;
}

static struct ed25519_public hex_key_of(const struct json *value)
{
    struct ed25519_public key;

    ck_assert_int_eq(hex_decode(key.bytes, sizeof(key.bytes), json_string(value)), OK);
    return key;
}

/* New ids, under both rules. */
START_TEST(assignment_new_ids_agree_with_the_vectors)
{
    struct buf text;
    struct json *document = read_vectors(&text);
    size_t old_count = 0;

    for (const struct json *one = json_first(json_get(document, "new_swarm_ids")); one != NULL; one = json_next(one)) {
        const struct json *old = json_get(one, "new_swarm_id_until_2021_04");
        uint64_t expected = decimal_of(json_get(one, "new_swarm_id"));
        uint64_t ids[64];
        size_t count = 0;
        for (const struct json *id = json_first(json_get(one, "existing")); id != NULL; id = json_next(id))
            ids[count++] = decimal_of(id);
        ck_assert_uint_eq(assignment_new_id(ids, count, false), expected);
        ck_assert_uint_eq(assignment_new_id(ids, count, true), old == NULL ? expected : decimal_of(old));
        old_count += old != NULL;
    }
    ck_assert_uint_eq(old_count, 3);
    json_free(document);
    buf_fini(&text);
}
END_TEST

static void run_step(struct assignment *assignment, const struct json *step, bool old_rule)
{
    uint32_t placed = 0;

    for (const struct json *key = json_first(json_get(step, "leave")); key != NULL; key = json_next(key)) {
        struct ed25519_public node = hex_key_of(key);
        ck_assert_int_eq(assignment_leave(assignment, &node), OK);
    }
    for (const struct json *key = json_first(json_get(step, "join")); key != NULL; key = json_next(key)) {
        struct ed25519_public node = hex_key_of(key);
        ck_assert_int_eq(assignment_join(assignment, &node, SWARM_NONE), OK);
    }
    assignment_run(assignment, decimal_of(json_get(step, "seed")), old_rule);
    for (const struct json *swarm = json_first(json_get(step, "swarms")); swarm != NULL; swarm = json_next(swarm)) {
        uint64_t id = decimal_of(json_get(swarm, "swarm_id"));
        for (const struct json *key = json_first(json_get(swarm, "nodes")); key != NULL; key = json_next(key)) {
            struct ed25519_public node = hex_key_of(key);
            ck_assert_uint_eq(assignment_find(assignment, &node)->swarm_id, id);
            placed++;
        }
    }
    ck_assert_uint_eq(placed, assignment->count);
}

/* All scenarios, block by block; those of the old rule with it. */
START_TEST(assignment_agrees_with_the_vectors)
{
    struct buf text;
    struct json *document = read_vectors(&text);
    size_t count = 0, old_count = 0;

    for (const struct json *one = json_first(json_get(document, "scenarios")); one != NULL; one = json_next(one)) {
        bool old_rule = bytes_equal_text(json_string(json_get(one, "rule")), "2019-04 to 2021-04");
        struct assignment assignment;
        assignment_init(&assignment);
        for (const struct json *step = json_first(json_get(one, "steps")); step != NULL; step = json_next(step))
            run_step(&assignment, step, old_rule);
        assignment_fini(&assignment);
        count++;
        old_count += old_rule;
    }
    ck_assert_uint_eq(count, 15);
    ck_assert_uint_eq(old_count, 3);
    json_free(document);
    buf_fini(&text);
}
END_TEST

START_TEST(assignment_new_id_goes_over_the_end_of_the_ring)
{
    uint64_t one[] = {SWARM_ID_MAX};
    uint64_t tie[] = {0, UINT64_C(0x5555555555555555), UINT64_C(0xaaaaaaaaaaaaaaaa)};

    /* Half the ring after the last position: the neighbour of SWARM_ID_MAX is 0. */
    ck_assert_uint_eq(assignment_new_id(one, 1, false), UINT64_C(0x7ffffffffffffffe));
    /* The first of two equal gaps wins. */
    ck_assert_uint_eq(assignment_new_id(tie, 3, false), UINT64_C(0x2aaaaaaaaaaaaaaa));
    ck_assert_uint_eq(assignment_new_id(NULL, 0, true), 0);
}
END_TEST

/* The old rule could name the only swarm's own id. Then no swarm is made: newcomers among the seven stay without one,
 * the others keep theirs. */
START_TEST(assignment_old_rule_may_fail_to_make_a_swarm)
{
    struct assignment old, present;
    uint64_t ids[4];
    struct ed25519_public key;

    assignment_init(&old);
    assignment_init(&present);
    for (uint32_t i = 1; i <= 13; i++) {
        key = key_of(i);
        ck_assert_int_eq(assignment_join(&old, &key, SWARM_ID_MAX / 2), OK);
        ck_assert_int_eq(assignment_join(&present, &key, SWARM_ID_MAX / 2), OK);
    }
    join(&old, 14);
    join(&present, 14);
    assignment_run(&old, 14, true);
    assignment_run(&present, 14, false);
    ck_assert_uint_eq(ids_of(&present, ids, 4), 2);
    ck_assert_uint_eq(size_of(&present, SWARM_NONE), 0);

    ck_assert_uint_eq(ids_of(&old, ids, 4), 1);
    ck_assert_uint_eq(ids[0], SWARM_ID_MAX / 2);
    for (uint32_t i = 1; i <= 13; i++)
        ck_assert_uint_eq(swarm_of_number(&old, i), SWARM_ID_MAX / 2);
    assignment_fini(&old);
    assignment_fini(&present);
}
END_TEST

/* Nothing at all is nothing; a swarm is there from the first node on; the last swarm does not dissolve. */
START_TEST(assignment_of_few_nodes_is_one_swarm)
{
    struct assignment assignment;

    assignment_init(&assignment);
    assignment_run(&assignment, 1, false);
    ck_assert_uint_eq(assignment.count, 0);
    join(&assignment, 1);
    assignment_run(&assignment, 2, false);
    ck_assert_uint_eq(swarm_of_number(&assignment, 1), 0);
    for (uint32_t i = 2; i <= 4; i++)
        join(&assignment, i);
    assignment_run(&assignment, 3, false);
    ck_assert_uint_eq(size_of(&assignment, 0), 4);
    assignment_fini(&assignment);
}
END_TEST

/* Two swarms that lose most of their nodes at once become one, of fewer than five. */
START_TEST(assignment_dissolves_down_to_one_starving_swarm)
{
    struct assignment assignment;
    uint64_t ids[4];

    assignment_init(&assignment);
    for (uint32_t i = 1; i <= 14; i++) {
        join(&assignment, i);
        assignment_run(&assignment, i, false);
    }
    ck_assert_uint_eq(ids_of(&assignment, ids, 4), 2);
    for (uint32_t i = 1; i <= 11; i++)
        leave(&assignment, i);
    assignment_run(&assignment, 15, false);
    ck_assert_uint_eq(ids_of(&assignment, ids, 4), 1);
    ck_assert_uint_eq(ids[0], UINT64_C(0x7fffffffffffffff)); /* the lowest id goes first */
    ck_assert_uint_eq(size_of(&assignment, ids[0]), 3);
    assignment_fini(&assignment);
}
END_TEST

/* Joining and leaving keep the keys ascending and refuse what cannot be. */
START_TEST(assignment_keeps_keys_ascending)
{
    static const uint32_t order[] = {5, 1, 9, 7, 3};
    struct assignment assignment;
    struct ed25519_public key = key_of(7), stranger = key_of(8);

    assignment_init(&assignment);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        join(&assignment, order[i]);
    for (uint32_t i = 0; i < assignment.count; i++)
        ck_assert_uint_eq(number_of(&assignment.nodes[i].key), 2 * i + 1);
    ck_assert_int_eq(assignment_join(&assignment, &key, SWARM_NONE), ERR_DUPLICATE);
    ck_assert_int_eq(assignment_leave(&assignment, &stranger), ERR_NOT_FOUND);
    ck_assert_int_eq(assignment_leave(&assignment, &key), OK);
    ck_assert_int_eq(assignment_leave(&assignment, &key), ERR_NOT_FOUND);
    ck_assert_ptr_null(assignment_find(&assignment, &key));
    ck_assert_uint_eq(assignment.count, 4);
    assignment_fini(&assignment);
}
END_TEST

/* A large network in one block: nobody is left out and no swarm starves. */
START_TEST(assignment_fills_a_large_network)
{
    enum { NODES = 5000 };
    struct assignment assignment;
    uint64_t *ids = xmalloc(NODES * sizeof(*ids));
    size_t count;

    assignment_init(&assignment);
    for (uint32_t i = 0; i < NODES; i++)
        join(&assignment, i * 7919 % NODES);
    assignment_run(&assignment, 99, false);
    count = ids_of(&assignment, ids, NODES);
    ck_assert_uint_ge(count, NODES / 8);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_ge(size_of(&assignment, ids[i]), 5);
    ck_assert_uint_eq(size_of(&assignment, SWARM_NONE), 0);
    free(ids);
    assignment_fini(&assignment);
}
END_TEST

TEST_MAIN("assignment", assignment_repeats_the_reference_run, assignment_new_ids_agree_with_the_vectors,
          assignment_agrees_with_the_vectors, assignment_new_id_goes_over_the_end_of_the_ring,
          assignment_old_rule_may_fail_to_make_a_swarm, assignment_of_few_nodes_is_one_swarm,
          assignment_dissolves_down_to_one_starving_swarm, assignment_keeps_keys_ascending,
          assignment_fills_a_large_network)
