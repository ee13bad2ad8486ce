#include "common/blob.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Fixed, so that a digest means the same in every world and every run. */
static const uint8_t digest_key[crypto_shorthash_KEYBYTES] = "swarmbed blob 1";

struct blob *blob_new(size_t len)
{
    struct blob *blob;
    ASSERT(len <= UINT32_MAX);
    blob = xmalloc(sizeof(*blob) + len);
    blob->keepers = 1;
    blob->len = (uint32_t)len;
    blob->digest = 0;
    return blob;
}

struct blob *blob_copy(struct bytes bytes)
{
    struct blob *blob = blob_new(bytes.len);
    if (bytes.len > 0)
        memcpy(blob->data, bytes.data, bytes.len);
    return blob;
}

struct blob *blob_from_buf(struct buf *buf)
{
    return blob_copy(buf_bytes(buf));
}

struct blob *blob_keep(struct blob *blob)
{
    if (blob != NULL) {
        ASSERT(blob->keepers > 0 && blob->keepers < UINT32_MAX);
        blob->keepers++;
    }
    return blob;
}

void blob_drop(struct blob *blob)
{
    if (blob == NULL)
        return;
    ASSERT(blob->keepers > 0);
    if (--blob->keepers == 0)
        free(blob);
}

struct bytes blob_bytes(const struct blob *blob)
{
    return blob == NULL ? BYTES_NONE : (struct bytes){blob->data, blob->len};
}

uint64_t blob_digest(struct blob *blob)
{
    uint8_t hash[crypto_shorthash_BYTES];
    if (blob->digest == 0) {
        crypto_shorthash(hash, blob->data, blob->len, digest_key);
        blob->digest = load_le64(hash);
        if (blob->digest == 0) /* 0 stands for "not yet" */
            blob->digest = 1;
    }
    return blob->digest;
}
