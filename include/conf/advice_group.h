/* advice_group - groups of regexes, as they are written. */
#ifndef RINGWAY_CONF_ADVICE_GROUP_H
#define RINGWAY_CONF_ADVICE_GROUP_H

#include "core/span.h"

/* The group of a name, or of a number from 1 to 9, in a pattern. inside: what follows its opening.
 * False: there is none. */
bool advice_group_find(struct span pattern, struct span name, struct span *inside);

/* What a word holds behind "~" or "~*"; false: it is no regex. */
bool advice_regex_word(struct span word, struct span *pattern);

#endif
