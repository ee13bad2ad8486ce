/* assets.h: files that are part of the program: the cost table, scenarios, data.
 *
 * scripts/embed_assets.py turns them into C at build time. A file's name is its path below sim/, such as
 * "data/costs.txt" or "scenarios/tour.lua". */
#ifndef SWARMBED_ASSETS_H
#define SWARMBED_ASSETS_H

#include "common/bytes.h"

struct asset {
    const char *name;
    struct bytes content; /* followed by a zero byte, which it does not count */
};
/* In ascending order of names. */
extern const struct asset assets[];
extern const size_t asset_count;

/* The file's content; data is NULL if there is none of that name (an empty file has data, and no length). */
struct bytes assets_find(const char *name);

#endif
