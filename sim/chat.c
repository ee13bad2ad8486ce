#include "sim/chat.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "proto/storage_rpc.h"
#include "sim/chat_internal.h"
#include "sim/chat_line.h"
#include "sim/options.h"
#include "sim/seed.h"

#define KEY_IDENTITY     BYTES_LIT("seed") /* shorter than any key of the client's own records */
#define DEFAULT_SEED_URL "http://127.0.0.1:22080"
#define TRIALS_PER_S     5000000 /* of one core: bounds a search to LIMIT_POW_MS */
#define TRIALS_PER_SLICE 50000   /* about 10 ms */
#define WHY_BYTES_MAX    1024

enum { CHAT_AS, CHAT_SEED_URL, CHAT_STATE, CHAT_START_ONLINE, CHAT_OPTION_HELP };
static const struct option_spec chat_options[] = {
    [CHAT_AS] = {"--as", "NAME", "the name that others see; needed"},
    [CHAT_SEED_URL] = {"--seed-url", "URL", "of the network's seed; https://: all by TLS; default: " DEFAULT_SEED_URL},
    [CHAT_STATE] = {"--state", "FILE", "account, contacts and messages; default: NAME.chat"},
    [CHAT_START_ONLINE] = {"--online", NULL, "begins with /online"},
    [CHAT_OPTION_HELP] = {"--help", NULL, "this"},
};

/* ---- what must be on the disk ---- */

static void on_shown(struct disk_op *op)
{
    struct chat *chat = CONTAINER_OF(op, struct chat, shown);

    chat->showing = false;
}

/* What the client puts without waiting for it reaches the file soon, too. */
static void save(struct chat *chat)
{
    if (chat->showing || !http_env_unwritten(chat->http) || http_env_disk(chat->http) != OK)
        return;
    chat->showing = true;
    env_disk_sync(http_env_env(chat->http), &chat->shown, on_shown);
}

/* Printed first, then deleted: whatever ends the program, nothing is lost; what ends it in between is said. */
static void show_inbox(struct chat *chat, bool again)
{
    if (client_inbox(chat->client) == NULL || chat->showing)
        return; /* suspended: on_shown() lets it go on */
    for (const struct received *received = client_inbox(chat->client); received != NULL; received = received->next)
        chat_print_received(chat->colour, chat->client, received, again);
    client_clear_inbox(chat->client);
    chat->showing = true;
    env_disk_sync(http_env_env(chat->http), &chat->shown, on_shown);
}

/* ---- while it runs ---- */

static void stop(struct chat *chat)
{
    chat->ended = true;
    live_loop_end(chat->loop);
}

static void on_signal(void *owner)
{
    struct chat *chat = owner;
    uint32_t unfinished = client_unfinished(chat->client);

    if (unfinished > 0)
        chat_print(chat->colour, CHAT_PLAIN, "%u messages are in %s: they go on at the next start", unfinished,
                   chat->state_path);
    stop(chat);
}

static void tell_disk(struct chat *chat)
{
    enum err err = http_env_disk(chat->http);

    if (err != OK && !chat->disk_told)
        fprintf(stderr, "swarmbed: %s can't be written (%s): what comes now is lost with this program; make room\n",
                chat->state_path, err_text(err));
    chat->disk_told = err != OK;
}

static uint64_t on_turn(void *owner)
{
    struct chat *chat = owner;

    chat_tell_news(chat);
    show_inbox(chat, false);
    save(chat);
    tell_disk(chat);
    if (fflush(stdout) != 0 && !chat->ended) { /* whoever read it is gone */
        stop(chat);
    } else if (chat->leaving && client_unfinished(chat->client) == 0 && !chat->showing &&
               (http_env_saved(chat->http) || http_env_disk(chat->http) != OK)) {
        stop(chat);
    }
    return chat->ended ? 0 : UINT64_MAX;
}

/* ---- starting and ending ---- */

/* The account of the file; a new one the first time. */
static void read_identity(struct chat *chat, uint8_t seed[32])
{
    struct env *env = http_env_env(chat->http);
    struct bytes kept = state_file_get(chat->file, KEY_IDENTITY);

    if (kept.len == 32) {
        memcpy(seed, kept.data, 32);
        return;
    }
    env_random(env, seed, 32);
    env_disk_put(env, KEY_IDENTITY, (struct bytes){seed, 32});
}

