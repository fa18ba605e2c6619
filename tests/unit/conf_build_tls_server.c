/* Tests of conf/build_tls_server: profiles of drafts. What files are refused is in
 * conf_build_tls.c. */
#include "../conf_certificates.h"
#include "../draft_fixture.h"

#include "conf/build_tls_server.h"

static const struct origin here = {.file = {"t.conf", 6}, .line = 3};

/* A path whose bytes are known already: nothing is opened. */
static struct word know(struct draft *d, const char *path, struct span text)
{
    struct file_read *f = vector_add(&d->c, &d->c.files, sizeof(*f));

    assert_non_null(f);
    *f = (struct file_read){span_of_cstr(path), text};
    return (struct word){span_of_cstr(path), here};
}

static void put(struct draft *d, struct vector *paths, const char *path, const char *text)
{
    struct certificate_draft *added = vector_add(&d->c, paths, sizeof(*added));

    assert_non_null(added);
    added->file = know(d, path, span_of_cstr(text));
    added->value = (struct template){.is_literal = true, .text = added->file.text};
}

static void put_ticket_key(struct draft *d, struct server_tls_draft *t, const char *path,
                           size_t bytes)
{
    static char secret[100];
    struct word *added = vector_add(&d->c, &t->ticket_keys, sizeof(*added));

    assert_non_null(added);
    *added = know(d, path, span_of(secret, bytes));
}

static struct server_tls_draft a_draft(struct draft *d)
{
    struct server_tls_draft t = {
        .protocols = TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3,
        .ciphers = {.text = SPAN("HIGH:!aNULL:!MD5")},
        .session_tickets = true,
        .session_timeout_ms = 300000,
        .verify_depth = 1,
        .buffer_size = 16384,
    };

    put(d, &t.certificates, "one.pem", one_pem);
    put(d, &t.certificate_keys, "one.key", one_key);
    return t;
}

static void without_a_certificate_there_is_no_profile(void **state)
{
    struct draft *d = *state;
    const struct tls_server_profile *p = (const void *)d;

    assert_int_equal(build_server_tls(&d->c, &(struct server_tls_draft){0}, &here, &p), 0);
    assert_null(p);
    assert_null(d->snapshot.tls_server_shared);
    assert_int_equal(d->c.tls_server_profiles.count, 0);
}

static void equal_drafts_are_one_profile(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *one, *same, *other;

    assert_int_equal(build_server_tls(&d->c, &t, &here, &one), 0);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &same), 0);
    assert_ptr_equal(one, same);
    t.verify_client = VERIFY_CLIENT_OPTIONAL_NO_CA;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &other), 0);
    assert_int_not_equal(one->settings.id, other->settings.id);
    t.verify_client = VERIFY_CLIENT_OFF;
    t.session_timeout_ms += 1000;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &other), 0);
    assert_ptr_not_equal(one, other);
    assert_true(one->settings.id == other->settings.id); /* sessions stay good */
    assert_int_equal(one->index, 0);
    assert_int_equal(other->index, 2);
    assert_int_equal(d->c.tls_server_profiles.count, 3);
    draft_assert_said(d, "");
}

static void tickets_good_for_no_time_are_none(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_true(p->settings.has_tickets);
    assert_int_equal(p->settings.ticket_lifetime_s, 300);
    t.session_timeout_ms = 0;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_false(p->settings.has_tickets);
    t.session_timeout_ms = UINT64_C(10000000000000);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_int_equal(p->settings.ticket_lifetime_s, UINT32_MAX);
}

static void a_certificate_without_a_key_is_named(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    t.certificate_keys.count = 0;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d, "[emerg] no \"ssl_certificate_key\" is defined for certificate "
                         "\"one.pem\" in t.conf:3");
    assert_int_equal(d->c.tls_server_profiles.count, 0);
}

static void verification_needs_a_certificate_to_verify_with(void **state)
{
    static const unsigned wishes[] = {VERIFY_CLIENT_ON, VERIFY_CLIENT_OPTIONAL};
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        t.verify_client = wishes[i];
        assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
        draft_assert_said(d, "[emerg] no ssl_client_certificate or ssl_trusted_certificate for "
                             "ssl_verify_client in t.conf:3");
    }
    t.trusted_certificate = (struct word){SPAN("one.pem"), here};
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    draft_assert_said(d, "");
}

