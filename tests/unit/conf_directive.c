/* Tests of the tables of directives: their rows, and every line that a wrong one gets. */
#include "../conf_text.h"

#include "conf/directive.h"

#define SERVER(text) "http {\nserver {\nlisten 8080;\n" text "\n}}\n"
#define LOCATION(text) "http {\nserver {\nlisten 8080;\nlocation / {\n" text "\n}}}\n"
#define HTTP(text) "http {\n" text "\nserver { listen 8080; }}\n"
#define UPSTREAM(text) \
    "http {\nupstream u {\nserver 127.0.0.1;\n" text "\n}\nserver { listen 8080; }}\n"
#define MAIN(text) text "\nhttp { server { listen 8080; }}\n"

struct claim {
    const char *text, *line;
};

static void assert_all_refused(const struct claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(claims[i].text, claims[i].line);
}

/* --- rows ----------------------------------------------------------------------------------- */

static void rows_are_complete_and_unambiguous(void **state)
{
    const struct directive *d;

    (void)state;
    for (size_t i = 0; (d = directive_at(i)); i++) {
        struct span name = span_of_cstr(d->name);

        assert_int_equal(directive_number(d), i);
        assert_non_null(d->help);
        assert_true(d->help[0] != '\0');
        assert_true(d->contexts);
        assert_true(d->args_min <= d->args_max);
        assert_int_equal(d->args_max > 0 || d->opens == CONTEXT_FREE, d->syntax != NULL);
        assert_int_equal((d->marks & ROW_BLOCK) != 0, d->opens != 0);
        assert_true(d->set || (d->marks & ROW_BLOCK) || strcmp(d->name, "include") == 0);
        for (unsigned context = 1; context <= CONTEXT_UPSTREAM; context <<= 1) {
            if (d->contexts & context)
                assert_ptr_equal(directive_find(name, context), d);
        }
    }
    assert_null(directive_find(SPAN("gzip"), CONTEXT_ANY));
}

static void every_row_can_be_printed(void **state)
{
    char text[DIRECTIVE_TEXT_BYTES];
    const struct directive *d;

    (void)state;
    for (size_t i = 0; (d = directive_at(i)); i++) {
        size_t len = directive_print(d, text);

        assert_int_equal(len, strlen(text));
    }
    d = directive_named(SPAN("keepalive_timeout"), 0);
    (void)directive_print(d, text);
    assert_string_equal(text, "Syntax:     keepalive_timeout timeout [header_timeout];\n"
                              "Default:    keepalive_timeout 75s;\n"
                              "Context:    http, server, location\n"
                              "Meaning:    how long a client's connection stays idle; 0: no "
                              "keep-alive\n");
    d = directive_named(SPAN("keepalive_timeout"), 1);
    assert_int_equal(d->contexts, CONTEXT_UPSTREAM);
    assert_null(directive_named(SPAN("keepalive_timeout"), 2));
    (void)directive_print(directive_named(SPAN("proxy_ssl_verify"), 0), text);
    assert_non_null(strstr(text, "\nDefault:    proxy_ssl_verify on;\n  nginx's:  off\n"));
    assert_non_null(strstr(text, "\nNot nginx:  off is obeyed"));
    (void)directive_print(directive_named(SPAN("sendfile"), 0), text);
    assert_non_null(strstr(text, "\nEffect:     none"));
    (void)directive_print(directive_named(SPAN("types"), 0), text);
    assert_non_null(strstr(text, "Syntax:     types { mime-type extension ...; }\n"));
}

/* --- where and how -------------------------------------------------------------------------- */