static void start_client(struct chat *chat)
{
    uint8_t seed[32];

    read_identity(chat, seed);
    snode_list_cache_init(&chat->lists);
    chat->sessions = session_library_new();
    chat->client = client_new(&(struct client_config){
        .env = http_env_env(chat->http),
        .preset = &chat->preset,
        .lists = &chat->lists,
        .sessions = chat->sessions,
        .identity_seed = seed,
        .display_name = chat->name,
    });
    crypto_wipe(seed, sizeof(seed));
    chat_print_id(chat);
    (void)client_start(chat->client); /* how many records there were is no news */
    show_inbox(chat, true);
    if (!chat->showing) {
        chat->showing = true; /* the account is durable before anybody hears of it */
        env_disk_sync(http_env_env(chat->http), &chat->shown, on_shown);
    }
    if (chat->start_online)
        client_online(chat->client);
    else
        client_listen_start(chat->client, true);
}

static void end_client(struct chat *chat)
{
    http_env_free(chat->http);
    client_free(chat->client);
    snode_list_cache_fini(&chat->lists);
    session_library_free(chat->sessions);
    terminal_free(chat->terminal);
}

/* What was put and not written when it ended: now, since nothing else runs any more. */
static enum err save_rest(struct chat *chat)
{
    struct buf bytes;
    enum err err;

    buf_init(&bytes, LIMIT_STATE_BYTES);
    err = state_file_encode(chat->file, &bytes);
    if (err == OK)
        err = state_file_write(chat->file, buf_bytes(&bytes));
    crypto_wipe(bytes.data, bytes.len);
    buf_fini(&bytes);
    if (err != OK)
        fprintf(stderr, "swarmbed: %s can't be written (%s): it stays as it was before\n", chat->state_path,
                err_text(err));
    return err;
}

static int run(struct chat *chat)
{
    const struct live_loop_config loop = {.owner = chat, .on_turn = on_turn, .on_signal = on_signal};
    const struct terminal_config terminal = {.owner = chat,
                                             .line_bytes_max = LIMIT_TEXT_BYTES,
                                             .on_line = chat_on_line,
                                             .on_too_long = chat_on_too_long,
                                             .on_end = chat_on_end};
    struct buf why;
    bool saved = true;
    int status = 0;

    signal(SIGPIPE, SIG_IGN);
    buf_init(&why, WHY_BYTES_MAX);
    chat->loop = live_loop_new(&loop);
    chat->http = http_env_new(&(struct http_env_config){.loop = live_loop_uv(chat->loop),
                                                        .file = chat->file,
                                                        .tls = chat->tls,
                                                        .owner = chat,
                                                        .on_trace = chat_on_trace},
                              &why);
    if (chat->http == NULL) {
        fprintf(stderr, "swarmbed: %.*s\n", (int)why.len, (const char *)why.data);
        status = 3;
    } else {
        start_client(chat);
        chat->terminal = terminal_new(live_loop_uv(chat->loop), STDIN_FILENO, &terminal);
        live_loop_run(chat->loop);
        if (ferror(stdout))
            status = 3;
        saved = http_env_saved(chat->http);
        end_client(chat);
    }
    live_loop_free(chat->loop);
    if (!saved && save_rest(chat) != OK)
        status = 3;
    buf_fini(&why);
    return status == 0 && chat->failed > 0 ? 1 : status;
}

/* ---- the command line ---- */

