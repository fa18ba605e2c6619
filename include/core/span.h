/* span - a view of bytes that somebody else owns.
 *
 * Text from outside is a span: never NUL-terminated, and printed only through span_escape(). */
#ifndef RINGWAY_CORE_SPAN_H
#define RINGWAY_CORE_SPAN_H

#include <string.h>

#include "core/base.h"

struct span {
    const char *data;
    size_t len;
};

/* A span of a string literal. */
#define SPAN(literal) ((struct span){.data = (literal), .len = sizeof(literal) - 1})

#define SPAN_NONE ((struct span){.data = NULL, .len = 0})

/* For printf's "%.*s": only for text that came from the configuration or from us. s is evaluated
 * twice: no call stands in it. */
#define SPAN_ARG(s) (int)(s).len, (s).data

static inline struct span span_of(const char *data, size_t len)
{
    return (struct span){.data = data, .len = len};
}

static inline bool span_is_empty(struct span s)
{
    return s.len == 0;
}

/* The view of a NUL-terminated string of ours; NULL gives an empty span. */
struct span span_of_cstr(const char *text);

static inline bool span_equals(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Equal, where ASCII letters of either case are the same. */
bool span_equals_nocase(struct span a, struct span b);

/* What is left after the first n bytes; n is at most s.len. */
static inline struct span span_skip(struct span s, size_t n)
{
    assert(n <= s.len);
    return n ? span_of(s.data + n, s.len - n) : s;
}

/* The first n bytes; n is at most s.len. */
static inline struct span span_take(struct span s, size_t n)
{
    assert(n <= s.len);
    return span_of(s.data, n);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_equals(span_take(s, prefix.len), prefix);
}

/* As span_starts_with(), where ASCII letters of either case are the same. */
bool span_starts_with_nocase(struct span s, struct span prefix);
bool span_ends_with(struct span s, struct span suffix);

/* The index of the first such byte, or s.len when there is none. */
size_t span_index_of(struct span s, char byte);
size_t span_last_index_of(struct span s, char byte);

/* Without spaces and tabs at either end (OWS of RFC 9110 section 5.6.3). */
struct span span_trim(struct span s);

/* Takes the next element of a comma-separated list (RFC 9110 section 5.6.1), trimmed; empty
 * elements are passed over. False when the list is at its end. */
bool span_next_element(struct span *list, struct span *element);

/* Digits only, at least one, at most UINT64_MAX: 0, else -EINVAL or -ERANGE. */
int span_to_u64(struct span s, uint64_t *value) MUST_USE;

/* Writes s so that it is safe to print: bytes outside 0x20..0x7e, '"' and '\\' become \xHH.
 * Returns the number of bytes written, at most size; never writes half an escape. No NUL. */
size_t span_escape(struct span s, char *out, size_t size);

/* Hashes for tables in memory, not against an adversary: eight bytes at a time; and FNV-1a, where
 * ASCII letters of either case are the same. */
uint64_t span_hash(struct span s);
uint64_t span_hash_nocase(struct span s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* A letter, a digit, or '_'. */
static inline bool ascii_is_word(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

#endif
