/* resource - what the host must give: file descriptors and memory for all workers. */
#include "server/resource.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors beside connections: of the process (standard ones, signals, pid), of each worker
 * (its ring, a spare one). */
#define PROCESS_DESCRIPTORS 32
#define WORKER_DESCRIPTORS 4

/* What a connection takes even when nothing happens on it, TLS apart. */
#define CONNECTION_BYTES_MIN 2048

/* --- descriptors ---------------------------------------------------------------------------- */

/* While names are asked for: a UDP and a TCP socket to each server. */
static uint64_t resolver_descriptors(const struct snapshot *s)
{
    uint64_t count = 0;

    for (size_t i = 0; i < s->resolver_count; i++)
        count += 2 * s->resolvers[i]->settings.server_count;
    return count;
}

/* A request to a static file holds the file beside its connection, so twice the connections is
 * what can come at the worst, and once is what must be there. */
static uint64_t descriptors_for(const struct snapshot *s, uint64_t per_connection)
{
    return PROCESS_DESCRIPTORS + s->log_file_count +
           s->main.worker_count * (WORKER_DESCRIPTORS + s->listen_count + resolver_descriptors(s) +
                                   per_connection * s->main.worker_connections);
}

static int apply_directive(uint64_t wanted, char *error, size_t error_size)
{
    struct rlimit limit = {.rlim_cur = wanted, .rlim_max = wanted};
    struct rlimit old;
    int code;

    /* Lowering the hard limit could not be taken back by a reload. */
    if (getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_max > wanted)
        limit.rlim_max = old.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    code = errno;
    snprintf(error, error_size,
             "worker_rlimit_nofile %" PRIu64 ": setrlimit(RLIMIT_NOFILE) "
             "failed (%d: %s): start as root, or raise the hard limit (LimitNOFILE= in systemd)",
             wanted, code, strerror(code));
    return -code;
}

/* Without the directive: as far as it may be useful and is allowed. */
static void raise_as_allowed(uint64_t needed, uint64_t useful)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= useful)
        return;
    if (limit.rlim_max < needed) {
        struct rlimit higher = {.rlim_cur = needed, .rlim_max = needed};

        (void)setrlimit(RLIMIT_NOFILE, &higher); /* root may */
        return;
    }
    limit.rlim_cur = u64_min(limit.rlim_max, useful);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int resource_raise_descriptors(const struct snapshot *s, char *error, size_t error_size)
{
    uint64_t needed = descriptors_for(s, 1);
    struct rlimit limit;

    if (s->main.rlimit_nofile) {
        int rc = apply_directive(s->main.rlimit_nofile, error, error_size);

        if (rc)
            return rc;
    } else {
        raise_as_allowed(needed, descriptors_for(s, 2));
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed)
        return 0;
    snprintf(error, error_size,
             "%u workers with %" PRIu64 " worker_connections each need %" PRIu64
             " file descriptors, and RLIMIT_NOFILE allows %" PRIu64 ": lower worker_connections or "
             "worker_processes, or raise the limit (worker_rlimit_nofile as root, ulimit -n, "
             "LimitNOFILE= in systemd)",
             s->main.worker_count, s->main.worker_connections, needed, (uint64_t)limit.rlim_cur);
    return -EMFILE;
}

/* --- memory --------------------------------------------------------------------------------- */

/* The number behind a label in a small file of the kernel's; UINT64_MAX where it says none. */
static uint64_t read_number(const char *path, const char *label)
{
    char text[4096];
    const char *at;
    char *end;
    uint64_t value;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0)
        return UINT64_MAX;
    len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[len > 0 ? len : 0] = '\0';
    at = strstr(text, label);
    if (!at)
        return UINT64_MAX;
    at += strlen(label);
    value = strtoull(at, &end, 10);
    return end == at ? UINT64_MAX : value;
}

/* In a container its root is the limit's own folder; outside, the root has none. */
static uint64_t memory_bytes_available(void)
{
    uint64_t host_kib = read_number("/proc/meminfo", "MemAvailable:");
    uint64_t group = read_number("/sys/fs/cgroup/memory.max", "");
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        group = u64_min(group, limit.rlim_cur);
    return u64_min(host_kib == UINT64_MAX ? host_kib : host_kib * 1024, group);
}

/* What limit_req_zone and limit_conn_zone come to once they are full. */
static uint64_t zone_bytes(const struct snapshot *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->limit_zone_count; i++)
        sum += u64_min(s->limit_zones[i]->bytes, UINT64_MAX - sum);
    return sum;
}

int resource_check_memory(const struct snapshot *s, char *error, size_t error_size)
{
    uint64_t buffers = (uint64_t)SMALL_BUFFER_BYTES * SMALL_BUFFER_COUNT +
                       s->main.tuning.receive_buffer_bytes * s->main.tuning.receive_buffer_count;
    uint64_t needed =
        s->main.worker_count * (buffers + s->main.worker_connections * CONNECTION_BYTES_MIN);
    uint64_t available = memory_bytes_available();
    uint64_t zones = zone_bytes(s);

    if (needed <= available && zones <= available - needed)
        return 0;
    if (needed <= available) {
        snprintf(error, error_size,
                 "the zones of limit_req_zone and limit_conn_zone take %" PRIu64
                 " MiB of memory, and %" PRIu64 " MiB are left for them: make them smaller",
                 zones >> 20, (available - needed) >> 20);
        return -ENOMEM;
    }
    snprintf(error, error_size,
             "%u workers with %" PRIu64 " worker_connections each need at least "
             "%" PRIu64 " MiB of memory, and %" PRIu64
             " MiB are available: lower worker_processes, "
             "worker_connections or receive_buffers",
             s->main.worker_count, s->main.worker_connections, needed >> 20, available >> 20);
    return -ENOMEM;
}
