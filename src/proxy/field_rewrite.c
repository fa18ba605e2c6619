/* field_rewrite - Location, Refresh and Set-Cookie of an upstream's answer as proxy_redirect and
 * proxy_cookie_* make them. */
#include "proxy/field_rewrite.h"

#include "proxy/own_url.h"
#include "proxy/request_log.h"
#include "proxy/user_variable.h"
#include "proxy/value.h"
#include "proxy/variable.h"

/* ---- replacements ---- */

/* 1 when the regex matches, 0, -ENOMEM, -ELOOP. */
static int match(struct record *r, const struct regex *regex, struct span subject)
{
    bool matches;

    r->lacks_memory = false;
    matches = record_match(r, regex, subject);
    if (regex_take_runaway(r->engine->regex_scratch))
        return -ELOOP;
    return r->lacks_memory ? -ENOMEM : matches;
}

/* How much of the text is compared, from its front on: for redirects and paths what the rule has,
 * for domains all of it, in any case. */
enum comparison { COMPARES_FRONT, COMPARES_DOMAIN };

/* 1 when the rule is for the text; then *part is what it replaces. */
static int fits(struct record *r, const struct replacement *rule, enum comparison how,
                struct span text, struct span *part)
{
    struct span from;

    *part = text;
    if (rule->regex)
        return match(r, rule->regex, text);
    if (record_expand(r, &rule->from, &from) < 0)
        return -ENOMEM;
    if (how == COMPARES_DOMAIN) {
        if (span_starts_with(text, SPAN(".")))
            *part = span_skip(text, 1);
        return span_equals_nocase(*part, from);
    }
    *part = span_take(text, size_min(from.len, text.len));
    return span_equals(*part, from);
}

/* Replaces what of *value, behind its first `offset` bytes, the first rule that fits is for. 1 when
 * there was one, 0, -ENOMEM, -ELOOP. */
static int replace(struct record *r, const struct replacements *rules, enum comparison how,
                   struct span *value, size_t offset)
{
    struct span text = span_skip(*value, offset);
    struct span part, parts[3];
    int rc = 0;

    for (size_t i = 0; i < rules->count && !rc; i++) {
        rc = fits(r, &rules->rows[i], how, text, &part);
        if (rc > 0 && record_expand(r, &rules->rows[i].to, &parts[1]) < 0)
            return -ENOMEM;
    }
    if (rc <= 0)
        return rc;
    offset += (size_t)(part.data - text.data);
    parts[0] = span_take(*value, offset);
    parts[2] = span_skip(*value, offset + part.len);
    *value = value_join(r, parts, COUNT_OF(parts), SPAN(""));
    return value->data ? 1 : -ENOMEM;
}

/* ---- Location and Refresh ---- */

static int rewrite_location(struct record *r, const struct field_rules *rules, struct span *value)
{
    int rc = replace(r, &rules->redirects, COMPARES_FRONT, value, 0);

    if (rc <= 0)
        return rc;
    /* As nginx, which knows its own paths by their having been made here. */
    *value = own_url(r, *value);
    return value->data ? 0 : -ENOMEM;
}

/* Behind the first "url=", in any case. */
static int rewrite_refresh(struct record *r, const struct field_rules *rules, struct span *value)
{
    struct span name = SPAN("url=");
    int rc = 0;

    for (size_t i = 0; i + name.len <= value->len; i++) {
        if (span_starts_with_nocase(span_skip(*value, i), name)) {
            rc = replace(r, &rules->redirects, COMPARES_FRONT, value, i + name.len);
            break;
        }
    }
    return rc < 0 ? rc : 0;
}

/* ---- Set-Cookie ---- */

/* "name=value", or "name" alone, between semicolons. */
struct cookie_part {
    struct span name, value;
    bool has_value;
    bool is_gone;
};

/* The first part is the cookie, the others are its attributes. */
struct cookie {
    struct cookie_part *parts;
    size_t count, capacity;
    bool has_changed;
};

#define ATTRIBUTES_ADDED_MAX 3 /* Secure, HttpOnly, SameSite */

