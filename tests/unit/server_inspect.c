/* Tests of server/inspect: what is written to standard output and standard error, and the exit
 * status. */
#include "../command_line.h"
#include "../conf_certificates.h"
#include "../conf_folder.h"

#include <fcntl.h>
#include <stdio_ext.h>

#include "conf/directive.h"
#include "server/inspect.h"
#include "server/manual.h"
#include "server/manual_conf.h"

#define TEXT_BYTES (128 * 1024)

/* What one call wrote. */
struct heard {
    int status;
    char out[TEXT_BYTES], error[TEXT_BYTES];
};

/* Standard output and standard error, out of the way of a call. */
struct ears {
    int fds[2], kept[2];
};

/* out: where standard output goes to; -1: it is heard by close_ears(). */
static void open_ears(struct ears *e, int out)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        e->fds[i] = i == 0 && out >= 0 ? out : memfd_create("ear", MFD_CLOEXEC);
        e->kept[i] = dup(STDOUT_FILENO + i);
        assert_true(e->fds[i] >= 0 && e->kept[i] >= 0);
        assert_int_equal(dup2(e->fds[i], STDOUT_FILENO + i), STDOUT_FILENO + i);
    }
}

static void close_ears(struct ears *e, struct heard *h)
{
    char *const texts[] = {h->out, h->error};

    fflush(stdout);
    __fpurge(stdout); /* what could not be written */
    clearerr(stdout);
    for (int i = 0; i < 2; i++) {
        ssize_t len;

        (void)dup2(e->kept[i], STDOUT_FILENO + i);
        close(e->kept[i]);
        len = pread(e->fds[i], texts[i], TEXT_BYTES - 1, 0);
        texts[i][len > 0 ? len : 0] = '\0';
        close(e->fds[i]);
    }
}

/* --- -h, -v and -V -------------------------------------------------------------------------- */

/* With stdout at out; -1: it is heard. */
static void ask_for(struct heard *h, const char *line, int out)
{
    struct called c;
    struct ears e;

    call_taken(&c, line);
    open_ears(&e, out);
    h->status = inspect_self(&c.o);
    close_ears(&e, h);
}

static void version_is_one_line_and_more_when_asked(void **state)
{
    static const char *const lines[] = {"ringway version: ringway/" RINGWAY_VERSION "\n",
                                        "built by ", "\nlibraries: ", "\noptions: "};
    static struct heard h;

    ask_for(&h, "ringway -v", -1);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.error, lines[0]);
    assert_string_equal(h.out, "");
    ask_for(&h, "ringway -V", -1);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.out, "");
    assert_memory_equal(h.error, lines[0], strlen(lines[0]));
    for (size_t i = 1; i < COUNT_OF(lines); i++)
        assert_non_null(strstr(h.error, lines[i]));
    assert_non_null(strstr(h.error, "wolfssl"));
    assert_int_equal(h.error[strlen(h.error) - 1], '\n');
}

static void help_is_the_manual_on_standard_output(void **state)
{
    static struct heard h;
    static char text[TEXT_BYTES];
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_non_null(out);
    manual_print_help(out);
    assert_int_equal(fclose(out), 0);
    ask_for(&h, "ringway -h", -1);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.out, text);
    assert_string_equal(h.error, "");
    ask_for(&h, "ringway -h -v", -1);
    assert_string_equal(h.out, text);
    assert_string_equal(h.error, "ringway version: ringway/" RINGWAY_VERSION "\n");
}

static void help_of_flags_that_nobody_can_read_is_a_failure(void **state)
{
    static struct heard h;

    ask_for(&h, "ringway -h", open("/dev/full", O_WRONLY | O_CLOEXEC));
    assert_int_equal(h.status, 1);
    assert_string_equal(h.error, "ringway: standard output cannot be written\n");
}

