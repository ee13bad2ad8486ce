/* What a run leaves behind: the records that the script keeps, the causes of its losses, its report. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "sim/scenario_internal.h"
#include "sim/stopwatch.h"

/* ---- what was kept of the trace ---- */

static void keep_record(void *owner, int64_t at_us, uint32_t seat, uint64_t index, const struct trace_record *record)
{
    struct scenario *scenario = owner;
    struct kept_record *kept;

    (void)index;
    if (scenario->kept_count == SCENARIO_KEPT_MAX) {
        scenario->kept_lost++;
        return;
    }
    if (scenario->kept_count == scenario->kept_cap) {
        scenario->kept_cap = scenario->kept_cap == 0 ? 256 : 2 * scenario->kept_cap;
        scenario->kept = xrealloc(scenario->kept, scenario->kept_cap * sizeof(*scenario->kept));
    }
    kept = &scenario->kept[scenario->kept_count++];
    *kept = (struct kept_record){at_us, seat, *record};
    for (size_t i = 0; i < ARRAY_LEN(record->b); i++) {
        uint8_t *copy = record->b[i].len > 0 ? xmalloc(record->b[i].len) : NULL;

        if (copy != NULL)
            memcpy(copy, record->b[i].data, record->b[i].len);
        kept->record.b[i].data = copy;
    }
}

struct trace_sink scenario_keep_sink(struct scenario *scenario, uint64_t kinds)
{
    return (struct trace_sink){.owner = scenario, .kinds = kinds, .record = keep_record};
}

void scenario_free_kept(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->kept_count; i++)
        for (size_t j = 0; j < ARRAY_LEN(scenario->kept[i].record.b); j++)
            free((uint8_t *)(uintptr_t)scenario->kept[i].record.b[j].data);
    free(scenario->kept);
}

/* ---- the report ---- */

/* The swarm that serves it by the chain's newest block; nodes hear of that a few seconds later. */
static size_t swarm_nodes(struct scenario *scenario, const struct account_id *account, uint32_t out[LIMIT_SWARM_NODES])
{
    return testbed_swarm_nodes(scenario->testbed, account, out, LIMIT_SWARM_NODES);
}

bool scenario_serves(void *owner, uint32_t seat, const struct account_id *account)
{
    struct scenario *scenario = owner;
    uint32_t nodes[LIMIT_SWARM_NODES];
    size_t count = swarm_nodes(scenario, account, nodes);

    for (size_t i = 0; i < count; i++)
        if (testbed_node_seat(scenario->testbed, nodes[i]) == seat)
            return true;
    return false;
}

static bool swarm_holds(struct scenario *scenario, const struct account_id *account, const uint8_t hash[64])
{
    uint32_t nodes[LIMIT_SWARM_NODES];
    size_t count = swarm_nodes(scenario, account, nodes);

    for (size_t i = 0; i < count; i++) {
        const struct snode *snode = testbed_node(scenario->testbed, nodes[i]);

        if (snode != NULL && snode_holds(snode, hash))
            return true;
    }
    return false;
}

/* What ended it first: its time, or the last of its holders? The nodes say when they drop what is over, up to
 * LIMIT_SWEEP_MS late; so long it passes for held. */
static bool ended_by_time(const struct scenario *scenario, const struct sent *sent)
{
    int64_t over_ms = world_now_ms(scenario->world) - (int64_t)(sent->timestamp_ms + sent->ttl_ms);

    return checker_expired(&scenario->checker, sent->hash) || (over_ms >= 0 && over_ms <= LIMIT_SWEEP_MS);
}

enum loss scenario_why_lost(void *owner, const struct checked *message)
{
    struct scenario *scenario = owner;
    struct testbed *testbed = scenario->testbed;
    uint32_t sender = testbed_client_by_account(testbed, &message->source);
    const struct client *client = sender == UINT32_MAX ? NULL : testbed_client(testbed, sender);
    const struct sent *sent = client == NULL ? NULL : client_sent(client, message->number);

    if (message->failed)
        return LOSS_NOT_SENT;
    if (message->twin > 0)
        return LOSS_SAME_TIME;
    if (sent == NULL || sent->stored_count == 0)
        return LOSS_UNFINISHED;
    if (checker_unreadable(&scenario->checker, sent->hash))
        return LOSS_UNREADABLE;
    if (swarm_holds(scenario, &message->recipient, sent->hash))
        return LOSS_NOT_FETCHED;
    return ended_by_time(scenario, sent) ? LOSS_EXPIRED : LOSS_NO_HOLDER;
}

void scenario_fill_report(struct scenario *scenario, struct report *report)
{
    struct world *world = scenario->world;
    const struct membership *membership = chain_membership(testbed_chain(scenario->testbed));

    *report = (struct report){
        .scenario = scenario->config->name,
        .crypto = scenario->config->suite->name,
        .threads = scenario->config->threads,
        .seed = scenario->seed,
        .expectations = scenario->expectations,
        .expectations_failed = scenario->expectations_failed,
        .wall_ms = stopwatch_ms() - scenario->started_ms,
        .observer = scenario->config->observer,
    };
    checker_totals(&scenario->checker, scenario_why_lost, scenario, &report->totals);
    report->digest = world_digest(world);
    report->virtual_ms = world_now_us(world) / 1000;
    report->nodes = membership != NULL ? membership->node_count : 0;
    report->swarms = membership != NULL ? membership->swarm_count : 0;
    report->clients = testbed_client_count(scenario->testbed);
    world_stats(world, &report->stats);
    metrics_init(&report->metrics);
    world_metrics(world, &report->metrics);
}
