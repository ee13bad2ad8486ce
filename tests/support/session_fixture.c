#include "tests/support/session_fixture.h"

#include <check.h>
#include <string.h>

const struct session_suite *const suites[2] = {&session_real, &session_modelled};

static struct rng_key world;

static void draw(void *owner, void *out, size_t len)
{
    rng_bytes(owner, out, len);
}

struct session_self pair_self(struct pair *pair, int who)
{
    struct person *person = &pair->people[who];

    return (struct session_self){.library = pair->library,
                                 .identity = &person->identity,
                                 .prekeys = &person->prekeys,
                                 .draw = draw,
                                 .owner = &person->rng,
                                 .arena = &pair->arena,
                                 .work = person->work};
}

static void person_init(struct person *person, uint32_t source)
{
    memset(person, 0, sizeof(*person));
    rng_init(&person->rng, &world, RNG_PROTOCOL, source);
    rng_bytes(&person->rng, person->identity.secret.bytes, sizeof(person->identity.secret.bytes));
    x25519_public_of(&person->identity.secret, &person->identity.public);
    account_from_x25519(&person->identity.public, &person->account);
    prekeys_init(&person->prekeys, draw, &person->rng);
}

static void person_fini(struct person *person)
{
    blob_drop(person->record);
    prekeys_fini(&person->prekeys);
}

void pair_init(struct pair *pair, const struct session_suite *suite)
{
    ck_assert_int_eq(crypto_start(), OK);
    rng_key_from_seed(&world, 7);
    pair->suite = suite;
    pair->library = session_library_new();
    arena_init(&pair->arena);
    person_init(&pair->people[0], 1);
    person_init(&pair->people[1], 2);
}

void pair_fini(struct pair *pair)
{
    person_fini(&pair->people[0]);
    person_fini(&pair->people[1]);
    arena_fini(&pair->arena);
    session_library_free(pair->library);
}

struct prekey_bundle pair_offer(struct pair *pair, int who, int64_t now_ms)
{
    struct person *person = &pair->people[who];
    struct session_self self = pair_self(pair, who);
    struct prekey_bundle bundle;
    bool changed;

    prekeys_bundle(&person->prekeys, &self, pair->suite, now_ms, &person->one_time, &bundle, &changed);
    person->work = self.work;
    return bundle;
}

enum err pair_start(struct pair *pair, int who, const struct prekey_bundle *bundle)
{
    struct person *person = &pair->people[who];
    struct session_self self = pair_self(pair, who);
    enum err err = pair->suite->start(&self, &pair->people[!who].account, bundle, &person->record);

    person->work = self.work;
    return err;
}

enum err pair_seal(struct pair *pair, int who, struct bytes plain, struct session_sealed *sealed)
{
    struct person *person = &pair->people[who];
    struct session_self self = pair_self(pair, who);
    enum err err = pair->suite->encrypt(&self, &pair->people[!who].account, plain, &person->record, sealed);

    person->work = self.work;
    return err;
}

enum err pair_open(struct pair *pair, int who, const struct session_sealed *sealed, struct session_opened *opened)
{
    struct person *person = &pair->people[who];
    struct session_self self = pair_self(pair, who);
    enum err err = pair->suite->decrypt(&self, &pair->people[!who].account, &person->one_time, sealed->type,
                                        sealed->wire, &person->record, opened);

    person->work = self.work;
    if (err == OK && opened->prekey_used)
        one_time_prekey_forget(&person->one_time);
    return err;
}

struct session_sealed sealed_text(struct pair *pair, int who, const char *text)
{
    struct session_sealed sealed;

    ck_assert_int_eq(pair_seal(pair, who, bytes_text(text), &sealed), OK);
    return sealed;
}

struct session_opened opened_text(struct pair *pair, int who, const struct session_sealed *sealed, const char *text)
{
    struct session_opened opened;

    ck_assert_int_eq(pair_open(pair, who, sealed, &opened), OK);
    ck_assert(bytes_equal_text(opened.plain, text));
    return opened;
}

void pair_settle(struct pair *pair)
{
    struct prekey_bundle bundle = pair_offer(pair, 0, 0);
    struct session_sealed sealed;

    ck_assert_int_eq(pair_start(pair, 1, &bundle), OK);
    sealed = sealed_text(pair, 1, "first");
    (void)opened_text(pair, 0, &sealed, "first");
    sealed = sealed_text(pair, 0, "answer");
    (void)opened_text(pair, 1, &sealed, "answer");
}
