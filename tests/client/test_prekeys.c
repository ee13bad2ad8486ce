#include "client/prekeys.h"

#include <string.h>

#include "tests/support/check_main.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS  (24 * HOUR_MS)

static struct rng_key world;
static struct rng rng;
static struct session_library *library;
static struct arena arena;
static struct x25519_pair identity;
static struct prekeys prekeys;
static const struct session_suite *used;

static void draw(void *owner, void *out, size_t len)
{
    rng_bytes(owner, out, len);
}

static struct session_self self(void)
{
    return (struct session_self){
        .library = library, .identity = &identity, .prekeys = &prekeys, .draw = draw, .owner = &rng, .arena = &arena};
}

static void start(const struct session_suite *of)
{
    ck_assert_int_eq(crypto_start(), OK);
    used = of;
    rng_key_from_seed(&world, 3);
    rng_init(&rng, &world, RNG_PROTOCOL, 1);
    library = session_library_new();
    arena_init(&arena);
    rng_bytes(&rng, identity.secret.bytes, sizeof(identity.secret.bytes));
    x25519_public_of(&identity.secret, &identity.public);
    prekeys_init(&prekeys, draw, &rng);
}

static void stop(void)
{
    prekeys_fini(&prekeys);
    arena_fini(&arena);
    session_library_free(library);
}

/* Whether it changed anything. */
static bool make(int64_t now_ms, struct one_time_prekey *one_time, struct prekey_bundle *bundle)
{
    struct session_self me = self();
    bool changed;

    memset(bundle, 0, sizeof(*bundle)); /* its padding too: it is compared as a whole */
    prekeys_bundle(&prekeys, &me, used, now_ms, one_time, bundle, &changed);
    return changed;
}

static uint32_t id_at(int64_t now_ms)
{
    struct one_time_prekey one_time = {.id = 1};
    struct prekey_bundle bundle;

    (void)make(now_ms, &one_time, &bundle);
    return bundle.signed_key_id;
}

/* A bundle has all that its reader needs, and its signature holds. */
START_TEST(a_bundle_is_complete)
{
    const struct session_suite *const suites[] = {&session_real, &session_modelled};

    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct one_time_prekey one_time = {0};
        struct prekey_bundle bundle;
        struct x25519_public public;
        struct account_id account, signed_key;
        struct session_self me;

        start(suites[i]);
        me = self();
        ck_assert(make(0, &one_time, &bundle));
        account_from_x25519(&identity.public, &account);
        ck_assert(account_equal(&bundle.identity, &account));
        ck_assert_uint_eq(bundle.prekey_id, 1);
        ck_assert_uint_eq(bundle.prekey_id, one_time.id);
        ck_assert_uint_eq(bundle.signed_key_id, 1);
        used->crypto->ephemeral_public(&one_time.secret, &public);
        ck_assert_mem_eq(public.bytes, bundle.prekey.bytes, 32);
        const struct signed_prekey *own = prekeys_signed(&prekeys, 1);
        used->crypto->ephemeral_public(&own->pair.secret, &public);
        ck_assert_mem_eq(public.bytes, bundle.signed_key.bytes, 32);
        account_from_x25519(&bundle.signed_key, &signed_key);
        ck_assert(used->verify(&me, &identity.public, BYTES_OF(signed_key.bytes), bundle.signature));
        stop();
    }
}
END_TEST

/* The same contact gets the same one-time prekey until it is used; another contact another one. */
START_TEST(one_prekey_per_contact)
{
    struct one_time_prekey bob = {0}, carol = {0};
    struct prekey_bundle first, again, other;

    start(&session_modelled);
    ck_assert(make(0, &bob, &first));
    ck_assert(!make(HOUR_MS, &bob, &again));
    ck_assert_mem_eq(&first, &again, sizeof(first));
    ck_assert(make(HOUR_MS, &carol, &other));
    ck_assert_uint_eq(other.prekey_id, 2);
    ck_assert_mem_ne(other.prekey.bytes, first.prekey.bytes, 32);
    ck_assert_mem_eq(other.signed_key.bytes, first.signed_key.bytes, 32);

    one_time_prekey_forget(&bob);
    ck_assert_uint_eq(bob.id, 0);
    ck_assert(make(HOUR_MS, &bob, &again));
    ck_assert_uint_eq(again.prekey_id, 3);
    ck_assert_mem_ne(again.prekey.bytes, first.prekey.bytes, 32);
    stop();
}
END_TEST

/* A new signed prekey after 48 hours and not before, however long nobody asked. */
START_TEST(signed_prekeys_rotate_by_the_clock)
{
    start(&session_modelled);
    ck_assert_uint_eq(id_at(0), 1);
    ck_assert_uint_eq(id_at(48 * HOUR_MS - 1), 1);
    ck_assert_uint_eq(id_at(48 * HOUR_MS), 2);
    ck_assert_uint_eq(id_at(96 * HOUR_MS - 1), 2);
    ck_assert_uint_eq(id_at(1000 * DAY_MS), 3);
    ck_assert_uint_eq(id_at(1000 * DAY_MS), 3);
    /* A clock that was wrong by years does not keep it for years. */
    ck_assert_uint_eq(id_at(999 * DAY_MS), 3);
    ck_assert_uint_eq(id_at(998 * DAY_MS), 4);
    stop();
}
END_TEST

