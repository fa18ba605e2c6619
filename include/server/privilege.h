/* privilege - from root to the user that the configuration names.
 *
 * Threads share a user: glibc carries a change to all of them. Capabilities are each thread's own:
 * workers lose all of theirs, the control thread keeps what a reload needs. */
#ifndef RINGWAY_SERVER_PRIVILEGE_H
#define RINGWAY_SERVER_PRIVILEGE_H

#include "conf/snapshot.h"

/* Where root started it: makes all threads the user of the user directive, else nobody, as nginx
 * does, and gives that user the log files, which are opened again later, and the folders of
 * temporary files. Otherwise nothing. For the control thread, once workers have their rings. 0, or
 * negative errno with a message. */
int privilege_drop(const struct snapshot *s, char *error, size_t error_size) MUST_USE;

#endif
