/* request_log - error log lines about a request: what happened, and behind it whose request it was,
 * in nginx's words: "..., client: 127.0.0.1, server: a, request: "GET / HTTP/1.1", upstream:
 * "https://...", host: "b"". */
#ifndef RINGWAY_PROXY_REQUEST_LOG_H
#define RINGWAY_PROXY_REQUEST_LOG_H

#include "proxy/record.h"

/* One line in the error log of the request's location. A '"' or '\\' of a stranger's in the text is
 * the caller's to escape (span_escape). */
void request_log(struct record *r, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
