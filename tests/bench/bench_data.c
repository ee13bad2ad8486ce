/* bench_data.c: stores by HTTP into a network that keeps them, against SQLite alone doing the same commits.
 *
 * A round of ours sends stores over many connections and counts what was committed meanwhile, replicas of the swarm's
 * seven nodes included; the other side then writes as many records of that size in as many commits. */
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "node/store_record.h"
#include "tests/bench/bench.h"
#include "tests/bench/http_load.h"
#include "tests/bench/stores.h"

#define CONNECTIONS 64
#define SWARM       7
#define ROUNDS      5
#define EACH        1500 /* stores a round */
#define TOTAL       ((ROUNDS + 1) * EACH)
#define VALUE_BYTES (STORE_RECORD_OVERHEAD + STORES_DATA_BYTES)
#define SETTLE_US   20000

struct data {
    char folder[32];
    struct server server;
    struct load load;
    struct buf *requests;
    size_t sent;
    uint64_t records, commits; /* of the last round */
    uint64_t all_records, all_commits;
    sqlite3 *alone;
    uint64_t key;
};

static void must(sqlite3 *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(db));
    exit(3);
}

static void make_requests(struct data *data)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    data->requests = xcalloc(TOTAL, sizeof(*data->requests));
    for (uint32_t i = 0; i < TOTAL; i++) {
        struct blob *body = stores_request(i, (uint64_t)now.tv_sec * 1000);

        data->requests[i] = http_post(PATH_STORAGE_RPC, blob_bytes(body));
        blob_drop(body);
    }
}

static uint64_t record_count(const struct data *data)
{
    return server_metric(&data->server, "swarmbed_disk_records_total");
}

static uint64_t commit_count(const struct data *data)
{
    return server_metric(&data->server, "swarmbed_disk_commits_total");
}

/* Nanoseconds per store, from the request to the answer that the commit lets go. */
static double store(void *owner)
{
    struct data *data = owner;
    uint64_t records = record_count(data), commits = commit_count(data), took_ns;

    took_ns = load_run(&data->load, data->requests + data->sent, EACH, EACH);
    data->records = record_count(data) - records;
    data->commits = commit_count(data) - commits;
    data->all_records += data->records;
    data->all_commits += data->commits;
    data->sent += EACH;
    while (record_count(data) < data->sent * SWARM) /* the rest of the swarm, before the other side's turn */
        usleep(SETTLE_US);
    return (double)took_ns / EACH;
}

static void open_alone(struct data *data)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/alone.sqlite", data->folder);
    must(data->alone, sqlite3_open(path, &data->alone));
    must(data->alone,
         sqlite3_exec(data->alone,
                      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768;"
                      "CREATE TABLE record (disk INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
                      " UNIQUE (disk, key))",
                      NULL, NULL, NULL));
}

static double write_alone(void *owner)
{
    static uint8_t value[VALUE_BYTES];
    struct data *data = owner;
    uint64_t began_ns = wall_ns(), written = 0;
    sqlite3_stmt *put;

    must(data->alone,
         sqlite3_prepare_v2(data->alone, "INSERT INTO record (disk, key, value) VALUES (?1, ?2, ?3)", -1, &put, NULL));
    for (uint64_t commit = 1; commit <= data->commits; commit++) {
        must(data->alone, sqlite3_exec(data->alone, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        for (; written < data->records * commit / data->commits; written++) {
            uint8_t key[STORE_KEY_BYTES];

            store_key_encode(data->key / SWARM, key);
            must(data->alone, sqlite3_bind_int64(put, 1, (sqlite3_int64)(data->key++ % SWARM)));
            must(data->alone, sqlite3_bind_blob(put, 2, key, sizeof(key), SQLITE_STATIC));
            must(data->alone, sqlite3_bind_blob(put, 3, value, sizeof(value), SQLITE_STATIC));
            must(data->alone, sqlite3_step(put));
            must(data->alone, sqlite3_reset(put));
        }
        must(data->alone, sqlite3_exec(data->alone, "COMMIT", NULL, NULL, NULL));
    }
    sqlite3_finalize(put);
    return (double)(wall_ns() - began_ns) / EACH;
}

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL)
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries != NULL)
        closedir(entries);
    (void)rmdir(folder);
}

void bench_data(struct bench *bench)
{
    struct data data = {.folder = "/tmp/swarmbed_bench_XXXXXX"};
    struct bench_row row = {.what = "stores that are kept, by HTTP over 64 connections",
                            .against = "SQLite alone doing the same commits"};
    struct bench_pair pair;

    if (mkdtemp(data.folder) == NULL) {
        perror(data.folder);
        exit(3);
    }
    make_requests(&data);
    open_alone(&data);
    server_start(&data.server, "world { nodes = 7 }\n", data.folder);
    load_open(&data.load, &data.server, CONNECTIONS, SWARM, NULL);
    pair = bench_compare(ROUNDS, store, &data, write_alone, &data);
    snprintf(row.detail, sizeof(row.detail),
             "SQLite alone: %.0f/s; %.1f records and %.2f commits a store, 1 KiB of data", 1e9 / pair.theirs_ns,
             (double)data.all_records / TOTAL, (double)data.all_commits / TOTAL);
    row.ratio = bench_ratio(1 / pair.ratio, AIM_NONE, 0);
    row.absolute = (struct bench_figure){1e9 / pair.ours_ns, AIM_NONE, 0, "/s", 0};
    bench_add(bench, &row);
    load_close(&data.load);
    server_stop(&data.server);
    sqlite3_close(data.alone);
    for (uint32_t i = 0; i < TOTAL; i++)
        buf_fini(&data.requests[i]);
    free(data.requests);
    remove_folder(data.folder);
}
