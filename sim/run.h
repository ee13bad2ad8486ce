/* run.h: the command `swarmbed run`. */
#ifndef SWARMBED_RUN_H
#define SWARMBED_RUN_H

/* argv[0] is "run". The process's exit status. */
int run_command(int argc, char **argv);

#endif
