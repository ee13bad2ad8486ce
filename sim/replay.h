/* replay.h: the command `swarmbed replay`: runs a served world again from its journal. */
#ifndef SWARMBED_REPLAY_H
#define SWARMBED_REPLAY_H

#include "sim/journal.h"

/* What the journal's end says of the run, and what the run came to. */
struct replayed {
    bool has_end;    /* the journal was written to its end */
    uint64_t digest; /* as written there, if it was */
    struct report report;
};
/* Runs it, with that many threads. 0: to its end, and what the scenario expects holds; 1: that does not; 2: the journal
 * or its scenario is unreadable: `why` has a sentence, unless standard error does. */
int replay_journal(struct journal_reader *reader, const struct scenario_config *config, struct replayed *out,
                   struct buf *why);

/* argv[0] is "replay". The process's exit status: 1 also if the digest is another one. */
int replay_command(int argc, char **argv);

#endif
