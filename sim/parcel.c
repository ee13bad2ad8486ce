#include "sim/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "sim/wire.h"

/* Free parcels that a shard keeps; more go back to malloc, so that a flow in one direction does not pile them up. */
#define PARCELS_KEPT 4096

void parcel_cache_init(struct parcel_cache *cache)
{
    *cache = (struct parcel_cache){NULL, 0};
}

void parcel_cache_fini(struct parcel_cache *cache)
{
    while (cache->free != NULL) {
        struct parcel *parcel = cache->free;

        cache->free = parcel->next;
        free(parcel);
    }
}

struct parcel *parcel_take(struct parcel_cache *cache)
{
    struct parcel *parcel = cache->free;

    if (parcel == NULL) {
        parcel = xmalloc(sizeof(*parcel));
    } else {
        cache->free = parcel->next;
        cache->count--;
    }
    memset(parcel, 0, offsetof(struct parcel, text));
    return parcel;
}

void parcel_give(struct parcel_cache *cache, struct parcel *parcel)
{
    blob_drop(parcel->incoming.in.body);
    free(parcel->extension);
    if (cache->count == PARCELS_KEPT) {
        free(parcel);
        return;
    }
    parcel->next = cache->free;
    cache->free = parcel;
    cache->count++;
}

static uint8_t *text_put(uint8_t *at, struct bytes *bytes)
{
    if (bytes->len > 0)
        memcpy(at, bytes->data, bytes->len);
    bytes->data = at;
    return at + bytes->len;
}

/* A message without headers and with an ordinary path fits `text`; any other gets one block: headers, then texts. */
void parcel_fill(struct parcel *parcel, const struct message *message)
{
    struct message copy = *message;
    void *extension = NULL;

    blob_keep(copy.body);
    if (copy.header_count == 0 && copy.path.len <= PARCEL_TEXT_BYTES) {
        if (copy.path.len > 0)
            memmove(parcel->text, copy.path.data, copy.path.len);
        copy.path.data = parcel->text;
        copy.headers = NULL;
    } else {
        size_t text_bytes = copy.path.len;
        struct header *headers;
        uint8_t *text;

        for (size_t i = 0; i < copy.header_count; i++)
            text_bytes += copy.headers[i].name.len + copy.headers[i].value.len;
        extension = headers = xmalloc(copy.header_count * sizeof(*headers) + text_bytes);
        text = text_put((uint8_t *)(headers + copy.header_count), &copy.path);
        for (size_t i = 0; i < copy.header_count; i++) {
            headers[i] = copy.headers[i];
            text = text_put(text, &headers[i].name);
            text = text_put(text, &headers[i].value);
        }
        copy.headers = headers;
    }
    blob_drop(parcel->incoming.in.body);
    free(parcel->extension);
    parcel->extension = extension;
    parcel->incoming.in = copy;
}

void parcel_fill_plain(struct parcel *parcel, enum net net, uint16_t status)
{
    parcel->net = net;
    parcel_fill(parcel, &(struct message){.status = status});
    parcel->wire_bytes = net == NET_OK ? wire_answer_bytes(&parcel->incoming.in) : WIRE_NOTICE_BYTES;
}

void parcel_own_body(struct parcel *parcel)
{
    struct blob *body = parcel->incoming.in.body;
    struct blob *copy;

    if (body == NULL || body->keepers == 1)
        return;
    copy = blob_copy(blob_bytes(body));
    copy->digest = body->digest;
    blob_drop(body);
    parcel->incoming.in.body = copy;
}
