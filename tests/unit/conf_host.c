/* Tests of conf/host: names, ports and addresses as they stand in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include <netdb.h>

#include "conf/host.h"

#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static void names_and_ports_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *name;
        unsigned port;
    } rows[] = {
        {"a.example", "a.example", 0},
        {"a.example:1", "a.example", 1},
        {"a.example:65535", "a.example", 65535},
        {"127.0.0.1:80", "127.0.0.1", 80},
        {"[::1]", "::1", 0},
        {"[::1]:443", "::1", 443},
        {"*:80", "*", 80},
        {"a_b-c", "a_b-c", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span text = span_of_cstr(rows[i].text);
        const char *error = NULL;
        struct host h;

        assert_int_equal(host_parse(text, &h, &error), 0);
        assert_null(error);
        assert_true(span_equals(h.name, span_of_cstr(rows[i].name)));
        assert_true(span_equals(h.text, text));
        assert_int_equal(h.port, rows[i].port);
        assert_false(h.is_unix);
    }
}

static void what_is_wrong_is_in_the_words_of_nginx(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "no host"},
        {":80", "no host"},
        {"a:", "invalid port"},
        {"a:0", "invalid port"},
        {"a:65536", "invalid port"},
        {"a:x", "invalid port"},
        {"a:-1", "invalid port"},
        {"a:80/x", "invalid host"},
        {"http://a", "invalid host"},
        {"a/b", "invalid host"},
        {"a b", "invalid host"},
        {"a\x7f", "invalid host"},
        {"a@b", "invalid host"},
        {"::1", "no host"},
        {"[::1", "invalid host"},
        {"[]", "invalid host"},
        {"[a.example]", "invalid host"},
        {"[::1]80", "invalid host"},
        {"[::1]:", "invalid port"},
        {"[::1]:65536", "invalid port"},
        {"unix:", "no path in the unix domain socket"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *error = "";
        struct host h;

        assert_int_equal(host_parse(span_of_cstr(rows[i].text), &h, &error), -EINVAL);
        if (strcmp(error, rows[i].error) != 0)
            fail_msg("\"%s\" says %s", rows[i].text, error);
    }
}

static void a_path_of_a_unix_socket_has_an_end(void **state)
{
    char text[5 + UNIX_PATH_MAX + 2];
    struct address address;
    const char *error;
    struct host h;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:/", 6);
    assert_int_equal(host_parse(span_of(text, 5 + UNIX_PATH_MAX), &h, &error), 0);
    assert_true(h.is_unix);
    assert_int_equal(h.name.len, 0);
    assert_int_equal(host_resolve(&h, 80, false, &address, 1), 1);
    assert_int_equal(address.u.any.sa_family, AF_UNIX);
    assert_int_equal(host_parse(span_of(text, 5 + UNIX_PATH_MAX + 1), &h, &error), -EINVAL);
    assert_string_equal(error, "too long path in the unix domain socket");
    h = (struct host){.text = span_of(text, 5 + UNIX_PATH_MAX + 1), .is_unix = true};
    assert_int_equal(host_resolve(&h, 80, false, &address, 1), EAI_NONAME);
}

static void numeric_addresses_need_no_resolver(void **state)
{
    static const struct {
        const char *text, *address;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:8080"},
        {"127.0.0.1:81", "127.0.0.1:81"},
        {"[::1]", "[::1]:8080"},
        {"[::1]:81", "[::1]:81"},
    };
    char text[ADDRESS_TEXT_BYTES];
    struct address address;
    const char *error;
    struct host h;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(host_parse(span_of_cstr(rows[i].text), &h, &error), 0);
        assert_int_equal(host_resolve(&h, 8080, false, &address, 1), 1);
        address_format(&address, text);
        assert_string_equal(text, rows[i].address);
    }
}

static void names_are_not_found_without_the_resolver(void **state)
{
    struct address address;
    const char *error;
    struct host h;

    (void)state;
    assert_int_equal(host_parse(SPAN("localhost"), &h, &error), 0);
    assert_int_equal(host_resolve(&h, 80, false, &address, 1), EAI_NONAME);
}

static void names_are_asked_for_with_the_default_port(void **state)
{
    struct address addresses[HOST_ADDRESSES_MAX];
    const char *error;
    struct host h;
    int count;

    (void)state;
    assert_int_equal(host_parse(SPAN("localhost"), &h, &error), 0);
    count = host_resolve(&h, 8080, true, addresses, COUNT_OF(addresses));
    assert_in_range(count, 1, HOST_ADDRESSES_MAX);
    for (int i = 0; i < count; i++)
        assert_int_equal(address_port(&addresses[i]), 8080);
    assert_int_equal(host_resolve(&h, 8080, true, addresses, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_ports_are_taken_apart),
        cmocka_unit_test(what_is_wrong_is_in_the_words_of_nginx),
        cmocka_unit_test(a_path_of_a_unix_socket_has_an_end),
        cmocka_unit_test(numeric_addresses_need_no_resolver),
        cmocka_unit_test(names_are_not_found_without_the_resolver),
        cmocka_unit_test(names_are_asked_for_with_the_default_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
