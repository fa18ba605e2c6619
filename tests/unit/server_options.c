/* Tests of server/options, server/standalone and server/manual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/manual.h"
#include "server/standalone.h"

#define WORDS_MAX 32

struct called {
    int rc;
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    char *words[WORDS_MAX + 1];
    char text[1024];
};

/* Parses a line of words that are separated by single spaces. */
static void call(struct called *c, const char *line)
{
    int count = 0;

    memset(c, 0, sizeof(*c));
    snprintf(c->text, sizeof(c->text), "%s", line);
    for (char *word = strtok(c->text, " "); word; word = strtok(NULL, " ")) {
        assert_true(count < WORDS_MAX);
        c->words[count++] = word;
    }
    c->rc = options_parse(&c->o, count, c->words, c->error);
}

static void assert_refused(const char *line, const char *why)
{
    struct called c;

    call(&c, line);
    assert_int_equal(c.rc, -EINVAL);
    assert_non_null(strstr(c.error, why));
    assert_null(strchr(c.error, '\n'));
}

/* --- nginx's flags -------------------------------------------------------------------------- */

static void flags_of_nginx_are_read(void **state)
{
    struct called c;

    (void)state;
    call(&c, "ringway -c a.conf -p /p -e e.log -g daemon_off; -s quit -t -q -v -V");
    assert_int_equal(c.rc, 0);
    assert_string_equal(c.o.conf_path, "a.conf");
    assert_string_equal(c.o.prefix, "/p");
    assert_string_equal(c.o.error_log, "e.log");
    assert_string_equal(c.o.globals, "daemon_off;");
    assert_string_equal(c.o.signal, "quit");
    assert_true(c.o.is_test);
    assert_true(c.o.is_quiet);
    assert_true(c.o.wants_version);
    assert_true(c.o.wants_build_info);
    assert_false(c.o.is_dump);
    assert_false(c.o.is_standalone);
}

static void letters_may_stand_together_and_before_their_value(void **state)
{
    struct called c;

    (void)state;
    call(&c, "ringway -tqca.conf");
    assert_int_equal(c.rc, 0);
    assert_true(c.o.is_test);
    assert_true(c.o.is_quiet);
    assert_string_equal(c.o.conf_path, "a.conf");
    call(&c, "ringway -Tc b.conf");
    assert_true(c.o.is_dump);
    assert_true(c.o.is_test);
    assert_string_equal(c.o.conf_path, "b.conf");
}

static void help_has_three_spellings(void **state)
{
    static const char *const lines[] = {"ringway -h", "ringway -?", "ringway --help",
                                        "ringway --listen 80 --help"};
    struct called c;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        call(&c, lines[i]);
        assert_int_equal(c.rc, 0);
        assert_true(c.o.wants_help);
    }
    call(&c, "ringway help proxy_pass");
    assert_true(c.o.wants_directive_help);
    assert_string_equal(c.o.directive_name, "proxy_pass");
    call(&c, "ringway help");
    assert_true(c.o.wants_directive_help);
    assert_null(c.o.directive_name);
}

static void wrong_flags_are_named(void **state)
{
    (void)state;
    assert_refused("ringway -x", "invalid option: \"x\"");
    assert_refused("ringway -tx", "invalid option: \"x\"");
    assert_refused("ringway --nonsense", "invalid option: \"--nonsense\"");
    assert_refused("ringway --listening=80", "invalid option: \"--listening=80\"");
    assert_refused("ringway --", "invalid option: \"--\"");
    assert_refused("ringway -", "invalid option: \"-\"");
    assert_refused("ringway a.conf", "invalid option: \"a.conf\"");
    assert_refused("ringway -c", "option \"-c\" requires FILE");
    assert_refused("ringway --listen", "option \"--listen\" requires ADDRESS");
    assert_refused("ringway --listen= --upstream http://a", "\"--listen\" requires ADDRESS");
    assert_refused("ringway --no-verify=1", "\"--no-verify\" takes no value");
    assert_refused("ringway -s restart", "invalid option: \"-s restart\"");
    assert_refused("ringway help a b", "usage: ringway help");
}

static void an_empty_command_line_is_a_file_at_its_usual_place(void **state)
{
    struct called c;

    (void)state;
    call(&c, "ringway");
    assert_int_equal(c.rc, 0);
    assert_null(c.o.conf_path);
    assert_false(c.o.is_standalone);
}

/* --- what goes together --------------------------------------------------------------------- */

static void flags_that_need_each_other_say_so(void **state)
{
    (void)state;
    assert_refused("ringway --listen 80", "\"--listen\" needs \"--upstream URL\"");
    assert_refused("ringway --upstream https://a", "\"--upstream\" needs \"--listen ADDRESS\"");
    assert_refused("ringway --ca x", "\"--ca\" needs \"--upstream URL\"");
    assert_refused("ringway --listen 80 --upstream https://a -c x", "leave out \"-c\"");
    assert_refused("ringway --listen 80 --upstream https://a -s stop", "\"-s\" goes by");
    assert_refused("ringway --listen 80 --upstream https://a --cert x", "\"--cert\" needs \"--key");
    assert_refused("ringway --listen 80 --upstream https://a --key x", "\"--key\" needs \"--cert");
    assert_refused("ringway --listen 80 --upstream https://a --ca x --ca y", "given twice");
}

