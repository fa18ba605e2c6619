/* privilege - from root to the user that the configuration names.
 *
 * Threads share a user: glibc carries a change to all of them. Capabilities are each thread's own:
 * workers lose all of theirs, the control thread keeps what a reload needs. */
#ifndef RINGWAY_SERVER_PRIVILEGE_H
#define RINGWAY_SERVER_PRIVILEGE_H

#include "conf/snapshot.h"

/* Whom the process becomes when root started it: the user directive's, else nobody, as in nginx.
 * False: it stays who it is. */
struct privilege_user {
    uid_t uid;
    gid_t gid;
    char name[64];
};
bool privilege_user_of(const struct main_conf *conf, struct privilege_user *out);

/* Gives log files to that user, so that they can be opened again after the change. */
void privilege_give_logs(const struct snapshot *s, const struct privilege_user *user);

/* Changes the user of all threads; for the control thread, once workers have their rings.
 * 0, or negative errno with a message. */
int privilege_drop(const struct privilege_user *user, char *error, size_t error_size) MUST_USE;

#endif
