/* syslog - lines to a log server, as nginx sends them: datagrams in the manner of RFC 3164.
 *
 * The socket is not connected: a server that begins again is found again. */
#ifndef RINGWAY_CORE_SYSLOG_H
#define RINGWAY_CORE_SYSLOG_H

#include "core/address.h"

#define SYSLOG_TAG_BYTES_MAX 32
#define SYSLOG_HEAD_BYTES_MAX 384 /* with a host name of 255 bytes */

struct syslog_target {
    struct address server;
    unsigned facility; /* 0 to 23 */
    unsigned severity; /* 0 to 7; what says its own takes the place of it */
    struct span tag;
    bool omits_host_name;
};

/* "local7", "info": the number, or -EINVAL. */
int syslog_facility_parse(struct span word) MUST_USE;
int syslog_severity_parse(struct span word) MUST_USE;

/* A socket for the server's family; negative errno. */
int syslog_open(const struct syslog_target *t) MUST_USE;

/* "<190>Oct 11 22:14:15 host tag: ", into out; the length. */
size_t syslog_head(const struct syslog_target *t, unsigned severity,
                   char out[SYSLOG_HEAD_BYTES_MAX]);

/* Sends one line with its head. Never blocks. False: it is lost. */
bool syslog_send(const struct syslog_target *t, int fd, unsigned severity, struct span line);

#endif
