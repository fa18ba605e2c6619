/* Tests of conf/build_server and conf/build_listen: addresses, names, locations. */
#include "../conf_certificates.h"
#include "../conf_folder.h"
#include "../conf_snapshot.h"
#include "../directive_fixture.h"

#include "conf/build_server.h"

/* --- listening ------------------------------------------------------------------------------ */

static void addresses_are_taken_in_all_forms(void **state)
{
    static const struct {
        const char *text, *address;
    } rows[] = {
        {"8080", "0.0.0.0:8080"},
        {"*:8081", "0.0.0.0:8081"},
        {"127.0.0.1", "127.0.0.1:80"},
        {"127.0.0.1:8082", "127.0.0.1:8082"},
        {"[::]:8083", "[::]:8083"},
        {"[::1]", "[::1]:80"},
        {"unix:/tmp/ringway.sock", "unix:/tmp/ringway.sock"},
    };
    char text[128], address[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct conf_text t;

        snprintf(text, sizeof(text), "http { server { listen %s; } }", rows[i].text);
        taken(&t, text);
        address_format(&t.snapshot->listens[0].address, address);
        assert_string_equal(address, rows[i].address);
        assert_span(t.snapshot->listens[0].text, rows[i].text);
        assert_int_equal(t.snapshot->listens[0].backlog, 511);
        conf_text_deinit(&t);
    }
}

static void a_server_without_listen_has_port_80_or_8000(void **state)
{
    struct conf_text t;

    taken(&t, "http { server { } }");
    assert_int_equal(address_port(&t.snapshot->listens[0].address), geteuid() ? 8000 : 80);
    conf_text_deinit(&t);
}

static void listen_options_are_of_the_address(void **state)
{
    static const char text[] =
        "http { server { listen [::]:8080; }\n"
        "server { listen [::]:8080 backlog=7 ipv6only=off default_server; server_name b; } }";
    struct conf_text t;

    taken(&t, text);
    assert_int_equal(t.snapshot->listen_count, 1);
    assert_int_equal(t.snapshot->listens[0].backlog, 7);
    assert_false(t.snapshot->listens[0].ipv6only);
    assert_ptr_equal(t.snapshot->listens[0].default_server, t.snapshot->servers[1]);
    conf_text_deinit(&t);
    taken(&t, "http { server { listen [::]:8080; } server { listen [::]:8080; server_name b; } }");
    assert_true(t.snapshot->listens[0].ipv6only);
    assert_ptr_equal(t.snapshot->listens[0].default_server, t.snapshot->servers[0]);
    conf_text_deinit(&t);
    taken(&t,
          "http { server { listen 81 ipv6only=on reuseport; listen [::]:81 ipv6only=on bind; } }");
    assert_false(t.snapshot->listens[0].ipv6only);
    assert_true(t.snapshot->listens[1].ipv6only);
    conf_text_deinit(&t);
}

static void listen_mistakes_are_named(void **state)
{
#define TWO(a, b) "http { server { listen " a "; }\nserver { listen " b "; server_name b; } }"
    static const struct {
        const char *text, *line;
    } rows[] = {
        {SERVER("listen 8080;"), "a duplicate listen 0.0.0.0:8080 in t.conf:4"},
        {SERVER("listen *:8080;"), "a duplicate listen 0.0.0.0:8080 in t.conf:4"},
        {SERVER("listen 0;"), "invalid port in \"0\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen 65536;"),
         "invalid port in \"65536\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen :80;"), "no host in \":80\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen '';"), "no host in \"\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen [::1;"),
         "invalid host in \"[::1\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen unix:;"),
         "no path in the unix domain socket in \"unix:\" of the \"listen\" "
         "directive in t.conf:4"},
        {SERVER("listen no-such-host.invalid;"),
         "host not found in \"no-such-host.invalid\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen [::1]81;"),
         "invalid host in \"[::1]81\" of the \"listen\" directive in t.conf:4"},
        {SERVER("listen 81 foo;"), "invalid parameter \"foo\" in t.conf:4"},
        {SERVER("listen 81 backlog=0;"), "invalid backlog \"backlog=0\" in t.conf:4"},
        {SERVER("listen 81 backlog=2147483648;"),
         "invalid backlog \"backlog=2147483648\" in t.conf:4"},
        {SERVER("listen 81 http2;"),
         "parameter \"http2\" of \"listen\" is not supported yet in t.conf:4"},
        {TWO("81 default_server", "81 default_server"),
         "a duplicate default server for 0.0.0.0:81 in t.conf:2"},
        {TWO("81 backlog=5", "81 backlog=5"),
         "duplicate listen options for 0.0.0.0:81 in t.conf:2"},
        {"http {\nserver { listen 81 ssl; }}",
         "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in t.conf:2"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refused(rows[i].text, rows[i].line);
}

