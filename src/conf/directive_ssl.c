/* directive_ssl - the directives of TLS, towards clients and upstreams: their table. */
#include "conf/directive_ssl.h"

#include <string.h>

#include "conf/setter.h"
#include "conf/ssl_command.h"

#define CLIENT(member) ROW_AT(struct level, client_tls.member)
#define SERVER(member) ROW_AT(struct level, server_tls.member)
#define ONE_ARG .args_min = 1, .args_max = 1

#define PROTOCOL_OLD 0x80000000u /* nginx has it, we do not */

static const struct setter_word protocol_words[] = {
    {"SSLv2", PROTOCOL_OLD},
    {"SSLv3", PROTOCOL_OLD},
    {"TLSv1", PROTOCOL_OLD},
    {"TLSv1.1", PROTOCOL_OLD},
    {"TLSv1.2", TLS_PROTOCOL_1_2},
    {"TLSv1.3", TLS_PROTOCOL_1_3},
    {NULL, 0},
};

static const struct setter_word *find_protocol(struct span name)
{
    for (const struct setter_word *w = protocol_words; w->name; w++) {
        if (span_equals_nocase(name, span_of_cstr(w->name)))
            return w;
    }
    return NULL;
}

static int set_protocols(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    unsigned *protocols = setter_value(s, d);
    unsigned seen = 0;

    *protocols = 0;
    for (size_t i = 1; i < n->word_count; i++) {
        const struct setter_word *word = find_protocol(n->words[i]);

        if (!word)
            return setter_fail_value(c, n, n->words[i]);
        if (seen & 1u << (word - protocol_words))
            conf_warn(c, &n->origin, "duplicate value \"%.*s\"", SPAN_ARG(n->words[i]));
        else if (word->value == PROTOCOL_OLD)
            conf_warn(c, &n->origin,
                      "\"%s\" in \"%s\" is dropped: it is obsolete and not secure (RFC 8996)",
                      word->name, d->name);
        else
            *protocols |= word->value;
        seen |= 1u << (word - protocol_words);
    }
    if (!*protocols)
        return conf_fail(c, n, "\"%s\" leaves no protocol: TLSv1.2 and TLSv1.3 are what there is",
                         d->name);
    return 0;
}

static int set_ciphers(struct conf *c, struct scope *s, const struct directive *d,
                       const struct node *n)
{
    struct tls_suites suites;
    char error[TLS_ERROR_BYTES];

    if (tls_suites_select(n->words[1], &suites, error, sizeof(error)) < 0)
        return conf_fail(c, n, "\"%s\" \"%.*s\": %s", d->name, SPAN_ARG(n->words[1]), error);
    return set_text(c, s, d, n);
}

/* proxy_ssl_conf_command: OpenSSL's commands that say the same as a directive. What they set
 * comes on top of it when the profile is made, as in nginx. */
static int set_conf_command(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    struct conf_command *command = vector_add(c, setter_value(s, d), sizeof(*command));
    struct ssl_commanded unused = {0};
    int rc = ssl_command_apply(n->words[1], n->words[2], &unused);

    if (!command)
        return -ENOMEM;
    if (rc == -ENOENT)
        return conf_fail(c, n,
                         "command \"%.*s\" of \"%s\" is not supported: there are MinProtocol, "
                         "MaxProtocol, Protocol, CipherString and Ciphersuites",
                         SPAN_ARG(n->words[1]), d->name);
    if (rc)
        return conf_fail(c, n, "invalid value \"%.*s\" of \"%.*s\" in \"%s\"",
                         SPAN_ARG(n->words[2]), SPAN_ARG(n->words[1]), d->name);
    *command = (struct conf_command){{n->words[1], n->origin}, n->words[2]};
    return 0;
}

static int set_certificates(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    struct word *word = vector_add(c, setter_value(s, d), sizeof(*word));

    if (!word)
        return -ENOMEM;
    if (span_is_empty(n->words[1]))
        return setter_fail_value(c, n, n->words[1]);
    return setter_take_path(c, d, n, word);
}

