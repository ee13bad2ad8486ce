#include "sim/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "sim/change.h"
#include "sim/stopwatch.h"
#include "sim/trace_file.h"

#define ANSWER_BYTES_MAX (1u << 20)
#define STEP_MS_MAX      86400000
#define STREAMS_MAX      64
#define CLIENTS_TOLD     2000 /* by GET /control/clients: the first of them */

struct stream {
    struct control *control;
    struct http_exchange *exchange; /* NULL: free */
};

struct control {
    struct control_config config;
    struct world *world;
    struct stream streams[STREAMS_MAX];
    struct buf record, event; /* scratch: the same record as JSON, and as it is sent */
    bool ending;
};

/* ---- events ---- */

/* How calls travel is no change of state, and most of a trace. */
#define TRAVEL                                                                                                         \
    (TRACE_BIT(TRACE_CALL) | TRACE_BIT(TRACE_CALL_PART) | TRACE_BIT(TRACE_CALL_END) | TRACE_BIT(TRACE_REQUEST) |       \
     TRACE_BIT(TRACE_ANSWER))

static bool somebody_listens(const struct control *control)
{
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (control->streams[i].exchange != NULL)
            return true;
    return false;
}

static void on_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct control *control = owner;
    struct buf *event = &control->event;
    char name[ADDRESS_TEXT_MAX];

    if (!somebody_listens(control))
        return;
    address_text(world_address(control->world, seat), name);
    buf_clear(&control->record);
    trace_record_json(&control->record, at_us, name, index, record);
    if (control->record.err != OK)
        return; /* larger than any record that people read */
    buf_clear(event);
    buf_printf(event, "data: %.*s\n\n", (int)control->record.len, (const char *)control->record.data);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (control->streams[i].exchange != NULL &&
            http_stream_write(control->streams[i].exchange, buf_bytes(event)) != OK)
            continue; /* expected: a slow reader misses what happens meanwhile */
}

static void on_stream_gone(struct http_exchange *exchange)
{
    struct stream *stream = exchange->owner;

    stream->exchange = NULL;
}

static void get_events(struct control *control, struct http_exchange *exchange)
{
    for (size_t i = 0; i < STREAMS_MAX && !control->ending; i++) {
        struct stream *stream = &control->streams[i];

        if (stream->exchange != NULL)
            continue;
        *stream = (struct stream){control, exchange};
        exchange->owner = stream;
        exchange->on_gone = on_stream_gone;
        http_stream_start(exchange, 200, "text/event-stream", NULL, 0);
        return;
    }
    http_answer_text(exchange, 503, "too many streams");
}

void control_end_streams(struct control *control)
{
    control->ending = true;
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        struct http_exchange *exchange = control->streams[i].exchange;

        control->streams[i].exchange = NULL;
        if (exchange != NULL)
            http_stream_end(exchange);
    }
}

/* ---- reading ---- */

static void answer_buf(struct http_exchange *exchange, uint16_t status, const char *type, struct buf *buf)
{
    struct blob *body = buf->err == OK ? blob_from_buf(buf) : NULL;

    if (body == NULL)
        http_answer_text(exchange, 500, "the answer is too large");
    else
        http_answer(exchange, status, type, NULL, 0, body);
    blob_drop(body);
}

static void write_number(struct buf *out, const char *name, int64_t number)
{
    json_write_name(out, name);
    json_write_i64(out, number);
}

