/* Tests of core/forwarded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/forwarded.h"

static struct network proxies[3];

static int set_up(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8", "unix:", "2001:db8::/64"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(network_parse(span_of_cstr(texts[i]), &proxies[i]), 0);
    return 0;
}

static struct endpoint from(const char *host)
{
    struct address a;

    if (!*host)
        return (struct endpoint){.family = AF_UNIX};
    assert_int_equal(address_parse_ip(span_of_cstr(host), 1, &a), 0);
    return endpoint_of(&a);
}

static void assert_is(const char *list, bool is_recursive, const char *client, const char *is)
{
    struct forwarded_trust trust = {proxies, COUNT_OF(proxies), is_recursive};
    struct endpoint e = from(client);
    char *copy = malloc(strlen(list) + 1), text[ADDRESS_TEXT_BYTES], whole[ADDRESS_TEXT_BYTES + 8];
    bool has_changed;

    assert_non_null(copy);
    memcpy(copy, list, strlen(list) + 1);
    has_changed = forwarded_address(span_of(copy, strlen(list)), &trust, &e);
    free(copy);
    (void)endpoint_format_host(&e, text);
    snprintf(whole, sizeof(whole), e.port > 1 ? "%s %u" : "%s", text, (unsigned)e.port);
    if (has_changed != (*is != '\0') || (has_changed && strcmp(whole, is) != 0))
        fail_msg("\"%s\" from %s: %s", list, client, has_changed ? whole : "unchanged");
}

static void the_last_address_counts_where_a_proxy_sent_it(void **state)
{
    static const struct {
        const char *list, *client, *is;
    } rows[] = {
        {"192.0.2.1", "10.1.2.3", "192.0.2.1"},
        {"192.0.2.1", "11.1.2.3", ""},
        {"192.0.2.1", "", "192.0.2.1"},
        {"192.0.2.1", "2001:db8::5", "192.0.2.1"},
        {"192.0.2.1", "2001:db8:1::5", ""},
        {"192.0.2.1, 192.0.2.2", "10.0.0.1", "192.0.2.2"},
        {"192.0.2.1,192.0.2.2 , ,", "10.0.0.1", "192.0.2.2"},
        {"192.0.2.1, 10.0.0.2", "10.0.0.1", "10.0.0.2"},
        {"192.0.2.1:8080", "10.0.0.1", "192.0.2.1 8080"},
        {"2001:db8:1::1", "10.0.0.1", "2001:db8:1::1"},
        {"[2001:db8:1::1]", "10.0.0.1", ""},
        {"[2001:db8:1::1]:443", "10.0.0.1", "2001:db8:1::1 443"},
        {"", "10.0.0.1", ""},
        {" , ", "10.0.0.1", ""},
        {"unknown", "10.0.0.1", ""},
        {"192.0.2.1, x", "10.0.0.1", ""},
        {"192.0.2.1:0", "10.0.0.1", ""},
        {"192.0.2.1:65536", "10.0.0.1", ""},
        {"192.0.2.256", "10.0.0.1", ""},
        {"unix:", "10.0.0.1", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_is(rows[i].list, false, rows[i].client, rows[i].is);
}

static void recursion_goes_past_proxies(void **state)
{
    static const struct {
        const char *list, *is;
    } rows[] = {
        {"192.0.2.1, 10.0.0.2", "192.0.2.1"},
        {"192.0.2.1, 192.0.2.2, 10.0.0.2,10.0.0.3", "192.0.2.2"},
        {"10.0.0.4, 10.0.0.3", "10.0.0.4"},
        {"x, 10.0.0.3", "10.0.0.3"},
        {"192.0.2.1, x, 10.0.0.3", "10.0.0.3"},
        {", 10.0.0.3", "10.0.0.3"},
        {"192.0.2.1, 2001:db8::1", "192.0.2.1"},
        {"192.0.2.1", "192.0.2.1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_is(rows[i].list, true, "10.0.0.1", rows[i].is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_address_counts_where_a_proxy_sent_it),
        cmocka_unit_test(recursion_goes_past_proxies),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
