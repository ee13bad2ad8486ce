/* stories.h: how the scripts of tests begin: a world, two people, a message, a friendship. */
#ifndef SWARMBED_STORIES_H
#define SWARMBED_STORIES_H

#include "tests/support/script.h"

#define WORLD  "local net = world { nodes = 12 }\n"
#define PEOPLE WORLD "local alice, bob = net:client 'Alice', net:client 'Bob'\n"
#define MESSAGE                                                                                                        \
    PEOPLE "local m = alice:befriend(bob, 'hello')\n"                                                                  \
           "net:wait_for('2m', function() return m.state == 'stored' end)\n"                                           \
           "net:run '5s'\n"

#define FRIENDS                                                                                                        \
    PEOPLE "alice:befriend(bob, 'I am Alice')\n"                                                                       \
           "net:run '10s'\nbob:poll()\nnet:run '10s'\nbob:accept(alice)\n"                                             \
           "net:run '10s'\nalice:poll()\nnet:run '10s'\n"

#endif
