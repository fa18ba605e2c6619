/* Tests of io/tls_name: which names match, and which a CA may give. */
#include "../der_text.h"

#include "io/tls_name.h"

#define DNS(text) DER_TEXT(GENERAL_NAME_DNS, text)
#define IP(bytes) DER_TEXT(GENERAL_NAME_IP, bytes)
#define EMAIL(text) DER_TEXT(GENERAL_NAME_EMAIL, text)
#define URI(text) DER_TEXT(GENERAL_NAME_URI, text)
#define BASE(name) SEQ(name) /* a GeneralSubtree */

#define V6_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"

/* --- matching -------------------------------------------------------------------------------- */

static void assert_matches(struct span names, const char *reference, bool does_match)
{
    const struct x509_certificate c = {.alternative_names = names};

    if (tls_name_matches(&c, span_of_cstr(reference)) != does_match)
        fail_msg("\"%s\" %s", reference, does_match ? "does not match" : "matches");
}

static void names_match_whole_and_in_any_case(void **state)
{
    struct span names = JOIN(DNS("x.example"), DNS("B.Example"));

    (void)state;
    assert_matches(names, "x.example", true);
    assert_matches(names, "b.EXAMPLE", true);
    assert_matches(names, "b.example.", true); /* fully qualified */
    assert_matches(names, "b.example..", false);
    assert_matches(names, "b.exampl", false);
    assert_matches(names, "b.example2", false);
    assert_matches(names, ".b.example", false);
    assert_matches(names, "a.b.example", false);
    assert_matches(names, "", false);
    assert_matches(names, ".", false);
    assert_matches(SPAN_NONE, "b.example", false);
    assert_matches(DNS(""), "", false);
}

static void wildcard_is_one_whole_leftmost_label(void **state)
{
    (void)state;
    assert_matches(DNS("*.b.Example"), "A.b.example", true);
    assert_matches(DNS("*.b.example"), "a.b.example.", true);
    assert_matches(DNS("*.b.example"), "b.example", false);
    assert_matches(DNS("*.b.example"), ".b.example", false);
    assert_matches(DNS("*.b.example"), "c.a.b.example", false);
    assert_matches(DNS("*.example"), "a.example", false);
    assert_matches(DNS("*."), "a.", false);
    assert_matches(DNS("*"), "a", false);
    assert_matches(DNS("*.*.example"), "a.b.example", false);
    assert_matches(DNS("a*.b.example"), "aa.b.example", false);
    assert_matches(DNS("a.*.example"), "a.b.example", false);
}

static void reference_with_wildcard_matches_nothing(void **state)
{
    (void)state;
    assert_matches(DNS("*.b.example"), "*.b.example", false);
    assert_matches(DNS("a*.b.example"), "a*.b.example", false);
}

static void nul_in_a_name_ends_nothing(void **state)
{
    (void)state;
    assert_matches(DNS("a.example\0.evil"), "a.example", false);
    assert_matches(DNS("a.example\0"), "a.example", false);
}

static void addresses_match_addresses_only(void **state)
{
    struct span names = JOIN(DNS("192.0.2.9"), IP("\xc0\x00\x02\x01"), IP(V6_1));

    (void)state;
    assert_matches(names, "192.0.2.1", true);
    assert_matches(names, "192.0.2.2", false);
    assert_matches(names, "192.0.2.9", false);
    assert_matches(names, "2001:db8::1", true);
    assert_matches(names, "[2001:DB8:0::1]", true);
    assert_matches(names, "2001:db8::2", false);
    /* Of other lengths, and the same bytes as text. */
    assert_matches(IP("\xc0\x00\x02"), "192.0.2.1", false);
    assert_matches(IP("\xc0\x00\x02\x01\xff\xff\xff\xff"), "192.0.2.1", false);
    assert_matches(IP("aaaa"), "aaaa", false);
    assert_matches(EMAIL("a.example"), "a.example", false);
    assert_matches(URI("a.example"), "a.example", false);
}

/* --- constraints ----------------------------------------------------------------------------- */

static const enum tls_constraint ok = CONSTRAINT_OK, no = CONSTRAINT_NOT_PERMITTED,
                                 excluded = CONSTRAINT_EXCLUDED, odd = CONSTRAINT_UNSUPPORTED;

static enum tls_constraint judge(struct span permitted, struct span excluded_names,
                                 struct span names)
{
    const struct x509_certificate ca = {.permitted_names = permitted,
                                        .excluded_names = excluded_names};
    const struct x509_certificate c = {.subject = SEQ(SPAN_NONE), .alternative_names = names};

