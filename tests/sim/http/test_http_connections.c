/* Listening, the bounds of connections, and the server's end. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "tests/support/check_main.h"
#include "tests/support/http_fixture.h"

/* ---- how many ---- */

/* One connection too many is told so; when another ends, there is room. */
START_TEST(connections_are_bounded)
{
    struct http_fixture fixture;
    int first, second, third;

    http_fixture_init(&fixture, (struct http_config){.connections_max = 2});
    first = http_fixture_call(&fixture);
    second = http_fixture_call(&fixture);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 2);
    third = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, third, GET("/now"));
    ck_assert_ptr_nonnull(strstr(http_fixture_hear(&fixture, third, NULL), "503 Service Unavailable"));
    close(third);
    ck_assert_uint_eq(http_fixture_counts(&fixture).turned_away, 1);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 2);
    close(first);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 1);
    http_fixture_last_words(&fixture, CLOSE("/now"), NOW_CLOSE);
    close(second);
    http_fixture_fini(&fixture);
}
END_TEST

/* More than the bound are turned away at a time than may linger: the others are just closed. */
START_TEST(a_crowd_is_turned_away)
{
    enum { CROWD = LIMIT_HTTP_TURNED_AWAY + 20 };
    struct http_fixture fixture;
    int fds[CROWD];

    http_fixture_init(&fixture, (struct http_config){.connections_max = 1});
    for (int i = 0; i < CROWD; i++)
        fds[i] = http_fixture_call(&fixture);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).turned_away == CROWD - 1);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections <= 1 + LIMIT_HTTP_TURNED_AWAY);
    http_fixture_say_text(&fixture, fds[0], GET("/now"));
    http_fixture_hear(&fixture, fds[0], "now");
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    TURN_UNTIL(&fixture, http_fixture_counts(&fixture).connections == 0);
    http_fixture_fini(&fixture);
}
END_TEST

