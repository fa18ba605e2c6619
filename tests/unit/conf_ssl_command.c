/* Tests of conf/ssl_command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/ssl_command.h"
#include "io/tls.h"

#define BOTH (TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3)

static void assert_protocols(const char *name, const char *value, unsigned before, unsigned after)
{
    struct ssl_commanded c = {.protocols = before};

    assert_int_equal(ssl_command_apply(span_of_cstr(name), span_of_cstr(value), &c), 0);
    if (c.protocols != after)
        fail_msg("%s %s makes %u of %u", name, value, c.protocols, before);
}

static void bounds_cut_at_their_side(void **state)
{
    assert_protocols("MinProtocol", "TLSv1.3", BOTH, TLS_PROTOCOL_1_3);
    assert_protocols("MinProtocol", "TLSv1", BOTH, BOTH);
    assert_protocols("MinProtocol", "None", BOTH, BOTH);
    assert_protocols("MaxProtocol", "TLSv1.2", BOTH, TLS_PROTOCOL_1_2);
    assert_protocols("maxprotocol", "tlsv1.3", BOTH, BOTH);
    assert_protocols("MaxProtocol", "TLSv1.1", BOTH, 0);
    assert_protocols("MinProtocol", "TLSv1.3", TLS_PROTOCOL_1_2, 0);
}

static void lists_add_and_remove(void **state)
{
    assert_protocols("Protocol", "-TLSv1.2", BOTH, TLS_PROTOCOL_1_3);
    assert_protocols("Protocol", "ALL,-TLSv1.3", 0, TLS_PROTOCOL_1_2);
    assert_protocols("Protocol", "-ALL, +TLSv1.3", BOTH, TLS_PROTOCOL_1_3);
    assert_protocols("Protocol", "TLSv1.3", TLS_PROTOCOL_1_2, BOTH);
    assert_protocols("Protocol", "SSLv3,TLSv1", 0, 0); /* known, and not there */
}

static void suites_are_taken_as_they_are(void **state)
{
    struct ssl_commanded c = {.ciphers = SPAN("A")};

    assert_int_equal(ssl_command_apply(SPAN("CipherString"), SPAN("B"), &c), 0);
    assert_int_equal(ssl_command_apply(SPAN("ciphersuites"), SPAN("C"), &c), 0);
    assert_true(span_equals(c.ciphers, SPAN("B")));
    assert_true(span_equals(c.tls13_suites, SPAN("C")));
}

static void servers_have_commands_of_their_own(void **state)
{
    struct ssl_commanded c = {.is_of_server = true, .has_tickets = true, .groups = SPAN("A")};

    assert_int_equal(ssl_command_apply(SPAN("Curves"), SPAN("B"), &c), 0);
    assert_true(span_equals(c.groups, SPAN("B")));
    assert_int_equal(ssl_command_apply(SPAN("groups"), SPAN("C"), &c), 0);
    assert_true(span_equals(c.groups, SPAN("C")));
    assert_int_equal(ssl_command_apply(SPAN("Groups"), SPAN(""), &c), -EINVAL);
    assert_int_equal(
        ssl_command_apply(SPAN("Options"), SPAN("-SessionTicket,ServerPreference"), &c), 0);
    assert_false(c.has_tickets);
    assert_true(c.prefers_server_suites);
    assert_int_equal(ssl_command_apply(SPAN("Options"), SPAN("+sessionticket"), &c), 0);
    assert_true(c.has_tickets);
    assert_int_equal(ssl_command_apply(SPAN("Options"), SPAN("KTLS"), &c), -EINVAL);
    assert_int_equal(ssl_command_apply(SPAN("Options"), SPAN("-"), &c), -EINVAL);
    c.is_of_server = false;
    assert_int_equal(ssl_command_apply(SPAN("Curves"), SPAN("B"), &c), -ENOENT);
}

static void what_is_not_known_is_told_apart(void **state)
{
    static const char *const bad[] = {"TLSv1.4", "-", "TLSv1.2,foo"};
    struct ssl_commanded c = {.protocols = BOTH};

    assert_int_equal(ssl_command_apply(SPAN("Options"), SPAN("-SessionTicket"), &c), -ENOENT);
    assert_int_equal(ssl_command_apply(SPAN("MinProtocol"), SPAN("foo"), &c), -EINVAL);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(ssl_command_apply(SPAN("Protocol"), span_of_cstr(bad[i]), &c), -EINVAL);
    assert_int_equal(ssl_command_apply(SPAN("MaxProtocol"), SPAN(""), &c), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_cut_at_their_side),
        cmocka_unit_test(lists_add_and_remove),
        cmocka_unit_test(suites_are_taken_as_they_are),
        cmocka_unit_test(servers_have_commands_of_their_own),
        cmocka_unit_test(what_is_not_known_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
