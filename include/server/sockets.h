/* sockets - the listening sockets of all workers, for one snapshot.
 *
 * Owned by control, which remembers descriptors only: a worker owns each socket once it was handed
 * over. One socket per worker and address, shared out by the kernel (SO_REUSEPORT); of a unix
 * socket each worker has a duplicate. An address that stays over a reload keeps its sockets, so
 * that no connection in a queue is lost, with the options that the new snapshot says. */
#ifndef RINGWAY_SERVER_SOCKETS_H
#define RINGWAY_SERVER_SOCKETS_H

#include "conf/snapshot.h"

struct sockets {
    unsigned worker_count;
    size_t listen_count;
    int *fds;     /* [worker * listen_count + listen]; -1: none */
    bool *is_new; /* of each: opened for this snapshot, not kept from the one before */
};

/* For whom sockets are opened, and what there is already. */
struct sockets_wish {
    const struct snapshot *snapshot;
    unsigned worker_count;
    const struct sockets *before; /* NULL, as the snapshot: there is nothing yet */
    const struct snapshot *before_snapshot;
};

/* Opens what the snapshot before does not have. 0, or negative errno with one line, and then
 * nothing is open that was not before, and no file is left of it. */
int sockets_open(struct sockets *s, const struct sockets_wish *wish, char *error,
                 size_t error_size) MUST_USE;

/* Closes those that are new: they were not handed over. */
void sockets_close_new(struct sockets *s);
void sockets_close_new_of(struct sockets *s, unsigned worker);

/* Frees the tables and closes nothing. */
void sockets_deinit(struct sockets *s);

/* One worker's descriptors by listen, malloc()ed; NULL: no memory. */
int *sockets_of_worker(const struct sockets *s, unsigned worker) MUST_USE;

/* The worker did not take the new ones: they are gone. */
void sockets_refused(struct sockets *s, unsigned worker);

/* Removes the files of unix sockets that `after` (NULL: none) does not listen on. */
void sockets_unlink(const struct snapshot *before, const struct snapshot *after);

#endif
