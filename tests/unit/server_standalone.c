/* Tests of server/standalone: the text that long flags become, and which flag each line is of. */
#include "../command_line.h"
#include "../failing_memory.h"

#include <sys/stat.h>

#include "server/standalone.h"

/* What a command line becomes; the caller frees it. */
static void write_text(const char *line, struct standalone *s)
{
    char error[OPTIONS_ERROR_BYTES] = "";
    struct called c;

    call_taken(&c, line);
    assert_int_equal(standalone_init(s, &c.o, error), 0);
    assert_string_equal(error, "");
    assert_int_equal(strlen(s->text), s->len);
}

static void assert_text(const char *line, const char *text)
{
    struct standalone s;

    write_text(line, &s);
    assert_string_equal(s.text, text);
    standalone_deinit(&s);
}

static void assert_holds(const char *line, const char *words)
{
    struct standalone s;

    write_text(line, &s);
    if (!strstr(s.text, words))
        fail_msg("\"%s\": no %s in\n%s", line, words, s.text);
    standalone_deinit(&s);
}

static void assert_lacks(const char *line, const char *words)
{
    struct standalone s;

    write_text(line, &s);
    if (strstr(s.text, words))
        fail_msg("\"%s\": %s in\n%s", line, words, s.text);
    standalone_deinit(&s);
}

/* Refused with just this line, and nothing is left of the text. */
static void assert_text_refused(const char *line, const char *why)
{
    char error[OPTIONS_ERROR_BYTES] = "";
    struct standalone s;
    struct called c;

    call_taken(&c, line);
    assert_int_equal(standalone_init(&s, &c.o, error), -EINVAL);
    assert_string_equal(error, why);
    assert_null(s.text);
    assert_int_equal(s.len, 0);
    assert_int_equal(s.line_count, 0);
}

/* --- the text ------------------------------------------------------------------------------- */

#define FORWARDING                                                   \
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n" \
    "proxy_set_header X-Forwarded-Proto $scheme;\n"                  \
    "proxy_set_header X-Forwarded-Host $http_host;\n"                \
    "proxy_set_header Upgrade $http_upgrade;\n"                      \
    "proxy_set_header Connection upgrade;\n"

static void two_flags_are_a_whole_configuration(void **state)
{
    assert_text("ringway --listen 80 --upstream http://a",
                "daemon off;\n"
                "error_log stderr notice;\n"
                "worker_processes auto;\n"
                "events {\n"
                "}\n"
                "http {\n"
                "upstream command_line {\n"
                "server \"a:80\";\n"
                "}\n"
                "server {\n"
                "listen \"80\";\n"
                "access_log off;\n"
                "location / {\n"
                "proxy_pass http://command_line;\n"
                "proxy_set_header Host \"a\";\n" FORWARDING "}\n"
                "}\n"
                "}\n");
}

static void each_flag_is_its_directive_in_its_block(void **state)
{
    assert_text("ringway -e /e.log --access-log /a.log --no-verify --keepalive 7 --key /k.pem "
                "--cert /c.pem --upstream https://a.example --balance least_conn --workers 2 "
                "--upstream https://[::1]:8443/ --worker-connections 99 --ca /ca.pem "
                "--listen 127.0.0.1:8080 --server-name b.example --connect-timeout 1s "
                "--listen unix:/x --read-timeout 2s --send-timeout 3s --client-max-body-size 9m",
                "daemon off;\n"
                "worker_processes \"2\";\n"
                "events {\n"
                "worker_connections \"99\";\n"
                "}\n"
                "http {\n"
                "upstream command_line {\n"
                "server \"a.example:443\";\n"
                "server \"[::1]:8443\";\n"
                "least_conn;\n"
                "keepalive \"7\";\n"
                "}\n"
                "server {\n"
                "access_log \"/a.log\";\n"
                "listen \"127.0.0.1:8080\";\n"
                "listen \"unix:/x\";\n"
                "client_max_body_size \"9m\";\n"
                "location / {\n"
                "proxy_pass https://command_line;\n"
                "proxy_set_header Host \"$upstream_last_server_name\";\n" FORWARDING
                "proxy_ssl_verify off;\n"
                "proxy_ssl_certificate_key \"/k.pem\";\n"
                "proxy_ssl_certificate \"/c.pem\";\n"
                "proxy_ssl_trusted_certificate \"/ca.pem\";\n"
                "proxy_ssl_name \"b.example\";\n"
                "proxy_connect_timeout \"1s\";\n"
                "proxy_read_timeout \"2s\";\n"
                "proxy_send_timeout \"3s\";\n"
                "}\n"
                "}\n"
                "}\n");
}

