/* credentials - name and password of a request's Authorization field (RFC 7617). */
#ifndef RINGWAY_HTTP_CREDENTIALS_H
#define RINGWAY_HTTP_CREDENTIALS_H

#include "http/message.h"

/* As views into a copy in the arena. False where there are none that are valid, or no memory. */
bool credentials_read(const struct head *request, struct arena *a, struct span *user,
                      struct span *password) MUST_USE;

#endif