static void a_version_that_nobody_can_read_is_a_failure(void **state)
{
    static const char *const lines[] = {"ringway -v", "ringway -V"};

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        int kept = dup(STDERR_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC), status;
        struct called c;

        call_taken(&c, lines[i]);
        assert_true(kept >= 0 && full >= 0);
        assert_int_equal(dup2(full, STDERR_FILENO), STDERR_FILENO);
        status = inspect_self(&c.o);
        (void)dup2(kept, STDERR_FILENO);
        clearerr(stderr);
        close(kept);
        close(full);
        assert_int_equal(status, 1);
    }
}

/* --- -t and -T ------------------------------------------------------------------------------ */

#define A_SERVER "events {}\nhttp { access_log off; server { listen 8080; } }\n"
#define LOGS "error_log stderr;\n"

/* Tests what a command line names; "@" in texts stands for the folder of the test. */
static void test(struct heard *h, const char *line)
{
    char error[OPTIONS_ERROR_BYTES];
    struct source s;
    struct called c;
    struct ears e;

    call_taken(&c, line);
    if (source_init(&s, &c.o, error))
        fail_msg("\"%s\": %s", line, error);
    open_ears(&e, -1);
    h->status = inspect_test(&s);
    close_ears(&e, h);
    source_deinit(&s);
}

static void test_file(struct heard *h, const struct conf_folder *f, const char *flags,
                      const char *text)
{
    char line[256];

    folder_put(f, "a.conf", text);
    snprintf(line, sizeof(line), "ringway %s -c %s/a.conf", flags, f->path);
    test(h, line);
}

/* Texts with each "@" as the folder. */
static const char *in_folder(const struct conf_folder *f, const char *text, char out[4096])
{
    size_t len = 0;

    for (; *text; text++)
        len += (size_t)(*text == '@' ? snprintf(out + len, 4096 - len, "%s", f->path)
                                     : snprintf(out + len, 4096 - len, "%c", *text));
    assert_true(len < 4096);
    return out;
}

static void a_good_file_is_said_to_be(void **state)
{
    const struct conf_folder *f = *state;
    static struct heard h;
    char text[4096];

    test_file(&h, f, "-t", LOGS A_SERVER);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.out, "");
    assert_string_equal(h.error,
                        in_folder(f,
                                  "ringway: the configuration file @/a.conf syntax is ok\n"
                                  "ringway: configuration file @/a.conf test is successful\n",
                                  text));
}

static void a_wrong_file_is_said_to_be(void **state)
{
    const struct conf_folder *f = *state;
    static struct heard h;
    char text[4096];

    test_file(&h, f, "-t", LOGS "foo;\n");
    assert_int_equal(h.status, 1);
    assert_string_equal(h.out, "");
    assert_string_equal(h.error,
                        in_folder(f,
                                  "ringway: [emerg] unknown directive \"foo\" in @/a.conf:2\n"
                                  "ringway: configuration file @/a.conf test failed\n",
                                  text));
    test_file(&h, f, "-T", "foo;\n");
    assert_int_equal(h.status, 1);
    assert_string_equal(h.out, "");
}

/* As nginx: it is opened, and made where it is not there. */
static void a_log_that_cannot_be_opened_fails_the_test(void **state)
{
    const struct conf_folder *f = *state;
    static struct heard h;
    char text[4096];

    folder_put_folder(f, "log");
    test_file(&h, f, "-t", "error_log log;\n" A_SERVER);
    assert_int_equal(h.status, 1);
    assert_string_equal(h.error,
                        in_folder(f,
                                  "ringway: the configuration file @/a.conf syntax is ok\n"
                                  "ringway: [emerg] open() \"@/log\" failed (21: Is a directory)\n"
                                  "ringway: configuration file @/a.conf test failed\n",
                                  text));
    test_file(&h, f, "-t", "error_log new.log;\n" A_SERVER);
    assert_int_equal(h.status, 0);
    in_folder(f, "@/new.log", text);
    assert_int_equal(access(text, F_OK), 0);
}

