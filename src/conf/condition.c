/* condition - what stands in the parentheses of an "if": "$a", "$a = b", "$a !~* b", "!-f $a". */
#include "conf/condition.h"

#include <string.h>

#define WORDS_MAX 3

/* A condition as it is written. */
struct written {
    struct span words[WORDS_MAX]; /* between the parentheses */
    size_t count;
    enum script_test test;
    bool is_negated, ignores_case;
    struct span subject, value;
};

static int fail_condition(struct conf *c, const struct node *n, struct span word)
{
    return conf_fail(c, n, "invalid condition \"%.*s\"", SPAN_ARG(word));
}

/* The words without the parentheses, which may be words of their own; too many: the first counts
 * for the message. */
static int split(struct conf *c, const struct node *n, struct written *w)
{
    size_t last = n->word_count - 1;
    struct span first = n->words[1], final = n->words[last];

    if (!span_starts_with(first, SPAN("(")))
        return fail_condition(c, n, first);
    if (!span_ends_with(final, SPAN(")")))
        return fail_condition(c, n, last == 1 ? span_skip(first, 1) : final);
    for (size_t i = 1; i <= last; i++) {
        struct span word = span_skip(n->words[i], i == 1);

        word = span_take(word, word.len - (i == last));
        if ((i == 1 || i == last) && !word.len)
            continue;
        if (w->count == WORDS_MAX)
            return fail_condition(c, n, w->words[0]);
        w->words[w->count++] = word;
    }
    return w->count ? 0 : fail_condition(c, n, SPAN(")"));
}

static int parse_comparison(struct conf *c, const struct node *n, struct written *w)
{
    struct span word = w->words[1];
    struct span bare = span_skip(word, span_starts_with(word, SPAN("!")));

    w->is_negated = bare.len < word.len;
    w->value = w->words[2];
    w->test = SCRIPT_TEST_EQUALS;
    if (span_equals(bare, SPAN("=")))
        return 0;
    w->test = SCRIPT_TEST_MATCHES;
    w->ignores_case = span_equals(bare, SPAN("~*"));
    if (w->ignores_case || span_equals(bare, SPAN("~")))
        return 0;
    return conf_fail(c, n, "unexpected \"%.*s\" in condition", SPAN_ARG(word));
}

static int parse_file_test(struct conf *c, const struct node *n, struct written *w)
{
    static const struct {
        const char *word;
        enum script_test test;
    } tests[] = {
        {"-f", SCRIPT_TEST_IS_FILE},
        {"-d", SCRIPT_TEST_IS_DIRECTORY},
        {"-e", SCRIPT_TEST_EXISTS},
        {"-x", SCRIPT_TEST_IS_EXECUTABLE},
    };
    struct span word = w->words[0];

    w->is_negated = span_starts_with(word, SPAN("!"));
    w->subject = w->words[1];
    for (size_t i = 0; i < COUNT_OF(tests) && w->count == 2; i++) {
        w->test = tests[i].test;
        if (span_equals(span_skip(word, w->is_negated), span_of_cstr(tests[i].word)))
            return 0;
    }
    return fail_condition(c, n, word);
}

static int parse(struct conf *c, const struct node *n, struct written *w)
{
    int rc = split(c, n, w);

    if (rc)
        return rc;
    if (w->words[0].len < 2 || w->words[0].data[0] != '$')
        return parse_file_test(c, n, w);
    w->subject = w->words[0];
    w->test = SCRIPT_TEST_TRUE;
    if (w->count == 1)
        return 0;
    return w->count == 3 ? parse_comparison(c, n, w) : fail_condition(c, n, w->words[0]);
}

int condition_learn(struct conf *c, const struct node *n)
{
    struct written w = {0};
    struct regex *regex;
    int rc = parse(c, n, &w);

    if (rc || w.test != SCRIPT_TEST_MATCHES)
        return rc;
    return conf_regex(c, &n->origin, w.value, w.ignores_case, &regex);
}

static int fail_variable(struct conf *c, const struct node *n, struct span word)
{
    struct span name = span_skip(word, 1);

    return conf_fail(c, n, "unknown \"%.*s\" variable", SPAN_ARG(name));
}

static bool is_file_test(enum script_test test)
{
    return test >= SCRIPT_TEST_IS_FILE;
}

/* "$name", and nothing behind the name, no braces and no capture. */
static bool is_one_variable(const struct template *t)
{
    return t->part_count == 1 && t->parts[0].variable != VARIABLE_NONE &&
           t->parts[0].variable != VARIABLE_CAPTURE && t->text.data[1] != '{';
}

int condition_compile(struct conf *c, const struct node *n, struct script_if *out)
{
    struct written w = {0};
    struct regex *regex = NULL;
    int rc = parse(c, n, &w);

    if (!rc)
        rc = conf_template(c, &n->origin, w.subject, &out->subject);
    if (!rc && !is_file_test(w.test) && !is_one_variable(&out->subject))
        rc = fail_variable(c, n, w.subject);
    if (!rc && w.test == SCRIPT_TEST_EQUALS)
        rc = conf_template(c, &n->origin, w.value, &out->value);
    if (!rc && w.test == SCRIPT_TEST_MATCHES)
        rc = conf_regex(c, &n->origin, w.value, w.ignores_case, &regex);
    out->test = w.test;
    out->is_negated = w.is_negated;
    out->regex = regex;
    out->pattern = w.value;
    return rc;
}