    return tls_name_constraint(&ca, &c);
}

static enum tls_constraint permits(struct span base, struct span names)
{
    return judge(BASE(base), SPAN_NONE, names);
}

static enum tls_constraint excludes(struct span base, struct span names)
{
    return judge(SPAN_NONE, BASE(base), names);
}

static void names_are_within_whole_labels(void **state)
{
    (void)state;
    assert_int_equal(permits(DNS("ok.example"), DNS("ok.example")), ok);
    assert_int_equal(permits(DNS("ok.example"), DNS("a.b.OK.example")), ok);
    assert_int_equal(permits(DNS("ok.example"), DNS("notok.example")), no);
    assert_int_equal(permits(DNS("ok.example"), DNS("example")), no);
    assert_int_equal(permits(DNS(".ok.example"), DNS("a.ok.example")), ok);
    assert_int_equal(permits(DNS(".ok.example"), DNS("ok.example")), no);
    assert_int_equal(permits(DNS(""), DNS("anything")), ok);
    assert_int_equal(excludes(DNS(""), DNS("anything")), excluded);
    assert_int_equal(excludes(DNS("bad.example"), DNS("a.bad.example")), excluded);
    assert_int_equal(excludes(DNS("bad.example"), DNS("notbad.example")), ok);
}

static void wildcard_must_not_reach_what_is_excluded(void **state)
{
    (void)state;
    assert_int_equal(excludes(DNS("bad.ok.example"), DNS("*.ok.example")), excluded);
    assert_int_equal(excludes(DNS("bad.other.example"), DNS("*.ok.example")), ok);
    /* It has to be permitted as a whole. */
    assert_int_equal(permits(DNS("ok.example"), DNS("*.ok.example")), ok);
    assert_int_equal(permits(DNS("a.ok.example"), DNS("*.ok.example")), no);
}

static void every_name_has_to_be_allowed(void **state)
{
    struct span two = JOIN(BASE(DNS("a.example")), BASE(DNS("b.example")));
    struct span names = JOIN(DNS("x.a.example"), DNS("x.b.example"));

    (void)state;
    assert_int_equal(judge(two, SPAN_NONE, names), ok);
    assert_int_equal(permits(DNS("a.example"), names), no);
    assert_int_equal(excludes(DNS("b.example"), names), excluded);
    /* What is excluded stays so where it is permitted. */
    assert_int_equal(judge(two, BASE(DNS("x.b.example")), names), excluded);
    assert_int_equal(judge(SPAN_NONE, SPAN_NONE, names), ok);
}

static void names_of_a_kind_without_subtree_are_free(void **state)
{
    (void)state;
    assert_int_equal(permits(DNS("a.example"), IP("\x0a\x01\x02\x03")), ok);
    assert_int_equal(permits(IP("\x0a\0\0\0\xff\0\0\0"), DNS("a.example")), ok);
    assert_int_equal(permits(DNS("a.example"), URI("https://b.example/")), ok);
}

static void addresses_are_within_their_network(void **state)
{
    struct span net = IP("\x0a\0\0\0\xff\x80\0\0");

    (void)state;
    assert_int_equal(permits(net, IP("\x0a\x7f\xff\xff")), ok);
    assert_int_equal(permits(net, IP("\x0a\x80\x00\x00")), no);
    assert_int_equal(excludes(net, IP("\x0a\x00\x00\x01")), excluded);
    assert_int_equal(excludes(net, IP("\x0b\x00\x00\x01")), ok);
    /* A network of IPv4 holds no address of IPv6. */
    assert_int_equal(permits(net, IP(V6_1)), no);
    assert_int_equal(excludes(net, IP(V6_1)), ok);
    assert_int_equal(excludes(IP("\0\0\0\0\0\0\0\0"), IP("\x0b\x00\x00\x01")), excluded);
}

static void mail_is_within_its_host_or_domain(void **state)
{
    (void)state;
    assert_int_equal(permits(EMAIL("a@h.example"), EMAIL("a@h.example")), ok);
    assert_int_equal(permits(EMAIL("a@h.example"), EMAIL("b@h.example")), no);
    assert_int_equal(permits(EMAIL("h.example"), EMAIL("b@H.example")), ok);
    assert_int_equal(permits(EMAIL("h.example"), EMAIL("b@x.h.example")), no);
    assert_int_equal(permits(EMAIL(".h.example"), EMAIL("b@x.h.example")), ok);
    assert_int_equal(permits(EMAIL(".h.example"), EMAIL("b@h.example")), no);
    assert_int_equal(excludes(EMAIL("h.example"), EMAIL("\"x@y\"@h.example")), excluded);
}

