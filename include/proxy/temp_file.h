/* temp_file - files for what is too much for memory.
 *
 * Opened by system calls that a local disk answers at once; read and written by the loop. */
#ifndef RINGWAY_PROXY_TEMP_FILE_H
#define RINGWAY_PROXY_TEMP_FILE_H

#include "conf/snapshot.h"

/* A file in the folder that has no name, for reading and writing. Returns the descriptor, or
 * negative errno. */
int temp_file_open(struct span folder) MUST_USE;

/* A file with a name of its own: ten digits, below the folder and its levels, which are made where
 * they are missing. *name: the whole path, in the arena, with a NUL behind. The same returns. */
int temp_file_open_named(const struct body_files *files, struct arena *a,
                         struct span *name) MUST_USE;

#endif
