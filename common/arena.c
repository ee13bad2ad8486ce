#include "common/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/poison.h"

/* Holds the largest message of the protocol with the copies that handling it makes. */
#define CHUNK_BYTES ((size_t)512 * 1024)
#define ALIGNMENT   16

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    _Alignas(ALIGNMENT) uint8_t data[];
};

static struct arena_chunk *chunk_new(size_t cap)
{
    struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + cap);
    chunk->next = NULL;
    chunk->cap = cap;
    POISON(chunk->data, cap);
    return chunk;
}

static void chunks_free(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    chunks_free(arena->first);
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    if (arena->first == NULL)
        return;
    chunks_free(arena->first->next);
    arena->first->next = NULL;
    arena->now = arena->first;
    arena->used = 0;
    POISON(arena->first->data, arena->first->cap);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory;
    ASSERT(size < SIZE_MAX - CHUNK_BYTES);
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->first == NULL) { /* of the usual size whatever is asked for: this one is kept for ever */
        arena->first = arena->now = chunk_new(CHUNK_BYTES);
        arena->used = 0;
    }
    if (size > arena->now->cap - arena->used) {
        arena->now->next = chunk_new(size > CHUNK_BYTES ? size : CHUNK_BYTES);
        arena->now = arena->now->next;
        arena->used = 0;
    }
    memory = arena->now->data + arena->used;
    arena->used += size;
    UNPOISON(memory, size);
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = arena_alloc(arena, bytes.len);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return (struct bytes){copy, bytes.len};
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    int len;
    char *text;
    ASSERT(fmt != NULL); /* for the compiler: under the undefined sanitizer it warns of a NULL that never is */
    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    ASSERT(len >= 0);
    text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}
