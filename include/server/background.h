/* background - how the process goes to the background, and says whether it got there.
 *
 * The process that was called stays until the one in the background has told it over a pipe that
 * it runs: what goes wrong before reaches the terminal, and the exit status. Forks: call it before
 * there is a thread or a ring. */
#ifndef RINGWAY_SERVER_BACKGROUND_H
#define RINGWAY_SERVER_BACKGROUND_H

#include "core/base.h"

struct background {
    int word_fd;      /* -1: in the foreground, or told already */
    bool is_detached; /* from the terminal */
};

/* Stays in the foreground. */
void background_init(struct background *b);

/* Returns in the new process alone: 0, or negative errno. The one that was called ends with status
 * 0 after background_tell(), and with 1 when this one ends without. */
int background_start(struct background *b) MUST_USE;

/* Makes standard error the log of this descriptor (-1: it stays as it is), for what aborts. Nothing
 * in the foreground. */
void background_redirect(const struct background *b, int error_fd);

/* Says that it runs, and lets go of the terminal. Nothing in the foreground. */
void background_tell(struct background *b, int error_fd);

#endif
