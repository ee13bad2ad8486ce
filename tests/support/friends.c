#include "tests/support/friends.h"

#include "client/client_state.h"
#include "client/contact.h"
#include "client/listening.h"
#include "client/message.h"

struct blob *friends_request(struct client *from, const struct account_id *to, uint64_t timestamp_ms, const char *text)
{
    struct content_parts content = {.has_data = true, .body = bytes_text(text), .has_bundle = true};
    struct blob *data;

    contact_own_bundle(contact_get(from, to), &content.bundle);
    ASSERT(message_seal_request(from, to, timestamp_ms, &content, &data) == OK);
    return data;
}

void friends_poll(struct fake_swarm *net, struct client *client)
{
    for (int i = 0; i < 10; i++) { /* three of the swarm's nodes each time: not always those that have it */
        client_poll_once(client);
        fake_swarm_run(net);
    }
}

void friends_make(struct fake_swarm *net, struct client *a, struct client *b)
{
    const struct sent *sent;

    ASSERT(client_befriend(a, client_account(b), BYTES_LIT("Hi"), &sent) == OK);
    fake_swarm_run(net);
    friends_poll(net, b);
    ASSERT(client_accept(b, client_account(a)) == OK);
    fake_swarm_run(net);
    friends_poll(net, a);
    friends_poll(net, b);
    ASSERT(client_friend_state(a, client_account(b)) == FRIEND_FRIENDS);
    ASSERT(client_friend_state(b, client_account(a)) == FRIEND_FRIENDS);
}

void friends_meet(struct fake_swarm *net, struct client *a, struct client *b)
{
    const struct sent *sent;

    listening_start(a);
    listening_start(b);
    fake_swarm_run_ms(net, 10);
    ASSERT(client_listening(a) && client_listening(b));
    ASSERT(client_send(a, client_account(b), BYTES_LIT("are you there?"), &sent) == OK);
    fake_swarm_run(net);
    friends_poll(net, b);
    fake_swarm_run_ms(net, 500);
    ASSERT(client_contact_state(a, client_account(b)) == CONTACT_ONLINE);
    ASSERT(client_contact_state(b, client_account(a)) == CONTACT_ONLINE);
}
