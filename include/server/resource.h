/* resource - what the host must give: file descriptors and memory for all workers.
 *
 * Asked at start, so that a limit is a line on the terminal and not a failure under load. */
#ifndef RINGWAY_SERVER_RESOURCE_H
#define RINGWAY_SERVER_RESOURCE_H

#include "conf/snapshot.h"

/* Raises RLIMIT_NOFILE: to worker_rlimit_nofile, else as far as workers may need and the host
 * allows. 0; negative errno, -EMFILE when it does not suffice, with one line that names cause and
 * remedy. */
int resource_raise_descriptors(const struct snapshot *s, char *error, size_t error_size) MUST_USE;

/* 0, or -ENOMEM with such a line when what workers take before the first connection, and their
 * connections at the least, is more than there is. */
int resource_check_memory(const struct snapshot *s, char *error, size_t error_size) MUST_USE;

#endif
