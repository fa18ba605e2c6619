/* Tests of io/tls_x509: certificates and lists put together by hand, whole and with one flaw. */
#include "../der_text.h"

#define INTEGER(bytes) DER_TEXT(DER_INTEGER, bytes)
#define TIME(text) DER_TEXT(DER_UTC_TIME, text)
#define TRUE_FLAG DER_TEXT(DER_BOOLEAN, "\xff")

#define ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"

/* The parts that tests replace. */
struct plan {
    struct span version; /* or empty */
    struct span serial;
    struct span algorithm; /* inside */
    struct span validity;
    struct span tail; /* behind the key */
    struct span bits; /* of the signature */
};

static struct plan whole(void)
{
    return (struct plan){
        .version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\x02")),
        .serial = INTEGER("\x12\x34"),
        .algorithm = SEQ(DER_TEXT(DER_OID, ECDSA_SHA256)),
        .validity = SEQ(TIME("260101000000Z"), TIME("270101000000Z")),
        .bits = SPAN("\0sig"),
    };
}

static struct span seal(struct span text, struct span bits)
{
    return SEQ(text, SEQ(DER_TEXT(DER_OID, ECDSA_SHA256)), DER(DER_BIT_STRING, bits));
}

static struct span build(const struct plan *p)
{
    struct span text = SEQ(p->version, p->serial, p->algorithm, SEQ(INTEGER("\x01")), p->validity,
                           SEQ(INTEGER("\x02")), SEQ(INTEGER("\x03")), p->tail);

    return seal(text, p->bits);
}

static bool parses(const struct plan *p)
{
    struct x509_certificate c;

    return x509_certificate_parse(build(p), &c);
}

static struct span oid_of(unsigned number)
{
    const char oid[] = {0x55, 0x1d, (char)number};

    return DER(DER_OID, span_of(oid, sizeof(oid)));
}

static struct span extension(unsigned number, struct span value)
{
    return SEQ(oid_of(number), DER(DER_OCTET_STRING, value));
}

static struct span critical(unsigned number, struct span value)
{
    return SEQ(oid_of(number), TRUE_FLAG, DER(DER_OCTET_STRING, value));
}

