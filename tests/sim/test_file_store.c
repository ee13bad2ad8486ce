#include "sim/file_store.h"

#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/fake_env.h"

static struct fake_env fake;
static struct file_store store;

static void setup(void)
{
    fake_env_init(&fake, 1);
    file_store_init(&store, &fake.env);
}

static void teardown(void)
{
    fake_env_run(&fake);
    fake_env_check(&fake);
    file_store_fini(&store);
    fake_env_fini(&fake);
}

static struct fake_request *ask(enum verb verb, const char *path, struct bytes body)
{
    struct fake_request *request = fake_env_request(&fake, verb, path, body);

    ck_assert(file_store_on_request(&store, &request->incoming));
    fake_env_run(&fake);
    ck_assert(request->answered);
    return request;
}

static struct fake_request *put(struct bytes content)
{
    return ask(VERB_POST, "/file", content);
}

static struct fake_request *get(const char *path)
{
    return ask(VERB_GET, path, BYTES_NONE);
}

/* A file that was taken is given back, byte for byte, as often as it is asked for; the ids count up. */
START_TEST(files_come_back)
{
    struct fake_request *request;

    setup();
    request = put(BYTES_LIT("one"));
    ck_assert_uint_eq(request->status, 200);
    ck_assert_int_eq(request->content, CONTENT_JSON);
    ck_assert(bytes_equal_text(fake_request_answer(request), "{\"id\":\"1\"}"));
    ck_assert(bytes_equal_text(fake_request_answer(put(BYTES_LIT("\0two"))), "{\"id\":\"2\"}"));
    for (int i = 0; i < 2; i++) {
        request = get("/file/1");
        ck_assert_uint_eq(request->status, 200);
        ck_assert_int_eq(request->content, CONTENT_BINARY);
        ck_assert(bytes_equal_text(fake_request_answer(request), "one"));
        ck_assert(bytes_equal(fake_request_answer(get("/file/2")), BYTES_LIT("\0two")));
    }
    ck_assert_uint_eq(fake_env_traces(&fake, TRACE_FILE), 2);
    teardown();
}
END_TEST

START_TEST(what_is_not_there_is_404)
{
    static const char *const paths[] = {"/file/2", "/file/0", "/file/", "/file/01", "/file/1x", "/file/-1",
                                        "/file/18446744073709551617"};

    setup();
    put(BYTES_LIT("one"));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        ck_assert_uint_eq(get(paths[i])->status, 404);
    teardown();
}
END_TEST

/* Other paths and verbs are somebody else's to answer. */
START_TEST(only_its_own_paths_are_taken)
{
    struct fake_request *request;

    setup();
    request = fake_env_request(&fake, VERB_GET, "/file", BYTES_NONE);
    ck_assert(!file_store_on_request(&store, &request->incoming));
    env_answer_text(&fake.env, &request->incoming, 404, "");
    request = fake_env_request(&fake, VERB_POST, "/file/1", BYTES_LIT("x"));
    ck_assert(!file_store_on_request(&store, &request->incoming));
    env_answer_text(&fake.env, &request->incoming, 404, "");
    teardown();
}
END_TEST

static struct blob *zeros(size_t len)
{
    struct blob *blob = blob_new(len);

    memset(blob->data, 0, len);
    return blob;
}

START_TEST(size_is_bounded)
{
    struct blob *most = zeros(LIMIT_FILE_BYTES), *more = zeros(LIMIT_FILE_BYTES + 1);

    setup();
    ck_assert_uint_eq(put(BYTES_NONE)->status, 400);
    ck_assert_uint_eq(put(blob_bytes(most))->status, 200);
    ck_assert_uint_eq(put(blob_bytes(more))->status, 413);
    blob_drop(most);
    blob_drop(more);
    teardown();
}
END_TEST

/* A full store refuses the next file and keeps those it took; when they have expired, there is room again. */
START_TEST(a_full_store_keeps_what_it_took)
{
    struct blob *most = zeros(LIMIT_FILE_BYTES);
    unsigned taken = 0;

    setup();
    while (put(blob_bytes(most))->status == 200)
        taken++;
    ck_assert_uint_eq(taken, LIMIT_FILES_BYTES / LIMIT_FILE_BYTES);
    ck_assert_uint_eq(put(blob_bytes(most))->status, 503);
    ck_assert_uint_eq(get("/file/1")->status, 200);
    fake_env_advance_ms(&fake, LIMIT_FILE_MS - 1);
    ck_assert_uint_eq(get("/file/1")->status, 200);
    fake_env_advance_ms(&fake, 1);
    ck_assert_uint_eq(get("/file/1")->status, 404);
    ck_assert_uint_eq(store.bytes, 0);
    ck_assert_uint_eq(put(blob_bytes(most))->status, 200);
    blob_drop(most);
    teardown();
}
END_TEST

START_TEST(count_is_bounded)
{
    setup();
    for (unsigned i = 0; i < LIMIT_FILES; i++)
        ck_assert_uint_eq(put(BYTES_LIT("x"))->status, 200);
    ck_assert_uint_eq(put(BYTES_LIT("x"))->status, 503);
    teardown();
}
END_TEST

TEST_MAIN("file_store", files_come_back, what_is_not_there_is_404, only_its_own_paths_are_taken, size_is_bounded,
          a_full_store_keeps_what_it_took, count_is_bounded)
