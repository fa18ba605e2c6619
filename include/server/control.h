/* control - the process around the workers: start, signals, reload, stop.
 *
 * Owned by main; runs in the first thread, with a loop of its own that waits for signals and for
 * the workers' words. The only room that talks to all workers.
 * Invariant: a worker that refuses a snapshot keeps the one before; control goes on with the newer
 * one, and says so. */
#ifndef RINGWAY_SERVER_CONTROL_H
#define RINGWAY_SERVER_CONTROL_H

#include "server/source.h"

/* Serves the snapshot (one reference, taken over) until a signal ends it. Goes to the background
 * when the snapshot says so: returns in that process alone. The process's exit status: 0, or 1
 * after one line that says why it could not start. */
int control_run(struct source *source, struct snapshot *first) MUST_USE;

#endif
