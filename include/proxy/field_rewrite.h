/* field_rewrite - Location, Refresh and Set-Cookie of an upstream's answer as proxy_redirect and
 * proxy_cookie_* make them. */
#ifndef RINGWAY_PROXY_FIELD_REWRITE_H
#define RINGWAY_PROXY_FIELD_REWRITE_H

#include "proxy/record.h"

/* Makes the value anew by the rules of the request's location, of which there must be some; it
 * stays as it is where none fits. The new one may hold bytes that no field may. 0; -ENOMEM; -ELOOP:
 * a regex ran away. */
int field_rewrite(struct record *r, enum field_id id, struct span *value) MUST_USE;

#endif
