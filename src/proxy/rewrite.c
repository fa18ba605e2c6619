/* rewrite - running scripts. */
#include "proxy/rewrite.h"

#include <string.h>
#include <sys/stat.h>

#include "http/escape.h"
#include "proxy/content.h"
#include "proxy/log_escape.h"
#include "proxy/pace.h"
#include "proxy/request_log.h"
#include "proxy/user_variable.h"
#include "proxy/value.h"
#include "proxy/variable.h"
#include "proxy/verdict.h"

/* One run of a script. */
struct run {
    struct exchange *x;
    struct record *r;
    bool logs;       /* rewrite_log */
    bool quotes;     /* captures are escaped where they are put */
    bool is_changed; /* another URI: its location is to be sought */
    bool has_ended;
    enum progress progress; /* of has_answered */
    bool has_answered;
};

static void answers(struct run *run, enum progress progress)
{
    run->has_answered = true;
    run->has_ended = true;
    run->progress = progress;
}

static void fails(struct run *run, const char *detail)
{
    run->r->detail = span_of_cstr(detail);
    answers(run, conclude(run->x, OUTCOME_INTERNAL));
}

/* ---- texts ---- */

/* The path of the request as it came has an escape, or a '+'; that of a detour did not come. */
static bool came_quoted(const struct record *r)
{
    struct span path = r->is_subrequest ? SPAN_NONE : r->request->target;

    path = span_take(path, span_index_of(path, '?'));
    return span_index_of(path, '%') < path.len || span_index_of(path, '+') < path.len;
}

/* As variable_get(), but captures are escaped where the path came so: they are decoded parts of
 * it, as far as is known. */
static struct span get_quoted(void *source, const struct template_part *part)
{
    struct span value = variable_get(source, part);
    struct record *r = source;

    if (part->variable != VARIABLE_CAPTURE || !value.len || !came_quoted(r))
        return value;
    value = args_escape(value, r->arena);
    r->lacks_memory |= !value.data;
    return value;
}

/* False after a failure was concluded. */
static bool expand(struct run *run, const struct template *t, bool quotes, struct span *out)
{
    struct record *r = run->r;

    r->lacks_memory = false;
    if (!template_expand(t, quotes ? get_quoted : variable_get, r, r->arena, out) &&
        !r->lacks_memory)
        return true;
    answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
    return false;
}

/* Of a stranger's text, for a line of the log. */
static struct span shown(struct run *run, struct span text)
{
    return log_escape_copy(LOG_ESCAPE_DEFAULT, text.data ? text : SPAN(""), run->r->arena);
}

/* ---- set ---- */

static void do_set(struct run *run, const struct script_set *set)
{
    struct span value;

    if (!expand(run, &set->value, run->quotes, &value))
        return;
    if (user_variable_set(run->r, set->variable, value.data ? value : SPAN("")))
        answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
}

static void do_set_args(struct run *run, const struct script_set *set)
{
    struct span value;

    if (!expand(run, &set->value, run->quotes, &value))
        return;
    run->r->args = value;
    run->r->is_rewritten = true;
}

static void do_set_limit_rate(struct run *run, const struct script_set *set)
{
    struct span value;

    if (expand(run, &set->value, run->quotes, &value))
        pace_set_text(run->r, value);
}

/* ---- if ---- */

static void log_match(struct run *run, struct span pattern, struct span subject, bool is_match)
{
    struct span text = shown(run, subject);

    request_log(run->r, LOG_LEVEL_NOTICE, "\"%.*s\" %s \"%.*s\"", SPAN_ARG(pattern),
                is_match ? "matches" : "does not match", SPAN_ARG(text));
}

/* A match for rewrite and if: $1 to $9 are empty when there is none. */
static bool matches(struct run *run, const struct regex *regex, struct span pattern,
                    struct span subject)
{
    struct record *r = run->r;
    bool is_match;

    r->lacks_memory = false;
    is_match = record_match(r, regex, subject);
    if (!is_match)
        captures_clear(&r->captures);
    if (regex_take_runaway(r->engine->regex_scratch))
        fails(run, "a regex of the configuration ran away on this request");
    else if (r->lacks_memory)
        answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
    else if (run->logs)
        log_match(run, pattern, subject, is_match);
    return is_match;
}

static bool is_of_kind(const struct stat *s, enum script_test test)
{
    switch (test) {
    case SCRIPT_TEST_IS_FILE:
        return S_ISREG(s->st_mode);
    case SCRIPT_TEST_IS_DIRECTORY:
        return S_ISDIR(s->st_mode);
    case SCRIPT_TEST_IS_EXECUTABLE:
        return s->st_mode & S_IXUSR;
    default:
        return true;
    }
}

static void log_unseen(struct run *run, struct span path, int error)
{
    struct span text = shown(run, path);

    request_log(run->r, LOG_LEVEL_CRIT, "stat() \"%.*s\" failed (%d: %s)", SPAN_ARG(text), error,
                strerror(error));
}

/* By a system call that a warm cache answers at once, as in file.h. */
static bool file_is(struct run *run, struct span path, enum script_test test)
{
    const char *name;
    struct stat s;

    if (memchr(path.len ? path.data : "", '\0', size_max(path.len, 1)))
        return false;
    name = arena_copy(run->r->arena, path).data;
    if (!name) {
        answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
        return false;
    }
    if (stat(name, &s) == 0)
        return is_of_kind(&s, test);
    if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
        log_unseen(run, path, errno);
    return false;
}

