/* Tests of conf/build_tls: profiles of both sides, and files that cannot work. */
#include "../conf_certificates.h"
#include "../conf_folder.h"
#include "../draft_fixture.h"

#include "conf/build_tls.h"

#define PASS(text) \
    "http {\nserver {\nlisten 8080;\nlocation / {\nproxy_pass https://127.0.0.1;\n" text "\n}}}\n"
#define SERVE(text) "http {\nserver {\nlisten 8443 ssl;\n" text "\n}}\n"
#define CA "proxy_ssl_trusted_certificate one.pem;\n"
#define PAIR "ssl_certificate one.pem; ssl_certificate_key one.key;\n"

static int set_up(void **state)
{
    if (folder_set_up(state))
        return -1;
    folder_put(*state, "one.pem", one_pem);
    folder_put(*state, "one.key", one_key);
    folder_put(*state, "one.enc", one_encrypted_key);
    folder_put(*state, "one.crl", one_crl);
    folder_put(*state, "two.pem", two_pem);
    folder_put(*state, "two.key", two_key);
    folder_put(*state, "bad.pem", "no PEM at all\n");
    folder_put(*state, "empty", "");
    folder_put(*state, "passwords", "wrong\nsecret\r\n\n");
    folder_put(*state, "wrong", "wrong\n");
    return 0;
}

static void build(const struct conf_folder *f, struct conf_text *t, const char *text)
{
    folder_put(f, "main.conf", text);
    folder_read(f, t);
}

static void taken(const struct conf_folder *f, struct conf_text *t, const char *text)
{
    build(f, t, text);
    assert_string_equal(t->log, "");
    assert_int_equal(t->rc, 0);
}

static void refused(const struct conf_folder *f, const char *text, const char *line)
{
    folder_put(f, "main.conf", text);
    folder_assert_refused(f, line);
}

/* --- towards upstreams ---------------------------------------------------------------------- */

static void verification_is_on_by_default(void **state)
{
    struct conf_text t;
    const struct tls_profile *p;

    taken(*state, &t, PASS(CA));
    assert_int_equal(t.snapshot->tls_profile_count, 1);
    p = t.snapshot->tls_profiles[0];
    assert_true(p->settings.verifies);
    assert_true(p->sends_sni);
    assert_true(p->reuses_sessions);
    assert_int_equal(p->tickets_max, 32);
    assert_int_equal(p->settings.verify_depth, 9);
    assert_int_equal(p->settings.protocols, TLS_PROTOCOL_1_2 | TLS_PROTOCOL_1_3);
    assert_true(span_equals(p->settings.ca_pem, SPAN(one_pem)));
    assert_true(span_ends_with(p->ca_origin, SPAN("/one.pem")));
    assert_int_equal(p->origin.line, 5);
    conf_text_deinit(&t);
}

static void verification_that_is_off_is_warned_about_for_each_upstream(void **state)
{
    static const char text[] = "http {\nproxy_ssl_verify off;\nserver { listen 8080;\n"
                               "location /a {\nproxy_pass https://127.0.0.1; }\n"
                               "location /b {\nproxy_pass https://127.0.0.1; }\n"
                               "location /c {\nproxy_pass https://127.0.0.2; }\n"
                               "location /d {\nproxy_pass http://127.0.0.3; }\n}}";
    struct conf_text t;

    build(*state, &t, text);
    assert_int_equal(t.rc, 0);
    assert_string_equal(t.log, "[warn] \"proxy_ssl_verify\" is off: whoever answers for upstream "
                               "\"127.0.0.1\" is trusted in main.conf:5\n"
                               "[warn] \"proxy_ssl_verify\" is off: whoever answers for upstream "
                               "\"127.0.0.2\" is trusted in main.conf:9\n");
    assert_int_equal(t.snapshot->tls_profile_count, 1);
    assert_true(span_is_empty(t.snapshot->tls_profiles[0]->settings.ca_pem));
    conf_text_deinit(&t);
}

