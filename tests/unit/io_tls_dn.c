/* Tests of io/tls_dn and io/tls_attribute: names put together by hand, and openssl(1) asked what it
 * makes of each. Names of whole certificates are in io_tls_facts.c. */
#include <stdio.h>
#include <unistd.h>

#include "../der_text.h"

#include "io/tls_attribute.h"
#include "io/tls_dn.h"

#define OUT_BYTES 16384

/* Tags of strings. */
enum {
    UTF8 = 0x0c,
    PRINTABLE = 0x13,
    T61 = 0x14,
    UNIVERSAL = 0x1c,
    BMP = 0x1e,
};

#define CN SPAN("\x55\x04\x03")
#define O SPAN("\x55\x04\x0a")
#define ATTRIBUTE(oid, tag, text) SEQ(DER(DER_OID, oid), DER_TEXT(tag, text))
#define PART(...) DER(DER_SET, __VA_ARGS__)
#define NAME(...) SEQ(__VA_ARGS__)
/* A name of one attribute. */
#define ONE(oid, tag, text) NAME(PART(ATTRIBUTE(oid, tag, text)))

/* --- openssl(1) ------------------------------------------------------------------------------ */

static char folder[] = "/tmp/ringway-dn-XXXXXX";

/* A certificate of this subject that nobody signed. */
static struct span certificate_of(struct span name)
{
    struct span algorithm = SEQ(DER_TEXT(DER_OID, "\x2a\x86\x48\xce\x3d\x04\x03\x02"));
    struct span validity =
        SEQ(DER_TEXT(DER_UTC_TIME, "260101000000Z"), DER_TEXT(DER_UTC_TIME, "270101000000Z"));
    struct span key = SEQ(algorithm, DER_TEXT(DER_BIT_STRING, "\0key"));

    return SEQ(SEQ(DER_TEXT(DER_INTEGER, "\x01"), algorithm, SEQ(SPAN_NONE), validity, name, key),
               algorithm, DER_TEXT(DER_BIT_STRING, "\0signature"));
}

/* What openssl(1) says of the subject; empty when it does not take the certificate. */
static const char *openssl_says(struct span name, const char *option)
{
    static char out[OUT_BYTES];
    struct span der = certificate_of(name);
    char command[256];
    FILE *f;
    size_t len;

    (void)snprintf(command, sizeof(command), "%s/der", folder);
    f = fopen(command, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(der.data, 1, der.len, f), der.len);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(command, sizeof(command),
                   "openssl x509 -inform DER -in %s/der -noout -subject -nameopt %s 2>&1", folder,
                   option);
    f = popen(command, "r");
    assert_non_null(f);
    len = fread(out, 1, sizeof(out) - 1, f);
    out[len] = '\0';
    if (pclose(f) != 0)
        return "";
    assert_true(len >= 9 && strncmp(out, "subject=", 8) == 0 && out[len - 1] == '\n');
    out[len - 1] = '\0';
    return out + 8;
}

/* --- one name -------------------------------------------------------------------------------- */