static void heads_are_checked_in_the_order_of_the_text(void **state)
{
    static const struct claim claims[] = {
        {"foo;", "unknown directive \"foo\" in t.conf:1"},
        {"http {\n\nfoo {}}", "unknown directive \"foo\" in t.conf:3"},
        {"http {\ngzip on; }", "unknown directive \"gzip\" in t.conf:2"},
        {"Http {}", "unknown directive \"Http\" in t.conf:1"},
        {"http {\nserver {}\nlisten\n80\n;}",
         "\"listen\" directive is not allowed here in t.conf:5; block \"http\" opened in t.conf:1 "
         "is still open"},
        {"server {}", "\"server\" directive is not allowed here in t.conf:1"},
        {"http;", "directive \"http\" has no opening \"{\" in t.conf:1"},
        {"daemon on {", "directive \"daemon\" is not terminated by \";\" in t.conf:1"},
        {"daemon;", "invalid number of arguments in \"daemon\" directive in t.conf:1"},
        {"daemon on off;", "invalid number of arguments in \"daemon\" directive in t.conf:1"},
        {"http a {}", "invalid number of arguments in \"http\" directive in t.conf:1"},
        {"daemon on;\ndaemon on;", "\"daemon\" directive is duplicate in t.conf:2"},
        {"http {}\nhttp {}", "\"http\" directive is duplicate in t.conf:2"},
        {"events {}\nevents {}", "\"events\" directive is duplicate in t.conf:2"},
        {"daemon maybe; foo;", "unknown directive \"foo\" in t.conf:1"},
        {"foo; }", "unknown directive \"foo\" in t.conf:1"},
        {"}", "unexpected \"}\" in t.conf:1"},
        {"include;", "invalid number of arguments in \"include\" directive in t.conf:1"},
        {"include a {}", "directive \"include\" is not terminated by \";\" in t.conf:1"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

static void flags_sizes_times_and_numbers_are_checked(void **state)
{
    static const struct claim claims[] = {
        {"daemon maybe;", "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or "
                          "\"off\" in t.conf:1"},
        {LOCATION("client_body_buffer_size 1g;"),
         "\"client_body_buffer_size\" directive invalid value in t.conf:5"},
        {LOCATION("client_body_buffer_size 0;"),
         "\"client_body_buffer_size\" directive invalid value in t.conf:5"},
        {LOCATION("client_max_body_size 1t;"),
         "\"client_max_body_size\" directive invalid value in t.conf:5"},
        {LOCATION("client_max_body_size -1;"),
         "\"client_max_body_size\" directive invalid value in t.conf:5"},
        {LOCATION("client_max_body_size 8589934592g;"),
         "\"client_max_body_size\" directive invalid value in t.conf:5"},
        {LOCATION("proxy_read_timeout 0;"),
         "\"proxy_read_timeout\" cannot be 0: nothing is ever that quick in t.conf:5"},
        {LOCATION("send_timeout 1x;"), "\"send_timeout\" directive invalid value in t.conf:5"},
        {LOCATION("keepalive_requests x;"),
         "\"keepalive_requests\" directive invalid number in t.conf:5"},
        {LOCATION("keepalive_requests 18446744073709551616;"),
         "\"keepalive_requests\" directive invalid number in t.conf:5"},
        {SERVER("max_headers 0;"), "value must be equal to or greater than 1 in t.conf:4"},
        {LOCATION("lingering_close x;"), "invalid value \"x\" in t.conf:5"},
        {LOCATION("server_tokens x;"), "invalid value \"x\" in t.conf:5"},
        {LOCATION("keepalive_disable x;"), "invalid value \"x\" in t.conf:5"},
        {LOCATION("keepalive_timeout 1 x;"),
         "\"keepalive_timeout\" directive invalid value in t.conf:5"},
        {SERVER("large_client_header_buffers 0 8k;"),
         "\"large_client_header_buffers\" directive invalid value in t.conf:4"},
        {SERVER("large_client_header_buffers 4 0;"),
         "\"large_client_header_buffers\" directive invalid value in t.conf:4"},
        {LOCATION("proxy_ssl_verify_depth 101;"), "value must be between 0 and 100 in t.conf:5"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

static void main_directives_are_checked(void **state)
{
    static const struct claim claims[] = {
        {"worker_processes x;", "\"worker_processes\" directive invalid value in t.conf:1"},
        {"worker_processes -1;", "\"worker_processes\" directive invalid value in t.conf:1"},
        {"worker_processes 0;", "value must be between 1 and 128 in t.conf:1"},
        {"worker_processes 129;", "value must be between 1 and 128 in t.conf:1"},
        {"worker_cpu_affinity 01x;",
         "invalid character \"x\" in \"worker_cpu_affinity\" in t.conf:1"},
        {"worker_cpu_affinity 00;",
         "no CPU is set in \"worker_cpu_affinity\" mask \"00\" in t.conf:1"},
        {"worker_cpu_affinity auto 01 10;",
         "invalid number of arguments in \"worker_cpu_affinity\" directive in t.conf:1"},
        {"worker_rlimit_nofile 0;", "value must be equal to or greater than 1 in t.conf:1"},
        {"worker_shutdown_timeout x;",
         "\"worker_shutdown_timeout\" directive invalid value in t.conf:1"},
        {"pid '';", "invalid value \"\" in t.conf:1"},
        {"error_log stderr loud;", "invalid log level \"loud\" in t.conf:1"},
        {"error_log stderr info warn;", "duplicate log level \"warn\" in t.conf:1"},
        {"error_log syslog:server=a;", "host not found in syslog server \"a\" in t.conf:1"},
        {"error_log '';", "invalid value \"\" in t.conf:1"},
        {"events { worker_connections x; }", "invalid number \"x\" in t.conf:1"},
        {"events { worker_connections 0; }", "value must be between 1 and 16777216 in t.conf:1"},
        {"events { worker_connections 16777217; }",
         "value must be between 1 and 16777216 in t.conf:1"},
        {"events { use foo; }", "invalid event type \"foo\" in t.conf:1"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

static void users_must_exist_where_root_asks_for_them(void **state)
{
    if (geteuid() == 0) {
        assert_refused(MAIN("user no-such-user;"), "getpwnam(\"no-such-user\") failed in t.conf:1");
        assert_refused(MAIN("user root no-such-group;"),
                       "getgrnam(\"no-such-group\") failed in t.conf:1");
    } else {
        assert_taken(MAIN("user no-such-user;"),
                     "[warn] the \"user\" directive makes sense only if the master process runs "
                     "with super-user privileges, ignored in t.conf:1\n");
    }
}

static void answers_are_checked(void **state)
{
    static const struct claim claims[] = {
        {LOCATION("error_page 200 /a;"), "value \"200\" must be between 300 and 599 in t.conf:5"},
        {LOCATION("error_page 299 /a;"), "value \"299\" must be between 300 and 599 in t.conf:5"},
        {LOCATION("error_page 600 /a;"), "value \"600\" must be between 300 and 599 in t.conf:5"},
        {LOCATION("error_page 499 /a;"), "invalid value \"499\" in t.conf:5"},
        {LOCATION("error_page x /a;"), "invalid value \"x\" in t.conf:5"},
        {LOCATION("error_page 404 =x /a;"), "invalid value \"=x\" in t.conf:5"},
        {LOCATION("error_page =200 /a;"), "invalid value \"=200\" in t.conf:5"},
        {LOCATION("error_page 404 $foo;"), "unknown \"foo\" variable in t.conf:5"},
        {LOCATION("return 1000;"), "invalid return code \"1000\" in t.conf:5"},
        {LOCATION("return 199;"), "invalid return code \"199\" in t.conf:5"},
        {LOCATION("return 200x;"), "invalid return code \"200x\" in t.conf:5"},
        {LOCATION("return /a;"), "invalid return code \"/a\" in t.conf:5"},
        {LOCATION("return http://a b;"), "invalid return code \"http://a\" in t.conf:5"},
        {LOCATION("return 200 $foo;"), "unknown \"foo\" variable in t.conf:5"},
        {LOCATION("index '';"), "index \"\" in \"index\" directive is invalid in t.conf:5"},
        {LOCATION("index $foo;"), "unknown \"foo\" variable in t.conf:5"},
        {LOCATION("add_header a b c;"), "invalid parameter \"c\" in t.conf:5"},
        {LOCATION("add_header 'a b' c;"), "invalid header name \"a b\" in t.conf:5"},
        {LOCATION("types { a b; c { } }"),
         "unexpected \"{\" in t.conf:5; block \"types\" opened in t.conf:5 is still open"},
        {LOCATION("types {\na }"), "unexpected \"}\" in t.conf:6"},
        {LOCATION("root $foo;"), "unknown \"foo\" variable in t.conf:5"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

static void logs_are_checked(void **state)
{
    static const struct claim claims[] = {
        {LOCATION("access_log a foo;"), "unknown log format \"foo\" in t.conf:5"},
        {LOCATION("access_log off foo;"), "invalid parameter \"foo\" in t.conf:5"},
        {LOCATION("access_log '';"), "invalid value \"\" in t.conf:5"},
        {LOCATION("access_log a combined foo;"), "invalid parameter \"foo\" in t.conf:5"},
        {LOCATION("access_log a combined buffer=x;"), "invalid buffer size \"x\" in t.conf:5"},
        {LOCATION("access_log a combined buffer=0;"), "invalid buffer size \"0\" in t.conf:5"},
        {LOCATION("access_log a combined flush=x;"), "invalid flush time \"x\" in t.conf:5"},
        {LOCATION("access_log a combined flush=1s;"),
         "no buffer is defined for access_log \"a\" in t.conf:5"},
        {LOCATION("access_log a combined if=$foo;"), "unknown \"foo\" variable in t.conf:5"},
        {LOCATION("access_log a combined gzip=0;"), "invalid compression level \"0\" in t.conf:5"},
        {LOCATION("access_log syslog:a;"), "unknown syslog parameter \"a\" in t.conf:5"},
        {HTTP("log_format a b; log_format a c;"),
         "duplicate \"log_format\" name \"a\" in t.conf:2"},
        {HTTP("log_format combined b;"), "duplicate \"log_format\" name \"combined\" in t.conf:2"},
        {HTTP("log_format a escape=foo b;"), "unknown log format escaping \"foo\" in t.conf:2"},
        {HTTP("log_format a\n'$foo'\n;"), "unknown \"foo\" variable in t.conf:4"},
        {HTTP("log_format a;"),
         "invalid number of arguments in \"log_format\" directive in t.conf:2"},
        {LOCATION("log_format a b;"), "\"log_format\" directive is not allowed here in t.conf:5; "
                                      "block \"location\" opened in t.conf:4 is still open"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

static void upstreams_are_checked(void **state)
{
    static const struct claim claims[] = {
        {"http { upstream u {\n} }", "no servers are inside upstream in t.conf:2"},
        {UPSTREAM("server 127.0.0.1 weight=0;"), "invalid parameter \"weight=0\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1 weight=1000001;"),
         "invalid parameter \"weight=1000001\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1 max_fails=-1;"),
         "invalid parameter \"max_fails=-1\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1 max_conns=4294967296;"),
         "invalid parameter \"max_conns=4294967296\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1 fail_timeout=1ms;"),
         "invalid parameter \"fail_timeout=1ms\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1 resolve;"), "invalid parameter \"resolve\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1:x;"), "invalid port in upstream \"127.0.0.1:x\" in t.conf:4"},
        {UPSTREAM("server 127.0.0.1:0;"), "invalid port in upstream \"127.0.0.1:0\" in t.conf:4"},
        {UPSTREAM("server '';"), "no host in upstream \"\" in t.conf:4"},
        {UPSTREAM("server http://a;"), "invalid host in upstream \"http://a\" in t.conf:4"},
        {UPSTREAM("server a/b;"), "invalid host in upstream \"a/b\" in t.conf:4"},
        {UPSTREAM("server [::1;"), "invalid host in upstream \"[::1\" in t.conf:4"},
        {UPSTREAM("server [::g]:1;"), "invalid host in upstream \"[::g]:1\" in t.conf:4"},
        {UPSTREAM("server unix:;"),
         "no path in the unix domain socket in upstream \"unix:\" in t.conf:4"},
        {UPSTREAM("server no-such-host.invalid:1;"),
         "host not found in upstream \"no-such-host.invalid:1\" in t.conf:4"},
        {UPSTREAM("keepalive x;"), "invalid value \"x\" in \"keepalive\" directive in t.conf:4"},
        {UPSTREAM("keepalive 1048577;"),
         "invalid value \"1048577\" in \"keepalive\" directive in t.conf:4"},
        {UPSTREAM("keepalive 1; keepalive 1;"), "\"keepalive\" directive is duplicate in t.conf:4"},
        {UPSTREAM("keepalive_requests 0;"), "value must be equal to or greater than 1 in t.conf:4"},
        {UPSTREAM("zone '';"), "invalid zone name \"\" in t.conf:4"},
        {UPSTREAM("zone z x;"), "invalid zone size \"x\" in t.conf:4"},
        {UPSTREAM("zone z 32767;"), "zone \"z\" is too small in t.conf:4"},
        {"http { upstream u { server 127.0.0.1 backup; } }",
         "no servers in upstream \"u\" in t.conf:1"},
        {"http { upstream u { server 127.0.0.1; }\nupstream U { server 127.0.0.1; } }",
         "duplicate upstream \"U\" in t.conf:2"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
    assert_taken(UPSTREAM("least_conn; least_conn;"),
                 "[warn] load balancing method redefined in t.conf:4\n");
    assert_taken(UPSTREAM("zone z 32768; keepalive 1048576; server 127.0.0.1 weight=1000000;"), "");
}

static void proxying_is_checked(void **state)
{
    static const char with_uri[] =
        "\"proxy_pass\" cannot have URI part in location given by regular expression, or inside "
        "named location, or inside \"if\" statement, or inside \"limit_except\" block in t.conf:4";
    static const struct claim claims[] = {
        {LOCATION("proxy_pass foo;"), "invalid URL prefix in t.conf:5"},
        {LOCATION("proxy_pass ftp://a;"), "invalid URL prefix in t.conf:5"},
        {LOCATION("proxy_pass http://;"), "no host in upstream \"\" in t.conf:5"},
        {LOCATION("proxy_pass http:///a;"), "no host in upstream \"\" in t.conf:5"},
        {LOCATION("proxy_pass http://127.0.0.1:x/;"),
         "invalid port in upstream \"127.0.0.1:x\" in t.conf:5"},
        {LOCATION("proxy_pass http://127.0.0.1:65536;"),
         "invalid port in upstream \"127.0.0.1:65536\" in t.conf:5"},
        {LOCATION("proxy_pass http://no-such-host.invalid/x;"),
         "host not found in upstream \"no-such-host.invalid\" in t.conf:5"},
        {"http { upstream a { server 127.0.0.1; }\nserver { location / {\nproxy_pass "
         "http://a:80; }}}",
         "upstream \"a\" may not have port 80 in t.conf:3"},
        {SERVER("location ~ a { proxy_pass http://127.0.0.1/; }"), with_uri},
        {SERVER("location @a { proxy_pass http://127.0.0.1/; }"), with_uri},
        {LOCATION("proxy_set_header 'a b' c;"), "invalid header name \"a b\" in t.conf:5"},
        {LOCATION("proxy_set_header a $foo;"), "unknown \"foo\" variable in t.conf:5"},
        {LOCATION("proxy_http_version 2;"), "HTTP/2 to upstreams is not supported yet in t.conf:5"},
        {LOCATION("proxy_next_upstream foo;"), "invalid value \"foo\" in t.conf:5"},
        {LOCATION("proxy_next_upstream_tries -1;"),
         "\"proxy_next_upstream_tries\" directive invalid number in t.conf:5"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
    assert_taken(LOCATION("proxy_next_upstream error error;"),
                 "[warn] duplicate value \"error\" in t.conf:5\n");
}

static void tls_directives_are_checked(void **state)
{
    static const struct claim claims[] = {
        {HTTP("ssl_protocols TLSv9;"), "invalid value \"TLSv9\" in t.conf:2"},
        {HTTP("ssl_verify_client x;"), "invalid value \"x\" in t.conf:2"},
        {HTTP("ssl_session_cache foo;"), "invalid session cache \"foo\" in t.conf:2"},
        {HTTP("ssl_session_cache shared:a;"), "invalid session cache \"shared:a\" in t.conf:2"},
        {HTTP("ssl_session_timeout 1ms;"),
         "\"ssl_session_timeout\" directive invalid value in t.conf:2"},
        {HTTP("ssl_certificate engine:x;"),
         "\"engine:\" and \"store:\" in \"ssl_certificate\" are not supported in t.conf:2"},
        {HTTP("ssl_certificate_key $foo;"), "unknown \"foo\" variable in t.conf:2"},
        {HTTP("proxy_ssl_certificate_key engine:a:b;"),
         "\"engine:\" and \"store:\" in \"proxy_ssl_certificate_key\" are not supported in "
         "t.conf:2"},
        {HTTP("proxy_ssl_certificate $foo;"), "unknown \"foo\" variable in t.conf:2"},
        {HTTP("proxy_ssl_conf_command Options x;"),
         "command \"Options\" of \"proxy_ssl_conf_command\" is not supported: there are "
         "MinProtocol, MaxProtocol, Protocol, CipherString and Ciphersuites in t.conf:2"},
        {HTTP("proxy_ssl_conf_command MinProtocol x;"),
         "invalid value \"x\" of \"MinProtocol\" in \"proxy_ssl_conf_command\" in t.conf:2"},
        {HTTP("proxy_ssl_certificate_cache max=0;"), "invalid parameter \"max=0\" in t.conf:2"},
        {HTTP("proxy_ssl_certificate_cache valid=1s;"),
         "\"proxy_ssl_certificate_cache\" must have the \"max\" parameter in t.conf:2"},
        {HTTP("proxy_ssl_name $foo;"), "unknown \"foo\" variable in t.conf:2"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
    assert_taken(HTTP("ssl_session_cache off builtin:100; ssl_session_timeout 1y;"), "");
    assert_taken(HTTP("ssl_session_cache shared:a:1m;"), "");
    assert_taken(HTTP("proxy_ssl_certificate_cache max=1 inactive=1m valid=1h;"), "");
}

static void old_protocols_are_dropped_with_a_warning(void **state)
{
    static const char *const names[] = {"ssl_protocols", "proxy_ssl_protocols"};
    char text[256], lines[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(text, sizeof(text), HTTP("%s TLSv1 TLSv1.1 TLSv1.2;"), names[i]);
        snprintf(lines, sizeof(lines),
                 "[warn] \"TLSv1\" in \"%s\" is dropped: it is obsolete and not secure (RFC 8996) "
                 "in t.conf:2\n[warn] \"TLSv1.1\" in \"%s\" is dropped: it is obsolete and not "
                 "secure (RFC 8996) in t.conf:2\n",
                 names[i], names[i]);
        assert_taken(text, lines);
    }
    assert_taken(HTTP("ssl_protocols TLSv1.3 tlsv1.3;"),
                 "[warn] duplicate value \"tlsv1.3\" in t.conf:2\n");
}

static void a_list_of_old_protocols_alone_is_an_error(void **state)
{
    struct conf_text t;

    (void)state;
    conf_text_build(&t, HTTP("proxy_ssl_protocols SSLv3;"));
    assert_int_equal(t.rc, -EINVAL);
    assert_non_null(strstr(t.log, "[emerg] \"proxy_ssl_protocols\" leaves no protocol: TLSv1.2 and "
                                  "TLSv1.3 are what there is in t.conf:2\n"));
}

/* --- without effect ------------------------------------------------------------------------- */

static void directives_without_effect_are_named_by_a_test_only(void **state)
{
    static const char text[] = "events { multi_accept on; use epoll; accept_mutex off; }\n"
                               "http { sendfile on;\ntcp_nopush on;\nserver { listen 8080; } }";
    struct build_options o = {.text = SPAN(text), .text_name = "t.conf", .is_test = true};
    struct conf_text t;

    (void)state;
    assert_taken(text, "");
    conf_text_build_with(&t, &o);
    assert_int_equal(t.rc, 0);
    assert_non_null(strstr(t.log, "[notice] \"use\" has no effect here: the method is io_uring, "
                                  "always in t.conf:1\n"));
    assert_non_null(strstr(t.log, "[notice] \"sendfile\" has no effect here: "));
    assert_non_null(strstr(t.log, "[notice] \"tcp_nopush\" has no effect here: "));
    conf_text_deinit(&t);
}

static void knobs_with_nothing_to_turn_are_taken(void **state)
{
    assert_taken("pcre_jit on; events { accept_mutex_delay 1s; }\n" HTTP(
                     "types_hash_max_size 2048; server_names_hash_bucket_size 64;"),
                 "");
}

static void their_arguments_are_checked_all_the_same(void **state)
{
    static const struct claim claims[] = {
        {HTTP("sendfile 1;"), "invalid value \"1\" in \"sendfile\" directive, it must be \"on\" or "
                              "\"off\" in t.conf:2"},
        {HTTP("tcp_nopush on; tcp_nopush on;"),
         "\"tcp_nopush\" directive is duplicate in t.conf:2"},
    };

    (void)state;
    assert_all_refused(claims, COUNT_OF(claims));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete_and_unambiguous),
        cmocka_unit_test(every_row_can_be_printed),
        cmocka_unit_test(heads_are_checked_in_the_order_of_the_text),
        cmocka_unit_test(flags_sizes_times_and_numbers_are_checked),
        cmocka_unit_test(main_directives_are_checked),
        cmocka_unit_test(users_must_exist_where_root_asks_for_them),
        cmocka_unit_test(answers_are_checked),
        cmocka_unit_test(logs_are_checked),
        cmocka_unit_test(upstreams_are_checked),
        cmocka_unit_test(proxying_is_checked),
        cmocka_unit_test(tls_directives_are_checked),
        cmocka_unit_test(old_protocols_are_dropped_with_a_warning),
        cmocka_unit_test(a_list_of_old_protocols_alone_is_an_error),
        cmocka_unit_test(directives_without_effect_are_named_by_a_test_only),
        cmocka_unit_test(knobs_with_nothing_to_turn_are_taken),
        cmocka_unit_test(their_arguments_are_checked_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
