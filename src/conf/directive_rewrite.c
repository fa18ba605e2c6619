/* directive_rewrite - the directives of rewriting: their table.
 *
 * Each adds an instruction to the script of its level. What stands in an "if" goes into the script
 * of the block around it, right behind the condition. */
#include "conf/directive_rewrite.h"

#include "conf/condition.h"
#include "conf/setter.h"

#define AT_SETTING(member) ROW_AT(struct level, settings.member)
#define CONTEXTS (CONTEXT_SERVER | CONTEXT_LOCATION | CONTEXT_IF)

/* Its place in the script moves when the next one is added. NULL: no memory. */
static struct script_op *add_op(struct conf *c, struct level *level, enum script_op_kind kind)
{
    struct script_op *op = vector_add(c, &level->script, sizeof(*op));

    if (op)
        op->kind = kind;
    return op;
}

/* True in an "if": what it says was compiled with the block around it. */
static bool is_compiled(const struct scope *s)
{
    return s->context & CONTEXT_IF;
}

static bool is_redirect_target(struct span text)
{
    return span_starts_with(text, SPAN("http://")) || span_starts_with(text, SPAN("https://")) ||
           span_starts_with(text, SPAN("$scheme"));
}

/* --- set ------------------------------------------------------------------------------------ */

/* The variables of the program's own that may be set. */
static const struct {
    const char *name;
    enum script_op_kind kind;
} own_variables[] = {
    {"$args", SCRIPT_SET_ARGS},
    {"$limit_rate", SCRIPT_SET_LIMIT_RATE},
};

static enum script_op_kind kind_of_set(struct span word)
{
    for (size_t i = 0; i < COUNT_OF(own_variables); i++) {
        if (span_equals_nocase(word, span_of_cstr(own_variables[i].name)))
            return own_variables[i].kind;
    }
    return SCRIPT_SET;
}

static size_t index_of(const struct conf *c, struct span name)
{
    const struct user_variable *learnt = conf_user_variable(c, name);

    assert(learnt);
    return (size_t)(learnt - (const struct user_variable *)c->variables.items);
}

static int learn_set(struct conf *c, const struct node *n)
{
    if (kind_of_set(n->words[1]) != SCRIPT_SET)
        return 0;
    return conf_learn_variable(c, &n->origin, n->words[1], USER_VARIABLE_SET);
}

static int set_set(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct script_op *op;

    (void)d;
    if (is_compiled(s))
        return 0;
    op = add_op(c, s->values, kind_of_set(n->words[1]));
    if (!op)
        return -ENOMEM;
    if (op->kind == SCRIPT_SET)
        op->set.variable = index_of(c, span_skip(n->words[1], 1));
    return conf_template(c, &n->origin, n->words[2], &op->set.value);
}

/* --- return --------------------------------------------------------------------------------- */

/* return code; return code text; return code URL; return URL. */
static int set_return(struct conf *c, struct scope *s, const struct directive *d,
                      const struct node *n)
{
    struct return_rule rule = {.has_text = n->word_count == 3};
    struct span text = n->words[n->word_count - 1];
    struct script_op *op;
    uint64_t status;

    (void)d;
    if (is_compiled(s))
        return 0;
    if (span_to_u64(n->words[1], &status) < 0) {
        if (n->word_count > 2 || !is_redirect_target(text))
            return conf_fail(c, n, "invalid return code \"%.*s\"", SPAN_ARG(n->words[1]));
        status = 302;
        rule.has_text = true;
    }
    if (status < 200 || status > 999)
        return conf_fail(c, n, "invalid return code \"%.*s\"", SPAN_ARG(n->words[1]));
    rule.status = (unsigned)status;
    op = add_op(c, s->values, SCRIPT_RETURN);
    if (!op)
        return -ENOMEM;
    op->answer = rule;
    return rule.has_text ? conf_template(c, &n->origin, text, &op->answer.text) : 0;
}

/* --- rewrite -------------------------------------------------------------------------------- */

static int learn_rewrite(struct conf *c, const struct node *n)
{
    struct regex *regex;

    return conf_regex(c, &n->origin, n->words[1], false, &regex);
}

static int take_flag(struct conf *c, const struct node *n, struct script_rewrite *r)
{
    static const struct {
        const char *word;
        unsigned status;
        enum script_flow flow;
    } flags[] = {
        {"last", 0, SCRIPT_ENDS},
        {"break", 0, SCRIPT_BREAKS},
        {"redirect", 302, SCRIPT_ENDS},
        {"permanent", 301, SCRIPT_ENDS},
    };

    if (n->word_count < 4)
        return 0;
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (span_equals(n->words[3], span_of_cstr(flags[i].word))) {
            r->flow = flags[i].flow;
            r->status = flags[i].status ? flags[i].status : r->status;
            return 0;
        }
    }
    return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[3]));
}

/* A '?' at the end drops the arguments of the request; another one parts path and arguments, but
 * for redirects, whose URL stays whole. */
