#include "sim/http/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_DAYS 10000     /* as long as that of the original */
#define OUT_BYTES_MAX    (1 << 20) /* far more than a handshake or one tls_write leaves; key updates stop here */
#define SECONDS_PER_DAY  86400

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *transport;
    bool client;
};

struct tls {
    SSL *ssl;
    struct bytes in; /* borrowed: the rest of what was fed */
    struct buf out;
};

/* ---- the transport: a view to read from and a buffer to write to, without a copy of its own ---- */

static int transport_read(BIO *bio, char *out, size_t room, size_t *len)
{
    struct tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (tls->in.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *len = room < tls->in.len ? room : tls->in.len;
    memcpy(out, tls->in.data, *len);
    tls->in = bytes_slice(tls->in, *len, tls->in.len - *len);
    return 1;
}

static int transport_write(BIO *bio, const char *data, size_t len, size_t *written)
{
    struct tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_append(&tls->out, (struct bytes){(const uint8_t *)data, len});
    *written = len;
    return tls->out.err == OK;
}

static long transport_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing waits in here; all else is not for this transport */
}

static BIO_METHOD *transport_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "swarmbed");

    if (method == NULL)
        out_of_memory();
    BIO_meth_set_read_ex(method, transport_read);
    BIO_meth_set_write_ex(method, transport_write);
    BIO_meth_set_ctrl(method, transport_control);
    return method;
}

/* ---- the context ---- */

static X509 *certificate_new(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name;
    X509_EXTENSION *names;

    if (certificate == NULL)
        out_of_memory();
    name = X509_get_subject_name(certificate);
    names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    if (names != NULL && X509_set_version(certificate, X509_VERSION_3) &&
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -SECONDS_PER_DAY) != NULL &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_DAYS, 0, NULL) != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"swarmbed", -1, -1, 0) &&
        X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
        X509_add_ext(certificate, names, -1) && X509_sign(certificate, key, EVP_sha256()) != 0) {
        X509_EXTENSION_free(names);
        return certificate;
    }
    X509_EXTENSION_free(names);
    X509_free(certificate);
    return NULL;
}

static bool certify(SSL_CTX *ssl)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key == NULL ? NULL : certificate_new(key);
    bool done =
        certificate != NULL && SSL_CTX_use_certificate(ssl, certificate) == 1 && SSL_CTX_use_PrivateKey(ssl, key) == 1;

    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

static bool configure(SSL_CTX *ssl)
{
    /* Tickets only: a cache would hold memory for every client that ever came. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(ssl, (const unsigned char *)"swarmbed", 8) == 1 && certify(ssl);
}

static bool configure_client(SSL_CTX *ssl)
{
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL); /* PROTOCOL 3.1: nodes have no names that anybody could certify */
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1;
}

static struct tls_context *context_new(const SSL_METHOD *method, bool client, struct buf *why)
{
    struct tls_context *context;
    SSL_CTX *ssl = SSL_CTX_new(method);

    if (ssl == NULL || !(client ? configure_client(ssl) : configure(ssl))) {
        buf_printf(why, "TLS can't be set up: %s", ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        SSL_CTX_free(ssl);
        return NULL;
    }
    context = xcalloc(1, sizeof(*context));
    context->ssl = ssl;
    context->transport = transport_new();
    context->client = client;
    return context;
}

struct tls_context *tls_context_new(struct buf *why)
{
    return context_new(TLS_server_method(), false, why);
}

struct tls_context *tls_client_context_new(struct buf *why)
{
    return context_new(TLS_client_method(), true, why);
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->transport);
    free(context);
}

/* ---- a connection ---- */

struct tls *tls_new(struct tls_context *context)
{
    struct tls *tls = xcalloc(1, sizeof(*tls));
    BIO *transport = BIO_new(context->transport);

    tls->ssl = SSL_new(context->ssl);
    if (transport == NULL || tls->ssl == NULL)
        out_of_memory();
    buf_init(&tls->out, OUT_BYTES_MAX);
    BIO_set_data(transport, tls);
    BIO_set_init(transport, 1);
    SSL_set_bio(tls->ssl, transport, transport); /* owns it from here */
    if (context->client)
        SSL_set_connect_state(tls->ssl);
    else
        SSL_set_accept_state(tls->ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    buf_fini(&tls->out);
    free(tls);
}

void tls_feed(struct tls *tls, struct bytes ciphertext)
{
    ASSERT(tls->in.len == 0);
    tls->in = ciphertext;
}

enum err tls_read(struct tls *tls, uint8_t *out, size_t room, size_t *len)
{
    int error;

    *len = 0;
    ERR_clear_error(); /* the queue is the thread's: what is left of other calls would be taken for ours */
    if (SSL_read_ex(tls->ssl, out, room, len) == 1)
        return OK;
    error = SSL_get_error(tls->ssl, 0);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ && tls->out.err == OK)
        return OK;
    return error == SSL_ERROR_ZERO_RETURN ? ERR_CANCELLED : ERR_CRYPTO;
}

enum err tls_write(struct tls *tls, struct bytes plain)
{
    size_t written;

    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, plain.data, plain.len, &written) == 1)
        return OK;
    ERR_clear_error();
    return ERR_CRYPTO;
}

void tls_close(struct tls *tls)
{
    ERR_clear_error();
    if (SSL_is_init_finished(tls->ssl))
        (void)SSL_shutdown(tls->ssl); /* that the other side has not answered yet is no failure */
    ERR_clear_error();
}

struct buf *tls_out(struct tls *tls)
{
    return &tls->out;
}

bool tls_ready(const struct tls *tls)
{
    return SSL_is_init_finished(tls->ssl) == 1;
}

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}