static void equal_settings_are_one_profile(void **state)
{
    static const char text[] =
        "http {\n" CA "server { listen 8080;\n"
        "location /a { proxy_pass https://127.0.0.1; }\n"
        "location /b { proxy_pass https://127.0.0.2; proxy_ssl_verify_depth 9; }\n"
        "location /c { proxy_pass https://127.0.0.1; proxy_ssl_trusted_certificate copy.pem; }\n"
        "location /d { proxy_pass https://127.0.0.1; proxy_ssl_verify_depth 8; }\n"
        "location /e { proxy_pass https://127.0.0.1; proxy_ssl_session_reuse off; }\n"
        "location /f { proxy_pass https://127.0.0.1; proxy_ssl_server_name off; }\n"
        "location /g { proxy_pass https://127.0.0.1; proxy_ssl_protocols TLSv1.3; }\n"
        "location /h { proxy_pass https://127.0.0.1; proxy_ssl_ciphers ECDHE; }\n"
        "location /i { proxy_pass https://127.0.0.1; proxy_ssl_crl one.crl; }\n"
        "location /j { proxy_pass https://127.0.0.1; proxy_ssl_trusted_certificate two.pem; }\n"
        "location /k { proxy_pass https://127.0.0.1; proxy_ssl_certificate one.pem;\n"
        "proxy_ssl_certificate_key one.key; }\n"
        "}}";
    struct conf_text t;
    struct snapshot *s;

    folder_put(*state, "copy.pem", one_pem);
    taken(*state, &t, text);
    s = t.snapshot;
    assert_int_equal(s->tls_profile_count, 9);
    for (size_t i = 0; i < s->tls_profile_count; i++) {
        assert_int_equal(s->tls_profiles[i]->index, i);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&s->tls_profiles[i]->settings_digest,
                                    &s->tls_profiles[j]->settings_digest,
                                    sizeof(struct tls_identity));
    }
    conf_text_deinit(&t);
}

static void an_empty_certificate_turns_the_inherited_one_off(void **state)
{
    static const char text[] =
        "http {\n" CA "proxy_ssl_certificate one.pem; proxy_ssl_certificate_key one.key;\n"
        "server { listen 8080;\n"
        "location /a { proxy_pass https://127.0.0.1; }\n"
        "location /b { proxy_pass https://127.0.0.1; proxy_ssl_certificate ''; }}}";
    struct conf_text t;

    taken(*state, &t, text);
    assert_int_equal(t.snapshot->tls_profile_count, 2);
    assert_true(
        span_equals(t.snapshot->tls_profiles[0]->settings.pair.certificate_pem, SPAN(one_pem)) ||
        span_equals(t.snapshot->tls_profiles[1]->settings.pair.certificate_pem, SPAN(one_pem)));
    conf_text_deinit(&t);
}

#define DATA_PAIR "proxy_ssl_certificate 'data:%s';\nproxy_ssl_certificate_key 'data:%s';\n"

static void a_pair_may_stand_in_the_file_itself(void **state)
{
    struct conf_text t;
    const struct tls_pair *pair;
    char text[4096];

    (void)snprintf(text, sizeof(text), PASS(CA DATA_PAIR), one_pem, one_key);
    taken(*state, &t, text);
    pair = &t.snapshot->tls_profiles[0]->settings.pair;
    assert_true(span_equals(pair->certificate_pem, SPAN(one_pem)));
    assert_true(span_equals(pair->key_pem, SPAN(one_key)));
    assert_null(t.snapshot->servers[0]->root.prefixes[0]->proxy_pass.certificate);
    conf_text_deinit(&t);
}

static void a_key_in_the_file_itself_is_never_shown(void **state)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), PASS(CA DATA_PAIR), "x", one_key);
    refused(
        *state, text,
        "\"proxy_ssl_certificate\" \"data:\": cannot load certificate: no PEM certificate found "
        "in main.conf:7");
    (void)snprintf(text, sizeof(text),
                   PASS(CA "proxy_ssl_certificate one.pem;\n"
                           "proxy_ssl_certificate_key 'data:%s';"),
                   one_encrypted_key);
    refused(*state, text,
            "\"proxy_ssl_certificate_key\" \"data:\": key is encrypted and no password fits in "
            "main.conf:15");
    refused(*state, PASS(CA "proxy_ssl_certificate data:;\nproxy_ssl_certificate_key one.key;"),
            "\"proxy_ssl_certificate\" \"data:\" is empty in main.conf:7");
    refused(*state, PASS(CA "proxy_ssl_certificate 'data:a b';"),
            "no \"proxy_ssl_certificate_key\" is defined for certificate \"data:\" in main.conf:7");
}

