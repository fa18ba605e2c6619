/* advice - what a configuration may say and had better not: for -t.
 *
 * Warnings about what is legal and unsafe, or not what its author is likely to mean. Looks at the
 * tree, as it is written, and at the certificates that were read; nothing depends on it. */
#ifndef RINGWAY_CONF_ADVICE_H
#define RINGWAY_CONF_ADVICE_H

#include "conf/draft.h"

/* now_s: seconds since 1970. */
void conf_advise(struct conf *c, int64_t now_s);

#endif
