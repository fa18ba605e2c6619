/* Tests of conf/geo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/geo.h"

#define RANDOM_NETWORKS 300
#define RANDOM_LOOKUPS 4000

struct fixture {
    struct arena arena;
    struct geo_draft *draft;
    struct geo geo;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    arena_init(&f->arena, 4096, 0);
    f->draft = geo_draft_new();
    assert_non_null(f->draft);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    geo_draft_free(f->draft);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static struct endpoint at(const char *host)
{
    struct address a;

    if (strcmp(host, "unix:") == 0)
        return (struct endpoint){.family = AF_UNIX};
    assert_int_equal(address_parse_ip(span_of_cstr(host), 80, &a), 0);
    return endpoint_of(&a);
}

static struct network network(const char *text)
{
    struct network n;

    assert_int_equal(network_parse(span_of_cstr(text), &n), 0);
    return n;
}

/* The value that it had; "-": none. */
static const char *set(struct fixture *f, const char *text, const char *value)
{
    struct network n = network(text);
    struct span old;

    assert_int_equal(geo_draft_set(f->draft, &n, span_of_cstr(value), &old), 0);
    return old.data ? old.data : "-";
}

static int set_range(struct fixture *f, const char *text, const char *value,
                     struct geo_overlap *old)
{
    uint32_t first, last;

    assert_int_equal(geo_parse_range(span_of_cstr(text), &first, &last), 0);
    return geo_draft_set_range(f->draft, first, last, span_of_cstr(value), old);
}

static bool delete_range(struct fixture *f, const char *text)
{
    uint32_t first, last;

    assert_int_equal(geo_parse_range(span_of_cstr(text), &first, &last), 0);
    return geo_draft_delete_range(f->draft, first, last);
}

static void finish(struct fixture *f, struct span preset)
{
    assert_int_equal(geo_draft_finish(f->draft, preset, &f->arena, &f->geo), 0);
}

static const char *found(struct fixture *f, const char *host)
{
    struct endpoint e = at(host);
    struct span value = geo_find(&f->geo, &e);

    return value.data ? value.data : "-";
}

static void no_line_gives_no_value(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(found(f, "192.0.2.1"), "-");
    finish(f, SPAN_NONE);
    assert_string_equal(found(f, "192.0.2.1"), "-");
    assert_string_equal(found(f, "2001:db8::1"), "-");
    f->geo.is_by_ranges = true;
    finish(f, SPAN("preset"));
    assert_string_equal(found(f, "192.0.2.1"), "preset");
    assert_string_equal(found(f, "2001:db8::1"), "preset");
    assert_string_equal(found(f, "unix:"), "preset");
}

static void the_longest_prefix_has_the_value(void **state)
{
    static const struct {
        const char *host, *value;
    } rows[] = {
        {"10.0.0.0", "ten"},
        {"10.255.255.255", "ten"},
        {"10.1.0.0", "one"},
        {"10.1.255.255", "one"},
        {"10.2.0.0", "ten"},
        {"10.1.2.3", "host"},
        {"10.1.2.2", "one"},
        {"10.1.2.4", "one"},
        {"9.255.255.255", "-"},
        {"11.0.0.0", "-"},
        {"0.0.0.0", "-"},
        {"255.255.255.255", "last"},
        {"255.255.255.254", "-"},
        {"unix:", "last"},
        {"2001:db8::", "six"},
        {"2001:db8:1::5", "deep"},
        {"2001:db8:2::", "six"},
        {"2001:db9::", "-"},
        {"::ffff:10.1.2.3", "host"},
        {"::1", "-"},
        {"2001:db8:1::4", "six"},
        {"2001:db8:1::6", "six"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "end"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "-"},
    };
    struct fixture *f = *state;

    assert_string_equal(set(f, "10.1.2.3", "host"), "-");
    assert_string_equal(set(f, "10.1.0.0/16", "one"), "-");
    assert_string_equal(set(f, "10.0.0.0/8", "ten"), "-");
    assert_string_equal(set(f, "255.255.255.255", "last"), "-");
    assert_string_equal(set(f, "2001:db8::/32", "six"), "-");
    assert_string_equal(set(f, "2001:db8:1::5", "deep"), "-");
    assert_string_equal(set(f, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "end"), "-");
    finish(f, SPAN_NONE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(found(f, rows[i].host), rows[i].value) != 0)
            fail_msg("%s: %s", rows[i].host, found(f, rows[i].host));
    }
}

