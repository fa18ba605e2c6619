/* Tests of core/syslog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/syslog.h"

static struct syslog_target target_at(const char *path)
{
    struct syslog_target t = {.facility = 23, .severity = 6, .tag = SPAN("web")};

    assert_int_equal(address_parse_unix(span_of_cstr(path), &t.server), 0);
    return t;
}

static int bound(const struct syslog_target *t)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &t->server.u.any, t->server.len), 0);
    return fd;
}

static void words_are_numbers(void **state)
{
    assert_int_equal(syslog_facility_parse(SPAN("kern")), 0);
    assert_int_equal(syslog_facility_parse(SPAN("authpriv")), 10);
    assert_int_equal(syslog_facility_parse(SPAN("local7")), 23);
    assert_int_equal(syslog_facility_parse(SPAN("local8")), -EINVAL);
    assert_int_equal(syslog_severity_parse(SPAN("emerg")), 0);
    assert_int_equal(syslog_severity_parse(SPAN("debug")), 7);
    assert_int_equal(syslog_severity_parse(SPAN("")), -EINVAL);
}

static void a_head_has_priority_time_host_and_tag(void **state)
{
    struct syslog_target t = target_at("unix:@ringway-test-head");
    char head[SYSLOG_HEAD_BYTES_MAX], month[4], host[65], rest[65];
    int priority, day, hour, minute, second;
    size_t len;

    len = syslog_head(&t, 3, head);
    assert_int_equal(len, strlen(head));
    assert_int_equal(sscanf(head, "<%d>%3s %d %d:%d:%d %64s %64s", &priority, month, &day, &hour,
                            &minute, &second, host, rest),
                     8);
    assert_int_equal(priority, 23 * 8 + 3);
    assert_string_equal(rest, "web:");
    t.omits_host_name = true;
    (void)syslog_head(&t, 6, head);
    assert_int_equal(sscanf(head, "<%d>%3s %d %d:%d:%d %64s %64s", &priority, month, &day, &hour,
                            &minute, &second, host, rest),
                     7);
    assert_string_equal(host, "web:");
}

static void a_server_that_comes_again_is_found_again(void **state)
{
    struct syslog_target t = target_at("unix:@ringway-test-again");
    int server = bound(&t);
    int fd = syslog_open(&t);
    char text[512];

    assert_true(fd >= 0);
    assert_true(syslog_send(&t, fd, 6, SPAN("one")));
    assert_true(recv(server, text, sizeof(text), 0) > 0);
    close(server);
    assert_false(syslog_send(&t, fd, 6, SPAN("lost")));
    server = bound(&t);
    assert_true(syslog_send(&t, fd, 6, SPAN("two")));
    memset(text, 0, sizeof(text));
    assert_true(recv(server, text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, " web: two"));
    close(server);
    close(fd);
}

static void a_server_that_reads_nothing_loses_lines(void **state)
{
    struct syslog_target t = target_at("unix:@ringway-test-full");
    int server = bound(&t);
    int fd = syslog_open(&t);
    unsigned sent = 0;

    while (sent < 100000 && syslog_send(&t, fd, 6, SPAN("again and again")))
        sent++;
    assert_in_range(sent, 1, 99999);
    close(server);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_numbers),
        cmocka_unit_test(a_head_has_priority_time_host_and_tag),
        cmocka_unit_test(a_server_that_comes_again_is_found_again),
        cmocka_unit_test(a_server_that_reads_nothing_loses_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
