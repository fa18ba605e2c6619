/* pid_file - the file that says which process to signal.
 *
 * Owned by control from the moment that the process is the one that will stay. */
#ifndef RINGWAY_SERVER_PID_FILE_H
#define RINGWAY_SERVER_PID_FILE_H

#include <sys/types.h>

#include "core/span.h"

/* Writes this process's number; makes the folder when it is missing. path is NUL-terminated.
 * 0, or negative errno with a message. */
int pid_file_write(struct span path, char *error, size_t error_size) MUST_USE;

/* The number in the file. 0, or negative errno with a message. */
int pid_file_read(struct span path, pid_t *pid, char *error, size_t error_size) MUST_USE;

/* Removes it if it still says this process. */
void pid_file_remove(struct span path);

#endif
