/* Tests of core/network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/network.h"

static struct endpoint at(const char *host)
{
    struct address a;

    if (span_starts_with(span_of_cstr(host), SPAN("unix:")))
        return (struct endpoint){.family = AF_UNIX};
    assert_int_equal(address_parse_ip(span_of_cstr(host), 80, &a), 0);
    return endpoint_of(&a);
}

static void a_network_has_what_its_prefix_says(void **state)
{
    static const struct {
        const char *network, *host;
        bool has;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.254/31", "192.0.2.255", true},
        {"192.0.2.254/31", "192.0.2.253", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"0.0.0.0/0", "unix:", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
        {"192.0.2.0/24", "::ffff:192.0.2.7", true},
        {"192.0.2.0/24", "::ffff:192.0.3.7", false},
        {"::/0", "::ffff:192.0.2.7", false},
        {"unix:", "unix:", true},
        {"unix:", "127.0.0.1", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct endpoint e = at(rows[i].host);
        struct network n;

        assert_int_equal(network_parse(span_of_cstr(rows[i].network), &n), 0);
        if (network_has(&n, &e) != rows[i].has)
            fail_msg("%s and %s", rows[i].network, rows[i].host);
    }
}

static void everything_has_any_address(void **state)
{
    static const char *const hosts[] = {"192.0.2.1", "2001:db8::1", "unix:", "::ffff:192.0.2.1"};
    const struct network all = {.kind = NETWORK_ALL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct endpoint e = at(hosts[i]);

        assert_true(network_has(&all, &e));
    }
}

static void bits_behind_the_prefix_are_told_and_do_not_count(void **state)
{
    struct endpoint in = at("10.200.0.1"), out = at("11.0.0.1");
    struct network n;

    (void)state;
    assert_int_equal(network_parse(SPAN("10.0.0.1/8"), &n), 1);
    assert_true(network_has(&n, &in));
    assert_false(network_has(&n, &out));
    assert_int_equal(network_parse(SPAN("2001:db8::1/127"), &n), 1);
    assert_int_equal(network_parse(SPAN("2001:db8::/127"), &n), 0);
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {"",           "all",          "x",       "10.0.0.0/33",
                                      "10.0.0.0/",  "10.0.0.0/-1",  "::/129",  "[::1]",
                                      "1.2.3/8",    "10.0.0.0/8/8", "unix",    "unix:/a",
                                      "10.0.0.0/x", "1.2.3.4:80",   "unix:/8", "/8"};
    struct network n;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (network_parse(span_of_cstr(bad[i]), &n) != -EINVAL)
            fail_msg("%s is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_what_its_prefix_says),
        cmocka_unit_test(everything_has_any_address),
        cmocka_unit_test(bits_behind_the_prefix_are_told_and_do_not_count),
        cmocka_unit_test(what_is_no_network_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
