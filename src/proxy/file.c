/* file - the file that a request names, opened. */
#include "proxy/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proxy/log_escape.h"
#include "proxy/static_file.h"
#include "proxy/value.h"
#include "proxy/variable.h"

static unsigned status_of_error(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EINVAL:
        return 404;
    case EACCES:
    case ELOOP:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    default:
        return 500;
    }
}

/* The path as it may stand in a message. */
static struct span shown(struct record *r, struct span path)
{
    return log_escape_copy(LOG_ESCAPE_DEFAULT, path, r->arena);
}

static unsigned fail(struct record *r, struct span path, int error)
{
    char text[64];

    path = shown(r, path);
    r->detail = arena_printf(r->arena, "open() \"%.*s\" failed (%d: %s)", SPAN_ARG(path), error,
                             strerror_r(error, text, sizeof(text)));
    return status_of_error(error);
}

static void close_file(struct file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}

/* O_NONBLOCK: nobody waits for the writer of a FIFO. 0, or errno. */
static int open_path(struct file *f, const char *path)
{
    int error;

    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0)
        return errno;
    if (fstat(f->fd, &f->stat) == 0)
        return 0;
    error = errno;
    close_file(f);
    return error;
}

/* What root and uri name together; *path is set also where it cannot be opened. 0, or errno. */
static int open_below_root(struct record *r, struct span uri, struct file *f, struct span *path)
{
    struct static_path joined;
    struct span root;
    int result;

    *path = uri;
    if (!uri.data || record_expand(r, &r->location->settings.root, &root) < 0)
        return ENOMEM;
    result = static_path_join(root, uri, r->arena, &joined);
    if (result < 0)
        return -result;
    *path = joined.full;
    return open_path(f, joined.full.data);
}

static unsigned refuse_listing(struct record *r, struct file *f)
{
    struct span path;
    int error = open_below_root(r, r->uri, f, &path);

    close_file(f);
    if (error)
        return fail(r, path, error);
    path = shown(r, path);
    r->detail = arena_printf(r->arena, "directory index of \"%.*s\" is forbidden", SPAN_ARG(path));
    return 403;
}

static unsigned open_index(struct record *r, struct file *f, struct span *path)
{
    const struct settings *s = &r->location->settings;

    for (size_t i = 0; i < s->index_file_count; i++) {
        struct span parts[2] = {r->uri, s->index_files[i]};
        struct span uri = value_join(r, parts, 2, SPAN(""));
        int error = open_below_root(r, uri, f, path);

        if (!error) {
            r->uri = uri;
            return 0;
        }
        if (status_of_error(error) != 404)
            return fail(r, *path, error);
    }
    return refuse_listing(r, f);
}

static unsigned open_named(struct record *r, struct file *f, struct span *path)
{
    int error = open_below_root(r, r->uri, f, path);

    if (error)
        return fail(r, *path, error);
    return S_ISDIR(f->stat.st_mode) ? 301 : 0;
}

unsigned file_open(struct record *r, struct file *f)
{
    bool names_directory = r->uri.len && r->uri.data[r->uri.len - 1] == '/';
    struct span path;
    unsigned status;

    f->fd = -1;
    status = names_directory ? open_index(r, f, &path) : open_named(r, f, &path);
    if (status == 0 && !S_ISREG(f->stat.st_mode)) {
        path = shown(r, path);
        r->detail = arena_printf(r->arena, "\"%.*s\" is not a regular file", SPAN_ARG(path));
        status = 404;
    }
    if (status)
        close_file(f);
    return status;
}
