#include "sim/change.h"

#include <string.h>

#include "sim/snapshot.h"
#include "tests/support/check_main.h"

static enum err decode(const char *text, struct change *out, const char **why)
{
    enum err err;
    struct json *object = json_parse(bytes_text(text), &err);

    ck_assert_int_eq(err, OK);
    err = change_decode(object, out, why);
    json_free(object);
    return err;
}

/* What is written is read again: every kind, with all that it names. */
START_TEST(changes_come_back_as_they_went)
{
    for (enum change_kind kind = 0; kind < CHANGE_COUNT; kind++) {
        const struct change_info *info = &change_infos[kind];
        struct change change = {kind, 3, info->max, 1, 2, BYTES_LIT("Gr\xc3\xbc\xc3\x9f\x65 \"x\""), 4, 5}, back;
        struct json *object;
        const char *why;
        struct buf out;
        enum err err;

        buf_init(&out, 1000);
        json_open(&out, '{');
        change_encode(&out, &change);
        json_close(&out, '}');
        object = json_parse(buf_bytes(&out), &err);
        ck_assert_int_eq(change_decode(object, &back, &why), OK);
        ck_assert_int_eq(back.kind, kind);
        ck_assert_uint_eq(back.node, info->members & CHANGES_NODE ? 3 : 0);
        ck_assert_int_eq(back.value, info->members & CHANGES_VALUE ? info->max : 0);
        ck_assert_uint_eq(back.client, info->members & CHANGES_CLIENT ? 1 : 0);
        ck_assert_uint_eq(back.to, info->members & CHANGES_TO ? 2 : 0);
        ck_assert_uint_eq(back.identity, info->members & CHANGES_ARRIVAL ? 4 : 0);
        ck_assert_uint_eq(back.host, info->members & CHANGES_ARRIVAL ? 5 : 0);
        ck_assert(bytes_equal(back.text, info->members & CHANGES_TEXT ? change.text : BYTES_NONE));
        json_free(object);
        buf_fini(&out);
    }
}
END_TEST

/* What is missing, of another type or out of range is named. */
START_TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text;
        enum err err;
        const char *why;
    } rows[] = {
        {"{}", ERR_MISSING, "change"},
        {"{\"change\":\"fly\"}", ERR_RANGE, "change"},
        {"{\"change\":\"kill\"}", ERR_MISSING, "node"},
        {"{\"change\":\"kill\",\"node\":-1}", ERR_RANGE, "node"},
        {"{\"change\":\"clock_skew\",\"node\":1}", ERR_MISSING, "value"},
        {"{\"change\":\"clock_skew\",\"node\":1,\"value\":86400001}", ERR_RANGE, "value"},
        {"{\"change\":\"difficulty\",\"value\":0}", ERR_RANGE, "value"},
        {"{\"change\":\"client_kill\"}", ERR_MISSING, "client"},
        {"{\"change\":\"client_accept\",\"client\":1}", ERR_MISSING, "to"},
        {"{\"change\":\"arrival\"}", ERR_MISSING, "identity"},
        {"{\"change\":\"arrival\",\"identity\":1}", ERR_MISSING, "host"},
        {"{\"change\":\"arrival\",\"identity\":1,\"host\":-1}", ERR_RANGE, "host"},
        {"{\"change\":\"client_send\",\"client\":1,\"to\":2}", ERR_MISSING, "text"},
        {"{\"change\":\"client\",\"text\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
         ERR_TOO_BIG, "text"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct change change;
        const char *why;

        ck_assert_msg(decode(rows[i].text, &change, &why) == rows[i].err, "%s", rows[i].text);
        ck_assert_str_eq(why, rows[i].why);
    }
}
END_TEST

