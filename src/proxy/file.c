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
    if (!r->location->settings.log_not_found && status_of_error(error) == 404)
        return 404;
    if (error == ENOTSUP) {
        r->detail = arena_printf(r->arena,
                                 "\"alias\" cannot be used in location \"%.*s\" where URI was "
                                 "rewritten",
                                 SPAN_ARG(r->location->pattern));
        return 500;
    }
    path = shown(r, path);
    r->detail = arena_printf(r->arena, "open() \"%.*s\" failed (%d: %s)", SPAN_ARG(path), error,
                             strerror(error));
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

/* What of a URI an alias does not stand in place of. */
static struct span rest_of(const struct record *r, struct span uri)
{
    size_t alias_bytes = r->location->settings.alias_bytes;

    if (alias_bytes == ALIAS_BYTES_ALL)
        return r->adds_uri_to_alias ? uri : SPAN("");
    return span_skip(uri, size_min(alias_bytes, uri.len));
}

int file_path(struct record *r, struct span below, struct span *path)
{
    const struct settings *s = &r->location->settings;
    struct span root;
    int result;

    *path = below;
    /* As nginx: what an alias stands in place of is there no more. */
    if (s->alias_bytes && r->keeps_uri)
        return ENOTSUP;
    if (record_expand(r, &s->root, &root) < 0)
        return ENOMEM;
    /* Variables without a value do not open the whole file system, unlike in nginx. */
    if (!root.len && !s->root.is_literal)
        return ENOENT;
    result = s->alias_bytes ? static_alias_join(root, below, r->arena, path)
                            : static_path_join(root, below, r->arena, path);
    return -result;
}

/* The path of record.uri; it is set also where that is no path. 0, or errno. */
static int path_of_uri(struct record *r, struct span *path)
{
    return file_path(r, rest_of(r, r->uri), path);
}

static int open_uri(struct record *r, struct file *f, struct span *path)
{
    int error = path_of_uri(r, path);

    return error ? error : open_path(f, path->data);
}

/* 0 where the folder is there, and one. */
static unsigned look_at_folder(struct record *r, struct span folder)
{
    struct stat st;

    if (stat(folder.data, &st))
        return fail(r, folder, errno);
    if (S_ISDIR(st.st_mode))
        return 0;
    folder = shown(r, folder);
    r->detail = arena_printf(r->arena, "\"%.*s\" is not a directory", SPAN_ARG(folder));
    return 500; /* as nginx, for an alias that names a file */
}

static unsigned refuse_listing(struct record *r, struct span folder)
{
    folder = shown(r, folder);
    r->detail =
        arena_printf(r->arena, "directory index of \"%.*s\" is forbidden", SPAN_ARG(folder));
    return 403;
}

static unsigned continue_at(struct record *r, struct span uri)
{
    r->uri = uri;
    return FILE_IS_ELSEWHERE;
}

/* 0 where that index file is not there, nor anything else wrong. */
static unsigned try_index(struct record *r, struct span folder, struct span name)
{
    struct span parts[2] = {r->uri, name}, path = name;
    struct stat st;
    int error;

    if (!name.len) /* it is made of variables that have no value */
        return 0;
    if (name.data[0] == '/')
        return continue_at(r, name);
    error = -static_alias_join(folder, name, r->arena, &path);
    if (!error)
        error = stat(path.data, &st) ? errno : 0;
    if (error)
        return status_of_error(error) == 404 ? 0 : fail(r, path, error);
    path = value_join(r, parts, 2, SPAN(""));
    return path.data ? continue_at(r, path) : fail(r, folder, ENOMEM);
}

/* As nginx: an index file that is absolute counts only where the folder is there, unless it is the
 * first of all. */
static unsigned find_index(struct record *r)
{
    const struct settings *s = &r->location->settings;
    struct span folder;
    int error = path_of_uri(r, &folder);
    unsigned status = error ? fail(r, folder, error) : 0;

    for (size_t i = 0; i < s->index_file_count && !status; i++) {
        struct span name;

        if (record_expand(r, &s->index_files[i], &name) < 0)
            return fail(r, r->uri, ENOMEM);
        status = try_index(r, folder, name);
        if (!status && i == 0)
            status = look_at_folder(r, folder);
    }
    if (!status && !s->index_file_count)
        status = look_at_folder(r, folder);
    return status ? status : refuse_listing(r, folder);
}

static unsigned open_named(struct record *r, struct file *f, struct span *path)
{
    int error = open_uri(r, f, path);

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
    if (names_directory)
        return find_index(r);
    status = open_named(r, f, &path);
    if (status == 0 && !S_ISREG(f->stat.st_mode)) {
        path = shown(r, path);
        r->detail = arena_printf(r->arena, "\"%.*s\" is not a regular file", SPAN_ARG(path));
        status = 404;
    }
    if (status)
        close_file(f);
    return status;
}