static void every_long_flag_of_the_table_is_written(void **state)
{
    struct options o = {.is_standalone = true};
    char error[OPTIONS_ERROR_BYTES];
    struct standalone s;

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *text = row->argument ? "/1" : "";

        if (row->place == OPTION_PLACE_NONE)
            continue;
        if (strcmp(row->name, "upstream") == 0)
            text = "https://a";
        if (strcmp(row->name, "balance") == 0)
            text = "least_conn";
        o.values[o.value_count++] = (struct option_value){.row = row, .text = text};
    }
    assert_int_equal(standalone_init(&s, &o, error), 0);
    for (size_t i = 0; i < o.value_count; i++) {
        char words[128];

        snprintf(words, sizeof(words), "\n%s%s", o.values[i].row->directive,
                 !o.values[i].row->argument || strcmp(o.values[i].text, "least_conn") == 0 ? ";"
                                                                                           : " \"");
        if (!strstr(s.text, words))
            fail_msg("--%s: no %s in\n%s", o.values[i].row->name, words, s.text);
    }
    standalone_deinit(&s);
}

static void balancing_stands_before_keepalive_in_whatever_order(void **state)
{
    assert_holds("ringway --listen 80 --upstream http://a --keepalive 7 --balance least_conn",
                 "least_conn;\nkeepalive \"7\";\n");
    assert_holds("ringway --listen 80 --balance least_conn --keepalive 7 --upstream http://a",
                 "\"a:80\";\nleast_conn;\nkeepalive \"7\";\n");
    assert_holds("ringway --listen 80 --upstream http://a --balance round_robin",
                 "server \"a:80\";\n}\n");
    assert_text_refused("ringway --listen 80 --upstream http://a --balance fair",
                        "invalid value in \"--balance fair\": it must be round_robin or "
                        "least_conn");
}

static void error_log_is_left_to_its_flag(void **state)
{
    assert_lacks("ringway --listen 80 --upstream http://a -e /e.log", "error_log");
}

/* --- paths ---------------------------------------------------------------------------------- */

static void paths_start_where_ringway_was_called(void **state)
{
    char wanted[4200], *here = getcwd(NULL, 0);

    snprintf(wanted, sizeof(wanted), "\nproxy_ssl_trusted_certificate \"%s/ca.pem\";\n", here);
    assert_holds("ringway --listen 80 --upstream https://a --ca ca.pem", wanted);
    snprintf(wanted, sizeof(wanted), "\naccess_log \"%s/off.log\";\n", here);
    assert_holds("ringway --listen 80 --upstream https://a --access-log off.log", wanted);
    free(here);
    assert_holds("ringway --listen 80 --upstream https://a --ca /ca.pem", " \"/ca.pem\";\n");
    assert_holds("ringway --listen 80 --upstream https://a --access-log off",
                 "\naccess_log \"off\";\n");
    assert_holds("ringway --listen 80 --upstream https://a --server-name ca.pem",
                 "\nproxy_ssl_name \"ca.pem\";\n"); /* no path */
}

static void quotes_and_backslashes_stay_what_they_are(void **state)
{
    assert_holds("ringway --listen 80 --upstream https://a --ca /a\"b\\c\\n;{}#'",
                 "proxy_ssl_trusted_certificate \"/a\\\"b\\\\c\\\\n;{}#'\";\n");
}

