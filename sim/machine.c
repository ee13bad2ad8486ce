#include "sim/machine.h"

#include <string.h>

#include "common/err.h"

void machine_init(struct machine *machine, uint32_t cpu_percent)
{
    memset(machine, 0, sizeof(*machine));
    machine->cpu_percent = cpu_percent;
}

int64_t machine_work(struct machine *machine, int64_t now_us, int64_t charged_ns)
{
    if (machine->free_us < now_us)
        machine->free_us = now_us;
    machine->free_us += (charged_ns + 999) / 1000;
    return machine->free_us;
}

void machine_wait(struct machine *machine, struct slab *slab, const struct event *event, bool is_request)
{
    struct waiting *waiting = slab_take(slab);

    *waiting = (struct waiting){.event = *event, .is_request = is_request};
    if (machine->first == NULL)
        machine->first = waiting;
    else
        machine->last->next = waiting;
    machine->last = waiting;
    machine->requests_waiting += is_request;
}

bool machine_next(struct machine *machine, struct slab *slab, struct event *out)
{
    struct waiting *waiting = machine->first;

    if (waiting == NULL)
        return false;
    *out = waiting->event;
    machine->first = waiting->next;
    if (machine->first == NULL)
        machine->last = NULL;
    machine->requests_waiting -= waiting->is_request;
    slab_give(slab, waiting);
    return true;
}
