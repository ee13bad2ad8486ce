#include "sim/serve_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "sim/change.h"

#define WHY_BYTES_MAX  8192
#define TEXT_BYTES_MAX (32u << 20) /* a scenario has at most 16 MiB */

/* What a caller hears whose answer could not be made good. */
#define FAILED_ANSWER "Nothing was stored: this server's disk is full or fails. Reading goes on"

/* ---- the same world again ---- */

static int refuse(const struct serve_data *data, const char *option, const char *remedy)
{
    fprintf(stderr, "swarmbed: --data %s: its world was made with another %s: %s, or name another folder\n",
            data->folder, option, remedy);
    return 2;
}

/* "NAME=VALUE" and a zero, for each --set. */
static void write_parameters(const struct scenario_config *config, struct buf *out)
{
    for (size_t i = 0; i < config->set_count; i++) {
        buf_printf(out, "%s=%s", config->sets[i].name, config->sets[i].value);
        buf_byte(out, '\0');
    }
}

/* Back into the arguments; the texts stay in `kept`. */
static void read_parameters(struct buf *kept, struct scenario_args *args)
{
    char *text = (char *)kept->data;
    size_t at = 0;

    while (at < kept->len && args->config.set_count < SCENARIO_SETS_MAX) {
        size_t len = strnlen(text + at, kept->len - at);
        char *equals = memchr(text + at, '=', len);

        if (at + len == kept->len || equals == NULL)
            return; /* not as we write it */
        *equals = '\0';
        args->sets[args->config.set_count++] = (struct scenario_set){text + at, equals + 1};
        at += len + 1;
    }
}

static int take_seed(struct serve_data *data, struct scenario_config *config)
{
    struct buf kept;
    uint64_t seed = 0;
    bool given;

    buf_init(&kept, 64);
    given = disk_sqlite_get(data->disk, "seed", &kept) && decimal_decode(&seed, buf_bytes(&kept)) == OK;
    buf_fini(&kept);
    if (config->seed_given && (!given || seed != config->seed))
        return refuse(data, "seed", "leave --seed away");
    config->seed_given = given;
    config->seed = seed;
    return 0;
}

/* The kept name, as a text that ends. */
static const char *kept_name(struct serve_data *data)
{
    buf_byte(&data->name, '\0');
    return (const char *)data->name.data;
}

static int take_scenario(struct serve_data *data, struct scenario_args *args)
{
    struct buf parameters;
    bool same;

    if (args->scenario == NULL)
        scenario_args_take(args, kept_name(data), buf_bytes(&data->scenario));
    else if (!bytes_equal(args->config.source, buf_bytes(&data->scenario)))
        return refuse(data, "scenario", "leave the scenario away");
    if (args->config.set_count == 0) {
        read_parameters(&data->parameters, args);
        return 0;
    }
    buf_init(&parameters, TEXT_BYTES_MAX);
    write_parameters(&args->config, &parameters);
    same = bytes_equal(buf_bytes(&parameters), buf_bytes(&data->parameters));
    buf_fini(&parameters);
    return same ? 0 : refuse(data, "--set", "leave --set away");
}

static int take_world(struct serve_data *data, struct scenario_args *args)
{
    struct buf crypto;
    bool same;
    int status;

    buf_init(&crypto, 64);
    same = disk_sqlite_get(data->disk, "crypto", &crypto) &&
           bytes_equal_text(buf_bytes(&crypto), args->config.suite->name);
    buf_fini(&crypto);
    if (!same)
        return refuse(data, "--crypto", "name the other one");
    status = take_scenario(data, args);
    return status != 0 ? status : take_seed(data, &args->config);
}