/* The folder is entered for the time of one text. */
static void write_text_in(const char *name, const char *line, struct standalone *s)
{
    char *here = getcwd(NULL, 0), parent[] = "/tmp/ringway-standalone-XXXXXX";

    assert_non_null(here);
    assert_non_null(mkdtemp(parent));
    assert_int_equal(chdir(parent), 0);
    assert_int_equal(mkdir(name, 0700), 0);
    assert_int_equal(chdir(name), 0);
    write_text(line, s);
    assert_int_equal(chdir(here), 0);
    free(here);
    here = NULL;
    assert_true(asprintf(&here, "%s/%s", parent, name) > 0);
    assert_int_equal(rmdir(here), 0);
    assert_int_equal(rmdir(parent), 0);
    free(here);
}

static void a_line_feed_in_the_folder_of_a_path_moves_no_line(void **state)
{
    struct standalone s;
    size_t lines = 0;

    write_text_in("a\nb", "ringway --listen 80 --upstream https://a --ca ca.pem --read-timeout 5s",
                  &s);
    assert_non_null(strstr(s.text, "/a\\nb/ca.pem\";\n"));
    for (const char *at = s.text; *at; at = strchr(at, '\n') + 1)
        lines++;
    assert_int_equal(lines, s.line_count);
    standalone_deinit(&s);
}

static void a_folder_that_is_gone_is_said_of_the_flag_that_needs_it(void **state)
{
    char *here = getcwd(NULL, 0), gone[] = "/tmp/ringway-standalone-XXXXXX";

    assert_non_null(here);
    assert_non_null(mkdtemp(gone));
    assert_int_equal(chdir(gone), 0);
    assert_int_equal(rmdir(gone), 0);
    assert_text_refused("ringway --listen 80 --upstream https://a --ca ca.pem",
                        "the working directory of \"--ca ca.pem\" cannot be read: No such file or "
                        "directory");
    assert_text_refused("ringway --listen 80 --upstream https://a --access-log a.log",
                        "the working directory of \"--access-log a.log\" cannot be read: No such "
                        "file or directory");
    assert_holds("ringway --listen 80 --upstream https://a --ca /ca.pem", " \"/ca.pem\";\n");
    assert_int_equal(chdir(here), 0);
    free(here);
}

/* --- upstreams ------------------------------------------------------------------------------ */

/* The host that an upstream is asked for. */
static void host_is_that_of_the_upstream(void **state)
{
    static const struct {
        const char *upstreams, *host;
    } rows[] = {
        {"--upstream https://a.example", "Host \"a.example\";"},
        {"--upstream HTTPS://A.example/", "Host \"A.example\";"},
        {"--upstream https://a.example:443", "Host \"a.example\";"},
        {"--upstream http://a.example:80", "Host \"a.example\";"},
        {"--upstream http://a.example:443", "Host \"a.example:443\";"},
        {"--upstream https://a.example:80", "Host \"a.example:80\";"},
        {"--upstream https://a.example:8443", "Host \"a.example:8443\";"},
        {"--upstream https://[::1]", "Host \"[::1]\";"},
        {"--upstream https://[::1]:8443", "Host \"[::1]:8443\";"},
        {"--upstream https://a.example --upstream https://A.EXAMPLE", "Host \"a.example\";"},
        {"--upstream https://a.example --upstream https://b.example",
         "Host \"$upstream_last_server_name\";"},
        {"--upstream https://a.example --upstream https://b.example --upstream https://a.example",
         "Host \"$upstream_last_server_name\";"},
        {"--upstream https://a.example:1 --upstream https://b.example:1",
         "Host \"$upstream_last_server_name:1\";"},
        {"--upstream https://a.example:1 --upstream https://a.example:2", "Host \"a.example\";"},
        {"--upstream https://a.example:1 --upstream https://a.example:2 "
         "--upstream https://a.example:1",
         "Host \"a.example\";"},
        {"--upstream https://a.example:1 --upstream https://a.example", "Host \"a.example\";"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256];

        snprintf(line, sizeof(line), "ringway --listen 80 %s", rows[i].upstreams);
        assert_holds(line, rows[i].host);
    }
}

