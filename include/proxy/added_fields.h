/* added_fields - what add_header, expires and add_trailer put into an answer. */
#ifndef RINGWAY_PROXY_ADDED_FIELDS_H
#define RINGWAY_PROXY_ADDED_FIELDS_H

#include "http/writer.h"
#include "proxy/record.h"

struct added_fields {
    uint64_t replaced;                  /* field_bit() of fields that are not written otherwise */
    struct span expires, cache_control; /* empty: none */
};

/* Decides for an answer with that status; last_modified: the text of its field, or empty.
 * 0; -ENOMEM. */
int added_fields_choose(struct record *r, unsigned status, struct span last_modified,
                        struct added_fields *out) MUST_USE;

/* From now on $sent_http_* are of what was written so far. 0; -ENOMEM. */
int added_fields_look_back(struct record *r, const struct writer *w) MUST_USE;

/* Writes them. A value that may not be written is left out by the writer, and said so in the error
 * log. 0; -ENOMEM. */
int added_fields_write(struct record *r, unsigned status, const struct added_fields *f,
                       struct writer *w) MUST_USE;

/* True when an answer with that status has a trailer of ours, and must be chunked for it: as nginx,
 * whatever TE says. */
bool added_trailers_are_wanted(const struct record *r, unsigned status);

/* Writes the trailer's fields to the client; record.status is the answer's. What was written is in
 * record.sent_trailers. 0; -ENOMEM. */
int added_trailers_write(struct record *r) MUST_USE;

#endif
