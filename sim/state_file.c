#include "sim/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/suite.h"
#include "common/table.h"

#define MAGIC        "swarmbed state\n" /* with its zero: 16 bytes */
#define VERSION      1
#define HEAD_BYTES   (sizeof(MAGIC) + 4 + 4)
#define LENGTH_BYTES (4 + 4)
#define CHECK_BYTES  32

struct record {
    size_t key_len, value_len;
    uint8_t data[]; /* key, then value */
};

struct state_file {
    char *path, *path_new, *path_lock;
    char *folder;
    int lock;
    struct table records;
};

static struct bytes record_key(const void *value)
{
    const struct record *record = value;

    return (struct bytes){record->data, record->key_len};
}

static struct bytes record_value(const struct record *record)
{
    return (struct bytes){record->data + record->key_len, record->value_len};
}

/* ---- records ---- */

static void free_record(struct record *record)
{
    if (record == NULL)
        return;
    crypto_wipe(record->data, record->key_len + record->value_len); /* it may be a secret */
    free(record);
}

void state_file_put(struct state_file *file, struct bytes key, struct bytes value)
{
    struct record *record;

    free_record(table_remove(&file->records, key));
    if (value.len == 0)
        return;
    record = xmalloc(sizeof(*record) + key.len + value.len);
    *record = (struct record){key.len, value.len};
    if (key.len > 0)
        memcpy(record->data, key.data, key.len);
    memcpy(record->data + key.len, value.data, value.len);
    table_put(&file->records, record);
}

struct bytes state_file_get(const struct state_file *file, struct bytes key)
{
    const struct record *record = table_get(&file->records, key);

    return record == NULL ? BYTES_NONE : record_value(record);
}

static int by_key(const void *a, const void *b)
{
    return bytes_compare(record_key(*(struct record *const *)a), record_key(*(struct record *const *)b));
}

void state_file_each(const struct state_file *file, disk_each_fn each, void *owner)
{
    struct record **sorted = xcalloc(file->records.count + 1, sizeof(*sorted));
    size_t count = 0;
    uint32_t cursor = 0;

    while ((sorted[count] = table_next(&file->records, &cursor)) != NULL)
        count++;
    qsort(sorted, count, sizeof(*sorted), by_key); /* keys are unique: no ties */
    for (size_t i = 0; i < count; i++)
        each(owner, record_key(sorted[i]), record_value(sorted[i]));
    free(sorted);
}

/* ---- bytes ---- */

static void append_u32(struct buf *out, size_t number)
{
    uint8_t bytes[4];

    store_le32(bytes, (uint32_t)number);
    buf_append(out, BYTES_OF(bytes));
}

enum err state_file_encode(const struct state_file *file, struct buf *out)
{
    const struct record *record;
    uint8_t check[CHECK_BYTES];
    size_t start = out->len;
    uint32_t cursor = 0;

    buf_append(out, (struct bytes){(const uint8_t *)MAGIC, sizeof(MAGIC)});
    append_u32(out, VERSION);
    append_u32(out, file->records.count);
    while ((record = table_next(&file->records, &cursor)) != NULL) {
        append_u32(out, record->key_len);
        append_u32(out, record->value_len);
        buf_append(out, (struct bytes){record->data, record->key_len + record->value_len});
    }
    if (out->len - start > LIMIT_STATE_BYTES - CHECK_BYTES)
        return ERR_TOO_BIG;
    hash_sha256(bytes_slice(buf_bytes(out), start, out->len - start), check);
    buf_append(out, BYTES_OF(check));
    return out->err;
}

/* The text says what is wrong; NULL: nothing. */
static const char *decode(struct state_file *file, struct bytes in)
{
    static const char damaged[] =
        "is damaged: its check does not hold. Put back a copy of it, or move it away to begin "
        "with a new account";
    uint8_t check[CHECK_BYTES];
    uint32_t count;

    if (!bytes_start_with(in, (struct bytes){(const uint8_t *)MAGIC, sizeof(MAGIC)}))
        return "is no state of swarmbed chat: name another file";
    if (in.len < HEAD_BYTES + CHECK_BYTES)
        return damaged;
    if (load_le32(in.data + sizeof(MAGIC)) != VERSION)
        return "was written by another version of swarmbed: use that one, or name another file";
    hash_sha256(bytes_slice(in, 0, in.len - CHECK_BYTES), check);
    if (memcmp(check, in.data + in.len - CHECK_BYTES, CHECK_BYTES) != 0)
        return damaged;
    count = load_le32(in.data + sizeof(MAGIC) + 4);
    in = bytes_slice(in, HEAD_BYTES, in.len - HEAD_BYTES - CHECK_BYTES);
    for (; count > 0 && in.len >= LENGTH_BYTES; count--) {
        size_t key_len = load_le32(in.data), value_len = load_le32(in.data + 4);

        in = bytes_slice(in, LENGTH_BYTES, in.len - LENGTH_BYTES);
        if (key_len > in.len || value_len > in.len - key_len)
            return damaged;
        state_file_put(file, bytes_slice(in, 0, key_len), bytes_slice(in, key_len, value_len));
        in = bytes_slice(in, key_len + value_len, in.len - key_len - value_len);
    }
    return count == 0 && in.len == 0 ? NULL : damaged;
}