static void networks_side_by_side_end_where_the_next_begins(void **state)
{
    struct fixture *f = *state;

    set(f, "0.0.0.0/0", "all");
    set(f, "10.0.0.0/9", "low");
    set(f, "10.128.0.0/9", "high");
    set(f, "::/0", "all six");
    set(f, "8000::/1", "upper");
    finish(f, SPAN_NONE);
    assert_string_equal(found(f, "10.127.255.255"), "low");
    assert_string_equal(found(f, "10.128.0.0"), "high");
    assert_string_equal(found(f, "11.0.0.0"), "all");
    assert_string_equal(found(f, "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "all six");
    assert_string_equal(found(f, "8000::"), "upper");
    assert_string_equal(found(f, "255.255.255.255"), "all");
}

static void a_network_is_replaced_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct network ten = network("10.0.0.0/8"), other = network("10.0.0.0/9");

    assert_false(geo_draft_delete(f->draft, &ten));
    assert_string_equal(set(f, "10.0.0.0/8", "a"), "-");
    assert_string_equal(set(f, "10.0.0.0/8", "b"), "a");
    assert_false(geo_draft_delete(f->draft, &other));
    assert_true(geo_draft_delete(f->draft, &ten));
    assert_false(geo_draft_delete(f->draft, &ten));
    set(f, "10.0.0.0/16", "c");
    finish(f, SPAN_NONE);
    assert_string_equal(found(f, "10.0.0.1"), "c");
    assert_string_equal(found(f, "10.1.0.1"), "-");
}

/* Against the rule itself: of the networks that have the address, the one with most bits. */
static void random_networks_are_found_as_by_the_rule(void **state)
{
    struct fixture *f = *state;
    static struct network networks[RANDOM_NETWORKS];
    static char names[RANDOM_NETWORKS][8];
    uint32_t random = 1;

    for (int i = 0; i < RANDOM_NETWORKS; i++) {
        char text[32];

        random = random * 1664525 + 1013904223;
        /* Few first bytes, so that many lie within others. */
        assert_true(snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", random >> 30, random >> 14 & 3,
                             random >> 8 & 255, random >> 22 & 255, random >> 25 & 31) > 0);
        assert_true(network_parse(span_of_cstr(text), &networks[i]) >= 0);
        assert_true(snprintf(names[i], sizeof(names[i]), "%d", i) > 0);
        for (int before = 0; before < i; before++) { /* the last one counts */
            if (memcmp(&networks[before], &networks[i], sizeof(networks[i])) == 0)
                networks[before].kind = NETWORK_UNIX;
        }
        assert_int_equal(
            geo_draft_set(f->draft, &networks[i], span_of_cstr(names[i]), &(struct span){0}), 0);
    }
    finish(f, SPAN_NONE);
    for (int i = 0; i < RANDOM_LOOKUPS; i++) {
        struct endpoint e = {.family = AF_INET};
        struct span value;
        const struct network *best = NULL;

        random = random * 1664525 + 1013904223;
        e.ip[0] = random >> 30 & 3;
        e.ip[1] = random >> 14 & 3;
        e.ip[2] = random >> 8 & 255;
        e.ip[3] = random >> 22 & 255;
        for (int n = 0; n < RANDOM_NETWORKS; n++) {
            if (network_has(&networks[n], &e) &&
                (!best || networks[n].prefix_bits > best->prefix_bits))
                best = &networks[n];
        }
        value = geo_find(&f->geo, &e);
        if (best)
            assert_string_equal(value.data, names[best - networks]);
        else
            assert_null(value.data);
    }
}

static void ranges_are_parsed(void **state)
{
    static const char *const bad[] = {
        "",           "10.0.0.1",    "10.0.0.1-",          "-10.0.0.1",
        "::1-::2",    "a-b",         "10.0.0.0/8",         "10.0.0.5-10.0.0.3",
        "10.0.0.1-x", "unix:-unix:", "10.0.0.1-10.0.0.0/8"};
    uint32_t first, last;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (geo_parse_range(span_of_cstr(bad[i]), &first, &last) != -EINVAL)
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(geo_parse_range(SPAN("0.0.0.0-255.255.255.255"), &first, &last), 0);
    assert_int_equal(first, 0);
    assert_int_equal(last, UINT32_MAX);
    assert_int_equal(geo_parse_range(SPAN("10.0.0.1-10.0.0.1"), &first, &last), 0);
    assert_int_equal(first, 0x0a000001);
    assert_int_equal(last, 0x0a000001);
}

