/* Tests of conf/tree: blocks that are still open, includes, and what bounds them. */
#include "../conf_folder.h"

#include "core/limits.h"

/* The example at the end of nginx's guide to upstream TLS, as it is printed there: the first
 * backend's server is never closed. */
static const char printed_example[] =
    "http {\n"
    "    #...\n"
    "    upstream backend.example.com {\n"
    "        server backend1.example.com:443;\n"
    "        server backend2.example.com:443;\n"
    "    }\n"
    "\n"
    "    server {\n"
    "        listen      80;\n"
    "        server_name www.example.com;\n"
    "        #...\n"
    "        location /upstream {\n"
    "            proxy_pass                    https://backend.example.com;\n"
    "            proxy_ssl_certificate         /etc/nginx/client.pem;\n"
    "            proxy_ssl_certificate_key     /etc/nginx/client.key;\n"
    "            proxy_ssl_protocols           TLSv1 TLSv1.1 TLSv1.2;\n"
    "            proxy_ssl_ciphers             HIGH:!aNULL:!MD5;\n"
    "            proxy_ssl_trusted_certificate /etc/nginx/trusted_ca_cert.crt;\n"
    "            proxy_ssl_verify        on;\n"
    "            proxy_ssl_verify_depth  2;\n"
    "            proxy_ssl_session_reuse on;\n"
    "        }\n"
    "    }\n"
    "\n"
    "    server {\n"
    "        listen      443 ssl;\n"
    "        server_name backend1.example.com;\n"
    "        ssl_certificate        /etc/ssl/certs/server.crt;\n"
    "        ssl_certificate_key    /etc/ssl/certs/server.key;\n"
    "        ssl_client_certificate /etc/ssl/certs/ca.crt;\n"
    "        ssl_verify_client      optional;\n"
    "        location /yourapp {\n"
    "            proxy_pass http://url_to_app.com;\n"
    "            #...\n"
    "        }\n"
    "    server {\n"
    "        listen      443 ssl;\n"
    "        server_name backend2.example.com;\n"
    "        ssl_certificate        /etc/ssl/certs/server.crt;\n"
    "        ssl_certificate_key    /etc/ssl/certs/server.key;\n"
    "        ssl_client_certificate /etc/ssl/certs/ca.crt;\n"
    "        ssl_verify_client      optional;\n"
    "        location /yourapp {\n"
    "            proxy_pass http://url_to_app.com;\n"
    "            #...\n"
    "        }\n"
    "    }\n"
    "}\n";

static void the_printed_example_names_the_server_that_is_open(void **state)
{
    assert_refused(printed_example, "\"server\" directive is not allowed here in t.conf:36; block "
                                    "\"server\" opened in t.conf:25 is still open");
}

static void an_end_of_file_names_the_innermost_open_block(void **state)
{
    assert_refused("http {\n", "unexpected end of file, expecting \"}\" in t.conf:2; block "
                               "\"http\" opened in t.conf:1 is still open");
    assert_refused(
        "http {\nserver {\nlocation /\n{\nreturn 200;\n}\n",
        "unexpected end of file, expecting \"}\" in t.conf:7; block \"server\" opened in "
        "t.conf:2 is still open");
    assert_refused("http {\nserver {\nlisten 80",
                   "unexpected end of file, expecting \";\" or \"}\" in t.conf:3; block \"server\" "
                   "opened in t.conf:2 is still open");
    assert_refused("daemon on", "unexpected end of file, expecting \";\" or \"}\" in t.conf:1");
}

static void a_block_in_itself_is_named_before_the_innermost(void **state)
{
    assert_refused("http {\nserver {\nlocation / {\nserver {}",
                   "\"server\" directive is not allowed here in t.conf:4; block \"server\" opened "
                   "in t.conf:2 is still open");
    assert_refused(
        "http {\nserver {\nlocation / {\nlisten 80;",
        "\"listen\" directive is not allowed here in t.conf:4; block \"location\" opened "
        "in t.conf:3 is still open");
}

static void includes_stand_where_they_are_written(void **state)
{
    const struct conf_folder *f = *state;
    struct conf_text t;

    folder_put(f, "main.conf", "http {\ninclude servers/*.conf;\ninclude none/*.conf;\n}\n");
    folder_put_folder(f, "servers");
    folder_put(f, "servers/a.conf", "server { listen 8080; }");
    /* Relative to the main file, not to the one that includes. */
    folder_put(f, "servers/b.conf", "server { listen 8081; include name; }");
    folder_put(f, "name", "server_name b.example;");
    folder_read(f, &t);
    assert_string_equal(t.log, "");
    assert_int_equal(t.snapshot->server_count, 2);
    assert_int_equal(address_port(&t.snapshot->listens[0].address), 8080);
    assert_true(span_equals(t.snapshot->servers[1]->name, SPAN("b.example")));
    assert_int_equal(t.snapshot->dump_count, 4);
    assert_true(span_ends_with(t.snapshot->dump_names[3], SPAN("/name")));
    assert_true(span_equals(t.snapshot->dump_texts[3], SPAN("server_name b.example;")));
    conf_text_deinit(&t);
}

static void errors_name_the_included_file(void **state)
{
    const struct conf_folder *f = *state;

    folder_put(f, "main.conf", "http {\ninclude a.conf;\n}\n");
    folder_put(f, "a.conf", "\nserver { listen 8080;\nfoo;\n}\n");
    folder_assert_refused(f, "unknown directive \"foo\" in a.conf:3");
    folder_put(f, "a.conf", "server {\n listen 8080;\n");
    folder_assert_refused(f,
                          "unexpected end of file, expecting \"}\" in a.conf:3; block \"server\" "
                          "opened in a.conf:1 is still open");
    folder_put(f, "a.conf", "server { listen 8080; }\n}\n");
    folder_assert_refused(f, "unexpected \"}\" in a.conf:2");
    folder_put(f, "a.conf", "server { listen 8080; }\nhttp {}\n");
    folder_assert_refused(f, "\"http\" directive is not allowed here in a.conf:2; block \"http\" "
                             "opened in main.conf:1 is still open");
}

