/* claims - tables of streams and of what the parser must say of them.
 *
 * Each stream is parsed whole, byte by byte and in pieces; what is said must be the same. */
#ifndef RINGWAY_TESTS_CLAIMS_H
#define RINGWAY_TESTS_CLAIMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transcript.h"

#define SPAN_INIT(text)        \
    {                          \
        text, sizeof(text) - 1 \
    }
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static const struct transcript_setup a_request = {
    .limits = TRANSCRIPT_LIMITS,
    .is_request = true,
};
static const struct transcript_setup a_response = {.limits = TRANSCRIPT_LIMITS};

/* The text of a stream; the caller frees it. */
static char *say(const struct transcript_setup *how, struct span stream)
{
    static const size_t piece_bytes[] = {1, 2, 7, 50};
    struct transcript_setup setup = *how;
    struct transcript whole;

    setup.piece_bytes = 0;
    transcript_of(&whole, &setup, stream);
    for (size_t i = 0; i < COUNT_OF(piece_bytes); i++) {
        struct transcript pieces;

        setup.piece_bytes = piece_bytes[i];
        setup.seed = i;
        transcript_of(&pieces, &setup, stream);
        assert_string_equal(whole.text, pieces.text);
        assert_int_equal(whole.len, pieces.len);
        free(pieces.text);
    }
    return whole.text;
}

/* True where the text holds "\nname=value\n" (or begins with it). */
static bool says(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = text; (at = strstr(at, line)); at++) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return true;
    }
    return false;
}

#define assert_says(text, line)                             \
    do {                                                    \
        if (!says(text, line))                              \
            fail_msg("no line \"%s\" in:\n%s", line, text); \
    } while (0)

struct claim {
    struct span stream;
    const char *line; /* of the transcript */
};
#define SAYS(text, line)               \
    {                                  \
        {text, sizeof(text) - 1}, line \
    }

static void check_claims(const struct transcript_setup *how, const struct claim *claims,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = say(how, claims[i].stream);

        if (!says(text, claims[i].line))
            fail_msg("row %zu: no line \"%s\" in:\n%s", i, claims[i].line, text);
        free(text);
    }
}

struct refusal {
    struct span stream;
    enum parser_error error;
    const char *reason;
};
#define REFUSED(text, error, reason)            \
    {                                           \
        {text, sizeof(text) - 1}, error, reason \
    }
#define REFUSED_400(text, reason) REFUSED(text, PARSER_BAD_SYNTAX, reason)

/* Nothing but the error may be said, as nothing of a refused head may go on. */
static void check_refusals(const struct transcript_setup *how, const struct refusal *rows,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = say(how, rows[i].stream);
        char expected[200];

        (void)snprintf(expected, sizeof(expected), "ERROR=%d\nbecause=%s\n", (int)rows[i].error,
                       rows[i].reason);
        if (strcmp(text, expected) != 0)
            fail_msg("row %zu: expected\n%sgot\n%s", i, expected, text);
        free(text);
    }
}

#endif
