/* try_files - the first of several files that is there. */
#include "proxy/try_files.h"

#include <sys/stat.h>

#include "proxy/file.h"
#include "proxy/log_escape.h"
#include "proxy/request_log.h"
#include "proxy/value.h"
#include "proxy/variable.h"

static void note_error(struct record *r, struct span path, int error)
{
    if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == EINVAL)
        return;
    path = log_escape_copy(LOG_ESCAPE_DEFAULT, path, r->arena);
    request_log(r, LOG_LEVEL_ERROR, "stat() \"%.*s\" failed (%d: %s) while trying files",
                SPAN_ARG(path), error, strerror(error));
}

static bool is_there(struct record *r, struct span below, bool is_directory)
{
    struct span path;
    struct stat st;
    int error = file_path(r, below, &path);

    if (!error)
        error = stat(path.data, &st) ? errno : 0;
    if (error) {
        note_error(r, path, error);
        return false;
    }
    return S_ISDIR(st.st_mode) == is_directory;
}

/* As nginx: a text with variables, "$uri", may begin with what an alias stands in place of. */
static int expand(struct record *r, const struct template *t, struct span *text)
{
    size_t alias_bytes = r->location->settings.alias_bytes;

    if (record_expand(r, t, text) < 0)
        return -ENOMEM;
    if (!t->is_literal && alias_bytes && alias_bytes != ALIAS_BYTES_ALL &&
        alias_bytes <= r->uri.len && span_starts_with(*text, span_take(r->uri, alias_bytes)))
        *text = span_skip(*text, alias_bytes);
    return 0;
}

/* The URI of what was found. */
static enum try_result take(struct record *r, struct span below, bool is_directory)
{
    size_t alias_bytes = r->location->settings.alias_bytes;
    struct span parts[2] = {span_take(r->uri, size_min(alias_bytes, r->uri.len)), below};

    if (alias_bytes == ALIAS_BYTES_ALL) {
        if (is_directory)
            return TRY_FOUND;
        r->adds_uri_to_alias = true;
    } else if (alias_bytes) {
        below = value_join(r, parts, 2, SPAN(""));
    }
    r->uri = below;
    return below.data ? TRY_FOUND : TRY_FAILED;
}

enum try_result try_files_run(struct record *r, const struct try_files *t, struct span *last)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct try_file *f = &t->files[i];
        struct span below;

        if (expand(r, &f->path, &below) < 0)
            return TRY_FAILED;
        if (is_there(r, below, f->is_directory))
            return take(r, below, f->is_directory);
    }
    return !t->status && expand(r, &t->last, last) < 0 ? TRY_FAILED : TRY_LAST;
}
