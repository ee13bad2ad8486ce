/* serve_data.h: `serve --data DIR`: a served world whose records outlive the process.
 *
 * Between the world, whose virtual disks say what is durable in virtual time, and the SQLite file behind them: what a
 * new world begins with, what every turn of the loop hands over, the answers that wait for its commit, and what happens
 * when the disk fails: from then on every node's disk fails, so that nodes refuse what they cannot keep and go on
 * serving what they hold. Without a folder everything here does what is right for a world in memory. */
#ifndef SWARMBED_SERVE_DATA_H
#define SWARMBED_SERVE_DATA_H

#include "sim/disk_sqlite.h"
#include "sim/gateway/gateway.h"
#include "sim/journal.h"
#include "sim/scenario_args.h"
#include "sim/testbed.h"

struct serve_data {
    const char *folder; /* NULL: all is in memory */
    uint64_t bytes_max; /* of the file; 0: as large as the machine allows */
    /* private: */
    struct disk_sqlite *disk;
    struct disk_source source;
    struct buf name, scenario, parameters; /* as kept */
    struct buf log;
    bool failed;
    uint32_t nodes_told; /* of the failure */
};

/* Opens the file, or says that there is none. What the command line leaves open (scenario, parameters, seed) is taken
 * from it, and what contradicts it refused. 0, 2: another world's folder, or 3: standard error says why. */
int serve_data_open(struct serve_data *data, struct scenario_args *args);
/* What `serving` says of disks and time: the wall clock's, unless the world was ahead of it. */
void serve_data_fill(struct serve_data *data, struct scenario_serving *serving);
/* A new journal, with the records that the disks begin with. NULL: errno tells. */
struct journal *serve_data_journal(struct serve_data *data, const char *path, const struct scenario_config *config);
/* From here on the file is written; `news` is called in another thread whenever a turn should come soon. 0 or 3. */
int serve_data_start(struct serve_data *data, void (*news)(void *owner), void *owner);
/* Once a turn: hands over what has become durable, holds answers, and lets those go that are committed. */
void serve_data_turn(struct serve_data *data, struct testbed *testbed, struct gateway *gateway,
                     struct journal *journal);
/* The world stands still: the rest is committed. `status`, or 3 if the disk has failed. */
int serve_data_close(struct serve_data *data, struct world *world, int status);
/* The texts that the arguments were given end here. */
void serve_data_fini(struct serve_data *data);

#endif
