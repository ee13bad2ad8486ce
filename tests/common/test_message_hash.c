#include "common/message_hash.h"

#include <string.h>

#include "sim/verify.h"
#include "tests/support/check_main.h"

START_TEST(all_vectors_pass)
{
    const char *const files[] = {VECTORS "/message_hash.json"};

    ck_assert_int_eq(verify_files(files, 1, stdout, stderr), 0);
}
END_TEST

/* Namespace 0 is written as nothing, so it is no other namespace's hash, and the longest namespace fits. */
START_TEST(namespaces_tell_messages_apart)
{
    struct account_id account = {{ACCOUNT_PREFIX, 1}};
    char zero[MESSAGE_HASH_CHARS], least[MESSAGE_HASH_CHARS], text[MESSAGE_HASH_CHARS];

    message_hash(&account, 0, BYTES_LIT("-32768x"), zero);
    message_hash(&account, INT16_MIN, BYTES_LIT("x"), least);
    ck_assert_mem_eq(zero, least, sizeof(zero)); /* as the server has it: nothing separates the parts */
    message_hash(&account, 0, BYTES_LIT("x"), text);
    ck_assert_mem_ne(text, least, sizeof(text));
}
END_TEST

TEST_MAIN("message_hash", all_vectors_pass, namespaces_tell_messages_apart)
