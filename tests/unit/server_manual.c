/* Tests of server/manual: what three texts say of each row, and what their readers would trip
 * over. */
#include "../command_line.h"

#include "server/manual.h"

static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), len);
    return text;
}

/* All blanks in a row become one space, in place. */
static char *joined(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        bool is_blank = *from == ' ' || *from == '\n';

        if (!is_blank || to == text || to[-1] != ' ')
            *to++ = is_blank ? ' ' : *from;
    }
    *to = '\0';
    return text;
}

static void without_backslashes(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (*text != '\\')
            *to++ = *text;
    }
    *to = '\0';
}

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;

    for (; (text = strstr(text, words)); text += strlen(words))
        count++;
    return count;
}

/* "-h, --help", "-c FILE", "--listen ADDRESS". */
static void flag_of(const struct option_row *row, char out[128])
{
    const char *argument = row->argument ? row->argument : "";
    const char *space = row->argument ? " " : "";

    if (row->letter && row->name)
        snprintf(out, 128, "-%c, --%s%s%s", row->letter, row->name, space, argument);
    else if (row->letter)
        snprintf(out, 128, "-%c%s%s", row->letter, space, argument);
    else
        snprintf(out, 128, "--%s%s%s", row->name, space, argument);
}

static void assert_once(const char *text, const char *words)
{
    if (count_of(text, words) != 1)
        fail_msg("\"%s\" is there %zu times in\n%s", words, count_of(text, words), text);
}

/* --- help ----------------------------------------------------------------------------------- */

static void help_says_all_of_each_row_once(void **state)
{
    char *text = joined(printed(manual_print_help)), flag[128], words[1024];

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (!row->help)
            continue;
        flag_of(row, flag);
        if (row->directive)
            snprintf(words, sizeof(words), " %s %s [%s] ", flag, row->help, row->directive);
        else
            snprintf(words, sizeof(words), " %s %s ", flag, row->help);
        assert_once(text, words);
    }
    free(text);
}

static void flags_stand_below_what_they_are_good_for(void **state)
{
    char *text = printed(manual_print_help), flag[128], words[140];
    const char *nginx = strstr(text, "\nWith a configuration file");
    const char *own = strstr(text, "\nWithout a file;"), *signals = strstr(text, "\nSignals:\n");
    const char *tuning = strstr(text, "\nFor tuning, with a file or without; each wins over ");

    assert_memory_equal(text, "Usage: ringway ", 15);
    assert_true(nginx && nginx < own && own < tuning && tuning < signals);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *at;

        if (!row->help)
            continue;
        flag_of(row, flag);
        snprintf(words, sizeof(words), "\n  %s", flag);
        at = strstr(nginx, words);
        assert_non_null(at);
        assert_int_equal(at < own, row->place == OPTION_PLACE_NONE);
        assert_int_equal(at > tuning, option_is_tuning(row));
        assert_true(at < signals);
    }
    free(text);
}

static void lines_of_help_keep_their_columns(void **state)
{
    char *text = printed(manual_print_help);
    const char *at = strstr(text, "\nWith a configuration file") + 1;
    size_t longest = 0;

    for (const char *end; (end = strchr(at, '\n')); at = end + 1) {
        size_t len = (size_t)(end - at), blanks = strspn(at, " ");

        longest = len > longest ? len : longest;
        assert_true(len <= 100);
        assert_true(len == 0 || at[len - 1] != ' ');
        if (len && blanks)
            assert_true(blanks == 2 || blanks == 29); /* a flag, or words in their column */
        if (blanks == 2 && len > 29 && at[28] == ' ')
            assert_true(at[27] == ' ' && at[29] != ' ');
    }
    assert_true(longest > 90); /* they are filled */
    free(text);
}

/* The words of a flag of 25 columns stand beside it, of one more below it. */
static void a_flag_that_reaches_the_words_has_a_line_of_its_own(void **state)
{
    char *text = printed(manual_print_help), flag[128], words[140];
    size_t below = 0, beside = 0;

    for (size_t i = 0; i < option_row_count; i++) {
        const char *at;

        if (!option_rows[i].help)
            continue;
        flag_of(&option_rows[i], flag);
        snprintf(words, sizeof(words), "\n  %s", flag);
        at = strstr(text, words);
        assert_non_null(at);
        at += strlen(words) + strspn(at + strlen(words), " ");
        assert_int_equal(*at == '\n', strlen(flag) > 25);
        below += *at == '\n';
        beside += *at != '\n';
    }
    assert_true(below > 0);
    assert_true(beside > 0);
    free(text);
}

/* --- man(7) --------------------------------------------------------------------------------- */

static void page_has_an_item_for_each_row(void **state)
{
    char *text = printed(manual_print_page), flag[128], words[1024];

    without_backslashes(text);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (!row->help)
            continue;
        flag_of(row, flag);
        snprintf(words, sizeof(words), "\n.TP\n.B %s\n%s\n%s", flag, row->help,
                 row->directive ? "(the directive\n.BR \"" : ".");
        assert_once(text, words);
        if (row->directive) {
            snprintf(words, sizeof(words), "%s\n(the directive\n.BR \"%s\" )\n", row->help,
                     row->directive);
            assert_once(text, words);
        }
    }
    free(text);
}

