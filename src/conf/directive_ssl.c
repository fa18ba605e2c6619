/* directive_ssl - the directives of TLS towards upstreams: their table. */
#include "conf/directive_ssl.h"

#include "conf/setter.h"
#include "conf/setter_ssl.h"

#define CLIENT(member) ROW_AT(struct level, client_tls.member)
#define ONE_ARG .args_min = 1, .args_max = 1

#define CACHE_INACTIVE_MS 10000
#define CACHE_VALID_MS 60000

static int add_certificate_cache(struct conf *c, const struct certificate_cache_conf *draft,
                                 const struct certificate_cache_conf **out)
{
    struct certificate_cache_conf *cache = arena_alloc(c->arena, sizeof(*cache));

    if (!cache)
        return conf_fail_no_memory(c);
    *cache = *draft;
    cache->index = (unsigned)c->certificate_cache_count++;
    *out = cache;
    return 0;
}

/* off, or max=N [inactive=time] [valid=time]. */
static int set_certificate_cache(struct conf *c, struct scope *s, const struct directive *d,
                                 const struct node *n)
{
    const struct certificate_cache_conf **out = setter_value(s, d);
    struct certificate_cache_conf cache = {.inactive_ms = CACHE_INACTIVE_MS,
                                           .valid_ms = CACHE_VALID_MS};

    *out = NULL;
    if (n->word_count == 2 && span_equals(n->words[1], SPAN("off")))
        return 0;
    for (size_t i = 1; i < n->word_count; i++) {
        struct span word = n->words[i];
        size_t at = span_index_of(word, '=');
        struct span value = span_skip(word, size_min(at + 1, word.len));
        int rc = -EINVAL;

        if (span_starts_with(word, SPAN("max="))) {
            rc = span_to_u64(value, &cache.entries_max);
            rc = rc || !cache.entries_max ? -EINVAL : 0;
        } else if (span_starts_with(word, SPAN("inactive="))) {
            rc = setter_parse_seconds(value, &cache.inactive_ms);
        } else if (span_starts_with(word, SPAN("valid="))) {
            rc = setter_parse_seconds(value, &cache.valid_ms);
        }
        if (rc)
            return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(word));
    }
    if (!cache.entries_max)
        return conf_fail(c, n, "\"%s\" must have the \"max\" parameter", d->name);
    return add_certificate_cache(c, &cache, out);
}

static const struct setter_bounds depth_bounds = {0, 100};
static const struct setter_bounds tickets_bounds = {1, TICKETS_PER_IDENTITY_MAX};

static const struct directive rows[] = {
    {.name = "proxy_ssl_certificate",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_certificate,
     CLIENT(certificate),
     .help = "our certificate for upstreams, with its chain, PEM; with variables each request "
             "chooses; \"\": none",
     .difference = "no \"engine:\" or \"store:\"; a request never uses a connection that shows "
                   "another certificate"},
    {.name = "proxy_ssl_certificate_key",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_certificate,
     CLIENT(certificate_key),
     .help = "its secret key, PEM; may hold variables too",
     .difference = "no \"engine:\" or \"store:\""},
    {.name = "proxy_ssl_certificate_cache",
     .syntax = "off | max=N [inactive=time] [valid=time]",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 3,
     .set = set_certificate_cache,
     CLIENT(certificate_cache),
     .help = "how many certificates with variables each worker keeps; off: they are read for each "
             "request"},
    {.name = "proxy_ssl_ciphers",
     .syntax = "ciphers",
     .preset = "DEFAULT",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ciphers,
     CLIENT(ciphers),
     .help = "suites for connections to upstreams, as an OpenSSL cipher string",
     .difference = CIPHERS_DIFFERENCE},
    {.name = "proxy_ssl_conf_command",
     .syntax = "name value",
     .contexts = CONTEXT_LEVELS,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_conf_command,
     CLIENT(conf_commands),
     .help = "OpenSSL's MinProtocol, MaxProtocol, Protocol, CipherString, Ciphersuites",
     .difference = "no other commands"},
    {.name = "proxy_ssl_crl",
     .syntax = "file",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_path,
     CLIENT(crl),
     .help = "revoked certificates, PEM; every certificate of a chain needs its issuer's list"},
    {.name = "proxy_ssl_key_log",
     .syntax = "path",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_path,
     CLIENT(key_log),
     .help = "a file that gets the secrets of connections, for Wireshark: for debugging only"},
    {.name = "proxy_ssl_name",
     .syntax = "name",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_template,
     ROW_AT(struct level, proxy_ssl_name),
     .help = "the name that an upstream's certificate must carry, and that SNI sends",
     .difference = "without it the certificate must carry the host of the server line or of "
                   "proxy_pass; SAN only, no partial wildcards"},
    {.name = "proxy_ssl_password_file",
     .syntax = "file",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_path,
     CLIENT(password_file),
     .help = "passwords for the secret key, one in a line"},
    {.name = "proxy_ssl_protocols",
     .syntax = "[TLSv1.2] [TLSv1.3]",
     .preset = "TLSv1.2 TLSv1.3",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .set = set_protocols,
     CLIENT(protocols),
     .help = "versions of TLS for connections to upstreams",
     .difference = PROTOCOLS_DIFFERENCE},
    {.name = "proxy_ssl_server_name",
     .syntax = "on | off",
     .preset = "on",
     .nginx_preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     CLIENT(server_name),
     .help = "whether SNI is sent to upstreams"},
    {.name = "proxy_ssl_session_reuse",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     CLIENT(session_reuse),
     .help = "whether TLS sessions with upstreams are resumed",
     .difference = "tickets are kept per identity (address, names, CA, certificate), TLS 1.3 "
                   "tickets are used once"},
    {.name = "proxy_ssl_session_tickets",
     .syntax = "number",
     .preset = "32",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     .detail = &tickets_bounds,
     CLIENT(session_tickets),
     .help = "TLS sessions with an upstream that each worker keeps to resume them, per identity; 1 "
             "to 1024",
     .difference = "ringway's own"},
    {.name = "proxy_ssl_trusted_certificate",
     .syntax = "file",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_path,
     CLIENT(trusted_certificate),
     .help = "CA certificates that upstreams are verified with, PEM",
     .difference = "without it the system's CA store is used"},
    {.name = "proxy_ssl_verify",
     .syntax = "on | off",
     .preset = "on",
     .nginx_preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     CLIENT(verify),
     .help = "whether upstreams' certificates are verified",
     .difference = "off is obeyed and warned about at every start"},
    {.name = "proxy_ssl_verify_depth",
     .syntax = "number",
     .preset = "9",
     .nginx_preset = "1",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     .detail = &depth_bounds,
     CLIENT(verify_depth),
     .help = "how long an upstream's chain of certificates may be",
     .difference = "nginx's 1 fails chains with two intermediates"},
};

const struct directive_table directive_ssl_table = {rows, COUNT_OF(rows)};
