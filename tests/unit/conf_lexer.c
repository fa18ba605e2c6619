/* Tests of conf/lexer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/lexer.h"

#define SHOWN_BYTES 4096

/* All events as text: "a|b;" a directive, "a{" and "}" a block, "!7 message" an error in line 7. */
static void show(struct span text, char *out)
{
    struct lexer *l = malloc(sizeof(*l));
    enum lexer_event event;
    struct arena a;

    assert_non_null(l);
    arena_init(&a, 4096, 0);
    lexer_init(l, text, &a);
    *out = '\0';
    do {
        event = lexer_next(l);
        for (size_t i = 0; i < l->word_count && event != LEXER_ERROR; i++)
            out += sprintf(out, "%s%.*s", i ? "|" : "", SPAN_ARG(l->words[i]));
        if (event == LEXER_DIRECTIVE)
            out += sprintf(out, ";");
        else if (event == LEXER_BLOCK_BEGIN)
            out += sprintf(out, "{");
        else if (event == LEXER_BLOCK_END)
            out += sprintf(out, "}");
        else if (event == LEXER_ERROR)
            out += sprintf(out, "!%u %s", l->line, l->error);
    } while (event != LEXER_END && event != LEXER_ERROR);
    arena_deinit(&a);
    free(l);
}

static void assert_lexed(const char *text, const char *shown)
{
    char out[SHOWN_BYTES];

    show(span_of_cstr(text), out);
    if (strcmp(out, shown) != 0)
        fail_msg("\"%s\" is %s and not %s", text, out, shown);
}

static void words_are_cut_at_blanks_and_marks(void **state)
{
    (void)state;
    assert_lexed("", "");
    assert_lexed(" \t\r\n", "");
    assert_lexed("a;", "a;");
    assert_lexed("a b\tc\r\nd;", "a|b|c|d;");
    assert_lexed("a b{c d;}e;", "a|b{c|d;}e;");
    assert_lexed("a{}", "a{}");
    assert_lexed("a=b:c/d?e;", "a=b:c/d?e;");
    assert_lexed("a } ;", "!1 unexpected \"}\"");
    assert_lexed("a b}c;", "a|b}c;"); /* a word may hold one */
}

static void comments_begin_where_a_word_could(void **state)
{
    (void)state;
    assert_lexed("# a;\nb; # c\n#", "b;");
    assert_lexed("a#b;", "a#b;");
    assert_lexed("a #b;\n;", "a;");
    assert_lexed("a;#b", "a;");
    assert_lexed("a {# }\n}", "a{}");
}

static void quotes_keep_blanks_and_marks(void **state)
{
    (void)state;
    assert_lexed("a \"b c;{}#\";", "a|b c;{}#;");
    assert_lexed("a 'b \"c\"';", "a|b \"c\";");
    assert_lexed("a \"b\nc\";", "a|b\nc;");
    assert_lexed("a \"\" '';", "a||;");
    assert_lexed("\"a\" b;", "a|b;");
    assert_lexed("a b\"c d\";", "a|b\"c|d\";"); /* only in front is it one */
}

static void a_quote_ends_its_word(void **state)
{
    (void)state;
    assert_lexed("a \"b\"c;", "!1 unexpected \"c\"");
    assert_lexed("a 'b'\"c\";", "!1 unexpected \"\"\"");
    assert_lexed("a 'b'}", "!1 unexpected \"}\"");
    assert_lexed("a 'b'#\n;", "!1 unexpected \"#\"");
    assert_lexed("a 'b'{}", "a|b{}");
    assert_lexed("if 'b') {}", "if|b|){}");
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    assert_lexed("a b\\ c\\;d\\{;", "a|b\\ c\\;d\\{;");
    assert_lexed("a \"\\\"\\'\\\\\";", "a|\"'\\;");
    assert_lexed("a b\\tc\\nd\\re;", "a|b\tc\nd\re;");
    assert_lexed("a \\.\\d$;", "a|\\.\\d$;");
    assert_lexed("a \\\"b;", "a|\"b;");
    assert_lexed("a '\\'';", "a|';");
}

static void a_variable_in_braces_begins_no_block(void **state)
{
    (void)state;
    assert_lexed("a ${b}c;", "a|${b}c;");
    assert_lexed("a b${c}{}", "a|b${c}{}");
    assert_lexed("a $${b};", "a|$${b};");
    assert_lexed("a $b{}", "a|$b{}");
    assert_lexed("a ${;", "a|${;");
    assert_lexed("a ${ {}", "a|${{}");
}

