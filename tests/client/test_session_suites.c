/* Both suites in step: whatever two people do, the real sessions and the modelled ones do the same. */
#include <string.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/session_fixture.h"

#define MAIL_MAX 64

/* The same message in both suites; its text is in the arena. */
struct mail {
    struct session_sealed in[2];
    struct bytes text;
};

struct twins {
    struct pair pairs[2];
    struct rng script;
    int64_t now_ms;
    struct mail mail[2][MAIL_MAX]; /* to whom; kept when it was read, for duplicates */
    size_t mail_count[2];
    unsigned done[ERR_COUNT]; /* how often reading ended so */
};

/* After each step: the same of everything but the bytes of keys. */
static void check_twins(struct twins *t)
{
    for (int who = 0; who < 2; who++) {
        struct person *real = &t->pairs[0].people[who], *modelled = &t->pairs[1].people[who];

        ck_assert_uint_eq(real->rng.position_bytes, modelled->rng.position_bytes);
        ck_assert_uint_eq(real->work.x25519, modelled->work.x25519);
        ck_assert_uint_eq(real->work.signs, modelled->work.signs);
        ck_assert_uint_eq(real->work.sealed_bytes, modelled->work.sealed_bytes);
        ck_assert_uint_eq(real->one_time.id, modelled->one_time.id);
        ck_assert_int_eq(real->record == NULL, modelled->record == NULL);
        if (real->record != NULL)
            ck_assert_uint_eq(real->record->len, modelled->record->len);
    }
}

static uint32_t pick(struct twins *t, uint32_t n)
{
    return (uint32_t)rng_below(&t->script, n);
}

static void step_start(struct twins *t, int who)
{
    bool spoil = pick(t, 10) == 0;
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct prekey_bundle bundle = pair_offer(&t->pairs[i], !who, t->now_ms);

        bundle.signature[20] ^= spoil;
        errs[i] = pair_start(&t->pairs[i], who, &bundle);
    }
    ck_assert_int_eq(errs[0], errs[1]);
    ck_assert(errs[0] == (spoil ? ERR_CRYPTO : OK) || errs[0] == ERR_TOO_BIG);
}

static void step_seal(struct twins *t, int who)
{
    struct mail *mail;
    uint8_t text[100];
    enum err errs[2];

    if (t->mail_count[!who] == MAIL_MAX)
        t->mail[!who][pick(t, MAIL_MAX)] = t->mail[!who][--t->mail_count[!who]];
    mail = &t->mail[!who][t->mail_count[!who]++];
    rng_bytes(&t->script, text, sizeof(text));
    mail->text = arena_copy(&t->pairs[0].arena, (struct bytes){text, pick(t, sizeof(text))});
    for (int i = 0; i < 2; i++)
        errs[i] = pair_seal(&t->pairs[i], who, mail->text, &mail->in[i]);
    ck_assert_int_eq(errs[0], errs[1]);
    if (errs[0] != OK) {
        ck_assert(errs[0] == ERR_MISSING || errs[0] == ERR_TOO_BIG);
        t->mail_count[!who]--;
        return;
    }
    ck_assert_int_eq(mail->in[0].type, mail->in[1].type);
    ck_assert_uint_eq(mail->in[0].wire.len, mail->in[1].wire.len);
}

