/* tls_key_log - the secrets of sessions, appended to a file in NSS's key log format.
 *
 * For debugging with a packet analyser, only where the configuration asks for it. Each line goes
 * out with one write(2), so lines of several workers do not mix. */
#include "tls_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RANDOM_BYTES 32
#define SECRET_BYTES_MAX 64
#define LINE_BYTES 256

static size_t put_hex(char *out, const unsigned char *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    return 2 * len;
}

static void write_line(struct tls *t, const char *label, const unsigned char *secret, size_t len)
{
    unsigned char random[RANDOM_BYTES];
    char line[LINE_BYTES];
    size_t at = strlen(label);

    if (len > SECRET_BYTES_MAX ||
        wolfSSL_get_client_random(t->ssl, random, sizeof(random)) != sizeof(random))
        return;
    memcpy(line, label, at);
    line[at++] = ' ';
    at += put_hex(line + at, random, sizeof(random));
    line[at++] = ' ';
    at += put_hex(line + at, secret, len);
    line[at++] = '\n';
    if (write(t->context->key_log_fd, line, at) < 0) {
        /* A full disk costs the log, not the connection. */
    }
}

static int on_tls13_secret(WOLFSSL *ssl, int id, const unsigned char *secret, int len,
                           void *session)
{
    static const char *const labels[] = {
        [CLIENT_EARLY_TRAFFIC_SECRET] = "CLIENT_EARLY_TRAFFIC_SECRET",
        [CLIENT_HANDSHAKE_TRAFFIC_SECRET] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        [SERVER_HANDSHAKE_TRAFFIC_SECRET] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        [CLIENT_TRAFFIC_SECRET] = "CLIENT_TRAFFIC_SECRET_0",
        [SERVER_TRAFFIC_SECRET] = "SERVER_TRAFFIC_SECRET_0",
        [EARLY_EXPORTER_SECRET] = "EARLY_EXPORTER_SECRET",
        [EXPORTER_SECRET] = "EXPORTER_SECRET",
    };

    (void)ssl;
    if (id >= 0 && (size_t)id < COUNT_OF(labels) && len > 0)
        write_line(session, labels[id], secret, (size_t)len);
    return 0;
}

void tls_key_log_attach(struct tls *t)
{
    (void)wolfSSL_set_tls13_secret_cb(t->ssl, on_tls13_secret, t);
    wolfSSL_KeepArrays(t->ssl);
}

/* TLS 1.2 has one secret, which is known at the end. */
void tls_key_log_finish(struct tls *t)
{
    struct tls_session_parts parts;

    if (wolfSSL_version(t->ssl) != TLS1_3_VERSION) {
        if (tls_session_read(wolfSSL_get_session(t->ssl), &parts))
            write_line(t, "CLIENT_RANDOM", parts.master_secret, sizeof(parts.master_secret));
        explicit_bzero(&parts, sizeof(parts));
    }
    wolfSSL_FreeArrays(t->ssl);
}