static void quiet_says_errors_alone(void **state)
{
    static const char warned[] = LOGS "events {}\nhttp {}\n"; /* no server */
    const struct conf_folder *f = *state;
    static struct heard h;
    char text[4096];

    test_file(&h, f, "-t -q", LOGS A_SERVER);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.error, "");
    test_file(&h, f, "-t", warned);
    assert_non_null(strstr(h.error, "[warn]"));
    test_file(&h, f, "-t -q", warned);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.error, "");
    test_file(&h, f, "-t -q", "foo;");
    assert_int_equal(h.status, 1);
    assert_string_equal(h.error,
                        in_folder(f,
                                  "ringway: [emerg] unknown directive \"foo\" in @/a.conf:1\n"
                                  "ringway: configuration file @/a.conf test failed\n",
                                  text));
}

static void flags_are_tested_as_a_file_is(void **state)
{
    static struct heard h;

    test(&h, "ringway -t --listen 127.0.0.1:8080 --upstream http://127.0.0.1");
    assert_int_equal(h.status, 0);
    assert_string_equal(h.out, "");
    assert_string_equal(h.error, "ringway: command line test is successful\n");
    test(&h, "ringway -t --listen 127.0.0.1:8080 --upstream http://127.0.0.1 --workers 0");
    assert_int_equal(h.status, 1);
    assert_string_equal(h.error, "ringway: [emerg] value must be between 1 and 128 in command "
                                 "line (--workers 0)\n"
                                 "ringway: command line test failed\n");
}

/* Takes what stands at the beginning of *at. */
static void take(const char **at, const char *text)
{
    if (strncmp(*at, text, strlen(text)) != 0)
        fail_msg("%s\nand not %s", *at, text);
    *at += strlen(text);
}

static void take_differences(const char **at)
{
    const struct directive *d;
    size_t count = 0;

    take(at, "# where ringway differs from nginx on purpose:\n");
    for (size_t i = 0; (d = directive_at(i)); i++) {
        char line[1024];

        if (d->nginx_preset) {
            snprintf(line, sizeof(line), "#   %s: %s by default (nginx: %s)\n", d->name, d->preset,
                     d->nginx_preset[0] ? d->nginx_preset : "none");
            take(at, line);
        }
        if (!d->difference)
            continue;
        snprintf(line, sizeof(line), "#   %s: %s\n", d->name, d->difference);
        take(at, line);
        count++;
    }
    assert_true(count > 0);
}

/* What is in it is for the tests of conf/understood. */
static void take_understood(const char **at)
{
    take(at, "# the configuration as understood:\n");
    *at = strstr(*at, "# where ringway differs");
    assert_non_null(*at);
}

static void each_file_is_dumped_whole(void **state)
{
    static const char text[] = LOGS "include b.conf;\nevents {}\n# no end of a line";
    const struct conf_folder *f = *state;
    static struct heard h;
    const char *at = h.out;
    char words[4096];

    folder_put(f, "b.conf", "http { access_log off; server { listen 8080; } }\n");
    test_file(&h, f, "-T", text);
    assert_int_equal(h.status, 0);
    assert_non_null(strstr(h.error, "test is successful"));
    take(&at, in_folder(f, "# configuration file @/a.conf:\n", words));
    take(&at, text);
    take(&at, in_folder(f,
                        "\n# configuration file @/b.conf:\n"
                        "http { access_log off; server { listen 8080; } }\n\n",
                        words));
    take_understood(&at);
    take_differences(&at);
    assert_string_equal(at, "");
}

static void flags_are_dumped_as_what_they_stand_for(void **state)
{
    static struct heard h;
    const char *at = h.out;

    test(&h, "ringway -T -q --listen 127.0.0.1:8080 --upstream http://127.0.0.1");
    assert_int_equal(h.status, 0);
    assert_string_equal(h.error, "");
    take(&at, "# configuration command line:\ndaemon off;\n");
    at = strstr(at, "\n}\n\n#");
    assert_non_null(at);
    take(&at, "\n}\n\n");
    take_understood(&at);
    take_differences(&at);
    assert_string_equal(at, "");
}

