#include "common/trace.h"

#define TRACE_INFO(id, name, n0, n1, n2, n3, b0, b1) [id] = {name, {n0, n1, n2, n3}, {b0, b1}},
const struct trace_kind_info trace_kinds[TRACE_KIND_COUNT] = {TRACES(TRACE_INFO)};

_Static_assert(TRACE_KIND_COUNT <= 64, "a set of kinds fits one 64-bit mask");

const char *trace_cause_text(enum trace_cause cause)
{
    static const char *const texts[CAUSE_COUNT] = {
        [CAUSE_CLIENT] = "client",           [CAUSE_RELAY] = "relay",
        [CAUSE_NEW_MEMBER] = "new member",   [CAUSE_NEW_SWARM] = "new swarm",
        [CAUSE_DISSOLVED] = "dissolved",     [CAUSE_DISK] = "disk",
        [CAUSE_LOOKUP] = "lookup",           [CAUSE_WRONG_SWARM] = "wrong swarm",
        [CAUSE_UNREACHABLE] = "unreachable", [CAUSE_NOT_FOUND] = "not found",
    };
    ASSERT((unsigned)cause < CAUSE_COUNT);
    return texts[cause];
}
