#include "common/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text;
    uint16_t status; /* PROTOCOL 3.3 */
} errors[ERR_COUNT] = {
    [OK] = {"ok", 200},
    [ERR_FULL] = {"a limit is reached, try again later", 503},
    [ERR_TOO_BIG] = {"too big", 413},
    [ERR_FORMAT] = {"malformed", 400},
    [ERR_MISSING] = {"a required field is missing", 400},
    [ERR_RANGE] = {"a number is out of range", 400},
    [ERR_CRYPTO] = {"does not decrypt, or a signature or proof is wrong", 400},
    [ERR_NOT_FOUND] = {"not found", 404},
    [ERR_DUPLICATE] = {"already there", 200}, /* storing twice is storing once */
    [ERR_NOT_READY] = {"not ready", 503},
    [ERR_WRONG_SWARM] = {"another swarm serves that key", 421},
    [ERR_TIMEOUT] = {"no answer in time", 504},
    [ERR_UNREACHABLE] = {"unreachable", 502},
    [ERR_CANCELLED] = {"cancelled", 500},
    [ERR_CLOCK] = {"the timestamp is not accepted, check the clock", 406},
    [ERR_REFUSED] = {"refused by the other side", 502},
    [ERR_IO] = {"input or output failed", 500},
};

const char *err_text(enum err err)
{
    ASSERT((unsigned)err < ERR_COUNT);
    return errors[err].text;
}

uint16_t err_status(enum err err)
{
    ASSERT((unsigned)err < ERR_COUNT);
    return errors[err].status;
}

_Noreturn void assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}

_Noreturn void out_of_memory(void)
{
    fputs("out of memory\n", stderr);
    exit(3);
}

/* A size of 0 asks for 1, so that NULL has a single meaning. */
void *xmalloc(size_t size)
{
    void *memory = malloc(size + (size == 0));
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(count + (count == 0), size + (size == 0));
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *xrealloc(void *old, size_t size)
{
    void *memory = realloc(old, size + (size == 0));
    if (memory == NULL)
        out_of_memory();
    return memory;
}
