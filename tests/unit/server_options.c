/* Tests of server/options: what is read, what is refused, and the table itself. */
#include "../command_line.h"

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

/* A script's unset variable would make a folder the configuration file. */
static void an_empty_value_is_refused_where_it_means_nothing(void **state)
{
    static const struct {
        char flag[3];
        const char *why; /* NULL: it is taken */
    } rows[] = {
        {"-c", "option \"-c\" requires FILE, which is empty"},
        {"-e", "option \"-e\" requires FILE, which is empty"},
        {"-s", "option \"-s\" requires SIGNAL, which is empty"},
        {"-p", NULL}, /* the working directory */
        {"-g", NULL}, /* no directives */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[] = "ringway", flag[3], value[] = "";
        char *words[] = {name, flag, value, NULL};
        char error[OPTIONS_ERROR_BYTES] = "";
        struct options o;

        memcpy(flag, rows[i].flag, sizeof(flag));
        assert_int_equal(options_parse(&o, 3, words, error), rows[i].why ? -EINVAL : 0);
        assert_string_equal(error, rows[i].why ? rows[i].why : "");
    }
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

static void flags_for_tuning_go_with_a_file_and_without_one(void **state)
{
    struct called c;

    (void)state;
    call_taken(&c, "ringway --workers 2 -c a.conf --worker-connections 9");
    assert_false(c.o.is_standalone);
    assert_string_equal(c.o.conf_path, "a.conf");
    assert_string_equal(options_value(&c.o, "workers"), "2");
    call_taken(&c, "ringway --affinity auto");
    assert_false(c.o.is_standalone);
    call_taken(&c, "ringway --workers 2 --listen 80 --upstream http://a");
    assert_true(c.o.is_standalone);
    assert_refused("ringway --workers 2 -c a.conf --keepalive 3",
                   "\"--keepalive\" runs without a configuration file");
    assert_refused("ringway --workers 2 --keepalive 3", "\"--keepalive\" needs \"--upstream URL\"");
    assert_refused("ringway --workers 2 --workers 3 -c a.conf", "\"--workers\" is given twice");
    assert_refused("ringway --workers 2 -c a.conf -s reload",
                   "\"--workers\" counts when ringway starts: leave it out with \"-s\"");
}

static void flags_for_tuning_are_those_of_main_and_events(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        bool is_tuning = row->place == OPTION_PLACE_MAIN || row->place == OPTION_PLACE_EVENTS;

        assert_int_equal(option_is_tuning(row), is_tuning);
        count += is_tuning;
    }
    assert_true(count >= 3);
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

/* The bytes of a line of that length, in a buffer that ends where it must. */
static void say_line(size_t len, char *error)
{
    char text[2 * OPTIONS_ERROR_BYTES];

    assert_true(len < sizeof(text));
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 26);
    text[len] = '\0';
    memset(error, '!', OPTIONS_ERROR_BYTES);
    assert_int_equal(options_fail(error, "%s", text), -EINVAL);
    if (len < OPTIONS_ERROR_BYTES) {
        assert_string_equal(error, text);
        return;
    }
    assert_int_equal(strnlen(error, OPTIONS_ERROR_BYTES), OPTIONS_ERROR_BYTES - 1);
    assert_memory_equal(error, text, 200);
    assert_string_equal(error + OPTIONS_ERROR_BYTES - 200, text + len - 199);
    assert_non_null(strstr(error, "..."));
}

static void a_long_line_loses_its_middle_alone(void **state)
{
    static const size_t lens[] = {0,
                                  1,
                                  OPTIONS_ERROR_BYTES - 2,
                                  OPTIONS_ERROR_BYTES - 1,
                                  OPTIONS_ERROR_BYTES,
                                  OPTIONS_ERROR_BYTES + 1,
                                  2 * OPTIONS_ERROR_BYTES - 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        char *error = malloc(OPTIONS_ERROR_BYTES); /* a sanitizer sees a byte too many */

        assert_non_null(error);
        say_line(lens[i], error);
        free(error);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_nginx_are_read),
        cmocka_unit_test(letters_may_stand_together_and_before_their_value),
        cmocka_unit_test(help_has_three_spellings),
        cmocka_unit_test(wrong_flags_are_named),
        cmocka_unit_test(an_empty_value_is_refused_where_it_means_nothing),
        cmocka_unit_test(an_empty_command_line_is_a_file_at_its_usual_place),
        cmocka_unit_test(flags_that_need_each_other_say_so),
        cmocka_unit_test(flags_for_tuning_go_with_a_file_and_without_one),
        cmocka_unit_test(flags_for_tuning_are_those_of_main_and_events),
        cmocka_unit_test(no_value_breaks_out_of_its_line),
        cmocka_unit_test(more_values_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_long_line_loses_its_middle_alone),
        cmocka_unit_test(rows_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
