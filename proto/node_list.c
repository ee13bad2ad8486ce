#include "proto/node_list.h"

#include <inttypes.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/text.h"

static void write_text(struct buf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_text(out, bytes_text(text));
}

static void write_number(struct buf *out, const char *name, uint64_t value)
{
    json_write_name(out, name);
    json_write_u64(out, value);
}

static void write_key(struct buf *out, const char *name, const uint8_t key[32])
{
    char text[64 + 1];
    hex_encode(text, (struct bytes){key, 32});
    text[64] = '\0';
    write_text(out, name, text);
}

static void write_ip(struct buf *out, const char *name, uint32_t ip)
{
    char text[ADDRESS_TEXT_MAX];
    ip_text(ip, text);
    write_text(out, name, text);
}

static enum err decode_key(const struct json *value, const char *name, uint8_t key[32])
{
    struct bytes text;
    enum err err = json_get_string(value, name, &text);
    return err == OK ? hex_decode(key, 32, text) : err;
}

/* Text in swarm answers, a number in the seed's. */
static enum err decode_port(const struct json *value, uint16_t *port)
{
    uint64_t number;
    int64_t integer;
    enum err err;
    if (json_is_string(value)) {
        err = decimal_decode(&number, json_string(value));
    } else {
        err = json_integer(value, &integer);
        number = err == OK ? (uint64_t)integer : 0;
    }
    if (err != OK)
        return err;
    if (number < 1 || number > UINT16_MAX)
        return ERR_RANGE;
    *port = (uint16_t)number;
    return OK;
}

/* Not OK: not usable, to be skipped. Nodes that are listed before they announced an address have 0.0.0.0. */
static enum err decode_snode(const struct json *value, const char *ip_name, const char *port_name,
                             struct rpc_snode *out)
{
    const struct json *port = json_get(value, port_name);
    struct bytes ip;
    enum err err = json_get_string(value, ip_name, &ip);
    if (err == OK)
        err = ip_from_text(ip, &out->address.ip);
    if (err == OK && out->address.ip == 0)
        err = ERR_RANGE;
    if (err == OK)
        err = port == NULL ? ERR_MISSING : decode_port(port, &out->address.port);
    if (err == OK)
        err = decode_key(value, "pubkey_x25519", out->x25519.bytes);
    if (err == OK)
        err = decode_key(value, "pubkey_ed25519", out->ed25519.bytes);
    return err;
}

static void decode_snodes(const struct json *list, const char *ip_name, const char *port_name, struct rpc_snode out[],
                          size_t max, size_t *count)
{
    *count = 0;
    for (const struct json *value = json_first(list); value != NULL && *count < max; value = json_next(value)) {
        if (decode_snode(value, ip_name, port_name, &out[*count]) == OK)
            ++*count;
    }
}

/* --- one swarm --- */

/* The object stays open. */
static void open_swarm_node(struct buf *out, const struct snode_entry *node)
{
    char name[BASE32Z_LEN(sizeof(node->legacy)) + sizeof(".snode")];
    base32z_encode(name, BYTES_OF(node->legacy));
    memcpy(name + BASE32Z_LEN(sizeof(node->legacy)), ".snode", sizeof(".snode"));
    json_open(out, '{');
    write_text(out, "address", name);
    write_ip(out, "ip", node->address.ip);
    json_write_name(out, "port");
    buf_printf(out, "\"%u\"", node->address.port);
    write_key(out, "pubkey_x25519", node->x25519.bytes);
    write_key(out, "pubkey_ed25519", node->ed25519.bytes);
}