static bool parse_with(struct span extensions, struct x509_certificate *c)
{
    struct plan p = whole();

    p.tail = DER(DER_CONTEXT_CONSTRUCTED(3), SEQ(extensions));
    return x509_certificate_parse(build(&p), c);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void certificate_is_seen_in_its_parts(void **state)
{
    struct plan p = whole();
    struct span der = build(&p);
    struct x509_certificate c;

    (void)state;
    assert_true(x509_certificate_parse(der, &c));
    assert_true(span_equals(c.der, der));
    assert_int_equal(c.version, 3);
    assert_true(span_equals(c.serial, SPAN("\x12\x34")));
    assert_true(span_equals(c.issuer, SEQ(INTEGER("\x01"))));
    assert_true(span_equals(c.subject, SEQ(INTEGER("\x02"))));
    assert_true(span_equals(c.key, SEQ(INTEGER("\x03"))));
    assert_true(span_equals(c.sealed.algorithm, p.algorithm));
    assert_true(span_equals(c.sealed.signature, SPAN("sig")));
    assert_int_equal(c.not_before_s, 1767225600);
    assert_int_equal(c.not_after_s, 1798761600);
    assert_false(c.has_basic_constraints || c.has_key_usage || c.has_purposes);
    assert_false(x509_is_self_issued(&c));
    c.subject = SEQ(INTEGER("\x01"));
    assert_true(x509_is_self_issued(&c));
}

static void every_prefix_of_a_certificate_is_refused(void **state)
{
    struct plan p = whole();
    struct span der = build(&p);
    struct x509_certificate c;

    (void)state;
    assert_true(x509_certificate_parse(der, &c));
    for (size_t len = 0; len < der.len; len++)
        assert_false(x509_certificate_parse(span_take(der, len), &c));
    assert_false(x509_certificate_parse(JOIN(der, SPAN("\0")), &c));
}

static void versions_are_one_to_three(void **state)
{
    struct x509_certificate c;
    struct plan p = whole();

    (void)state;
    p.version = SPAN_NONE;
    assert_true(x509_certificate_parse(build(&p), &c));
    assert_int_equal(c.version, 1);
    p.version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\x01"));
    assert_true(x509_certificate_parse(build(&p), &c));
    assert_int_equal(c.version, 2);
    p.version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\x03"));
    assert_false(parses(&p));
    p.version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\xff"));
    assert_false(parses(&p));
    /* The default is not written. */
    p.version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\x00"));
    assert_false(parses(&p));
}

static void extensions_need_version_three(void **state)
{
    struct span list = DER(DER_CONTEXT_CONSTRUCTED(3), SEQ(extension(14, SPAN("\x04\x01k"))));
    struct plan p = whole();

    (void)state;
    p.tail = list;
    assert_true(parses(&p));
    p.tail = JOIN(DER_TEXT(DER_CONTEXT(1), "\0i"), DER_TEXT(DER_CONTEXT(2), "\0s"), list);
    assert_true(parses(&p));
    p.tail = JOIN(list, list);
    assert_false(parses(&p));
    p.tail = list;
    p.version = DER(DER_CONTEXT_CONSTRUCTED(0), INTEGER("\x01"));
    assert_false(parses(&p));
    p.version = SPAN_NONE;
    assert_false(parses(&p));
}

static void certificate_that_contradicts_itself_is_refused(void **state)
{
    struct plan p = whole();

    (void)state;
    p.algorithm = SEQ(DER_TEXT(DER_OID, ECDSA_SHA384));
    assert_false(parses(&p));
    p = whole();
    p.serial = INTEGER("");
    assert_false(parses(&p));
    p = whole();
    p.validity = SEQ(TIME("260101000000Z"));
    assert_false(parses(&p));
    p.validity = SEQ(TIME("260101000000Z"), TIME("271301000000Z"));
    assert_false(parses(&p));
    p.validity = SEQ(TIME("260101000000Z"), TIME("270101000000Z"), INTEGER("\x01"));
    assert_false(parses(&p));
    /* A signature is of whole bytes, and of one at least. */
    p = whole();
    p.bits = SPAN("\x01sig");
    assert_false(parses(&p));
    p.bits = SPAN("\0");
    assert_false(parses(&p));
    p.bits = SPAN("\0s");
    assert_true(parses(&p));
}

/* --- extensions ------------------------------------------------------------------------------ */

static void basic_constraints_are_read(void **state)
{
    struct x509_certificate c;

    (void)state;
    assert_true(parse_with(critical(19, SEQ(TRUE_FLAG, INTEGER("\x02"))), &c));
    assert_true(c.has_basic_constraints && c.is_ca && c.has_path_length);
    assert_int_equal(c.path_length, 2);
    assert_true(parse_with(extension(19, SEQ(TRUE_FLAG)), &c));
    assert_true(c.is_ca);
    assert_false(c.has_path_length);
    assert_true(parse_with(extension(19, SEQ(SPAN_NONE)), &c));
    assert_true(c.has_basic_constraints);
    assert_false(c.is_ca);
    /* A length of a path that nobody may begin, a negative one, and bytes behind. */
    assert_false(parse_with(extension(19, SEQ(INTEGER("\x02"))), &c));
    assert_false(parse_with(extension(19, SEQ(TRUE_FLAG, INTEGER("\xff"))), &c));
    assert_false(parse_with(extension(19, SEQ(DER_TEXT(DER_BOOLEAN, "\x01"))), &c));
    assert_false(parse_with(extension(19, SEQ(TRUE_FLAG, SEQ(SPAN_NONE))), &c));
    assert_false(parse_with(extension(19, JOIN(SEQ(TRUE_FLAG), SEQ(SPAN_NONE))), &c));
}

static void key_usage_is_read(void **state)
{
    struct x509_certificate c;

    (void)state;
    assert_true(parse_with(critical(15, DER_TEXT(DER_BIT_STRING, "\x01\x06")), &c));
    assert_true(c.has_key_usage);
    assert_int_equal(c.key_usage, KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN);
    assert_true(parse_with(extension(15, DER_TEXT(DER_BIT_STRING, "\x07\xa8\x80")), &c));
    assert_int_equal(c.key_usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT |
                                      KEY_USAGE_KEY_AGREEMENT);
    assert_false(parse_with(extension(15, DER_TEXT(DER_BIT_STRING, "\x00")), &c));
    assert_false(parse_with(extension(15, DER_TEXT(DER_BIT_STRING, "\x00\x06\x00\x00")), &c));
    assert_false(parse_with(extension(15, DER_TEXT(DER_OCTET_STRING, "\x01\x06")), &c));
}

static void purposes_are_read(void **state)
{
    struct span server = DER_TEXT(DER_OID, "\x2b\x06\x01\x05\x05\x07\x03\x01");
    struct span client = DER_TEXT(DER_OID, "\x2b\x06\x01\x05\x05\x07\x03\x02");
    struct span mail = DER_TEXT(DER_OID, "\x2b\x06\x01\x05\x05\x07\x03\x04");
    struct x509_certificate c;

    (void)state;
    assert_true(parse_with(extension(37, SEQ(mail, client, server)), &c));
    assert_int_equal(c.purposes, PURPOSE_SERVER | PURPOSE_CLIENT);
    assert_true(parse_with(extension(37, SEQ(DER_TEXT(DER_OID, "\x55\x1d\x25\x00"))), &c));
    assert_int_equal(c.purposes, PURPOSE_ANY);
    assert_true(parse_with(extension(37, SEQ(mail)), &c));
    assert_true(c.has_purposes);
    assert_int_equal(c.purposes, 0);
    assert_false(parse_with(extension(37, SEQ(SPAN_NONE)), &c));
    assert_false(parse_with(extension(37, SEQ(server, INTEGER("\x01"))), &c));
}

static void names_and_key_ids_are_views(void **state)
{
    struct span name = DER_TEXT(GENERAL_NAME_DNS, "a.example"), base = SEQ(name);
    struct x509_certificate c;

    (void)state;
    assert_true(
        parse_with(JOIN(extension(17, SEQ(name)), extension(14, DER_TEXT(DER_OCTET_STRING, "id")),
                        extension(35, SEQ(DER_TEXT(DER_CONTEXT(0), "ca"))),
                        critical(30, SEQ(DER(DER_CONTEXT_CONSTRUCTED(0), base),
                                         DER(DER_CONTEXT_CONSTRUCTED(1), base, base))),
                        extension(31, SEQ(name))),
                   &c));
    assert_true(span_equals(c.alternative_names, name));
    assert_true(span_equals(c.subject_key_id, SPAN("id")));
    assert_true(span_equals(c.authority_key_id, SPAN("ca")));
    assert_true(span_equals(c.permitted_names, base));
    assert_true(span_equals(c.excluded_names, JOIN(base, base)));
    assert_true(c.crl_points.len > 0);
    assert_false(c.has_unknown_critical);
    assert_false(parse_with(extension(17, SEQ(SPAN_NONE)), &c));
    assert_false(parse_with(extension(17, SEQ(name, SPAN("\x82"))), &c));
    assert_false(parse_with(extension(30, SEQ(SPAN_NONE)), &c));
    assert_false(parse_with(extension(30, SEQ(DER(DER_CONTEXT_CONSTRUCTED(2), base))), &c));
}

static void unknown_extensions_matter_when_critical(void **state)
{
    struct span private_oid = DER_TEXT(DER_OID, "\x2a\x03\x04"), value = SPAN("\x05\x00");
    struct x509_certificate c;

    (void)state;
    assert_true(parse_with(extension(99, value), &c));
    assert_false(c.has_unknown_critical);
    assert_true(parse_with(critical(99, value), &c));
    assert_true(c.has_unknown_critical);
    assert_true(parse_with(SEQ(private_oid, TRUE_FLAG, DER(DER_OCTET_STRING, value)), &c));
    assert_true(c.has_unknown_critical);
    assert_true(parse_with(critical(32, value), &c)); /* policies are passed over */
    assert_false(c.has_unknown_critical);
    /* A later one takes nothing back. */
    assert_true(parse_with(JOIN(critical(99, value), extension(98, value)), &c));
    assert_true(c.has_unknown_critical);
}

static void extension_occurs_once(void **state)
{
    struct span ca = critical(19, SEQ(TRUE_FLAG)), none = extension(19, SEQ(SPAN_NONE));
    struct x509_certificate c;

    (void)state;
    assert_true(parse_with(ca, &c));
    assert_false(parse_with(JOIN(ca, none), &c));
    assert_false(parse_with(JOIN(none, extension(32, SPAN("x")), ca), &c));
}

/* --- revocation lists ------------------------------------------------------------------------ */

static struct span entry(const char *serial)
{
    return SEQ(DER(DER_INTEGER, span_of_cstr(serial)), TIME("260101000000Z"));
}

static struct span build_crl(struct span next_update, struct span revoked, struct span tail)
{
    return seal(SEQ(INTEGER("\x01"), SEQ(DER_TEXT(DER_OID, ECDSA_SHA256)), SEQ(INTEGER("\x01")),
                    TIME("260101000000Z"), next_update, revoked, tail),
                SPAN("\0sig"));
}

static bool parse_crl_with(struct span extensions, struct x509_crl *crl)
{
    return x509_crl_parse(
        build_crl(SPAN_NONE, SPAN_NONE, DER(DER_CONTEXT_CONSTRUCTED(0), SEQ(extensions))), crl);
}

/* Also where nothing comes behind that could not be read any more. */
static void broken_extensions_are_not_passed_over(void **state)
{
    struct span ca = critical(19, SEQ(TRUE_FLAG));
    struct x509_certificate c;
    struct x509_crl crl;

    (void)state;
    assert_false(parse_with(JOIN(ca, SPAN("\x30")), &c));
    assert_false(parse_with(JOIN(ca, SEQ(oid_of(99))), &c));
    assert_false(parse_crl_with(JOIN(extension(20, INTEGER("\x01")), SEQ(oid_of(28))), &crl));
    assert_false(parse_with(SEQ(oid_of(99)), &c));
    assert_false(parse_with(SEQ(oid_of(99), DER_TEXT(DER_OCTET_STRING, "x"), TRUE_FLAG), &c));
    assert_false(parse_with(
        SEQ(oid_of(99), DER_TEXT(DER_BOOLEAN, "\x01"), DER_TEXT(DER_OCTET_STRING, "x")), &c));
}

static void list_names_serial_numbers(void **state)
{
    struct x509_crl crl;
    struct span der =
        build_crl(TIME("260201000000Z"), SEQ(entry("\x01"), entry("\x12\x34")), SPAN_NONE);

    (void)state;
    assert_true(x509_crl_parse(der, &crl));
    assert_true(span_equals(crl.issuer, SEQ(INTEGER("\x01"))));
    assert_int_equal(crl.this_update_s, 1767225600);
    assert_int_equal(crl.next_update_s, 1769904000);
    assert_true(x509_crl_has(&crl, SPAN("\x01")));
    assert_true(x509_crl_has(&crl, SPAN("\x12\x34")));
    assert_false(x509_crl_has(&crl, SPAN("\x12")));
    assert_false(x509_crl_has(&crl, SPAN("\x02")));
    for (size_t len = 0; len < der.len; len++)
        assert_false(x509_crl_parse(span_take(der, len), &crl));
}

static void list_may_be_empty_and_without_end(void **state)
{
    struct x509_crl crl;

    (void)state;
    assert_true(x509_crl_parse(build_crl(SPAN_NONE, SPAN_NONE, SPAN_NONE), &crl));
    assert_true(crl.next_update_s == INT64_MAX);
    assert_false(x509_crl_has(&crl, SPAN("\x01")));
}

static void broken_lists_are_refused(void **state)
{
    struct span good = SEQ(entry("\x01"));
    struct x509_crl crl;

    (void)state;
    assert_false(x509_crl_parse(build_crl(TIME("261301000000Z"), good, SPAN_NONE), &crl));
    assert_false(x509_crl_parse(build_crl(SPAN_NONE, good, INTEGER("\x01")), &crl));
    /* Entries behind the one that breaks off would be hidden. */
    assert_false(x509_crl_parse(
        build_crl(SPAN_NONE, SEQ(entry("\x01"), INTEGER("\x02"), entry("\x03")), SPAN_NONE), &crl));
    assert_false(x509_crl_parse(
        build_crl(SPAN_NONE, SEQ(SEQ(TIME("260101000000Z")), entry("\x03")), SPAN_NONE), &crl));
}

static void list_covers_what_its_extensions_say(void **state)
{
    struct span point = DER_TEXT(GENERAL_NAME_URI, "http://a.example/crl");
    struct span points = DER(DER_CONTEXT_CONSTRUCTED(0), DER(DER_CONTEXT_CONSTRUCTED(0), point));
    const struct x509_certificate user = {.crl_points = SEQ(SEQ(points))};
    const struct x509_certificate elsewhere = {.is_ca = false}, authority = {.is_ca = true};
    struct x509_crl crl;

    (void)state;
    assert_true(
        parse_crl_with(JOIN(extension(20, INTEGER("\x01")), extension(35, SPAN("x"))), &crl));
    assert_true(x509_crl_covers(&crl, &user) && x509_crl_covers(&crl, &authority));
    assert_true(parse_crl_with(critical(28, SEQ(DER_TEXT(DER_CONTEXT(1), "\xff"))), &crl));
    assert_true(x509_crl_covers(&crl, &user));
    assert_false(x509_crl_covers(&crl, &authority));
    assert_true(parse_crl_with(critical(28, SEQ(DER_TEXT(DER_CONTEXT(2), "\xff"))), &crl));
    assert_false(x509_crl_covers(&crl, &user));
    assert_true(x509_crl_covers(&crl, &authority));
    assert_true(parse_crl_with(critical(28, SEQ(points)), &crl));
    assert_true(x509_crl_covers(&crl, &user));
    assert_false(x509_crl_covers(&crl, &elsewhere));
}

static void partial_lists_cover_nothing(void **state)
{
    const struct span cases[] = {
        critical(27, INTEGER("\x01")),                           /* a delta */
        critical(28, SEQ(DER_TEXT(DER_CONTEXT(3), "\x01\x02"))), /* some reasons */
        critical(28, SEQ(DER_TEXT(DER_CONTEXT(4), "\xff"))),     /* of several issuers */
        critical(28, SEQ(DER_TEXT(DER_CONTEXT(5), "\xff"))),     /* attribute certificates */
        critical(28, SEQ(DER(DER_CONTEXT_CONSTRUCTED(0),
                             DER_TEXT(DER_CONTEXT_CONSTRUCTED(1), "")))), /* a relative name */
        critical(99, SPAN("x")),
    };
    const struct x509_certificate c = {.is_ca = false};
    struct x509_crl crl;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(parse_crl_with(cases[i], &crl));
        assert_false(x509_crl_covers(&crl, &c));
    }
    assert_true(parse_crl_with(extension(99, SPAN("x")), &crl));
    assert_true(x509_crl_covers(&crl, &c));
    assert_false(parse_crl_with(critical(28, SEQ(DER_TEXT(DER_CONTEXT(1), "\x01"))), &crl));
    assert_false(parse_crl_with(critical(28, SEQ(SPAN("\x81"))), &crl));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificate_is_seen_in_its_parts),
        cmocka_unit_test(every_prefix_of_a_certificate_is_refused),
        cmocka_unit_test(versions_are_one_to_three),
        cmocka_unit_test(extensions_need_version_three),
        cmocka_unit_test(certificate_that_contradicts_itself_is_refused),
        cmocka_unit_test(basic_constraints_are_read),
        cmocka_unit_test(key_usage_is_read),
        cmocka_unit_test(purposes_are_read),
        cmocka_unit_test(names_and_key_ids_are_views),
        cmocka_unit_test(unknown_extensions_matter_when_critical),
        cmocka_unit_test(extension_occurs_once),
        cmocka_unit_test(broken_extensions_are_not_passed_over),
        cmocka_unit_test(list_names_serial_numbers),
        cmocka_unit_test(list_may_be_empty_and_without_end),
        cmocka_unit_test(broken_lists_are_refused),
        cmocka_unit_test(list_covers_what_its_extensions_say),
        cmocka_unit_test(partial_lists_cover_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
