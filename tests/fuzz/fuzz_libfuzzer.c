#include "common/suite.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;

    if (crypto_start() != OK)
        return -1;
    arena_init(&arena);
    fuzz_one((struct bytes){data, size}, &arena);
    arena_fini(&arena);
    return 0;
}
