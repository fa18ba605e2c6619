/* template - nginx's strings with variables: "$name", "${name}text", "$1".
 *
 * Compiled with the configuration into parts that lie in its arena; expanding one touches no
 * memory but that of the request. */
#include "conf/template.h"

#include <stdio.h>
#include <string.h>

/* A template with more parts keeps its values in the arena while it is being put together. */
#define VALUES_ON_STACK 16

static const struct span names[VARIABLE_ID_COUNT] = {
    [VARIABLE_NONE] = {.data = "", .len = 0},
#define X(id, name) [VARIABLE_##id] = {.data = (name), .len = sizeof(name) - 1},
    VARIABLES(X)
#undef X
        [VARIABLE_CAPTURE] = {.data = "", .len = 0},
    [VARIABLE_USER] = {.data = "", .len = 0},
};

struct compiler {
    struct span rest; /* of the text: what is not compiled yet */
    const struct user_variables *user;
    struct arena *arena;
    char *error; /* of TEMPLATE_ERROR_BYTES */
};

static int compile_part(struct compiler *c, struct template_part *part);

/* Each '$' gives at most one variable and one literal behind it. */
static size_t part_count_max(struct span text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '$' ? 2 : 0;
    return count;
}

static bool is_literal(const struct template *t)
{
    return t->part_count == 0 || (t->part_count == 1 && t->parts[0].variable == VARIABLE_NONE);
}

int template_compile(struct span text, const struct user_variables *user, struct arena *a,
                     struct template *out, char error[TEMPLATE_ERROR_BYTES])
{
    struct span copy = arena_copy(a, text);
    struct template_part *parts = arena_zalloc(a, part_count_max(text) * sizeof(*parts));
    struct compiler c = {.rest = copy, .user = user, .arena = a, .error = error};

    if (!copy.data || !parts)
        return -ENOMEM;
    *out = (struct template){.parts = parts, .text = copy};
    while (c.rest.len) {
        int status = compile_part(&c, &parts[out->part_count]);

        if (status < 0)
            return status;
        out->part_count++;
    }
    out->is_literal = is_literal(out);
    return 0;
}

static int refuse(struct compiler *c, const char *before, struct span name, const char *after)
{
    (void)snprintf(c->error, TEMPLATE_ERROR_BYTES, "%s%.*s%s", before, SPAN_ARG(name), after);
    return -EINVAL;
}

static size_t name_length(struct span s)
{
    size_t len = 0;

    while (len < s.len && ascii_is_word(s.data[len]))
        len++;
    return len;
}

/* The name in front of the rest, which begins behind the '$', and the rest moved behind it. */
static int take_name(struct compiler *c, struct span *name)
{
    bool has_brace = c->rest.len && c->rest.data[0] == '{';

    if (has_brace)
        c->rest = span_skip(c->rest, 1);
    /* nginx says this of "${", too. */
    if (!c->rest.len)
        return refuse(c, "invalid variable name", SPAN(""), "");
    *name = span_take(c->rest, name_length(c->rest));
    c->rest = span_skip(c->rest, name->len);
    if (has_brace && (!c->rest.len || c->rest.data[0] != '}'))
        return refuse(c, "the closing bracket in \"", *name, "\" variable is missing");
    if (!name->len)
        return refuse(c, "invalid variable name", SPAN(""), "");
    if (has_brace)
        c->rest = span_skip(c->rest, 1);
    return 0;
}

/* Names of variables have no case: nginx knows $HOST and $Host, too. */
static enum variable_id find_exact(struct span name)
{
    for (size_t i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        if (names[i].data[names[i].len - 1] != '_' && span_equals_nocase(name, names[i]))
            return (enum variable_id)i;
    }
    return VARIABLE_NONE;
}

/* The family with the longest name that the variable's name begins with. */
static enum variable_id find_family(struct span name)
{
    enum variable_id best = VARIABLE_NONE;