static int take_replacement(struct conf *c, const struct node *n, struct script_rewrite *r)
{
    struct span text = n->words[2];
    size_t query;
    int rc;

    r->keeps_args = !span_ends_with(text, SPAN("?"));
    text = span_take(text, text.len - !r->keeps_args);
    query = span_index_of(text, '?');
    r->has_args = query < text.len;
    if (r->status || !r->has_args)
        return conf_template(c, &n->origin, text, &r->uri);
    rc = conf_template(c, &n->origin, span_take(text, query), &r->uri);
    return rc ? rc : conf_template(c, &n->origin, span_skip(text, query + 1), &r->args);
}

static int set_rewrite(struct conf *c, struct scope *s, const struct directive *d,
                       const struct node *n)
{
    struct script_rewrite r = {.pattern = n->words[1]};
    struct script_op *op;
    struct regex *regex;
    int rc;

    (void)d;
    if (is_compiled(s))
        return 0;
    if (!n->words[2].len)
        return conf_fail(c, n, "empty replacement");
    if (is_redirect_target(n->words[2])) {
        r.status = 302;
        r.flow = SCRIPT_ENDS;
    }
    rc = take_flag(c, n, &r);
    if (!rc)
        rc = conf_regex(c, &n->origin, n->words[1], false, &regex);
    if (!rc)
        rc = take_replacement(c, n, &r);
    if (rc)
        return rc;
    r.regex = regex;
    op = add_op(c, s->values, SCRIPT_REWRITE);
    if (!op)
        return -ENOMEM;
    op->rewrite = r;
    return 0;
}

/* --- break, if ------------------------------------------------------------------------------ */

static int set_break(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    (void)d;
    (void)n;
    return is_compiled(s) || add_op(c, s->values, SCRIPT_BREAK) ? 0 : -ENOMEM;
}

/* The instructions within, into the same script. */
static int compile_within(struct conf *c, struct scope *s, const struct node *block)
{
    int rc = 0;

    for (const struct node *n = block->first; n && !rc; n = n->next) {
        if (n->row->marks & ROW_SCRIPT)
            rc = n->row->set(c, s, n->row, n);
    }
    return rc;
}

static int set_if(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct level *level = s->values;
    size_t at = level->script.count;
    struct script_op *op = add_op(c, level, SCRIPT_IF);
    struct if_draft *draft = op ? vector_add(c, &level->ifs, sizeof(*draft)) : NULL;
    int rc;

    (void)d;
    if (!draft)
        return -ENOMEM;
    *draft = (struct if_draft){.op = at, .node = n};
    rc = condition_compile(c, n, &op->condition);
    if (!rc)
        rc = compile_within(c, s, n);
    if (rc)
        return rc;
    op = (struct script_op *)level->script.items + at;
    op->condition.op_count = level->script.count - at - 1;
    return 0;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {.name = "set",
     .syntax = "$variable value",
     .contexts = CONTEXTS,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE | ROW_LOCAL | ROW_SCRIPT,
     .learn = learn_set,
     .set = set_set,
     .help = "gives a variable a value; $args and $limit_rate may be set, too"},
    {.name = "return",
     .syntax = "code [text] | code URL | URL",
     .contexts = CONTEXTS,
     .args_min = 1,
     .args_max = 2,
     .marks = ROW_REPEATABLE | ROW_LOCAL | ROW_SCRIPT,
     .set = set_return,
     .help = "answers at once; 444 closes the connection without an answer"},
    {.name = "rewrite",
     .syntax = "regex replacement [last | break | redirect | permanent]",
     .contexts = CONTEXTS,
     .args_min = 2,
     .args_max = 3,
     .marks = ROW_REPEATABLE | ROW_LOCAL | ROW_SCRIPT,
     .learn = learn_rewrite,
     .set = set_rewrite,
     .help = "changes a URI that matches, or redirects the client",
     .difference = "a URI that does not begin with a slash is not passed to an upstream"},
    {.name = "break",
     .contexts = CONTEXTS,
     .marks = ROW_REPEATABLE | ROW_LOCAL | ROW_SCRIPT,
     .set = set_break,
     .help = "ends the instructions of this block; the URI stays in its location"},
    {.name = "if",
     .syntax = "(condition)",
     .contexts = CONTEXT_SERVER,
     .opens = CONTEXT_IF_SERVER,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_BLOCK | ROW_REPEATABLE | ROW_LOCAL,
     .learn = condition_learn,
     .set = set_if,
     .help = "instructions for requests of which a condition is true: $v, =, !=, ~, ~*, -f, -d, "
             "-e, -x"},
    {.name = "if",
     .syntax = "(condition)",
     .contexts = CONTEXT_LOCATION,
     .opens = CONTEXT_IF_LOCATION,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_BLOCK | ROW_REPEATABLE | ROW_LOCAL,
     .learn = condition_learn,
     .set = set_if,
     .help = "the same, and settings that count from then on in place of the location's"},
    {.name = "rewrite_log",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF,
     .args_min = 1,
     .args_max = 1,
     .set = set_flag,
     AT_SETTING(rewrite_log),
     .help = "logs what rewrite and if come to, at notice level"},
    {.name = "uninitialized_variable_warn",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF,
     .args_min = 1,
     .args_max = 1,
     .set = set_flag,
     AT_SETTING(uninitialized_variable_warn),
     .help = "logs a variable of \"set\" that is read before it was set"},
};

const struct directive_table directive_rewrite_table = {rows, COUNT_OF(rows)};
