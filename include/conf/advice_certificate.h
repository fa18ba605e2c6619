/* advice_certificate - certificates in use that expire soon, or are not valid at all. */
#ifndef RINGWAY_CONF_ADVICE_CERTIFICATE_H
#define RINGWAY_CONF_ADVICE_CERTIFICATE_H

#include "conf/draft.h"

#define ADVICE_EXPIRY_DAYS 30

/* Warns of certificates in the file that a directive names, if it is one that names certificates:
 * of the site's own, and of authorities. Files that were not read are left out. */
void advise_certificate(struct conf *c, const struct node *n, int64_t now_s);

#endif
