/* manual - the table of flags as text: --help and the manual page. */
#ifndef RINGWAY_SERVER_MANUAL_H
#define RINGWAY_SERVER_MANUAL_H

#include <stdio.h>

#include "server/options.h"

/* The text of --help. */
void manual_print_help(FILE *out);

/* The manual page, in man(7). */
void manual_print_page(FILE *out);

#endif
