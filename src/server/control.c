/* control - the process around the workers: start, signals, reload, stop. */
#include "server/control.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/background.h"
#include "server/pid_file.h"
#include "server/privilege.h"
#include "server/process.h"
#include "server/resource.h"
#include "server/signals.h"
#include "server/sockets.h"
#include "server/stapler.h"
#include "server/summary.h"
#include "server/worker.h"

#define CONTROL_ENTRIES 64
#define CONTROL_ERROR_BYTES LOG_LINE_BYTES_MAX

enum control_state {
    CONTROL_SERVING,
    CONTROL_DRAINING, /* QUIT: workers let their requests end */
    CONTROL_STOPPING,
};

struct control {
    const struct source *source;
    struct snapshot *snapshot; /* the newest in force */
    struct sockets sockets;    /* of that one */
    struct background background;
    struct stapler *stapler; /* of that snapshot; NULL: nothing to fetch */
    bool has_pid_file;
    char *pid_path; /* of the first snapshot: a reload does not move the file */

    struct stats stats;
    struct loop *loop;
    struct task task; /* decides what follows from the facts below */
    enum control_state state;
    struct worker *workers[WORKERS_MAX];
    unsigned worker_count;

    struct signals signals;
    unsigned drained_count;

    /* A reload under way: */
    struct snapshot *next; /* NULL: none */
    struct sockets next_sockets;
    unsigned swaps_pending, swaps_refused;
};

/* --- words ---------------------------------------------------------------------------------- */

static const struct log *log_of(const struct control *c)
{
    return &c->snapshot->main.error_log;
}

static int first_log_fd(const struct control *c)
{
    return log_of(c)->target_count ? log_of(c)->targets[0].fd : -1;
}

