/* regex - patterns of the configuration, compiled and matched by PCRE2.
 *
 * A regex never changes once it is made, so all threads share it; each brings its own scratch.
 * Invariant: a match costs at most STEPS_MAX steps, whatever the pattern and the subject are. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "conf/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PCRE2's own limit is ten million: over a second in which a worker would serve nobody else. What
 * an honest pattern needs for a URI of some kilobytes is far below this one. */
#define STEPS_MAX 200000

/* JIT code works on a stack of its own, as the thread's may be small. */
#define JIT_STACK_BYTES_FIRST (32 * 1024)
#define JIT_STACK_BYTES_MAX (512 * 1024)

#define PCRE2_MESSAGE_BYTES 256

struct regex {
    pcre2_code *code;
    size_t group_count; /* without $0 */
    size_t name_count;
    size_t name_bytes; /* of one row of the table: number, big-endian, then name and NUL */
    const unsigned char *names;
    size_t *variables; /* of the named groups, one for each row */
};

struct regex_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    bool has_run_away; /* since it was last asked */
};

/* As nginx words it. */
static void report(struct span pattern, int code, size_t offset, char *error, size_t size)
{
    unsigned char text[PCRE2_MESSAGE_BYTES];
    struct span rest = span_skip(pattern, size_min(offset, pattern.len));

    if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
        text[0] = '\0';
    if (rest.len)
        (void)snprintf(error, size, "pcre2_compile() failed: %s in \"%.*s\" at \"%.*s\"",
                       (char *)text, SPAN_ARG(pattern), SPAN_ARG(rest));
    else
        (void)snprintf(error, size, "pcre2_compile() failed: %s in \"%.*s\"", (char *)text,
                       SPAN_ARG(pattern));
}

/* Fails only for a code that is NULL or damaged, which is a bug. */
static void ask(const pcre2_code *code, uint32_t what, void *answer)
{
    int status = pcre2_pattern_info(code, what, answer);

    assert(status == 0);
}

static void read_info(struct regex *r)
{
    uint32_t groups, names, name_bytes;

    ask(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    ask(r->code, PCRE2_INFO_NAMECOUNT, &names);
    ask(r->code, PCRE2_INFO_NAMEENTRYSIZE, &name_bytes);
    ask(r->code, PCRE2_INFO_NAMETABLE, &r->names);
    r->group_count = groups;
    r->name_count = names;
    r->name_bytes = name_bytes;
}

/* Captures have a fixed number of places: a name without one would never have a value. */
static int check_names(const struct regex *r, struct span pattern, char *error, size_t size)
{
    struct span name;
    size_t number;

    for (size_t i = 0; regex_named_group(r, i, &name, &number); i++) {
        if (number >= REGEX_CAPTURES_MAX) {
            (void)snprintf(error, size, "group \"%.*s\" is beyond the %dth in \"%.*s\"",
                           SPAN_ARG(name), REGEX_CAPTURES_MAX - 1, SPAN_ARG(pattern));
            return -EINVAL;
        }
    }
    return 0;
}

static pcre2_code *compile(struct span pattern, bool ignores_case, int *code, size_t *offset)
{
    /* Older ones take no NULL, not even for an empty pattern. */
    const char *text = pattern.data ? pattern.data : "";

    return pcre2_compile((PCRE2_SPTR)text, pattern.len, ignores_case ? PCRE2_CASELESS : 0, code,
                         offset, NULL);
}

int regex_new(struct span pattern, bool ignores_case, struct regex **out, char *error,
              size_t error_size)
{
    struct regex *r = calloc(1, sizeof(*r));
    size_t offset = 0;
    int code = 0;

    if (!r)
        return -ENOMEM;
    r->code = compile(pattern, ignores_case, &code, &offset);
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        regex_free(r);
        return -ENOMEM;
    }
    if (!r->code) {
        report(pattern, code, offset, error, error_size);
        regex_free(r);
        return -EINVAL;
    }
    read_info(r);
    r->variables = calloc(size_max(r->name_count, 1), sizeof(*r->variables));
    if (!r->variables) {
        regex_free(r);
        return -ENOMEM;
    }
    if (check_names(r, pattern, error, error_size) < 0) {
        regex_free(r);
        return -EINVAL;
    }
    /* Fails where memory may not be made executable; then patterns are interpreted. */
    (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
    *out = r;
    return 0;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r->variables);
    free(r);
}

bool regex_named_group(const struct regex *r, size_t i, struct span *name, size_t *number)
{
    const unsigned char *row = r->names + i * r->name_bytes;

    if (i >= r->name_count)
        return false;
    *number = (size_t)row[0] << 8 | row[1];
    *name = span_of_cstr((const char *)row + 2);
    return true;
}

void regex_bind(struct regex *r, size_t i, size_t variable)
{
    assert(i < r->name_count);
    r->variables[i] = variable;
}

bool regex_bound_group(const struct regex *r, size_t i, size_t *number, size_t *variable)
{
    struct span name;

    if (!regex_named_group(r, i, &name, number))
        return false;
    *variable = r->variables[i];
    return true;
}

struct regex_scratch *regex_scratch_new(void)
{
    struct regex_scratch *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->data = pcre2_match_data_create(REGEX_CAPTURES_MAX, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context) {
        regex_scratch_free(s);
        return NULL;
    }
    (void)pcre2_set_match_limit(s->context, STEPS_MAX);
    (void)pcre2_set_depth_limit(s->context, STEPS_MAX);
    /* NULL without JIT; then there is nothing that would need it. */
    s->stack = pcre2_jit_stack_create(JIT_STACK_BYTES_FIRST, JIT_STACK_BYTES_MAX, NULL);
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    return s;
}

void regex_scratch_free(struct regex_scratch *s)
{
    if (!s)
        return;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    free(s);
}

static void fill(struct captures *captures, const struct regex *r, struct span subject,
                 pcre2_match_data *data)
{
    const size_t *ends = pcre2_get_ovector_pointer(data);

    *captures = (struct captures){
        .regex = r,
        .count = size_min(r->group_count + 1, REGEX_CAPTURES_MAX),
    };
    for (size_t i = 0; i < captures->count; i++) {
        size_t from = ends[2 * i], to = ends[2 * i + 1];

        /* Before 10.38, \K in a lookahead could end a match before it began. */
        if (from != PCRE2_UNSET && from <= to)
            captures->at[i] = span_of(subject.data + from, to - from);
    }
}

bool regex_match(const struct regex *r, struct span subject, struct regex_scratch *s,
                 struct captures *captures)
{
    int count;

    if (!subject.data)
        subject = SPAN("");
    /* 0 is a match, too: with more groups than the scratch has room for. */
    count = pcre2_match(r->code, (PCRE2_SPTR)subject.data, subject.len, 0, 0, s->data, s->context);
    if (count < 0) {
        /* Errors are limits of steps, stack or memory, or a subject that is not the UTF-8 which
         * the pattern asks for. */
        s->has_run_away |= count != PCRE2_ERROR_NOMATCH;
        return false;
    }
    if (captures)
        fill(captures, r, subject, s->data);
    return true;
}

bool regex_take_runaway(struct regex_scratch *s)
{
    bool has_run_away = s->has_run_away;

    s->has_run_away = false;
    return has_run_away;
}
