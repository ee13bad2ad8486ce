#include "sim/facts.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "tests/support/check_main.h"

#define ACCOUNT                                                                                                        \
    "05"                                                                                                               \
    "0707070707070707070707070707070707070707070707070707070707070707"
#define SIGNATURE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define HASH      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIGNED    "\"pubkey\":\"" ACCOUNT "\",\"signature\":\"" SIGNATURE "\",\"timestamp\":1700000000000"

static struct arena arena;
static char told[500];

static void tell(void *owner, const struct facts *facts)
{
    char hex[ACCOUNT_HEX_LEN + 1] = "";
    size_t used = strlen(told);

    (void)owner;
    account_to_hex(&facts->account, hex);
    ck_assert_str_eq(hex, ACCOUNT);
    used += (size_t)snprintf(told + used, sizeof(told) - used, "%s", facts->method);
    if (facts->namespace == FACTS_ALL_NAMESPACES)
        used += (size_t)snprintf(told + used, sizeof(told) - used, " all");
    else if (facts->namespace != FACTS_NO_NAMESPACE)
        used += (size_t)snprintf(told + used, sizeof(told) - used, " %d", facts->namespace);
    if (facts->stores)
        used += (size_t)snprintf(told + used, sizeof(told) - used, " '%.*s'", (int)facts->data.len,
                                 (const char *)facts->data.data);
    (void)snprintf(told + used, sizeof(told) - used, ";");
}

/* What it says, or "era". */
static const char *of_call(const char *method, const char *params, bool *holds_others)
{
    enum err err;
    struct json *json = json_parse(bytes_text(params), &err);

    ck_assert_int_eq(err, OK);
    told[0] = '\0';
    if (!facts_of_call(&arena, bytes_text(method), json, holds_others, tell, NULL))
        strcpy(told, "era");
    json_free(json);
    arena_reset(&arena);
    return told;
}

START_TEST(calls_say_account_and_namespace)
{
    static const struct {
        const char *method, *params, *told;
    } rows[] = {
        {"retrieve", "{" SIGNED "}", "retrieve 0;"},
        {"retrieve", "{" SIGNED ",\"namespace\":-21}", "retrieve -21;"},
        {"retrieve", "{\"pubKey\":\"" ACCOUNT "\",\"lastHash\":\"\"}", "era"},
        {"store", "{\"pubkey\":\"" ACCOUNT "\",\"timestamp\":1700000000000,\"ttl\":60000,\"data\":\"b25l\"}",
         "store 0 'one';"},
        {"store", "{\"pubKey\":\"" ACCOUNT "\",\"timestamp\":\"1\",\"ttl\":\"6\",\"data\":\"b25l\",\"nonce\":\"AA==\"}",
         "era"},
        {"delete_all", "{" SIGNED ",\"namespace\":\"all\"}", "delete_all all;"},
        {"delete", "{" SIGNED ",\"messages\":[\"" HASH "\"]}", "delete;"},
        {"get_swarm", "{\"pubkey\":\"" ACCOUNT "\"}", "get_swarm;"},
        {"get_swarm", "{\"pubkey\":\"05\"}", ""},
        {"info", "{}", ""},
        {"listen", "{}", "era"},
    };

    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool holds_others;

        ck_assert_str_eq(of_call(rows[i].method, rows[i].params, &holds_others), rows[i].told);
        ck_assert(!holds_others);
    }
    arena_fini(&arena);
}
END_TEST

/* Each call in it, however deep, in order; of both branches, for nobody says which one is taken. */
START_TEST(calls_that_hold_others_say_what_those_say)
{
#define RETRIEVE(n) "{\"method\":\"retrieve\",\"params\":{" SIGNED ",\"namespace\":" n "}}"
    bool holds_others;

    arena_init(&arena);
    ck_assert_str_eq(of_call("sequence",
                             "{\"requests\":[" RETRIEVE("3") ",{\"method\":\"info\",\"params\":{}}," RETRIEVE("5") "]}",
                             &holds_others),
                     "retrieve 3;retrieve 5;");
    ck_assert(holds_others);
    ck_assert_str_eq(
        of_call("ifelse",
                "{\"if\":{\"height_at_least\":1},\"then\":" RETRIEVE("3") ",\"else\":" RETRIEVE("4") "}",
                &holds_others),
        "retrieve 3;retrieve 4;");
    ck_assert(holds_others);
    ck_assert_str_eq(
        of_call("batch", "{\"requests\":[" RETRIEVE("3") ",{\"method\":\"fly\",\"params\":{}}]}", &holds_others),
        ""); /* refused as a whole */
    arena_fini(&arena);
}
END_TEST

static const char *of_bytes(void (*read)(struct arena *arena, struct bytes body, facts_fn each, void *owner),
                            const char *body)
{
    told[0] = '\0';
    read(&arena, bytes_text(body), tell, NULL);
    arena_reset(&arena);
    return told;
}

/* With keys and signatures as bytes; what is cut short or is no such call says nothing. */
START_TEST(members_and_subscribers_say_it_in_bencode)
{
#define SEVENS   "\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a\a"
#define BYTES_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define DICT     "d9:namespacei7e6:pubkey66:" ACCOUNT "9:signature64:" BYTES_64 "9:timestampi1700000000000ee"
#define MONITOR  "d1:nli0ei5ee1:p33:\x05" SEVENS "1:s64:" BYTES_64 "1:ti1700000000ee"

    arena_init(&arena);
    ck_assert_str_eq(of_bytes(facts_of_forwarded, "l10:delete_all109:" DICT "e"), "");
    (void)snprintf(told, sizeof(told), "l10:delete_all%zu:" DICT "e", strlen(DICT));
    {
        char body[500];

        strcpy(body, told);
        ck_assert_str_eq(of_bytes(facts_of_forwarded, body), "delete_all 7;");
    }
    ck_assert_str_eq(of_bytes(facts_of_forwarded, "l4:info2:dee"), "");
    ck_assert_str_eq(of_bytes(facts_of_monitor, MONITOR), "monitor 0;monitor 5;");
    ck_assert_str_eq(of_bytes(facts_of_monitor, "l" MONITOR MONITOR "e"), "monitor 0;monitor 5;monitor 0;monitor 5;");
    ck_assert_str_eq(of_bytes(facts_of_monitor, "l" MONITOR "d1:P"), "monitor 0;monitor 5;");
    arena_fini(&arena);
}
END_TEST

TEST_MAIN("facts", calls_say_account_and_namespace, calls_that_hold_others_say_what_those_say,
          members_and_subscribers_say_it_in_bencode)
