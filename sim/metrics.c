#include "sim/metrics.h"

#include "client/client.h"
#include "proto/storage_rpc.h"

static const char *const traffic_texts[TRAFFIC_COUNT] = {
    [TRAFFIC_ONION_CLIENT] = "onion, client to guard",
    [TRAFFIC_ONION_PEER] = "onion, node to node",
    [TRAFFIC_REPLICATION] = "replication",
    [TRAFFIC_DIRECT] = "direct storage RPC",
    [TRAFFIC_NODE_LIST] = "node lists",
    [TRAFFIC_OTHER] = "other",
};

const char *traffic_text(enum traffic traffic)
{
    return traffic_texts[traffic];
}

static enum traffic traffic_of(struct bytes path)
{
    static const struct {
        const char *path;
        enum traffic traffic;
    } paths[] = {
        {PATH_SN_ONION_V2, TRAFFIC_ONION_PEER}, {PATH_ONION_V2, TRAFFIC_ONION_CLIENT},
        {PATH_PUSH_BATCH, TRAFFIC_REPLICATION}, {PATH_STORAGE_RPC, TRAFFIC_DIRECT},
        {PATH_SEED_RPC, TRAFFIC_NODE_LIST},     {PATH_SN_ONION_V1, TRAFFIC_ONION_PEER},
        {PATH_SN_STORAGE_CC, TRAFFIC_REPLICATION},
        {PATH_ONION_V1, TRAFFIC_ONION_CLIENT},  {PATH_PUSH, TRAFFIC_REPLICATION},
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (bytes_equal_text(path, paths[i].path))
            return paths[i].traffic;
    return TRAFFIC_OTHER;
}

void metrics_init(struct metrics *metrics)
{
    *metrics = (struct metrics){0};
}

static void count_at(uint64_t counters[], size_t size, uint64_t index, uint64_t by)
{
    counters[index < size ? index : size - 1] += by;
}

void metrics_record(struct metrics *metrics, const struct trace_record *record)
{
    metrics->count[record->kind]++;
    /* Only some kinds carry a figure that is summed. */
    if (record->kind == TRACE_CALL)
        metrics->wire_bytes[traffic_of(record->b[0])] += record->n[1];
    else if (record->kind == TRACE_ANSWER)
        metrics->wire_bytes[traffic_of(record->b[0])] += record->n[2];
    else if (record->kind == TRACE_ONION_DONE)
        count_at(metrics->onion_failures, METRICS_FAILURES, record->n[3], 1);
    else if (record->kind == TRACE_PUSH)
        count_at(metrics->push_bytes, CAUSE_COUNT, record->n[3], record->n[2]);
    else if (record->kind == TRACE_STORED)
        count_at(metrics->stored, CAUSE_COUNT, record->n[2], 1);
    else if (record->kind == TRACE_SEND_STATE)
        metrics->fell_back += record->n[2] == SEND_FELL_BACK;
    else if (record->kind == TRACE_ACKNOWLEDGED)
        *(record->n[2] != 0 ? &metrics->acknowledged_late : &metrics->acknowledged) += 1;
    else if (record->kind == TRACE_POW)
        metrics->pow_trials += record->n[0];
}

void metrics_merge(struct metrics *into, const struct metrics *from)
{
    for (size_t i = 0; i < TRACE_KIND_COUNT; i++)
        into->count[i] += from->count[i];
    for (size_t i = 0; i < TRAFFIC_COUNT; i++)
        into->wire_bytes[i] += from->wire_bytes[i];
    for (size_t i = 0; i < METRICS_FAILURES; i++)
        into->onion_failures[i] += from->onion_failures[i];
    for (size_t i = 0; i < CAUSE_COUNT; i++) {
        into->push_bytes[i] += from->push_bytes[i];
        into->stored[i] += from->stored[i];
    }
    into->acknowledged += from->acknowledged;
    into->acknowledged_late += from->acknowledged_late;
    into->fell_back += from->fell_back;
    into->pow_trials += from->pow_trials;
}
