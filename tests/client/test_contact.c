#include "tests/support/check_main.h"

#include <string.h>

#include "client/client_state.h"
#include "client/contact.h"
#include "client/outbox.h"
#include "client/storage.h"
#include "tests/support/friends.h"

static struct fake_swarm net;
static struct client *alice, *bob;

static void start(void)
{
    fake_swarm_init(&net, 3, 1);
    net.preset.suite = &crypto_modelled;
    alice = fake_swarm_client(&net, 1);
    bob = fake_swarm_client(&net, 2);
}

static void stop(void)
{
    client_free(alice);
    client_free(bob);
    fake_swarm_fini(&net);
}

static struct account_id number(uint32_t n)
{
    struct account_id account = {.bytes = {ACCOUNT_PREFIX}};
    store_le32(account.bytes + 1, n);
    return account;
}

/* One record per account, in the order of getting to know them; asking for one does not make one. */
START_TEST(one_per_account)
{
    struct account_id one = number(1), two = number(2);
    uint32_t cursor = 0;
    start();
    ck_assert_ptr_null(contact_find(alice, &one));
    ck_assert_ptr_null(contact_next(alice, &cursor));
    ck_assert_ptr_null(alice->contacts);
    struct contact *contact = contact_get(alice, &one);
    ck_assert_ptr_eq(contact_get(alice, &one), contact);
    ck_assert_ptr_eq(contact_find(alice, &one), contact);
    ck_assert_ptr_ne(contact_get(alice, &two), contact);
    ck_assert_ptr_eq(contact_next(alice, &cursor), contact);
    ck_assert_ptr_eq(contact_next(alice, &cursor), contact_find(alice, &two));
    ck_assert_ptr_null(contact_next(alice, &cursor));
    contact_drop(contact);
    ck_assert_ptr_null(contact_find(alice, &one));
    stop();
}
END_TEST

/* So many and no more; those who are known stay. A stranger's request is not kept then. */
START_TEST(contacts_are_bounded)
{
    const struct sent *sent;
    start();
    for (uint32_t i = 0; i < LIMIT_CONTACTS; i++) {
        struct account_id account = number(i);
        ck_assert_ptr_nonnull(contact_get(alice, &account));
    }
    struct account_id more = number(LIMIT_CONTACTS), first = number(0);
    ck_assert_ptr_null(contact_get(alice, &more));
    ck_assert_ptr_nonnull(contact_get(alice, &first));
    ck_assert_int_eq(client_befriend(alice, client_account(bob), BYTES_LIT("Hi"), &sent), ERR_FULL);
    ck_assert_int_eq(client_friend_state(alice, client_account(bob)), FRIEND_NONE);
    stop();
}
END_TEST

/* No two envelopes for one contact have the same time, even if the clock stands still or goes back. */
START_TEST(times_are_never_shared)
{
    struct account_id one = number(1), two = number(2);
    start();
    struct contact *contact = contact_get(alice, &one);
    ck_assert_uint_eq(contact_timestamp(contact), FAKE_EPOCH_MS);
    ck_assert_uint_eq(contact_timestamp(contact), FAKE_EPOCH_MS + 1);
    net.fake.now_ms -= 1000;
    ck_assert_uint_eq(contact_timestamp(contact), FAKE_EPOCH_MS + 2);
    net.fake.now_ms += 5000;
    ck_assert_uint_eq(contact_timestamp(contact), FAKE_EPOCH_MS + 4000);
    ck_assert_uint_eq(contact_timestamp(contact_get(alice, &two)), FAKE_EPOCH_MS + 4000);
    stop();
}
END_TEST

/* The newest name counts; one that is too long or empty is none. */
START_TEST(names_are_replaced)
{
    uint8_t longest[LIMIT_DISPLAY_NAME_BYTES + 1];
    struct account_id one = number(1);
    memset(longest, 'x', sizeof longest);
    start();
    struct contact *contact = contact_get(alice, &one);
    contact_set_name(contact, BYTES_LIT("Carol"));
    ck_assert_str_eq(contact->display_name, "Carol");
    contact_set_name(contact, (struct bytes){longest, sizeof longest - 1});
    ck_assert_uint_eq(strlen(contact->display_name), LIMIT_DISPLAY_NAME_BYTES);
    contact_set_name(contact, BYTES_OF(longest));
    ck_assert_ptr_null(contact->display_name);
    contact_set_name(contact, BYTES_NONE);
    ck_assert_ptr_null(contact->display_name);
    stop();
}
END_TEST

