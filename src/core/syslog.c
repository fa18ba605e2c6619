/* syslog - lines to a log server, as nginx sends them: datagrams in the manner of RFC 3164. */
#include "core/syslog.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HOST_NAME_BYTES 256 /* HOST_NAME_MAX of Linux is 64 */

/* By their numbers: RFC 3164 section 4.1.1. */
static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};
static const char *const severities[] = {
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
};

static int find_word(const char *const *words, size_t count, struct span word)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(word, span_of_cstr(words[i])))
            return (int)i;
    }
    return -EINVAL;
}

int syslog_facility_parse(struct span word)
{
    return find_word(facilities, COUNT_OF(facilities), word);
}

int syslog_severity_parse(struct span word)
{
    return find_word(severities, COUNT_OF(severities), word);
}

int syslog_open(const struct syslog_target *t)
{
    int fd = socket(t->server.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd < 0 ? -errno : fd;
}

size_t syslog_head(const struct syslog_target *t, unsigned severity,
                   char out[SYSLOG_HEAD_BYTES_MAX])
{
    char host[HOST_NAME_BYTES];
    char when[32] = "";
    time_t now = time(NULL);
    struct tm local;
    bool has_host = !t->omits_host_name && gethostname(host, sizeof(host)) == 0;
    int len;

    host[has_host ? sizeof(host) - 1 : 0] = '\0';
    if (localtime_r(&now, &local))
        (void)strftime(when, sizeof(when), "%b %e %H:%M:%S", &local);
    len = snprintf(out, SYSLOG_HEAD_BYTES_MAX, "<%u>%s %s%s%.*s: ", t->facility * 8 + severity,
                   when, host, has_host ? " " : "", SPAN_ARG(t->tag));
    assert(len > 0 && len < SYSLOG_HEAD_BYTES_MAX);
    return (size_t)len;
}

bool syslog_send(const struct syslog_target *t, int fd, unsigned severity, struct span line)
{
    char head[SYSLOG_HEAD_BYTES_MAX];
    struct sockaddr_storage to;
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = syslog_head(t, severity, head)},
        {.iov_base = (void *)(uintptr_t)line.data, .iov_len = line.len},
    };
    struct msghdr message = {
        .msg_name = &to,
        .msg_namelen = t->server.len,
        .msg_iov = parts,
        .msg_iovlen = COUNT_OF(parts),
    };

    memcpy(&to, &t->server.u, t->server.len);
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)(parts[0].iov_len + parts[1].iov_len);
}
