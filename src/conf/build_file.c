/* build_file - certificates, keys and lists: files that a configuration names, read once. */
#include "conf/build_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool conf_file_is_there(const struct conf *c, struct span path)
{
    return !c->options.reads_nothing && access(path.data, R_OK) == 0;
}

static int fail_errno(const struct conf *c, const struct word *path, const char *directive,
                      const char *call)
{
    int code = errno;

    return conf_fail_at(c, &path->origin, "\"%s\" \"%.*s\": %s failed (%d: %s)", directive,
                        SPAN_ARG(path->text), call, code, strerror(code));
}

static int read_whole(struct conf *c, const struct word *path, const char *directive, int fd,
                      struct span *text)
{
    struct stat st;
    char *data;
    size_t len = 0;
    ssize_t n = 1;

    if (fstat(fd, &st) < 0)
        return fail_errno(c, path, directive, "fstat()");
    if (!S_ISREG(st.st_mode) || st.st_size > BUILD_FILE_BYTES_MAX)
        return conf_fail_at(c, &path->origin, "\"%s\" \"%.*s\" is not a file of at most %d bytes",
                            directive, SPAN_ARG(path->text), BUILD_FILE_BYTES_MAX);
    data = arena_alloc(c->arena, (size_t)st.st_size + 1);
    if (!data)
        return conf_fail_no_memory(c);
    while (len < (size_t)st.st_size && n != 0) {
        n = read(fd, data + len, (size_t)st.st_size - len);
        if (n < 0 && errno != EINTR)
            return fail_errno(c, path, directive, "read()");
        len += n > 0 ? (size_t)n : 0;
    }
    data[len] = '\0';
    *text = span_of(data, len);
    if (!len)
        return conf_fail_at(c, &path->origin, "\"%s\" \"%.*s\" is empty", directive,
                            SPAN_ARG(path->text));
    return 0;
}

static int read_new(struct conf *c, const struct word *path, const char *directive,
                    struct span *text)
{
    int fd, rc;

    errno = ENOENT;
    fd = c->options.reads_nothing ? -1 : open(path->text.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(c, path, directive, "open()");
    rc = read_whole(c, path, directive, fd, text);
    close(fd);
    return rc;
}

int conf_read_file(struct conf *c, const struct word *path, const char *directive,
                   struct span *text)
{
    const struct file_read *known = c->files.items;
    struct file_read *added;
    int rc;

    for (size_t i = 0; i < c->files.count; i++) {
        if (span_equals(known[i].path, path->text)) {
            *text = known[i].text;
            return 0;
        }
    }
    rc = read_new(c, path, directive, text);
    if (rc)
        return rc;
    added = vector_add(c, &c->files, sizeof(*added));
    if (!added)
        return -ENOMEM;
    *added = (struct file_read){.path = path->text, .text = *text};
    return 0;
}

/* A password in each line; the end of a line does not belong to it. */
int conf_read_passwords(struct conf *c, const struct word *path, const char *directive,
                        struct tls_passwords *out)
{
    struct vector list = {0};
    struct span text = SPAN_NONE;
    int rc = path->text.len ? conf_read_file(c, path, directive, &text) : 0;

    if (rc)
        return rc;
    while (text.len) {
        size_t end = span_index_of(text, '\n');
        struct span line = span_take(text, end);
        struct span *added;

        text = span_skip(text, size_min(end + 1, text.len));
        if (line.len && line.data[line.len - 1] == '\r')
            line.len--;
        if (!line.len)
            continue;
        added = vector_add(c, &list, sizeof(*added));
        if (!added)
            return -ENOMEM;
        *added = line;
    }
    *out = (struct tls_passwords){list.items, list.count};
    return 0;
}
