/* log_cache - access logs whose path has variables: opened when a record comes, and kept open as
 * open_log_file_cache says.
 *
 * Files lie in one list, the one that was used last in front, and are found by hash of their path:
 * a miss costs a system call at least, so that a walk over some hundred hashes is no matter. */
#include "proxy/log_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cached_file {
    struct list link; /* in engine.log_files */
    struct log_file file;
    uint64_t hash;
    unsigned holders;
    bool is_gone;           /* the path is another file by now: none is found here */
    uint64_t kept_until_ms; /* 0: closed when nobody holds it */
    uint64_t uses_since_ms, use_count;
    uint64_t uses_min, files_max; /* of whoever used it last */
    uint64_t checked_ms;
    char path[];
};

static struct cached_file *cached(struct log_file *file)
{
    return container_of(file, struct cached_file, file);
}

static void close_file(struct engine *e, struct cached_file *f)
{
    assert(!f->holders);
    if (f->file.fd >= 0)
        (void)close(f->file.fd);
    list_remove(&f->link);
    e->log_file_count--;
    free(f);
}

/* What is kept no longer, and the oldest where there are too many. */
static void expire(struct engine *e, uint64_t files_max)
{
    uint64_t now_ms = loop_now_ms(e->loop);
    struct list *link = e->log_files.prev;

    while (link != &e->log_files) {
        struct cached_file *f = list_entry(link, struct cached_file, link);
        bool is_over = f->kept_until_ms <= now_ms || f->is_gone || e->log_file_count > files_max;

        link = link->prev;
        if (!f->holders && is_over)
            close_file(e, f);
    }
}

static struct cached_file *find(struct engine *e, struct span path, uint64_t hash)
{
    list_for_each (link, &e->log_files) {
        struct cached_file *f = list_entry(link, struct cached_file, link);

        if (f->hash == hash && !f->is_gone && span_equals(f->file.path, path))
            return f;
    }
    return NULL;
}

static int open_path(struct cached_file *f)
{
    f->file.fd = log_open(f->path);
    return f->file.fd < 0 ? f->file.fd : 0;
}

/* A path with a NUL byte within would be another file's. */
static struct cached_file *add(struct engine *e, struct span path, uint64_t hash)
{
    struct cached_file *f;

    if (!path.len || memchr(path.data, '\0', path.len)) {
        errno = EINVAL;
        return NULL;
    }
    f = calloc(1, sizeof(*f) + path.len + 1);
    if (!f)
        return NULL;
    memcpy(f->path, path.data, path.len);
    f->hash = hash;
    f->file = (struct log_file){.path = span_of(f->path, path.len), .fd = -1};
    f->checked_ms = f->uses_since_ms = loop_now_ms(e->loop);
    list_init(&f->link);
    list_push_front(&e->log_files, &f->link);
    e->log_file_count++;
    return f;
}

/* Somebody moved the file away, or removed it. */
static bool is_another_file(const struct cached_file *f)
{
    struct stat open_one, named;

    if (f->file.fd < 0)
        return false;
    return fstat(f->file.fd, &open_one) < 0 || stat(f->path, &named) < 0 ||
           open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev;
}

static void note_use(struct cached_file *f, const struct log_cache_conf *conf, uint64_t now_ms)
{
    if (!conf)
        return;
    if (now_ms - f->uses_since_ms > conf->inactive_ms) {
        f->uses_since_ms = now_ms;
        f->use_count = 0;
    }
    f->use_count++;
    f->uses_min = conf->uses_min;
    f->files_max = conf->files_max;
    f->kept_until_ms = now_ms + conf->inactive_ms;
}

/* The file of a path that is what the path names now; NULL: not there. */
static struct cached_file *find_valid(struct engine *e, struct span path, uint64_t hash,
                                      const struct log_cache_conf *conf)
{
    uint64_t now_ms = loop_now_ms(e->loop);
    struct cached_file *f = find(e, path, hash);

    if (!f || !conf || now_ms - f->checked_ms < conf->valid_ms)
        return f;
    f->checked_ms = now_ms;
    if (!is_another_file(f))
        return f;
    f->is_gone = true;
    return NULL;
}

void log_cache_init(struct engine *e)
{
    list_init(&e->log_files);
    e->log_file_count = 0;
}

struct log_file *log_cache_take(struct engine *e, struct span path,
                                const struct log_cache_conf *conf)
{
    uint64_t hash = span_hash(path);
    struct cached_file *f = find_valid(e, path, hash, conf);
    int rc = 0;

    if (!f)
        f = add(e, path, hash);
    if (!f)
        return NULL;
    list_remove(&f->link);
    list_push_front(&e->log_files, &f->link);
    note_use(f, conf, loop_now_ms(e->loop));
    f->holders++;
    if (f->file.fd < 0)
        rc = open_path(f);
    if (conf)
        expire(e, conf->files_max);
    if (!rc)
        return &f->file;
    f->holders--;
    close_file(e, f);
    errno = -rc;
    return NULL;
}

void log_cache_hold(struct log_file *file)
{
    cached(file)->holders++;
}

void log_cache_release(struct engine *e, struct log_file *file)
{
    struct cached_file *f = cached(file);

    assert(f->holders);
    if (--f->holders)
        return;
    if (f->is_gone || f->kept_until_ms <= loop_now_ms(e->loop) ||
        e->log_file_count > f->files_max) {
        close_file(e, f);
        return;
    }
    if (f->use_count < f->uses_min) {
        (void)close(f->file.fd);
        f->file.fd = -1;
    }
}

void log_cache_deinit(struct engine *e)
{
    list_for_each_safe (link, &e->log_files)
        close_file(e, list_entry(link, struct cached_file, link));
}