static void what_cannot_be_judged_is_refused(void **state)
{
    struct span with_minimum = SEQ(DNS("a.example"), DER_TEXT(DER_CONTEXT(0), "\x01"));

    (void)state;
    assert_int_equal(permits(URI(".example"), URI("https://a.example/")), odd);
    assert_int_equal(excludes(URI(".example"), URI("https://a.other/")), odd);
    assert_int_equal(judge(with_minimum, SPAN_NONE, DNS("a.example")), odd);
    assert_int_equal(judge(SPAN_NONE, with_minimum, DNS("b.example")), odd);
    assert_int_equal(judge(SEQ(SPAN_NONE), SPAN_NONE, DNS("a.example")), odd);
    assert_int_equal(judge(JOIN(BASE(DNS("a.example")), SPAN("\x30")), SPAN_NONE, DNS("a.example")),
                     odd);
}

/* --- directory names ------------------------------------------------------------------------- */

static struct span attribute(unsigned type, unsigned tag, const char *text)
{
    const char oid[] = {0x55, 0x04, (char)type};

    return SEQ(DER(DER_OID, span_of(oid, sizeof(oid))), DER(tag, span_of_cstr(text)));
}

static struct span part(unsigned type, unsigned tag, const char *text)
{
    return DER(DER_SET, attribute(type, tag, text));
}

enum { COMMON_NAME = 3, COUNTRY = 6, ORGANIZATION = 10, UTF8 = 0x0c, PRINTABLE = 0x13 };

static enum tls_constraint permits_subject(struct span base, struct span subject)
{
    const struct x509_certificate ca = {.permitted_names = BASE(DER(GENERAL_NAME_DIRECTORY, base))};
    const struct x509_certificate c = {.subject = subject};

    return tls_name_constraint(&ca, &c);
}

static void subject_begins_with_its_base(void **state)
{
    struct span country = part(COUNTRY, PRINTABLE, "DE");
    struct span org = part(ORGANIZATION, UTF8, "Org"), name = part(COMMON_NAME, UTF8, "x");
    struct span base = SEQ(country, org);

    (void)state;
    assert_int_equal(permits_subject(base, SEQ(country, org, name)), ok);
    assert_int_equal(permits_subject(base, SEQ(country, org)), ok);
    assert_int_equal(permits_subject(base, SEQ(country)), no);
    assert_int_equal(permits_subject(base, SEQ(org, country, name)), no);
    assert_int_equal(permits_subject(base, SEQ(name, country, org)), no);
    assert_int_equal(
        permits_subject(base, SEQ(country, part(ORGANIZATION, PRINTABLE, "oRG"), name)), ok);
    assert_int_equal(permits_subject(base, SEQ(country, part(COMMON_NAME, UTF8, "Org"))), no);
    assert_int_equal(permits_subject(base, SEQ(country, part(ORGANIZATION, UTF8, "Org2"))), no);
    assert_int_equal(permits_subject(base, SEQ(country, part(ORGANIZATION, 0x04, "Org"))), no);
    /* A second attribute in the part that decides. */
    assert_int_equal(permits_subject(base, SEQ(country, DER(DER_SET, attribute(10, UTF8, "Org"),
                                                            attribute(11, UTF8, "Unit")))),
                     no);
    /* An empty subject is none, and whatever it has to be within. */
    assert_int_equal(permits_subject(base, SEQ(SPAN_NONE)), ok);
    assert_int_equal(permits_subject(SEQ(SPAN_NONE), SEQ(name)), ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_whole_and_in_any_case),
        cmocka_unit_test(wildcard_is_one_whole_leftmost_label),
        cmocka_unit_test(reference_with_wildcard_matches_nothing),
        cmocka_unit_test(nul_in_a_name_ends_nothing),
        cmocka_unit_test(addresses_match_addresses_only),
        cmocka_unit_test(names_are_within_whole_labels),
        cmocka_unit_test(wildcard_must_not_reach_what_is_excluded),
        cmocka_unit_test(every_name_has_to_be_allowed),
        cmocka_unit_test(names_of_a_kind_without_subtree_are_free),
        cmocka_unit_test(addresses_are_within_their_network),
        cmocka_unit_test(mail_is_within_its_host_or_domain),
        cmocka_unit_test(what_cannot_be_judged_is_refused),
        cmocka_unit_test(subject_begins_with_its_base),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
