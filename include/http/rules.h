/* rules - how much of a message is taken, and what is said of one that breaks a rule.
 *
 * Types only: the rooms of this floor that read messages share them. */
#ifndef RINGWAY_HTTP_RULES_H
#define RINGWAY_HTTP_RULES_H

#include "core/base.h"

struct parser_limits {
    size_t head_bytes_max;     /* of the whole head, and of trailers */
    size_t line_bytes_max;     /* of the request line (414) and of each field line (431) */
    size_t field_count_max;    /* of fields, and of trailers */
    size_t head_bytes_first;   /* the first buffer of a head that comes in pieces: then doubled */
    bool underscores_in_names; /* false: names with '_' are among the invalid ones */
    bool invalid_names_are_ignored; /* true: dropped with bytes other than A-Za-z0-9- and '_' */
    bool slashes_are_merged;
};

enum parser_error {
    PARSER_OK,
    PARSER_BAD_SYNTAX,      /* 400 */
    PARSER_URI_TOO_LONG,    /* 414 */
    PARSER_HEAD_TOO_LARGE,  /* 431: bytes or number of fields, of a head or of trailers */
    PARSER_CODING_UNKNOWN,  /* 501: Transfer-Encoding that we do not have */
    PARSER_VERSION_UNKNOWN, /* 505: major version other than 1 */
    PARSER_METHOD_REFUSED,  /* 405: CONNECT, TRACE */
    PARSER_EXPECT_UNKNOWN,  /* 417 */
    PARSER_EARLY_END,       /* the stream ended inside of a message */
    PARSER_NO_MEMORY,       /* 503 */
};

/* What is wrong with a message: error is PARSER_OK where nothing is. */
struct flaw {
    enum parser_error error;
    const char *reason; /* a literal that names the rule */
};

#define FLAW_NONE ((struct flaw){.error = PARSER_OK, .reason = NULL})
#define FLAW_NO_MEMORY flaw_of(PARSER_NO_MEMORY, "no memory for a head")

static inline struct flaw flaw_of(enum parser_error error, const char *reason)
{
    return (struct flaw){.error = error, .reason = reason};
}

static inline struct flaw bad_syntax(const char *reason)
{
    return flaw_of(PARSER_BAD_SYNTAX, reason);
}

#endif
