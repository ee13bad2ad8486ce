/* chat.h: `swarmbed chat`: a terminal client, made of the clients' own code, on a served network. */
#ifndef SWARMBED_CHAT_H
#define SWARMBED_CHAT_H

int chat_command(int argc, char **argv); /* the exit status */

#endif