static void no_value_breaks_out_of_its_line(void **state)
{
    char *words[] = {(char[]){"ringway"}, (char[]){"--server-name"}, (char[]){"a;\nb"}, NULL};
    char error[OPTIONS_ERROR_BYTES];
    struct options o;

    (void)state;
    assert_int_equal(options_parse(&o, 3, words, error), -EINVAL);
    assert_non_null(strstr(error, "control character"));
}

static void more_values_than_there_is_room_for_are_refused(void **state)
{
    char *words[2 * OPTIONS_VALUES_MAX + 4];
    char flag[] = "--listen", value[] = "80", name[] = "ringway";
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    int count = 0;

    (void)state;
    words[count++] = name;
    for (int i = 0; i <= OPTIONS_VALUES_MAX; i++) {
        words[count++] = flag;
        words[count++] = value;
    }
    words[count] = NULL;
    assert_int_equal(options_parse(&o, count, words, error), -EINVAL);
    assert_non_null(strstr(error, "more than"));
}

/* --- configuration text --------------------------------------------------------------------- */

/* What a command line becomes; the caller frees it. */
static void write_text(const char *line, struct standalone *s)
{
    char error[OPTIONS_ERROR_BYTES];
    struct called c;

    call(&c, line);
    assert_int_equal(c.rc, 0);
    assert_int_equal(standalone_init(s, &c.o, error), 0);
}

static void assert_text_refused(const char *line, const char *why)
{
    char error[OPTIONS_ERROR_BYTES];
    struct standalone s;
    struct called c;

    call(&c, line);
    assert_int_equal(c.rc, 0);
    assert_int_equal(standalone_init(&s, &c.o, error), -EINVAL);
    assert_non_null(strstr(error, why));
}

static void flags_become_their_directives(void **state)
{
    static const char *const lines[] = {
        "daemon off;\n",
        "worker_processes \"2\";\n",
        "listen \"127.0.0.1:8080\";\n",
        "listen \"unix:/x\";\n",
        "server \"a.example:443\";\n",
        "server \"[::1]:8443\";\n",
        "least_conn;\n",
        "keepalive \"7\";\n",
        "proxy_pass https://",
        "proxy_ssl_trusted_certificate \"/ca.pem\";\n",
        "proxy_ssl_certificate \"/c.pem\";\n",
        "proxy_ssl_certificate_key \"/k.pem\";\n",
        "proxy_ssl_name \"b.example\";\n",
        "proxy_ssl_verify off;\n",
        "proxy_read_timeout \"5s\";\n",
        "access_log \"/a.log\";\n",
    };
    struct standalone s;

    (void)state;
    write_text("ringway --listen 127.0.0.1:8080 --listen unix:/x --upstream https://a.example "
               "--upstream https://[::1]:8443/ --keepalive 7 --balance least_conn --workers 2 "
               "--ca /ca.pem --cert /c.pem --key /k.pem --server-name b.example --no-verify "
               "--read-timeout 5s --access-log /a.log",
               &s);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_non_null(strstr(s.text, lines[i]));
    assert_true(strstr(s.text, "least_conn") < strstr(s.text, "keepalive"));
    standalone_deinit(&s);
}

static void paths_start_where_ringway_was_called(void **state)
{
    char wanted[4200], *here = getcwd(NULL, 0);
    struct standalone s;

    (void)state;
    write_text("ringway --listen 80 --upstream https://a --ca ca.pem --access-log off", &s);
    snprintf(wanted, sizeof(wanted), "proxy_ssl_trusted_certificate \"%s/ca.pem\";\n", here);
    assert_non_null(strstr(s.text, wanted));
    assert_non_null(strstr(s.text, "access_log \"off\";\n"));
    standalone_deinit(&s);
    free(here);
}

static void quotes_and_backslashes_stay_what_they_are(void **state)
{
    struct standalone s;

    (void)state;
    write_text("ringway --listen 80 --upstream https://a --ca /a\"b\\c", &s);
    assert_non_null(strstr(s.text, "proxy_ssl_trusted_certificate \"/a\\\"b\\\\c\";\n"));
    standalone_deinit(&s);
}

