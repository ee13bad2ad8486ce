/* The first bytes of a connection that begins as TLS does, and what follows, from anybody.
 *
 * The first byte chooses: noise, which the server's side takes piece by piece; or a real client, whose ciphertext is
 * changed on its way at places that the story names, so that also what comes deep in a handshake or behind it is met
 * broken; or the same the other way round, for the caller's side. Whatever that makes of it, plain text goes on to the
 * reader of requests, or of answers. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "common/limits.h"
#include "sim/http/http_request.h"
#include "sim/http/http_response.h"
#include "sim/http/tls.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_reader.h"

#define PLAIN_BYTES 16384
#define ROUNDS_MAX  16 /* a handshake takes three */

struct side {
    struct tls *tls;
    struct http_budget budget;
    struct http_reader *reader;
    struct http_response_reader *answers; /* NULL: it is the server's side */
    uint8_t plain[PLAIN_BYTES];
    bool broken;
};

static void on_answer(struct side *side, struct bytes plain)
{
    while (plain.len > 0 && !side->broken) {
        enum http_answer_read read = http_response_reader_feed(side->answers, &plain);

        side->broken = read == HTTP_ANSWER_BROKEN;
        if (read == HTTP_ANSWER_DONE)
            http_response_reader_again(side->answers);
    }
}

static void on_request(struct side *side, struct bytes plain)
{
    while (plain.len > 0 && !side->broken) {
        enum http_read read = http_reader_feed(side->reader, &plain);

        side->broken = read == HTTP_READ_REFUSED;
        if (read != HTTP_READ_DONE)
            continue;
        http_reader_free(side->reader);
        side->reader = http_reader_new(&side->budget);
        side->broken = tls_write(side->tls, BYTES_LIT("HTTP/1.1 204 No Content\r\n\r\n")) != OK;
    }
}

static void take(struct side *side, struct bytes ciphertext)
{
    enum err err;
    size_t len;

    if (side->broken)
        return;
    tls_feed(side->tls, ciphertext);
    do {
        err = tls_read(side->tls, side->plain, PLAIN_BYTES, &len);
        ASSERT(len <= PLAIN_BYTES && (err == OK || len == 0));
        ASSERT(len == 0 || tls_ready(side->tls));
        if (side->answers != NULL)
            on_answer(side, (struct bytes){side->plain, len});
        else
            on_request(side, (struct bytes){side->plain, len});
    } while (err == OK && len > 0 && !side->broken);
    side->broken = side->broken || err != OK;
}

static void noise(struct side *side, struct bytes input)
{
    size_t step = 1 + take_u8(&input);

    while (input.len > 0 && !side->broken) {
        size_t len = step < input.len ? step : input.len;

        take(side, bytes_slice(input, 0, len));
        input = bytes_slice(input, len, input.len - len);
        buf_clear(tls_out(side->tls));
    }
}

/* What the client has to send, changed as the story wants; the rest of the story is what it says when it may. */
static void carry(struct side *side, SSL *client, struct bytes *story, struct arena *arena)
{
    BIO *to_client = SSL_get_rbio(client), *from_client = SSL_get_wbio(client);
    char *data;
    long len;

    if (SSL_do_handshake(client) == 1) {
        struct bytes words = take_bytes(story);

        if (words.len > 0)
            (void)SSL_write(client, words.data, (int)words.len);
    }
    len = BIO_get_mem_data(from_client, &data);
    if (len > 0)
        take(side, take_mutated(story, arena, (struct bytes){(const uint8_t *)data, (size_t)len}));
    (void)BIO_reset(from_client);
    if (tls_out(side->tls)->len > 0)
        BIO_write(to_client, tls_out(side->tls)->data, (int)tls_out(side->tls)->len);
    buf_clear(tls_out(side->tls));
}

static void with_client(struct side *side, struct bytes story, bool old, struct arena *arena)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client;

    ASSERT(context != NULL);
    if (old)
        (void)SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    client = SSL_new(context);
    ASSERT(client != NULL);
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    for (int round = 0; round < ROUNDS_MAX && !side->broken; round++)
        carry(side, client, &story, arena);
    ERR_clear_error();
    SSL_free(client);
    SSL_CTX_free(context);
}

/* What the server has to send, changed as the story wants, after what it hears. */
static void with_server(struct side *side, struct tls *server, struct bytes story, struct arena *arena)
{
    uint8_t plain[PLAIN_BYTES];
    bool asked = false;
    size_t len;

    for (int round = 0; round < ROUNDS_MAX && !side->broken; round++) {
        if (!asked && tls_ready(side->tls)) {
            asked = true;
            side->broken = tls_write(side->tls, BYTES_LIT("GET /get_stats/v1 HTTP/1.1\r\nHost: a\r\n\r\n")) != OK;
        }
        tls_feed(server, buf_bytes(tls_out(side->tls)));
        do {
            if (tls_read(server, plain, sizeof(plain), &len) != OK)
                return;
        } while (len > 0);
        buf_clear(tls_out(side->tls));
        if (tls_ready(server) && asked && tls_write(server, take_bytes(&story)) != OK)
            return;
        take(side, take_mutated(&story, arena, buf_bytes(tls_out(server))));
        buf_clear(tls_out(server));
    }
}

static void call(struct side *side, struct tls_context *server_context, struct bytes story, bool is_noise,
                 struct arena *arena)
{
    struct tls *server = tls_new(server_context);

    side->answers = http_response_reader_new();
    take(side, BYTES_NONE); /* begins the handshake */
    if (is_noise)
        noise(side, story);
    else
        with_server(side, server, story, arena);
    if (!side->broken)
        (void)!http_response_reader_end(side->answers);
    http_response_reader_free(side->answers);
    tls_free(server);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    /* For the whole process: a key for each input would cost more than most inputs do. */
    static struct tls_context *context, *client_context;
    uint8_t how = take_u8(&input);
    struct side *side = xcalloc(1, sizeof(*side));
    struct buf why;

    buf_init(&why, 256);
    if (context == NULL)
        context = tls_context_new(&why);
    if (client_context == NULL)
        client_context = tls_client_context_new(&why);
    ASSERT(context != NULL && client_context != NULL);
    buf_fini(&why);
    side->tls = tls_new((how & 4) != 0 ? client_context : context);
    side->budget.max_bytes = LIMIT_HTTP_BODIES_BYTES;
    side->reader = http_reader_new(&side->budget);
    if ((how & 4) != 0)
        call(side, context, input, how % 4 < 2, arena);
    else if (how % 4 < 2)
        noise(side, input);
    else
        with_client(side, input, how % 4 == 2, arena);
    tls_close(side->tls);
    http_reader_free(side->reader);
    ASSERT(side->budget.used_bytes == 0);
    tls_free(side->tls);
    free(side);
}
