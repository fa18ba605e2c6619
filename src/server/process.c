/* process - what the configuration says of the process: environment, priority, core files. */
#include "server/process.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static int set_environment(const struct main_conf *m)
{
    for (size_t i = 0; i < m->environment_count; i++) {
        struct span variable = m->environment[i];
        size_t name_len = span_index_of(variable, '=');
        char *name = strndup(variable.data, name_len);
        int rc = name ? setenv(name, variable.data + name_len + 1, 1) : -1;

        free(name);
        if (rc)
            return -ENOMEM;
    }
    tzset();
    return 0;
}

void process_limit_core(const struct main_conf *m, const struct log *log)
{
    struct rlimit limit;

    if (!m->rlimit_core)
        return;
    limit = (struct rlimit){.rlim_cur = *m->rlimit_core, .rlim_max = *m->rlimit_core};
    if (setrlimit(RLIMIT_CORE, &limit))
        log_write(log, LOG_LEVEL_ALERT,
                  "worker_rlimit_core: setrlimit(RLIMIT_CORE, %" PRIu64 ") failed (%d: %s)",
                  *m->rlimit_core, errno, strerror(errno));
}

int process_prepare(const struct main_conf *m, const struct log *log)
{
    if (m->priority && setpriority(PRIO_PROCESS, 0, m->priority))
        log_write(log, LOG_LEVEL_ALERT, "worker_priority: setpriority(%d) failed (%d: %s)",
                  m->priority, errno, strerror(errno));
    process_limit_core(m, log);
    return set_environment(m);
}

void process_allow_core(const struct main_conf *m)
{
    if (m->rlimit_core)
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* fails for wrong arguments alone */
}
