#include "common/suite.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For the whole process: a new one for every input would cost more than most inputs do. */
static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    arena_init(&arena);
    return crypto_start() == OK ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_one((struct bytes){data, size}, &arena);
    arena_reset(&arena);
    return 0;
}
