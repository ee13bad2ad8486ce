/* Subscriptions to new messages: the body of POST /monitor/v1, as its dictionary alone and at a node. */
#include "node/monitor.h"
#include "proto/monitor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_env.h"

#define RECORDS_MAX 10

static void read_alone(struct bytes input, struct arena *arena)
{
    struct monitor_request request;
    const char *why = NULL;
    struct buf text;

    if (monitor_request_decode(arena, input, &request, &why) != MONITOR_OK) {
        ASSERT(why != NULL);
        return;
    }
    ASSERT(request.namespace_count > 0);
    buf_init(&text, SIZE_MAX);
    monitor_request_signed_text(&text, &request);
    buf_fini(&text);
}

/* Whoever is told of nothing is closed at once; nothing stays when the others have gone. */
static void at_a_node(struct bytes input)
{
    struct fake_env fake;
    struct store store;
    struct monitor *monitor;
    struct fake_request *request;

    fake_env_init(&fake, 1);
    store_init(&store, &fake.env, 1 << 20, RECORDS_MAX, NULL, NULL);
    monitor = monitor_new(&fake.env, &crypto_modelled, &store);
    request = fake_env_request(&fake, VERB_POST, "/monitor/v1", input);
    monitor_on_request(monitor, &request->incoming);
    fake_env_run(&fake);
    ASSERT(request->answered == (monitor->connection_count == 0));
    if (!request->answered)
        fake_env_hang_up(&fake, request);
    ASSERT(monitor->connection_count == 0 && monitor->subscription_count == 0);
    monitor_free(monitor);
    store_fini(&store);
    fake_env_fini(&fake);
}

void fuzz_one(struct bytes input, struct arena *arena)
{
    read_alone(input, arena);
    at_a_node(input);
}
