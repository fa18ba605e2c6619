/* setter - what directives of the same kind share: flags, sizes, times, numbers, words, texts. */
#include "conf/setter.h"

#include <inttypes.h>

/* --- parsing -------------------------------------------------------------------------------- */

#define MS_PER_SECOND UINT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* In the order in which they may follow each other. */
static const struct time_unit {
    const char *name;
    uint64_t ms;
} time_units[] = {
    {"y", 365 * MS_PER_DAY}, {"M", 30 * MS_PER_DAY}, {"w", 7 * MS_PER_DAY}, {"d", MS_PER_DAY},
    {"h", MS_PER_HOUR},      {"m", MS_PER_MINUTE},   {"s", MS_PER_SECOND},  {"ms", 1},
};

#define UNIT_WEEK 2
#define UNIT_SECOND 6
#define UNIT_MS 7

/* The unit that the text begins with, taken off it; a number without one is in seconds. */
static int take_unit(struct span *text, size_t *unit)
{
    size_t len = 0;

    while (len < text->len && text->data[len] != ' ' &&
           !(text->data[len] >= '0' && text->data[len] <= '9'))
        len++;
    *unit = UNIT_SECOND;
    for (size_t i = 0; len && i <= COUNT_OF(time_units); i++) {
        if (i == COUNT_OF(time_units))
            return -EINVAL;
        *unit = i;
        if (span_equals(span_take(*text, len), span_of_cstr(time_units[i].name)))
            break;
    }
    *text = span_skip(*text, len);
    while (text->len && text->data[0] == ' ')
        *text = span_skip(*text, 1);
    return 0;
}

static int take_number(struct span *text, uint64_t *number)
{
    size_t len = 0;

    while (len < text->len && text->data[len] >= '0' && text->data[len] <= '9')
        len++;
    if (span_to_u64(span_take(*text, len), number) < 0)
        return -EINVAL;
    *text = span_skip(*text, len);
    return 0;
}

/* Units from first to last, each at most once, the larger before the smaller. */
static int parse_time(struct span text, size_t first, size_t last, uint64_t *ms)
{
    uint64_t sum = 0;

    do {
        uint64_t number;
        size_t unit;

        if (take_number(&text, &number) < 0 || take_unit(&text, &unit) < 0)
            return -EINVAL;
        if (unit < first || unit > last)
            return -EINVAL;
        first = unit + 1;
        if (number > TIME_MS_MAX / time_units[unit].ms)
            return -EINVAL;
        sum += number * time_units[unit].ms;
        if (sum > TIME_MS_MAX)
            return -EINVAL;
    } while (text.len);
    *ms = sum;
    return 0;
}

int setter_parse_ms(struct span text, uint64_t *ms)
{
    return parse_time(text, UNIT_WEEK, UNIT_MS, ms);
}

int setter_parse_seconds(struct span text, uint64_t *ms)
{
    return parse_time(text, 0, UNIT_SECOND, ms);
}

static unsigned size_shift(char unit)
{
    switch (ascii_lower(unit)) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return 0;
    }
}

int setter_parse_size(struct span text, bool allows_gigabytes, uint64_t *bytes)
{
    unsigned shift = text.len ? size_shift(text.data[text.len - 1]) : 0;
    uint64_t number;

    if (shift == 30 && !allows_gigabytes)
        return -EINVAL;
    if (span_to_u64(span_take(text, text.len - (shift ? 1 : 0)), &number) < 0)
        return -EINVAL;
    if (number > (uint64_t)INT64_MAX >> shift)
        return -EINVAL;
    *bytes = number << shift;
    return 0;
}

struct parameter setter_parameter(struct span word)
{
    size_t at = span_index_of(word, '=');

    return (struct parameter){.name = span_take(word, at),
                              .value = span_skip(word, size_min(at + 1, word.len)),
                              .has_value = at < word.len};
}

int setter_parse_network(struct conf *c, const struct origin *o, struct span text,
                         struct network *out)
{
    int rc = network_parse(text, out);

    if (rc > 0)
        conf_warn(c, o, "low address bits of %.*s are meaningless", SPAN_ARG(text));
    return rc < 0 ? rc : 0;
}

/* --- setters -------------------------------------------------------------------------------- */

void *setter_value(struct scope *s, const struct directive *d)
{
    assert(d->size > 0);
    return (char *)s->values + d->offset;
}

int setter_fail_value(struct conf *c, const struct node *n, struct span value)
{
    return conf_fail(c, n, "invalid value \"%.*s\"", SPAN_ARG(value));
}