static const struct proxy_pass *pass_of(const struct conf_text *t, const char *prefix)
{
    const struct location_conf *root = &t->snapshot->servers[0]->root;

    for (size_t i = 0; i < root->prefix_count; i++) {
        if (span_equals(root->prefixes[i]->pattern, span_of_cstr(prefix)))
            return &root->prefixes[i]->proxy_pass;
    }
    fail_msg("no location %s", prefix);
    return NULL;
}

static void certificates_with_variables_are_left_to_requests(void **state)
{
    static const char text[] =
        "http {\n" CA "proxy_ssl_certificate_key $host.key; proxy_ssl_password_file passwords;\n"
        "proxy_ssl_certificate_cache max=7;\n"
        "server { listen 8080;\n"
        "location /none { proxy_pass https://127.0.0.1; }\n"
        "location /both { proxy_pass https://127.0.0.1; proxy_ssl_certificate $host.pem; }\n"
        "location /half { proxy_pass https://127.0.0.1; proxy_ssl_certificate one.pem; }\n"
        "location /other-half { proxy_pass https://127.0.0.1; proxy_ssl_certificate $host.pem;\n"
        "proxy_ssl_certificate_key one.key; }\n"
        "location /off { proxy_pass https://127.0.0.1; proxy_ssl_certificate one.pem;\n"
        "proxy_ssl_certificate_cache off; }}}";
    struct conf_text t;
    const struct certificate_conf *both, *half, *off;

    taken(*state, &t, text);
    assert_int_equal(t.snapshot->tls_profile_count, 1); /* none of them has a pair */
    assert_int_equal(t.snapshot->tls_profiles[0]->settings.pair.certificate_pem.len, 0);
    assert_null(pass_of(&t, "/none")->certificate);
    both = pass_of(&t, "/both")->certificate;
    half = pass_of(&t, "/half")->certificate;
    off = pass_of(&t, "/off")->certificate;
    assert_true(span_equals(both->certificate.text, SPAN("$host.pem")));
    assert_true(span_equals(both->key.text, SPAN("$host.key")));
    assert_true(span_equals(half->certificate.text, SPAN("one.pem")));
    assert_true(span_equals(pass_of(&t, "/other-half")->certificate->key.text, SPAN("one.key")));
    assert_true(span_ends_with(half->path_prefix, SPAN("/")));
    assert_int_equal(half->passwords.count, 2);
    assert_ptr_equal(both->cache, half->cache);
    assert_int_equal(half->cache->entries_max, 7);
    assert_null(off->cache);
    assert_int_equal(t.snapshot->certificate_cache_count, 1);
    conf_text_deinit(&t);
    refused(*state, PASS(CA "proxy_ssl_certificate $host.pem;"),
            "no \"proxy_ssl_certificate_key\" is defined for certificate \"$host.pem\" in "
            "main.conf:7");
}

static void encrypted_keys_need_a_password_that_fits(void **state)
{
    struct conf_text t;

    taken(*state, &t,
          PASS(CA "proxy_ssl_certificate one.pem; proxy_ssl_certificate_key one.enc;\n"
                  "proxy_ssl_password_file passwords;"));
    assert_int_equal(t.snapshot->tls_profiles[0]->settings.passwords.count, 2);
    assert_true(
        span_equals(t.snapshot->tls_profiles[0]->settings.passwords.list[1], SPAN("secret")));
    conf_text_deinit(&t);
    refused(*state,
            PASS(CA "proxy_ssl_certificate one.pem;\nproxy_ssl_certificate_key one.enc;\n"
                    "proxy_ssl_password_file wrong;"),
            "\"proxy_ssl_certificate_key\" \"one.enc\": key is encrypted and no password fits in "
            "main.conf:8");
    refused(*state, PASS(CA "proxy_ssl_password_file none;"),
            "\"proxy_ssl_password_file\" \"none\": open() failed (2: No such file or directory) in "
            "main.conf:7");
}

