#include "sim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PIECE_BYTES 4096

struct terminal {
    struct terminal_config config;
    int fd;
    union {
        uv_handle_t any;
        uv_poll_t poll;
        uv_idle_t idle; /* a file is always ready, and can't be waited for */
    } handle;
    struct buf line;
    bool over; /* the line is too long: the rest of it is dropped */
};

static void stop(struct terminal *terminal)
{
    if (terminal->handle.any.type == UV_POLL)
        uv_poll_stop(&terminal->handle.poll);
    else
        uv_idle_stop(&terminal->handle.idle);
}

static void end_line(struct terminal *terminal)
{
    if (!terminal->over)
        terminal->config.on_line(terminal->config.owner, buf_bytes(&terminal->line));
    terminal->over = false;
    buf_clear(&terminal->line);
}

static void take(struct terminal *terminal, struct bytes piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.data[i] == '\n') {
            end_line(terminal);
            continue;
        }
        if (terminal->over)
            continue;
        buf_byte(&terminal->line, piece.data[i]);
        if (terminal->line.err != OK) {
            terminal->over = true;
            terminal->config.on_too_long(terminal->config.owner);
        }
    }
}

static void read_piece(struct terminal *terminal)
{
    uint8_t piece[PIECE_BYTES];
    ssize_t len = read(terminal->fd, piece, sizeof(piece));

    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (len > 0) {
        take(terminal, (struct bytes){piece, (size_t)len});
        return;
    }
    stop(terminal);
    if (terminal->line.len > 0)
        end_line(terminal);
    terminal->config.on_end(terminal->config.owner); /* a terminal that is gone (EIO) has ended, too */
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events; /* what is wrong, reading tells */
    read_piece(poll->data);
}

static void on_idle(uv_idle_t *idle)
{
    read_piece(idle->data);
}

struct terminal *terminal_new(struct uv_loop_s *loop, int fd, const struct terminal_config *config)
{
    struct terminal *terminal = xcalloc(1, sizeof(*terminal));
    int flags = fcntl(fd, F_GETFL);
    int status;

    terminal->config = *config;
    terminal->fd = fd;
    buf_init(&terminal->line, config->line_bytes_max);
    status = uv_poll_init(loop, &terminal->handle.poll, fd);
    if (status == 0) {
        (void)fcntl(fd, F_SETFL, flags); /* libuv has made it not block, for all who share it */
        status = uv_poll_start(&terminal->handle.poll, UV_READABLE, on_ready);
    } else if ((status = uv_idle_init(loop, &terminal->handle.idle)) == 0) {
        status = uv_idle_start(&terminal->handle.idle, on_idle);
    }
    if (status != 0)
        out_of_memory();
    terminal->handle.any.data = terminal;
    return terminal;
}

static void on_closed(uv_handle_t *handle)
{
    struct terminal *terminal = handle->data;

    buf_fini(&terminal->line);
    free(terminal);
}

void terminal_free(struct terminal *terminal)
{
    if (terminal != NULL)
        uv_close(&terminal->handle.any, on_closed);
}
