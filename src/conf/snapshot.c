/* snapshot - a configuration as it is in force: counted, and its log files. */
#include "conf/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- counting ------------------------------------------------------------------------------- */

struct snapshot *snapshot_ref(struct snapshot *s)
{
    unsigned before = atomic_fetch_add_explicit(&s->ref_count, 1, memory_order_relaxed);

    assert(before > 0);
    return s;
}

static void free_snapshot(struct snapshot *s)
{
    for (size_t i = 0; i < s->log_file_count; i++) {
        if (s->log_files[i]->fd > STDERR_FILENO)
            close(s->log_files[i]->fd);
    }
    for (size_t i = 0; i < s->limit_zone_count; i++)
        limit_zone_unref(s->limit_zones[i]->zone);
    for (size_t i = 0; i < s->regex_count; i++)
        regex_free(s->regexes[i]);
    for (size_t i = 0; i < s->stapling_count; i++) {
        tls_staple_free(s->staplings[i].staple);
        tls_ocsp_free(s->staplings[i].ocsp);
    }
    for (size_t i = 0; i < s->session_zone_count; i++)
        tls_store_free(s->session_zones[i]->store);
    if (s->tls_server_shared)
        tls_server_shared_free(s->tls_server_shared);
    arena_deinit(&s->arena);
    free(s);
}

void snapshot_unref(struct snapshot *s)
{
    if (!s)
        return;
    /* Whoever frees must see all that the others did with it. */
    if (atomic_fetch_sub_explicit(&s->ref_count, 1, memory_order_acq_rel) == 1)
        free_snapshot(s);
}

/* --- zones of limits ------------------------------------------------------------------------ */

static struct limit_zone *zone_of(const struct snapshot *s, const struct limit_zone_conf *like)
{
    for (size_t i = 0; s && i < s->limit_zone_count; i++) {
        const struct limit_zone_conf *z = s->limit_zones[i];

        if (z->kind == like->kind && z->bytes == like->bytes && span_equals(z->name, like->name) &&
            span_equals(z->key.text, like->key.text))
            return z->zone;
    }
    return NULL;
}

/* --- sessions of clients --------------------------------------------------------------------- */

static struct tls_store *store_of(const struct snapshot *s, const struct session_zone *like)
{
    for (size_t i = 0; i < s->session_zone_count; i++) {
        const struct session_zone *z = s->session_zones[i];

        if (z->bytes == like->bytes && span_equals(z->name, like->name))
            return z->store;
    }
    return NULL;
}

static void replace_store(struct snapshot *s, struct session_zone *z, struct tls_store *kept)
{
    for (size_t i = 0; i < s->tls_server_profile_count; i++) {
        struct tls_server_settings *settings = &s->tls_server_profiles[i]->settings;

        if (settings->store == z->store)
            settings->store = kept;
    }
    tls_store_free(z->store);
    z->store = tls_store_ref(kept);
}

/* Ticket keys, and what is kept: they are good for servers whose settings did not change. */
static void keep_sessions(struct snapshot *s, const struct snapshot *before)
{
    if (s->tls_server_shared && before->tls_server_shared) {
        tls_server_shared_free(s->tls_server_shared);
        s->tls_server_shared = tls_server_shared_ref(before->tls_server_shared);
    }
    for (size_t i = 0; i < s->session_zone_count; i++) {
        struct tls_store *kept = store_of(before, s->session_zones[i]);

        if (kept && s->session_zones[i]->store)
            replace_store(s, s->session_zones[i], kept);
    }
}

/* --- all that outlives a configuration ------------------------------------------------------- */

int snapshot_take_zones(struct snapshot *s, const struct snapshot *before, char *error,
                        size_t error_size)
{
    if (before)
        keep_sessions(s, before);
    for (size_t i = 0; i < s->limit_zone_count; i++) {
        struct limit_zone_conf *z = s->limit_zones[i];
        struct limit_zone *kept = zone_of(before, z);

        z->zone = kept ? limit_zone_ref(kept) : limit_zone_new(z->bytes);
        if (z->zone)
            continue;
        snprintf(error, error_size, "could not allocate the zone \"%.*s\" of %zu bytes",
                 SPAN_ARG(z->name), z->bytes);
        return -ENOMEM;
    }
    return 0;
}

/* --- folders and log files ------------------------------------------------------------------- */

static int fail_errno(char *error, size_t error_size, const char *call, struct span path)
{
    int code = errno;

    snprintf(error, error_size, "%s \"%.*s\" failed (%d: %s)", call, SPAN_ARG(path), code,
             strerror(code));
    return -code;
}

int snapshot_make_folders(const struct snapshot *s, char *error, size_t error_size)
{
    for (size_t i = 0; i < s->folder_count; i++) {
        struct span path = s->folders[i];

        if (mkdir(path.data, 0700) && errno != EEXIST)
            return fail_errno(error, error_size, "mkdir()", path);
    }
    return 0;
}

/* The directory of the default logs comes into being with them. */
static void make_directory(struct span path)
{
    char directory[4096];
    size_t len = span_last_index_of(path, '/');

    if (len == path.len || len == 0 || len >= sizeof(directory))
        return;
    memcpy(directory, path.data, len);
    directory[len] = '\0';
    (void)mkdir(directory, 0755); /* opening says what went wrong */
}

/* A log server. */
static int open_socket(struct log_file *f, char *error, size_t error_size)
{
    f->fd = syslog_open(f->syslog);
    if (f->fd >= 0)
        return 0;
    errno = -f->fd;
    return fail_errno(error, error_size, "socket()", f->path);
}

static int open_file(struct log_file *f, char *error, size_t error_size)
{
    if (f->syslog)
        return open_socket(f, error, error_size);
    if (!f->path.len) {
        f->fd = STDERR_FILENO;
        return 0;
    }
    f->fd = log_open(f->path.data);
    if (f->fd == -ENOENT && f->is_preset) {
        make_directory(f->path);
        f->fd = log_open(f->path.data);
    }
    if (f->fd >= 0)
        return 0;
    errno = -f->fd;
    return fail_errno(error, error_size, "open()", f->path);
}

int snapshot_open_logs(struct snapshot *s, char *error, size_t error_size)
{
    for (size_t i = 0; i < s->log_file_count; i++) {
        int rc = open_file(s->log_files[i], error, error_size);

        if (rc)
            return rc;
    }
    for (size_t i = 0; i < s->log_use_count; i++)
        s->log_uses[i].target->fd = s->log_uses[i].file->fd;
    return 0;
}

static int reopen_file(const struct log_file *f, char *error, size_t error_size)
{
    int fd, rc;

    if (!f->path.len || f->fd < 0 || f->syslog)
        return 0;
    fd = log_open(f->path.data);
    if (fd < 0) {
        errno = -fd;
        return fail_errno(error, error_size, "open()", f->path);
    }
    /* dup3(2) closes the old file and puts the new one in its place in one step. */
    rc = dup3(fd, f->fd, O_CLOEXEC);
    if (rc < 0)
        rc = fail_errno(error, error_size, "dup3()", f->path);
    close(fd);
    return rc < 0 ? rc : 0;
}

int snapshot_reopen_logs(struct snapshot *s, char *error, size_t error_size)
{
    int first = 0;

    for (size_t i = 0; i < s->log_file_count; i++) {
        int rc = reopen_file(s->log_files[i], error, error_size);

        if (rc && !first)
            first = rc;
    }
    return first;
}