static void the_port_of_an_upstream_is_always_written(void **state)
{
    static const struct {
        const char *url, *server;
    } rows[] = {
        {"http://a", "\"a:80\""},
        {"https://a", "\"a:443\""},
        {"http://a:1", "\"a:1\""},
        {"https://a:65535/", "\"a:65535\""},
        {"hTTpS://[::1]", "\"[::1]:443\""},
        {"http://[::1]:8080/", "\"[::1]:8080\""},
        {"http://10.0.0.1", "\"10.0.0.1:80\""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256], words[256];

        snprintf(line, sizeof(line), "ringway --listen 80 --upstream %s", rows[i].url);
        snprintf(words, sizeof(words), "\nserver %s;\n", rows[i].server);
        assert_holds(line, words);
    }
}

static void the_scheme_is_that_of_the_upstreams(void **state)
{
    assert_holds("ringway --listen 80 --upstream https://a", "proxy_pass https://command_line;");
    assert_holds("ringway --listen 80 --upstream http://a", "proxy_pass http://command_line;");
    assert_text_refused("ringway --listen 80 --upstream https://a --upstream http://b",
                        "\"--upstream http://b\" and the ones before differ in http:// and "
                        "https://; that needs a configuration file");
    assert_text_refused("ringway --listen 80 --upstream http://a --upstream https://a",
                        "\"--upstream https://a\" and the ones before differ in http:// and "
                        "https://; that needs a configuration file");
}

static void flags_of_tls_need_an_upstream_with_tls(void **state)
{
    static const struct {
        const char *flags, *first;
    } rows[] = {
        {"--ca /ca.pem", "--ca"},
        {"--cert /c.pem --key /k.pem", "--cert"},
        {"--key /k.pem --cert /c.pem", "--key"},
        {"--server-name a.example", "--server-name"},
        {"--no-verify", "--no-verify"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256], why[256];

        snprintf(line, sizeof(line), "ringway %s --listen 80 --upstream http://a", rows[i].flags);
        snprintf(why, sizeof(why), "\"%s\" needs \"--upstream\" with https://", rows[i].first);
        assert_text_refused(line, why);
    }
}

static void wrong_upstreams_are_named(void **state)
{
    static const struct {
        const char *url, *before, *behind;
    } rows[] = {
        {"a.example", "", " does not begin with https:// or http://"},
        {"ftp://a", "", " does not begin with https:// or http://"},
        {"https:a", "", " does not begin with https:// or http://"},
        {"https:/a", "", " does not begin with https:// or http://"},
        {"https://a/b", "",
         " has more than a host and a port; a path or a user needs a configuration file"},
        {"https://a//", "",
         " has more than a host and a port; a path or a user needs a configuration file"},
        {"https://u@a", "",
         " has more than a host and a port; a path or a user needs a configuration file"},
        {"https://a?b", "",
         " has more than a host and a port; a path or a user needs a configuration file"},
        {"https://a#b", "",
         " has more than a host and a port; a path or a user needs a configuration file"},
        {"https://", "invalid host in ", ""},
        {"https:///", "invalid host in ", ""},
        {"https://:443", "invalid host in ", ""},
        {"https://a:", "invalid host in ", ""},
        {"https://a:1:2", "invalid host in ", ""},
        {"https://::1", "invalid host in ", ""},
        {"https://[::1", "invalid host in ", ""},
        {"https://[::1]a", "invalid host in ", ""},
        {"https://unix:1", "invalid host in ", ""},
        {"https://a:0", "invalid port in ", ""},
        {"https://a:65536", "invalid port in ", ""},
        {"https://a:x", "invalid port in ", ""},
        {"https://a:-1", "invalid port in ", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256], why[256];

        snprintf(line, sizeof(line), "ringway --listen 80 --upstream %s", rows[i].url);
        snprintf(why, sizeof(why), "%s\"--upstream %s\"%s", rows[i].before, rows[i].url,
                 rows[i].behind);
        assert_text_refused(line, why);
    }
}