/* nginx's word for values that it does not repeat. */
static int fail_directive(struct conf *c, const struct node *n, const char *what)
{
    return conf_fail(c, n, "\"%.*s\" directive %s", SPAN_ARG(n->words[0]), what);
}

int set_flag(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    bool *value = setter_value(s, d);

    if (span_equals_nocase(n->words[1], SPAN("on")))
        *value = true;
    else if (span_equals_nocase(n->words[1], SPAN("off")))
        *value = false;
    else
        return conf_fail(c, n,
                         "invalid value \"%.*s\" in \"%s\" directive, it must be \"on\" or \"off\"",
                         SPAN_ARG(n->words[1]), d->name);
    return 0;
}

int set_size(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    if (setter_parse_size(n->words[1], false, setter_value(s, d)) < 0)
        return fail_directive(c, n, "invalid value");
    return 0;
}

int set_offset(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    if (setter_parse_size(n->words[1], true, setter_value(s, d)) < 0)
        return fail_directive(c, n, "invalid value");
    return 0;
}

int set_ms(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    if (setter_parse_ms(n->words[1], setter_value(s, d)) < 0)
        return fail_directive(c, n, "invalid value");
    return 0;
}

int set_timeout(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    const uint64_t *value = setter_value(s, d);
    int rc = set_ms(c, s, d, n);

    if (!rc && *value == 0)
        return conf_fail(c, n, "\"%s\" cannot be 0: nothing is ever that quick", d->name);
    return rc;
}

int set_seconds(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    if (setter_parse_seconds(n->words[1], setter_value(s, d)) < 0)
        return fail_directive(c, n, "invalid value");
    return 0;
}

int set_number(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    const struct setter_bounds *bounds = d->detail;
    uint64_t *value = setter_value(s, d);

    if (span_to_u64(n->words[1], value) < 0 || *value > INT64_MAX)
        return fail_directive(c, n, "invalid number");
    if (*value < bounds->min && bounds->max == UINT64_MAX)
        return conf_fail(c, n, "value must be equal to or greater than %" PRIu64, bounds->min);
    if (*value < bounds->min || *value > bounds->max)
        return conf_fail(c, n, "value must be between %" PRIu64 " and %" PRIu64, bounds->min,
                         bounds->max);
    return 0;
}

static const struct setter_word *find_word(const struct setter_word *words, struct span name)
{
    for (; words->name; words++) {
        if (span_equals_nocase(name, span_of_cstr(words->name)))
            return words;
    }
    return NULL;
}

int set_word(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    const struct setter_word *word = find_word(d->detail, n->words[1]);
    unsigned *value = setter_value(s, d);

    if (!word)
        return setter_fail_value(c, n, n->words[1]);
    *value = word->value;
    return 0;
}

int set_bits(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    unsigned *value = setter_value(s, d);

    for (size_t i = 1; i < n->word_count; i++) {
        const struct setter_word *word = find_word(d->detail, n->words[i]);

        if (!word)
            return setter_fail_value(c, n, n->words[i]);
        if (*value & word->value)
            conf_warn(c, &n->origin, "duplicate value \"%.*s\"", SPAN_ARG(n->words[i]));
        *value |= word->value;
    }
    return 0;
}

int set_text(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct word *value = setter_value(s, d);

    (void)c;
    *value = (struct word){.text = n->words[1], .origin = n->origin};
    return 0;
}

int setter_take_path(struct conf *c, const struct directive *d, const struct node *n,
                     struct word *out)
{
    struct span path = n->words[1];

    if (span_index_of(path, '$') < path.len)
        return conf_fail(c, n, "variables in \"%s\" are not supported yet", d->name);
    if (span_starts_with(path, SPAN("data:")) || span_starts_with(path, SPAN("engine:")))
        return conf_fail(c, n, "\"data:\" and \"engine:\" in \"%s\" are not supported yet",
                         d->name);
    if (path.len)
        path = conf_file_path(c, path);
    *out = (struct word){.text = path, .origin = n->origin};
    return path.data ? 0 : -ENOMEM;
}

int set_path(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    return setter_take_path(c, d, n, setter_value(s, d));
}

int set_span(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct span *value = setter_value(s, d);

    (void)c;
    *value = n->words[1];
    return 0;
}

int set_spans(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    for (size_t i = 1; i < n->word_count; i++) {
        struct span *value = vector_add(c, setter_value(s, d), sizeof(*value));

        if (!value)
            return -ENOMEM;
        *value = n->words[i];
    }
    return 0;
}

int set_template(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    return conf_template(c, &n->origin, n->words[1], setter_value(s, d));
}
