/* What a test reads of a fake swarm. */
#include <string.h>

#include "tests/support/fake_swarm.h"

bool fake_swarm_serves(const struct fake_swarm *net, uint32_t node, const struct account_id *account)
{
    return swarm_of(&net->membership, account)->id == net->entries[node].swarm_id;
}

uint32_t fake_swarm_by_key(const struct fake_swarm *net, const struct ed25519_public *key)
{
    const struct snode_entry *entry = snode_by_key(&net->membership, key);
    ASSERT(entry != NULL);
    return (uint32_t)(entry - net->entries);
}

size_t fake_swarm_logged(const struct fake_swarm *net, const char *method)
{
    size_t count = 0;
    for (size_t i = 0; i < net->log_count; i++)
        count += method == NULL || strcmp(net->log[i].method, method) == 0;
    return count;
}

const struct fake_log *fake_swarm_log(const struct fake_swarm *net, const char *method, size_t n)
{
    for (size_t i = 0; i < net->log_count; i++)
        if ((method == NULL || strcmp(net->log[i].method, method) == 0) && n-- == 0)
            return &net->log[i];
    ASSERT(!"no such request");
    return NULL;
}
