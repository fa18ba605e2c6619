/* string_map - what a "map" block looks up: strings without case, names with a wildcard, regexes.
 */
#include "conf/string_map.h"

/* ---- adding ---- */

/* A key with its wildcard taken apart; data NULL: not looked up so. */
struct wildcard {
    struct span exact, head, tail;
};

static size_t count_of(struct span s, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += s.data[i] == byte;
    return count;
}

static bool has_empty_label(struct span name)
{
    for (size_t i = 1; i < name.len; i++) {
        if (name.data[i] == '.' && name.data[i - 1] == '.')
            return true;
    }
    return false;
}

/* ".a.b" stands for "a.b" and "*.a.b". */
static int take_apart(struct span key, struct wildcard *out)
{
    size_t stars = count_of(key, '*');

    *out = (struct wildcard){SPAN_NONE, SPAN_NONE, SPAN_NONE};
    if (stars > 1 || has_empty_label(key) || count_of(key, '\0'))
        return -EINVAL;
    if (key.len > 1 && key.data[0] == '.') {
        out->exact = span_skip(key, 1);
        out->head = key;
    } else if (!stars) {
        out->exact = key;
    } else if (key.len > 2 && span_starts_with(key, SPAN("*."))) {
        out->head = span_skip(key, 1);
    } else if (key.len > 2 && span_ends_with(key, SPAN(".*"))) {
        out->tail = span_take(key, key.len - 1);
    } else {
        return -EINVAL;
    }
    return 0;
}

int string_map_add(struct string_map *m, struct arena *a, struct span key,
                   const struct template *value)
{
    struct wildcard parts = {.exact = key, .head = SPAN_NONE, .tail = SPAN_NONE};

    assert(key.data);
    if (m->has_hostnames && take_apart(key, &parts) < 0)
        return -EINVAL;
    m->exact.ignores_case = m->heads.ignores_case = m->tails.ignores_case = true;
    if ((parts.exact.data && span_table_find(&m->exact, parts.exact)) ||
        (parts.head.data && span_table_find(&m->heads, parts.head)) ||
        (parts.tail.data && span_table_find(&m->tails, parts.tail)))
        return -EEXIST;
    if ((parts.exact.data && span_table_put(&m->exact, a, parts.exact, value) < 0) ||
        (parts.head.data && span_table_put(&m->heads, a, parts.head, value) < 0) ||
        (parts.tail.data && span_table_put(&m->tails, a, parts.tail, value) < 0))
        return -ENOMEM;
    return 0;
}

/* ---- finding ---- */

/* As in nginx, the star may stand for nothing here. */
static const struct template *find_head(const struct string_map *m, struct span name)
{
    const struct template *value = NULL;

    for (size_t i = 0; !value && i < name.len; i++) {
        if (name.data[i] == '.')
            value = span_table_find(&m->heads, span_skip(name, i));
    }
    return value;
}

static const struct template *find_tail(const struct string_map *m, struct span name)
{
    const struct template *value = NULL;

    for (size_t end = name.len; !value && end-- > 1;) {
        if (name.data[end - 1] == '.')
            value = span_table_find(&m->tails, span_take(name, end));
    }
    return value;
}

struct span string_map_key(const struct string_map *m, struct span text)
{
    bool has_last_dot = m->has_hostnames && text.len && text.data[text.len - 1] == '.';

    return has_last_dot ? span_take(text, text.len - 1) : text;
}

const struct template *string_map_find(const struct string_map *m, struct span key)
{
    const struct template *value = span_table_find(&m->exact, key);

    if (!value && m->heads.key_count)
        value = find_head(m, key);
    if (!value && m->tails.key_count)
        value = find_tail(m, key);
    return value;
}
