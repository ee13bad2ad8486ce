/* prove.h: the command `swarmbed pow`: the proof of work that an era's store wants. */
#ifndef SWARMBED_PROVE_H
#define SWARMBED_PROVE_H

/* argv[0] is "pow". The process's exit status. */
int prove_command(int argc, char **argv);

#endif
