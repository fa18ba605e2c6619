/* Tests of conf/origin: file and line, behind a message or alone. */
#include "../draft_fixture.h"

#include "conf/origin.h"

static void a_line_stands_behind_its_file(void **state)
{
    char text[ORIGIN_TEXT_BYTES];

    assert_ptr_equal(origin_format(&(struct origin){SPAN("/etc/a.conf"), 12}, text), text);
    assert_string_equal(text, "/etc/a.conf:12");
    origin_format(&(struct origin){SPAN("a"), UINT32_MAX}, text);
    assert_string_equal(text, "a:4294967295");
}

static void without_a_line_there_is_the_file_alone(void **state)
{
    char text[ORIGIN_TEXT_BYTES];

    origin_format(&(struct origin){.file = SPAN(ORIGIN_COMMAND_LINE)}, text);
    assert_string_equal(text, "command line");
    origin_format(&(struct origin){.file = SPAN_NONE}, text);
    assert_string_equal(text, "");
}

static void a_file_name_too_long_is_cut_and_keeps_its_line(void **state)
{
    char name[2 * ORIGIN_TEXT_BYTES], text[ORIGIN_TEXT_BYTES];
    const size_t most = ORIGIN_TEXT_BYTES - 16;

    memset(name, 'x', sizeof(name));
    origin_format(&(struct origin){span_of(name, most), UINT32_MAX}, text);
    assert_string_equal(text + most, ":4294967295");
    origin_format(&(struct origin){span_of(name, most + 1), 7}, text);
    assert_string_equal(text + most, ":7");
    origin_format(&(struct origin){span_of(name, sizeof(name)), 7}, text);
    assert_string_equal(text + most, ":7");
}

static void a_message_says_where(void **state)
{
    struct draft *d = *state;

    origin_log(&d->log, LOG_LEVEL_EMERG, &(struct origin){SPAN("a"), 3}, "bad %s", "word");
    draft_assert_said(d, "[emerg] bad word in a:3");
    origin_log(&d->log, LOG_LEVEL_WARN, &(struct origin){.file = SPAN("command line")}, "%d", 1);
    draft_assert_said(d, "[warn] 1 in command line");
}

static void a_message_from_nowhere_says_no_more(void **state)
{
    struct draft *d = *state;

    origin_log(&d->log, LOG_LEVEL_EMERG, NULL, "100%%");
    draft_assert_said(d, "[emerg] 100%");
    origin_log(&d->log, LOG_LEVEL_EMERG, &(struct origin){.line = 3}, "text");
    draft_assert_said(d, "[emerg] text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_stands_behind_its_file),
        cmocka_unit_test(without_a_line_there_is_the_file_alone),
        cmocka_unit_test(a_file_name_too_long_is_cut_and_keeps_its_line),
        DRAFT_TEST(a_message_says_where),
        DRAFT_TEST(a_message_from_nowhere_says_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
