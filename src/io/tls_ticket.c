/* tls_ticket - sessions that upstream servers gave us, to resume them.
 *
 * A ticket is a copy of wolfSSL's session: the live one changes with each ticket that comes
 * after. It knows nothing of the session that it came out of and may change threads.
 *
 * With a ticket goes no session id (RFC 5077 section 3.4). wolfSSL takes the ticket for accepted
 * whatever a server of TLS 1.2 answers, also when the ticket is one of TLS 1.3, and ends the
 * connection when it was not; without an id it goes by the messages that follow. */
#include "tls_internal.h"

#include <stdlib.h>
#include <string.h>

#define LIFETIME_MS_MAX (TLS_TICKET_LIFETIME_S_MAX * 1000)
#define TICKETS_WAITING_MAX 8 /* in one session, until they are taken; more are dropped */

/* What can be offered: wolfSSL fails with a longer one in TLS 1.3 (MAX_PSK_ID_LEN in its
 * internal.h), and in TLS 1.2 puts a ClientHello into one record, however long it is. */
#define TLS13_TICKET_BYTES_MAX 1536
#define TLS12_TICKET_BYTES_MAX (15 * 1024)

static_assert(TLS13_TICKET_BYTES_MAX <= TLS12_TICKET_BYTES_MAX, "one buffer takes both");
static_assert(TLS12_TICKET_BYTES_MAX + 1024 <= 16384, "a record has room for what goes with it");

/* Takes over the session; NULL without memory for either. */
static struct tls_ticket *ticket_of(WOLFSSL_SESSION *session, bool is_single_use)
{
    struct tls_ticket *ticket = session ? calloc(1, sizeof(*ticket)) : NULL;
    long seconds;

    if (!ticket) {
        wolfSSL_SESSION_free(session);
        return NULL;
    }
    seconds = wolfSSL_SESSION_get_timeout(session);
    if (!seconds && !is_single_use) {
        /* RFC 5077 section 3.3: a hint of 0 leaves the time to the client; wolfSSL would take
         * the session for expired at once. */
        seconds = TLS_TICKET_LIFETIME_S;
        (void)wolfSSL_SSL_SESSION_set_timeout(session, seconds);
    }
    ticket->session = session;
    ticket->is_single_use = is_single_use;
    ticket->lifetime_ms = u64_min(seconds > 0 ? (uint64_t)seconds * 1000 : 0, LIFETIME_MS_MAX);
    return ticket;
}

/* Without memory the next connection does a full handshake. */
static void keep(struct tls *t, WOLFSSL_SESSION *session, bool is_single_use)
{
    struct tls_ticket **end = &t->tickets;
    size_t waiting = 0;

    for (; *end; end = &(*end)->next)
        waiting++;
    if (waiting < TICKETS_WAITING_MAX)
        *end = ticket_of(session, is_single_use);
    else
        wolfSSL_SESSION_free(session);
}

/* wolfSSL tells the length of a ticket only by what fits into a buffer. */
static bool has_ticket_to_offer(WOLFSSL *ssl)
{
    unsigned char ticket[TLS12_TICKET_BYTES_MAX];
    word32 len = sizeof(ticket);

    if (wolfSSL_version(ssl) == TLS1_3_VERSION)
        len = TLS13_TICKET_BYTES_MAX;
    return wolfSSL_get_SessionTicket(ssl, ticket, &len) == WOLFSSL_SUCCESS && len > 0;
}

int tls_on_new_session(WOLFSSL *ssl, WOLFSSL_SESSION *session)
{
    struct tls *t = wolfSSL_GetIOReadCtx(ssl);

    if (wolfSSL_version(ssl) != TLS1_3_VERSION)
        t->has_new_session = true;
    else if (has_ticket_to_offer(ssl))
        keep(t, tls_session_copy_without_id(session), true);
    return 0; /* wolfSSL keeps its reference */
}

/* Only what the server can find again: by a ticket, or by an id that it gave. */
void tls_keep_session(struct tls *t)
{
    WOLFSSL_SESSION *session = wolfSSL_get_session(t->ssl);
    struct tls_session_parts parts;

    (void)tls_session_read(session, &parts);
    if (has_ticket_to_offer(t->ssl))
        keep(t, tls_session_copy_without_id(session), false);
    else if (parts.id_len && !wolfSSL_SESSION_has_ticket(session))
        keep(t, wolfSSL_SESSION_dup(session), false);
    explicit_bzero(&parts, sizeof(parts));
    t->has_new_session = false;
}

struct tls_ticket *tls_take_ticket(struct tls *t)
{
    struct tls_ticket *ticket = t->tickets;

    if (!t->is_finished || !ticket)
        return NULL;
    t->tickets = ticket->next;
    ticket->next = NULL;
    return ticket;
}

void tls_ticket_free(struct tls_ticket *ticket)
{
    if (!ticket)
        return;
    wolfSSL_SESSION_free(ticket->session);
    free(ticket);
}

bool tls_ticket_is_single_use(const struct tls_ticket *ticket)
{
    return ticket->is_single_use;
}

uint64_t tls_ticket_lifetime_ms(const struct tls_ticket *ticket)
{
    return ticket->lifetime_ms;
}

struct tls_ticket *tls_ticket_copy(const struct tls_ticket *ticket)
{
    struct tls_ticket *copy =
        ticket_of(wolfSSL_SESSION_dup(ticket->session), ticket->is_single_use);

    if (copy)
        copy->expires_ms = ticket->expires_ms;
    return copy;
}
