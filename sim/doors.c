#include "sim/doors.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/resource.h>

#include "sim/options.h"
#include "sim/seed.h"

#define LOOPBACK_IP 0x7f000001

bool doors_read_open(const char *text, struct address *out)
{
    const char *colon = strchr(text, ':');
    size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);
    char ip[INET_ADDRSTRLEN];
    struct in_addr parsed;
    uint64_t port = DOORS_OPEN_PORT;

    if (len >= sizeof(ip))
        return false;
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (inet_pton(AF_INET, ip, &parsed) != 1 || (colon != NULL && !option_number(colon + 1, 1, UINT16_MAX, &port)))
        return false;
    *out = (struct address){ntohl(parsed.s_addr), (uint16_t)port};
    return true;
}

static struct address node_address(const struct doors *doors, uint32_t node)
{
    return world_address(testbed_world(doors->testbed), testbed_node_seat(doors->testbed, node));
}

static enum err open_at(const struct doors *doors, uint32_t number, struct buf *why)
{
    struct address at = doors->config.open;

    if (at.port == 0)
        return OK;
    if (number > (uint32_t)UINT16_MAX - at.port) {
        buf_printf(why, "no port is left for it behind %u", at.port);
        return ERR_IO;
    }
    at.port = (uint16_t)(at.port + number);
    return http_server_listen(doors->server, at, NULL, why);
}

enum err doors_open_new(struct doors *doors, struct buf *why)
{
    uint32_t count = testbed_node_count(doors->testbed);
    enum err err = OK;

    while (doors->nodes_open < count && err == OK) {
        struct address address = node_address(doors, doors->nodes_open++);

        err = doors->config.socket_per_node ? http_server_listen(doors->server, address, NULL, why)
                                            : http_server_listen_loopback(doors->server, address, why);
        if (err == OK)
            err = open_at(doors, doors->nodes_open, why);
    }
    return err;
}

/* Each connection holds a descriptor: as many as the system lets this process have. */
static void take_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* refused: then fewer callers are served at a time */
}

enum err doors_open(struct doors *doors, struct buf *why)
{
    const struct doors_config *config = &doors->config;
    enum err err;

    take_descriptors();
    err = doors_open_new(doors, why);
    if (err == OK)
        err = http_server_listen(doors->server, (struct address){LOOPBACK_IP, config->seed_port}, NULL, why);
    if (err == OK)
        err = http_server_listen(doors->server, (struct address){LOOPBACK_IP, config->control_port}, NULL, why);
    return err == OK ? open_at(doors, 0, why) : err;
}

struct address doors_behind(const struct doors *doors, struct address local)
{
    struct address seed = {SEED_IP, SEED_PORT}, open = doors->config.open;
    uint32_t number = (uint32_t)local.port - open.port;

    if (local.ip == LOOPBACK_IP && local.port == doors->config.seed_port)
        return seed;
    if (open.port == 0 || (open.ip != 0 && local.ip != open.ip) || local.port < open.port || number > doors->nodes_open)
        return local;
    return number == 0 ? seed : node_address(doors, number - 1);
}

bool doors_lead_to_control(const struct doors *doors, struct address local)
{
    return local.ip == LOOPBACK_IP && local.port == doors->config.control_port;
}
