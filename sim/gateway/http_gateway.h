/* http_gateway.h: an HTTP request at a node's or the seed's address -> a call at that seat -> the HTTP answer.
 *
 * Whose virtual address it is that a caller connected to is doors.h. What the network inside says (a node that is
 * down, a time-out) becomes 502 and 504; all else the node answers itself, word for word. Each call and each hang-up is
 * written to the journal. An answer in parts becomes a stream; who reads it too slowly is hung up on, since what he
 * would miss he would never learn of. Source: PROTOCOL 3.1, 10.14. */
#ifndef SWARMBED_HTTP_GATEWAY_H
#define SWARMBED_HTTP_GATEWAY_H

#include "common/list.h"
#include "sim/gateway/gateway.h"
#include "sim/http/http_server.h"
#include "sim/journal.h"

struct http_gateway {
    struct gateway *gateway;
    struct world *world;
    struct journal *journal; /* NULL: none */
    struct list streams;     /* private: of struct passage */
    bool ending;             /* private */
};

/* Fill in the rest before. */
void http_gateway_init(struct http_gateway *self);
/* Ends all answers in parts, and those that begin from here on: they would never end by themselves. */
void http_gateway_end_streams(struct http_gateway *self);

/* Takes the exchange, for `to`, a virtual address: it is answered, now or later, or its caller hangs up. */
void http_gateway_on_request(struct http_gateway *self, struct http_exchange *exchange, struct address to);

#endif
