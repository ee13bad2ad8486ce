/* doors.h: where a served network listens, and whom a caller meets there.
 *
 * Each node at its own virtual address, which is a loopback address; the seed and the control interface at 127.0.0.1.
 * Nothing else of this machine is listened at unless `open` names an address: there the network is open to whoever
 * reaches it, by port: the seed at the first, the nodes in their order behind it. The control interface never is. */
#ifndef SWARMBED_DOORS_H
#define SWARMBED_DOORS_H

#include "sim/http/http_server.h"
#include "sim/testbed.h"

#define DOORS_OPEN_PORT 22100 /* the first at the open address */

struct doors_config {
    uint16_t seed_port, control_port;
    bool socket_per_node; /* also where one for each port could be had */
    struct address open;  /* port 0: none */
};

struct doors {
    struct doors_config config;
    struct http_server *server;
    struct testbed *testbed;
    uint32_t nodes_open; /* the first so many have a door */
};

/* "192.0.2.1" or "192.0.2.1:22100"; false: neither. */
bool doors_read_open(const char *text, struct address *out);
/* Listens for the nodes there are, for the seed and for the control interface. ERR_IO: `why` says what and where. */
MUST_CHECK enum err doors_open(struct doors *doors, struct buf *why);
/* The same for nodes that have registered since. */
MUST_CHECK enum err doors_open_new(struct doors *doors, struct buf *why);
/* Whom a caller who connected to `local` meets: the virtual address of a node or of the seed; or that of nobody. */
struct address doors_behind(const struct doors *doors, struct address local);
bool doors_lead_to_control(const struct doors *doors, struct address local);

#endif
