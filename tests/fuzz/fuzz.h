/* fuzz.h: one target per parser of outside bytes.
 *
 * A target defines fuzz_one(); fuzz_libfuzzer.c makes a fuzzer of it (scripts/fuzz), fuzz_replay.c a test that runs the
 * files of its corpus, tests/fuzz/corpus/NAME/: seeds made from the vectors, and every input that ever found something.
 */
#ifndef SWARMBED_FUZZ_H
#define SWARMBED_FUZZ_H

#include "common/arena.h"
#include "common/bytes.h"

/* Must not crash, leak, hang, or use memory out of proportion to the input. `arena` is scratch. */
void fuzz_one(struct bytes input, struct arena *arena);

#endif