void rpc_snodes_encode(struct buf *out, const struct membership *membership, const struct swarm_entry *swarm)
{
    json_open(out, '{');
    json_write_name(out, "snodes");
    json_open(out, '[');
    for (uint32_t i = 0; swarm != NULL && i < swarm->count; i++) {
        open_swarm_node(out, swarm_member(membership, swarm, i));
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}

void rpc_swarm_open(struct buf *out, const struct membership *membership, const struct swarm_entry *swarm)
{
    json_open(out, '{');
    json_write_name(out, "snodes");
    json_open(out, '[');
    for (uint32_t i = 0; swarm != NULL && i < swarm->count; i++) {
        const struct snode_entry *node = swarm_member(membership, swarm, i);

        open_swarm_node(out, node);
        write_key(out, "pubkey_legacy", node->legacy);
        write_number(out, "port_https", node->address.port);
        write_number(out, "port_omq", node->address.port - 1u);
        write_number(out, "port_quic", node->address.port - 1u);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_write_name(out, "swarm");
    buf_printf(out, "\"%" PRIx64 "\"", swarm == NULL ? SWARM_NONE : swarm->id);
}

enum err rpc_snodes_decode(struct bytes body, struct rpc_snode out[], size_t max, size_t *count)
{
    const struct json *list;
    enum err err;
    struct json *document = json_parse(body, &err);
    *count = 0;
    if (document == NULL)
        return err;
    list = json_get(document, "snodes");
    err = json_is_array(list) ? OK : ERR_FORMAT;
    if (err == OK)
        decode_snodes(list, "ip", "port", out, max, count);
    json_free(document);
    return err;
}

/* --- the whole network, from the seed --- */

void rpc_node_list_request(struct buf *out)
{
    buf_text(out,
             "{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"get_n_service_nodes\",\"params\":{\"active_only\":true,"
             "\"fields\":{\"public_ip\":true,\"storage_port\":true,\"pubkey_x25519\":true,\"pubkey_ed25519\":true,"
             "\"requested_unlock_height\":true,\"height\":true}}}");
}

/* One field of a listed node, by name. */
struct list_field {
    const char *name;
    void (*write)(struct buf *out, const char *name, const struct snode_entry *node);
};

static void write_public_ip(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_ip(out, name, node->address.ip);
}

static void write_port(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_number(out, name, node->address.port);
}

/* Of the nodes' own bus, which nobody from outside can join: named because real lists do. */
static void write_bus_port(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_number(out, name, node->address.port - 1u);
}

static void write_x25519(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_key(out, name, node->x25519.bytes);
}

static void write_ed25519(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_key(out, name, node->ed25519.bytes);
}

static void write_legacy(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_key(out, name, node->legacy);
}

static void write_unlock_height(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_number(out, name, node->unlock_height);
}

static void write_swarm_text(struct buf *out, const char *name, const struct snode_entry *node)
{
    json_write_name(out, name);
    buf_printf(out, "\"%" PRIx64 "\"", node->swarm_id);
}

static void write_swarm_id(struct buf *out, const char *name, const struct snode_entry *node)
{
    write_number(out, name, node->swarm_id);
}

static void write_active(struct buf *out, const char *name, const struct snode_entry *node)
{
    json_write_name(out, name);
    json_write_bool(out, node->swarm_id != SWARM_NONE);
}

static void write_funded(struct buf *out, const char *name, const struct snode_entry *node)
{
    (void)node;
    json_write_name(out, name);
    json_write_bool(out, true);
}

static void write_version(struct buf *out, const char *name, const struct snode_entry *node)
{
    (void)node;
    json_write_name(out, name);
    json_write_raw(out, BYTES_LIT("[2,8,0]"));
}

static const struct list_field list_fields[] = {
    {"public_ip", write_public_ip},
    {"storage_port", write_port},
    {"storage_lmq_port", write_bus_port},
    {"pubkey_x25519", write_x25519},
    {"pubkey_ed25519", write_ed25519},
    {"service_node_pubkey", write_legacy},
    {"requested_unlock_height", write_unlock_height},
    {"swarm", write_swarm_text},
    {"swarm_id", write_swarm_id},
    {"active", write_active},
    {"funded", write_funded},
    {"storage_server_version", write_version},
};

static uint32_t field_bit(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(list_fields); i++)
        if (bytes_equal_text(name, list_fields[i].name))
            return UINT32_C(1) << i;
    return 0;
}

static uint32_t decode_fields(const struct json *fields)
{
    uint32_t bits = 0;

    if (!json_is_object(fields) && !json_is_array(fields))
        return RPC_FIELDS_ALL;
    for (const struct json *item = json_first(fields); item != NULL; item = json_next(item)) {
        if (json_is_array(fields))
            bits |= field_bit(json_string(item));
        else if (json_true(item))
            bits |= field_bit(bytes_text(json_name(item)));
    }
    return bits;
}

struct rpc_list_query rpc_list_query_decode(const struct json *params)
{
    struct rpc_list_query query = {.active_only = json_true(json_get(params, "active_only")),
                                   .fields = decode_fields(json_get(params, "fields"))};
    int64_t limit;

    if (json_get_integer(params, "limit", &limit) == OK && limit > 0 && limit < UINT32_MAX)
        query.limit = (uint32_t)limit;
    return query;
}

static void write_listed_node(struct buf *out, const struct snode_entry *node, uint32_t fields)
{
    json_open(out, '{');
    for (size_t i = 0; i < ARRAY_LEN(list_fields); i++)
        if (fields & UINT32_C(1) << i)
            list_fields[i].write(out, list_fields[i].name, node);
    json_close(out, '}');
}

void rpc_list_result_encode(struct buf *out, const struct membership *membership, const struct rpc_list_query *query)
{
    uint32_t left = query->limit == 0 ? UINT32_MAX : query->limit;

    json_open(out, '{');
    write_number(out, "height", membership->height);
    write_number(out, "target_height", membership->height);
    write_number(out, "hardfork", 19);
    write_number(out, "snode_revision", 3);
    write_text(out, "status", "OK");
    json_write_name(out, "service_node_states");
    json_open(out, '[');
    for (uint32_t i = 0; i < membership->node_count && left > 0; i++) {
        if (query->active_only && membership->nodes[i].swarm_id == SWARM_NONE)
            continue;
        write_listed_node(out, &membership->nodes[i], query->fields);
        left--;
    }
    json_close(out, ']');
    json_close(out, '}');
}

void rpc_list_answer_encode(struct buf *out, const struct membership *membership, const struct rpc_list_query *query,
                            struct bytes id)
{
    json_open(out, '{');
    write_text(out, "jsonrpc", "2.0");
    json_write_name(out, "id");
    json_write_raw(out, id);
    json_write_name(out, "result");
    rpc_list_result_encode(out, membership, query);
    json_close(out, '}');
}

void rpc_node_list_encode(struct buf *out, const struct membership *membership)
{
    struct rpc_list_query query = {.active_only = true, .fields = RPC_FIELDS_ALL};

    rpc_list_answer_encode(out, membership, &query, BYTES_LIT("0"));
}

enum err rpc_node_list_decode(struct bytes body, struct rpc_snode **nodes, size_t *count, uint64_t *height)
{
    const struct json *result, *list;
    int64_t number;
    size_t max;
    enum err err;
    struct json *document = json_parse(body, &err);
    *nodes = NULL;
    *count = 0;
    if (document == NULL)
        return err;
    result = json_get(document, "result");
    list = json_get(result, "service_node_states");
    err = json_get_integer(result, "height", &number);
    if (err != OK || number < 0 || !json_is_array(list)) {
        json_free(document);
        return ERR_FORMAT;
    }
    *height = (uint64_t)number;
    max = json_count(list) < LIMIT_NODE_LIST ? json_count(list) : LIMIT_NODE_LIST;
    *nodes = xcalloc(max + 1, sizeof(**nodes));
    decode_snodes(list, "public_ip", "storage_port", *nodes, max, count);
    json_free(document);
    return OK;
}