/* Old ones stay for 7 days after they were replaced, and the last three for ever. */
START_TEST(old_signed_prekeys_are_kept_for_a_while)
{
    start(&session_modelled);
    for (int64_t i = 0; i < 5; i++)
        ck_assert_uint_eq(id_at(i * 2 * DAY_MS), (uint32_t)i + 1);
    /* 1 was replaced on day 2, so on day 8 all are still there. */
    for (uint32_t id = 1; id <= 5; id++)
        ck_assert_ptr_nonnull(prekeys_signed(&prekeys, id));
    ck_assert_ptr_null(prekeys_signed(&prekeys, 0));
    ck_assert_ptr_null(prekeys_signed(&prekeys, 6));
    ck_assert_uint_eq(id_at(10 * DAY_MS), 6);
    ck_assert_ptr_null(prekeys_signed(&prekeys, 1));
    ck_assert_ptr_nonnull(prekeys_signed(&prekeys, 2));
    ck_assert_uint_eq(id_at(100 * DAY_MS), 7);
    ck_assert_ptr_null(prekeys_signed(&prekeys, 3));
    for (uint32_t id = 4; id <= 7; id++)
        ck_assert_ptr_nonnull(prekeys_signed(&prekeys, id));
    stop();
}
END_TEST

/* 14 bits, never 0, and not always the same. */
START_TEST(registration_ids_are_random)
{
    uint32_t seen = 0;

    start(&session_modelled);
    for (int i = 0; i < 1000; i++) {
        prekeys_init(&prekeys, draw, &rng);
        ck_assert_uint_ge(prekeys.registration_id, 1);
        ck_assert_uint_le(prekeys.registration_id, 0x3fff);
        seen |= prekeys.registration_id;
    }
    ck_assert_uint_eq(seen, 0x3fff);
    stop();
}
END_TEST

/* What was saved comes back, and its keys still open what was offered. */
START_TEST(saved_prekeys_come_back)
{
    struct one_time_prekey one_time = {0}, read_one_time;
    uint8_t wire[ONE_TIME_PREKEY_BYTES];
    struct prekey_bundle before, after;
    struct prekeys read;
    struct buf saved, again;

    start(&session_real);
    buf_init(&saved, 1 << 16);
    buf_init(&again, 1 << 16);
    prekeys_encode(&prekeys, &saved);
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), OK);
    ck_assert_uint_eq(read.registration_id, prekeys.registration_id);
    prekeys_fini(&read);

    (void)make(0, &one_time, &before);
    (void)make(5 * DAY_MS, &one_time, &before);
    buf_clear(&saved);
    prekeys_encode(&prekeys, &saved);
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), OK);
    prekeys_encode(&read, &again);
    ck_assert(bytes_equal(buf_bytes(&saved), buf_bytes(&again)));
    one_time_prekey_encode(&one_time, wire);
    one_time_prekey_decode(&read_one_time, wire);
    ck_assert_mem_eq(&one_time, &read_one_time, sizeof(one_time));

    prekeys_fini(&prekeys);
    prekeys = read;
    ck_assert(!make(5 * DAY_MS, &read_one_time, &after));
    ck_assert_mem_eq(&before, &after, sizeof(before));
    buf_fini(&again);
    buf_fini(&saved);
    stop();
}
END_TEST

START_TEST(spoilt_records_are_refused)
{
    struct one_time_prekey one_time = {0};
    struct prekey_bundle bundle;
    struct prekeys read;
    struct buf saved;

    start(&session_modelled);
    buf_init(&saved, 1 << 16);
    (void)make(0, &one_time, &bundle);
    (void)make(5 * DAY_MS, &one_time, &bundle);
    prekeys_encode(&prekeys, &saved);
    for (size_t len = 0; len < saved.len; len++)
        ck_assert_int_eq(prekeys_decode(&read, (struct bytes){saved.data, len}), ERR_FORMAT);
    saved.data[8]++; /* the count */
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), ERR_FORMAT);
    saved.data[8]--;
    saved.data[12] = 2; /* the first id: the second is 2 too */
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), ERR_FORMAT);
    saved.data[12] = 0;
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), ERR_FORMAT);
    saved.data[12] = 1;
    saved.data[2] = 1; /* the registration id */
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), ERR_FORMAT);
    memset(saved.data, 0, 4);
    ck_assert_int_eq(prekeys_decode(&read, buf_bytes(&saved)), ERR_FORMAT);
    buf_fini(&saved);
    stop();
}
END_TEST

TEST_MAIN("prekeys", a_bundle_is_complete, one_prekey_per_contact, signed_prekeys_rotate_by_the_clock,
          old_signed_prekeys_are_kept_for_a_while, registration_ids_are_random, saved_prekeys_come_back,
          spoilt_records_are_refused)
