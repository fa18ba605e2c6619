/* temp_file - opening files that others see not at all, or by a name that nothing else has. */
#include "proxy/temp_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_TRIES_MAX 16
#define NAME_DIGITS 10

/* For file systems that cannot make a file without a name: open(2), O_TMPFILE. */
static int open_and_unlink(struct span folder)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%.*s/ringway.XXXXXX", SPAN_ARG(folder));
    int fd;

    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)unlink(path);
    return fd;
}

int temp_file_open(struct span folder)
{
    int fd = open(folder.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    /* EISDIR: a kernel that does not know the flag. */
    return errno == EOPNOTSUPP || errno == EISDIR ? open_and_unlink(folder) : -errno;
}

/* "/folder/21/543/9876543210" for levels of 1 and 3... from the end of the number, as in nginx. */
static struct span name_of(const struct body_files *files, unsigned number, struct arena *a)
{
    struct span path = files->folder;
    char digits[NAME_DIGITS + 1];
    size_t left = NAME_DIGITS;

    snprintf(digits, sizeof(digits), "%010u", number);
    for (size_t i = 0; i < COUNT_OF(files->levels) && files->levels[i] && path.data; i++) {
        left -= files->levels[i];
        path = arena_printf(a, "%.*s/%.*s", SPAN_ARG(path), (int)files->levels[i], digits + left);
    }
    return path.data ? arena_printf(a, "%.*s/%s", SPAN_ARG(path), digits) : SPAN_NONE;
}

/* What stands between the folder and the name. Opening says what went wrong. */
static void make_levels(const struct body_files *files, struct span name)
{
    char path[PATH_MAX];

    for (size_t i = files->folder.len + 1; i < name.len && i < sizeof(path); i++) {
        if (name.data[i] != '/')
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)i, name.data);
        (void)mkdir(path, 0700);
    }
}

static int open_new(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd < 0 ? -errno : fd;
}

int temp_file_open_named(const struct body_files *files, struct arena *a, struct span *name)
{
    int fd = -EEXIST;

    for (unsigned i = 0; i < NAME_TRIES_MAX && fd == -EEXIST; i++) {
        unsigned number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
            return -EAGAIN;
        *name = name_of(files, number, a);
        if (!name->data)
            return -ENOMEM;
        fd = open_new(name->data);
        if (fd == -ENOENT) {
            make_levels(files, *name);
            fd = open_new(name->data);
        }
    }
    return fd;
}