/* Only what is there can be changed, and the dead do nothing. */
START_TEST(what_cannot_be_is_refused)
{
    struct testbed_config config;
    struct testbed *testbed;
    const char *why;

    testbed_config_default(&config);
    config.nodes = 8;
    testbed = testbed_new(&config);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_KILL, .node = 7}, testbed, &why), OK);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_KILL, .node = 8}, testbed, &why), ERR_NOT_FOUND);
    ck_assert_str_eq(why, "node");
    ck_assert_int_eq(change_check(&(struct change){CHANGE_ARRIVAL, .identity = 9}, testbed, &why), ERR_NOT_FOUND);
    ck_assert_str_eq(why, "identity"); /* no snapshot */
    ck_assert_int_eq(change_check(&(struct change){CHANGE_ARRIVAL, .host = TESTBED_HOST_MAX + 1}, testbed, &why),
                     ERR_RANGE);
    ck_assert_str_eq(why, "host");
    ck_assert_int_eq(change_check(&(struct change){CHANGE_CLIENT_KILL}, testbed, &why), ERR_NOT_FOUND);
    ck_assert_str_eq(why, "client");
    ck_assert_int_eq(change_apply(&(struct change){CHANGE_CLIENT, .text = BYTES_LIT("Alice")}, testbed), OK);
    ck_assert_str_eq(testbed_client_name(testbed, 0), "Alice");
    ck_assert_int_eq(change_check(&(struct change){CHANGE_CLIENT_ACCEPT, .to = 1}, testbed, &why), ERR_NOT_FOUND);
    ck_assert_str_eq(why, "to");
    ck_assert_int_eq(change_apply(&(struct change){CHANGE_CLIENT_ACCEPT}, testbed), ERR_NOT_FOUND); /* no request */
    ck_assert_int_eq(change_apply(&(struct change){CHANGE_CLIENT_KILL}, testbed), OK);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_CLIENT_POLL}, testbed, &why), ERR_NOT_FOUND);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_CLIENT_CUT_OFF}, testbed, &why), OK);
    ck_assert_int_eq(change_apply(&(struct change){CHANGE_CLIENT_RESTART}, testbed), OK);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_CLIENT_POLL}, testbed, &why), OK);
    testbed_free(testbed);
}
END_TEST

/* A host that has a node on its last port takes no other. */
START_TEST(a_host_without_ports_is_full)
{
    struct testbed_config config;
    struct testbed *testbed;
    const char *why;

    testbed_config_default(&config);
    config.nodes = 2;
    config.nodes_per_host = 4;
    config.node_port = UINT16_MAX - 2;
    testbed = testbed_new(&config);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_REGISTER}, testbed, &why), OK);
    ck_assert_int_eq(change_apply(&(struct change){CHANGE_REGISTER}, testbed), OK);
    ck_assert_int_eq(change_check(&(struct change){CHANGE_REGISTER}, testbed, &why), ERR_FULL);
    testbed_free(testbed);
}
END_TEST

/* Arrivals name their hosts. */
START_TEST(arrivals_fill_a_host)
{
    struct change arrival = {CHANGE_ARRIVAL, .host = 70000};
    struct snapshots *snapshots;
    struct testbed_config config;
    struct testbed *testbed;
    const char *why;
    struct buf wrong;

    buf_init(&wrong, 1000);
    ck_assert_int_eq(snapshots_load(NULL, &snapshots, &wrong), OK);
    testbed_config_default(&config);
    config.snapshot = snapshots_get(snapshots, 0);
    config.node_port = UINT16_MAX - 100;
    testbed = testbed_new(&config);
    for (uint32_t arrived = 0; arrived <= 100; arrived++) {
        arrival.identity = 1000000 + arrived;
        ck_assert_int_eq(change_check(&arrival, testbed, &why), OK);
        ck_assert_int_eq(change_apply(&arrival, testbed), OK);
    }
    arrival.identity = 2000000;
    ck_assert_int_eq(change_check(&arrival, testbed, &why), ERR_FULL);
    arrival.host++;
    ck_assert_int_eq(change_check(&arrival, testbed, &why), OK);
    testbed_free(testbed);
    snapshots_free(snapshots);
    buf_fini(&wrong);
}
END_TEST

TEST_MAIN("change", changes_come_back_as_they_went, what_is_wrong_is_named, what_cannot_be_is_refused,
          a_host_without_ports_is_full, arrivals_fill_a_host)
