#include "node/difficulty.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

void difficulty_init(struct difficulty *difficulty, struct env *env, uint64_t initial)
{
    *difficulty = (struct difficulty){.env = env, .now = {.from_ms = 0, .difficulty = initial}};
}

void difficulty_fini(struct difficulty *difficulty)
{
    free(difficulty->history);
}

void difficulty_read(struct difficulty *difficulty, const struct pow_record records[], size_t count)
{
    struct pow_record newest;

    if (count == 0)
        return;
    if (count > LIMIT_DIFFICULTY_RECORDS) {
        records += count - LIMIT_DIFFICULTY_RECORDS;
        count = LIMIT_DIFFICULTY_RECORDS;
    }
    difficulty->history = xrealloc(difficulty->history, count * sizeof(*records));
    memcpy(difficulty->history, records, count * sizeof(*records));
    difficulty->count = count;

    newest = records[count - 1];
    if (newest.from_ms < difficulty->now.from_ms ||
        (newest.from_ms == difficulty->now.from_ms && newest.difficulty == difficulty->now.difficulty))
        return;
    difficulty->now = newest;
    env_trace(difficulty->env,
              &(struct trace_record){.kind = TRACE_DIFFICULTY, .n = {newest.difficulty, (uint64_t)newest.from_ms}});
}

uint64_t difficulty_now(const struct difficulty *difficulty)
{
    return difficulty->now.difficulty;
}

uint64_t difficulty_relayed(const struct difficulty *difficulty, int64_t timestamp_ms)
{
    if (difficulty->history == NULL)
        return difficulty->now.difficulty;
    return pow_relay_difficulty(difficulty->history, difficulty->count, timestamp_ms);
}
