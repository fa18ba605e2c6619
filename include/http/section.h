/* section - the lines of a head or of trailers, gathered into one buffer.
 *
 * Owned by a parser. Holds line discipline before anything else looks at the bytes: a line ends in
 * CR LF and nothing else (RFC 9112 section 2.2), holds no control byte but a tab, does not begin
 * with white space (section 5.2), and keeps to the limits. A flaw is found at the same byte
 * however the input is cut into pieces. Pure, but for its arena. */
#ifndef RINGWAY_HTTP_SECTION_H
#define RINGWAY_HTTP_SECTION_H

#include "core/arena.h"
#include "core/span.h"
#include "http/rules.h"

struct section {
    char *data; /* in the arena; moves while it grows */
    size_t len;
    size_t size;
    size_t line_bytes;       /* of the line that is being read, without CR LF */
    size_t line_count;       /* lines that are complete, without the empty one at the end */
    size_t first_line_bytes; /* without CR LF; once line_count is not 0 */
    bool has_start_line;     /* false for trailers */
    bool ends_in_cr;
    bool is_complete; /* the empty line was seen */
};

/* Before the first byte; trailers have no start line. */
void section_init(struct section *s, bool has_start_line);

/* Takes bytes up to the end of the section and advances *input over them. */
struct flaw section_add(struct section *s, const struct parser_limits *limits, struct arena *a,
                        struct span *input) MUST_USE;

/* The lines behind the start line, with the empty line; for a complete section. */
struct span section_fields(const struct section *s);

#endif