static void marks_without_words_are_errors(void **state)
{
    (void)state;
    assert_lexed(";", "!1 unexpected \";\"");
    assert_lexed("a;\n\n {", "a;!3 unexpected \"{\"");
    assert_lexed("a\n}", "!2 unexpected \"}\"");
    assert_lexed("}", "}"); /* whether one is open is the tree's matter */
}

static void an_end_within_a_directive_is_an_error(void **state)
{
    static const char expecting[] = "unexpected end of file, expecting \";\" or \"}\"";
    static const char *const texts[] = {"a",    "a ",      "a b",  "a \"b", "a 'b;}",
                                        "a #b", "a \"b\"", "a \\", "a $"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char shown[128];

        snprintf(shown, sizeof(shown), "!1 %s", expecting);
        assert_lexed(texts[i], shown);
    }
    assert_lexed("a;\nb\n\n", "a;!4 unexpected end of file, expecting \";\" or \"}\"");
    assert_lexed("a {\nb", "a{!2 unexpected end of file, expecting \";\" or \"}\"");
}

static void lines_are_counted_everywhere(void **state)
{
    (void)state;
    assert_lexed("\n#\n\"a\nb\" \\\nc\n;\n;", "a\nb|\\\nc;!7 unexpected \";\"");
    assert_lexed("a\r\nb\r\n;;", "a|b;!3 unexpected \";\"");
}

/* "a", a blank, then a word of so many bytes, and what is behind it. */
static char *long_word(char quote, size_t len, const char *behind)
{
    char *text = malloc(len + 32);
    size_t at = 0;

    assert_non_null(text);
    text[at++] = 'a';
    text[at++] = '\n';
    if (quote)
        text[at++] = quote;
    memset(text + at, 'x', len);
    strcpy(text + at + len, behind);
    return text;
}

static void assert_long(char quote, size_t len, const char *behind, const char *end)
{
    char *text = long_word(quote, len, behind);
    char *out = malloc(2 * SHOWN_BYTES);

    assert_non_null(out);
    show(span_of_cstr(text), out);
    assert_true(strlen(out) >= strlen(end));
    assert_string_equal(out + strlen(out) - strlen(end), end);
    free(out);
    free(text);
}

static void words_of_4095_bytes_are_taken_and_of_4096_are_not(void **state)
{
    const size_t max = LEXER_WORD_BYTES_MAX - 1;

    (void)state;
    assert_long('\0', max, ";", "x;");
    assert_long('"', max, "\";", "x;");
    assert_long('\0', max + 1, ";", "!2 too long parameter \"xxxxxxxxxx...\" started");
    assert_long('"', max + 1, "\";\n\n",
                "!2 too long parameter, probably missing terminating \"\"\" character");
    assert_long('\'', max + 1, "\n\n'",
                "!2 too long parameter, probably missing terminating \"'\" character");
    /* nginx sees the end of the file first. */
    assert_long('\0', max + 1, "", "!2 unexpected end of file, expecting \";\" or \"}\"");
}

static void directives_take_512_parameters_and_no_more(void **state)
{
    char text[2 * CONF_ARGS_MAX + 16] = "a", out[SHOWN_BYTES];

    (void)state;
    for (size_t i = 0; i < CONF_ARGS_MAX; i++)
        strcat(text, " b");
    strcat(text, ";");
    show(span_of_cstr(text), out);
    assert_int_equal(strlen(out), 2 * CONF_ARGS_MAX + 2);
    strcpy(text + 2 * CONF_ARGS_MAX + 1, " b;");
    assert_lexed(text, "!1 more than 512 parameters in \"a\" directive");
}

static void nul_bytes_are_bytes(void **state)
{
    char out[SHOWN_BYTES];

    (void)state;
    show(SPAN("a \0b;"), out);
    assert_int_equal(out[0], 'a');
    assert_int_equal(out[1], '|');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_at_blanks_and_marks),
        cmocka_unit_test(comments_begin_where_a_word_could),
        cmocka_unit_test(quotes_keep_blanks_and_marks),
        cmocka_unit_test(a_quote_ends_its_word),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(a_variable_in_braces_begins_no_block),
        cmocka_unit_test(marks_without_words_are_errors),
        cmocka_unit_test(an_end_within_a_directive_is_an_error),
        cmocka_unit_test(lines_are_counted_everywhere),
        cmocka_unit_test(words_of_4095_bytes_are_taken_and_of_4096_are_not),
        cmocka_unit_test(directives_take_512_parameters_and_no_more),
        cmocka_unit_test(nul_bytes_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