static void files_that_cannot_work_are_named(void **state)
{
    static const char pair[] = PASS(CA "proxy_ssl_certificate one.pem;\n"
                                       "proxy_ssl_certificate_key two.key;");

    refused(*state, pair,
            "\"proxy_ssl_certificate\" \"one.pem\": key does not match the certificate in "
            "main.conf:7");
    refused(*state, PASS(CA "proxy_ssl_certificate one.pem;"),
            "no \"proxy_ssl_certificate_key\" is defined for certificate \"one.pem\" in "
            "main.conf:7");
    refused(*state, PASS(CA "proxy_ssl_certificate bad.pem;\nproxy_ssl_certificate_key one.key;"),
            "\"proxy_ssl_certificate\" \"bad.pem\": cannot load certificate: no PEM certificate "
            "found in main.conf:7");
    refused(*state, PASS(CA "proxy_ssl_certificate one.pem;\nproxy_ssl_certificate_key bad.pem;"),
            "\"proxy_ssl_certificate_key\" \"bad.pem\": cannot load key: no PEM private key found "
            "in main.conf:8");
    refused(*state, PASS("proxy_ssl_trusted_certificate none.pem;"),
            "\"proxy_ssl_trusted_certificate\" \"none.pem\": open() failed (2: No such file or "
            "directory) in main.conf:6");
    refused(*state, PASS("proxy_ssl_trusted_certificate empty;"),
            "\"proxy_ssl_trusted_certificate\" \"empty\" is empty in main.conf:6");
    refused(*state, PASS("proxy_ssl_trusted_certificate /;"),
            "\"proxy_ssl_trusted_certificate\" \"/\" is not a file of at most 16777216 bytes in "
            "main.conf:6");
}

/* What the other room says of them is its own matter. */
static void refused_with(const struct conf_folder *f, const char *text, const char *begin,
                         const char *end)
{
    struct conf_text t;
    size_t len;

    build(f, &t, text);
    len = strlen(t.log);
    assert_int_equal(t.rc, -EINVAL);
    if (strncmp(t.log, begin, strlen(begin)) != 0 || len < strlen(end) ||
        strcmp(t.log + len - strlen(end), end) != 0)
        fail_msg("%s", t.log);
}

static void a_bad_ca_crl_or_key_log_is_told_apart(void **state)
{
    refused_with(*state, PASS("proxy_ssl_trusted_certificate bad.pem;"),
                 "[emerg] \"proxy_ssl_trusted_certificate\" \"bad.pem\": ", " in main.conf:6\n");
    refused_with(*state, PASS(CA "proxy_ssl_crl bad.pem;"),
                 "[emerg] \"proxy_ssl_crl\" \"bad.pem\": ", " in main.conf:7\n");
    refused_with(*state, PASS(CA "proxy_ssl_key_log none/log;"),
                 "[emerg] \"proxy_ssl_key_log\" \"none/log\": ", " in main.conf:7\n");
}

static void openssl_commands_come_on_top(void **state)
{
    struct conf_text t;
    const struct tls_client_settings *s;

    taken(*state, &t,
          PASS(CA "proxy_ssl_conf_command MinProtocol TLSv1.3;\n"
                  "proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"));
    s = &t.snapshot->tls_profiles[0]->settings;
    assert_int_equal(s->protocols, TLS_PROTOCOL_1_3);
    assert_true(s->suites.rows[0]->is_tls13);
    assert_string_equal(s->suites.rows[0]->openssl_name, "TLS_AES_128_GCM_SHA256");
    assert_false(s->suites.rows[1]->is_tls13);
    conf_text_deinit(&t);
    refused(*state, PASS(CA "proxy_ssl_conf_command MaxProtocol TLSv1.1;"),
            "\"proxy_ssl_conf_command\" leaves no protocol in main.conf:7");
}

