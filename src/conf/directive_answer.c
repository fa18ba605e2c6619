/* directive_answer - the directives of what becomes of upstreams' answers: their table. */
#include "conf/directive_answer.h"

#include "conf/setter.h"

#define AT_RULES(member) ROW_AT(struct level, field_rules.member)

/* --- replacements --------------------------------------------------------------------------- */

/* How proxy_redirect, proxy_cookie_domain and proxy_cookie_path differ. */
struct replacement_kind {
    bool has_default;
    bool ignores_dots; /* in front of a text that is no regex; and regexes have no case */
};

/* The pattern of "~regex" and, where case may be chosen, of "~*regex"; false: no regex. */
static bool take_pattern(struct span text, bool has_case, struct span *pattern, bool *ignores_case)
{
    *ignores_case = !has_case;
    if (!span_starts_with(text, SPAN("~")))
        return false;
    *pattern = span_skip(text, 1);
    if (has_case && span_starts_with(*pattern, SPAN("*"))) {
        *pattern = span_skip(*pattern, 1);
        *ignores_case = true;
    }
    return true;
}

/* Its regex, where it begins with '~', else a text with variables. */
static int take_from(struct conf *c, const struct node *n, bool has_case,
                     const struct regex **regex, struct template *from)
{
    struct regex *compiled;
    struct span pattern;
    bool ignores_case;
    int rc;

    if (!take_pattern(n->words[1], has_case, &pattern, &ignores_case))
        return conf_template(c, &n->origin, n->words[1], from);
    rc = conf_regex(c, &n->origin, pattern, ignores_case, &compiled);
    *regex = rc ? NULL : compiled;
    return rc;
}

static int learn_rule(struct conf *c, const struct node *n, bool has_case)
{
    const struct regex *regex;
    struct template ignored;

    if (n->word_count < 3 || !span_starts_with(n->words[1], SPAN("~")))
        return 0;
    return take_from(c, n, has_case, &regex, &ignored);
}

static int learn_rule_with_case(struct conf *c, const struct node *n)
{
    return learn_rule(c, n, true);
}

static int learn_rule_without_case(struct conf *c, const struct node *n)
{
    return learn_rule(c, n, false);
}

/* A directive of one word: "off" is the only one of its level, "default" wants a proxy_pass. */
static int take_word(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    const struct replacement_kind *kind = d->detail;
    const struct level *level = s->values;
    struct rule_list *list = setter_value(s, d);
    struct span url = level->proxy_pass.text;

    if (span_equals(n->words[1], SPAN("off"))) {
        if (list->rules.count)
            return conf_fail(c, n, "\"%s\" directive is duplicate", d->name);
        list->is_off = true;
        return 0;
    }
    if (!kind || !kind->has_default || !span_equals(n->words[1], SPAN("default")))
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[1]));
    if (c->is_in_preset)
        return 0;
    if (!url.len)
        return conf_fail(c, n,
                         "\"proxy_redirect default\" should be placed after the "
                         "\"proxy_pass\" directive");
    if (span_index_of(url, '$') < url.len)
        return conf_fail(c, n,
                         "\"proxy_redirect default\" cannot be used with \"proxy_pass\" "
                         "directive with variables");
    return vector_add(c, &list->rules, sizeof(struct replacement)) ? 0 : -ENOMEM;
}

static struct span without_dot(struct span text)
{
    return span_starts_with(text, SPAN(".")) ? span_skip(text, 1) : text;
}

static int set_replacement(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    const struct replacement_kind *kind = d->detail;
    struct rule_list *list = setter_value(s, d);
    struct replacement *r;
    struct span from, to;
    int rc;

    if (list->is_off)
        return conf_fail(c, n, "\"%s\" directive is duplicate", d->name);
    if (n->word_count == 2)
        return take_word(c, s, d, n);
    from = n->words[1];
    to = n->words[2];
    r = vector_add(c, &list->rules, sizeof(*r));
    if (!r)
        return -ENOMEM;
    if (kind->ignores_dots && !span_starts_with(from, SPAN("~"))) {
        to = without_dot(to);
        rc = conf_template(c, &n->origin, without_dot(from), &r->from);
    } else {
        rc = take_from(c, n, !kind->ignores_dots, &r->regex, &r->from);
    }
    return rc ? rc : conf_template(c, &n->origin, to, &r->to);
}

static const struct replacement_kind redirects = {.has_default = true};
static const struct replacement_kind cookie_domains = {.ignores_dots = true};
static const struct replacement_kind cookie_paths = {0};

/* --- flags ---------------------------------------------------------------------------------- */

static int set_cookie_flags(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    struct rule_list *list = setter_value(s, d);
    struct cookie_flags *row;
    struct template *flags;
    int rc;

    if (list->is_off)
        return conf_fail(c, n, "\"%s\" directive is duplicate", d->name);
    if (n->word_count == 2)
        return take_word(c, s, d, n);
    row = vector_add(c, &list->rules, sizeof(*row));
    flags = arena_zalloc(c->arena, (n->word_count - 2) * sizeof(*flags));
    if (!row)
        return -ENOMEM;
    if (!flags)
        return conf_fail_no_memory(c);
    row->flags = flags;
    row->flag_count = n->word_count - 2;
    rc = take_from(c, n, false, &row->regex, &row->name);
    for (size_t i = 0; i < row->flag_count && !rc; i++) {
        rc = conf_template(c, &n->origin, n->words[i + 2], &flags[i]);
        if (!rc && flags[i].is_literal && !cookie_flag_of(flags[i].text))
            conf_warn(c, &n->origin, "\"%.*s\" is no flag of a cookie: it is overlooked",
                      SPAN_ARG(flags[i].text));
    }
    return rc;
}

