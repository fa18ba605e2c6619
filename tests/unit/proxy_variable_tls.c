/* Tests of proxy/variable_tls: what is told of the client's session and its certificate. */
#include "../record_fixture.h"
#include "../tls_bench.h"

#include "proxy/variable_tls.h"

static struct value_key key; /* none of these has a name */

#define AT(member) (&(struct value_key){.offset = offsetof(struct tls_client_certificate, member)})

#define assert_value(value, text)                                                 \
    do {                                                                          \
        struct span value_ = (value);                                             \
                                                                                  \
        if (!value_.data || !span_equals(value_, span_of_cstr(text)))             \
            fail_msg("\"%.*s\", not \"%s\"", (int)value_.len, value_.data, text); \
    } while (0)

struct session {
    struct tls_server_shared *shared;
    struct tls_context *client, *server;
    struct bench b;
};

/* A handshake of TLS 1.3, after which the server's session is that of the fixture's client. */
static void talk(struct fixture *f, struct session *s, const char *certificate)
{
    struct tls_client_settings of_client = bench_client_settings();
    struct tls_pair pair = bench_pair("good.pem", "leaf.key");
    struct tls_server_settings of_server = bench_server_settings(&pair);
    char out[16];
    size_t len;

    *s = (struct session){.shared = tls_server_shared_new()};
    s->b.options.sni = SPAN("a.example");
    s->b.options.names[0] = (struct tls_expected_name){SPAN("a.example")};
    s->b.options.name_count = 1;
    of_client.protocols = TLS_PROTOCOL_1_3;
    if (certificate)
        of_client.pair = bench_pair(certificate, "leaf.key");
    of_server.verify_client = VERIFY_CLIENT_OPTIONAL;
    of_server.client_ca_pem = bench_file("root.pem");
    s->client = bench_client(&of_client);
    s->server = bench_server(&of_server, s->shared);
    assert_true(bench_connect(&s->b, s->client, s->server));
    assert_int_equal(tls_seal(s->b.client.tls, SPAN("request")), 0);
    assert_int_equal(bench_open(&s->b.server, &s->b.client, out, sizeof(out), &len),
                     TLS_NEEDS_INPUT);
    f->client_conn.tls = s->b.server.tls;
}

static void hang_up(struct fixture *f, struct session *s)
{
    f->client_conn.tls = NULL;
    bench_disconnect(&s->b);
    tls_context_free(s->client);
    tls_context_free(s->server);
    tls_server_shared_free(s->shared);
}

static void without_tls_there_are_no_values(void **state)
{
    static const value_fn all[] = {
        tls_value_protocol,    tls_value_cipher,           tls_value_curve,
        tls_value_server_name, tls_value_session_id,       tls_value_session_reused,
        tls_value_verify,      tls_value_certificate_span, tls_value_days_left,
        tls_value_tabbed_pem,  tls_value_escaped_pem,      tls_value_alpn_protocol,
    };
    struct record *r = &((struct fixture *)*state)->record;

    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_null(all[i](r, &key).data);
    assert_false(r->lacks_memory);
}

static void a_session_without_a_certificate_is_told(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct session s;

    talk(f, &s, NULL);
    assert_value(tls_value_protocol(r, &key), "TLSv1.3");
    assert_true(span_starts_with(tls_value_cipher(r, &key), SPAN("TLS_")));
    assert_true(tls_value_curve(r, &key).len > 0);
    assert_value(tls_value_server_name(r, &key), "a.example");
    assert_null(tls_value_alpn_protocol(r, &key).data);
    assert_value(tls_value_session_reused(r, &key), ".");
    assert_value(tls_value_verify(r, &key), "NONE");
    assert_null(tls_value_certificate_span(r, AT(subject_dn)).data);
    assert_null(tls_value_days_left(r, &key).data);
    assert_null(tls_value_tabbed_pem(r, &key).data);
    assert_null(tls_value_escaped_pem(r, &key).data);
    hang_up(f, &s);
}

static void days_are_counted_down_to_none(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct session s;
    int64_t end_ms;

    talk(f, &s, "good.pem");
    end_ms = tls_client_certificate(s.b.server.tls)->not_after_unix_s * 1000;
    f->engine.times_set_ms = loop_now_ms(f->engine.loop);
    time_cache_set(&f->engine.times, end_ms - INT64_C(2) * 86400 * 1000);
    assert_value(tls_value_days_left(r, &key), "2");
    time_cache_set(&f->engine.times, end_ms - INT64_C(2) * 86400 * 1000 + 1000);
    assert_value(tls_value_days_left(r, &key), "1");
    time_cache_set(&f->engine.times, end_ms - 1000);
    assert_value(tls_value_days_left(r, &key), "0");
    time_cache_set(&f->engine.times, end_ms + INT64_C(2) * 86400 * 1000);
    assert_value(tls_value_days_left(r, &key), "0");
    hang_up(f, &s);
}

static void a_certificate_is_one_line_when_escaped_and_tabbed_else(void **state)
{
    struct fixture *f = *state;
    struct record *r = &f->record;
    struct session s;
    struct span tabbed, escaped;

    talk(f, &s, "good.pem");
    assert_value(tls_value_verify(r, &key), "SUCCESS");
    assert_value(tls_value_certificate_span(r, AT(subject_dn)), "CN=good");
    assert_value(tls_value_certificate_span(r, AT(issuer_dn)), "CN=root");
    tabbed = tls_value_tabbed_pem(r, &key);
    assert_true(span_starts_with(tabbed, SPAN("-----BEGIN CERTIFICATE-----\n\t")));
    assert_int_equal(tabbed.data[tabbed.len - 1], '-');
    for (size_t i = 0; i + 1 < tabbed.len; i++)
        assert_int_equal(tabbed.data[i] == '\n', tabbed.data[i + 1] == '\t');
    escaped = tls_value_escaped_pem(r, &key);
    assert_true(span_starts_with(escaped, SPAN("-----BEGIN%20CERTIFICATE-----%0A")));
    assert_int_equal(span_index_of(escaped, '\n'), escaped.len);
    assert_int_equal(span_index_of(escaped, '+'), escaped.len);
    assert_int_equal(span_index_of(escaped, '/'), escaped.len);
    f->arena.total_bytes_max = f->arena.total_bytes;
    while (arena_alloc(&f->arena, 1))
        ;
    assert_null(tls_value_escaped_pem(r, &key).data);
    assert_true(r->lacks_memory);
    hang_up(f, &s);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(without_tls_there_are_no_values),
        CLAIM(a_session_without_a_certificate_is_told),
        CLAIM(days_are_counted_down_to_none),
        CLAIM(a_certificate_is_one_line_when_escaped_and_tabbed_else),
    };

    return cmocka_run_group_tests_name("proxy_variable_tls", tests, bench_init, bench_deinit);
}