static void without_a_ca_the_systems_is_needed(void **state)
{
    const struct build_options o = {
        .text = SPAN(PASS("")), .text_name = "t.conf", .reads_nothing = true};
    struct conf_text t;

    conf_text_build_with(&t, &o);
    assert_int_equal(t.rc, -EINVAL);
    assert_string_equal(t.log, "[emerg] the system's CA store was not found "
                               "(/etc/ssl/certs/ca-certificates.crt and its like): name the CA of "
                               "your upstreams by \"proxy_ssl_trusted_certificate\" in t.conf:5\n");
}

static void cipher_strings_that_select_nothing_are_refused(void **state)
{
    refused_with(*state, PASS(CA "proxy_ssl_ciphers foo;"),
                 "[emerg] \"proxy_ssl_ciphers\" \"foo\": ", " in main.conf:7\n");
    refused_with(*state, SERVE(PAIR "ssl_ciphers foo;"),
                 "[emerg] \"ssl_ciphers\" \"foo\": ", " in main.conf:5\n");
    refused_with(*state, PASS(CA "proxy_ssl_conf_command CipherString foo;"),
                 "[emerg] \"proxy_ssl_ciphers\" \"foo\": ", " in main.conf:5\n");
}

static void one_listen_with_ssl_makes_the_address_tls(void **state)
{
    static const char text[] = "http {\n" PAIR "server { listen 8443 ssl; }\n"
                               "server { listen 8443; server_name b; }}";
    struct conf_text t;

    build(*state, &t, text);
    assert_string_equal(t.log,
                        "[warn] protocol options redefined for 0.0.0.0:8443 in main.conf:4\n");
    assert_true(t.snapshot->listens[0].is_tls);
    conf_text_deinit(&t);
}

static void suites_must_fit_the_protocols(void **state)
{
    refused(*state,
            PASS(CA "proxy_ssl_protocols TLSv1.2;\n"
                    "proxy_ssl_ciphers TLS_AES_128_GCM_SHA256:!ALL;"),
            "\"proxy_ssl_ciphers\" \"TLS_AES_128_GCM_SHA256:!ALL\" leaves no suite for the "
            "protocols in main.conf:8");
}

static void names_may_hold_variables(void **state)
{
    struct conf_text t;
    const struct settings *s;

    taken(*state, &t, PASS(CA "proxy_ssl_name $host.internal;"));
    s = &t.snapshot->servers[0]->root.prefixes[0]->settings;
    assert_true(s->proxy_ssl_name_is_set);
    assert_false(s->proxy_ssl_name.is_literal);
    assert_false(t.snapshot->servers[0]->root.settings.proxy_ssl_name_is_set);
    conf_text_deinit(&t);
}

/* --- towards clients ------------------------------------------------------------------------ */

static void servers_have_profiles(void **state)
{
    struct conf_text t;
    const struct tls_server_settings *s;

    taken(*state, &t,
          SERVE(PAIR "ssl_client_certificate two.pem; ssl_verify_client optional;\n"
                     "ssl_prefer_server_ciphers on; ssl_session_tickets off;"));
    assert_int_equal(t.snapshot->tls_server_profile_count, 1);
    assert_non_null(t.snapshot->tls_server_shared);
    assert_true(t.snapshot->listens[0].is_tls);
    s = &t.snapshot->servers[0]->tls->settings;
    assert_int_equal(s->pair_count, 1);
    assert_true(span_equals(s->pairs[0].key_pem, SPAN(one_key)));
    assert_int_equal(s->verify_client, VERIFY_CLIENT_OPTIONAL);
    assert_int_equal(s->verify_depth, 1);
    assert_true(s->prefers_server_suites);
    assert_false(s->has_tickets);
    conf_text_deinit(&t);
}

