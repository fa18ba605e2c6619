/* Tests of io/tls_der: what is DER, what only looks like it, and times at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "io/tls_der.h"

/* --- items ----------------------------------------------------------------------------------- */

static void items_are_taken_one_by_one(void **state)
{
    struct span in = SPAN("\x02\x01\x05\x04\x00\x30\x02\x05\x00");
    const char *start = in.data;
    struct der_item item;

    (void)state;
    assert_true(der_next(&in, &item));
    assert_int_equal(item.tag, DER_INTEGER);
    assert_true(span_equals(item.body, SPAN("\x05")));
    assert_true(span_equals(item.whole, SPAN("\x02\x01\x05")));
    assert_true(der_next(&in, &item));
    assert_int_equal(item.tag, DER_OCTET_STRING);
    assert_int_equal(item.body.len, 0);
    assert_int_equal(item.whole.len, 2);
    assert_true(der_next(&in, &item));
    assert_int_equal(item.tag, DER_SEQUENCE);
    assert_ptr_equal(item.whole.data, start + 5);
    assert_int_equal(in.len, 0);
    assert_false(der_next(&in, &item));
}

/* An item of so many bytes behind a header; one byte less is no item. */
static void assert_length(struct span header, size_t len)
{
    size_t size = header.len + len;
    char *bytes = calloc(1, size);
    struct span in = span_of(bytes, size), cut = span_of(bytes, size - 1);
    struct der_item item;

    memcpy(bytes, header.data, header.len);
    assert_true(der_next(&in, &item));
    assert_int_equal(item.body.len, len);
    assert_ptr_equal(item.body.data, bytes + header.len);
    assert_int_equal(item.whole.len, size);
    assert_int_equal(in.len, 0);
    assert_false(der_next(&cut, &item));
    assert_int_equal(cut.len, size - 1);
    free(bytes);
}

static void lengths_take_up_to_three_bytes(void **state)
{
    (void)state;
    assert_length(SPAN("\x04\x01"), 1);
    assert_length(SPAN("\x04\x7f"), 0x7f);
    assert_length(SPAN("\x04\x81\x80"), 0x80);
    assert_length(SPAN("\x04\x81\xff"), 0xff);
    assert_length(SPAN("\x04\x82\x01\x00"), 0x100);
    assert_length(SPAN("\x04\x82\xff\xff"), 0xffff);
    assert_length(SPAN("\x04\x83\x01\x00\x00"), 0x10000);
    assert_length(SPAN("\x04\x83\xff\xff\xff"), 0xffffff);
}

static void what_is_not_der_stays(void **state)
{
    static const struct span cases[] = {
        {NULL, 0},
        {"\x04", 1},                             /* no length */
        {"\x04\x01", 2},                         /* no body */
        {"\x1f\x01\x00", 3},                     /* a tag of several bytes */
        {"\xbf\x01\x00", 3},                     /* the same, of a structure */
        {"\x30\x80\x00\x00", 4},                 /* indefinite */
        {"\x04\x81", 2},                         /* half a length */
        {"\x04\x82\x01", 3},                     /* the same */
        {"\x04\x81\x01\x00", 4},                 /* longer than it has to be */
        {"\x04\x82\x00\x80\x00", 5},             /* the same */
        {"\x04\x84\x01\x00\x00\x00\x00", 7},     /* too large */
        {"\x04\xff\x01\x01\x01\x01\x01\x01", 8}, /* reserved */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span in = cases[i];
        struct der_item item;

        assert_false(der_next(&in, &item));
        assert_ptr_equal(in.data, cases[i].data);
        assert_int_equal(in.len, cases[i].len);
    }
}

static void length_of_127_bytes_or_less_is_short(void **state)
{
    char bytes[3 + 0x80] = "\x04\x81\x7f";
    struct span in = span_of(bytes, sizeof(bytes));
    struct der_item item;

    (void)state;
    assert_false(der_next(&in, &item));
    bytes[2] = (char)0x80;
    assert_true(der_next(&in, &item));
}

static void item_of_another_tag_stays(void **state)
{
    struct span in = SPAN("\x02\x01\x05\x06"), body = SPAN("x"), none = SPAN_NONE;
    struct der_item item;

    (void)state;
    assert_false(der_next_is(&in, DER_OID, &item));
    assert_false(der_take(&in, DER_OID, &body));
    assert_int_equal(in.len, 4);
    assert_true(span_equals(body, SPAN("x")));
    assert_true(der_take(&in, DER_INTEGER, &body));
    assert_true(span_equals(body, SPAN("\x05")));
    /* The right tag, and nothing behind it. */
    assert_false(der_take(&in, DER_OID, &body));
    assert_int_equal(in.len, 1);
    assert_false(der_next_is(&none, 0, &item));
    in = SPAN("\xa3\x00");
    assert_true(der_next_is(&in, DER_CONTEXT_CONSTRUCTED(3), &item));
}

