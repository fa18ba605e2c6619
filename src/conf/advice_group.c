/* advice_group - groups of regexes, as they are written. */
#include "conf/advice_group.h"

/* Behind the "]" of a class; the text begins behind its "[". */
static struct span behind_class(struct span text)
{
    if (span_starts_with(text, SPAN("^")))
        text = span_skip(text, 1);
    if (span_starts_with(text, SPAN("]")))
        text = span_skip(text, 1);
    while (text.len && text.data[0] != ']')
        text = span_skip(text, text.data[0] == '\\' && text.len > 1 ? 2 : 1);
    return span_skip(text, text.len ? 1 : 0);
}

/* Takes "?<name>", "?P<name>" or "?'name'"; name: empty where a group has none. False: what the
 * text begins with captures nothing. */
static bool take_label(struct span *text, struct span *name)
{
    static const char *const openings[] = {"?<", "?P<", "?'"};
    size_t len = 0;

    *name = SPAN_NONE;
    if (!span_starts_with(*text, SPAN("?")))
        return !span_starts_with(*text, SPAN("*"));
    for (size_t i = 0; i < COUNT_OF(openings); i++) {
        struct span opening = span_of_cstr(openings[i]);

        if (!span_starts_with(*text, opening))
            continue;
        *name = span_skip(*text, opening.len);
        while (len < name->len && ascii_is_word(name->data[len]))
            len++;
        if (!len || len == name->len)
            return false;
        *text = span_skip(*name, len + 1);
        *name = span_take(*name, len);
        return true;
    }
    return false;
}

static bool is_number(struct span name, unsigned number)
{
    return name.len == 1 && name.data[0] == (char)('0' + number) && number <= 9;
}

bool advice_group_find(struct span pattern, struct span name, struct span *inside)
{
    unsigned count = 0;

    while (pattern.len) {
        char byte = pattern.data[0];
        struct span label;

        pattern = span_skip(pattern, 1);
        if (byte == '\\') {
            pattern = span_skip(pattern, pattern.len ? 1 : 0);
        } else if (byte == '[') {
            pattern = behind_class(pattern);
        } else if (byte == '(' && take_label(&pattern, &label)) {
            *inside = pattern;
            if (is_number(name, ++count) || (label.len && span_equals_nocase(label, name)))
                return true;
        }
    }
    return false;
}

bool advice_regex_word(struct span word, struct span *pattern)
{
    if (!span_starts_with(word, SPAN("~")))
        return false;
    *pattern = span_skip(word, span_starts_with(word, SPAN("~*")) ? 2 : 1);
    return true;
}
