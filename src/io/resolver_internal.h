/* resolver_internal - what the files of the resolver's room share, and nobody else sees. */
#ifndef RINGWAY_IO_RESOLVER_INTERNAL_H
#define RINGWAY_IO_RESOLVER_INTERNAL_H

#include <ares.h>

#include "io/resolver.h"

/* From now on *error, which outlives the channel, is why its last socket could not be opened, as
 * errno says; 0: it could. */
void resolver_note_sockets(ares_channel channel, int *error);

/* Of a status of c-ares, with that error of its sockets. */
struct resolver_failure resolver_failure_of(int status, int socket_error);

#endif