/* --- what answers ask for ------------------------------------------------------------------- */

static const struct setter_word ignored_words[] = {
    {"X-Accel-Redirect", IGNORE_X_ACCEL_REDIRECT},
    {"X-Accel-Limit-Rate", IGNORE_X_ACCEL_LIMIT_RATE},
    {"X-Accel-Buffering", IGNORE_X_ACCEL_BUFFERING},
    {"X-Accel-Expires", IGNORE_X_ACCEL_EXPIRES},
    {"X-Accel-Charset", IGNORE_X_ACCEL_CHARSET},
    {"Expires", IGNORE_EXPIRES},
    {"Cache-Control", IGNORE_CACHE_CONTROL},
    {"Set-Cookie", IGNORE_SET_COOKIE},
    {"Vary", IGNORE_VARY},
    {NULL, 0},
};

/* Several on one level are one. */
static int set_condition(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    int rc = 0;

    for (size_t i = 1; i < n->word_count && !rc; i++) {
        struct template *text = vector_add(c, setter_value(s, d), sizeof(*text));

        rc = text ? conf_template(c, &n->origin, n->words[i], text) : -ENOMEM;
    }
    return rc;
}

/* --- the table ------------------------------------------------------------------------------ */

#define AT_SETTING(member) ROW_AT(struct level, settings.member)
#define ONE_OR_TWO_ARGS .args_min = 1, .args_max = 2

static const struct directive rows[] = {
    {.name = "proxy_redirect",
     .syntax = "default | off | redirect replacement",
     .preset = "default",
     .contexts = CONTEXT_LEVELS,
     ONE_OR_TWO_ARGS,
     .marks = ROW_REPEATABLE,
     .learn = learn_rule_with_case,
     .set = set_replacement,
     AT_RULES(redirects),
     .detail = &redirects,
     .help = "what Location and Refresh of upstreams' answers begin with, or a \"~regex\" or "
             "\"~*regex\" for the whole of them, and what stands there instead; by default the "
             "URL of proxy_pass becomes the location's path"},
    {.name = "proxy_cookie_domain",
     .syntax = "off | domain replacement",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_OR_TWO_ARGS,
     .marks = ROW_REPEATABLE,
     .learn = learn_rule_without_case,
     .set = set_replacement,
     AT_RULES(cookie_domains),
     .detail = &cookie_domains,
     .help = "a Domain (or \"~regex\") in upstreams' Set-Cookie, and what stands there instead"},
    {.name = "proxy_cookie_path",
     .syntax = "off | path replacement",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_OR_TWO_ARGS,
     .marks = ROW_REPEATABLE,
     .learn = learn_rule_with_case,
     .set = set_replacement,
     AT_RULES(cookie_paths),
     .detail = &cookie_paths,
     .help = "what a Path in upstreams' Set-Cookie begins with (or a \"~regex\" or \"~*regex\" for "
             "the whole of it), and what stands there instead"},
    {.name = "proxy_cookie_flags",
     .syntax = "off | cookie [secure | nosecure | httponly | nohttponly | samesite=strict | "
               "samesite=lax | samesite=none | nosamesite] ...",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .learn = learn_rule_without_case,
     .set = set_cookie_flags,
     AT_RULES(cookie_flags),
     .help = "flags that a cookie of upstreams' (or those of a \"~regex\") gets or loses"},
    {.name = "proxy_intercept_errors",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_intercept_errors),
     .help = "whether upstreams' answers from 300 on have the error_page of their status"},
    {.name = "proxy_ignore_headers",
     .syntax = "X-Accel-Redirect | X-Accel-Limit-Rate | X-Accel-Buffering | X-Accel-Expires | "
               "X-Accel-Charset | Expires | Cache-Control | Set-Cookie | Vary ...",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_bits,
     AT_SETTING(proxy_ignore_headers),
     .detail = ignored_words,
     .help = "fields of upstreams' answers that are not obeyed; besides those of X-Accel-Redirect, "
             "X-Accel-Limit-Rate and X-Accel-Buffering none is: there is no cache, and no charset "
             "is converted"},
    {.name = "proxy_pass_trailers",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_pass_trailers),
     .help = "whether trailers of upstreams are passed on to clients",
     .difference = "only to clients that say TE: trailers, for whom upstreams are asked alike"},
    {.name = "early_hints",
     .syntax = "string ...",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_condition,
     ROW_AT(struct level, early_hints),
     .help = "103 of upstreams is passed on when one of these is neither empty nor 0"},
    {.name = "proxy_allow_upstream",
     .syntax = "string ...",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_condition,
     ROW_AT(struct level, allow_upstream),
     .help = "an upstream ($upstream_last_addr) gets requests when all of these are neither empty "
             "nor 0; else the answer is 403"},
    {.name = "chunked_transfer_encoding",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(chunked_transfer_encoding),
     .help = "whether answers of unknown length are chunked; else they last until the connection "
             "ends"},
};

const struct directive_table directive_answer_table = {rows, COUNT_OF(rows)};
