/* file - the file that a request names, opened.
 *
 * By system calls, which take a microsecond where the kernel knows the path already. Through the
 * ring an open costs a turn more for each request, and where the path is not known a thread of the
 * kernel; so only contents are read by the loop, and the first look at a name on a slow disk holds
 * its worker up for one read of that disk. Links are followed, as in nginx. */
#ifndef RINGWAY_PROXY_FILE_H
#define RINGWAY_PROXY_FILE_H

#include <sys/stat.h>

#include "proxy/record.h"

#define FILE_IS_ELSEWHERE 1 /* in the place of a status */

/* A file below the root of the record's location. The caller closes it. */
struct file {
    int fd; /* -1: none */
    struct stat stat;
};

/* What stands below the root of the record's location, "/a", or follows its alias, as a path that
 * ends with a NUL. 0, or errno: then *path is something for a message; ENOTSUP: the URI was
 * rewritten, and the location has an alias. */
int file_path(struct record *r, struct span below, struct span *path) MUST_USE;

/* Opens the file of record.uri. For a path that ends in '/' record.uri becomes that of the first
 * index file that is there, or an absolute one, and FILE_IS_ELSEWHERE is returned: another location
 * may be the one for it. 0 with an open regular file; 301 for a directory without its slash; or the
 * status of an error (403, 404, 500, 503), which record.detail explains: then nothing is open. */
unsigned file_open(struct record *r, struct file *f) MUST_USE;

#endif