/* A failure to start: on standard error, as before there was a log, and in logs that are files. */
static void PRINTF_LIKE(2, 3) fail_start(const struct control *c, const char *format, ...)
{
    const struct log *log = log_of(c);
    char text[LOG_LINE_BYTES_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_write(log_startup(), LOG_LEVEL_EMERG, "%s", text);
    for (size_t i = 0; i < log->target_count; i++) {
        const struct log one = {.targets = &log->targets[i], .target_count = 1};

        if (one.targets->fd != STDERR_FILENO)
            log_write(&one, LOG_LEVEL_EMERG, "%s", text);
    }
}

static void log_summary(const struct control *c, const struct snapshot *s)
{
    struct stats sum = {0};

    for (unsigned i = 0; i < c->worker_count; i++)
        stats_sum(&sum, worker_stats(c->workers[i]));
    summary_log_counters(log_of(c), &sum);
    summary_log(log_of(c), s);
    for (unsigned i = 0; c->worker_count > 1 && i < c->worker_count; i++)
        summary_log_worker(log_of(c), i, worker_client_count(c->workers[i]),
                           worker_stats(c->workers[i]));
}

static void log_listens(const struct control *c)
{
    for (size_t i = 0; i < c->snapshot->listen_count; i++) {
        const struct listen_conf *l = &c->snapshot->listens[i];
        char address[ADDRESS_TEXT_BYTES];

        (void)address_format(&l->address, address);
        log_write(log_of(c), LOG_LEVEL_NOTICE, "listening on %s%s", address,
                  l->is_tls ? " with TLS" : "");
    }
}

/* --- stopping ------------------------------------------------------------------------------- */

/* Each says when it has drained, which with this takes no time. */
static void stop_workers(struct control *c)
{
    c->state = CONTROL_STOPPING;
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_stop(c->workers[i]);
}

static void worker_drained(void *control)
{
    struct control *c = control;

    c->drained_count++;
    loop_ready(c->loop, &c->task);
}

static void quit_workers(struct control *c)
{
    c->state = CONTROL_DRAINING;
    log_write(log_of(c), LOG_LEVEL_NOTICE, "gracefully shutting down");
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_quit(c->workers[i], c->snapshot->main.worker_shutdown_timeout_ms);
}

/* --- reload --------------------------------------------------------------------------------- */

static void keep_old(struct control *c, const char *why)
{
    log_write(log_of(c), LOG_LEVEL_ERROR,
              "%s%sconfiguration not reloaded: generation %" PRIu64 " stays in force", why,
              *why ? "; " : "", c->snapshot->generation);
}

static void warn_of_number(const struct control *c, const char *directive, uint64_t now,
                           uint64_t then)
{
    if (then != now)
        log_write(log_of(c), LOG_LEVEL_WARN, "%s %" PRIu64 " takes effect after a restart",
                  directive, then);
}

static void warn_of_tuning(const struct control *c, const struct tuning_conf *now,
                           const struct tuning_conf *then)
{
    warn_of_number(c, "ring_entries", now->ring_entries, then->ring_entries);
    if (then->receive_buffer_count != now->receive_buffer_count ||
        then->receive_buffer_bytes != now->receive_buffer_bytes)
        log_write(log_of(c), LOG_LEVEL_WARN,
                  "receive_buffers %" PRIu64 " %" PRIu64 " takes effect after a restart",
                  then->receive_buffer_count, then->receive_buffer_bytes);
    warn_of_number(c, "send_high_water", now->send_high_water, then->send_high_water);
    if (then->send_zerocopy_bytes)
        warn_of_number(c, "send_zerocopy", now->send_zerocopy_bytes, then->send_zerocopy_bytes);
    else if (now->send_zerocopy_bytes)
        log_write(log_of(c), LOG_LEVEL_WARN, "send_zerocopy off takes effect after a restart");
    warn_of_number(c, "busy_poll", now->busy_poll_us, then->busy_poll_us);
}

/* What cannot change while threads run is said, and left as it was. */
static void warn_of_restart(const struct control *c, const struct snapshot *next)
{
    const struct main_conf *now = &c->snapshot->main, *then = &next->main;

    if (then->worker_count != c->worker_count)
        log_write(log_of(c), LOG_LEVEL_WARN,
                  "worker_processes %u takes effect after a restart: "
                  "%u workers go on",
                  then->worker_count, c->worker_count);
    warn_of_number(c, "worker_connections", now->worker_connections, then->worker_connections);
    warn_of_tuning(c, &now->tuning, &then->tuning);
    if (then->priority != now->priority)
        log_write(log_of(c), LOG_LEVEL_WARN, "\"worker_priority\" takes effect after a restart");
    if (then->has_user != now->has_user || then->uid != now->uid || then->gid != now->gid)
        log_write(log_of(c), LOG_LEVEL_WARN, "\"user\" takes effect after a restart");
}

static void finish_reload(struct control *c)
{
    struct snapshot *old = c->snapshot;

    if (c->swaps_refused == c->worker_count) {
        sockets_unlink(c->next, old);
        sockets_deinit(&c->next_sockets);
        snapshot_unref(c->next);
        c->next = NULL;
        keep_old(c, "");
        return;
    }
    sockets_unlink(old, c->next);
    sockets_deinit(&c->sockets);
    c->sockets = c->next_sockets;
    c->next_sockets = (struct sockets){0};
    c->snapshot = c->next;
    c->next = NULL;
    background_redirect(&c->background, first_log_fd(c));
    log_write(log_of(c), LOG_LEVEL_NOTICE, "reloaded: generation %" PRIu64,
              c->snapshot->generation);
    log_summary(c, old);
    stapler_stop(c->stapler);
    stapler_start(c->snapshot, &c->stapler);
    snapshot_unref(old);
}

static void worker_swapped(void *control, unsigned index, const char *error)
{
    struct control *c = control;

    if (error) {
        log_write(log_of(c), LOG_LEVEL_ALERT, "worker %u keeps the configuration before: %s", index,
                  error);
        sockets_refused(&c->next_sockets, index);
        c->swaps_refused++;
    }
    assert(c->swaps_pending > 0);
    c->swaps_pending--;
    loop_ready(c->loop, &c->task);
}

static void swap_worker(struct control *c, unsigned index)
{
    struct worker_assignment a = {
        .snapshot = c->next,
        .listen_fds = sockets_of_worker(&c->next_sockets, index),
    };

    c->swaps_pending++;
    if (!a.listen_fds) {
        sockets_close_new_of(&c->next_sockets, index);
        worker_swapped(c, index, "no memory");
        return;
    }
    (void)snapshot_ref(c->next);
    if (worker_swap(c->workers[index], &a, worker_swapped) == 0)
        return;
    snapshot_unref(c->next);
    free(a.listen_fds);
    sockets_close_new_of(&c->next_sockets, index);
    worker_swapped(c, index, "no memory");
}

static int open_next_sockets(struct control *c, const struct snapshot *next,
                             char error[CONTROL_ERROR_BYTES])
{
    const struct sockets_wish wish = {.snapshot = next,
                                      .worker_count = c->worker_count,
                                      .before = &c->sockets,
                                      .before_snapshot = c->snapshot};

    return sockets_open(&c->next_sockets, &wish, error, CONTROL_ERROR_BYTES);
}

static void begin_reload(struct control *c)
{
    char error[CONTROL_ERROR_BYTES];
    struct snapshot *next;

    log_write(log_of(c), LOG_LEVEL_NOTICE, "reloading %s", source_name(c->source));
    if (source_build(c->source, log_of(c), false, &next)) {
        keep_old(c, "");
        return;
    }
    next->generation = c->snapshot->generation + 1;
    if (snapshot_take_zones(next, c->snapshot, error, sizeof(error)) ||
        snapshot_open_logs(next, error, sizeof(error)) ||
        snapshot_make_folders(next, error, sizeof(error)) || open_next_sockets(c, next, error)) {
        log_write(log_of(c), LOG_LEVEL_EMERG, "%s", error);
        snapshot_unref(next);
        keep_old(c, "");
        return;
    }
    if (resource_raise_descriptors(next, error, sizeof(error)))
        log_write(log_of(c), LOG_LEVEL_WARN, "%s", error);
    process_limit_core(&next->main, log_of(c));
    warn_of_restart(c, next);
    stapler_carry_over(c->snapshot, next);
    c->next = next;
    c->swaps_refused = 0;
    for (unsigned i = 0; i < c->worker_count; i++)
        swap_worker(c, i);
}

static void reopen_logs(struct control *c)
{
    char error[CONTROL_ERROR_BYTES];

    log_summary(c, c->snapshot);
    if (snapshot_reopen_logs(c->snapshot, error, sizeof(error)))
        log_write(log_of(c), LOG_LEVEL_EMERG, "%s", error);
    else
        log_write(log_of(c), LOG_LEVEL_NOTICE, "log files are opened again");
    background_redirect(&c->background, first_log_fd(c));
}

/* --- deciding ------------------------------------------------------------------------------- */

static void say_signal(struct control *c)
{
    struct signals *s = &c->signals;

    if (s->last_number)
        log_write(log_of(c), LOG_LEVEL_NOTICE, "signal %d (SIG%s) received from %d", s->last_number,
                  sigabbrev_np(s->last_number), s->last_sender);
    s->last_number = 0;
}

/* A signal more turns a graceful stop into a quick one. */
static void run_ending(struct control *c)
{
    struct signals *s = &c->signals;

    if (c->drained_count == c->worker_count)
        loop_stop(c->loop);
    else if (c->state == CONTROL_DRAINING && (s->wants_stop || s->wants_quit))
        stop_workers(c);
}

static void run_serving(struct control *c)
{
    struct signals *s = &c->signals;

    if (s->wants_stop)
        stop_workers(c);
    else if (s->wants_quit)
        quit_workers(c);
    else if (s->wants_reload && !c->next)
        begin_reload(c);
    else
        return; /* a reload that is asked for again waits for the one that is under way */
    s->wants_stop = s->wants_quit = s->wants_reload = false;
}

static void run(struct task *t)
{
    struct control *c = container_of(t, struct control, task);

    say_signal(c);
    if (c->next && c->swaps_pending == 0)
        finish_reload(c);
    if (c->signals.wants_reopen)
        reopen_logs(c);
    c->signals.wants_reopen = false;
    if (c->state == CONTROL_SERVING)
        run_serving(c);
    else
        run_ending(c);
}

/* --- start ---------------------------------------------------------------------------------- */

static int start_worker(struct control *c, unsigned index)
{
    char error[CONTROL_ERROR_BYTES] = "";
    struct worker_options o = {
        .index = index,
        .count = c->snapshot->main.worker_count,
        .beside = index ? c->workers[0] : NULL,
        .first = {.snapshot = c->snapshot, .listen_fds = sockets_of_worker(&c->sockets, index)},
        .control_loop = c->loop,
        .on_drained = worker_drained,
        .control = c,
    };
    int rc;

    if (!o.first.listen_fds) {
        fail_start(c, "no memory for worker %u", index);
        return -ENOMEM;
    }
    (void)snapshot_ref(c->snapshot);
    rc = worker_start(&o, &c->workers[index], error, sizeof(error));
    if (rc)
        fail_start(c, "%s", error);
    else
        c->worker_count++;
    return rc;
}

static int drop_privileges(struct control *c)
{
    char error[CONTROL_ERROR_BYTES];
    int rc = privilege_drop(c->snapshot, error, sizeof(error));

    if (rc)
        fail_start(c, "%s", error);
    return rc;
}

/* All paths are complete: nothing depends on where that is. */
static int enter_working_directory(struct control *c)
{
    struct span path = c->snapshot->main.working_directory;
    int code;

    if (!path.len || chdir(path.data) == 0)
        return 0;
    code = errno;
    fail_start(c, "chdir(\"%.*s\") failed (%d: %s)", SPAN_ARG(path), code, strerror(code));
    return -code;
}

/* Rings are made before the user changes: root is allowed more memory and io_uring itself, where a
 * sysctl keeps it from others. Nothing is accepted before. */
static int start_workers(struct control *c)
{
    int rc = 0;

    for (unsigned i = 0; i < c->snapshot->main.worker_count && !rc; i++)
        rc = start_worker(c, i);
    if (!rc)
        rc = drop_privileges(c);
    if (!rc)
        rc = enter_working_directory(c);
    if (rc)
        return rc;
    process_allow_core(&c->snapshot->main);
    workers_introduce(c->workers, c->worker_count);
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_go(c->workers[i]);
    return 0;
}

static int start_loop(struct control *c)
{
    const struct loop_options o = {.entries = CONTROL_ENTRIES, .stats = &c->stats};
    char error[CONTROL_ERROR_BYTES];
    int rc = loop_new(&o, &c->loop, error, sizeof(error));

    if (rc) {
        fail_start(c, "%s", error);
        return rc;
    }
    task_init(&c->task, run);
    rc = signals_init(&c->signals, c->loop, &c->task);
    if (rc)
        fail_start(c, "signals cannot be read: %s", strerror(-rc));
    return rc;
}

static int write_pid_file(struct control *c)
{
    char error[CONTROL_ERROR_BYTES];
    int rc;

    if (!c->source->conf_path)
        return 0;
    c->pid_path = strndup(c->snapshot->main.pid_path.data, c->snapshot->main.pid_path.len);
    if (!c->pid_path)
        return -ENOMEM;
    rc = pid_file_write(span_of_cstr(c->pid_path), error, sizeof(error));
    if (rc)
        fail_start(c, "%s", error);
    else
        c->has_pid_file = true;
    return rc;
}

/* What is checked and opened while the terminal still waits. */
static int prepare(struct control *c)
{
    char error[CONTROL_ERROR_BYTES] = "no memory";
    unsigned count = c->snapshot->main.worker_count;
    const struct sockets_wish wish = {.snapshot = c->snapshot, .worker_count = count};
    int rc = process_prepare(&c->snapshot->main, log_startup());

    if (!rc)
        rc = snapshot_take_zones(c->snapshot, NULL, error, sizeof(error));
    if (!rc)
        rc = snapshot_open_logs(c->snapshot, error, sizeof(error));
    if (rc) {
        log_write(log_startup(), LOG_LEVEL_EMERG, "%s", error);
        return rc;
    }
    rc = snapshot_make_folders(c->snapshot, error, sizeof(error));
    if (!rc)
        rc = resource_raise_descriptors(c->snapshot, error, sizeof(error));
    if (!rc)
        rc = resource_check_memory(c->snapshot, error, sizeof(error));
    if (!rc)
        rc = sockets_open(&c->sockets, &wish, error, sizeof(error));
    if (rc)
        fail_start(c, "%s", error);
    return rc;
}

static int go_to_background(struct control *c)
{
    int rc;

    if (!c->snapshot->main.is_daemon || !c->source->conf_path)
        return 0;
    rc = background_start(&c->background);
    if (rc)
        fail_start(c, "fork() failed: %s", strerror(-rc));
    return rc;
}

static void warn_of_kernel(const struct control *c)
{
    if (c->snapshot->main.tuning.send_zerocopy_bytes && !worker_has_zerocopy(c->workers[0]))
        log_write(log_of(c), LOG_LEVEL_WARN,
                  "send_zerocopy has no effect: this kernel, or a sandbox, does not offer "
                  "IORING_OP_SENDMSG_ZC, so what is sent is copied");
}

static void tell_started(struct control *c)
{
    warn_of_kernel(c);
    log_write(log_of(c), LOG_LEVEL_NOTICE,
              "ringway/" RINGWAY_VERSION " started: %u worker%s, "
              "generation %" PRIu64,
              c->worker_count, c->worker_count == 1 ? "" : "s", c->snapshot->generation);
    log_listens(c);
    background_tell(&c->background, first_log_fd(c));
}

static int start(struct control *c)
{
    int rc = prepare(c);

    if (!rc)
        rc = go_to_background(c);
    if (!rc)
        rc = start_loop(c);
    if (!rc)
        rc = write_pid_file(c);
    if (!rc)
        rc = start_workers(c);
    if (rc)
        return rc;
    stapler_start(c->snapshot, &c->stapler);
    tell_started(c);
    return 0;
}

/* --- end ------------------------------------------------------------------------------------ */

static void join_workers(struct control *c)
{
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_exit(c->workers[i]);
    if (c->loop)
        loop_turn(c->loop, 0); /* submits that */
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_join(c->workers[i]);
}

static void end(struct control *c)
{
    stapler_stop(c->stapler);
    signals_deinit(&c->signals);
    if (c->worker_count)
        log_summary(c, c->snapshot);
    join_workers(c);
    if (c->worker_count)
        log_write(log_of(c), LOG_LEVEL_NOTICE, "stopped");
    if (c->has_pid_file)
        pid_file_remove(span_of_cstr(c->pid_path));
    if (c->sockets.fds) /* else somebody else may listen there */
        sockets_unlink(c->snapshot, NULL);
    sockets_deinit(&c->sockets);
    sockets_deinit(&c->next_sockets);
    if (c->loop)
        loop_free(c->loop);
    snapshot_unref(c->next);
    snapshot_unref(c->snapshot);
    free(c->pid_path);
}

int control_run(struct source *source, struct snapshot *first)
{
    struct control c = {.source = source, .snapshot = first, .signals.fd = -1};
    int rc;

    first->generation = 1;
    background_init(&c.background);
    rc = start(&c);
    if (rc)
        stop_workers(&c);
    if (!rc || c.worker_count)
        loop_run(c.loop);
    end(&c);
    return rc ? 1 : 0;
}