static void a_key_of_another_certificate_is_named(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    t.certificate_keys = (struct vector){0};
    put(d, &t.certificate_keys, "two.key", two_key);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    assert_non_null(strstr(draft_said(d), "\"ssl_certificate"));
    assert_int_equal(d->c.tls_server_profiles.count, 0);
}

static void rejecting_needs_no_certificate(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    t.certificates.count = t.certificate_keys.count = 0;
    t.reject_handshake = true;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_non_null(p);
    assert_true(p->settings.rejects_handshakes);
    assert_int_equal(p->settings.pair_count, 0);
    draft_assert_said(d, "");
}

/* As the setter leaves one with variables. */
static void put_variable(struct vector *paths, const char *text)
{
    struct certificate_draft *first = paths->items;

    first->value = (struct template){.text = span_of_cstr(text)};
    first->file.text = first->value.text;
}

static void a_pair_with_variables_is_chosen_by_handshakes(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *one, *other;

    put_variable(&t.certificates, "$ssl_server_name.pem");
    assert_int_equal(build_server_tls(&d->c, &t, &here, &one), 0);
    assert_true(one->settings.chooses_pair);
    assert_int_equal(one->settings.pair_count, 0);
    assert_true(span_equals(one->certificate->certificate.text, SPAN("$ssl_server_name.pem")));
    put_variable(&t.certificates, "$host.pem");
    assert_int_equal(build_server_tls(&d->c, &t, &here, &other), 0);
    assert_ptr_not_equal(one, other);
    draft_assert_said(d, "");
    t.stapling = true;
    assert_int_equal(build_server_tls(&d->c, &t, &here, &other), 0);
    draft_assert_said(d, "[warn] \"ssl_stapling\" ignored for certificate \"$host.pem\", which has "
                         "variables in t.conf:3");
}

static void what_is_beside_variables_is_checked(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    put_variable(&t.certificate_keys, "$host.key");
    t.curves = (struct word){SPAN("foo"), here};
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d, "[emerg] \"ssl_ecdh_curve\" \"foo\": unknown curve \"foo\" in t.conf:3");
    t.curves.text = SPAN("auto");
    put(d, &t.certificates, "two.pem", two_pem);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    assert_non_null(strstr(draft_said(d), "several \"ssl_certificate\" are not supported where one "
                                          "has variables in t.conf:3"));
    t.certificates.count = 1;
    t.certificate_keys.count = 0;
    put_variable(&t.certificates, "$host.pem");
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    assert_non_null(strstr(draft_said(d), "no \"ssl_certificate_key\" is defined for certificate "
                                          "\"$host.pem\" in t.conf:3"));
}

static void records_are_as_long_as_tls_allows(void **state)
{
    static const uint64_t sizes[][2] = {{1, 1}, {16384, 16384}, {16385, 16384}, {1 << 20, 16384}};
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        t.buffer_size = sizes[i][0];
        assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
        assert_int_equal(p->settings.record_bytes_max, sizes[i][1]);
    }
}

static void ticket_keys_have_nginxs_lengths(void **state)
{
    static const size_t bad[] = {47, 49, 79, 81};
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p, *plain;

    assert_int_equal(build_server_tls(&d->c, &t, &here, &plain), 0);
    put_ticket_key(d, &t, "48", 48);
    put_ticket_key(d, &t, "80", 80);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_int_equal(p->settings.ticket_key_count, 2);
    assert_int_equal(p->settings.ticket_keys[1].len, 80);
    assert_ptr_not_equal(p, plain);
    assert_true(p->settings.id == plain->settings.id);
    draft_assert_said(d, "");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        t.ticket_keys.count = 0;
        d->c.files.count = 2;
        put_ticket_key(d, &t, "bad.key", bad[i]);
        assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
        draft_assert_said(d, "[emerg] \"ssl_session_ticket_key\" \"bad.key\" must be 48 or 80 "
                             "bytes in t.conf:3");
    }
}

static void ticket_keys_are_so_many(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    for (size_t i = 0; i < TLS_TICKET_KEYS_MAX; i++)
        put_ticket_key(d, &t, "a", 48);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    put_ticket_key(d, &t, "a", 48);
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d,
                      "[emerg] too many \"ssl_session_ticket_key\", 16 are possible in t.conf:3");
}

