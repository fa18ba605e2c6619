/* standalone - long flags as configuration text: what runs without a file goes through the same
 * reader as what runs with one. Beside a file it is the flags for tuning alone.
 *
 * One directive stands on each line, and for each line it is known which flag it comes from, so
 * that messages can name the flag. */
#ifndef RINGWAY_SERVER_STANDALONE_H
#define RINGWAY_SERVER_STANDALONE_H

#include "server/options.h"

#define STANDALONE_LINES_MAX (OPTIONS_VALUES_MAX + 64)

struct standalone {
    char *text; /* owned */
    size_t len;
    /* By line, from 0: what a message calls it ("command line (--listen 8080)"); owned, NULL for
     * lines that come from no flag. */
    char *names[STANDALONE_LINES_MAX];
    size_t line_count;
};

/* Writes the text. 0; -ENOMEM; -EINVAL with one line that names the flag. */
int standalone_init(struct standalone *s, const struct options *o,
                    char error[OPTIONS_ERROR_BYTES]) MUST_USE;
void standalone_deinit(struct standalone *s);

#endif
