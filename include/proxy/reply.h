/* reply - answers that are made here: return, errors, redirects, static files.
 *
 * Embedded in an exchange. Files are opened and looked at with system calls that a warm cache
 * answers at once, and read by the loop.
 * Invariant: a chunk that a read fills belongs to the reply until its completion. */
#ifndef RINGWAY_PROXY_REPLY_H
#define RINGWAY_PROXY_REPLY_H

#include "io/loop.h"
#include "proxy/byte_ranges.h"
#include "proxy/file.h"
#include "proxy/heads_response.h"
#include "proxy/pace.h"

enum reply_result {
    REPLY_WAITS, /* for a read, or for room in the client's output */
    REPLY_DONE,  /* all is in the client's output */
    REPLY_FAILED /* memory or the disk: cut the client */
};

struct reply {
    struct response_plan plan;   /* keeps_alive is the caller's, who sets it before reply_run() */
    struct span body;            /* in the arena or the snapshot; when there is no file */
    bool closes_without_answer;  /* return 444 */
    bool is_last;                /* an error, also one whose page is another's: close behind it */
    int fd;                      /* -1: no file */
    uint64_t offset, left;       /* of the file, or of one part, yet to be read */
    struct multipart *multipart; /* NULL: the file, or one part of it */
    struct op read_op;
    struct chunk *chunk; /* that is being read into */
    int read_error;
    bool is_head_written;
    struct pace *pace; /* NULL: as fast as it goes */
    struct task *owner;
    struct loop *loop; /* of the engine, while a read is in flight */
};

/* False where an answer has no body whatever the method: RFC 9110 sections 15.3.5, 15.3.6 and
 * 15.4.5. */
static inline bool status_has_content(unsigned status)
{
    return status >= 200 && status != 204 && status != 205 && status != 304;
}

/* No answer yet; the owner's task is made ready when a read has ended. */
void reply_init(struct reply *p, struct task *owner);

/* Each of the following makes the reply anew, also over one that was made before.
 *
 * The answer of a "return" directive. 0; -ENOMEM. Without a text, a status from 400 on has its
 * built-in page: ask reply_error_page() first. 301, 302, 303, 307 and 308 redirect: an absolute
 * URL as it is, a path made absolute as absolute_redirect, server_name_in_redirect and
 * port_in_redirect say. A URL that may not stand in a field becomes a 500. */
int reply_from_return(struct reply *p, struct record *r, const struct return_rule *rule) MUST_USE;

/* A redirect to a URL or path. */
int reply_redirect(struct reply *p, struct record *r, unsigned status, struct span to) MUST_USE;

/* The built-in page of a status (a small HTML page as nginx's: title, h1, hr, ringway[/version]);
 * no body for 204, 205, 304, below 200, and for statuses without a name. 0; -ENOMEM. */
int reply_from_status(struct reply *p, struct record *r, unsigned status) MUST_USE;

/* Gives the reply that was made another status; its body goes where that has none, and it gets an
 * empty one where it has to have one. */
void reply_show_with(struct reply *p, const struct record *r, unsigned status);

/* The file of record.uri below root; is_whole: its conditions and ranges are passed over, as it is
 * shown for an error. Returns the status that it came to: 200, 206, 304, 412, 416,
 * 301 (a directory without slash) - the reply is then made - or an error (403, 404, 405, 500, 503)
 * of which the caller makes a reply or an error_page, with record.detail that says why; or
 * FILE_IS_ELSEWHERE. Links are followed, as in nginx; only regular files are answered. */
unsigned reply_from_file(struct reply *p, struct record *r, bool is_whole) MUST_USE;

/* Writes the head, then the body as there is room: call until it is done. The owner's task is
 * made ready for the next step. No body goes to a HEAD request. Counts sent_bytes and
 * sent_body_bytes. */
enum reply_result reply_run(struct reply *p, struct record *r) MUST_USE;

/* True while a read is in flight: the exchange must not be reused. */
bool reply_is_busy(const struct reply *p);

/* Closes the file and gives the chunk back. Nothing may be in flight. */
void reply_deinit(struct reply *p, struct record *r);

/* The error_page row for a status; NULL: none. */
const struct error_page *reply_error_page(const struct record *r, unsigned status);

#endif