/* --- names ---------------------------------------------------------------------------------- */

static const struct server_conf *find(const struct span_table *t, const char *name)
{
    return span_table_find(t, span_of_cstr(name));
}

static void names_are_in_the_table_of_their_kind(void **state)
{
    static const char text[] =
        "http { server { listen 81; server_name A.Example *.b.example .c.example d.* ~^e; }\n"
        "server { listen 81; server_name b.example \"\"; } }";
    const struct server_names *n;
    struct server_conf **s;
    struct conf_text t;

    taken(&t, text);
    s = t.snapshot->servers;
    n = &t.snapshot->listens[0].names;
    assert_ptr_equal(find(&n->exact, "a.example"), s[0]);
    assert_ptr_equal(find(&n->exact, "c.example"), s[0]);
    assert_ptr_equal(find(&n->exact, "b.example"), s[1]);
    assert_ptr_equal(find(&n->heads, ".b.example"), s[0]);
    assert_ptr_equal(find(&n->heads, ".c.example"), s[0]);
    assert_ptr_equal(find(&n->tails, "d."), s[0]);
    assert_null(find(&n->exact, "d"));
    assert_int_equal(n->regex_count, 1);
    assert_ptr_equal(n->regexes[0].server, s[0]);
    assert_ptr_equal(n->nameless, s[1]);
    assert_span(s[0]->name, "a.example");
    conf_text_deinit(&t);
}

static void names_that_are_taken_are_warned_about(void **state)
{
#define NAMES(a, b) \
    "http { server { listen 81; server_name " a "; }\nserver { listen 81; server_name " b "; } }"
    assert_taken(NAMES("a", "a"),
                 "[warn] conflicting server name \"a\" on 0.0.0.0:81, ignored in t.conf:2\n");
    assert_taken(NAMES("*.a", "*.a"),
                 "[warn] conflicting server name \"*.a\" on 0.0.0.0:81, ignored in t.conf:2\n");
    assert_taken(NAMES(".a.b", "a.b"),
                 "[warn] conflicting server name \"a.b\" on 0.0.0.0:81, ignored in t.conf:2\n");
    assert_taken(NAMES("a.*", "a.*"),
                 "[warn] conflicting server name \"a.*\" on 0.0.0.0:81, ignored in t.conf:2\n");
    assert_taken(NAMES("''", "''"),
                 "[warn] conflicting server name \"\" on 0.0.0.0:81, ignored in t.conf:2\n");
    assert_taken(NAMES("a", "*.a"), "");
    assert_taken(SERVER("server_name a/b;"),
                 "[warn] server name \"a/b\" has suspicious symbols in t.conf:4\n");
}

