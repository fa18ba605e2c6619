/* variable - what each variable is worth for an exchange: one getter per row of conf/template's
 * table. */
#ifndef RINGWAY_PROXY_VARIABLE_H
#define RINGWAY_PROXY_VARIABLE_H

#include "conf/template.h"
#include "proxy/record.h"

/* For template_expand(): source is a struct record. Results that must be made are made in its
 * arena. SPAN_NONE: the variable has no value here. */
struct span variable_get(void *source, const struct template_part *part);

/* template_expand() over a record. 0; -ENOMEM. */
int record_expand(struct record *r, const struct template *t, struct span *out) MUST_USE;

/* How many of its texts are neither empty nor "0". A text that could not be made does not count. */
size_t record_count_fulfilled(struct record *r, const struct condition *c);

#endif
