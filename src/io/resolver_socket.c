/* resolver_socket - the sockets of c-ares, opened as it does itself: but it does not tell why one
 * cannot be. */
#include "resolver_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static ares_socket_t open_socket(int family, int type, int protocol, void *error)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    *(int *)error = fd < 0 ? errno : 0;
    return fd < 0 ? ARES_SOCKET_BAD : fd;
}

static int close_socket(ares_socket_t fd, void *error)
{
    (void)error;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
                          void *error)
{
    (void)error;
    return connect(fd, to, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *data, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *len, void *error)
{
    (void)error;
    return recvfrom(fd, data, size, flags, from, len);
}

static ares_ssize_t send_vectors(ares_socket_t fd, const struct iovec *vectors, int count,
                                 void *error)
{
    (void)error;
    return writev(fd, vectors, count);
}

void resolver_note_sockets(ares_channel channel, int *error)
{
    static const struct ares_socket_functions functions = {
        .asocket = open_socket,
        .aclose = close_socket,
        .aconnect = connect_socket,
        .arecvfrom = receive,
        .asendv = send_vectors,
    };

    ares_set_socket_functions(channel, &functions, error);
}
