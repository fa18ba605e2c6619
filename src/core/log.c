/* log - lines with a level, made safe to print and written at once.
 *
 * Owns nothing but the count of lost lines. One write(2) per line and target, so that lines of
 * several threads never mix: O_APPEND does that for files, PIPE_BUF for pipes. */
#include "core/log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static_assert(LOG_LEVEL_DEBUG == 7, "levels are the severities of syslog");
static_assert(LOG_LINE_BYTES_MAX <= PIPE_BUF, "a line goes into a pipe as a whole or not at all");

#define ESCAPE_BYTES 4 /* \xHH */

struct line {
    size_t len; /* at most LOG_LINE_BYTES_MAX - 1: a line feed always fits behind */
    char bytes[LOG_LINE_BYTES_MAX];
};

static const char *const level_names[LOG_LEVEL_COUNT] = {
    [LOG_LEVEL_EMERG] = "emerg", [LOG_LEVEL_ALERT] = "alert", [LOG_LEVEL_CRIT] = "crit",
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

static const struct log_target startup_target = {
    .fd = STDERR_FILENO,
    .level = LOG_LEVEL_NOTICE,
    .is_startup = true,
};

static const struct log startup_log = {.targets = &startup_target, .target_count = 1};

/* Of the process and not of a log: a line may be lost while a log is being replaced. */
static _Atomic uint64_t lost_count;

int log_level_parse(struct span word, enum log_level *level)
{
    for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (span_equals(word, span_of_cstr(level_names[i]))) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
    assert(level < LOG_LEVEL_COUNT);
    return level_names[level];
}

const struct log *log_startup(void)
{
    return &startup_log;
}

bool log_takes(const struct log *l, enum log_level level)
{
    for (size_t i = 0; i < l->target_count; i++) {
        if (level <= l->targets[i].level)
            return true;
    }
    return false;
}

uint64_t log_lost_count(void)
{
    return atomic_load_explicit(&lost_count, memory_order_relaxed);
}

/* Opening a pipe for writing alone waits for a reader, or fails without one; for reading, too, it
 * does neither: fifo(7). */
int log_open(const char *path)
{
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC;
    int fd = open(path, O_WRONLY | O_NONBLOCK | flags, 0644);
    int error;

    if (fd < 0 && errno == ENXIO)
        fd = open(path, O_RDWR | O_NONBLOCK | flags, 0644);
    if (fd < 0)
        return -errno;
    /* Else io_uring would fail a write that has to wait. */
    if (fcntl(fd, F_SETFL, O_APPEND) == 0)
        return fd;
    error = errno;
    (void)close(fd);
    return -error;
}

/* What stands before the text. Without a time zone it would be UTC, as everywhere in libc. */
static void begin_line(struct line *line, const struct log_target *target, enum log_level level)
{
    time_t now = time(NULL);
    struct tm t;
    int len;

    if (target->is_startup || !localtime_r(&now, &t))
        len = snprintf(line->bytes, sizeof(line->bytes), "ringway: [%s] ", log_level_name(level));
    else
        len = snprintf(line->bytes, sizeof(line->bytes),
                       "%04d/%02d/%02d %02d:%02d:%02d [%s] %d#%d: ", t.tm_year + 1900, t.tm_mon + 1,
                       t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, log_level_name(level),
                       (int)getpid(), (int)gettid());
    assert(len > 0);
    line->len = (size_t)len;
}

/* The length of the character at the start of s, or 0 when its first byte must be escaped: what
 * is no UTF-8 (RFC 3629 section 4), or a control of ASCII or of U+0080 to U+009F, which terminals
 * obey too. */
static size_t character_bytes(struct span s)
{
    static const struct {
        unsigned char first, last; /* of the first byte */
        unsigned char second_min, second_max;
        unsigned char len;
    } rows[] = {
        {0x20, 0x7e, 0x00, 0x00, 1}, {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *b = (const unsigned char *)s.data;
    size_t i = 0;

    while (i < COUNT_OF(rows) && !(b[0] >= rows[i].first && b[0] <= rows[i].last))
        i++;
    if (i == COUNT_OF(rows) || s.len < rows[i].len)
        return 0;
    if (rows[i].len > 1 && !(b[1] >= rows[i].second_min && b[1] <= rows[i].second_max))
        return 0;
    for (size_t at = 2; at < rows[i].len; at++) {
        if ((b[at] & 0xc0) != 0x80)
            return 0;
    }
    return rows[i].len;
}

/* The text behind what is there, escaped where it must be and cut where the line is full. */
static void append_text(struct line *line, struct span text)
{
    while (text.len) {
        size_t plain = character_bytes(text);
        size_t need = plain ? plain : ESCAPE_BYTES;

        if (need > LOG_LINE_BYTES_MAX - 1 - line->len)
            return;
        if (plain)
            memcpy(line->bytes + line->len, text.data, plain);
        else
            (void)span_escape(span_take(text, 1), line->bytes + line->len, ESCAPE_BYTES);
        line->len += need;
        text = span_skip(text, plain ? plain : 1);
    }
}

/* A pipe or a terminal that would take a line now, and whose reader is still there: POLLERR comes
 * with POLLOUT where it is not. */
static bool is_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

/* Pipes know RWF_NOWAIT since Linux 6.4, terminals do not. There the question is asked before;
 * that leaves a gap only where several threads meet at a pipe with room for one line. */
static ssize_t write_to_stream(int fd, struct line *line)
{
    struct iovec piece = {.iov_base = line->bytes, .iov_len = line->len};
    ssize_t n;

    if (!is_writable(fd))
        return -1;
    n = pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
    if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        n = write(fd, line->bytes, line->len);
    return n;
}

static ssize_t write_line(int fd, struct line *line)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISSOCK(st.st_mode))
        return send(fd, line->bytes, line->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
        return write_to_stream(fd, line);
    return write(fd, line->bytes, line->len);
}

/* True when all of it was taken. A datagram needs no line feed. */
static bool send_line(const struct log_target *target, enum log_level level, struct line *line)
{
    ssize_t n;

    if (target->syslog)
        return syslog_send(target->syslog, target->fd, (unsigned)level,
                           span_of(line->bytes, line->len));
    line->bytes[line->len++] = '\n';
    do {
        n = write_line(target->fd, line);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)line->len;
}

static void write_to_target(const struct log_target *target, enum log_level level, struct span text)
{
    struct line line;

    begin_line(&line, target, level);
    append_text(&line, text);
    if (!send_line(target, level, &line))
        atomic_fetch_add_explicit(&lost_count, 1, memory_order_relaxed);
}

void log_write(const struct log *l, enum log_level level, const char *format, ...)
{
    int saved_errno = errno; /* a caller logs first and returns -errno then */
    char text[LOG_LINE_BYTES_MAX];
    va_list args;
    int len;

    if (!log_takes(l, level))
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(len >= 0);
    for (size_t i = 0; i < l->target_count; i++) {
        if (level <= l->targets[i].level)
            write_to_target(&l->targets[i], level,
                            span_of(text, size_min((size_t)len, sizeof(text) - 1)));
    }
    errno = saved_errno;
}