static void the_second_upstream_is_looked_at_as_the_first(void **state)
{
    assert_text_refused("ringway --listen 80 --upstream https://a --upstream https://b:0",
                        "invalid port in \"--upstream https://b:0\"");
}

static void a_line_that_is_too_long_to_say_keeps_its_reason(void **state)
{
    char line[OPTIONS_ERROR_BYTES + 64] = "ringway --listen 80 --upstream ";
    char error[OPTIONS_ERROR_BYTES];
    struct standalone s;
    struct called c;

    memset(line + strlen(line), 'a', OPTIONS_ERROR_BYTES);
    memset(error, 'x', sizeof(error));
    call_taken(&c, line);
    assert_int_equal(standalone_init(&s, &c.o, error), -EINVAL);
    assert_int_equal(strnlen(error, sizeof(error)), sizeof(error) - 1);
    assert_memory_equal(error, "\"--upstream aaa", 15);
    assert_non_null(strstr(error, "aaa...aaa"));
    assert_non_null(strstr(error, "aaa\" does not begin with https:// or http://"));
}

/* --- lines ---------------------------------------------------------------------------------- */

/* The name of the line that begins with these words, which must be there. */
static const char *name_of(const struct standalone *s, const char *words)
{
    size_t line = 0;

    for (const char *at = s->text; *at; at = strchr(at, '\n') + 1, line++) {
        if (strncmp(at, words, strlen(words)) == 0)
            return s->names[line];
    }
    fail_msg("no line \"%s\" in\n%s", words, s->text);
    return NULL;
}

static size_t count_names(const struct standalone *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->line_count; i++)
        count += s->names[i] != NULL;
    return count;
}

static void lines_know_their_flag(void **state)
{
    static const struct {
        const char *words, *name;
    } rows[] = {
        {"worker_processes \"2\"", "command line (--workers 2)"},
        {"worker_connections", "command line (--worker-connections 9)"},
        {"server \"a:8443\"", "command line (--upstream https://a:8443)"},
        {"server \"b:443\"", "command line (--upstream https://b/)"},
        {"least_conn", "command line (--balance least_conn)"},
        {"listen \"80\"", "command line (--listen 80)"},
        {"listen \"81\"", "command line (--listen 81)"},
        {"proxy_ssl_verify", "command line (--no-verify)"},
        {"proxy_ssl_trusted_certificate", "command line (--ca ca.pem)"}, /* as it was given */
        {"daemon", NULL},
        {"events", NULL},
        {"http", NULL},
        {"upstream", NULL},
        {"server {", NULL},
        {"access_log", NULL},
        {"location", NULL},
        {"proxy_pass", NULL},
        {"proxy_set_header Host", NULL},
        {"proxy_set_header Connection", NULL},
    };
    struct standalone s;
    size_t lines = 0;

    write_text("ringway --listen 80 --listen 81 --upstream https://a:8443 --upstream https://b/ "
               "--balance least_conn --workers 2 --worker-connections 9 --ca ca.pem --no-verify",
               &s);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *name = name_of(&s, rows[i].words);

        if (rows[i].name ? !name || strcmp(name, rows[i].name) != 0 : name != NULL)
            fail_msg("\"%s\" is of %s", rows[i].words, name ? name : "none");
    }
    for (const char *at = s.text; *at; at = strchr(at, '\n') + 1)
        lines++;
    assert_int_equal(lines, s.line_count);
    assert_int_equal(count_names(&s), 9);
    standalone_deinit(&s);
}