/* --- values ---------------------------------------------------------------------------------- */

static void booleans_have_two_values(void **state)
{
    static const struct span bad[] = {{"", 0}, {"\x01", 1}, {"\xfe", 1}, {"\xff\xff", 2}};
    bool value = false;

    (void)state;
    assert_true(der_to_bool(SPAN("\xff"), &value));
    assert_true(value);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(der_to_bool(bad[i], &value));
    assert_true(der_to_bool(SPAN("\x00"), &value));
    assert_false(value);
}

static void integers_are_non_negative_and_fit(void **state)
{
    static const struct {
        struct span body;
        unsigned value;
    } good[] = {
        {{"\x00", 1}, 0},
        {{"\x7f", 1}, 127},
        {{"\x00\x80", 2}, 128},
        {{"\x01\x02\x03", 3}, 0x10203},
        {{"\x7f\xff\xff\xff", 4}, 0x7fffffff},
    };
    static const struct span bad[] = {
        {"", 0}, {"\x80", 1}, {"\xff\xff\xff\xff", 4}, {"\x01\x00\x00\x00\x00", 5}};
    unsigned value;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(der_to_unsigned(good[i].body, &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(der_to_unsigned(bad[i], &value));
}

/* --- times ----------------------------------------------------------------------------------- */

static bool to_time(unsigned tag, const char *text, int64_t *unix_s)
{
    const struct der_item item = {.tag = tag, .body = span_of_cstr(text)};

    return der_to_time(&item, unix_s);
}

static void times_are_seconds_since_1970(void **state)
{
    static const struct {
        unsigned tag;
        const char *text;
        int64_t unix_s;
    } cases[] = {
        {DER_UTC_TIME, "700101000000Z", 0},
        {DER_UTC_TIME, "700101000001Z", 1},
        {DER_UTC_TIME, "491231235959Z", 2524607999}, /* 2049 */
        {DER_UTC_TIME, "500101000000Z", -631152000}, /* 1950 */
        {DER_UTC_TIME, "000229120000Z", 951825600},
        {DER_GENERALIZED_TIME, "20500101000000Z", 2524608000},
        {DER_GENERALIZED_TIME, "19700101000000Z", 0},
        {DER_GENERALIZED_TIME, "99991231235959Z", 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t unix_s;

        assert_true(to_time(cases[i].tag, cases[i].text, &unix_s));
        assert_int_equal(unix_s, cases[i].unix_s);
    }
}

static void other_forms_of_time_are_refused(void **state)
{
    static const struct {
        unsigned tag;
        const char *text;
    } cases[] = {
        {DER_INTEGER, "700101000000Z"},
        {DER_UTC_TIME, ""},
        {DER_UTC_TIME, "7001010000Z"},       /* without seconds */
        {DER_UTC_TIME, "700101000000"},      /* of no zone */
        {DER_UTC_TIME, "700101000000+0100"}, /* of another */
        {DER_UTC_TIME, "700101000000z"},
        {DER_UTC_TIME, "700101000000ZZ"},
        {DER_UTC_TIME, "19700101000000Z"}, /* of the other kind */
        {DER_GENERALIZED_TIME, "700101000000Z"},
        {DER_GENERALIZED_TIME, "19700101000000.5Z"},
        {DER_UTC_TIME, "70 101000000Z"},
        {DER_UTC_TIME, "7a0101000000Z"},
        {DER_UTC_TIME, "70:101000000Z"},
        {DER_UTC_TIME, "700001000000Z"}, /* each number below and over its limits */
        {DER_UTC_TIME, "701301000000Z"},
        {DER_UTC_TIME, "700100000000Z"},
        {DER_UTC_TIME, "700132000000Z"},
        {DER_UTC_TIME, "700101240000Z"},
        {DER_UTC_TIME, "700101006000Z"},
        {DER_UTC_TIME, "700101000060Z"},
    };
    int64_t unix_s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (to_time(cases[i].tag, cases[i].text, &unix_s))
            fail_msg("\"%s\" was taken for a time", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_taken_one_by_one),
        cmocka_unit_test(lengths_take_up_to_three_bytes),
        cmocka_unit_test(what_is_not_der_stays),
        cmocka_unit_test(length_of_127_bytes_or_less_is_short),
        cmocka_unit_test(item_of_another_tag_stays),
        cmocka_unit_test(booleans_have_two_values),
        cmocka_unit_test(integers_are_non_negative_and_fit),
        cmocka_unit_test(times_are_seconds_since_1970),
        cmocka_unit_test(other_forms_of_time_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
