/* inspect - what ringway says about itself and a configuration, without serving: -h, -v, -V, -t,
 * -T, help NAME. */
#ifndef RINGWAY_SERVER_INSPECT_H
#define RINGWAY_SERVER_INSPECT_H

#include "server/source.h"

/* What -v and -V say, on standard error, and -h, on standard output. The exit status; 1 where
 * either does not take all of it. */
int inspect_self(const struct options *o) MUST_USE;

/* Builds the configuration and says on standard error whether it is good; with -T prints it on
 * standard output, with what differs from nginx and what cipher suites it selects. The exit
 * status; 1 also where standard output does not take all of it. */
int inspect_test(const struct source *s) MUST_USE;

/* "ringway help NAME": the rows of a directive; without a name all of them, one line each; --man
 * and --man-conf the manual pages, --markdown the flags as the README has them. The exit status,
 * likewise. */
int inspect_help(const char *name) MUST_USE;

#endif