    for (size_t i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        if (names[i].data[names[i].len - 1] == '_' && names[i].len > names[best].len &&
            span_starts_with_nocase(name, names[i]))
            best = (enum variable_id)i;
    }
    return best;
}

void variable_find(struct span name, struct template_part *part)
{
    *part = (struct template_part){.variable = find_exact(name)};
    if (part->variable != VARIABLE_NONE)
        return;
    part->variable = find_family(name);
    part->text = span_skip(name, names[part->variable].len);
}

static bool find_user(const struct user_variables *user, struct span name,
                      struct template_part *part)
{
    for (size_t i = 0; user && i < user->count; i++) {
        if (span_equals_nocase(name, user->rows[i].name)) {
            part->variable = VARIABLE_USER;
            part->text = user->rows[i].name;
            part->number = (unsigned)i;
            return true;
        }
    }
    return false;
}

static int lower_copy(struct arena *a, struct span s, struct span *out)
{
    char *p = arena_alloc(a, s.len + 1);

    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < s.len; i++)
        p[i] = ascii_lower(s.data[i]);
    p[s.len] = '\0';
    *out = span_of(p, s.len);
    return 0;
}

/* What the configuration makes comes first: it may shadow few of the program's own (see
 * conf/draft), and families. */
static int resolve(struct compiler *c, struct span name, struct template_part *part)
{
    if (find_user(c->user, name, part))
        return 0;
    variable_find(name, part);
    if (part->variable == VARIABLE_NONE)
        return refuse(c, "unknown \"", name, "\" variable");
    return part->text.len ? lower_copy(c->arena, part->text, &part->text) : 0;
}

/* "$1": one digit and never in braces, as "$10" is "$1" and a zero. */
static bool takes_digit(struct compiler *c, struct template_part *part)
{
    if (!c->rest.len || c->rest.data[0] < '1' || c->rest.data[0] > '9')
        return false;
    part->variable = VARIABLE_CAPTURE;
    part->number = (unsigned)(c->rest.data[0] - '0');
    c->rest = span_skip(c->rest, 1);
    return true;
}

static int compile_part(struct compiler *c, struct template_part *part)
{
    size_t len = span_index_of(c->rest, '$');
    struct span name;
    int status;

    if (len) {
        part->text = span_take(c->rest, len);
        c->rest = span_skip(c->rest, len);
        return 0;
    }
    c->rest = span_skip(c->rest, 1);
    if (takes_digit(c, part))
        return 0;
    status = take_name(c, &name);
    return status < 0 ? status : resolve(c, name, part);
}

static struct span join(const struct span *values, size_t count, struct arena *a)
{
    size_t len = 0;
    char *data, *end;

    for (size_t i = 0; i < count; i++)
        len += values[i].len;
    data = end = arena_alloc(a, len + 1);
    if (!data)
        return SPAN_NONE;
    for (size_t i = 0; i < count; i++) {
        if (values[i].len)
            end = mempcpy(end, values[i].data, values[i].len);
    }
    *end = '\0';
    return span_of(data, len);
}

int template_expand(const struct template *t, variable_fn get, void *source, struct arena *a,
                    struct span *out)
{
    struct span few[VALUES_ON_STACK];
    struct span *values = few;

    if (t->is_literal) {
        *out = t->text;
        return 0;
    }
    if (t->part_count > COUNT_OF(few))
        values = arena_alloc(a, t->part_count * sizeof(*values));
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < t->part_count; i++) {
        const struct template_part *part = &t->parts[i];

        values[i] = part->variable == VARIABLE_NONE ? part->text : get(source, part);
    }
    /* One variable alone is not copied: its value lives as long as the arena. */
    *out = t->part_count == 1 ? values[0] : join(values, t->part_count, a);
    return t->part_count == 1 || out->data ? 0 : -ENOMEM;
}

const char *variable_name(enum variable_id id)
{
    assert(id < VARIABLE_ID_COUNT);
    return names[id].data;
}
