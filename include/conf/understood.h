/* understood - a configuration as it was understood, as text: for -T.
 *
 * Includes are in their place, each directive with the file and line where it stands. In each block
 * that inherits stand, as remarks, the values that come from outside or from ringway's defaults and
 * are not nginx's defaults. What is printed can be read again, and is understood as the same. */
#ifndef RINGWAY_CONF_UNDERSTOOD_H
#define RINGWAY_CONF_UNDERSTOOD_H

#include "conf/draft.h"

/* Puts the text into the snapshot's arena. 0; -ENOMEM after it logged why. */
int conf_print_understood(struct conf *c, struct span *out) MUST_USE;

#endif