static void ranges_have_their_values(void **state)
{
    struct fixture *f = *state;
    struct geo_overlap old;

    f->geo.is_by_ranges = true;
    assert_int_equal(set_range(f, "10.0.0.5-10.2.0.7", "a", &old), 0);
    assert_int_equal(set_range(f, "10.0.0.7-10.0.0.8", "b", &old), 0);
    assert_int_equal(set_range(f, "10.0.0.5-10.0.0.5", "c", &old), 0);
    assert_int_equal(set_range(f, "10.2.0.7-10.2.0.7", "d", &old), 0);
    assert_int_equal(set_range(f, "255.255.255.255-255.255.255.255", "e", &old), 0);
    finish(f, SPAN("preset"));
    assert_string_equal(found(f, "10.0.0.4"), "preset");
    assert_string_equal(found(f, "10.0.0.5"), "c");
    assert_string_equal(found(f, "10.0.0.6"), "a");
    assert_string_equal(found(f, "10.0.0.7"), "b");
    assert_string_equal(found(f, "10.0.0.8"), "b");
    assert_string_equal(found(f, "10.0.0.9"), "a");
    assert_string_equal(found(f, "10.1.255.255"), "a");
    assert_string_equal(found(f, "10.2.0.6"), "a");
    assert_string_equal(found(f, "10.2.0.7"), "d");
    assert_string_equal(found(f, "10.2.0.8"), "preset");
    assert_string_equal(found(f, "::ffff:10.0.0.7"), "b");
    assert_string_equal(found(f, "::1"), "e");
    assert_string_equal(found(f, "unix:"), "e");
}

static void ranges_that_overlap_are_refused(void **state)
{
    static const char *const bad[] = {"10.0.0.2-10.0.0.9", "10.0.0.3-10.0.0.10",
                                      "10.0.0.9-10.0.0.10", "10.0.0.2-10.0.0.3",
                                      "10.0.0.1-10.0.0.30"};
    struct fixture *f = *state;
    struct geo_overlap old;

    assert_int_equal(set_range(f, "10.0.0.3-10.0.0.9", "a", &old), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (set_range(f, bad[i], "b", &old) != -EINVAL)
            fail_msg("%s", bad[i]);
        assert_int_equal(old.first, 0x0a000003);
        assert_int_equal(old.last, 0x0a000009);
    }
    assert_int_equal(set_range(f, "10.0.0.20-10.0.0.29", "c", &old), 0);
    assert_int_equal(set_range(f, "10.0.0.8-10.0.0.21", "b", &old), -EINVAL);
    assert_int_equal(old.first, 0x0a000014);
    assert_int_equal(set_range(f, "10.0.0.3-10.0.0.9", "d", &old), 1);
    assert_string_equal(old.value.data, "a");
    assert_int_equal(set_range(f, "10.0.0.10-10.0.0.19", "e", &old), 0);
}

static void only_whole_ranges_are_deleted(void **state)
{
    struct fixture *f = *state;
    struct geo_overlap old;

    f->geo.is_by_ranges = true;
    assert_false(delete_range(f, "10.0.0.3-10.0.0.5"));
    assert_int_equal(set_range(f, "10.0.0.3-10.2.0.5", "a", &old), 0);
    assert_int_equal(set_range(f, "10.3.0.1-10.3.0.1", "b", &old), 0);
    assert_false(delete_range(f, "10.0.0.3-10.0.0.4"));
    assert_true(delete_range(f, "10.1.0.0-10.1.255.255"));
    assert_false(delete_range(f, "10.0.0.3-10.2.0.5")); /* a piece of it was gone */
    finish(f, SPAN_NONE);
    assert_string_equal(found(f, "10.0.0.3"), "-");
    assert_string_equal(found(f, "10.1.0.0"), "-");
    assert_string_equal(found(f, "10.2.0.5"), "-");
    assert_string_equal(found(f, "10.3.0.1"), "b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_line_gives_no_value),
        TEST(the_longest_prefix_has_the_value),
        TEST(networks_side_by_side_end_where_the_next_begins),
        TEST(a_network_is_replaced_and_deleted),
        TEST(random_networks_are_found_as_by_the_rule),
        TEST(ranges_are_parsed),
        TEST(ranges_have_their_values),
        TEST(ranges_that_overlap_are_refused),
        TEST(only_whole_ranges_are_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