/* ---- the file ---- */

static bool write_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.data, bytes.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes = bytes_slice(bytes, (size_t)written, bytes.len - (size_t)written);
    }
    return true;
}

/* The rename is durable once the folder is. */
static bool sync_folder(const struct state_file *file)
{
    int fd = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return done;
}

enum err state_file_write(const struct state_file *file, struct bytes encoded)
{
    int fd = open(file->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool written = fd >= 0 && write_all(fd, encoded) && fsync(fd) == 0;
    int failure = errno;

    if (fd >= 0 && close(fd) != 0 && written) {
        written = false;
        failure = errno;
    }
    if (written && rename(file->path_new, file->path) == 0 && sync_folder(file))
        return OK;
    if (!written)
        errno = failure;
    return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

static bool read_all(int fd, struct buf *out)
{
    uint8_t piece[65536];
    ssize_t len;

    while ((len = read(fd, piece, sizeof(piece))) != 0) {
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return false;
        buf_append(out, (struct bytes){piece, (size_t)len});
        if (out->err != OK) {
            errno = EFBIG;
            return false;
        }
    }
    crypto_wipe(piece, sizeof(piece));
    return true;
}

static bool load(struct state_file *file, struct buf *why)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    const char *wrong;
    struct buf bytes;
    bool good;

    if (fd < 0 && errno == ENOENT)
        return true; /* the first start */
    buf_init(&bytes, LIMIT_STATE_BYTES);
    good = fd >= 0 && read_all(fd, &bytes);
    if (!good) {
        buf_printf(why, "%s can't be read: %s", file->path, strerror(errno));
    } else if ((wrong = decode(file, buf_bytes(&bytes))) != NULL) {
        buf_printf(why, "%s %s", file->path, wrong);
        good = false;
    }
    if (fd >= 0)
        close(fd);
    crypto_wipe(bytes.data, bytes.len);
    buf_fini(&bytes);
    return good;
}

static bool take_lock(struct state_file *file, struct buf *why)
{
    file->lock = open(file->path_lock, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file->lock < 0) {
        buf_printf(why, "%s can't be made: %s; name a file in a folder that can be written to", file->path_lock,
                   strerror(errno));
        return false;
    }
    if (flock(file->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    buf_printf(why, "%s is in use by another process: end that one, or name another file", file->path);
    return false;
}

static char *join(const char *path, const char *end)
{
    char *joined = xmalloc(strlen(path) + strlen(end) + 1);

    strcpy(joined, path);
    strcat(joined, end);
    return joined;
}

static char *folder_of(const char *path)
{
    char *folder = join(path, "");
    char *slash = strrchr(folder, '/');

    if (slash == NULL)
        strcpy(folder, "."); /* a path has at least one character */
    else
        slash[slash == folder] = '\0';
    return folder;
}

struct state_file *state_file_open(const char *path, struct buf *why)
{
    struct state_file *file;

    if (path[0] == '\0') {
        buf_printf(why, "the name of the state file is empty");
        return NULL;
    }
    file = xcalloc(1, sizeof(*file));
    file->path = join(path, "");
    file->path_new = join(path, ".new");
    file->path_lock = join(path, ".lock");
    file->folder = folder_of(path);
    table_init(&file->records, record_key, 0);
    if (take_lock(file, why) && load(file, why))
        return file;
    state_file_close(file);
    return NULL;
}

void state_file_close(struct state_file *file)
{
    uint32_t cursor = 0;
    struct record *record;

    if (file == NULL)
        return;
    while ((record = table_next(&file->records, &cursor)) != NULL)
        free_record(record);
    table_fini(&file->records);
    if (file->lock >= 0)
        close(file->lock); /* gives the lock back; the name stays: removing it would race with the next one */
    free(file->folder);
    free(file->path_lock);
    free(file->path_new);
    free(file->path);
    free(file);
}
