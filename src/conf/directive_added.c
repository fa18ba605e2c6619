/* directive_added - the directives of fields that are added to answers: their table. */
#include "conf/directive_added.h"

#include "conf/expires.h"
#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

static bool looks_back(const struct template *t)
{
    for (size_t i = 0; i < t->part_count; i++) {
        if (t->parts[i].variable == VARIABLE_SENT_HTTP_ || t->parts[i].variable == VARIABLE_USER)
            return true;
    }
    return false;
}

static int take_field(struct conf *c, const struct node *n, struct add_header *h)
{
    int rc;

    if (n->word_count == 4 && !span_equals(n->words[3], SPAN("always")))
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[3]));
    if (!field_name_is_valid(n->words[1]))
        return conf_fail(c, n, "invalid header name \"%.*s\"", SPAN_ARG(n->words[1]));
    h->name = n->words[1];
    h->id = field_id_of(h->name);
    h->is_always = n->word_count == 4;
    rc = conf_template(c, &n->origin, n->words[2], &h->value);
    h->looks_back = looks_back(&h->value);
    return rc;
}

static int set_add_header(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct add_header *h = vector_add(c, setter_value(s, d), sizeof(*h));

    return h ? take_field(c, n, h) : -ENOMEM;
}

static int set_add_trailer(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    struct add_header *h = vector_add(c, setter_value(s, d), sizeof(*h));
    int rc = h ? take_field(c, n, h) : -ENOMEM;

    if (!rc && (field_flags(h->id) & (FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)))
        return conf_fail(c, n, "\"%.*s\" cannot be a trailer", SPAN_ARG(h->name));
    return rc;
}

static int set_expires(struct conf *c, struct scope *s, const struct directive *d,
                       const struct node *n)
{
    struct expires_rule *rule = arena_zalloc(c->arena, sizeof(*rule));
    struct span text = n->words[n->word_count - 1];
    bool is_modified = n->word_count == 3;
    const char *reason = "invalid value";
    struct template value;
    int rc;

    if (!rule)
        return conf_fail_no_memory(c);
    *(struct expires_rule **)setter_value(s, d) = rule;
    if (is_modified && !span_equals(n->words[1], SPAN("modified")))
        return conf_fail(c, n, "\"expires\" directive %s", reason);
    rc = conf_template(c, &n->origin, text, &value);
    if (rc)
        return rc;
    if (value.is_literal)
        return expires_parse(text, is_modified, rule, &reason)
                   ? conf_fail(c, n, "\"expires\" directive %s", reason)
                   : 0;
    rule->kind = is_modified ? EXPIRES_AFTER_CHANGE : EXPIRES_AFTER_ACCESS;
    rule->value = value;
    return 0;
}

static const struct setter_word inherit_words[] = {
    {"on", INHERIT_UNLESS_SET}, {"off", INHERIT_NEVER}, {"merge", INHERIT_MERGED}, {NULL, 0}};

static const struct directive rows[] = {
    {.name = "add_header",
     .syntax = "name value [always]",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 2,
     .args_max = 3,
     .marks = ROW_REPEATABLE,
     .set = set_add_header,
     AT(add_headers),
     .help = "adds a field to answers with good statuses, or always; ETag and Last-Modified take "
             "the place of what was there"},
    {.name = "add_header_inherit",
     .syntax = "on | off | merge",
     .preset = "on",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 1,
     .args_max = 1,
     .set = set_word,
     AT(add_header_inherit),
     .detail = inherit_words,
     .help = "whether add_header of the block around counts where there is none here, never, or "
             "beside those that are here"},
    {.name = "add_trailer",
     .syntax = "name value [always]",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 2,
     .args_max = 3,
     .marks = ROW_REPEATABLE,
     .set = set_add_trailer,
     AT(add_trailers),
     .help = "adds a field behind the content of answers with good statuses, or always; they "
             "become chunked for it",
     .difference = "fields of framing, routing and authentication are refused (RFC 9110, section "
                   "6.5.1)"},
    {.name = "add_trailer_inherit",
     .syntax = "on | off | merge",
     .preset = "on",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 1,
     .args_max = 1,
     .set = set_word,
     AT(add_trailer_inherit),
     .detail = inherit_words,
     .help = "whether add_trailer of the block around counts where there is none here, never, "
             "or beside those that are here"},
    {.name = "expires",
     .syntax = "[modified] time | @time | epoch | max | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS | CONTEXT_IF_LOCATION,
     .args_min = 1,
     .args_max = 2,
     .set = set_expires,
     AT_SETTING(expires),
     .help = "Expires and Cache-Control of answers with good statuses: so long after now, or after "
             "the file was changed, or until a time of day"},
};

const struct directive_table directive_added_table = {rows, COUNT_OF(rows)};