static void add_part(struct cookie *c, struct span name, struct span value)
{
    assert(c->count < c->capacity);
    c->parts[c->count++] =
        (struct cookie_part){.name = name, .value = value, .has_value = value.len > 0};
    c->has_changed = true;
}

static struct cookie_part part_of(struct span text)
{
    size_t equals = span_index_of(text, '=');

    if (equals == text.len)
        return (struct cookie_part){.name = span_trim(text)};
    return (struct cookie_part){.name = span_trim(span_take(text, equals)),
                                .value = span_trim(span_skip(text, equals + 1)),
                                .has_value = true};
}

static int parse_cookie(struct record *r, struct span text, struct cookie *out)
{
    size_t semicolon;

    *out = (struct cookie){.capacity = 1 + ATTRIBUTES_ADDED_MAX};
    for (size_t i = 0; i < text.len; i++)
        out->capacity += text.data[i] == ';';
    out->parts = arena_alloc(r->arena, out->capacity * sizeof(*out->parts));
    if (!out->parts)
        return -ENOMEM;
    for (;;) {
        semicolon = span_index_of(text, ';');
        out->parts[out->count++] = part_of(span_take(text, semicolon));
        if (semicolon == text.len)
            return 0;
        text = span_skip(text, semicolon + 1);
    }
}

static struct cookie_part *attribute(const struct cookie *c, struct span name)
{
    for (size_t i = 1; i < c->count; i++) {
        if (!c->parts[i].is_gone && span_equals_nocase(c->parts[i].name, name))
            return &c->parts[i];
    }
    return NULL;
}

/* All of the name: a client may take any of them. */
static int replace_attributes(struct record *r, struct cookie *c, struct span name,
                              const struct replacements *rules, enum comparison how)
{
    int rc = 0;

    if (!rules->count)
        return 0;
    for (size_t i = 1; i < c->count && rc >= 0; i++) {
        if (!c->parts[i].has_value || !span_equals_nocase(c->parts[i].name, name))
            continue;
        rc = replace(r, rules, how, &c->parts[i].value, 0);
        c->has_changed |= rc > 0;
    }
    return rc < 0 ? rc : 0;
}

/* Those of the name, from a part on. */
static void remove_attributes(struct cookie *c, size_t from, struct span name)
{
    for (size_t i = from; i < c->count; i++)
        c->parts[i].is_gone |= span_equals_nocase(c->parts[i].name, name);
}

static void set_switch(struct cookie *c, unsigned flags, unsigned on, struct span name)
{
    if (!(flags & on))
        remove_attributes(c, 1, name);
    else if (!attribute(c, name))
        add_part(c, name, SPAN_NONE);
}

static void set_same_site(struct cookie *c, unsigned flags)
{
    struct cookie_part *first = attribute(c, SPAN("SameSite"));
    struct span value = SPAN("Strict");

    if (flags & COOKIE_NO_SAME_SITE) {
        remove_attributes(c, 1, SPAN("SameSite"));
        return;
    }
    if (flags & COOKIE_SAME_SITE_LAX)
        value = SPAN("Lax");
    else if (flags & COOKIE_SAME_SITE_NONE)
        value = SPAN("None");
    if (!first) {
        add_part(c, SPAN("SameSite"), value);
        return;
    }
    *first = (struct cookie_part){.name = SPAN("SameSite"), .value = value, .has_value = true};
    remove_attributes(c, (size_t)(first - c->parts) + 1, first->name);
}

#define SECURE_FLAGS (COOKIE_SECURE | COOKIE_NOT_SECURE)
#define HTTP_ONLY_FLAGS (COOKIE_HTTP_ONLY | COOKIE_NOT_HTTP_ONLY)
#define SAME_SITE_FLAGS \
    (COOKIE_SAME_SITE_STRICT | COOKIE_SAME_SITE_LAX | COOKIE_SAME_SITE_NONE | COOKIE_NO_SAME_SITE)