/* "http://127.0.0.1:22080", with or without "/json_rpc" behind it. */
static int read_seed_url(struct chat *chat)
{
    const char *wanted = "http://HOST:PORT or https://HOST:PORT of the seed is wanted";
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    const char *rest = strstr(chat->seed_url, "://"), *path, *colon;
    char host[256], port[8] = "22080";
    struct addrinfo *found;
    struct sockaddr_in at;
    uint64_t number;

    chat->tls = strncmp(chat->seed_url, "https://", 8) == 0;
    if (rest == NULL || (!chat->tls && strncmp(chat->seed_url, "http://", 7) != 0))
        return wrong_value("--seed-url", chat->seed_url, wanted);
    rest += 3;
    path = rest + strcspn(rest, "/");
    colon = memchr(rest, ':', (size_t)(path - rest));
    if ((path[0] != '\0' && strcmp(path, "/") != 0 && strcmp(path, PATH_SEED_RPC) != 0) || path == rest ||
        (size_t)(path - rest) >= sizeof(host) || (colon != NULL && (size_t)(path - colon) > sizeof(port)))
        return wrong_value("--seed-url", chat->seed_url, wanted);
    if (colon != NULL)
        snprintf(port, sizeof(port), "%.*s", (int)(path - colon - 1), colon + 1);
    snprintf(host, sizeof(host), "%.*s", (int)((colon != NULL ? colon : path) - rest), rest);
    if (!option_number(port, 1, UINT16_MAX, &number))
        return wrong_value("--seed-url", chat->seed_url, wanted);
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return wrong_value("--seed-url", chat->seed_url, "no host has this name");
    memcpy(&at, found->ai_addr, sizeof(at));
    freeaddrinfo(found);
    chat->preset.seed = (struct address){ntohl(at.sin_addr.s_addr), (uint16_t)number};
    return 0;
}

static int read_option(void *owner, const struct options *options)
{
    struct chat *chat = owner;

    if (options->spec == CHAT_AS)
        chat->name = options->value;
    else if (options->spec == CHAT_SEED_URL)
        chat->seed_url = options->value;
    else if (options->spec == CHAT_STATE)
        chat->state_path = options->value;
    else if (options->spec == CHAT_START_ONLINE)
        chat->start_online = true;
    else
        chat->help = true;
    return 0;
}

static int read_plain(void *owner, const struct options *options)
{
    (void)owner;
    return wrong_value("chat", options->value, "only options are wanted; --help lists them");
}

static int print_help(void)
{
    printf("Usage: swarmbed chat --as NAME [OPTIONS]\n"
           "Talks to others on a network that `swarmbed serve` serves: commands and texts by standard input, a line "
           "each\n");
    options_print(chat_options, ARRAY_LEN(chat_options));
    printf("\n%s", chat_line_help());
    return 0;
}

static int check_name(const struct chat *chat)
{
    if (chat->name == NULL) {
        fprintf(stderr, "swarmbed chat: --as NAME is needed: the name that others see\n");
        return 2;
    }
    if (chat->name[0] == '\0' || strlen(chat->name) > LIMIT_DISPLAY_NAME_BYTES || !utf8_valid(bytes_text(chat->name)))
        return wrong_value("--as", chat->name, "a name has 1 to 100 bytes of UTF-8");
    if (chat->state_path == NULL && (strchr(chat->name, '/') != NULL || chat->name[0] == '.'))
        return wrong_value("--as", chat->name, "this name can't be that of a file: name one with --state");
    return 0;
}

static int open_and_run(struct chat *chat)
{
    char default_path[LIMIT_DISPLAY_NAME_BYTES + 8];
    struct buf why;
    int status;

    snprintf(default_path, sizeof(default_path), "%s.chat", chat->name);
    if (chat->state_path == NULL)
        chat->state_path = default_path;
    buf_init(&why, WHY_BYTES_MAX);
    chat->file = state_file_open(chat->state_path, &why);
    if (chat->file == NULL) {
        fprintf(stderr, "swarmbed: %.*s\n", (int)why.len, (const char *)why.data);
        status = 2;
    } else {
        status = run(chat);
    }
    state_file_close(chat->file);
    buf_fini(&why);
    return status;
}

int chat_command(int argc, char **argv)
{
    struct chat chat = {.seed_url = DEFAULT_SEED_URL,
                        .colour = isatty(STDOUT_FILENO) == 1,
                        .preset = {.suite = &crypto_real,
                                   .onion_version = ONION_V2,
                                   .enc_type = ENC_AES_GCM,
                                   .path_failures = LIMIT_PATH_FAILURES,
                                   .node_failures = LIMIT_NODE_FAILURES,
                                   .trials_per_s = TRIALS_PER_S,
                                   .trials_per_slice = TRIALS_PER_SLICE}};
    int status = options_read(argc, argv, chat_options, ARRAY_LEN(chat_options), &chat, read_option, read_plain);

    if (status == 0 && chat.help)
        return print_help();
    if (status == 0)
        status = check_name(&chat);
    if (status == 0)
        status = read_seed_url(&chat);
    if (status == 0)
        status = open_and_run(&chat);
    free(chat.news);
    return status;
}
