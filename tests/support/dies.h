/* dies.h: code that ends the process, run in a child so that the test survives. */
#ifndef SWARMBED_DIES_H
#define SWARMBED_DIES_H

/* How the child ended: its exit status, or minus the signal that killed it. What it says on standard error is
 * dropped. Returning from `run` is an exit status of 0. */
int exit_of(void (*run)(void *arg), void *arg);

#endif
