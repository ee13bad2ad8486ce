#include "sim/disk_sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT         1
#define APPLICATION    0x73776d62 /* "swmb", in the file's header: whose file it is */
#define PATH_BYTES_MAX 4096
#define WHY_BYTES_MAX  8192
#define PAGE_BYTES     4096

/* Of the write-ahead log: 16 MB. Copying them into the file is a pause for who waits. */
#define CHECKPOINT_PAGES "4000"

struct disk_sqlite {
    char path[PATH_BYTES_MAX];
    sqlite3 *db;
    sqlite3_stmt *put, *erase, *read, *set, *keep_node;
    void (*news)(void *owner);
    void *news_owner;
    bool started;
    pthread_t writer;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    struct buf waiting; /* given, not yet taken by the writer; once that has failed: lost */
    int64_t waiting_ms;
    uint64_t given, committed;
    struct disk_counts counts;
    bool ending, lost; /* lost: the writer has failed and ended, and touches nothing any more */
    int failed;        /* SQLite's code of the first failure */
    struct buf why;    /* its sentence, and the remedy */
};

/* ---- what is wrong, and what to do ---- */

static const char *remedy(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "there is no room left: make some, or raise --data-limit, and start again";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another running process has it: end that one, or name another folder";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return "it cannot be written: give this user the right to write the file and its folder, and start again";
    case SQLITE_NOTADB:
        return "it is no SQLite file: move it away, or name another folder";
    case SQLITE_CORRUPT:
        return "it is damaged: put a copy back, try `sqlite3 FILE .recover`, or move it away to begin anew";
    case SQLITE_MISMATCH:
        return "use the version of swarmbed that wrote it, or name another folder";
    default:
        return "the machine's disk fails: see the system's log; what was acknowledged before is kept";
    }
}

/* The first failure stays. */
static void fail(struct disk_sqlite *disk, int code, const char *what)
{
    pthread_mutex_lock(&disk->mutex);
    if (disk->failed == SQLITE_OK) {
        disk->failed = code;
        buf_printf(&disk->why, "%s: %s; %s", disk->path, what, remedy(code));
    }
    pthread_mutex_unlock(&disk->mutex);
}

static bool has_failed(struct disk_sqlite *disk)
{
    bool failed;

    pthread_mutex_lock(&disk->mutex);
    failed = disk->failed != SQLITE_OK;
    pthread_mutex_unlock(&disk->mutex);
    return failed;
}

static bool check(struct disk_sqlite *disk, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        return true;
    fail(disk, code, disk->db != NULL ? sqlite3_errmsg(disk->db) : sqlite3_errstr(code));
    return false;
}

static bool run_sql(struct disk_sqlite *disk, const char *sql)
{
    return check(disk, sqlite3_exec(disk->db, sql, NULL, NULL, NULL));
}

