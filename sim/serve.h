/* serve.h: the command `swarmbed serve`: a world paced to the wall clock, whose nodes and seed real programs reach. */
#ifndef SWARMBED_SERVE_H
#define SWARMBED_SERVE_H

/* argv[0] is "serve". The process's exit status. */
int serve_command(int argc, char **argv);

#endif
