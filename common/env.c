#include "common/env.h"

static void draw_env(void *source, void *out, size_t len)
{
    env_random(source, out, len);
}

uint64_t env_random_below(struct env *env, uint64_t n)
{
    return rng_below_from(draw_env, env, n);
}

void env_shuffle(struct env *env, uint32_t *items, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t pick = env_random_below(env, left);
        uint32_t picked = items[pick];
        items[pick] = items[left - 1];
        items[left - 1] = picked;
    }
}

static void answer(struct env *env, struct incoming *incoming, uint16_t status, enum content content, struct bytes text)
{
    struct message message = {.status = status, .content = content, .body = blob_copy(text)};
    env_answer(env, incoming, &message);
    blob_drop(message.body);
}

void env_answer_text(struct env *env, struct incoming *incoming, uint16_t status, const char *text)
{
    answer(env, incoming, status, CONTENT_TEXT, bytes_text(text));
}

void env_answer_json(struct env *env, struct incoming *incoming, uint16_t status, struct bytes json)
{
    answer(env, incoming, status, CONTENT_JSON, json);
}
