/* http_gateway.h: an HTTP request at a node's or the seed's address -> a call at that seat -> the HTTP answer.
 *
 * Whose virtual address it is that a caller connected to is doors.h. What the network inside says (a node that is
 * down, a time-out) becomes 502 and 504; all else the node answers itself, word for word. Each call and each hang-up is
 * written to the journal. Source: PROTOCOL 3.1. */
#ifndef SWARMBED_HTTP_GATEWAY_H
#define SWARMBED_HTTP_GATEWAY_H

#include "sim/gateway/gateway.h"
#include "sim/http/http_server.h"
#include "sim/journal.h"

struct http_gateway {
    struct gateway *gateway;
    struct world *world;
    struct journal *journal; /* NULL: none */
};

/* Takes the exchange, for `to`, a virtual address: it is answered, now or later, or its caller hangs up. */
void http_gateway_on_request(struct http_gateway *self, struct http_exchange *exchange, struct address to);

#endif