static void suites_are_dumped_for_each_side(void **state)
{
    static const char text[] =
        LOGS "events {}\nhttp {\naccess_log off;\nserver {\nlisten 8080 ssl;\n"
             "ssl_certificate one.pem;\nssl_certificate_key one.key;\n"
             "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;\n"
             "location / {\nproxy_ssl_verify off;\nproxy_ssl_protocols TLSv1.2;\n"
             "proxy_ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;\n"
             "proxy_pass https://127.0.0.1;\n}\n}\n}\n";
    const struct conf_folder *f = *state;
    static struct heard h;
    const char *at;
    char words[4096];

    folder_put(f, "one.pem", one_pem);
    folder_put(f, "one.key", one_key);
    test_file(&h, f, "-T -q", text);
    assert_string_equal(h.error, "");
    assert_int_equal(h.status, 0);
    at = strstr(h.out, "# cipher suites selected:\n");
    assert_non_null(at);
    take(&at, "# cipher suites selected:\n");
    at = strstr(at, "#   proxy_pass in ");
    assert_non_null(at);
    take(&at, in_folder(f, "#   proxy_pass in @/a.conf:14: TLS_AES_", words));
    assert_non_null(strstr(at, ":ECDHE-RSA-AES128-GCM-SHA256\n"));
    at = strchr(at, '\n') + 1;
    take(&at, in_folder(f, "#   server in @/a.conf:5: TLS_AES_", words));
    assert_string_equal(strchr(at, '\n') - 29, "ECDHE-ECDSA-AES256-GCM-SHA384\n");
}

static void suites_of_clients_are_dumped_without_any_of_upstreams(void **state)
{
    const struct conf_folder *f = *state;
    static struct heard h;
    const char *at;
    char words[4096];

    folder_put(f, "one.pem", one_pem);
    folder_put(f, "one.key", one_key);
    test_file(&h, f, "-T -q",
              LOGS "events {}\nhttp { access_log off; server { listen 8080 ssl;\n"
                   "ssl_certificate one.pem; ssl_certificate_key one.key; } }\n");
    assert_int_equal(h.status, 0);
    at = strstr(h.out, "# cipher suites selected:\n");
    assert_non_null(at);
    take(&at, in_folder(f, "# cipher suites selected:\n#   server in @/a.conf:3: TLS_AES_", words));
    assert_string_equal(strchr(at, '\n'),
                        "\n#     those with DHE are not used: there is no \"ssl_dhparam\"\n");
}

static void a_dump_that_nobody_can_read_is_a_failure(void **state)
{
    static struct heard h;
    char error[OPTIONS_ERROR_BYTES];
    struct source s;
    struct called c;
    struct ears e;

    call_taken(&c, "ringway -T -q --listen 127.0.0.1:8080 --upstream http://127.0.0.1");
    assert_int_equal(source_init(&s, &c.o, error), 0);
    open_ears(&e, open("/dev/full", O_WRONLY | O_CLOEXEC));
    h.status = inspect_test(&s);
    close_ears(&e, &h);
    assert_int_equal(h.status, 1);
    assert_string_equal(h.error, "ringway: standard output cannot be written\n");
    source_deinit(&s);
}

/* --- help ----------------------------------------------------------------------------------- */

static void help(struct heard *h, const char *name)
{
    struct ears e;

    open_ears(&e, -1);
    h->status = inspect_help(name);
    close_ears(&e, h);
}

static void help_lists_every_row_on_a_line(void **state)
{
    const struct directive *d;
    static struct heard h;
    const char *at = h.out;

    help(&h, NULL);
    assert_int_equal(h.status, 0);
    assert_string_equal(h.error, "");
    for (size_t i = 0; (d = directive_at(i)); i++) {
        size_t len = strlen(d->name);

        take(&at, d->name);
        assert_int_equal(strspn(at, " "), len < 32 ? 33 - len : 1);
        at += strspn(at, " ");
        take(&at, d->help);
        take(&at, "\n");
    }
    assert_string_equal(at, "");
}

