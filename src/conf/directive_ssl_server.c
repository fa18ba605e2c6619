/* directive_ssl_server - the directives of TLS towards clients: their table. */
#include "conf/directive_ssl_server.h"

#include "conf/setter.h"
#include "conf/setter_ssl.h"

#define SERVER(member) ROW_AT(struct level, server_tls.member)

#define ZONE_BYTES_MIN (32 * 1024)
#define BUILTIN_SESSIONS 20480
#define SESSION_BYTES 512

/* The zone of a name, made once; "": what a worker of nginx's would have for itself. */
static int find_zone(struct conf *c, const struct node *n, const struct session_zone *wanted,
                     const struct session_zone **out)
{
    struct session_zone *const *all = c->session_zones.items, **added, *zone;

    for (size_t i = 0; i < c->session_zones.count; i++) {
        if (!span_equals(all[i]->name, wanted->name))
            continue;
        *out = all[i];
        if (all[i]->bytes == wanted->bytes)
            return 0;
        return conf_fail(c, n,
                         "the size %llu of session cache \"%.*s\" conflicts with already declared "
                         "size %llu",
                         (unsigned long long)wanted->bytes, SPAN_ARG(wanted->name),
                         (unsigned long long)all[i]->bytes);
    }
    zone = arena_zalloc(c->arena, sizeof(*zone));
    if (!zone)
        return conf_fail_no_memory(c);
    added = vector_add(c, &c->session_zones, sizeof(*added));
    if (!added)
        return -ENOMEM;
    *zone = *wanted;
    *added = zone;
    *out = zone;
    c->snapshot->session_zones = c->session_zones.items;
    c->snapshot->session_zone_count = c->session_zones.count;
    return 0;
}

/* "shared:name:size", "builtin" or "builtin:sessions". 0 or -EINVAL. */
static int parse_zone(struct span word, struct session_zone *out)
{
    size_t at = span_last_index_of(word, ':');
    uint64_t sessions = BUILTIN_SESSIONS;
    int rc = 0;

    *out = (struct session_zone){.name = SPAN("")};
    if (span_starts_with(word, SPAN("shared:")) && at > sizeof("shared:") - 1 && at < word.len) {
        out->name = span_skip(span_take(word, at), sizeof("shared:") - 1);
        return setter_parse_size(span_skip(word, at + 1), false, &out->bytes);
    }
    if (span_starts_with(word, SPAN("builtin:")))
        rc = span_to_u64(span_skip(word, at + 1), &sessions);
    else if (!span_equals(word, SPAN("builtin")))
        rc = -EINVAL;
    out->bytes = u64_min(sessions ? sessions : BUILTIN_SESSIONS, UINT32_MAX) * SESSION_BYTES;
    return rc;
}

/* off | none | [builtin[:size]] [shared:name:size]; of two the shared one counts. */
static int set_session_cache(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    const struct session_zone **out = setter_value(s, d);
    struct session_zone wanted = {.bytes = 0}, zone;

    *out = NULL;
    for (size_t i = 1; i < n->word_count; i++) {
        struct span word = n->words[i];

        if (span_equals(word, SPAN("off")) || span_equals(word, SPAN("none")))
            continue;
        if (parse_zone(word, &zone))
            return conf_fail(c, n, "invalid session cache \"%.*s\"", SPAN_ARG(word));
        if (zone.name.len && zone.bytes < ZONE_BYTES_MIN)
            return conf_fail(c, n, "session cache \"%.*s\" is too small", SPAN_ARG(word));
        if (!wanted.bytes || zone.name.len)
            wanted = zone;
    }
    return wanted.bytes ? find_zone(c, n, &wanted, out) : 0;
}

static const struct setter_word verify_client_words[] = {
    {"off", VERIFY_CLIENT_OFF},
    {"on", VERIFY_CLIENT_ON},
    {"optional", VERIFY_CLIENT_OPTIONAL},
    {"optional_no_ca", VERIFY_CLIENT_OPTIONAL_NO_CA},
    {NULL, 0},
};

/* nginx has no lower limit but fails on 0. */
static int set_buffer_size(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    uint64_t *size = setter_value(s, d);
    int rc = set_size(c, s, d, n);

    return rc || *size ? rc : setter_fail_value(c, n, n->words[1]);
}

static const bool of_servers = true; /* a detail of set_conf_command() */
static const struct setter_bounds depth_bounds = {0, 100};

