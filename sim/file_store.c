#include "sim/file_store.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/text.h"

struct file {
    uint64_t id;
    int64_t until_ms;
    struct blob *content;
};

static struct bytes file_key(const void *value)
{
    return (struct bytes){(const uint8_t *)&((const struct file *)value)->id, sizeof(uint64_t)};
}

void file_store_init(struct file_store *store, struct env *env)
{
    *store = (struct file_store){.env = env};
    table_init(&store->files, file_key, 1); /* we make the numbers: nobody can choose colliding ones */
}

static void file_free(struct file *file)
{
    blob_drop(file->content);
    free(file);
}

void file_store_fini(struct file_store *store)
{
    struct file *file;
    uint32_t cursor = 0;

    while ((file = table_next(&store->files, &cursor)) != NULL)
        file_free(file);
    table_fini(&store->files);
}

/* All live equally long, so the oldest end first. */
static void drop_expired(struct file_store *store)
{
    int64_t now_ms = env_now_ms(store->env);
    struct file *file;
    uint32_t cursor = 0;

    while ((file = table_next(&store->files, &cursor)) != NULL && file->until_ms <= now_ms) {
        (void)table_remove(&store->files, file_key(file));
        store->bytes -= blob_bytes(file->content).len;
        file_free(file);
    }
}

static void answer_id(struct file_store *store, struct incoming *incoming, uint64_t id)
{
    struct buf out;

    buf_init(&out, 64);
    buf_printf(&out, "{\"id\":\"%" PRIu64 "\"}", id);
    env_answer_json(store->env, incoming, 200, buf_bytes(&out));
    buf_fini(&out);
}

static void take(struct file_store *store, struct incoming *incoming)
{
    size_t len = blob_bytes(incoming->in.body).len;
    struct file *file;

    if (len == 0) {
        env_answer_text(store->env, incoming, 400, "an empty file");
        return;
    }
    if (len > LIMIT_FILE_BYTES) {
        env_answer_text(store->env, incoming, 413, "File too large");
        return;
    }
    if (store->files.count >= LIMIT_FILES || len > LIMIT_FILES_BYTES - store->bytes) {
        env_answer_text(store->env, incoming, 503, "The file store is full");
        return;
    }
    file = xcalloc(1, sizeof(*file));
    file->id = ++store->last_id;
    file->until_ms = env_now_ms(store->env) + LIMIT_FILE_MS;
    file->content = blob_keep(incoming->in.body);
    table_put(&store->files, file);
    store->bytes += len;
    env_trace(store->env, &(struct trace_record){.kind = TRACE_FILE, .n = {file->id, len}});
    answer_id(store, incoming, file->id);
}

static void give(struct file_store *store, struct incoming *incoming, struct bytes id_text)
{
    struct message message = {.status = 200, .content = CONTENT_BINARY};
    const struct file *file = NULL;
    uint64_t id;

    if (decimal_decode(&id, id_text) == OK)
        file = table_get(&store->files, (struct bytes){(const uint8_t *)&id, sizeof(id)});
    if (file == NULL) {
        env_answer_text(store->env, incoming, 404, "File not found");
        return;
    }
    message.body = file->content;
    env_answer(store->env, incoming, &message);
}

bool file_store_on_request(struct file_store *store, struct incoming *incoming)
{
    const struct bytes below = BYTES_LIT(PATH_FILE "/");
    const struct message *in = &incoming->in;

    if (in->verb == VERB_POST && bytes_equal_text(in->path, PATH_FILE)) {
        drop_expired(store);
        take(store, incoming);
        return true;
    }
    if (in->verb == VERB_GET && bytes_start_with(in->path, below)) {
        drop_expired(store);
        give(store, incoming, bytes_slice(in->path, below.len, in->path.len - below.len));
        return true;
    }
    return false;
}