static void tickets_live_as_long_as_the_file_says(void **state)
{
    static const struct {
        const char *text;
        unsigned lifetime_s;
        bool has_tickets;
    } rows[] = {
        {SERVE(PAIR), 300, true},
        {SERVE(PAIR "ssl_session_timeout 1d;"), 86400, true},
        {SERVE(PAIR "ssl_session_timeout 0;"), 0, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conf_text t;
        const struct tls_server_settings *s;

        taken(*state, &t, rows[i].text);
        s = &t.snapshot->servers[0]->tls->settings;
        assert_int_equal(s->ticket_lifetime_s, rows[i].lifetime_s);
        assert_int_equal(s->has_tickets, rows[i].has_tickets);
        conf_text_deinit(&t);
    }
}

static void server_profiles_are_inherited_and_shared(void **state)
{
    static const char text[] = "http {\n" PAIR "server { listen 8443 ssl; server_name a; }\n"
                               "server { listen 8443 ssl; server_name b; }\n"
                               "server { listen 8443 ssl; server_name c;\n"
                               "ssl_certificate two.pem; ssl_certificate_key two.key; }}";
    struct conf_text t;
    struct server_conf **servers;

    taken(*state, &t, text);
    servers = t.snapshot->servers;
    assert_int_equal(t.snapshot->tls_server_profile_count, 2);
    assert_ptr_equal(servers[0]->tls, servers[1]->tls);
    assert_ptr_not_equal(servers[0]->tls, servers[2]->tls);
    assert_int_not_equal(servers[0]->tls->settings.id, servers[2]->tls->settings.id);
    conf_text_deinit(&t);
}

static void server_files_that_cannot_work_are_named(void **state)
{
    refused(*state, "http {\nserver {\nlisten 8443 ssl;\n}}",
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in "
            "main.conf:2");
    refused(*state, SERVE("ssl_certificate one.pem;"),
            "no \"ssl_certificate_key\" is defined for certificate \"one.pem\" in main.conf:4");
    refused(*state, SERVE(PAIR "ssl_certificate two.pem;"),
            "no \"ssl_certificate_key\" is defined for certificate \"two.pem\" in main.conf:5");
    refused(*state, SERVE("ssl_certificate one.pem;\nssl_certificate_key two.key;"),
            "\"ssl_certificate\" \"one.pem\": key does not match the certificate in main.conf:4");
    refused(*state, SERVE("ssl_certificate one.pem;\nssl_certificate_key bad.pem;"),
            "\"ssl_certificate_key\" \"bad.pem\": cannot load key: no PEM private key found in "
            "main.conf:5");
    refused(*state, SERVE(PAIR "ssl_verify_client on;"),
            "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client in "
            "main.conf:2");
    refused_with(*state, SERVE(PAIR "ssl_client_certificate bad.pem;"),
                 "[emerg] \"ssl_client_certificate\" \"bad.pem\": ", " in main.conf:5\n");
    refused_with(*state, SERVE(PAIR "ssl_trusted_certificate bad.pem;"),
                 "[emerg] \"ssl_trusted_certificate\" \"bad.pem\": ", " in main.conf:5\n");
    refused_with(*state, SERVE(PAIR "ssl_client_certificate one.pem; ssl_crl bad.pem;"),
                 "[emerg] \"ssl_crl\" \"bad.pem\": ", " in main.conf:5\n");
}

/* --- files that break off ------------------------------------------------------------------- */

/* One text and half of another in a file. */
static void put_cut(const struct conf_folder *f, const char *name, const char *good,
                    const char *cut)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), "%s%.*s", good, (int)strlen(cut) / 2, cut);
    folder_put(f, name, text);
}