static void names_that_cannot_be_are_refused(void **state)
{
    assert_refused(SERVER("server_name *a;"), "server name \"*a\" is invalid in t.conf:4");
    assert_refused(SERVER("server_name .;"), "server name \".\" is invalid in t.conf:4");
    assert_refused(SERVER("server_name *.;"), "server name \"*.\" is invalid in t.conf:4");
    assert_refused(SERVER("server_name a.*.b;"), "server name \"a.*.b\" is invalid in t.conf:4");
    assert_refused(SERVER("server_name *.a.*;"), "server name \"*.a.*\" is invalid in t.conf:4");
    assert_refused(SERVER("server_name ~;"), "empty regex in server name \"~\" in t.conf:4");
}

static void groups_of_a_regex_are_variables_everywhere(void **state)
{
    struct conf_text t;

    taken(&t, "http { add_header A $user; server { listen 81; server_name ~^(?<user>.+)\\.a$; } }");
    assert_int_equal(t.snapshot->regex_count, 1);
    conf_text_deinit(&t);
    taken(&t, SERVER("location ~ (?<x>a) { return 200 $x; } location ~ (?<x>a) {}"));
    assert_int_equal(t.snapshot->regex_count, 1); /* equal ones are one */
    conf_text_deinit(&t);
}

/* --- locations ------------------------------------------------------------------------------ */

static void locations_are_sorted(void **state)
{
    static const char text[] = SERVER(
        "location / {} location /ab {} location ~ b {} location = /ab {} location ^~ /abc "
        "{}\nlocation ~* a {} location @n {} location /b { location /b/c {} location ~ c {} }");
    static const struct {
        const char *pattern;
        enum location_kind kind;
    } sorted[] = {{"/abc", LOCATION_PREFIX_FINAL},
                  {"/ab", LOCATION_EXACT},
                  {"/ab", LOCATION_PREFIX},
                  {"/b", LOCATION_PREFIX},
                  {"/", LOCATION_PREFIX}};
    const struct location_conf *root;
    struct conf_text t;

    taken(&t, text);
    root = root_of(&t);
    assert_int_equal(root->prefix_count, COUNT_OF(sorted));
    for (size_t i = 0; i < COUNT_OF(sorted); i++) {
        assert_span(root->prefixes[i]->pattern, sorted[i].pattern);
        assert_int_equal(root->prefixes[i]->kind, sorted[i].kind);
    }
    assert_int_equal(root->regex_count, 2);
    assert_span(root->regexes[0]->pattern, "b");
    assert_int_equal(root->prefixes[3]->prefix_count, 1);
    assert_int_equal(root->prefixes[3]->regex_count, 1);
    assert_int_equal(t.snapshot->servers[0]->named_count, 1);
    assert_int_equal(root->prefixes[0]->origin.line, 4);
    conf_text_deinit(&t);
}

static void modifiers_may_stand_without_a_blank(void **state)
{
    struct conf_text t;

    taken(&t, SERVER("location =/a {} location ^~/b {} location ~c {} location ~*d {}"));
    assert_int_equal(root_of(&t)->prefixes[0]->kind, LOCATION_EXACT);
    assert_span(root_of(&t)->prefixes[1]->pattern, "/b");
    assert_span(root_of(&t)->regexes[1]->pattern, "d");
    conf_text_deinit(&t);
}

