/* Tests of core/address. */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/address.h"

static void assert_split(const char *text, const char *host, const char *port)
{
    struct span h, p;

    assert_int_equal(address_split(span_of_cstr(text), &h, &p), 0);
    assert_true(span_equals(h, span_of_cstr(host)));
    assert_true(span_equals(p, span_of_cstr(port)));
}

static void split_takes_hosts_with_and_without_ports(void **state)
{
    (void)state;
    assert_split("a.example", "a.example", "");
    assert_split("a.example:80", "a.example", "80");
    assert_split("127.0.0.1:8443", "127.0.0.1", "8443");
    assert_split("[::1]", "[::1]", "");
    assert_split("[::1]:443", "[::1]", "443");
    assert_split("a:b", "a", "b");
}

static void split_refuses_what_is_ambiguous(void **state)
{
    static const char *const bad[] = {"",      ":80",  "a:",      "::1",    "a:1:2", "[]",
                                      "[]:80", "[::1", "[::1]80", "[::1]:", "["};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct span h, p;

        assert_int_equal(address_split(span_of_cstr(bad[i]), &h, &p), -EINVAL);
    }
}

static void port_is_between_1_and_65535(void **state)
{
    static const char *const bad[] = {"", "0", "65536", "-1", "+1", "80x", " 80", "99999999999999"};
    uint16_t port;

    (void)state;
    assert_int_equal(address_port_parse(SPAN("1"), &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(address_port_parse(SPAN("65535"), &port), 0);
    assert_int_equal(port, 65535);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(address_port_parse(span_of_cstr(bad[i]), &port), -EINVAL);
}

static void assert_ip_text(const char *text, const char *formatted, const char *host)
{
    char out[ADDRESS_TEXT_BYTES];
    struct endpoint e;
    struct address a;

    assert_int_equal(address_parse_ip(span_of_cstr(text), 8080, &a), 0);
    assert_int_equal(address_format(&a, out), strlen(formatted));
    assert_string_equal(out, formatted);
    assert_int_equal(address_port(&a), 8080);
    e = endpoint_of(&a);
    assert_int_equal(endpoint_format_host(&e, out), strlen(host));
    assert_string_equal(out, host);
    assert_int_equal(e.port, 8080);
    assert_int_equal(e.family, a.u.any.sa_family);
    assert_true(address_is_ip_text(span_of_cstr(text)));
}

static void ip_texts_round_trip(void **state)
{
    (void)state;
    assert_ip_text("127.0.0.1", "127.0.0.1:8080", "127.0.0.1");
    assert_ip_text("::1", "[::1]:8080", "::1");
    assert_ip_text("[::1]", "[::1]:8080", "::1");
    assert_ip_text("2001:DB8::0:1", "[2001:db8::1]:8080", "2001:db8::1");
    assert_ip_text("::ffff:1.2.3.4", "[::ffff:1.2.3.4]:8080", "::ffff:1.2.3.4");
}

static void names_are_not_ip_texts(void **state)
{
    static const char *const bad[] = {"",          "a.example", "1.2.3",      "1.2.3.4.5",
                                      "256.1.1.1", "[1.2.3.4]", "01.2.3.4",   "1.2.3.4 ",
                                      ":::",       "[::1",      "fe80::1%lo", "0x7f.1.1.1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(address_is_ip_text(span_of_cstr(bad[i])));
    assert_false(address_is_ip_text(SPAN("1.2.3.4\0")));
    assert_false(address_is_ip_text(SPAN("1.2.3.4\0.example")));
}

static void unix_paths_round_trip(void **state)
{
    char out[ADDRESS_TEXT_BYTES];
    struct endpoint e;
    struct address a;

    (void)state;
    assert_int_equal(address_parse_unix(SPAN("unix:/run/x.sock"), &a), 0);
    assert_string_equal(a.u.un.sun_path, "/run/x.sock");
    assert_int_equal(address_format(&a, out), 16);
    assert_string_equal(out, "unix:/run/x.sock");
    assert_int_equal(address_port(&a), 0);
    e = endpoint_of(&a);
    assert_int_equal(endpoint_format_host(&e, out), 5);
    assert_string_equal(out, "unix:");
    assert_int_equal(e.port, 0);
    assert_int_equal(address_parse_unix(SPAN("unix:@name"), &a), 0);
    assert_int_equal(a.u.un.sun_path[0], 0);
    assert_int_equal(address_format(&a, out), 10);
    assert_string_equal(out, "unix:@name");
}

static void unix_paths_have_bounds(void **state)
{
    char text[ADDRESS_TEXT_BYTES] = "unix:";
    char out[ADDRESS_TEXT_BYTES];
    struct address a;

    (void)state;
    memset(text + 5, 'a', 108);
    assert_int_equal(address_parse_unix(span_of(text, 5 + 107), &a), 0);
    assert_int_equal(address_format(&a, out), 5 + 107);
    assert_int_equal(address_parse_unix(span_of(text, 5 + 108), &a), -EINVAL);
    assert_int_equal(address_parse_unix(SPAN("unix:"), &a), -EINVAL);
    assert_int_equal(address_parse_unix(SPAN("unix:@"), &a), -EINVAL);
    assert_int_equal(address_parse_unix(SPAN("/run/x"), &a), -EINVAL);
    assert_int_equal(address_parse_unix(SPAN("unix:/a\0b"), &a), -EINVAL);
}

static void unbound_unix_peers_and_no_address_print(void **state)
{
    struct address a = {.len = sizeof(sa_family_t), .u.any.sa_family = AF_UNIX};
    struct endpoint e = endpoint_of(&a);
    char out[ADDRESS_TEXT_BYTES];

    (void)state;
    assert_int_equal(address_format(&a, out), 5);
    assert_string_equal(out, "unix:");
    assert_int_equal(endpoint_format_host(&e, out), 5);
    assert_string_equal(out, "unix:");
    a = (struct address){.len = 0};
    assert_int_equal(address_format(&a, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(address_port(&a), 0);
    e = endpoint_of(&a);
    assert_int_equal(endpoint_format_host(&e, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(e.family, AF_UNSPEC);
    assert_int_equal(e.port, 0);
}

static bool texts_are_equal(const char *a, uint16_t a_port, const char *b, uint16_t b_port)
{
    struct address left, right;

    assert_int_equal(address_parse_ip(span_of_cstr(a), a_port, &left), 0);
    assert_int_equal(address_parse_ip(span_of_cstr(b), b_port, &right), 0);
    return address_equals(&left, &right);
}

static void equality_covers_family_host_and_port(void **state)
{
    struct address a, b;

    (void)state;
    assert_true(texts_are_equal("1.2.3.4", 80, "1.2.3.4", 80));
    assert_false(texts_are_equal("1.2.3.4", 80, "1.2.3.4", 81));
    assert_false(texts_are_equal("1.2.3.4", 80, "1.2.3.5", 80));
    assert_true(texts_are_equal("::1", 80, "[0::1]", 80));
    assert_false(texts_are_equal("::1", 80, "::1", 81));
    assert_false(texts_are_equal("::ffff:1.2.3.4", 80, "1.2.3.4", 80));
    assert_int_equal(address_parse_unix(SPAN("unix:/a"), &a), 0);
    assert_int_equal(address_parse_unix(SPAN("unix:/b"), &b), 0);
    assert_false(address_equals(&a, &b));
    assert_true(address_equals(&a, &a));
    assert_false(address_equals(&a, &(struct address){.len = 0}));
}

static void literals_resolve_to_themselves(void **state)
{
    struct address a[4];
    char out[ADDRESS_TEXT_BYTES];

    (void)state;
    assert_int_equal(address_resolve(SPAN("[::1]"), 81, a, COUNT_OF(a)), 1);
    (void)address_format(&a[0], out);
    assert_string_equal(out, "[::1]:81");
    assert_true(address_resolve(SPAN("a\0b"), 80, a, COUNT_OF(a)) < 0);
    assert_true(address_resolve(SPAN_NONE, 80, a, COUNT_OF(a)) < 0);
}

static void names_resolve_where_the_system_knows_them(void **state)
{
    struct address a[4];
    struct addrinfo *known = NULL;

    (void)state;
    if (getaddrinfo("localhost", NULL, NULL, &known) != 0) {
        assert_true(address_resolve(SPAN("localhost"), 80, a, COUNT_OF(a)) < 0);
        return;
    }
    freeaddrinfo(known);
    assert_true(address_resolve(SPAN("localhost"), 80, a, COUNT_OF(a)) >= 1);
    assert_int_equal(address_port(&a[0]), 80);
}

static void an_endpoint_is_an_address_with_or_without_a_port(void **state)
{
    static const struct {
        const char *text, *address;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1:0"},
        {"192.0.2.1:80", "192.0.2.1:80"},
        {"::1", "[::1]:0"},
        {"[::1]:65535", "[::1]:65535"},
    };
    static const char *const others[] = {
        "",     "a",     "192.0.2.1:", "192.0.2.1:0",     "unix:/a",
        "[::1", "[::1]", "[::1]:",     "192.0.2.1:65536", "192.0.2.1:80:80"};
    char text[ADDRESS_TEXT_BYTES];
    struct endpoint e = {0};
    struct address a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(endpoint_parse(span_of_cstr(rows[i].text), &e), 0);
        a = endpoint_address(&e);
        (void)address_format(&a, text);
        assert_string_equal(text, rows[i].address);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(endpoint_parse(span_of_cstr(others[i]), &e), -EINVAL);
    e.family = AF_UNSPEC;
    assert_int_equal(endpoint_address(&e).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_takes_hosts_with_and_without_ports),
        cmocka_unit_test(split_refuses_what_is_ambiguous),
        cmocka_unit_test(port_is_between_1_and_65535),
        cmocka_unit_test(ip_texts_round_trip),
        cmocka_unit_test(names_are_not_ip_texts),
        cmocka_unit_test(unix_paths_round_trip),
        cmocka_unit_test(unix_paths_have_bounds),
        cmocka_unit_test(unbound_unix_peers_and_no_address_print),
        cmocka_unit_test(equality_covers_family_host_and_port),
        cmocka_unit_test(literals_resolve_to_themselves),
        cmocka_unit_test(names_resolve_where_the_system_knows_them),
        cmocka_unit_test(an_endpoint_is_an_address_with_or_without_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
