/* Tests of http/target: authorities. Targets themselves are tested through the parser. */
#include "http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NO_PORT (-1)

static void authorities_are_host_and_port(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        int port;
    } rows[] = {
        {"a", "a", NO_PORT},
        {"example.com", "example.com", NO_PORT},
        {"Example.COM.", "Example.COM", NO_PORT},
        {"example.com.:80", "example.com", 80},
        {"a:0", "a", 0},
        {"a:65535", "a", 65535},
        {"a:00080", "a", 80},
        {"a:", "a", NO_PORT},
        {"192.0.2.1:8080", "192.0.2.1", 8080},
        {"a_b-c~!$&'()*+;=", "a_b-c~!$&'()*+;=", NO_PORT},
        {"%c3%A9.example", "%c3%A9.example", NO_PORT},
        {"[::1]", "[::1]", NO_PORT},
        {"[2001:DB8::1]:443", "[2001:DB8::1]", 443},
        {"[::ffff:192.0.2.1]:", "[::ffff:192.0.2.1]", NO_PORT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct authority a;

        if (authority_parse(span_of_cstr(rows[i].text), &a) != 0)
            fail_msg("refused: %s", rows[i].text);
        assert_true(span_equals(a.host, span_of_cstr(rows[i].host)));
        assert_int_equal(a.has_port, rows[i].port != NO_PORT);
        assert_int_equal(a.port, a.has_port ? rows[i].port : 0);
    }
}

static void authorities_with_nul_are_refused(void **state)
{
    struct authority a;

    assert_int_equal(authority_parse(SPAN("a\0b"), &a), -EINVAL);
    assert_int_equal(authority_parse(SPAN("[::1\0]"), &a), -EINVAL);
}

static void bad_authorities_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        ":80",
        ".",
        "..",
        "a..",
        "a..b",
        ".:80",
        "a:b",
        "a:65536",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1:2",
        "a:000080",
        "a:1x",
        "u@a",
        "u:p@a",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "a\"",
        "a<",
        "a{}",
        "a^",
        "a`",
        "a|",
        "a%",
        "a%4",
        "a%4g",
        "\xc3\xa9",
        "a\x7f",
        "a\x01",
        "[",
        "[]",
        "[::1",
        "::1",
        "[::1]x",
        "[::1]]",
        "[[::1]]",
        "[::1]:x",
        "[::g]",
        "[1.2.3.4]",
        "[v1.a]",
        "[::1%25eth0]",
        "[::1%eth0]",
        "[1:2:3:4:5:6:7:8:9]",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000]",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
        "a[::1]",
        "a]",
        "[::1].",
        "a,b",
        "a,",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct authority a;

        if (authority_parse(span_of_cstr(texts[i]), &a) != -EINVAL)
            fail_msg("accepted: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorities_are_host_and_port),
        cmocka_unit_test(authorities_with_nul_are_refused),
        cmocka_unit_test(bad_authorities_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
