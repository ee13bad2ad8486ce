#include "sim/verify.h"

#include <errno.h>
#include <string.h>

#include "common/suite.h"
#include "sim/verify_vector.h"

#define FILE_BYTES_MAX (64u << 20)

/* Two sections have the same name in two kinds: `member`, if not NULL, is what the first vector of one of them must
 * have. The kind that says so comes first. */
static const struct kind {
    const char *name, *member;
    const struct verify_section *sections;
} kinds[] = {
    {"swarm_space", NULL, verify_swarm_space_sections},
    {"x3dh_ratchet", "session_start", verify_session_sections},
    {"swarm_assignment", NULL, verify_assignment_sections},
    {"pow", NULL, verify_pow_sections},
    {"onion", NULL, verify_onion_sections},
    {"friend_request", NULL, verify_friend_request_sections},
    {"protobuf", "wire_hex", verify_protobuf_sections},
    {"ed25519_x25519", NULL, verify_keys_sections},
    {"message_hash", "hash", verify_message_hash_sections},
};

static const struct verify_section *find_section(const struct kind *kind, const char *name)
{
    for (const struct verify_section *section = kind->sections; section->name != NULL; section++)
        if (strcmp(section->name, name) == 0)
            return section;
    return NULL;
}

static bool is_kind(const struct kind *kind, const struct json *document)
{
    for (const struct verify_section *section = kind->sections; section->name != NULL; section++) {
        const struct json *value = json_get(document, section->name);

        if (value != NULL && (kind->member == NULL || json_get(json_first(value), kind->member) != NULL))
            return true;
    }
    return false;
}

static const struct kind *find_kind(const struct json *document)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (is_kind(&kinds[i], document))
            return &kinds[i];
    return NULL;
}

static void verify_section(struct verify *v, const struct verify_section *section, const struct json *value)
{
    size_t index = 0;

    if (json_is_object(value)) { /* a section of one vector */
        verify_enter(v, section->name, 0);
        section->each(v, value);
        verify_leave(v);
        return;
    }
    for (const struct json *vector = json_first(value); vector != NULL; vector = json_next(vector)) {
        verify_enter(v, section->name, index++);
        if (json_is_object(vector))
            section->each(v, vector);
        else
            verify_unreadable(v, "must be an object");
        verify_leave(v);
    }
}

/* Something is wrong with the file as a whole. */
static void file_error(struct verify *v, const char *text)
{
    v->errors++;
    fprintf(v->err, "swarmbed verify: %s: %s\n", v->file, text);
}

static void verify_document(struct verify *v, const struct json *document)
{
    const struct kind *kind = find_kind(document);

    if (kind == NULL) {
        file_error(v, "no known kind of test vectors; the kinds are described in tests/vectors/README.md");
        return;
    }
    for (const struct json *member = json_first(document); member != NULL; member = json_next(member)) {
        const struct verify_section *section = find_section(kind, json_name(member));

        if (section != NULL && (json_is_array(member) || json_is_object(member))) {
            verify_section(v, section, member);
        } else if (section != NULL || json_is_array(member) || json_is_object(member)) {
            v->errors++;
            fprintf(v->err, "swarmbed verify: %s: '%s' is no section of vectors of the kind %s\n", v->file,
                    json_name(member), kind->name);
        }
    }
    if (v->passed + v->failed + v->errors == 0)
        file_error(v, "no test vectors are in it");
    fprintf(v->out, "%s: %s: %u passed, %u failed", v->file, kind->name, v->passed, v->failed);
    if (v->errors > 0)
        fprintf(v->out, ", %u unreadable", v->errors);
    fputc('\n', v->out);
}

static bool read_file(struct verify *v, struct buf *text)
{
    uint8_t chunk[65536];
    FILE *file = fopen(v->file, "rb");
    size_t len;

    if (file == NULL) {
        file_error(v, strerror(errno));
        return false;
    }
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_append(text, (struct bytes){chunk, len});
    if (ferror(file))
        file_error(v, strerror(errno));
    else if (text->err != OK)
        file_error(v, "larger than 64 MiB");
    fclose(file);
    return v->errors == 0;
}

static void verify_content(struct verify *v, struct bytes text)
{
    enum err err;
    struct json *document = json_parse(text, &err);

    if (document == NULL) {
        file_error(v, err == ERR_TOO_BIG ? "more values than a JSON text may have here" : "not JSON");
        return;
    }
    verify_document(v, document);
    json_free(document);
}

static void verify_file(struct verify *v)
{
    struct buf text;

    buf_init(&text, FILE_BYTES_MAX);
    if (read_file(v, &text))
        verify_content(v, buf_bytes(&text));
    buf_fini(&text);
}

static int exit_status(unsigned failed, unsigned errors)
{
    if (errors > 0)
        return 2;
    return failed > 0 ? 1 : 0;
}

int verify_text_file(const char *name, struct bytes text, FILE *out, FILE *err)
{
    struct verify v = {.out = out, .err = err, .file = name};

    arena_init(&v.arena);
    verify_content(&v, text);
    arena_fini(&v.arena);
    return exit_status(v.failed, v.errors);
}

int verify_files(const char *const files[], size_t count, FILE *out, FILE *err)
{
    unsigned passed = 0, failed = 0, errors = 0;

    if (crypto_start() != OK) {
        fprintf(err, "swarmbed verify: the cryptographic libraries do not start\n");
        return 3;
    }
    for (size_t i = 0; i < count; i++) {
        struct verify v = {.out = out, .err = err, .file = files[i]};

        arena_init(&v.arena);
        verify_file(&v);
        arena_fini(&v.arena);
        passed += v.passed;
        failed += v.failed;
        errors += v.errors;
    }
    fprintf(out, "%u passed, %u failed\n", passed, failed);
    return exit_status(failed, errors);
}