static const struct directive rows[] = {
    {.name = "ssl_certificate",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_certificates,
     SERVER(certificates),
     .help = "a server's certificate, with its chain, PEM; several for several kinds of keys; with "
             "variables each handshake chooses",
     .difference = "no \"engine:\" or \"store:\"; one that cannot be loaded is answered with "
                   "unrecognized_name; a server whose certificate has variables has no other"},
    {.name = "ssl_certificate_key",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_certificates,
     SERVER(certificate_keys),
     .help = "the secret key of ssl_certificate, PEM; several in the order of the certificates",
     .difference = "no \"engine:\" or \"store:\""},
    {.name = "ssl_reject_handshake",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(reject_handshake),
     .help = "whether handshakes for the server's names are refused, by unrecognized_name"},
    {.name = "ssl_certificate_cache",
     .syntax = "off | max=N [inactive=time] [valid=time]",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 1,
     .args_max = 3,
     .set = set_certificate_cache,
     SERVER(certificate_cache),
     .help = "how many certificates with variables each worker keeps; off: they are read for each "
             "handshake"},
    {.name = "ssl_password_file",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(password_file),
     .help = "passwords for secret keys, one in a line"},
    {.name = "ssl_protocols",
     .syntax = "[TLSv1.2] [TLSv1.3]",
     .preset = "TLSv1.2 TLSv1.3",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_protocols,
     SERVER(protocols),
     .help = "versions of TLS for clients",
     .difference = PROTOCOLS_DIFFERENCE},
    {.name = "ssl_ciphers",
     .syntax = "ciphers",
     .preset = "HIGH:!aNULL:!MD5",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_ciphers,
     SERVER(ciphers),
     .help = "suites for clients, as an OpenSSL cipher string",
     .difference = CIPHERS_DIFFERENCE},
    {.name = "ssl_prefer_server_ciphers",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(prefer_server_ciphers),
     .help = "whether our order of suites counts, and not the client's"},
    {.name = "ssl_ecdh_curve",
     .syntax = "curve[:curve...] | auto",
     .preset = "auto",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_text,
     SERVER(curves),
     .help = "groups for the key exchange with clients, the preferred one first; auto: "
             "X25519:prime256v1:secp384r1:secp521r1",
     .difference =
         "X25519, X448, prime256v1, secp384r1, secp521r1 and ffdhe2048 are what there is"},
    {.name = "ssl_dhparam",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(dhparam),
     .help = "parameters for DHE suites, PEM, of 2048 bits or more; without them there are none"},
    {.name = "ssl_conf_command",
     .syntax = "name value",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_conf_command,
     .detail = &of_servers,
     SERVER(conf_commands),
     .help = "OpenSSL's MinProtocol, MaxProtocol, Protocol, CipherString, Ciphersuites, Curves, "
             "Groups, and of Options ServerPreference and SessionTicket",
     .difference = "no other commands"},
    {.name = "ssl_buffer_size",
     .syntax = "size",
     .preset = "16k",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_buffer_size,
     SERVER(buffer_size),
     .help = "how much goes into one TLS record to a client, at most",
     .difference = "more than 16k is 16k, the most that TLS allows"},
    {.name = "ssl_session_cache",
     .syntax = "off | none | [builtin[:size]] [shared:name:size]",
     .preset = "none",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 1,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_session_cache,
     SERVER(session_zone),
     .help = "where sessions are kept for clients that have no ticket, or get none: 1m is for 2048 "
             "of them, of all workers",
     .difference = "builtin is one cache of all workers; off is the same as none"},
    {.name = "ssl_session_timeout",
     .syntax = "time",
     .preset = "5m",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_seconds,
     SERVER(session_timeout_ms),
     .help = "how long clients may resume a session"},
    {.name = "ssl_session_tickets",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(session_tickets),
     .help = "whether clients get tickets to resume sessions with"},
    {.name = "ssl_session_ticket_key",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_paths,
     SERVER(ticket_keys),
     .help =
         "a key of 48 or 80 random bytes for tickets; several: the first one seals, all of them "
         "open; without: random keys that all workers share and change every 12 hours",
     .difference =
         "tickets are sealed with AES-256-GCM in either case; a ticket of a client with a "
         "certificate is good only while this process remembers it"},
    {.name = "ssl_client_certificate",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(client_certificate),
     .help = "CA certificates that clients are verified with, PEM",
     .difference = "they are not named to clients: wolfSSL cannot as it is built here"},
    {.name = "ssl_trusted_certificate",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(trusted_certificate),
     .help = "CA certificates that clients and OCSP responses are verified with, PEM"},
    {.name = "ssl_crl",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(crl),
     .help = "revoked certificates of clients, PEM"},
    {.name = "ssl_verify_client",
     .syntax = "on | off | optional | optional_no_ca",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_word,
     .detail = verify_client_words,
     SERVER(verify_client),
     .help = "whether clients need a certificate, and a good one"},
    {.name = "ssl_verify_depth",
     .syntax = "number",
     .preset = "1",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_number,
     .detail = &depth_bounds,
     SERVER(verify_depth),
     .help = "how long a client's chain of certificates may be"},
    {.name = "ssl_early_data",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(early_data),
     .help = "whether requests of TLS 1.3 are taken before a handshake is finished, which others "
             "may replay: see $ssl_early_data",
     .difference = "a ticket is good for early data once, in the process that gave it; never where "
                   "clients are asked for certificates, or for another name; at most 16k"},
    {.name = "ssl_stapling",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(stapling),
     .help = "whether clients that ask get an OCSP response for the certificate",
     .difference = "fetched at the start and renewed in time, not by the first client; always "
                   "checked that it is good, and signed for the certificate's issuer"},
    {.name = "ssl_stapling_file",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(stapling_file),
     .help = "the response to send, DER; it is not checked, and no responder is asked"},
    {.name = "ssl_stapling_responder",
     .syntax = "url",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_text,
     SERVER(stapling_responder),
     .help = "the OCSP responder to ask, http:// only, in place of the one that the certificate "
             "names"},
    {.name = "ssl_stapling_verify",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_flag,
     SERVER(stapling_verify),
     .help = "whether responses count only for a certificate that leads to one of "
             "ssl_trusted_certificate"},
};

const struct directive_table directive_ssl_server_table = {rows, COUNT_OF(rows)};