static void as_many_flags_as_can_be_given_have_their_lines(void **state)
{
    const struct option_row *listen = NULL, *upstream = NULL;
    static struct options o = {.is_standalone = true, .value_count = OPTIONS_VALUES_MAX};
    char error[OPTIONS_ERROR_BYTES];
    struct standalone s;
    for (size_t i = 0; i < option_row_count; i++) {
        if (option_rows[i].name && strcmp(option_rows[i].name, "listen") == 0)
            listen = &option_rows[i];
        if (option_rows[i].name && strcmp(option_rows[i].name, "upstream") == 0)
            upstream = &option_rows[i];
    }
    for (size_t i = 0; i < OPTIONS_VALUES_MAX; i++)
        o.values[i] = i % 2 ? (struct option_value){listen, "80"}
                            : (struct option_value){upstream, "http://a"};
    assert_int_equal(standalone_init(&s, &o, error), 0);
    assert_int_equal(count_names(&s), OPTIONS_VALUES_MAX);
    assert_true(s.line_count <= STANDALONE_LINES_MAX);
    standalone_deinit(&s);
}

/* The name of a line is no reason to fail: messages do without it. */
static void without_memory_there_is_no_text_or_a_name_less(void **state)
{
    bool has_failed = true;
    size_t nameless = 0, refused = 0;
    struct called c;

    call_taken(&c, "ringway --listen 80 --upstream https://a --access-log a --ca /ca.pem");
    for (size_t others = 0; has_failed; others++) {
        char error[OPTIONS_ERROR_BYTES];
        struct standalone s;
        int rc;

        fail_text(others);
        rc = standalone_init(&s, &c.o, error);
        has_failed = end_failing_texts();
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            assert_null(s.text);
            assert_int_equal(s.line_count, 0);
            refused++;
        } else {
            assert_int_equal(count_names(&s), has_failed ? 3 : 4);
            nameless += has_failed;
            standalone_deinit(&s);
        }
    }
    assert_int_equal(nameless, 4);
    assert_int_equal(refused, 3); /* the text, and two paths */
}

static void what_was_freed_may_be_freed_again(void **state)
{
    struct standalone s;

    write_text("ringway --listen 80 --upstream http://a", &s);
    standalone_deinit(&s);
    assert_null(s.text);
    assert_int_equal(s.line_count, 0);
    standalone_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_flags_are_a_whole_configuration),
        cmocka_unit_test(each_flag_is_its_directive_in_its_block),
        cmocka_unit_test(every_long_flag_of_the_table_is_written),
        cmocka_unit_test(balancing_stands_before_keepalive_in_whatever_order),
        cmocka_unit_test(error_log_is_left_to_its_flag),
        cmocka_unit_test(paths_start_where_ringway_was_called),
        cmocka_unit_test(quotes_and_backslashes_stay_what_they_are),
        cmocka_unit_test(a_line_feed_in_the_folder_of_a_path_moves_no_line),
        cmocka_unit_test(a_folder_that_is_gone_is_said_of_the_flag_that_needs_it),
        cmocka_unit_test(host_is_that_of_the_upstream),
        cmocka_unit_test(the_port_of_an_upstream_is_always_written),
        cmocka_unit_test(the_scheme_is_that_of_the_upstreams),
        cmocka_unit_test(flags_of_tls_need_an_upstream_with_tls),
        cmocka_unit_test(wrong_upstreams_are_named),
        cmocka_unit_test(the_second_upstream_is_looked_at_as_the_first),
        cmocka_unit_test(a_line_that_is_too_long_to_say_keeps_its_reason),
        cmocka_unit_test(lines_know_their_flag),
        cmocka_unit_test(as_many_flags_as_can_be_given_have_their_lines),
        cmocka_unit_test(without_memory_there_is_no_text_or_a_name_less),
        cmocka_unit_test(what_was_freed_may_be_freed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
