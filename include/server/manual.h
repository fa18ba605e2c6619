/* manual - the table of flags as text: --help, the manual page, a list in Markdown. */
#ifndef RINGWAY_SERVER_MANUAL_H
#define RINGWAY_SERVER_MANUAL_H

#include <stdio.h>

#include "server/options.h"

/* The text of --help. */
void manual_print_help(FILE *out);

/* The manual page, in man(7). */
void manual_print_page(FILE *out);

/* The flags as a table in Markdown, which README.md holds. */
void manual_print_table(FILE *out);

#endif
