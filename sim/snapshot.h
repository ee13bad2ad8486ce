/* snapshot.h: real membership of the live network at some heights, read from its text form.
 *
 * The built-in data is sim/data/mainnet.txt; sim/data/README.md tells its origin and the format. Reading is strict:
 * every count, order and the checksum must hold, and a refusal names the line and what to do. */
#ifndef SWARMBED_SNAPSHOT_H
#define SWARMBED_SNAPSHOT_H

#include "sim/chain.h"

struct snapshots;
/* Reads the file at `path`, or the built-in data if it is NULL. ERR_IO, ERR_TOO_BIG, ERR_FORMAT, ERR_RANGE: `why` gets
 * a sentence for people, and *out is NULL. */
MUST_CHECK enum err snapshots_load(const char *path, struct snapshots **out, struct buf *why);
/* The same of a text; `name` stands for it in `why`. */
MUST_CHECK enum err snapshots_parse(struct bytes text, const char *name, struct snapshots **out, struct buf *why);
void snapshots_free(struct snapshots *snapshots);

uint32_t
snapshots_node_total(const struct snapshots *snapshots); /* nodes of all snapshots: their indices are below it */
uint32_t snapshots_count(const struct snapshots *snapshots);
/* By number (ascending heights), and by date ("2026-04-08"; NULL: none). They live as long as `snapshots`. */
const struct chain_snapshot *snapshots_get(const struct snapshots *snapshots, uint32_t number);
const struct chain_snapshot *snapshots_by_date(const struct snapshots *snapshots, struct bytes date);

#endif