/* Without descriptors callers are cut off at once instead of left waiting; with some again, all is as before. */
START_TEST(descriptors_run_out)
{
    struct http_fixture fixture;
    struct rlimit old, none;
    int early, late;

    http_fixture_init(&fixture, (struct http_config){0});
    early = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, early, GET("/now"));
    http_fixture_hear(&fixture, early, "now");
    late = http_fixture_call(&fixture);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){(rlim_t)late + 1, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert(http_fixture_eof(&fixture, late));
    http_fixture_say_text(&fixture, early, GET("/now"));
    http_fixture_hear(&fixture, early, "now");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    close(late);
    http_fixture_last_words(&fixture, CLOSE("/now"), NOW_CLOSE);
    close(early);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- where ---- */

/* A caller at `at` is served, and the exchange tells where it called. */
static void check_served_at(struct http_fixture *fixture, struct address at)
{
    int fd;

    fixture->at = at;
    fixture->held_count = 0;
    fd = http_fixture_call(fixture);
    http_fixture_say_text(fixture, fd, GET("/hold"));
    TURN_UNTIL(fixture, fixture->held_count == 1);
    ck_assert(address_equal(fixture->held[0]->local, at));
    http_answer_text(fixture->held[0], 200, "ok");
    http_fixture_hear(fixture, fd, "ok");
    close(fd);
}

/* A port that nobody uses: a caller of another test may have got the one that is tried at any time. */
static uint16_t listen_at_a_free_port(struct http_fixture *fixture, uint32_t ip)
{
    for (uint16_t port = 20011; port < 30000; port++) {
        struct buf why;
        enum err err;

        buf_init(&why, 256);
        err = http_server_listen_loopback(fixture->server, (struct address){ip, port}, &why);
        buf_fini(&why);
        if (err == OK)
            return port;
    }
    ck_abort_msg("every port is in use");
    return 0;
}

/* One socket serves every loopback address at a port, and asking again for one of them changes nothing. */
START_TEST(one_port_serves_all_of_loopback)
{
    static const uint32_t ips[] = {0x7f010107, 0x7f020307, 0x7ffafa07};
    struct http_fixture fixture;
    struct buf why;
    uint16_t port;

    http_fixture_init(&fixture, (struct http_config){0});
    buf_init(&why, 256);
    port = listen_at_a_free_port(&fixture, ips[0]);
    ck_assert_int_eq(http_server_listen_loopback(fixture.server, (struct address){ips[0], port}, &why), OK);
    for (uint32_t i = 0; i < ARRAY_LEN(ips); i++)
        check_served_at(&fixture, (struct address){ips[i], port});
    /* A port that is taken: what and why is said, and nothing listens. */
    ck_assert_int_eq(http_server_listen(fixture.server, fixture.at, NULL, &why), ERR_IO);
    ck_assert_uint_gt(bytes_find(buf_bytes(&why), BYTES_LIT(": address already in use")), 0);
    ck_assert_uint_ne(bytes_find(buf_bytes(&why), BYTES_LIT(": address already in use")), SIZE_MAX);
    buf_fini(&why);
    http_fixture_fini(&fixture);
}
END_TEST

/* Where an address has a socket of its own, another one at that port gets one when it is asked for. */
START_TEST(sockets_of_single_addresses_stay)
{
    struct address first = {0x7f010107, 0}, second = {0x7f020307, 0};
    struct http_fixture fixture;
    struct buf why;

    http_fixture_init(&fixture, (struct http_config){0});
    buf_init(&why, 256);
    ck_assert_int_eq(http_server_listen(fixture.server, first, &first, &why), OK);
    second.port = first.port;
    ck_assert_int_eq(http_server_listen(fixture.server, second, NULL, &why), OK);
    check_served_at(&fixture, first);
    check_served_at(&fixture, second);
    buf_fini(&why);
    http_fixture_fini(&fixture);
}
END_TEST

/* ---- the end ---- */

/* Idle connections go at once; open requests are still answered, and that is the last answer. */
START_TEST(stopping_finishes_open_answers)
{
    struct http_fixture fixture;
    int idle, half, open;

    http_fixture_init(&fixture, (struct http_config){0});
    idle = http_fixture_call(&fixture);
    half = http_fixture_call(&fixture);
    open = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, half, "GET /now HT");
    http_fixture_say_text(&fixture, open, GET("/hold") GET("/now"));
    TURN_UNTIL(&fixture, fixture.held_count == 1 && http_fixture_counts(&fixture).connections == 3);
    http_server_stop(fixture.server, http_fixture_stopped);
    ck_assert(http_fixture_eof(&fixture, idle));
    ck_assert(http_fixture_eof(&fixture, half));
    ck_assert(!fixture.stopped);
    http_answer_text(fixture.held[0], 200, "now");
    ck_assert_str_eq(http_fixture_hear(&fixture, open, NULL), NOW_CLOSE);
    close(idle), close(half), close(open);
    TURN_UNTIL(&fixture, fixture.stopped);
    ck_assert_uint_eq(fixture.served, 1);
    http_fixture_fini(&fixture);
}
END_TEST

START_TEST(aborting_drops_everything)
{
    struct http_fixture fixture;
    int fds[4];

    http_fixture_init(&fixture, (struct http_config){0});
    for (int i = 0; i < 4; i++)
        fds[i] = http_fixture_call(&fixture);
    http_fixture_say_text(&fixture, fds[0], GET("/hold"));
    http_fixture_say_text(&fixture, fds[1], GET("/stream"));
    http_fixture_say_text(&fixture, fds[2], GET("/big"));
    TURN_UNTIL(&fixture, fixture.served == 3);
    http_server_stop(fixture.server, http_fixture_stopped);
    http_server_abort(fixture.server, http_fixture_stopped);
    ck_assert_uint_eq(fixture.gone, 2);
    TURN_UNTIL(&fixture, fixture.stopped);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    http_fixture_fini(&fixture);
}
END_TEST

TEST_MAIN("http_connections", connections_are_bounded, a_crowd_is_turned_away, descriptors_run_out,
          one_port_serves_all_of_loopback, sockets_of_single_addresses_stay, stopping_finishes_open_answers,
          aborting_drops_everything)
