/* manual_conf - the configuration language as a manual page, out of the tables of directives and
 * variables. */
#ifndef RINGWAY_SERVER_MANUAL_CONF_H
#define RINGWAY_SERVER_MANUAL_CONF_H

#include <stdio.h>

/* ringway.conf(5), in man(7). */
void manual_print_conf_page(FILE *out);

#endif
