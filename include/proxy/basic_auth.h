/* basic_auth - auth_basic: a name and a password in each request (RFC 7617). */
#ifndef RINGWAY_PROXY_BASIC_AUTH_H
#define RINGWAY_PROXY_BASIC_AUTH_H

#include "proxy/record.h"
#include "proxy/user_file.h"

/* One question, from turn to turn: it begins as zero. */
struct basic_auth {
    bool is_prepared;
    struct span realm;
    struct user_question question;
};

#define BASIC_AUTH_WAITS 1 /* no status: it is to be asked again in the next turn */

/* 0: the realm is off; 200: the password is right; 401: it is not, and the record has the challenge
 * for the answer; 403 or 500: the file of users cannot be read. Says why in the error log. */
unsigned basic_auth_check(struct record *r, const struct basic_auth_conf *conf,
                          struct basic_auth *a);

#endif
