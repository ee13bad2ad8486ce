/* tls.h: one side of TLS 1.2 and 1.3 over bytes in memory; the door to OpenSSL's protocol.
 *
 * No socket here: ciphertext goes in as it came from one, and what has to go out waits in `tls_out`. The certificate is
 * made at start, self-signed: clients of nodes check none (PROTOCOL 3.1). Sessions resume by tickets, which cost this
 * side no memory. An idle connection holds no buffers. */
#ifndef SWARMBED_TLS_H
#define SWARMBED_TLS_H

#include "common/bytes.h"

#define TLS_FIRST_BYTE 0x16 /* of a handshake record, and of no HTTP request */

struct tls_context;                                   /* certificate and ticket keys: one per server */
struct tls_context *tls_context_new(struct buf *why); /* NULL: why is appended */
/* For callers: any certificate will do. Their tls_new waits for nothing: the first tls_read, without anything fed,
 * begins the handshake; tls_write once tls_ready. */
struct tls_context *tls_client_context_new(struct buf *why);
void tls_context_free(struct tls_context *context);   /* after its connections; NULL is fine */

struct tls;
struct tls *tls_new(struct tls_context *context);
void tls_free(struct tls *tls); /* NULL is fine */

/* Ciphertext for the following tls_read calls, which take all of it: borrowed until the last of them. */
void tls_feed(struct tls *tls, struct bytes ciphertext);
/* Up to `room` bytes of plain text; *len 0: it needs more ciphertext. The handshake happens in here.
 * ERR_CANCELLED: the other side is done sending; ERR_CRYPTO: the connection is broken. */
MUST_CHECK enum err tls_read(struct tls *tls, uint8_t *out, size_t room, size_t *len);
/* Encrypts all of `plain` (at most 16 KiB at a time keeps tls_out small). Only once a request was read, so after the
 * handshake. */
MUST_CHECK enum err tls_write(struct tls *tls, struct bytes plain);
void tls_close(struct tls *tls); /* tells the other side that nothing follows */
/* What is to be sent; the caller takes it (by swapping) and sends it in order. */
struct buf *tls_out(struct tls *tls);
bool tls_ready(const struct tls *tls); /* the handshake is over */
bool tls_resumed(const struct tls *tls);

#endif