/* The host that an upstream is asked for. */
static void host_is_that_of_the_upstream(void **state)
{
    static const struct {
        const char *upstreams, *host;
    } rows[] = {
        {"--upstream https://a.example", "Host \"a.example\";"},
        {"--upstream https://a.example:443", "Host \"a.example\";"},
        {"--upstream http://a.example:80", "Host \"a.example\";"},
        {"--upstream http://a.example:443", "Host \"a.example:443\";"},
        {"--upstream https://a.example:8443", "Host \"a.example:8443\";"},
        {"--upstream https://[::1]:8443", "Host \"[::1]:8443\";"},
        {"--upstream https://a.example --upstream https://b.example",
         "Host \"$upstream_last_server_name\";"},
        {"--upstream https://a.example:1 --upstream https://b.example:1",
         "Host \"$upstream_last_server_name:1\";"},
        {"--upstream https://a.example:1 --upstream https://a.example:2", "Host \"a.example\";"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[256];
        struct standalone s;

        snprintf(line, sizeof(line), "ringway --listen 80 %s", rows[i].upstreams);
        write_text(line, &s);
        assert_non_null(strstr(s.text, rows[i].host));
        standalone_deinit(&s);
    }
}

static void wrong_upstreams_are_named(void **state)
{
    (void)state;
    assert_text_refused("ringway --listen 80 --upstream a.example",
                        "\"--upstream a.example\" does not begin with https://");
    assert_text_refused("ringway --listen 80 --upstream ftp://a", "does not begin with");
    assert_text_refused("ringway --listen 80 --upstream https://a/b", "more than a host");
    assert_text_refused("ringway --listen 80 --upstream https://u@a", "more than a host");
    assert_text_refused("ringway --listen 80 --upstream https://a?b", "more than a host");
    assert_text_refused("ringway --listen 80 --upstream https://", "invalid host");
    assert_text_refused("ringway --listen 80 --upstream https://a:0", "invalid port");
    assert_text_refused("ringway --listen 80 --upstream https://a:65536", "invalid port");
    assert_text_refused("ringway --listen 80 --upstream https://a:x", "invalid port");
    assert_text_refused("ringway --listen 80 --upstream https://a --upstream http://b",
                        "differ in");
    assert_text_refused("ringway --listen 80 --upstream https://a --balance fair",
                        "\"--balance fair\"");
}

static void lines_know_their_flag(void **state)
{
    struct standalone s;
    size_t line = 0;

    (void)state;
    write_text("ringway --listen 80 --upstream https://a:8443 --no-verify", &s);
    for (const char *at = s.text; *at; at = strchr(at, '\n') + 1, line++) {
        const char *wanted = NULL;

        assert_true(line < s.line_count);
        if (strncmp(at, "listen ", 7) == 0)
            wanted = "command line (--listen 80)";
        else if (strncmp(at, "server \"", 8) == 0)
            wanted = "command line (--upstream https://a:8443)";
        else if (strncmp(at, "proxy_ssl_verify ", 17) == 0)
            wanted = "command line (--no-verify)";
        if (wanted)
            assert_string_equal(s.names[line], wanted);
        else
            assert_null(s.names[line]);
    }
    assert_int_equal(line, s.line_count);
    standalone_deinit(&s);
}

/* --- the table ------------------------------------------------------------------------------ */

static void rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        assert_true(row->letter || row->name);
        assert_true(row->help || row->letter == '?');
        assert_true(row->place == OPTION_PLACE_NONE || (row->name && row->directive));
        for (size_t k = 0; k < i; k++) {
            assert_true(!row->letter || row->letter != option_rows[k].letter);
            assert_true(!row->name || !option_rows[k].name ||
                        strcmp(row->name, option_rows[k].name) != 0);
        }
    }
}

static void help_and_manual_name_every_flag(void **state)
{
    void (*const printers[])(FILE *) = {manual_print_help, manual_print_page};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(printers); i++) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);

        printers[i](out);
        assert_int_equal(fclose(out), 0);
        for (size_t row = 0; row < option_row_count; row++) {
            const char *letter = (const char[]){'-', option_rows[row].letter, '\0'};

            if (option_rows[row].help && option_rows[row].letter)
                assert_non_null(strstr(text, letter));
            else if (option_rows[row].help && !strchr(option_rows[row].name, '-'))
                assert_non_null(strstr(text, option_rows[row].name));
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_nginx_are_read),
        cmocka_unit_test(letters_may_stand_together_and_before_their_value),
        cmocka_unit_test(help_has_three_spellings),
        cmocka_unit_test(wrong_flags_are_named),
        cmocka_unit_test(an_empty_command_line_is_a_file_at_its_usual_place),
        cmocka_unit_test(flags_that_need_each_other_say_so),
        cmocka_unit_test(no_value_breaks_out_of_its_line),
        cmocka_unit_test(more_values_than_there_is_room_for_are_refused),
        cmocka_unit_test(flags_become_their_directives),
        cmocka_unit_test(paths_start_where_ringway_was_called),
        cmocka_unit_test(quotes_and_backslashes_stay_what_they_are),
        cmocka_unit_test(host_is_that_of_the_upstream),
        cmocka_unit_test(wrong_upstreams_are_named),
        cmocka_unit_test(lines_know_their_flag),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(help_and_manual_name_every_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
