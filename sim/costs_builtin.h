/* costs_builtin.h: sim/data/costs.txt as a constant; made by scripts/cost_table.py at build time. */
#ifndef SWARMBED_COSTS_BUILTIN_H
#define SWARMBED_COSTS_BUILTIN_H

#include "sim/costs.h"

extern const struct cost_table costs_builtin;

#endif