/* Of those about the same attribute the last one counts. */
static unsigned add_flag(unsigned flags, unsigned flag)
{
    static const unsigned groups[] = {SECURE_FLAGS, HTTP_ONLY_FLAGS, SAME_SITE_FLAGS};

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        if (flag & groups[i])
            flags &= ~groups[i];
    }
    return flags | flag;
}

static int expand_flags(struct record *r, const struct cookie_flags *rule, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 0; i < rule->flag_count; i++) {
        struct span word;
        unsigned flag;

        if (record_expand(r, &rule->flags[i], &word) < 0)
            return -ENOMEM;
        flag = cookie_flag_of(word);
        if (word.len && !flag)
            request_log(r, LOG_LEVEL_ERROR, "a word of \"proxy_cookie_flags\" is no flag");
        *flags = add_flag(*flags, flag);
    }
    return 0;
}

static int apply_flags(struct record *r, const struct cookie_flags *rule, struct cookie *c)
{
    unsigned flags;

    if (expand_flags(r, rule, &flags) < 0)
        return -ENOMEM;
    c->has_changed = true;
    if (flags & SECURE_FLAGS)
        set_switch(c, flags, COOKIE_SECURE, SPAN("Secure"));
    if (flags & HTTP_ONLY_FLAGS)
        set_switch(c, flags, COOKIE_HTTP_ONLY, SPAN("HttpOnly"));
    if (flags & SAME_SITE_FLAGS)
        set_same_site(c, flags);
    return 0;
}

static int is_named(struct record *r, const struct cookie_flags *rule, struct span name)
{
    struct span wanted;

    if (rule->regex)
        return match(r, rule->regex, name);
    if (record_expand(r, &rule->name, &wanted) < 0)
        return -ENOMEM;
    return span_equals_nocase(name, wanted);
}

static int flag_cookie(struct record *r, const struct field_rules *rules, struct cookie *c)
{
    for (size_t i = 0; i < rules->cookie_flags_count; i++) {
        int rc = is_named(r, &rules->cookie_flags[i], c->parts[0].name);

        if (rc)
            return rc < 0 ? rc : apply_flags(r, &rules->cookie_flags[i], c);
    }
    return 0;
}

static struct span cookie_text(struct record *r, const struct cookie *c)
{
    struct span *spans = arena_alloc(r->arena, c->count * 4 * sizeof(*spans));
    size_t n = 0;

    if (!spans)
        return SPAN_NONE;
    for (size_t i = 0; i < c->count; i++) {
        const struct cookie_part *p = &c->parts[i];

        if (p->is_gone)
            continue;
        if (n)
            spans[n++] = SPAN("; ");
        spans[n++] = p->name;
        if (p->has_value) {
            spans[n++] = SPAN("=");
            spans[n++] = p->value;
        }
    }
    return value_join(r, spans, n, SPAN(""));
}

static int rewrite_cookie(struct record *r, const struct field_rules *rules, struct span *value)
{
    struct cookie c;
    int rc;

    if (!rules->cookie_domains.count && !rules->cookie_paths.count && !rules->cookie_flags_count)
        return 0;
    rc = parse_cookie(r, *value, &c);
    if (rc || !c.parts[0].has_value) /* without a value it is no cookie */
        return rc;
    rc = replace_attributes(r, &c, SPAN("Domain"), &rules->cookie_domains, COMPARES_DOMAIN);
    if (!rc)
        rc = replace_attributes(r, &c, SPAN("Path"), &rules->cookie_paths, COMPARES_FRONT);
    if (!rc)
        rc = flag_cookie(r, rules, &c);
    if (rc || !c.has_changed)
        return rc;
    *value = cookie_text(r, &c);
    return value->data ? 0 : -ENOMEM;
}

/* ---- which field ---- */

int field_rewrite(struct record *r, enum field_id id, struct span *value)
{
    const struct field_rules *rules = r->location->settings.field_rules;

    switch (id) {
    case FIELD_LOCATION:
        return rewrite_location(r, rules, value);
    case FIELD_REFRESH:
        return rewrite_refresh(r, rules, value);
    case FIELD_SET_COOKIE:
        return rewrite_cookie(r, rules, value);
    default:
        return 0;
    }
}