static void keep_world(struct serve_data *data, const struct scenario_config *config)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    disk_sqlite_set(data->disk, "name", bytes_text(config->name));
    disk_sqlite_set(data->disk, "scenario", config->source);
    disk_sqlite_set(data->disk, "crypto", bytes_text(config->suite->name));
    write_parameters(config, &text);
    disk_sqlite_set(data->disk, "parameters", buf_bytes(&text));
    buf_clear(&text);
    if (config->seed_given)
        buf_u64(&text, config->seed);
    disk_sqlite_set(data->disk, "seed", buf_bytes(&text));
    buf_fini(&text);
}

int serve_data_open(struct serve_data *data, struct scenario_args *args)
{
    struct buf why;

    buf_init(&data->name, TEXT_BYTES_MAX);
    buf_init(&data->scenario, TEXT_BYTES_MAX);
    buf_init(&data->parameters, TEXT_BYTES_MAX);
    buf_init(&data->log, SIZE_MAX);
    if (data->folder == NULL) {
        fprintf(stderr, "memory: what is stored is gone when this ends; --data DIR keeps it\n");
        return 0;
    }
    buf_init(&why, WHY_BYTES_MAX);
    data->disk = disk_sqlite_open(data->folder, data->bytes_max, &why);
    if (data->disk == NULL)
        fprintf(stderr, "swarmbed: --data %.*s\n", (int)why.len, (const char *)why.data);
    buf_fini(&why);
    if (data->disk == NULL)
        return 3;
    data->source = disk_sqlite_source(data->disk);
    if (disk_sqlite_get(data->disk, "name", &data->name) && disk_sqlite_get(data->disk, "scenario", &data->scenario) &&
        disk_sqlite_get(data->disk, "parameters", &data->parameters))
        return take_world(data, args);
    keep_world(data, &args->config);
    return 0;
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Behind the time that the world has seen, what had expired would be back. */
void serve_data_fill(struct serve_data *data, struct scenario_serving *serving)
{
    serving->epoch_ms = wall_clock_ms();
    if (data->disk == NULL)
        return;
    serving->disks = &data->source;
    if (serving->epoch_ms < disk_sqlite_time_ms(data->disk))
        serving->epoch_ms = disk_sqlite_time_ms(data->disk);
}

static void write_record(void *owner, const struct disk_log_record *record)
{
    journal_record(owner, record);
}

struct journal *serve_data_journal(struct serve_data *data, const char *path, const struct scenario_config *config)
{
    uint64_t count = data->disk == NULL ? 0 : disk_sqlite_count(data->disk);
    struct journal *journal = journal_create(path, config, count);

    if (journal != NULL && data->disk != NULL)
        disk_sqlite_each(data->disk, write_record, journal);
    return journal;
}

int serve_data_start(struct serve_data *data, void (*news)(void *owner), void *owner)
{
    struct buf why;
    enum err err;

    if (data->disk == NULL)
        return 0;
    fprintf(stderr, "data: %s keeps what nodes store; %" PRIu64 " records are there\n", data->folder,
            disk_sqlite_count(data->disk));
    buf_init(&why, WHY_BYTES_MAX);
    err = disk_sqlite_start(data->disk, news, owner, &why);
    if (err != OK)
        fprintf(stderr, "swarmbed: --data %.*s\n", (int)why.len, (const char *)why.data);
    buf_fini(&why);
    return err == OK ? 0 : 3;
}

/* ---- while it runs ---- */

static void change(struct testbed *testbed, struct journal *journal, const struct change *change)
{
    enum err err = change_apply(change, testbed);

    ASSERT(err == OK); /* its node is there */
    journal_change(journal, world_now_us(testbed_world(testbed)), change);
}

/* What no file has must not be served, nor a second store of it be answered as one that is held already: its node
 * dies, and its disk has again what the file has. */
static void undo(struct serve_data *data, struct testbed *testbed, struct journal *journal, bool died[])
{
    struct disk_log_record record;
    struct bytes rest = buf_bytes(&data->log);
    struct buf value;

    buf_init(&value, SIZE_MAX);
    while (disk_log_next(&rest, &record)) {
        uint32_t node;
        enum err err;

        buf_clear(&value);
        disk_sqlite_read(data->disk, record.disk, record.key, &value);
        record.value = buf_bytes(&value);
        err = testbed_undo(testbed, &record, &node);
        ASSERT(err == OK); /* the log is its own */
        journal_undo(journal, world_now_us(testbed_world(testbed)), &record);
        died[node] = true;
    }
    buf_fini(&value);
}

static void tell_failure(const struct serve_data *data)
{
    struct buf why;

    buf_init(&why, WHY_BYTES_MAX);
    (void)disk_sqlite_failed(data->disk, &why);
    fprintf(stderr, "swarmbed: --data %.*s\nread-only: stores are refused from now on; what is kept is served on\n",
            (int)why.len, (const char *)why.data);
    buf_fini(&why);
}

/*  writing --failure--> read-only, until the process ends  */
static void on_failure(struct serve_data *data, struct testbed *testbed, struct journal *journal)
{
    uint32_t count = testbed_node_count(testbed);
    bool *ran = xcalloc(count, sizeof(*ran)), *died = xcalloc(count, sizeof(*died));

    if (!data->failed)
        tell_failure(data);
    data->failed = true;
    data->nodes_told = count;
    for (uint32_t i = 0; i < count; i++)
        ran[i] = testbed_node(testbed, i) != NULL;
    disk_sqlite_take_lost(data->disk, &data->log);
    undo(data, testbed, journal, died);
    buf_clear(&data->log);
    change(testbed, journal, &(struct change){.kind = CHANGE_DISKS, .value = 1});
    for (uint32_t i = 0; i < count; i++)
        if (died[i] && ran[i])
            change(testbed, journal, &(struct change){.kind = CHANGE_RESTART, .node = i});
    free(ran);
    free(died);
}

/* Of a disk that has failed: nodes that have registered since must know, and what they stored before that is undone. */
static bool still_read_only(const struct serve_data *data, struct testbed *testbed, bool logged)
{
    return data->failed && !logged && data->nodes_told == testbed_node_count(testbed);
}

void serve_data_turn(struct serve_data *data, struct testbed *testbed, struct gateway *gateway, struct journal *journal)
{
    struct world *world = testbed_world(testbed);
    bool logged;

    if (data->disk == NULL) {
        gateway_flush(gateway);
        return;
    }
    world_take_disk_log(world, &data->log);
    logged = data->log.len > 0;
    gateway_hold(gateway, disk_sqlite_write(data->disk, &data->log, world_now_ms(world)));
    if (still_read_only(data, testbed, logged)) {
        gateway_release(gateway, UINT64_MAX);
        return;
    }
    gateway_release(gateway, disk_sqlite_committed(data->disk));
    if (!disk_sqlite_failed(data->disk, NULL))
        return;
    gateway_fail_open(gateway, BYTES_LIT(FAILED_ANSWER));
    on_failure(data, testbed, journal);
}

/* ---- the end ---- */

int serve_data_close(struct serve_data *data, struct world *world, int status)
{
    struct buf why;

    if (data->disk != NULL) {
        if (world != NULL && !data->failed) {
            world_take_disk_log(world, &data->log);
            (void)disk_sqlite_write(data->disk, &data->log, world_now_ms(world));
        }
        buf_init(&why, WHY_BYTES_MAX);
        if (disk_sqlite_close(data->disk, &why) != OK) {
            if (!data->failed && status == 0)
                fprintf(stderr, "swarmbed: --data %.*s\n", (int)why.len, (const char *)why.data);
            status = status == 0 ? 3 : status;
        }
        buf_fini(&why);
    }
    return status;
}

void serve_data_fini(struct serve_data *data)
{
    buf_fini(&data->name);
    buf_fini(&data->scenario);
    buf_fini(&data->parameters);
    buf_fini(&data->log);
}