/* Any message, new or old, as it is or changed in one byte. */
static void step_open(struct twins *t, int who)
{
    struct session_opened opened[2] = {{.began = false}, {.began = false}};
    struct mail *mail;
    size_t spoilt_at = SIZE_MAX;
    enum err errs[2];

    if (t->mail_count[who] == 0)
        return;
    mail = &t->mail[who][pick(t, 2) == 0 ? t->mail_count[who] - 1 : pick(t, (uint32_t)t->mail_count[who])];
    if (pick(t, 8) == 0)
        spoilt_at = pick(t, (uint32_t)mail->in[0].wire.len);
    for (int i = 0; i < 2; i++) {
        struct session_sealed sealed = mail->in[i];

        if (spoilt_at != SIZE_MAX) {
            sealed.wire = arena_copy(&t->pairs[i].arena, sealed.wire);
            ((uint8_t *)(uintptr_t)sealed.wire.data)[spoilt_at] ^= 0x04;
        }
        errs[i] = pair_open(&t->pairs[i], who, &sealed, &opened[i]);
    }
    ck_assert_msg(errs[0] == errs[1], "real: %s, modelled: %s", err_text(errs[0]), err_text(errs[1]));
    t->done[errs[0]]++;
    if (errs[0] != OK)
        return;
    for (int i = 0; i < 2; i++)
        ck_assert(bytes_equal(opened[i].plain, mail->text));
    ck_assert_int_eq(opened[0].began, opened[1].began);
    ck_assert_int_eq(opened[0].switched, opened[1].switched);
    ck_assert_int_eq(opened[0].prekey_used, opened[1].prekey_used);
}

/* Many messages that nobody reads. */
static void step_skip(struct twins *t, int who)
{
    for (uint32_t n = pick(t, 3) == 0 ? pick(t, 1000) : pick(t, 20); n > 0; n--)
        for (int i = 0; i < 2; i++) {
            struct session_sealed sealed;

            (void)!pair_seal(&t->pairs[i], who, BYTES_LIT("lost"), &sealed);
        }
}

static void step_forget(struct twins *t, int who)
{
    for (int i = 0; i < 2; i++) {
        blob_drop(t->pairs[i].people[who].record);
        t->pairs[i].people[who].record = NULL;
    }
}

static void step_keep_active(struct twins *t, int who)
{
    enum err errs[2];

    for (int i = 0; i < 2; i++) {
        struct session_self self = pair_self(&t->pairs[i], who);

        errs[i] = t->pairs[i].suite->keep_active(&self, &t->pairs[i].people[who].record);
    }
    ck_assert_int_eq(errs[0], errs[1]);
}

static void step(struct twins *t)
{
    int who = (int)pick(t, 2);

    switch (pick(t, 40)) {
    case 0:
        step_forget(t, who);
        break;
    case 1:
        step_keep_active(t, who);
        break;
    case 2:
    case 3:
    case 4:
        step_start(t, who);
        break;
    case 5:
        step_skip(t, who);
        break;
    case 6:
        t->now_ms += pick(t, 4) * INT64_C(86400000);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
        step_seal(t, who);
        break;
    default:
        step_open(t, who);
    }
    check_twins(t);
}

/* The same scripts in both suites: starts, resets and time, messages out of order, lost, twice and changed. */
START_TEST(both_suites_do_the_same)
{
    static struct twins t;
    unsigned done[ERR_COUNT] = {0};
    struct rng_key world;

    rng_key_from_seed(&world, 7);
    for (uint32_t seed = 0; seed < 30; seed++) {
        memset(&t, 0, sizeof(t));
        pair_init(&t.pairs[0], &session_real);
        pair_init(&t.pairs[1], &session_modelled);
        rng_init(&t.script, &world, RNG_SCENARIO, seed);
        for (int n = 0; n < 300; n++)
            step(&t);
        for (int i = 0; i < 2; i++)
            pair_fini(&t.pairs[i]);
        for (int i = 0; i < ERR_COUNT; i++)
            done[i] += t.done[i];
    }
    /* The script reaches what it is for. */
    ck_assert_uint_gt(done[OK], 500);
    ck_assert_uint_gt(done[ERR_DUPLICATE], 100);
    ck_assert_uint_gt(done[ERR_CRYPTO], 100);
    ck_assert_uint_gt(done[ERR_NOT_FOUND], 10);
    ck_assert_uint_gt(done[ERR_MISSING], 10);
    ck_assert_uint_gt(done[ERR_FORMAT], 10);
    ck_assert_uint_gt(done[ERR_REFUSED], 10);
    ck_assert_uint_gt(done[ERR_TOO_BIG], 10);
}
END_TEST

TEST_MAIN("session_suites", both_suites_do_the_same)
