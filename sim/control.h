/* control.h: the control interface of a served world: JSON over HTTP on 127.0.0.1, for people and their scripts.
 *
 * GET /control describes it (OpenAPI 3). What changes the world or its pace needs the token; a request whose Host or
 * Origin is another's is refused, so that no page in a browser gets here. GET /metrics is for Prometheus, GET /events
 * server-sent events: every state change, dropped rather than queued for a slow reader. */
#ifndef SWARMBED_CONTROL_H
#define SWARMBED_CONTROL_H

#include "sim/disk_sqlite.h"
#include "sim/http/http_server.h"
#include "sim/journal.h"
#include "sim/pace.h"
#include "sim/testbed.h"

#define CONTROL_PORT        22079
#define CONTROL_TOKEN_CHARS 32

struct control_config {
    struct testbed *testbed;
    struct journal *journal; /* NULL: none */
    struct pace *pace;
    struct disk_sqlite *disk; /* NULL: all is in memory */
    uint16_t port;
    char token[CONTROL_TOKEN_CHARS + 1];
};

struct control;
struct control *control_new(const struct control_config *config); /* before the world's first run in real time */
void control_free(struct control *control);                       /* after its streams have ended */
/* Takes the exchange. Between windows. */
void control_on_request(struct control *control, struct http_exchange *exchange, const struct http_counts *counts);
/* Ends the streams: nothing new is told. */
void control_end_streams(struct control *control);

#endif
