/* http_env.h: the outside world of one real client: env over real sockets, the wall clock, and a file.
 *
 * Calls are HTTP or HTTPS (http_client.h); timers and their order are libuv's, in whole milliseconds; chance is the
 * system's; the disk is a state file, written by a thread of libuv's pool: a sync ends once the file that holds all
 * that was put before it is in place. A client takes no connections: there is nothing to answer. What is charged costs
 * real time already. */
#ifndef SWARMBED_HTTP_ENV_H
#define SWARMBED_HTTP_ENV_H

#include "common/env.h"
#include "sim/state_file.h"

struct http_env;
struct uv_loop_s; /* uv_loop_t */
struct http_env_config {
    struct uv_loop_s *loop;  /* outlives the env's handles */
    struct state_file *file; /* lent; to be closed once the loop has run out */
    bool tls;                /* all calls are HTTPS */
    void *owner;
    void (*on_trace)(void *owner, const struct trace_record *record); /* inside the client: only remember */
};
/* NULL: TLS is not to be had; `why` tells. */
struct http_env *http_env_new(const struct http_env_config *config, struct buf *why);
/* Nothing of it runs any more: no timers, calls or syncs. A write that is under way ends first; its memory goes with
 * the loop's next turns. */
void http_env_free(struct http_env *http);
struct env *http_env_env(struct http_env *http);

bool http_env_unwritten(const struct http_env *http); /* something was put, and nobody has asked for a sync since */
bool http_env_saved(const struct http_env *http);     /* nothing was put that the file does not have */
enum err http_env_disk(const struct http_env *http);  /* how the last write ended */

#endif
