/* inspect - what ringway says about itself and a configuration, without serving: -v, -V, -t, -T,
 * help NAME. */
#ifndef RINGWAY_SERVER_INSPECT_H
#define RINGWAY_SERVER_INSPECT_H

#include <stdio.h>

#include "server/source.h"

/* -v, and with is_long -V: to out. */
void inspect_print_version(FILE *out, bool is_long);

/* Builds the configuration and says on standard error whether it is good; with -T prints it on
 * standard output, with what differs from nginx and what cipher suites it selects. The exit
 * status; 1 also where standard output does not take all of it. */
int inspect_test(const struct source *s) MUST_USE;

/* "ringway help NAME": the rows of a directive; without a name all of them, one line each; --man
 * the manual page, --markdown the flags as the README has them. The exit status, likewise. */
int inspect_help(const char *name) MUST_USE;

#endif
