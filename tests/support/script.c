#include "tests/support/script.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/costs.h"

/* One of the standard streams, turned into a file for a while. */
struct captured {
    FILE *stream, *file;
    int saved;
};

static void capture(struct captured *captured, FILE *stream)
{
    fflush(stream);
    captured->stream = stream;
    captured->file = tmpfile();
    captured->saved = dup(fileno(stream));
    ck_assert_ptr_nonnull(captured->file);
    ck_assert_int_ge(dup2(fileno(captured->file), fileno(stream)), 0);
}

static char *release(struct captured *captured)
{
    long len;
    char *text;

    fflush(captured->stream);
    ck_assert_int_ge(dup2(captured->saved, fileno(captured->stream)), 0);
    close(captured->saved);
    fseek(captured->file, 0, SEEK_END);
    len = ftell(captured->file);
    text = xcalloc((size_t)len + 1, 1);
    rewind(captured->file);
    ck_assert_uint_eq(fread(text, 1, (size_t)len, captured->file), (size_t)len);
    fclose(captured->file);
    return text;
}

void script_init(struct script *script)
{
    *script = (struct script){.config = {.name = "test.lua",
                                         .threads = 1,
                                         .suite = &crypto_modelled,
                                         .costs = costs_default(),
                                         .story = true,
                                         .replay_options = ""}};
    ck_assert_int_eq(crypto_start(), OK);
}

void script_fini(struct script *script)
{
    free(script->out);
    free(script->err);
}

static int run(struct script *script, const char *text, bool describe)
{
    struct captured out, err;

    script_fini(script);
    script->config.source = bytes_text(text);
    capture(&out, stdout);
    capture(&err, stderr);
    script->status =
        describe ? scenario_describe(&script->config, stdout) : scenario_run(&script->config, &script->report);
    script->out = release(&out);
    script->err = release(&err);
    return script->status;
}

int script_run(struct script *script, const char *text)
{
    return run(script, text, false);
}

int script_describe(struct script *script, const char *text)
{
    return run(script, text, true);
}

void script_holds_at(struct script *script, const char *text, const char *file, int line)
{
    script_run(script, text);
    if (script->status != 0 || script->report.expectations == 0)
        ck_abort_msg("%s:%d: status %d, %u expectations\n%s", file, line, script->status, script->report.expectations,
                     script->err);
}

void story_holds_at(const char *text, const char *file, int line)
{
    struct script script;

    script_init(&script);
    script_holds_at(&script, text, file, line);
    script_fini(&script);
}

void script_refused_at(struct script *script, const char *text, const char *file, int line, const char *words[])
{
    script_run(script, text);
    if (script->status != 2)
        ck_abort_msg("%s:%d: status %d for: %s\n%s", file, line, script->status, text, script->err);
    for (; *words != NULL; words++)
        if (strstr(script->err, *words) == NULL)
            ck_abort_msg("%s:%d: not \"%s\" in: %s", file, line, *words, script->err);
}
