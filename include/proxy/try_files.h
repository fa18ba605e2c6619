/* try_files - the first of several files that is there.
 *
 * By system calls that a warm cache answers at once, as in file.h. */
#ifndef RINGWAY_PROXY_TRY_FILES_H
#define RINGWAY_PROXY_TRY_FILES_H

#include "proxy/record.h"

enum try_result {
    TRY_FOUND,  /* record.uri is now that of a file, or of a directory */
    TRY_LAST,   /* none is there: the status of t, or without one what *last says */
    TRY_FAILED, /* no memory */
};

/* Looks for the files of t. last: a URI with its arguments, or "@name". */
enum try_result try_files_run(struct record *r, const struct try_files *t,
                              struct span *last) MUST_USE;

#endif