static void files_that_break_off_are_named(void **state)
{
#define CUT(what, line) what ": the PEM block in line " line " is cut, it has no END line in main."
#define CUT_CHAIN "cut-chain.pem\": " CUT("cannot load certificate", "11") "conf:"
#define CUT_KEY "cut.key\": " CUT("cannot load key", "1") "conf:"
#define CUT_CA "cut-chain.pem\": " CUT("cannot load CA certificates", "11") "conf:"
#define CUT_MORE "cut-chain.pem\": " CUT("cannot load trusted certificates", "11") "conf:"
#define CUT_CRL "cut.crl\": " CUT("cannot load CRL", "7") "conf:"

    put_cut(*state, "cut-chain.pem", one_pem, two_pem);
    put_cut(*state, "cut.key", "", one_key);
    put_cut(*state, "cut.crl", one_crl, one_crl);
    refused(*state, SERVE("ssl_certificate cut-chain.pem; ssl_certificate_key one.key;"),
            "\"ssl_certificate\" \"" CUT_CHAIN "4");
    refused(*state, SERVE("ssl_certificate one.pem;\nssl_certificate_key cut.key;"),
            "\"ssl_certificate_key\" \"" CUT_KEY "5");
    refused(*state, SERVE(PAIR "ssl_client_certificate cut-chain.pem;"),
            "\"ssl_client_certificate\" \"" CUT_CA "5");
    refused(*state, SERVE(PAIR "ssl_trusted_certificate cut-chain.pem;"),
            "\"ssl_trusted_certificate\" \"" CUT_MORE "5");
    refused(*state, SERVE(PAIR "ssl_client_certificate one.pem;\nssl_crl cut.crl;"),
            "\"ssl_crl\" \"" CUT_CRL "6");
    refused(*state,
            PASS(CA "proxy_ssl_certificate cut-chain.pem; proxy_ssl_certificate_key one.key;"),
            "\"proxy_ssl_certificate\" \"" CUT_CHAIN "7");
    refused(*state, PASS(CA "proxy_ssl_certificate one.pem; proxy_ssl_certificate_key cut.key;"),
            "\"proxy_ssl_certificate_key\" \"" CUT_KEY "7");
    refused(*state, PASS("proxy_ssl_trusted_certificate cut-chain.pem;"),
            "\"proxy_ssl_trusted_certificate\" \"" CUT_CA "6");
    refused(*state, PASS(CA "proxy_ssl_crl cut.crl;"), "\"proxy_ssl_crl\" \"" CUT_CRL "7");
}

/* Whatever this host has there: its bytes are known already. */
static void system_store_that_breaks_off_is_named(void **state)
{
    static const char *const paths[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
    struct draft *d = *state;
    const struct client_tls_draft t = {
        .protocols = TLS_PROTOCOL_1_3, .ciphers = {.text = SPAN("DEFAULT")}, .verify = true};
    const struct origin here = {.file = {"t.conf", 6}, .line = 3};
    const struct tls_profile *p;
    char line[512];
    size_t first = 0;

    while (first < COUNT_OF(paths) && access(paths[first], R_OK) != 0)
        first++;
    if (first == COUNT_OF(paths))
        skip();
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct file_read *f = vector_add(&d->c, &d->c.files, sizeof(*f));

        assert_non_null(f);
        *f = (struct file_read){span_of_cstr(paths[i]), span_of(one_pem, sizeof(one_pem) / 2)};
    }
    assert_int_equal(build_client_tls(&d->c, &t, &here, &p), -EINVAL);
    (void)snprintf(line, sizeof(line),
                   "[emerg] \"proxy_ssl_trusted_certificate\" \"%s\": cannot load CA "
                   "certificates: the PEM block in line 1 is cut, it has no END line in t.conf:3",
                   paths[first]);
    draft_assert_said(d, line);
}

static int start_tls(void **state)
{
    return tls_library_init();
}

static int stop_tls(void **state)
{
    tls_library_deinit();
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(verification_is_on_by_default),
        TEST(verification_that_is_off_is_warned_about_for_each_upstream),
        TEST(equal_settings_are_one_profile),
        TEST(an_empty_certificate_turns_the_inherited_one_off),
        TEST(a_pair_may_stand_in_the_file_itself),
        TEST(a_key_in_the_file_itself_is_never_shown),
        TEST(certificates_with_variables_are_left_to_requests),
        TEST(encrypted_keys_need_a_password_that_fits),
        TEST(files_that_cannot_work_are_named),
        TEST(a_bad_ca_crl_or_key_log_is_told_apart),
        TEST(openssl_commands_come_on_top),
        TEST(without_a_ca_the_systems_is_needed),
        TEST(cipher_strings_that_select_nothing_are_refused),
        TEST(one_listen_with_ssl_makes_the_address_tls),
        TEST(suites_must_fit_the_protocols),
        TEST(names_may_hold_variables),
        TEST(servers_have_profiles),
        TEST(tickets_live_as_long_as_the_file_says),
        TEST(server_profiles_are_inherited_and_shared),
        TEST(server_files_that_cannot_work_are_named),
        TEST(files_that_break_off_are_named),
        DRAFT_TEST(system_store_that_breaks_off_is_named),
    };

    return cmocka_run_group_tests(tests, start_tls, stop_tls);
}
