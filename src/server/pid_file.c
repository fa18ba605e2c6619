/* pid_file - the file that says which process to signal. */
#include "server/pid_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_TEXT_BYTES 32

static int explain(const char *call, struct span path, char *error, size_t error_size)
{
    int code = errno;

    snprintf(error, error_size, "%s \"%.*s\" failed (%d: %s)", call, SPAN_ARG(path), code,
             strerror(code));
    return -code;
}

/* The folder above, one level: "logs" beside a configuration, or a folder of ours under /run. */
static void make_folder(struct span path)
{
    size_t slash = span_last_index_of(path, '/');
    char folder[PATH_MAX];

    if (slash == 0 || slash >= path.len || slash >= sizeof(folder))
        return;
    memcpy(folder, path.data, slash);
    folder[slash] = '\0';
    (void)mkdir(folder, 0755); /* if that fails, opening the file says so */
}

int pid_file_write(struct span path, char *error, size_t error_size)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    char text[PID_TEXT_BYTES];
    int fd = open(path.data, flags, 0644);
    ssize_t written;
    int len;

    if (fd < 0 && errno == ENOENT) {
        make_folder(path);
        fd = open(path.data, flags, 0644);
    }
    if (fd < 0)
        return explain("open()", path, error, error_size);
    len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    written = write(fd, text, (size_t)len);
    if (close(fd) || written != len)
        return explain("write()", path, error, error_size);
    return 0;
}

int pid_file_read(struct span path, pid_t *pid, char *error, size_t error_size)
{
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    char text[PID_TEXT_BYTES];
    struct span number;
    uint64_t value = 0;
    ssize_t len;

    if (fd < 0)
        return explain("open()", path, error, error_size);
    len = read(fd, text, sizeof(text));
    (void)close(fd);
    if (len < 0)
        return explain("read()", path, error, error_size);
    number = span_of(text, (size_t)len);
    number = span_take(number, span_index_of(number, '\n'));
    /* 1 is never ours, and 0 and less would be groups of processes. */
    if (span_to_u64(number, &value) < 0 || value < 2 || value > INT_MAX) {
        snprintf(error, error_size, "invalid PID number in \"%.*s\"", SPAN_ARG(path));
        return -EINVAL;
    }
    *pid = (pid_t)value;
    return 0;
}

void pid_file_remove(struct span path)
{
    char ignored[512];
    pid_t pid;

    if (pid_file_read(path, &pid, ignored, sizeof(ignored)) == 0 && pid == getpid())
        (void)unlink(path.data);
}
