/* verify.h: conformance: runs files of test vectors through the functions that the network uses.
 *
 * The kinds and their form are described in tests/vectors/README.md; a file's kind is recognised by its sections. What
 * cannot be read (an unknown kind, a missing or malformed member) is an error, never skipped: else a spoilt file would
 * pass. */
#ifndef SWARMBED_VERIFY_H
#define SWARMBED_VERIFY_H

#include <stdio.h>

#include "common/bytes.h"

/* Prints every failed vector, a line per file and a closing line to `out`, and errors to `err`. The exit status: 0 all
 * vectors passed; 1 some failed; 2 some could not be read. */
int verify_files(const char *const files[], size_t count, FILE *out, FILE *err);

/* The same for one file that is in memory, without the closing line; crypto_start() was called. */
int verify_text_file(const char *name, struct bytes text, FILE *out, FILE *err);

#endif