static bool prepare(struct disk_sqlite *disk, const char *sql, sqlite3_stmt **statement)
{
    return check(disk, sqlite3_prepare_v3(disk->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

/* An empty piece is an empty blob, not NULL. */
static int bind(sqlite3_stmt *statement, int at, struct bytes bytes)
{
    return sqlite3_bind_blob64(statement, at, bytes.len == 0 ? "" : (const char *)bytes.data, bytes.len, SQLITE_STATIC);
}

static struct bytes column(sqlite3_stmt *statement, int at)
{
    const void *data = sqlite3_column_blob(statement, at);

    return (struct bytes){data, (size_t)sqlite3_column_bytes(statement, at)};
}

/* The first number that a statement without parameters gives; 0 if there is none. */
static int64_t number_of(struct disk_sqlite *disk, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t number = 0;

    if (!prepare(disk, sql, &statement))
        return 0;
    if (check(disk, sqlite3_step(statement)))
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- opening ---- */

/* Rows of ordinary tables lie in the order in which they come: a store writes the end of `record`, and of its node's
 * part of the index. */
static const char schema[] = "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
                             "CREATE TABLE node (disk INTEGER PRIMARY KEY, ed25519 BLOB NOT NULL UNIQUE);"
                             "CREATE TABLE record (disk INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
                             " UNIQUE (disk, key));";

static bool make_folder(struct disk_sqlite *disk, const char *folder)
{
    struct stat stat_of;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        fail(disk, SQLITE_CANTOPEN, strerror(errno));
        return false;
    }
    if (stat(folder, &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
        return true;
    fail(disk, SQLITE_CANTOPEN, "its folder is none");
    return false;
}

static bool make_tables(struct disk_sqlite *disk)
{
    char *sql = sqlite3_mprintf("BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", schema,
                                APPLICATION, FORMAT);
    bool made = sql != NULL && run_sql(disk, sql);

    sqlite3_free(sql);
    return made;
}

static bool check_content(struct disk_sqlite *disk)
{
    sqlite3_stmt *statement;
    bool whole = false;

    if (!prepare(disk, "PRAGMA quick_check(1)", &statement))
        return false;
    if (check(disk, sqlite3_step(statement))) {
        struct bytes verdict = column(statement, 0);

        whole = bytes_equal_text(verdict, "ok");
        if (!whole)
            fail(disk, SQLITE_CORRUPT, (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return whole;
}

/* Ours and of this format, or new. */
static bool check_format(struct disk_sqlite *disk)
{
    int64_t tables = number_of(disk, "SELECT count(*) FROM sqlite_schema");
    int64_t application = number_of(disk, "PRAGMA application_id"), format = number_of(disk, "PRAGMA user_version");
    char text[160];

    if (disk_sqlite_failed(disk, NULL))
        return false;
    if (tables == 0 && application == 0 && format == 0)
        return make_tables(disk);
    if (application != APPLICATION) {
        fail(disk, SQLITE_NOTADB, "another program's file");
        return false;
    }
    if (format != FORMAT) {
        snprintf(text, sizeof(text), "its format is %lld, and this program reads %d", (long long)format, FORMAT);
        fail(disk, SQLITE_MISMATCH, text);
        return false;
    }
    return check_content(disk);
}

/* Exclusive: the lock is taken with the first read and kept until the process ends, however it ends. */
static bool open_file(struct disk_sqlite *disk, uint64_t bytes_max)
{
    char limit[64];
    bool opened = check(disk, sqlite3_open_v2(disk->path, &disk->db,
                                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX |
                                                  SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                                              NULL));

    if (!opened)
        return false;
    if (sqlite3_db_readonly(disk->db, "main") != 0) {
        fail(disk, SQLITE_READONLY, "no right to write");
        return false;
    }
    if (!run_sql(disk, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES "; PRAGMA cache_size = -32768;"
                       "PRAGMA cell_size_check = ON; BEGIN IMMEDIATE; COMMIT"))
        return false;
    if (bytes_max == 0)
        return true;
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %llu", (unsigned long long)(bytes_max / PAGE_BYTES + 1));
    return run_sql(disk, limit);
}

static bool prepare_all(struct disk_sqlite *disk)
{
    return prepare(disk,
                   "INSERT INTO record (disk, key, value) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (disk, key) DO UPDATE SET value = excluded.value",
                   &disk->put) &&
           prepare(disk, "DELETE FROM record WHERE disk = ?1 AND key = ?2", &disk->erase) &&
           prepare(disk, "SELECT key, value FROM record WHERE disk = ?1 ORDER BY key", &disk->read) &&
           prepare(disk, "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)", &disk->set) &&
           prepare(disk, "INSERT OR IGNORE INTO node (disk, ed25519) VALUES (?1, ?2)", &disk->keep_node);
}

static void free_all(struct disk_sqlite *disk)
{
    sqlite3_finalize(disk->put);
    sqlite3_finalize(disk->erase);
    sqlite3_finalize(disk->read);
    sqlite3_finalize(disk->set);
    sqlite3_finalize(disk->keep_node);
    sqlite3_close(disk->db);
    pthread_cond_destroy(&disk->wake);
    pthread_mutex_destroy(&disk->mutex);
    buf_fini(&disk->waiting);
    buf_fini(&disk->why);
    free(disk);
}

struct disk_sqlite *disk_sqlite_open(const char *folder, uint64_t bytes_max, struct buf *why)
{
    struct disk_sqlite *disk = xcalloc(1, sizeof(*disk));
    int len = snprintf(disk->path, sizeof(disk->path), "%s/" DISK_SQLITE_FILE, folder);

    pthread_mutex_init(&disk->mutex, NULL);
    pthread_cond_init(&disk->wake, NULL);
    buf_init(&disk->waiting, SIZE_MAX);
    buf_init(&disk->why, WHY_BYTES_MAX);
    if (len < 0 || (size_t)len >= sizeof(disk->path))
        fail(disk, SQLITE_CANTOPEN, "its name is too long");
    /* One transaction from here to the start: the nodes' keys are written in one go. */
    else if (make_folder(disk, folder) && open_file(disk, bytes_max) && check_format(disk) && prepare_all(disk) &&
             run_sql(disk, "BEGIN IMMEDIATE"))
        return disk;
    (void)disk_sqlite_failed(disk, why);
    free_all(disk);
    return NULL;
}

/* ---- before the start ---- */

/* Runs a statement that gives no rows, with what is bound. */
static bool step_once(struct disk_sqlite *disk, sqlite3_stmt *statement)
{
    bool done = check(disk, sqlite3_step(statement));

    sqlite3_reset(statement);
    return done;
}

static bool set_setting(struct disk_sqlite *disk, const char *name, struct bytes value)
{
    return check(disk, sqlite3_bind_text(disk->set, 1, name, -1, SQLITE_STATIC)) &&
           check(disk, bind(disk->set, 2, value)) && step_once(disk, disk->set);
}

void disk_sqlite_set(struct disk_sqlite *disk, const char *name, struct bytes value)
{
    (void)set_setting(disk, name, value); /* a failure is told at the start */
}

bool disk_sqlite_get(struct disk_sqlite *disk, const char *name, struct buf *out)
{
    sqlite3_stmt *statement;
    bool found = false;

    if (!prepare(disk, "SELECT value FROM setting WHERE name = ?1", &statement))
        return false;
    if (check(disk, sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC))) {
        int code = sqlite3_step(statement);

        found = check(disk, code) && code == SQLITE_ROW;
    }
    if (found)
        buf_append(out, column(statement, 0));
    sqlite3_finalize(statement);
    return found;
}

#define TIME_SETTING "time_ms"

int64_t disk_sqlite_time_ms(struct disk_sqlite *disk)
{
    struct buf text;
    int64_t time_ms = 0;

    buf_init(&text, 64);
    if (disk_sqlite_get(disk, TIME_SETTING, &text) && text.len == sizeof(uint64_t))
        time_ms = (int64_t)load_be64(text.data);
    buf_fini(&text);
    return time_ms < 0 ? 0 : time_ms;
}

uint64_t disk_sqlite_count(struct disk_sqlite *disk)
{
    return (uint64_t)number_of(disk, "SELECT count(*) FROM record");
}

static void each_selected(struct disk_sqlite *disk, const char *sql, disk_sqlite_each_fn each, void *owner)
{
    sqlite3_stmt *statement;
    int code;

    if (!prepare(disk, sql, &statement))
        return;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct disk_log_record record = {(uint64_t)sqlite3_column_int64(statement, 0), column(statement, 1),
                                         column(statement, 2)};

        if (record.value.len > 0)
            each(owner, &record);
    }
    (void)check(disk, code);
    sqlite3_finalize(statement);
}

/* Names are unsigned, SQLite's numbers are not. */
void disk_sqlite_each(struct disk_sqlite *disk, disk_sqlite_each_fn each, void *owner)
{
    each_selected(disk, "SELECT disk, key, value FROM record WHERE disk >= 0 ORDER BY disk, key", each, owner);
    each_selected(disk, "SELECT disk, key, value FROM record WHERE disk < 0 ORDER BY disk, key", each, owner);
}

static bool keep_node(struct disk_sqlite *disk, const struct ed25519_public *node)
{
    if (!check(disk, sqlite3_bind_int64(disk->keep_node, 1, (sqlite3_int64)disk_name(node))) ||
        !check(disk, bind(disk->keep_node, 2, BYTES_OF(node->bytes))))
        return false;
    return step_once(disk, disk->keep_node);
}

static void each_of_node(void *owner, const struct ed25519_public *node, disk_each_fn each, void *each_owner)
{
    struct disk_sqlite *disk = owner;
    int code;

    if (!keep_node(disk, node) || !check(disk, sqlite3_bind_int64(disk->read, 1, (sqlite3_int64)disk_name(node))))
        return;
    while ((code = sqlite3_step(disk->read)) == SQLITE_ROW)
        if (column(disk->read, 1).len > 0)
            each(each_owner, column(disk->read, 0), column(disk->read, 1));
    (void)check(disk, code);
    sqlite3_reset(disk->read);
}

struct disk_source disk_sqlite_source(struct disk_sqlite *disk)
{
    return (struct disk_source){disk, each_of_node, true};
}

/* ---- the writer's thread ---- */

static bool write_record(struct disk_sqlite *disk, const struct disk_log_record *record)
{
    sqlite3_stmt *statement = record->value.len == 0 ? disk->erase : disk->put;

    if (!check(disk, sqlite3_bind_int64(statement, 1, (sqlite3_int64)record->disk)) ||
        !check(disk, bind(statement, 2, record->key)))
        return false;
    if (record->value.len > 0 && !check(disk, bind(statement, 3, record->value)))
        return false;
    return step_once(disk, statement);
}

/* A file that was moved or deleted can still be written: into nothing that anybody will find. */
static bool check_place(struct disk_sqlite *disk)
{
    int moved = 0;

    (void)sqlite3_file_control(disk->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        fail(disk, SQLITE_IOERR, "the file was moved or deleted while it was in use");
    return !moved;
}

static bool commit_log(struct disk_sqlite *disk, struct bytes log, int64_t now_ms, uint64_t *records)
{
    struct disk_log_record record;
    uint8_t time[sizeof(uint64_t)];

    store_be64(time, (uint64_t)now_ms);
    if (!check_place(disk) || !run_sql(disk, "BEGIN IMMEDIATE"))
        return false;
    for (*records = 0; disk_log_next(&log, &record); (*records)++)
        if (!write_record(disk, &record))
            goto roll_back;
    if (set_setting(disk, TIME_SETTING, BYTES_OF(time)) && run_sql(disk, "COMMIT"))
        return true;
roll_back:
    (void)sqlite3_exec(disk->db, "ROLLBACK", NULL, NULL, NULL); /* fails where SQLite has done it already */
    return false;
}

static void swap_bufs(struct buf *a, struct buf *b)
{
    struct buf was = *a;

    *a = *b;
    *b = was;
}

/* Waits for something to write; false: there is nothing more. */
static bool take_waiting(struct disk_sqlite *disk, struct buf *log, int64_t *now_ms, uint64_t *number)
{
    pthread_mutex_lock(&disk->mutex);
    while (disk->waiting.len == 0 && !disk->ending)
        pthread_cond_wait(&disk->wake, &disk->mutex);
    swap_bufs(log, &disk->waiting);
    *now_ms = disk->waiting_ms;
    *number = disk->given;
    pthread_mutex_unlock(&disk->mutex);
    return log->len > 0;
}

static void *write_on(void *owner)
{
    struct disk_sqlite *disk = owner;
    struct buf log;
    int64_t now_ms;
    uint64_t number, records;
    bool committed = true;

    buf_init(&log, SIZE_MAX);
    while (committed && take_waiting(disk, &log, &now_ms, &number)) {
        committed = !has_failed(disk) && commit_log(disk, buf_bytes(&log), now_ms, &records);
        pthread_mutex_lock(&disk->mutex);
        if (committed) {
            disk->committed = number;
            disk->counts.commits++;
            disk->counts.records += records;
            buf_clear(&log);
        } else {
            buf_append(&log, buf_bytes(&disk->waiting));
            swap_bufs(&log, &disk->waiting);
            disk->lost = true;
        }
        pthread_mutex_unlock(&disk->mutex);
        disk->news(disk->news_owner);
    }
    buf_fini(&log);
    return NULL;
}

enum err disk_sqlite_start(struct disk_sqlite *disk, void (*news)(void *owner), void *owner, struct buf *why)
{
    ASSERT(!disk->started);
    disk->news = news;
    disk->news_owner = owner;
    if (!disk_sqlite_failed(disk, why) && run_sql(disk, "COMMIT")) {
        if (pthread_create(&disk->writer, NULL, write_on, disk) != 0)
            out_of_memory();
        disk->started = true;
        return OK;
    }
    if (why->len == 0)
        (void)disk_sqlite_failed(disk, why);
    return ERR_IO;
}

/* ---- after the start ---- */

uint64_t disk_sqlite_write(struct disk_sqlite *disk, struct buf *log, int64_t now_ms)
{
    uint64_t number;

    pthread_mutex_lock(&disk->mutex);
    if (log->len > 0) {
        disk->given++;
        disk->waiting_ms = now_ms;
        buf_append(&disk->waiting, buf_bytes(log));
        buf_clear(log);
        pthread_cond_signal(&disk->wake);
    }
    number = disk->given;
    pthread_mutex_unlock(&disk->mutex);
    return number;
}

uint64_t disk_sqlite_committed(struct disk_sqlite *disk)
{
    uint64_t committed;

    pthread_mutex_lock(&disk->mutex);
    committed = disk->committed;
    pthread_mutex_unlock(&disk->mutex);
    return committed;
}

void disk_sqlite_take_lost(struct disk_sqlite *disk, struct buf *lost)
{
    pthread_mutex_lock(&disk->mutex);
    ASSERT(disk->lost);
    buf_append(lost, buf_bytes(&disk->waiting));
    buf_clear(&disk->waiting);
    pthread_mutex_unlock(&disk->mutex);
}

void disk_sqlite_read(struct disk_sqlite *disk, uint64_t name, struct bytes key, struct buf *out)
{
    sqlite3_stmt *statement;

    if (!prepare(disk, "SELECT value FROM record WHERE disk = ?1 AND key = ?2", &statement))
        return;
    if (check(disk, sqlite3_bind_int64(statement, 1, (sqlite3_int64)name)) && check(disk, bind(statement, 2, key)) &&
        sqlite3_step(statement) == SQLITE_ROW)
        buf_append(out, column(statement, 0));
    sqlite3_finalize(statement);
}

void disk_sqlite_counts(struct disk_sqlite *disk, struct disk_counts *out)
{
    pthread_mutex_lock(&disk->mutex);
    *out = disk->counts;
    pthread_mutex_unlock(&disk->mutex);
}

bool disk_sqlite_failed(struct disk_sqlite *disk, struct buf *why)
{
    bool failed;

    pthread_mutex_lock(&disk->mutex);
    failed = disk->failed != SQLITE_OK && (disk->lost || !disk->started);
    if (failed && why != NULL)
        buf_append(why, buf_bytes(&disk->why));
    pthread_mutex_unlock(&disk->mutex);
    return failed;
}

enum err disk_sqlite_close(struct disk_sqlite *disk, struct buf *why)
{
    bool failed;

    if (disk->started) {
        pthread_mutex_lock(&disk->mutex);
        disk->ending = true;
        pthread_cond_signal(&disk->wake);
        pthread_mutex_unlock(&disk->mutex);
        pthread_join(disk->writer, NULL);
    }
    failed = disk_sqlite_failed(disk, why);
    free_all(disk);
    return failed ? ERR_IO : OK;
}
