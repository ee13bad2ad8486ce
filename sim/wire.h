/* wire.h: how many bytes a message is on the wire.
 *
 * As HTTP/1.1 writes it: request or status line, Host, Content-Type and Content-Length, the extra headers, the blank
 * line, the body. Bandwidth and metrics count these bytes; TCP and TLS around them are not counted. */
#ifndef SWARMBED_WIRE_H
#define SWARMBED_WIRE_H

#include "common/env.h"

/* What the network says by itself (a reset, a notice): about one segment without content. */
#define WIRE_NOTICE_BYTES 40

uint64_t wire_request_bytes(const struct message *message, struct address to);
uint64_t wire_answer_bytes(const struct message *message);

#endif
