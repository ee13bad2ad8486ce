/* Runs a target over the files of a folder: fuzz_NAME_replay FOLDER. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suite.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX (1u << 20)

static void run_file(const char *path, struct arena *arena)
{
    uint8_t *data = xmalloc(INPUT_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    uint8_t *exact;
    size_t len;

    ASSERT(file != NULL);
    len = fread(data, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    exact = xmalloc(len + 1);
    memcpy(exact, data, len); /* its own block, so that the sanitizer sees a read behind the input */
    free(data);
    fuzz_one((struct bytes){exact, len}, arena);
    arena_reset(arena);
    free(exact);
}

int main(int argc, char **argv)
{
    struct dirent **files;
    struct arena arena;
    int count, run = 0;

    ASSERT(argc == 2 && crypto_start() == OK);
    arena_init(&arena);
    count = scandir(argv[1], &files, NULL, alphasort);
    ASSERT(count > 0);
    for (int i = 0; i < count; i++) {
        char path[4096];

        if (files[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", argv[1], files[i]->d_name);
            run_file(path, &arena);
            run++;
        }
        free(files[i]);
    }
    free(files);
    arena_fini(&arena);
    printf("100%%: Checks: %d, Failures: 0, Errors: 0\n", run);
    return run > 0 ? 0 : 1;
}
