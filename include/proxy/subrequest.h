/* subrequest - a detour of an exchange: another URI is asked, as a GET without a body, before the
 * request goes on where it was.
 *
 * It goes the way of any request (scripts, location, what answers), in the same exchange: what
 * belongs to the request is put aside and comes back at the end, but for values of variables, which
 * both share. Of the answer its status counts, and fields that variables take; no byte of it goes
 * to the client, and no error_page takes its place. */
#ifndef RINGWAY_PROXY_SUBREQUEST_H
#define RINGWAY_PROXY_SUBREQUEST_H

#include "proxy/exchange_state.h"

#define SUBREQUEST_BODY_BYTES_MAX (64 * 1024) /* a longer one ends its connection */

struct subrequest {
    unsigned status; /* that it came to; 0: it is under way */
    /* What is put aside. Resources of the upload stay where they are: none is used meanwhile. */
    const struct location_conf *location;
    struct span uri, args;
    struct captures captures;
    const struct proxy_pass *pass;
    struct try_record *tries;
    size_t try_count;
    struct relay upload;
    enum method method;
    enum outcome last_failure;
    unsigned record_status, redirect_count, error_status;
    bool is_rewritten, keeps_uri, adds_uri_to_alias;
    uint64_t limit_rate;
    bool has_limit_rate;
    struct span reply_location; /* of an answer that an error_page is shown for */
    bool reply_is_last;
    bool shows_error_page, is_internal, is_reported, has_upload_failed, is_body_gone;
};

/* Puts the request aside: x->subrequest is set, and record.uri is the one to be asked. 0; -ENOMEM:
 * nothing has changed. */
int subrequest_begin(struct exchange *x, struct span uri) MUST_USE;

/* It came to this status: logs it where log_subrequest is on, gives variables of auth_request_set
 * their values, and the request comes back. What its gate makes of the status is up to that. */
void subrequest_end(struct exchange *x, unsigned status);

/* The exchange ends meanwhile: the request comes back, to be logged. */
void subrequest_abandon(struct exchange *x);

#endif
