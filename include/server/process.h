/* process - what the configuration says of the process: environment, priority, core files.
 *
 * Of its start: a reload changes the size of core files alone. */
#ifndef RINGWAY_SERVER_PROCESS_H
#define RINGWAY_SERVER_PROCESS_H

#include "conf/snapshot.h"

/* env, worker_priority, worker_rlimit_core, before other threads are there. What is not allowed is
 * logged, and nobody has to go without the rest. 0, or -ENOMEM. */
int process_prepare(const struct main_conf *m, const struct log *log) MUST_USE;

/* worker_rlimit_core alone, at any time. */
void process_limit_core(const struct main_conf *m, const struct log *log);

/* Once the user has changed, by which the kernel takes the right to leave core files away. */
void process_allow_core(const struct main_conf *m);

#endif