static void assert_text(struct span shown, const char *text)
{
    if (!span_equals(shown, span_of_cstr(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_ARG(shown), text);
}

static void assert_ours(struct span name, const char *text, const char *legacy)
{
    static char out[OUT_BYTES];

    assert_text(span_of(out, tls_dn_format(name, out, sizeof(out))), text);
    assert_text(span_of(out, tls_dn_format_legacy(name, out, sizeof(out))), legacy);
}

/* It is this text, for us and for openssl(1). */
static void assert_is(struct span name, const char *text, const char *legacy)
{
    assert_ours(name, text, legacy);
    assert_string_equal(openssl_says(name, "RFC2253"), text);
    assert_string_equal(openssl_says(name, "compat"), legacy);
}

static void assert_as_openssl(struct span name)
{
    static char text[OUT_BYTES], legacy[OUT_BYTES];

    strcpy(text, openssl_says(name, "RFC2253"));
    strcpy(legacy, openssl_says(name, "compat"));
    assert_true(text[0] && legacy[0]);
    assert_ours(name, text, legacy);
}

/* --- strings --------------------------------------------------------------------------------- */

static void special_characters_are_escaped(void **state)
{
    (void)state;
    assert_is(ONE(CN, UTF8, "a,b+c\"d\\e<f>g;h=i#j/k"), "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i#j/k",
              "/CN=a,b\\+c\"d\\e<f>g;h=i#j\\/k");
    assert_is(ONE(CN, UTF8, "#a"), "CN=\\#a", "/CN=#a");
    assert_is(ONE(CN, UTF8, "  a  b  "), "CN=\\  a  b \\ ", "/CN=  a  b  ");
    assert_is(ONE(CN, UTF8, " "), "CN=\\ ", "/CN= ");
    assert_is(ONE(CN, UTF8, "#"), "CN=#", "/CN=#"); /* alone, it is not escaped */
    assert_is(ONE(CN, UTF8, ""), "CN=", "/CN=");
}

static void control_bytes_are_hex_and_end_nothing(void **state)
{
    (void)state;
    assert_is(ONE(CN, PRINTABLE, "a\0,O=b"), "CN=a\\00\\,O=b", "/CN=a\\x00,O=b");
    assert_is(ONE(CN, UTF8, "\x1f\x7f\r\n"), "CN=\\1F\\7F\\0D\\0A", "/CN=\\x1F\\x7F\\x0D\\x0A");
}

/* At the start, within and at the end of a text; 64 bytes in a name. */
static void every_byte_is_written_as_openssl_writes_it(void **state)
{
    (void)state;
    for (unsigned place = 0; place < 3; place++) {
        for (unsigned first = 0; first < 256; first += 64) {
            struct span parts = SPAN_NONE;

            for (unsigned i = first; i < first + 64; i++) {
                char byte = (char)i;
                struct span text = JOIN(place > 0 ? SPAN("a") : SPAN(""), span_of(&byte, 1),
                                        place < 2 ? SPAN("b") : SPAN(""));

                parts = JOIN(parts, PART(SEQ(DER(DER_OID, CN), DER(T61, text))));
            }
            assert_as_openssl(NAME(parts));
        }
    }
}

static void characters_become_utf8(void **state)
{
    (void)state;
    assert_is(ONE(CN, UTF8, "J\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"),
              "CN=J\\C3\\BC\\E2\\82\\AC\\F0\\9F\\98\\80",
              "/CN=J\\xC3\\xBC\\xE2\\x82\\xAC\\xF0\\x9F\\x98\\x80");
    assert_is(ONE(CN, T61, "J\xfc"), "CN=J\\C3\\BC", "/CN=J\\xFC");
    assert_is(ONE(CN, PRINTABLE, "J\xfc"), "CN=J\\C3\\BC", "/CN=J\\xFC");
    assert_is(ONE(CN, BMP, "\0J\0\xfc\x20\xac"), "CN=J\\C3\\BC\\E2\\82\\AC",
              "/CN=\\x00J\\x00\\xFC \\xAC");
    assert_is(ONE(CN, BMP, "\0 \0,\0 "), "CN=\\ \\,\\ ", "/CN=\\x00 \\x00,\\x00 ");
    assert_is(ONE(CN, BMP, "\0#\0a"), "CN=\\#a", "/CN=\\x00#\\x00a");
    assert_is(ONE(CN, UNIVERSAL, "\0\0\0J\0\1\xf6\0"), "CN=J\\F0\\9F\\98\\80",
              "/CN=\\x00\\x00\\x00J\\x00\\x01\\xF6\\x00");
}

static void limits_of_characters_are_kept(void **state)
{
    (void)state;
    assert_is(ONE(CN, UTF8, "\x7f\xc2\x80"), "CN=\\7F\\C2\\80", "/CN=\\x7F\\xC2\\x80");
    assert_is(ONE(CN, UTF8, "\xdf\xbf\xe0\xa0\x80"), "CN=\\DF\\BF\\E0\\A0\\80",
              "/CN=\\xDF\\xBF\\xE0\\xA0\\x80");
    assert_is(ONE(CN, BMP, "\0\x7f\0\x80\x07\xff\x08\0\xff\xff"),
              "CN=\\7F\\C2\\80\\DF\\BF\\E0\\A0\\80\\EF\\BF\\BF",
              "/CN=\\x00\\x7F\\x00\\x80\\x07\\xFF\\x08\\x00\\xFF\\xFF");
    assert_is(ONE(CN, BMP, "\xd7\xff\xe0\0"), "CN=\\ED\\9F\\BF\\EE\\80\\80",
              "/CN=\\xD7\\xFF\\xE0\\x00");
    assert_is(ONE(CN, UNIVERSAL, "\0\1\0\0\0\x10\xff\xff"), "CN=\\F0\\90\\80\\80\\F4\\8F\\BF\\BF",
              "/CN=\\x00\\x01\\x00\\x00\\x00\\x10\\xFF\\xFF");
}

/* openssl(1) takes none of them. */
static void text_that_is_not_of_its_type_shows_its_der(void **state)
{
    static const struct {
        unsigned tag;
        struct span text;
        const char *shown;
    } cases[] = {
        {UTF8, {"a\x80", 2}, "CN=#0C026180"}, /* begins in the middle */
        {UTF8, {"\xbf", 1}, "CN=#0C01BF"},
        {UTF8, {"\xc3", 1}, "CN=#0C01C3"}, /* breaks off */
        {UTF8, {"\xe2\x82", 2}, "CN=#0C02E282"},
        {UTF8, {"\xf0\x9f\x98", 3}, "CN=#0C03F09F98"},
        {UTF8, {"\xc3(", 2}, "CN=#0C02C328"},
        {UTF8, {"\xc3\xc3", 2}, "CN=#0C02C3C3"},
        {UTF8, {"\xc1\xbf", 2}, "CN=#0C02C1BF"}, /* longer than it has to be */
        {UTF8, {"\xe0\x9f\xbf", 3}, "CN=#0C03E09FBF"},
        {UTF8, {"\xf0\x8f\xbf\xbf", 4}, "CN=#0C04F08FBFBF"},
        {UTF8, {"\xed\xa0\x80", 3}, "CN=#0C03EDA080"}, /* half a pair */
        {UTF8, {"\xed\xbf\xbf", 3}, "CN=#0C03EDBFBF"},
        {UTF8, {"\xf4\x90\x80\x80", 4}, "CN=#0C04F4908080"}, /* behind the last one */
        {UTF8, {"\xf8\x88\x80\x80\x80", 5}, "CN=#0C05F888808080"},
        {UTF8, {"\xff", 1}, "CN=#0C01FF"},
        {BMP, {"\0", 1}, "CN=#1E0100"},
        {BMP, {"\0a\0", 3}, "CN=#1E03006100"},
        {BMP, {"\xd8\0", 2}, "CN=#1E02D800"},
        {BMP, {"\xd8\x3d\xde\0", 4}, "CN=#1E04D83DDE00"}, /* a pair is for UTF-16 */
        {BMP, {"\xdf\xff", 2}, "CN=#1E02DFFF"},
        {UNIVERSAL, {"\0\0\0", 3}, "CN=#1C03000000"},
        {UNIVERSAL, {"\0\0\0a\0", 5}, "CN=#1C050000006100"},
        {UNIVERSAL, {"\0\x11\0\0", 4}, "CN=#1C0400110000"},
        {UNIVERSAL, {"\xff\0\0a", 4}, "CN=#1C04FF000061"},
        {UNIVERSAL, {"\0\0\xd8\0", 4}, "CN=#1C040000D800"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span name = NAME(PART(SEQ(DER(DER_OID, CN), DER(cases[i].tag, cases[i].text))));

        assert_text(span_of(out, tls_dn_format(name, out, sizeof(out))), cases[i].shown);
        assert_string_equal(openssl_says(name, "RFC2253"), "");
    }
}

static void values_that_are_no_text_show_their_der(void **state)
{
    (void)state;
    assert_is(ONE(CN, DER_BIT_STRING, "\0a,"), "CN=#030300612C", "/CN=a,");
    assert_is(ONE(CN, DER_SEQUENCE, ""), "CN=#3000", "/CN=0\\x00");
    assert_is(NAME(PART(SEQ(DER(DER_OID, CN), SEQ(DER_TEXT(UTF8, "a"))))), "CN=#30030C0161",
              "/CN=0\\x03\\x0C\\x01a");
    /* openssl(1) takes no certificate with these. */
    assert_ours(ONE(CN, DER_OCTET_STRING, "a"), "CN=#040161", "/CN=a");
    assert_ours(ONE(CN, DER_BIT_STRING, ""), "CN=#0300", "/CN=");
    assert_ours(ONE(CN, 0x1a, "a"), "CN=#1A0161", "/CN=a");
    assert_ours(ONE(CN, 0x80, "a"), "CN=#800161", "/CN=a");
}

/* --- parts ----------------------------------------------------------------------------------- */

static void parts_stand_the_other_way_round(void **state)
{
    struct span a = ATTRIBUTE(CN, UTF8, "a"), b = ATTRIBUTE(O, UTF8, "b");
    struct span c = ATTRIBUTE(CN, UTF8, "c");

    (void)state;
    assert_is(NAME(PART(a), PART(b), PART(c)), "CN=c,O=b,CN=a", "/CN=a/O=b/CN=c");
    assert_is(NAME(PART(a, b), PART(c)), "CN=c,O=b+CN=a", "/CN=a+O=b/CN=c");
    assert_is(NAME(PART(c), PART(a, b)), "O=b+CN=a,CN=c", "/CN=c/CN=a+O=b");
    assert_is(NAME(PART(SPAN_NONE), PART(c)), "CN=c", "/CN=c");
    assert_is(NAME(SPAN_NONE), "", "");
}

static void every_short_name_is_openssls(void **state)
{
    static const struct span arcs[] = {
        {"\x55\x04", 2},
        {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01", 9},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x09", 8},
        {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01", 10},
    };
    size_t names = 0;

    (void)state;
    for (size_t arc = 0; arc < COUNT_OF(arcs); arc++) {
        struct span parts = SPAN_NONE;
        size_t count = 0;

        for (unsigned last = 0; last < 256; last++) {
            char byte = (char)last;
            struct span oid = JOIN(arcs[arc], span_of(&byte, 1));

            if (!tls_attribute_name(oid))
                continue;
            parts = JOIN(parts, PART(SEQ(DER(DER_OID, oid), DER_TEXT(UTF8, "v"))));
            if (++count % TLS_DN_ATTRIBUTES_MAX == 0) {
                assert_as_openssl(NAME(parts));
                parts = SPAN_NONE;
            }
        }
        assert_as_openssl(NAME(parts));
        names += count;
    }
    assert_int_equal(names, 122);
}

static void other_attributes_have_their_number_and_der(void **state)
{
    (void)state;
    assert_null(tls_attribute_name(SPAN_NONE));
    assert_null(tls_attribute_name(SPAN("\x55\x04")));
    assert_null(tls_attribute_name(SPAN("\x55\x04\xff")));
    assert_null(tls_attribute_name(SPAN("\x55\x04\x03\x03")));
    assert_is(ONE(SPAN("\x55\x04\x7f"), UTF8, "a,"), "2.5.4.127=#0C02612C", "/2.5.4.127=a,");
    assert_is(ONE(SPAN("\x55\x04\x03\x03"), UTF8, "a"), "2.5.4.3.3=#0C0161", "/2.5.4.3.3=a");
    assert_is(ONE(SPAN("\x00\x7f"), UTF8, "a"), "0.0.127=#0C0161", "/0.0.127=a");
    assert_is(ONE(SPAN("\x27\x28\x7f"), UTF8, "a"), "0.39.40.127=#0C0161", "/0.39.40.127=a");
    assert_is(ONE(SPAN("\x28\x7f"), UTF8, "a"), "1.0.127=#0C0161", "/1.0.127=a");
    assert_is(ONE(SPAN("\x4f\x7f"), UTF8, "a"), "1.39.127=#0C0161", "/1.39.127=a");
    assert_is(ONE(SPAN("\x50\x7f"), UTF8, "a"), "2.0.127=#0C0161", "/2.0.127=a");
    assert_is(ONE(SPAN("\x88\x37\x7f"), UTF8, "a"), "2.999.127=#0C0161", "/2.999.127=a");
    /* The greatest number, 2 to the 63rd less 1. */
    assert_is(ONE(SPAN("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), UTF8, "a"),
              "1.2.9223372036854775807=#0C0161", "/1.2.9223372036854775807=a");
}

/* --- limits ---------------------------------------------------------------------------------- */

static void malformed_names_are_empty(void **state)
{
    const struct span good = ATTRIBUTE(CN, UTF8, "a"), type = DER(DER_OID, CN);
    const struct span value = DER_TEXT(UTF8, "a");
    const struct span cases[] = {
        PART(good),
        JOIN(NAME(PART(good)), SPAN("\0")),
        NAME(good),
        NAME(PART(good), good),
        NAME(PART(good), SPAN("\x31")),
        NAME(PART(good, SPAN("\x30"))),
        NAME(PART(good, PART(good))),
        NAME(PART(SEQ(type))),
        NAME(PART(good), PART(SEQ(type))),
        NAME(PART(SEQ(value))),
        NAME(PART(SEQ(value, type))),
        NAME(PART(SEQ(type, SPAN("\x0c\x02"
                                 "a")))),
        NAME(PART(SEQ(type, value, value))),
        NAME(PART(SEQ(type, value), SPAN("\0"))),
        /* Identifiers: empty, breaks off, longer than it has to be, with a number of 70 bits. */
        ONE(SPAN_NONE, UTF8, "a"),
        ONE(SPAN("\x55\x04\x83"), UTF8, "a"),
        ONE(SPAN("\x55\x80\x03"), UTF8, "a"),
        ONE(SPAN("\x55\x81\x80\x80\x80\x80\x80\x80\x80\x80\x04\x03"), UTF8, "a"),
    };
    struct span whole = NAME(PART(good));

    (void)state;
    assert_ours(whole, "CN=a", "/CN=a");
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_ours(cases[i], "", "");
    for (size_t len = 0; len < whole.len; len++)
        assert_ours(span_take(whole, len), "", "");
}

/* So many parts; what stands before CN=last says how far it is from the end. */
static struct span name_of(size_t count)
{
    struct span parts = SPAN_NONE;

    while (count-- > 1) {
        char text = (char)('A' + count);

        parts = JOIN(parts, PART(SEQ(DER(DER_OID, O), DER(T61, span_of(&text, 1)))));
    }
    return NAME(parts, PART(ATTRIBUTE(CN, UTF8, "last")));
}

/* The first ones of all; in the other form nothing is lost. */
static void attributes_behind_64_are_cut(void **state)
{
    static const size_t counts[] = {TLS_DN_ATTRIBUTES_MAX + 1, 2 * TLS_DN_ATTRIBUTES_MAX,
                                    2 * TLS_DN_ATTRIBUTES_MAX + 1};
    static char whole[OUT_BYTES], out[OUT_BYTES];
    struct span full = name_of(TLS_DN_ATTRIBUTES_MAX);
    size_t len = tls_dn_format(full, whole, sizeof(whole));

    (void)state;
    assert_as_openssl(full);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct span name = name_of(counts[i]);
        size_t legacy_len;

        assert_int_equal(tls_dn_format(name, out, sizeof(out)), len);
        assert_memory_equal(out, whole, len);
        legacy_len = tls_dn_format_legacy(name, out, sizeof(out));
        assert_text(span_of(out, legacy_len), openssl_says(name, "compat"));
    }
}

static void text_is_cut_to_its_room(void **state)
{
    struct span name = NAME(PART(ATTRIBUTE(CN, UTF8, "a\x01,b"), ATTRIBUTE(O, UTF8, "#b")),
                            PART(ATTRIBUTE(SPAN("\x55\x04\x7f"), UTF8, "c")));
    char text[64], legacy[64];
    size_t text_len = tls_dn_format(name, text, sizeof(text));
    size_t legacy_len = tls_dn_format_legacy(name, legacy, sizeof(legacy));

    (void)state;
    for (size_t size = 0; size <= sizeof(text); size++) {
        char *out = malloc(size + 1);

        out[size] = 'x';
        assert_int_equal(tls_dn_format(name, out, size), size_min(size, text_len));
        assert_memory_equal(out, text, size_min(size, text_len));
        assert_int_equal(tls_dn_format_legacy(name, out, size), size_min(size, legacy_len));
        assert_memory_equal(out, legacy, size_min(size, legacy_len));
        assert_int_equal(out[size], 'x');
        free(out);
    }
}

/* --- the program ----------------------------------------------------------------------------- */

static int set_up_all(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down_all(void **state)
{
    char path[64];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/der", folder);
    return unlink(path) || rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_characters_are_escaped),
        cmocka_unit_test(control_bytes_are_hex_and_end_nothing),
        cmocka_unit_test(every_byte_is_written_as_openssl_writes_it),
        cmocka_unit_test(characters_become_utf8),
        cmocka_unit_test(limits_of_characters_are_kept),
        cmocka_unit_test(text_that_is_not_of_its_type_shows_its_der),
        cmocka_unit_test(values_that_are_no_text_show_their_der),
        cmocka_unit_test(parts_stand_the_other_way_round),
        cmocka_unit_test(every_short_name_is_openssls),
        cmocka_unit_test(other_attributes_have_their_number_and_der),
        cmocka_unit_test(malformed_names_are_empty),
        cmocka_unit_test(attributes_behind_64_are_cut),
        cmocka_unit_test(text_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