static void wrong_curves_and_parameters_are_named(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;

    t.curves = (struct word){SPAN("X25519:foo"), here};
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d, "[emerg] \"ssl_ecdh_curve\" \"X25519:foo\": unknown curve \"foo\" in "
                         "t.conf:3");
    t.curves.text = SPAN("prime256v1:X25519");
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    t.dhparam = know(d, "dh.pem", span_of_cstr(one_pem));
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d, "[emerg] \"ssl_dhparam\" \"dh.pem\": cannot load DH parameters: bad PEM, "
                         "or under 2048 bits in t.conf:3");
}

static void commands_come_on_top_of_directives(void **state)
{
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    struct conf_command *command = vector_add(&d->c, &t.conf_commands, sizeof(*command));
    const struct tls_server_profile *p;

    *command = (struct conf_command){{SPAN("Options"), here}, SPAN("-SessionTicket")};
    command = vector_add(&d->c, &t.conf_commands, sizeof(*command));
    *command = (struct conf_command){{SPAN("MaxProtocol"), here}, SPAN("TLSv1.2")};
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), 0);
    assert_false(p->settings.has_tickets);
    assert_int_equal(p->settings.protocols, TLS_PROTOCOL_1_2);
    command->value = SPAN("TLSv1");
    assert_int_equal(build_server_tls(&d->c, &t, &here, &p), -EINVAL);
    draft_assert_said(d, "[emerg] \"ssl_conf_command\" leaves no protocol in t.conf:3");
}

/* A file of these bytes, in a new draft's words; the caller removes it. */
static struct word file_of(char path[64], const char *text)
{
    int fd;

    strcpy(path, "/tmp/ringway-file-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return (struct word){span_of_cstr(path), here};
}

/* With a little more memory each time, so that every allocation is once the one that fails. */
static void memory_at_its_end_is_no_wrong_file(void **state)
{
    static const char *const texts[] = {one_pem, one_key, "secret\n", two_pem, one_pem, one_crl};
    struct draft *d = *state;
    struct server_tls_draft t = a_draft(d);
    const struct tls_server_profile *p;
    char paths[COUNT_OF(texts)][64];
    struct word words[COUNT_OF(texts)];
    int rc = -ENOMEM;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        words[i] = file_of(paths[i], texts[i]);
    ((struct certificate_draft *)t.certificates.items)->file = words[0];
    ((struct certificate_draft *)t.certificate_keys.items)->file = words[1];
    t.password_file = words[2];
    t.client_certificate = words[3];
    t.trusted_certificate = words[4];
    t.crl = words[5];
    t.verify_client = VERIFY_CLIENT_ON;
    for (size_t bytes = 0; rc; bytes += 16) {
        assert_true(bytes < 65536);
        d->c.files = (struct vector){0};
        draft_leave_bytes(d, bytes);
        rc = build_server_tls(&d->c, &t, &here, &p);
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            draft_assert_said(d, "[emerg] no memory left to build the configuration");
        }
    }
    assert_int_equal(p->settings.passwords.count, 1);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        unlink(paths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAFT_TEST(without_a_certificate_there_is_no_profile),
        DRAFT_TEST(equal_drafts_are_one_profile),
        DRAFT_TEST(tickets_good_for_no_time_are_none),
        DRAFT_TEST(a_certificate_without_a_key_is_named),
        DRAFT_TEST(verification_needs_a_certificate_to_verify_with),
        DRAFT_TEST(a_key_of_another_certificate_is_named),
        DRAFT_TEST(rejecting_needs_no_certificate),
        DRAFT_TEST(a_pair_with_variables_is_chosen_by_handshakes),
        DRAFT_TEST(what_is_beside_variables_is_checked),
        DRAFT_TEST(records_are_as_long_as_tls_allows),
        DRAFT_TEST(ticket_keys_have_nginxs_lengths),
        DRAFT_TEST(ticket_keys_are_so_many),
        DRAFT_TEST(wrong_curves_and_parameters_are_named),
        DRAFT_TEST(commands_come_on_top_of_directives),
        DRAFT_TEST(memory_at_its_end_is_no_wrong_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