/* roff would take them for hyphens, and copied flags would not work. */
static void every_dash_of_a_flag_is_one_on_the_page(void **state)
{
    char *text = printed(manual_print_page);
    const char *at = strstr(text, ".SH SYNOPSIS");

    assert_non_null(at);
    for (; *at; at++)
        assert_true(*at != '-' || at[-1] == '\\');
    assert_non_null(strstr(text, "\n.B \\-\\-no\\-verify\n"));
    assert_non_null(strstr(text, "\n.B \\-h, \\-\\-help\n"));
    free(text);
}

/* A line that begins with a dot or an apostrophe is a request to roff. */
static void lines_of_the_page_are_text_or_known_requests(void **state)
{
    static const char *const requests[] = {".TH ", ".SH ", ".TP", ".B ", ".BR ",
                                           ".I ",  ".PP",  ".nf", ".fi"};
    char *text = printed(manual_print_page);

    assert_memory_equal(text, ".TH RINGWAY 8 ", 14);
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        bool is_known = false;

        assert_true(*at != '\n' && *at != '\'');
        for (size_t i = 0; i < COUNT_OF(requests); i++)
            is_known |= strncmp(at, requests[i], strlen(requests[i])) == 0;
        assert_true(is_known || *at != '.');
    }
    free(text);
}

/* --- Markdown ------------------------------------------------------------------------------- */

/* A row is one line with three cells, in the table's order. */
static void table_is_one_line_for_each_row(void **state)
{
    static const char head[] = "| flag | | directive |\n| --- | --- | --- |\n";
    char *text = printed(manual_print_table), flag[128];
    const char *at = text + sizeof(head) - 1;

    assert_memory_equal(text, head, sizeof(head) - 1);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *quote = row->directive ? "`" : "";
        char line[1024], plain[1024] = "";

        if (!row->help)
            continue;
        flag_of(row, flag);
        snprintf(line, sizeof(line), "| `%s` | %s | %s%s%s |\n", flag, row->help, quote,
                 row->directive ? row->directive : "", quote);
        strncat(plain, at, (size_t)(strchr(at, '\n') + 1 - at));
        at += strlen(plain);
        without_backslashes(plain);
        assert_string_equal(plain, line);
    }
    assert_string_equal(at, "");
    free(text);
}

static void bars_of_a_flag_end_no_cell(void **state)
{
    char *text = printed(manual_print_table);
    size_t count = 0;

    assert_non_null(strstr(text, "| `--access-log FILE\\|off` |"));
    for (const char *at = text; *at; at++) {
        if (*at == '|' && (at == text || at[-1] != '\\'))
            count++;
        if (*at == '\n') {
            assert_int_equal(count, 4);
            count = 0;
        }
    }
    free(text);
}

/* --- all of them ---------------------------------------------------------------------------- */

static void second_spellings_are_not_shown(void **state)
{
    void (*const printers[])(FILE *) = {manual_print_help, manual_print_page, manual_print_table};

    for (size_t i = 0; i < COUNT_OF(printers); i++) {
        char *text = printed(printers[i]);

        without_backslashes(text);
        assert_null(strstr(text, "-?"));
        free(text);
    }
}

static void usage_and_signals_stand_in_help_and_page(void **state)
{
    static const char *const words[] = {
        "ringway [-tTq] [-c FILE] [-p DIRECTORY] [-e FILE] [-g DIRECTIVES] [TUNING ...]\n",
        "ringway -s stop|quit|reopen|reload [-c FILE] [-p DIRECTORY]\n",
        "ringway --listen ADDRESS --upstream URL [--upstream URL ...] [OPTION ...] [TUNING ...]\n",
        "ringway help [DIRECTIVE]\n",
        "TERM, INT",
        "QUIT",
        "HUP",
        "USR1",
        "stop at once",
        "stop accepting, let requests end, then stop; a second one",
        "read the configuration again; without losing a request",
        "open the log files again\n",
    };
    void (*const printers[])(FILE *) = {manual_print_help, manual_print_page};

    for (size_t i = 0; i < COUNT_OF(printers); i++) {
        char *text = printed(printers[i]);

        without_backslashes(text);
        for (size_t k = 0; k < COUNT_OF(words); k++)
            assert_non_null(strstr(text, words[k]));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_says_all_of_each_row_once),
        cmocka_unit_test(flags_stand_below_what_they_are_good_for),
        cmocka_unit_test(lines_of_help_keep_their_columns),
        cmocka_unit_test(a_flag_that_reaches_the_words_has_a_line_of_its_own),
        cmocka_unit_test(page_has_an_item_for_each_row),
        cmocka_unit_test(every_dash_of_a_flag_is_one_on_the_page),
        cmocka_unit_test(lines_of_the_page_are_text_or_known_requests),
        cmocka_unit_test(table_is_one_line_for_each_row),
        cmocka_unit_test(bars_of_a_flag_end_no_cell),
        cmocka_unit_test(second_spellings_are_not_shown),
        cmocka_unit_test(usage_and_signals_stand_in_help_and_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
