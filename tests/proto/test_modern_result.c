#include "proto/modern_result.h"

#include <string.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/text.h"
#include "tests/support/check_main.h"

#define HASH_A    "AhmHtbZRSgxUdgjaOrNhI68Hn5VBgzdvqPbMNeVSMsY"
#define HASH_B    "MnK9IG+gpL5XDTuXtUdSdVdzYNosc5w2F1v/piZtbjE"
#define HASH_C    "kR+ST2MOdSs4ev4xDl7lYEU2KDBiXkTPDZJbhcIlMEE"
#define PUBKEY    "0500112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIGNATURE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

static struct modern_affected affected[] = {{5, HASH_C, 30}, {-10, HASH_A, 10}, {5, HASH_B, 20}};

static struct modern_request request_of(enum modern_method method)
{
    struct modern_request request = {.method = method, .signed_ms = 77};

    ck_assert_int_eq(account_from_hex(&request.account, BYTES_LIT(PUBKEY)), OK);
    return request;
}

/* What is signed, and the JSON that becomes of it. */
static void check(const struct modern_result *result, const char *signed_text, const char *json)
{
    uint8_t signature[64];
    struct buf text, dict, out;
    bool deleted_any = false;

    for (uint8_t i = 0; i < 64; i++)
        signature[i] = i;
    buf_init(&text, SIZE_MAX);
    buf_init(&dict, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    modern_result_signed_text(&text, result);
    ck_assert_msg(bytes_equal_text(buf_bytes(&text), signed_text), "signed %.*s, not %s", (int)text.len,
                  (const char *)text.data, signed_text);
    modern_result_encode(&dict, result, signature);
    ck_assert_int_eq(modern_result_to_json(&out, buf_bytes(&dict), &deleted_any), OK);
    ck_assert_msg(bytes_equal_text(buf_bytes(&out), json), "JSON is %.*s, not %s", (int)out.len, (const char *)out.data,
                  json);
    buf_fini(&text);
    buf_fini(&dict);
    buf_fini(&out);
}

START_TEST(every_method_signs_and_says_its_own)
{
    static const struct bytes messages[] = {BYTES_LIT(HASH_B), BYTES_LIT(HASH_A)};
    static const struct subaccount_token token = {"token of thirty-six bytes, all text."};
    struct modern_request request = request_of(MODERN_STORE);
    struct modern_result result = {.request = &request, .hash = HASH_A, .expiry_ms = 99};

    modern_affected_sort(affected, ARRAY_LEN(affected));
    check(&result, HASH_A, "{\"expiry\":99,\"hash\":\"" HASH_A "\",\"signature\":\"" SIGNATURE "\"");
    result.already = true;
    check(&result, HASH_A, "{\"already\":true,\"expiry\":99,\"hash\":\"" HASH_A "\",\"signature\":\"" SIGNATURE "\"");

    request = request_of(MODERN_DELETE);
    request.messages = messages;
    request.message_count = 2;
    result = (struct modern_result){.request = &request, .changed = affected, .changed_count = 1};
    check(&result, PUBKEY HASH_B HASH_A HASH_A, "{\"deleted\":[\"" HASH_A "\"],\"signature\":\"" SIGNATURE "\"");

    request = request_of(MODERN_DELETE_ALL);
    request.all_namespaces = true;
    result = (struct modern_result){.request = &request, .changed = affected, .changed_count = 3};
    check(&result, PUBKEY "77" HASH_A HASH_B HASH_C,
          "{\"deleted\":{\"-10\":[\"" HASH_A "\"],\"5\":[\"" HASH_B "\",\"" HASH_C "\"]},\"signature\":\"" SIGNATURE
          "\"");
    result.changed_count = 0;
    check(&result, PUBKEY "77", "{\"deleted\":{},\"signature\":\"" SIGNATURE "\"");

    request = request_of(MODERN_EXPIRE_ALL);
    result = (struct modern_result){.request = &request, .changed = affected, .changed_count = 2};
    check(&result, PUBKEY "77" HASH_A HASH_B,
          "{\"signature\":\"" SIGNATURE "\",\"updated\":[\"" HASH_A "\",\"" HASH_B "\"]");

    request = request_of(MODERN_EXPIRE);
    request.messages = messages;
    request.message_count = 2;
    request.expiry_count = 1;
    result = (struct modern_result){.request = &request, .expiry_ms = 500, .changed = affected, .changed_count = 1};
    check(&result, PUBKEY "500" HASH_B HASH_A HASH_A,
          "{\"expiry\":500,\"signature\":\"" SIGNATURE "\",\"updated\":[\"" HASH_A "\"]");
    request.expiry_count = 2;
    request.extend = true;
    result.has_unchanged = true;
    result.unchanged = affected + 1;
    result.unchanged_count = 2;
    check(&result, PUBKEY "10" HASH_B HASH_A HASH_A HASH_B "20" HASH_C "30",
          "{\"expiry\":[10],\"signature\":\"" SIGNATURE "\",\"unchanged\":{\"" HASH_B "\":20,\"" HASH_C
          "\":30},\"updated\":[\"" HASH_A "\"]");

    request = request_of(MODERN_UNREVOKE);
    request.tokens = &token;
    request.token_count = 1;
    result = (struct modern_result){.request = &request, .count = 1};
    check(&result, PUBKEY "77token of thirty-six bytes, all text.", "{\"count\":1,\"signature\":\"" SIGNATURE "\"");
    request.method = MODERN_REVOKE;
    check(&result, PUBKEY "77token of thirty-six bytes, all text.", "{\"signature\":\"" SIGNATURE "\"");
}
END_TEST

START_TEST(a_failed_store_says_so)
{
    struct buf dict, out;
    bool deleted_any;

    buf_init(&dict, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    modern_result_encode_failure(&dict);
    ck_assert_int_eq(modern_result_to_json(&out, buf_bytes(&dict), &deleted_any), OK);
    ck_assert(bytes_equal_text(buf_bytes(&out), "{\"failed\":true,\"query_failure\":true"));
    buf_fini(&dict);
    buf_fini(&out);
}
END_TEST

START_TEST(deleted_is_looked_at)
{
    static const struct {
        const char *dict;
        bool any;
    } cases[] = {
        {"de", false},
        {"d7:deletedlee", false},
        {"d7:deletedl1:aee", true},
        {"d7:deleteddee", false},
        {"d1:ad7:deletedl1:aeee", false},
    };
    struct buf out;

    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool any = !cases[i].any;

        buf_clear(&out);
        ck_assert_int_eq(modern_result_to_json(&out, bytes_text(cases[i].dict), &any), OK);
        ck_assert_int_eq(any, cases[i].any);
    }
    buf_fini(&out);
}
END_TEST

/* Other members are not trusted: what is no dictionary, or does not fit, leaves nothing behind. */
START_TEST(bad_results_are_refused)
{
    static const char *const cases[] = {
        "",
        "le",
        "i5e",
        "d",
        "d1:a",
        "d1:ai5e",
        "d1:b0:1:a0:e",
        "dei5e",
        "d1:a1:\xff"
        "e",
        "d1:\xff"
        "i5ee",
        "d9:signature2:abe",
        "d1:allllllllleeeeeeeeee",
        "d1:a\x01"
        "e",
    };
    struct buf out;
    bool any = false;

    buf_init(&out, 20);
    buf_text(&out, "before");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(modern_result_to_json(&out, bytes_text(cases[i]), &any) == ERR_FORMAT, "taken: %s", cases[i]);
        ck_assert(bytes_equal_text(buf_bytes(&out), "before"));
    }
    ck_assert_int_eq(modern_result_to_json(&out, BYTES_LIT("d1:a20:aaaaaaaaaaaaaaaaaaaae"), &any), ERR_TOO_BIG);
    ck_assert(bytes_equal_text(buf_bytes(&out), "before"));
    ck_assert_int_eq(out.err, OK);
    buf_fini(&out);
}
END_TEST

TEST_MAIN("modern_result", every_method_signs_and_says_its_own, a_failed_store_says_so, deleted_is_looked_at,
          bad_results_are_refused)