/* Everything that must survive does, and a restart forgets who is online. */
START_TEST(record_comes_back)
{
    struct account_id one = number(1);
    start();
    struct contact *contact = contact_get(alice, &one);
    struct prekey_bundle bundle = {.identity = one, .prekey_id = 3, .signed_key_id = 4}, own;
    memset(bundle.signature, 9, sizeof bundle.signature);
    contact_set_name(contact, BYTES_LIT("Carol"));
    contact_set_bundle(contact, &bundle);
    contact_own_bundle(contact, &own);
    contact->friend_state = FRIEND_ASKING;
    contact->reset = RESET_REQUESTED;
    contact->reset_in_new = true;
    contact->blocked = true;
    contact->asked_ms = 5;
    contact->asking_ms = 6;
    contact->reset_ms = 7;
    contact->timestamp_ms = 8;
    contact->status_ms = 9;
    contact->session = blob_copy(BYTES_LIT("record"));
    contact->presence = CONTACT_ONLINE;
    contact_save(contact);
    storage_flush(alice);
    fake_env_run(&net.fake);
    struct one_time_prekey one_time = contact->one_time;
    client_free(alice);
    alice = fake_swarm_client(&net, 1);
    ck_assert_uint_eq(client_start(alice), 2); /* the contact, and the own prekeys */
    contact = contact_find(alice, &one);
    ck_assert_str_eq(contact->display_name, "Carol");
    ck_assert_mem_eq(contact->bundle->signature, bundle.signature, sizeof bundle.signature);
    ck_assert_uint_eq(contact->bundle->prekey_id, 3);
    ck_assert_uint_eq(contact->bundle->signed_key_id, 4);
    ck_assert(account_equal(&contact->bundle->identity, &one));
    ck_assert_uint_eq(contact->one_time.id, one_time.id);
    ck_assert_mem_eq(contact->one_time.secret.bytes, one_time.secret.bytes, 32);
    ck_assert_uint_eq(contact->friend_state, FRIEND_ASKING);
    ck_assert_uint_eq(contact->reset, RESET_REQUESTED);
    ck_assert(contact->reset_in_new && contact->blocked);
    ck_assert_int_eq(contact->asked_ms, 5);
    ck_assert_int_eq(contact->asking_ms, 6);
    ck_assert_int_eq(contact->reset_ms, 7);
    ck_assert_uint_eq(contact->timestamp_ms, 8);
    ck_assert_uint_eq(contact->status_ms, 9);
    ck_assert(bytes_equal_text(blob_bytes(contact->session), "record"));
    ck_assert_uint_eq(contact->presence, CONTACT_OFFLINE);

    /* The bundle for a contact is the same until it is used. */
    struct prekey_bundle again;
    contact_own_bundle(contact, &again);
    ck_assert_uint_eq(again.prekey_id, own.prekey_id);
    ck_assert_mem_eq(again.signed_key.bytes, own.signed_key.bytes, 32);
    contact_drop(contact_get(alice, client_account(bob)));
    stop();
}
END_TEST

/* A record of another form, with a key of another size, or with states that are none, is not read. */
START_TEST(strange_records_are_refused)
{
    struct account_id one = number(1);
    start();
    struct contact *contact = contact_get(alice, &one);
    contact_save(contact);
    storage_flush(alice);
    fake_env_run(&net.fake);
    struct blob *good = net.fake.disk.records[0].value;
    contact_drop(contact);
    ck_assert(!contact_load(alice, BYTES_LIT("short"), blob_bytes(good)));
    ck_assert(!contact_load(alice, BYTES_OF(one.bytes), BYTES_NONE));
    for (size_t at = 0; at < 3; at++) { /* version, state, reset */
        struct blob *bad = blob_copy(blob_bytes(good));
        bad->data[at] = 99;
        ck_assert(!contact_load(alice, BYTES_OF(one.bytes), blob_bytes(bad)));
        ck_assert_ptr_null(contact_find(alice, &one));
        blob_drop(bad);
    }
    ck_assert(contact_load(alice, BYTES_OF(one.bytes), blob_bytes(good)));
    ck_assert(!contact_load_prekeys(alice, BYTES_LIT("nothing of the kind")));
    stop();
}
END_TEST

TEST_MAIN("contact", one_per_account, contacts_are_bounded, times_are_never_shared, names_are_replaced,
          record_comes_back, strange_records_are_refused)
