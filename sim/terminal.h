/* terminal.h: lines from a descriptor, whatever it is: a terminal, a pipe, a file.
 *
 * The descriptor stays as it was: others may share it. Lines are bounded; of a longer one the owner hears once, and the
 * rest of it is read over. */
#ifndef SWARMBED_TERMINAL_H
#define SWARMBED_TERMINAL_H

#include "common/bytes.h"

struct terminal;
struct uv_loop_s; /* uv_loop_t */
struct terminal_config {
    void *owner;
    size_t line_bytes_max;
    void (*on_line)(void *owner, struct bytes line); /* without its end; valid during the call */
    void (*on_too_long)(void *owner);
    void (*on_end)(void *owner); /* once; the last, unfinished line came before. Nothing follows */
};
struct terminal *terminal_new(struct uv_loop_s *loop, int fd, const struct terminal_config *config);
void terminal_free(struct terminal *terminal); /* its handle closes with the loop's next turns; not from a callback */

#endif