static bool is_true(struct run *run, const struct script_if *c)
{
    struct span subject, value;

    if (!expand(run, &c->subject, run->quotes, &subject))
        return false;
    switch (c->test) {
    case SCRIPT_TEST_TRUE:
        return value_is_true(subject);
    case SCRIPT_TEST_EQUALS:
        return expand(run, &c->value, run->quotes, &value) && span_equals(subject, value);
    case SCRIPT_TEST_MATCHES:
        return matches(run, c->regex, c->pattern, subject);
    default:
        return file_is(run, subject, c->test);
    }
}

/* The settings of the "if" count from here on. False: what is within is left out. */
static bool do_if(struct run *run, const struct script_if *c)
{
    bool is_taken = is_true(run, c) != c->is_negated;

    if (is_taken && c->location && !run->has_ended)
        run->r->location = c->location;
    return is_taken;
}

/* ---- rewrite ---- */

/* One behind the other, with the separator between them where there is a second. */
static struct span join(struct run *run, struct span a, const char *separator, struct span b)
{
    return arena_printf(run->r->arena, "%.*s%s%.*s", SPAN_ARG(a), separator, SPAN_ARG(b));
}

static void redirect(struct run *run, const struct script_rewrite *w)
{
    struct record *r = run->r;
    struct span url, text;

    if (!expand(run, &w->uri, true, &url))
        return;
    url = redirect_unescape(url.data ? url : SPAN(""), r->arena);
    if (url.data && w->keeps_args && r->args.len)
        url = join(run, url, w->has_args ? "&" : "?", r->args);
    if (!url.data || reply_redirect(&run->x->reply, r, w->status, url)) {
        answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
        return;
    }
    if (run->logs) {
        text = shown(run, url);
        request_log(r, LOG_LEVEL_NOTICE, "rewritten redirect: \"%.*s\"", SPAN_ARG(text));
    }
    answers(run, answer_with_reply(run->x));
}

/* The arguments that the replacement gives, and those of the request behind them. */
static bool new_args(struct run *run, const struct script_rewrite *w, struct span *args)
{
    struct record *r = run->r;

    *args = w->keeps_args ? r->args : SPAN_NONE;
    if (!w->has_args)
        return true;
    if (!expand(run, &w->args, true, args))
        return false;
    if (!w->keeps_args || !r->args.len)
        return true;
    *args = join(run, *args, "&", r->args);
    if (!args->data)
        answers(run, conclude(run->x, OUTCOME_NO_MEMORY));
    return args->data;
}

static void log_change(struct run *run, struct span uri, struct span args)
{
    struct span path = shown(run, uri), query = shown(run, args);

    request_log(run->r, LOG_LEVEL_NOTICE, "rewritten data: \"%.*s\", args: \"%.*s\"",
                SPAN_ARG(path), SPAN_ARG(query));
}

static void change_uri(struct run *run, const struct script_rewrite *w)
{
    struct record *r = run->r;
    struct span uri, args;

    if (!expand(run, &w->uri, false, &uri) || !new_args(run, w, &args))
        return;
    run->quotes = false;
    if (run->logs)
        log_change(run, uri, args);
    r->uri = uri;
    r->args = args;
    r->is_rewritten = true;
    if (!uri.len) {
        fails(run, "the rewritten URI has a zero length");
        return;
    }
    run->x->is_internal = true;
    run->is_changed = w->flow != SCRIPT_BREAKS;
    r->keeps_uri |= w->flow == SCRIPT_BREAKS;
    run->has_ended = w->flow != SCRIPT_GOES_ON;
}

static void do_rewrite(struct run *run, const struct script_rewrite *w)
{
    bool is_match = matches(run, w->regex, w->pattern, run->r->uri);

    if (run->has_ended || !is_match)
        return;
    if (w->status)
        redirect(run, w);
    else
        change_uri(run, w);
}

/* ---- the script ---- */

/* A URI that was changed before stays where it is. */
static void do_break(struct run *run)
{
    run->r->keeps_uri |= run->is_changed;
    run->is_changed = false;
    run->has_ended = true;
}

/* Returns how many of the instructions that follow are left out. */
static size_t do_op(struct run *run, const struct script_op *op)
{
    switch (op->kind) {
    case SCRIPT_SET:
        do_set(run, &op->set);
        break;
    case SCRIPT_SET_ARGS:
        do_set_args(run, &op->set);
        break;
    case SCRIPT_SET_LIMIT_RATE:
        do_set_limit_rate(run, &op->set);
        break;
    case SCRIPT_IF:
        return do_if(run, &op->condition) ? 0 : op->condition.op_count;
    case SCRIPT_REWRITE:
        do_rewrite(run, &op->rewrite);
        break;
    case SCRIPT_RETURN:
        answers(run, content_return(run->x, &op->answer));
        break;
    case SCRIPT_BREAK:
        do_break(run);
        break;
    }
    return 0;
}

static struct run run_script(struct exchange *x, const struct script *s)
{
    struct run run = {
        .x = x, .r = &x->record, .logs = exchange_settings(x)->rewrite_log, .quotes = true};

    for (size_t i = 0; i < s->count && !run.has_ended; i++)
        i += do_op(&run, &s->ops[i]);
    return run;
}

enum progress rewrite_in_server(struct exchange *x)
{
    struct run run = run_script(x, x->record.server->root.script);

    return run.has_answered ? run.progress : locate(x);
}

enum progress rewrite_in_location(struct exchange *x)
{
    struct run run = run_script(x, x->record.location->script);
    struct span uri;

    if (run.has_answered)
        return run.progress;
    if (!run.is_changed)
        return enter_location(x);
    if (++x->redirect_count <= REDIRECTS_MAX)
        return locate(x);
    uri = shown(&run, x->record.uri);
    x->record.detail =
        arena_printf(&x->arena, "rewrite or internal redirection cycle while processing \"%.*s\"",
                     SPAN_ARG(uri));
    return conclude(x, OUTCOME_INTERNAL);
}
