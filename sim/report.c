#include "sim/report.h"

#include <inttypes.h>
#include <string.h>

#include "client/onion_request.h"
#include "common/json.h"
#include "common/text.h"
#include "sim/learned.h"

#define REPORT_BYTES_MAX  65536
#define LEARNED_BYTES_MAX (UINT64_C(1) << 30) /* more of it than a run can hold sightings */

const char *grouped(char out[32], uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, number), at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

void report_speed(char *out, size_t size, int64_t virtual_ms, int64_t wall_ms)
{
    char number[32];

    if (wall_ms <= 0)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%s x", grouped(number, (uint64_t)(virtual_ms / wall_ms)));
}

static void row(FILE *out, const char *name, uint64_t value)
{
    char number[32];

    fprintf(out, "  %-38s %15s\n", name, grouped(number, value));
}

static void duration_row(FILE *out, struct arena *arena, const char *name, int64_t us)
{
    fprintf(out, "  %-38s %15s\n", name, us < 0 ? "-" : duration_text(arena, us));
}

static void messages_part(const struct report *report, FILE *out, struct arena *arena)
{
    const struct checker_totals *totals = &report->totals;

    fprintf(out, "messages\n");
    row(out, "sent", totals->sent);
    row(out, "delivered", totals->delivered);
    row(out, "lost", totals->lost);
    for (size_t i = 0; i < LOSS_COUNT; i++) {
        char name[64];

        snprintf(name, sizeof(name), "  %s", loss_text((enum loss)i));
        if (totals->losses[i] > 0)
            row(out, name, totals->losses[i]);
    }
    row(out, "duplicates shown", totals->duplicates);
    if (report->metrics.acknowledged + report->metrics.acknowledged_late + report->metrics.fell_back > 0) {
        row(out, "acknowledged in time", report->metrics.acknowledged);
        row(out, "acknowledged late", report->metrics.acknowledged_late);
        row(out, "fell back to asynchronous", report->metrics.fell_back);
    }
    duration_row(out, arena, "delivery delay, p50", totals->delay_us_p50);
    duration_row(out, arena, "delivery delay, p99", totals->delay_us_p99);
    duration_row(out, arena, "delivery delay, max", totals->delay_us_max);
}

static void network_part(const struct report *report, FILE *out)
{
    const struct metrics *metrics = &report->metrics;

    fprintf(out, "network\n");
    row(out, "onion requests", metrics->count[TRACE_ONION_DONE]);
    for (size_t i = 1; i < METRICS_FAILURES; i++) {
        char name[64];

        if (metrics->onion_failures[i] == 0)
            continue;
        snprintf(name, sizeof(name), "  failed: %s", onion_failure_text((enum onion_failure)i));
        row(out, name, metrics->onion_failures[i]);
    }
    for (size_t i = 0; i < TRAFFIC_COUNT; i++) {
        char name[64];

        if (metrics->wire_bytes[i] == 0)
            continue;
        snprintf(name, sizeof(name), "bytes, %s", traffic_text((enum traffic)i));
        row(out, name, metrics->wire_bytes[i]);
    }
    row(out, "replicas stored", metrics->count[TRACE_STORED]);
    row(out, "replicas expired", metrics->count[TRACE_EXPIRED]);
    row(out, "stores refused", metrics->count[TRACE_STORE_REFUSED]);
    row(out, "proof-of-work trials", metrics->pow_trials);
}

static void run_part(const struct report *report, FILE *out, struct arena *arena)
{
    char speed[48];

    report_speed(speed, sizeof(speed), report->virtual_ms, report->wall_ms);
    fprintf(out, "run\n");
    fprintf(out, "  %-38s %15s\n", "scenario", report->scenario);
    fprintf(out, "  %-38s %15" PRIu64 "\n", "seed", report->seed);
    row(out, "nodes", report->nodes);
    row(out, "swarms", report->swarms);
    row(out, "clients", report->clients);
    row(out, "events", report->stats.events);
    duration_row(out, arena, "virtual time", report->virtual_ms * 1000);
    duration_row(out, arena, "wall time", report->wall_ms * 1000);
    fprintf(out, "  %-38s %15s\n", "speed", speed);
    row(out, "threads", report->threads);
    fprintf(out, "  %-38s %15s\n", "crypto suite", report->crypto);
    if (report->expectations > 0) {
        row(out, "expectations", report->expectations);
        row(out, "  failed", report->expectations_failed);
    }
    if (report->interrupted)
        fprintf(out, "  %-38s %15s\n", "ended early", "interrupted");
    fprintf(out, "  %-38s %016" PRIx64 "\n", "digest", report->digest);
}

static void learn(struct learned *learned, const struct observer *observer)
{
    size_t count;
    const uint32_t *nodes = observer_nodes(observer, &count);

    learned_init(learned, observer, nodes, count);
}

static void observed_part(const struct report *report, FILE *out)
{
    struct learned learned;

    if (report->observer == NULL)
        return;
    learn(&learned, report->observer);
    learned_table(&learned, out);
    learned_fini(&learned);
}