static void help_prints_each_row_of_a_name(void **state)
{
    char one[DIRECTIVE_TEXT_BYTES], other[DIRECTIVE_TEXT_BYTES];
    static struct heard h;
    const char *at = h.out;

    help(&h, "proxy_pass");
    assert_int_equal(h.status, 0);
    (void)directive_print(directive_named(SPAN("proxy_pass"), 0), one);
    assert_string_equal(h.out, one);
    help(&h, "server");
    assert_int_equal(h.status, 0);
    (void)directive_print(directive_named(SPAN("server"), 0), one);
    (void)directive_print(directive_named(SPAN("server"), 1), other);
    assert_null(directive_named(SPAN("server"), 2));
    take(&at, one);
    take(&at, "\n");
    take(&at, other);
    assert_string_equal(at, "");
    assert_string_equal(h.error, "");
}

static void help_of_a_name_that_is_none_says_so(void **state)
{
    static const char *const names[] = {"nonsense", "proxy_pas", "proxy_pass ", "", "--men"};
    static struct heard h;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char line[256];

        snprintf(line, sizeof(line),
                 "ringway: unknown directive \"%s\"; ringway help lists all of them\n", names[i]);
        help(&h, names[i]);
        assert_int_equal(h.status, 1);
        assert_string_equal(h.out, "");
        assert_string_equal(h.error, line);
    }
}

static void documents_are_no_directives(void **state)
{
    static const struct {
        const char *name;
        void (*print)(FILE *);
    } rows[] = {{"--man", manual_print_page},
                {"--man-conf", manual_print_conf_page},
                {"--markdown", manual_print_table}};
    static struct heard h;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static char text[TEXT_BYTES];
        FILE *out = fmemopen(text, sizeof(text), "w");

        assert_non_null(out);
        rows[i].print(out);
        assert_int_equal(fclose(out), 0);
        help(&h, rows[i].name);
        assert_int_equal(h.status, 0);
        assert_string_equal(h.out, text);
        assert_string_equal(h.error, "");
    }
}

static void help_that_nobody_can_read_is_a_failure(void **state)
{
    static const char *const names[] = {NULL, "proxy_pass", "--man"};
    static struct heard h;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ears e;

        open_ears(&e, open("/dev/full", O_WRONLY | O_CLOEXEC));
        h.status = inspect_help(names[i]);
        close_ears(&e, &h);
        assert_int_equal(h.status, 1);
        assert_string_equal(h.error, "ringway: standard output cannot be written\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_one_line_and_more_when_asked),
        cmocka_unit_test(help_is_the_manual_on_standard_output),
        cmocka_unit_test(help_of_flags_that_nobody_can_read_is_a_failure),
        cmocka_unit_test(a_version_that_nobody_can_read_is_a_failure),
        FOLDER_TEST(a_good_file_is_said_to_be),
        FOLDER_TEST(a_wrong_file_is_said_to_be),
        FOLDER_TEST(a_log_that_cannot_be_opened_fails_the_test),
        FOLDER_TEST(quiet_says_errors_alone),
        cmocka_unit_test(flags_are_tested_as_a_file_is),
        FOLDER_TEST(each_file_is_dumped_whole),
        cmocka_unit_test(flags_are_dumped_as_what_they_stand_for),
        FOLDER_TEST(suites_are_dumped_for_each_side),
        FOLDER_TEST(suites_of_clients_are_dumped_without_any_of_upstreams),
        cmocka_unit_test(a_dump_that_nobody_can_read_is_a_failure),
        cmocka_unit_test(help_lists_every_row_on_a_line),
        cmocka_unit_test(help_prints_each_row_of_a_name),
        cmocka_unit_test(help_of_a_name_that_is_none_says_so),
        cmocka_unit_test(documents_are_no_directives),
        cmocka_unit_test(help_that_nobody_can_read_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