/* A path, or "data:" and PEM; both may hold variables. */
static int set_client_certificate(struct conf *c, struct scope *s, const struct directive *d,
                                  const struct node *n)
{
    struct certificate_draft *value = setter_value(s, d);
    struct span text = n->words[1];
    int rc;

    if (span_starts_with(text, SPAN("engine:")) || span_starts_with(text, SPAN("store:")))
        return conf_fail(c, n, "\"engine:\" and \"store:\" in \"%s\" are not supported", d->name);
    rc = conf_template(c, &n->origin, text, &value->value);
    if (rc)
        return rc;
    value->file = (struct word){.text = text, .origin = n->origin};
    if (!text.len || !value->value.is_literal || span_starts_with(text, SPAN("data:")))
        return 0;
    value->file.text = conf_file_path(c, text);
    return value->file.text.data ? 0 : -ENOMEM;
}

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

/* off | none | [builtin[:size]] [shared:name:size] */
static int set_session_cache(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    (void)s;
    (void)d;
    for (size_t i = 1; i < n->word_count; i++) {
        struct span word = n->words[i];
        uint64_t number;
        size_t at;
        int rc = 0;

        if (span_equals(word, SPAN("off")) || span_equals(word, SPAN("none")) ||
            span_equals(word, SPAN("builtin")))
            continue;
        at = span_last_index_of(word, ':');
        if (span_starts_with(word, SPAN("builtin:")))
            rc = span_to_u64(span_skip(word, at + 1), &number);
        else if (span_starts_with(word, SPAN("shared:")) && at > sizeof("shared:") - 1 &&
                 at < word.len)
            rc = setter_parse_size(span_skip(word, at + 1), false, &number);
        else
            rc = -EINVAL;
        if (rc)
            return conf_fail(c, n, "invalid session cache \"%.*s\"", SPAN_ARG(word));
    }
    return 0;
}

static const struct setter_word verify_client_words[] = {
    {"off", VERIFY_CLIENT_OFF},
    {"on", VERIFY_CLIENT_ON},
    {"optional", VERIFY_CLIENT_OPTIONAL},
    {"optional_no_ca", VERIFY_CLIENT_OPTIONAL_NO_CA},
    {NULL, 0},
};

static const struct setter_bounds depth_bounds = {0, 100};
static const struct setter_bounds tickets_bounds = {1, TICKETS_PER_IDENTITY_MAX};

#define PROTOCOLS_DIFFERENCE                                                            \
    "TLSv1.2 and TLSv1.3 only: older ones in a list are dropped with a warning, and a " \
    "list of nothing else is an error"
#define CIPHERS_DIFFERENCE "OpenSSL's cipher strings, evaluated over the suites that wolfSSL has"

static const struct directive rows[] = {
    /* Towards upstreams. */
    {.name = "proxy_ssl_certificate",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_client_certificate,
     CLIENT(certificate),
     .help = "our certificate for upstreams, with its chain, PEM; with variables each request "
             "chooses; \"\": none",
     .difference = "no \"engine:\" or \"store:\"; a request never uses a connection that shows "
                   "another certificate"},
    {.name = "proxy_ssl_certificate_key",
     .syntax = "file | data:PEM",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_client_certificate,
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

    /* Towards clients. */
    {.name = "ssl_certificate",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_certificates,
     SERVER(certificates),
     .help = "a server's certificate, with its chain, PEM; several for several kinds of keys"},
    {.name = "ssl_certificate_key",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_certificates,
     SERVER(certificate_keys),
     .help = "its secret key, PEM; in the order of the certificates"},
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
    {.name = "ssl_session_cache",
     .syntax = "off | none | [builtin[:size]] [shared:name:size]",
     .preset = "none",
     .contexts = CONTEXT_HTTP_SERVER,
     .args_min = 1,
     .args_max = 2,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_session_cache,
     SERVER(session_cache),
     .help = "clients resume by tickets, and those are good for every worker"},
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
    {.name = "ssl_client_certificate",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(client_certificate),
     .help = "CA certificates that clients are verified with, and that are named to them, PEM"},
    {.name = "ssl_trusted_certificate",
     .syntax = "file",
     .contexts = CONTEXT_HTTP_SERVER,
     ONE_ARG,
     .set = set_path,
     SERVER(trusted_certificate),
     .help = "CA certificates that clients are verified with, PEM"},
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
};

const struct directive_table directive_ssl_table = {rows, COUNT_OF(rows)};