static void get_state(struct control *control, struct http_exchange *exchange)
{
    const struct pace *pace = control->config.pace;
    struct buf out;

    buf_init(&out, ANSWER_BYTES_MAX);
    json_open(&out, '{');
    write_number(&out, "virtual_us", world_now_us(control->world));
    write_number(&out, "unix_ms", world_now_ms(control->world));
    write_number(&out, "speed_milli", pace->speed_milli);
    json_write_name(&out, "paused");
    json_write_bool(&out, pace->paused);
    write_number(&out, "height", (int64_t)chain_height(testbed_chain(control->config.testbed)));
    write_number(&out, "clients", testbed_client_count(control->config.testbed));
    json_write_name(&out, "nodes");
    json_open(&out, '[');
    for (uint32_t i = 0; i < testbed_node_count(control->config.testbed); i++) {
        char address[ADDRESS_TEXT_MAX];

        address_text(world_address(control->world, testbed_node_seat(control->config.testbed, i)), address);
        json_open(&out, '{');
        json_write_name(&out, "address");
        json_write_text(&out, bytes_text(address));
        json_write_name(&out, "alive");
        json_write_bool(&out, testbed_node(control->config.testbed, i) != NULL);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    answer_buf(exchange, 200, "application/json", &out);
    buf_fini(&out);
}

static void write_client(struct control *control, struct buf *out, uint32_t number)
{
    struct client *client = testbed_client(control->config.testbed, number);
    char id[ACCOUNT_HEX_LEN];
    uint32_t shown = 0;

    account_to_hex(testbed_client_account(control->config.testbed, number), id);
    for (const struct received *at = client == NULL ? NULL : client_inbox(client); at != NULL; at = at->next)
        shown++;
    json_open(out, '{');
    json_write_name(out, "name");
    json_write_text(out, bytes_text(testbed_client_name(control->config.testbed, number)));
    json_write_name(out, "id");
    json_write_text(out, BYTES_OF(id));
    json_write_name(out, "alive");
    json_write_bool(out, client != NULL);
    write_number(out, "received", shown);
    json_close(out, '}');
}

static void get_clients(struct control *control, struct http_exchange *exchange)
{
    uint32_t count = testbed_client_count(control->config.testbed);
    struct buf out;

    buf_init(&out, ANSWER_BYTES_MAX);
    json_open(&out, '[');
    for (uint32_t i = 0; i < count && i < CLIENTS_TOLD; i++)
        write_client(control, &out, i);
    json_close(&out, ']');
    answer_buf(exchange, 200, "application/json", &out);
    buf_fini(&out);
}

static void metric(struct buf *out, const char *name, const char *type, uint64_t value)
{
    buf_printf(out, "# TYPE swarmbed_%s %s\nswarmbed_%s %" PRIu64 "\n", name, type, name, value);
}

static void disk_metrics(struct disk_sqlite *disk, struct buf *out)
{
    struct disk_counts counts;

    if (disk == NULL)
        return;
    disk_sqlite_counts(disk, &counts);
    metric(out, "disk_commits_total", "counter", counts.commits);
    metric(out, "disk_records_total", "counter", counts.records);
    metric(out, "disk_failed", "gauge", disk_sqlite_failed(disk, NULL));
}

static void get_metrics(struct control *control, struct http_exchange *exchange, const struct http_counts *http)
{
    struct world_stats stats;
    struct metrics metrics;
    struct buf out;

    world_stats(control->world, &stats);
    metrics_init(&metrics);
    world_metrics(control->world, &metrics);
    buf_init(&out, ANSWER_BYTES_MAX);
    metric(&out, "virtual_microseconds", "counter", (uint64_t)world_now_us(control->world));
    metric(&out, "events_total", "counter", stats.events);
    metric(&out, "calls_total", "counter", stats.calls);
    metric(&out, "calls_lost_total", "counter", stats.calls_lost);
    metric(&out, "overloads_total", "counter", stats.overloads);
    metric(&out, "machines", "gauge", stats.machines);
    metric(&out, "http_connections", "gauge", http->connections);
    metric(&out, "http_exchanges", "gauge", http->exchanges);
    metric(&out, "http_bodies_bytes", "gauge", http->bodies_bytes);
    metric(&out, "http_requests_total", "counter", http->requests);
    metric(&out, "http_refused_total", "counter", http->refused);
    metric(&out, "http_gone_total", "counter", http->gone);
    disk_metrics(control->config.disk, &out);
    buf_text(&out, "# TYPE swarmbed_trace_total counter\n");
    for (size_t i = 0; i < TRACE_KIND_COUNT; i++)
        buf_printf(&out, "swarmbed_trace_total{kind=\"%s\"} %" PRIu64 "\n", trace_kinds[i].name, metrics.count[i]);
    answer_buf(exchange, 200, "text/plain; version=0.0.4", &out);
    buf_fini(&out);
}

/* ---- changing ---- */

static void refuse(struct http_exchange *exchange, const char *member, enum err err)
{
    struct buf text;

    buf_init(&text, 1024);
    buf_printf(&text, "%s: %s", member, err_text(err));
    buf_byte(&text, '\0');
    http_answer_text(exchange, 400, (const char *)text.data);
    buf_fini(&text);
}

/* A restart builds the network as the scenario does: swarms would serve other accounts than those they hold. */
static bool changes_membership(enum change_kind kind)
{
    return kind == CHANGE_REGISTER || kind == CHANGE_ARRIVAL || kind == CHANGE_EXIT || kind == CHANGE_DECOMMISSION ||
           kind == CHANGE_RECOMMISSION;
}

static void post_change(struct control *control, struct http_exchange *exchange, const struct json *params)
{
    struct change change;
    const char *why;
    enum err err = change_decode(params, &change, &why);

    if (err == OK && control->config.disk != NULL && changes_membership(change.kind)) {
        http_answer_text(exchange, 409,
                         "with --data the membership is the scenario's: a restart would not know the change");
        return;
    }
    if (err == OK)
        err = change_check(&change, control->config.testbed, &why);
    if (err == OK) {
        journal_change(control->config.journal, world_now_us(control->world), &change);
        why = change_infos[change.kind].name; /* what a client refuses it was told all the same */
        err = change_apply(&change, control->config.testbed);
    }
    if (err == OK)
        get_state(control, exchange);
    else
        refuse(exchange, why, err);
}

static void post_pause(struct control *control, struct http_exchange *exchange, const struct json *params)
{
    (void)params;
    if (!control->config.pace->paused)
        pace_pause(control->config.pace, stopwatch_ns());
    get_state(control, exchange);
}

static void post_resume(struct control *control, struct http_exchange *exchange, const struct json *params)
{
    (void)params;
    pace_resume(control->config.pace, stopwatch_ns());
    get_state(control, exchange);
}

static void post_step(struct control *control, struct http_exchange *exchange, const struct json *params)
{
    int64_t ms;

    if (json_get_integer(params, "ms", &ms) != OK || ms < 1 || ms > STEP_MS_MAX) {
        refuse(exchange, "ms", ERR_RANGE);
        return;
    }
    if (!control->config.pace->paused)
        pace_pause(control->config.pace, stopwatch_ns());
    pace_step(control->config.pace, ms * 1000);
    get_state(control, exchange);
}

static void post_speed(struct control *control, struct http_exchange *exchange, const struct json *params)
{
    int64_t speed;

    if (json_get_integer(params, "speed_milli", &speed) != OK || speed < 1 || speed > PACE_SPEED_MILLI_MAX) {
        refuse(exchange, "speed_milli", ERR_RANGE);
        return;
    }
    pace_set_speed(control->config.pace, stopwatch_ns(), (uint32_t)speed);
    get_state(control, exchange);
}

static const struct post_route {
    const char *path;
    void (*run)(struct control *control, struct http_exchange *exchange, const struct json *params);
    const char *about;
    const char *member; /* a whole number that the body needs; NULL: none */
} post_routes[] = {
    {"/control/pause", post_pause, "virtual time stands still", NULL},
    {"/control/resume", post_resume, "virtual time goes on", NULL},
    {"/control/step", post_step, "pauses, and lets so many virtual milliseconds pass", "ms"},
    {"/control/speed", post_speed, "virtual milliseconds per second", "speed_milli"},
    {"/control/change", post_change, "changes the world, now", NULL},
};

/* ---- the description ---- */

static const struct {
    const char *path, *about, *type;
} get_routes[] = {
    {"/control", "this description", "application/json"},
    {"/control/state", "time, pace and nodes", "application/json"},
    {"/control/clients", "the scenario's users, the first 2,000, by number", "application/json"},
    {"/metrics", "counters, for Prometheus", "text/plain"},
    {"/events", "every state change, as server-sent events", "text/event-stream"},
};

static void write_text(struct buf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_text(out, bytes_text(text));
}

static void open_member(struct buf *out, const char *name, char bracket)
{
    json_write_name(out, name);
    json_open(out, bracket);
}

static void write_answer(struct buf *out, const char *type)
{
    open_member(out, "responses", '{');
    open_member(out, "200", '{');
    write_text(out, "description", "done");
    open_member(out, "content", '{');
    open_member(out, type, '{');
    for (size_t i = 0; i < 4; i++)
        json_close(out, '}');
}

static void write_integer_property(struct buf *out, const char *name)
{
    open_member(out, name, '{');
    write_text(out, "type", "integer");
    json_close(out, '}');
}

static void write_change_properties(struct buf *out)
{
    open_member(out, "change", '{');
    write_text(out, "type", "string");
    open_member(out, "enum", '[');
    for (size_t i = 0; i < CHANGE_COUNT; i++)
        json_write_text(out, bytes_text(change_infos[i].name));
    json_close(out, ']');
    json_write_name(out, "description");
    buf_byte(out, '"');
    for (size_t i = 0; i < CHANGE_COUNT; i++)
        buf_printf(out, "%s%s: %s", i == 0 ? "" : "; ", change_infos[i].name, change_infos[i].about);
    buf_byte(out, '"');
    json_close(out, '}');
    write_integer_property(out, "node");
    write_integer_property(out, "client");
    write_integer_property(out, "value");
    write_integer_property(out, "to");
    write_integer_property(out, "identity");
    write_integer_property(out, "host");
    open_member(out, "text", '{');
    write_text(out, "type", "string");
    json_close(out, '}');
}

static void write_post(struct buf *out, const struct post_route *route)
{
    open_member(out, route->path, '{');
    open_member(out, "post", '{');
    write_text(out, "summary", route->about);
    json_write_name(out, "security");
    json_write_raw(out, BYTES_LIT("[{\"token\":[]}]"));
    open_member(out, "requestBody", '{');
    open_member(out, "content", '{');
    open_member(out, "application/json", '{');
    open_member(out, "schema", '{');
    write_text(out, "type", "object");
    open_member(out, "properties", '{');
    if (route->member != NULL)
        write_integer_property(out, route->member);
    if (route->run == post_change)
        write_change_properties(out);
    for (size_t i = 0; i < 5; i++)
        json_close(out, '}');
    write_answer(out, "application/json");
    json_close(out, '}');
    json_close(out, '}');
}

static void get_description(struct http_exchange *exchange)
{
    struct buf out;

    buf_init(&out, ANSWER_BYTES_MAX);
    json_open(&out, '{');
    write_text(&out, "openapi", "3.0.3");
    open_member(&out, "info", '{');
    write_text(&out, "title", "swarmbed control");
    write_text(&out, "version", SWARMBED_VERSION);
    json_close(&out, '}');
    json_write_name(&out, "components");
    json_write_raw(&out, BYTES_LIT("{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}"));
    open_member(&out, "paths", '{');
    for (size_t i = 0; i < ARRAY_LEN(get_routes); i++) {
        open_member(&out, get_routes[i].path, '{');
        open_member(&out, "get", '{');
        write_text(&out, "summary", get_routes[i].about);
        write_answer(&out, get_routes[i].type);
        json_close(&out, '}');
        json_close(&out, '}');
    }
    for (size_t i = 0; i < ARRAY_LEN(post_routes); i++)
        write_post(&out, &post_routes[i]);
    json_close(&out, '}');
    json_close(&out, '}');
    answer_buf(exchange, 200, "application/json", &out);
    buf_fini(&out);
}

/* ---- who may ---- */

/* A name that leads here from elsewhere (DNS rebinding) stands in Host; a page elsewhere, in Origin. */
static bool is_ours(const struct control *control, struct bytes authority)
{
    char numeric[32], name[32];

    snprintf(numeric, sizeof(numeric), "127.0.0.1:%u", control->config.port);
    snprintf(name, sizeof(name), "localhost:%u", control->config.port);
    return bytes_equal_text(authority, numeric) || bytes_equal_text(authority, name);
}

static bool is_foreign(const struct control *control, const struct http_request *request)
{
    const struct header *host = http_header(request, "host"), *origin = http_header(request, "origin");
    const struct bytes schemes[] = {BYTES_LIT("http://"), BYTES_LIT("https://")};

    if (host == NULL || !is_ours(control, host->value))
        return true;
    if (origin == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (bytes_start_with(origin->value, schemes[i]) &&
            is_ours(control, bytes_slice(origin->value, schemes[i].len, origin->value.len - schemes[i].len)))
            return false;
    return true;
}

/* Compared in constant time: the token is a secret. */
static bool has_token(const struct control *control, const struct http_request *request)
{
    const struct bytes scheme = BYTES_LIT("Bearer ");
    const struct header *header = http_header(request, "authorization");
    unsigned differs = 0;

    if (header == NULL || header->value.len != scheme.len + CONTROL_TOKEN_CHARS ||
        !bytes_start_with(header->value, scheme))
        return false;
    for (size_t i = 0; i < CONTROL_TOKEN_CHARS; i++)
        differs |= header->value.data[scheme.len + i] ^ (uint8_t)control->config.token[i];
    return differs == 0;
}

static void on_post(struct control *control, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->in;
    struct json *document = NULL;
    enum err err = OK;

    if (!has_token(control, request)) {
        http_answer_text(exchange, 401, "the token that was printed at start is wanted: Authorization: Bearer TOKEN");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(post_routes); i++) {
        if (!bytes_equal_text(request->path, post_routes[i].path))
            continue;
        if (blob_bytes(request->body).len > 0)
            document = json_parse(blob_bytes(request->body), &err);
        if (err != OK)
            refuse(exchange, "body", err);
        else
            post_routes[i].run(control, exchange, document);
        json_free(document);
        return;
    }
    http_answer_text(exchange, 404, "GET /control tells what there is");
}

void control_on_request(struct control *control, struct http_exchange *exchange, const struct http_counts *counts)
{
    const struct http_request *request = &exchange->in;

    if (is_foreign(control, request))
        http_answer_text(exchange, 403, "foreign Host or Origin");
    else if (bytes_equal_text(request->verb, "POST"))
        on_post(control, exchange);
    else if (!bytes_equal_text(request->verb, "GET"))
        http_answer_text(exchange, 405, "GET or POST");
    else if (bytes_equal_text(request->path, "/control"))
        get_description(exchange);
    else if (bytes_equal_text(request->path, "/control/state"))
        get_state(control, exchange);
    else if (bytes_equal_text(request->path, "/control/clients"))
        get_clients(control, exchange);
    else if (bytes_equal_text(request->path, "/metrics"))
        get_metrics(control, exchange, counts);
    else if (bytes_equal_text(request->path, "/events"))
        get_events(control, exchange);
    else
        http_answer_text(exchange, 404, "GET /control tells what there is");
}

struct control *control_new(const struct control_config *config)
{
    struct control *control = xcalloc(1, sizeof(*control));
    struct trace_sink sink = {.owner = control, .kinds = ~TRAVEL, .record = on_record};

    control->config = *config;
    control->world = testbed_world(config->testbed);
    buf_init(&control->record, ANSWER_BYTES_MAX);
    buf_init(&control->event, 2 * ANSWER_BYTES_MAX);
    world_add_sink(control->world, &sink);
    return control;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    buf_fini(&control->record);
    buf_fini(&control->event);
    free(control);
}