static void location_mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *line;
    } rows[] = {
        {SERVER("location /a {}\nlocation /a {}"), "duplicate location \"/a\" in t.conf:5"},
        {SERVER("location /a {}\nlocation ^~ /a {}"), "duplicate location \"/a\" in t.conf:5"},
        {SERVER("location = /a {}\nlocation =/a {}"), "duplicate location \"/a\" in t.conf:5"},
        {SERVER("location @a {}\nlocation @a {}"), "duplicate location \"@a\" in t.conf:5"},
        {SERVER("location foo /a {}"), "invalid location modifier \"foo\" in t.conf:4"},
        {SERVER("location /a { location /b {} }"),
         "location \"/b\" is outside location \"/a\" in t.conf:4"},
        {SERVER("location = /a { location /a/b {} }"),
         "location \"/a/b\" cannot be inside the exact location \"/a\" in t.conf:4"},
        {SERVER("location @a { location /b {} }"),
         "location \"/b\" cannot be inside the named location \"@a\" in t.conf:4"},
        {SERVER("location /a { location @b {} }"),
         "named location \"@b\" can be on the server level only in t.conf:4"},
        {SERVER("location {}"),
         "invalid number of arguments in \"location\" directive in t.conf:4"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refused(rows[i].text, rows[i].line);
}

/* --- memory --------------------------------------------------------------------------------- */

static void put_files(const struct conf_folder *f)
{
    folder_put(f, "one.pem", one_pem);
    folder_put(f, "one.key", one_key);
    folder_put(f, "one.enc", one_encrypted_key);
    folder_put(f, "one.crl", one_crl);
    folder_put(f, "password", "secret\n");
}

/* What a try that failed has left behind is forgotten, but for its memory. */
static void forget(struct draft *d, const struct conf *before)
{
    struct arena scratch = d->c.scratch;

    d->c = *before;
    d->c.scratch = scratch;
}

/* With a little more memory each time, so that every allocation is once the one that fails. */
static void memory_at_its_end_is_no_mistake_in_a_server(void **state)
{
    static const char text[] =
        "server { server_name a; ssl_certificate one.pem; ssl_certificate_key one.key;\n"
        "ssl_client_certificate one.pem; ssl_crl one.crl; ssl_verify_client on;\n"
        "location /a/ { proxy_pass https://127.0.0.1:1/?b; proxy_ssl_crl one.crl;\n"
        "proxy_ssl_trusted_certificate one.pem; proxy_ssl_password_file password;\n"
        "proxy_ssl_certificate one.pem; proxy_ssl_certificate_key one.enc;\n"
        "location /a/b { proxy_pass http://127.0.0.1:2?c; error_page 404 /d; } }\n"
        "location @e { return 200 $host; } location /f { root /f; access_log off; } }";
    const struct conf_folder *f = *state;
    char prefix[sizeof(f->path) + 1];
    void *own = NULL;
    struct draft *d;
    struct block b;
    struct conf before;
    size_t bytes = 0;

    put_files(f);
    assert_int_equal(draft_set_up(&own), 0);
    d = own;
    snprintf(prefix, sizeof(prefix), "%s/", f->path);
    d->c.options.conf_prefix = span_of_cstr(prefix);
    block_parse(&b, d, CONTEXT_HTTP, text);
    assert_int_equal(
        scope_set_preset(&d->c, &b.scope, directive_find(SPAN("log_format"), CONTEXT_HTTP)), 0);
    assert_int_equal(scope_complete(&d->c, &b.scope), 0);
    before = d->c;
    for (int rc = -ENOMEM; rc; bytes += 16) {
        forget(d, &before);
        draft_leave_bytes(d, bytes);
        rc = build_server(&d->c, &b.scope, b.tree.root.first);
        if (rc != 0 && rc != -ENOMEM)
            fail_msg("with %zu bytes it is %d: %s", bytes, rc, draft_said(d));
        if (rc)
            draft_assert_said_no_memory(d);
    }
    draft_assert_said(d, "");
    assert_true(bytes > 4096); /* it did fail */
    assert_int_equal(draft_tear_down(&own), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_in_all_forms),
        cmocka_unit_test(a_server_without_listen_has_port_80_or_8000),
        cmocka_unit_test(listen_options_are_of_the_address),
        cmocka_unit_test(listen_mistakes_are_named),
        cmocka_unit_test(names_are_in_the_table_of_their_kind),
        cmocka_unit_test(names_that_are_taken_are_warned_about),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(groups_of_a_regex_are_variables_everywhere),
        cmocka_unit_test(locations_are_sorted),
        cmocka_unit_test(modifiers_may_stand_without_a_blank),
        cmocka_unit_test(location_mistakes_are_named),
        FOLDER_TEST(memory_at_its_end_is_no_mistake_in_a_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
