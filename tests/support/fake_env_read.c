/* What a test reads of a fake env. */
#include <check.h>
#include <stdio.h>

#include "tests/support/fake_env.h"

const struct fake_call *fake_env_call(const struct fake_env *fake, size_t index)
{
    ASSERT(index < fake->call_count);
    return fake->calls[index];
}

struct bytes fake_call_path(const struct fake_call *call)
{
    return blob_bytes(call->path);
}

struct bytes fake_call_body(const struct fake_call *call)
{
    return blob_bytes(call->body);
}

size_t fake_env_open_call(const struct fake_env *fake, size_t n)
{
    for (size_t i = 0; i < fake->call_count; i++)
        if (fake->calls[i]->call != NULL && n-- == 0)
            return i;
    return SIZE_MAX;
}

size_t fake_env_open_calls(const struct fake_env *fake)
{
    size_t open = 0;

    for (size_t i = 0; i < fake->call_count; i++)
        open += fake->calls[i]->call != NULL;
    return open;
}

struct bytes fake_request_answer(const struct fake_request *request)
{
    return blob_bytes(request->answer);
}

size_t fake_env_traces(const struct fake_env *fake, enum trace_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < fake->trace_count; i++)
        count += fake->traces[i].kind == kind;
    return count;
}

const struct fake_trace *fake_env_last_trace(const struct fake_env *fake, enum trace_kind kind)
{
    for (size_t i = fake->trace_count; i-- > 0;)
        if (fake->traces[i].kind == kind)
            return &fake->traces[i];
    return NULL;
}

bool fake_env_idle(const struct fake_env *fake, char left[FAKE_LEFT_MAX])
{
    size_t calls = fake_env_open_calls(fake), timers = fake_env_timers(fake);

    if (calls > 0 || timers > 0 || fake->syncs_waiting > 0) {
        snprintf(left, FAKE_LEFT_MAX, "%zu calls, %zu timers, %zu syncs", calls, timers, fake->syncs_waiting);
        return false;
    }
    for (size_t i = 0; i < fake->request_count; i++) {
        const struct fake_request *request = fake->requests[i];

        if (!request->answered && !request->gone) {
            snprintf(left, FAKE_LEFT_MAX, "request %zu (%.*s) has no answer", i, (int)request->path->len,
                     (const char *)request->path->data);
            return false;
        }
    }
    return true;
}

void fake_env_check(const struct fake_env *fake)
{
    char left[FAKE_LEFT_MAX];

    ck_assert_msg(fake_env_idle(fake, left), "left: %s", left);
}