void report_table(const struct report *report, FILE *out)
{
    struct arena arena;

    arena_init(&arena);
    messages_part(report, out, &arena);
    network_part(report, out);
    observed_part(report, out);
    run_part(report, out, &arena);
    arena_fini(&arena);
}

static void text_member(struct buf *out, const char *name, const char *text)
{
    json_write_name(out, name);
    json_write_text(out, utf8_valid(bytes_text(text)) ? bytes_text(text) : BYTES_LIT("?")); /* a path may be anything */
}

static void number_member(struct buf *out, const char *name, uint64_t value)
{
    json_write_name(out, name);
    json_write_u64(out, value);
}

/* A delay in milliseconds with its microseconds as a fraction; null: nothing to measure. */
static void delay_member(struct buf *out, const char *name, int64_t us)
{
    json_write_name(out, name);
    if (us < 0)
        json_write_raw(out, BYTES_LIT("null"));
    else
        buf_printf(out, "%" PRId64 ".%03d", us / 1000, (int)(us % 1000));
}

static void json_messages(struct buf *out, const struct report *report)
{
    const struct checker_totals *totals = &report->totals;

    number_member(out, "sent", totals->sent);
    number_member(out, "delivered", totals->delivered);
    number_member(out, "lost", totals->lost);
    number_member(out, "duplicates", totals->duplicates);
    json_write_name(out, "losses");
    json_open(out, '{');
    for (size_t i = 0; i < LOSS_COUNT; i++)
        if (totals->losses[i] > 0)
            number_member(out, loss_text((enum loss)i), totals->losses[i]);
    json_close(out, '}');
    delay_member(out, "delay_ms_p50", totals->delay_us_p50);
    delay_member(out, "delay_ms_p99", totals->delay_us_p99);
    delay_member(out, "delay_ms_max", totals->delay_us_max);
}

static void json_network(struct buf *out, const struct report *report)
{
    const struct metrics *metrics = &report->metrics;

    number_member(out, "onion_requests", metrics->count[TRACE_ONION_DONE]);
    json_write_name(out, "onion_failures");
    json_open(out, '{');
    for (size_t i = 1; i < METRICS_FAILURES; i++)
        if (metrics->onion_failures[i] > 0)
            number_member(out, onion_failure_text((enum onion_failure)i), metrics->onion_failures[i]);
    json_close(out, '}');
    json_write_name(out, "wire_bytes");
    json_open(out, '{');
    for (size_t i = 0; i < TRAFFIC_COUNT; i++)
        number_member(out, traffic_text((enum traffic)i), metrics->wire_bytes[i]);
    json_close(out, '}');
    json_write_name(out, "push_bytes");
    json_open(out, '{');
    for (size_t i = 0; i < CAUSE_COUNT; i++)
        if (metrics->push_bytes[i] > 0)
            number_member(out, trace_cause_text((enum trace_cause)i), metrics->push_bytes[i]);
    json_close(out, '}');
    number_member(out, "replicas_stored", metrics->count[TRACE_STORED]);
    number_member(out, "replicas_expired", metrics->count[TRACE_EXPIRED]);
    number_member(out, "stores_refused", metrics->count[TRACE_STORE_REFUSED]);
    number_member(out, "acknowledged", metrics->acknowledged);
    number_member(out, "acknowledged_late", metrics->acknowledged_late);
    number_member(out, "fell_back", metrics->fell_back);
    number_member(out, "pow_trials", metrics->pow_trials);
}

static void json_observed(struct buf *out, const struct report *report)
{
    struct learned learned;

    if (report->observer == NULL)
        return;
    learn(&learned, report->observer);
    json_write_name(out, "observed");
    learned_json(&learned, out);
    learned_fini(&learned);
}

void report_json(const struct report *report, FILE *out)
{
    struct buf buf;
    char digest[17];

    snprintf(digest, sizeof(digest), "%016" PRIx64, report->digest);
    buf_init(&buf, report->observer == NULL ? REPORT_BYTES_MAX : LEARNED_BYTES_MAX);
    json_open(&buf, '{');
    text_member(&buf, "scenario", report->scenario);
    text_member(&buf, "digest", digest);
    number_member(&buf, "seed", report->seed);
    json_messages(&buf, report);
    json_network(&buf, report);
    number_member(&buf, "nodes", report->nodes);
    number_member(&buf, "swarms", report->swarms);
    number_member(&buf, "clients", report->clients);
    number_member(&buf, "events", report->stats.events);
    number_member(&buf, "virtual_ms", (uint64_t)report->virtual_ms);
    number_member(&buf, "wall_ms", (uint64_t)report->wall_ms);
    number_member(&buf, "threads", report->threads);
    text_member(&buf, "crypto", report->crypto);
    number_member(&buf, "expectations", report->expectations);
    number_member(&buf, "expectations_failed", report->expectations_failed);
    json_write_name(&buf, "interrupted");
    json_write_bool(&buf, report->interrupted);
    json_observed(&buf, report);
    json_close(&buf, '}');
    buf_byte(&buf, '\n');
    fwrite(buf.data, 1, buf.len, out);
    buf_fini(&buf);
}