static void missing_files_are_errors(void **state)
{
    const struct conf_folder *f = *state;

    folder_assert_refused(f, "open() \"main.conf\" failed (2: No such file or directory)");
    folder_put(f, "main.conf", "http {\ninclude a.conf;\n}\n");
    folder_assert_refused(f,
                          "open() \"a.conf\" failed (2: No such file or directory) in main.conf:2");
    folder_put(f, "main.conf", "http {\ninclude .;\n}\n");
    folder_assert_refused(f, "\".\" is a directory in main.conf:2");
    folder_put(f, "main.conf", "http {\ninclude '';\n}\n");
    folder_assert_refused(f, "invalid path in \"include\" directive in main.conf:2");
}

static void a_file_that_includes_itself_is_an_error(void **state)
{
    const struct conf_folder *f = *state;

    folder_put(f, "main.conf", "http {\ninclude *.conf;\n}\n");
    folder_assert_refused(f, "\"main.conf\" includes itself in main.conf:2");
    folder_put(f, "main.conf", "include a;\n");
    folder_put(f, "a", "include b;\n");
    folder_put(f, "b", "\ninclude a;\n");
    folder_assert_refused(f, "\"a\" includes itself in b:2");
}

static void includes_go_32_levels_deep_and_no_deeper(void **state)
{
    const struct conf_folder *f = *state;
    char name[16], text[64];
    struct conf_text t;

    folder_put(f, "main.conf", "include f1;\n");
    for (unsigned i = 1; i <= CONF_DEPTH_MAX; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        snprintf(text, sizeof(text), i < CONF_DEPTH_MAX ? "include f%u;" : "events {}", i + 1);
        folder_put(f, name, text);
    }
    folder_read(f, &t);
    assert_int_equal(t.rc, 0);
    conf_text_deinit(&t);
    folder_put(f, "f32", "include f33;");
    folder_put(f, "f33", "daemon on;");
    folder_assert_refused(f, "includes are nested deeper than 32 levels in f32:1");
}

static void blocks_go_32_levels_deep_and_no_deeper(void **state)
{
    char text[2048] = "http { server { listen 8080; ";
    struct conf_text t;

    for (unsigned i = 3; i <= CONF_DEPTH_MAX; i++)
        strcat(text, "location / {");
    for (unsigned i = 3; i <= CONF_DEPTH_MAX; i++)
        strcat(text, "}");
    strcat(text, "}}");
    conf_text_build(&t, text);
    assert_string_equal(t.log, "");
    conf_text_deinit(&t);
    *strrchr(text, '{') = '\0';
    strcat(text, "{ location / {}");
    assert_refused(text, "blocks are nested deeper than 32 levels in t.conf:1");
}

static void globals_come_first_and_have_no_blocks(void **state)
{
    struct build_options o = {.text = SPAN("daemon on;"), .text_name = "t.conf"};
    struct conf_text t;

    o.globals = SPAN("daemon off;");
    conf_text_build_with(&t, &o);
    assert_string_equal(t.log, "[emerg] \"daemon\" directive is duplicate in t.conf:1\n");
    o.globals = SPAN("foo;");
    conf_text_build_with(&t, &o);
    assert_string_equal(t.log, "[emerg] unknown directive \"foo\" in command line\n");
    o.globals = SPAN("http {}");
    conf_text_build_with(&t, &o);
    assert_string_equal(
        t.log, "[emerg] block directives are not supported in -g option in command line\n");
    o.globals = SPAN("daemon off");
    conf_text_build_with(&t, &o);
    assert_string_equal(t.log,
                        "[emerg] unexpected end of parameter, expecting \";\" in command line\n");
}

static void text_without_a_name_is_the_command_line(void **state)
{
    struct build_options o = {.text = SPAN("\n\nfoo;")};
    struct conf_text t;

    conf_text_build_with(&t, &o);
    assert_string_equal(t.log, "[emerg] unknown directive \"foo\" in command line\n");
}

static void a_build_that_reads_nothing_opens_no_file(void **state)
{
    struct build_options o = {
        .text = SPAN("include /etc/passwd;"), .text_name = "t.conf", .reads_nothing = true};
    struct conf_text t;

    conf_text_build_with(&t, &o);
    assert_string_equal(t.log, "[emerg] open() \"/etc/passwd\" failed (2: No such file or "
                               "directory) in t.conf:1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_example_names_the_server_that_is_open),
        cmocka_unit_test(an_end_of_file_names_the_innermost_open_block),
        cmocka_unit_test(a_block_in_itself_is_named_before_the_innermost),
        FOLDER_TEST(includes_stand_where_they_are_written),
        FOLDER_TEST(errors_name_the_included_file),
        FOLDER_TEST(missing_files_are_errors),
        FOLDER_TEST(a_file_that_includes_itself_is_an_error),
        FOLDER_TEST(includes_go_32_levels_deep_and_no_deeper),
        cmocka_unit_test(blocks_go_32_levels_deep_and_no_deeper),
        cmocka_unit_test(globals_come_first_and_have_no_blocks),
        cmocka_unit_test(text_without_a_name_is_the_command_line),
        cmocka_unit_test(a_build_that_reads_nothing_opens_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
