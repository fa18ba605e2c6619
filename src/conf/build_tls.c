/* build_tls - profiles of TLS: what proxy_ssl_* and ssl_* say, with the files read and tried. */
#include "conf/build_tls.h"

#include <string.h>

#include "conf/build_file.h"

/* Where distributions keep their CA store: Debian, Red Hat, SUSE, Alpine and the BSDs. */
static const char *const system_ca_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

#define SUITES_TEXT_BYTES 4096

/* --- what both sides share ------------------------------------------------------------------ */

/* A password in each line; the end of a line does not belong to it. */
static int read_passwords(struct conf *c, const struct word *path, const char *directive,
                          struct tls_passwords *out)
{
    struct vector list = {0};
    struct span text = SPAN_NONE;

    if (path->text.len && conf_read_file(c, path, directive, &text) < 0)
        return -EINVAL;
    while (text.len) {
        size_t end = span_index_of(text, '\n');
        struct span line = span_take(text, end);
        struct span *added;

        text = span_skip(text, size_min(end + 1, text.len));
        if (line.len && line.data[line.len - 1] == '\r')
            line.len--;
        if (!line.len)
            continue;
        added = vector_add(c, &list, sizeof(*added));
        if (!added)
            return -ENOMEM;
        *added = line;
    }
    *out = (struct tls_passwords){list.items, list.count};
    return 0;
}

static int select_suites(struct conf *c, const struct origin *o, const char *directive,
                         struct span text, struct tls_suites *out)
{
    char error[TLS_ERROR_BYTES];

    if (tls_suites_select(text, out, error, sizeof(error)) < 0)
        return conf_fail_at(c, o, "\"%s\" \"%.*s\": %s", directive, SPAN_ARG(text), error);
    return 0;
}

/* Values as parts of a digest: their bytes as they lie in memory, in this process only. */
#define PART_OF(value) span_of((const char *)&(value), sizeof(value))

/* --- OpenSSL's commands --------------------------------------------------------------------- */

/* All versions in their order; those that we do not have are 0. */
static const struct {
    const char *name;
    unsigned bit;
} versions[] = {
    {"SSLv3", 0}, {"TLSv1", 0}, {"TLSv1.1", 0}, {"TLSv1.2", TLS_PROTOCOL_1_2},
    {"TLSv1.3", TLS_PROTOCOL_1_3},
};

static int find_version(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        if (span_equals_nocase(name, span_of_cstr(versions[i].name)))
            return (int)i;
    }
    return -EINVAL;
}

/* The bits of the versions from first to last. */
static unsigned version_bits(size_t first, size_t last)
{
    unsigned bits = 0;

    for (size_t i = first; i <= last; i++)
        bits |= versions[i].bit;
    return bits;
}

/* "ALL,-TLSv1.2": each word adds, or removes with a '-'. */
static int apply_protocol_list(struct span list, unsigned *protocols)
{
    struct span word;

    while (span_next_element(&list, &word)) {
        bool removes = word.data[0] == '-';
        unsigned bits;
        int at;

        if (removes || word.data[0] == '+')
            word = span_skip(word, 1);
        at = find_version(word);
        if (at < 0 && !span_equals_nocase(word, SPAN("ALL")))
            return -EINVAL;
        bits = at < 0 ? version_bits(0, COUNT_OF(versions) - 1) : versions[at].bit;
        *protocols = removes ? *protocols & ~bits : *protocols | bits;
    }
    return 0;
}

static int apply_bound(struct span value, bool is_lower, unsigned *protocols)
{
    int at = find_version(value);

    if (span_equals_nocase(value, SPAN("None")))
        return 0;
    if (at < 0)
        return -EINVAL;
    *protocols &= is_lower ? version_bits((size_t)at, COUNT_OF(versions) - 1)
                           : version_bits(0, (size_t)at);
    return 0;
}

struct commanded {
    unsigned protocols;
    struct span ciphers;
    struct span tls13_suites;
};

static int apply_command(const struct conf_command *command, struct commanded *to)
{
    struct span name = command->name.text;

    if (span_equals_nocase(name, SPAN("MinProtocol")))
        return apply_bound(command->value, true, &to->protocols);
    if (span_equals_nocase(name, SPAN("MaxProtocol")))
        return apply_bound(command->value, false, &to->protocols);
    if (span_equals_nocase(name, SPAN("Protocol")))
        return apply_protocol_list(command->value, &to->protocols);
    if (span_equals_nocase(name, SPAN("CipherString")))
        to->ciphers = command->value;
    else
        to->tls13_suites = command->value;
    return 0;
}

static int apply_commands(struct conf *c, const struct client_tls_draft *draft,
                          struct commanded *to)
{
    const struct conf_command *commands = draft->conf_commands.items;

    for (size_t i = 0; i < draft->conf_commands.count; i++) {
        const struct conf_command *command = &commands[i];
        int rc = apply_command(command, to);

        if (rc)
            return conf_fail_at(c, &command->name.origin,
                                "invalid value \"%.*s\" of \"%.*s\" in \"proxy_ssl_conf_command\"",
                                SPAN_ARG(command->value), SPAN_ARG(command->name.text));
        if (!to->protocols)
            return conf_fail_at(c, &command->name.origin,
                                "\"proxy_ssl_conf_command\" leaves no protocol");
    }
    if (to->tls13_suites.len)
        to->ciphers = arena_printf(c->arena, "%.*s:%.*s", SPAN_ARG(to->ciphers),
                                   SPAN_ARG(to->tls13_suites));
    return to->ciphers.data ? 0 : conf_fail_no_memory(c);
}

/* --- towards upstreams ---------------------------------------------------------------------- */

static int read_system_ca(struct conf *c, const struct origin *o, struct span *ca)
{
    for (size_t i = 0; i < COUNT_OF(system_ca_paths); i++) {
        struct word path = {.text = span_of_cstr(system_ca_paths[i]), .origin = *o};

        if (conf_file_is_there(c, path.text))
            return conf_read_file(c, &path, "proxy_ssl_trusted_certificate", ca);
    }
    return conf_fail_at(c, o,
                        "the system's CA store was not found (%s and its like): name the CA of "
                        "your upstreams by \"proxy_ssl_trusted_certificate\"",
                        system_ca_paths[0]);
}

static int read_trust(struct conf *c, const struct client_tls_draft *draft,
                      const struct origin *o, struct tls_profile *p)
{
    p->settings.verifies = draft->verify;
    p->settings.verify_depth = (unsigned)draft->verify_depth;
    p->ca_origin = SPAN("the system's CA store");
    if (draft->crl.text.len &&
        conf_read_file(c, &draft->crl, "proxy_ssl_crl", &p->settings.crl_pem) < 0)
        return -EINVAL;
    if (draft->trusted_certificate.text.len) {
        p->ca_origin = draft->trusted_certificate.text;
        return conf_read_file(c, &draft->trusted_certificate, "proxy_ssl_trusted_certificate",
                              &p->settings.ca_pem);
    }
    return draft->verify ? read_system_ca(c, o, &p->settings.ca_pem) : 0;
}

static int read_client_pair(struct conf *c, const struct client_tls_draft *draft,
                            struct tls_profile *p)
{
    if (!draft->certificate.text.len)
        return 0;
    if (!draft->certificate_key.text.len)
        return conf_fail_at(c, &draft->certificate.origin,
                            "no \"proxy_ssl_certificate_key\" is defined for certificate \"%.*s\"",
                            SPAN_ARG(draft->certificate.text));
    if (conf_read_file(c, &draft->certificate, "proxy_ssl_certificate",
                       &p->settings.pair.certificate_pem) < 0 ||
        conf_read_file(c, &draft->certificate_key, "proxy_ssl_certificate_key",
                       &p->settings.pair.key_pem) < 0)
        return -EINVAL;
    return read_passwords(c, &draft->password_file, "proxy_ssl_password_file",
                          &p->settings.passwords);
}

static int read_client_settings(struct conf *c, const struct client_tls_draft *draft,
                                struct tls_profile *p)
{
    struct commanded commanded = {.protocols = draft->protocols, .ciphers = draft->ciphers.text};
    const struct origin *o = draft->ciphers.origin.line ? &draft->ciphers.origin : &p->origin;

    if (apply_commands(c, draft, &commanded) < 0)
        return -EINVAL;
    p->settings.protocols = commanded.protocols;
    if (draft->key_log.text.len)
        p->settings.key_log_path = draft->key_log.text.data;
    p->sends_sni = draft->server_name;
    p->reuses_sessions = draft->session_reuse;
    if (select_suites(c, o, "proxy_ssl_ciphers", commanded.ciphers, &p->settings.suites) < 0 ||
        read_trust(c, draft, &p->origin, p) < 0)
        return -EINVAL;
    return read_client_pair(c, draft, p);
}

static void digest_client(struct tls_profile *p)
{
    char suites[SUITES_TEXT_BYTES];
    const struct tls_client_settings *s = &p->settings;
    const struct span parts[] = {
        PART_OF(s->protocols),
        span_of(suites, tls_suites_text(&s->suites, suites, sizeof(suites))),
        s->pair.certificate_pem,
        s->pair.key_pem,
        PART_OF(s->verifies),
        s->ca_pem,
        s->crl_pem,
        PART_OF(s->verify_depth),
        span_of_cstr(s->key_log_path),
        PART_OF(p->sends_sni),
        PART_OF(p->reuses_sessions),
    };

    tls_identity_make(&p->settings_digest, parts, COUNT_OF(parts));
}

/* Makes a context and throws it away, so that a file that cannot work is found now. */
static int try_client(struct conf *c, const struct tls_client_settings *settings,
                      const char *directive, const struct word *file, const struct origin *o)
{
    struct tls_context *context;
    char error[TLS_ERROR_BYTES];
    int rc = tls_context_new_client(settings, &context, error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    if (rc && file && file->text.len)
        return conf_fail_at(c, &file->origin, "\"%s\" \"%.*s\": %s", directive,
                            SPAN_ARG(file->text), error);
    if (rc)
        return conf_fail_at(c, o, "%s", error);
    tls_context_free(context);
    return 0;
}

/* One file after the other, so that the one that is wrong is named. */
static int try_client_settings(struct conf *c, const struct client_tls_draft *draft,
                               const struct tls_profile *p)
{
    struct tls_client_settings some = p->settings;
    const struct word *ca = &draft->trusted_certificate;

    some.verifies = false;
    some.ca_pem = SPAN_NONE;
    some.crl_pem = SPAN_NONE;
    some.key_log_path = NULL;
    if (try_client(c, &some, "proxy_ssl_certificate", &draft->certificate, &p->origin) < 0)
        return -EINVAL;
    some.verifies = p->settings.verifies;
    some.ca_pem = p->settings.ca_pem;
    if (some.ca_pem.len &&
        try_client(c, &some, "proxy_ssl_trusted_certificate", ca, &p->origin) < 0)
        return -EINVAL;
    some.crl_pem = p->settings.crl_pem;
    if (!some.crl_pem.len)
        return 0;
    return try_client(c, &some, "proxy_ssl_crl", &draft->crl, &p->origin);
}

int build_client_tls(struct conf *c, const struct client_tls_draft *draft,
                     const struct origin *origin, const struct tls_profile **out)
{
    struct tls_profile *p = arena_zalloc(c->arena, sizeof(*p));
    struct tls_profile **all = c->tls_profiles.items;
    int rc;

    if (!p)
        return conf_fail_no_memory(c);
    p->origin = *origin;
    rc = read_client_settings(c, draft, p);
    if (rc)
        return rc;
    digest_client(p);
    for (size_t i = 0; i < c->tls_profiles.count; i++) {
        if (memcmp(&all[i]->settings_digest, &p->settings_digest, sizeof(p->settings_digest)) == 0) {
            *out = all[i];
            return 0;
        }
    }
    rc = try_client_settings(c, draft, p);
    if (rc)
        return rc;
    all = vector_add(c, &c->tls_profiles, sizeof(struct tls_profile *));
    if (!all)
        return -ENOMEM;
    p->index = (unsigned)c->tls_profiles.count - 1;
    *all = p;
    *out = p;
    return 0;
}

/* --- towards clients ------------------------------------------------------------------------ */

static int read_server_pairs(struct conf *c, const struct server_tls_draft *draft,
                             struct tls_server_settings *s)
{
    const struct word *certificates = draft->certificates.items;
    const struct word *keys = draft->certificate_keys.items;
    size_t count = draft->certificates.count;
    struct tls_pair *pairs = arena_zalloc(c->arena, count * sizeof(*pairs));

    if (!pairs)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < count; i++) {
        if (i >= draft->certificate_keys.count)
            return conf_fail_at(c, &certificates[i].origin,
                                "no \"ssl_certificate_key\" is defined for certificate \"%.*s\"",
                                SPAN_ARG(certificates[i].text));
        if (conf_read_file(c, &certificates[i], "ssl_certificate", &pairs[i].certificate_pem) < 0 ||
            conf_read_file(c, &keys[i], "ssl_certificate_key", &pairs[i].key_pem) < 0)
            return -EINVAL;
    }
    s->pairs = pairs;
    s->pair_count = count;
    return read_passwords(c, &draft->password_file, "ssl_password_file", &s->passwords);
}

static int read_optional(struct conf *c, const struct word *path, const char *directive,
                         struct span *text)
{
    return path->text.len ? conf_read_file(c, path, directive, text) : 0;
}

static int read_client_verification(struct conf *c, const struct server_tls_draft *draft,
                                    const struct origin *o, struct tls_server_settings *s)
{
    s->verify_client = (enum tls_verify_client)draft->verify_client;
    s->verify_depth = (unsigned)draft->verify_depth;
    if (read_optional(c, &draft->client_certificate, "ssl_client_certificate",
                      &s->client_ca_pem) < 0 ||
        read_optional(c, &draft->trusted_certificate, "ssl_trusted_certificate",
                      &s->trusted_ca_pem) < 0 ||
        read_optional(c, &draft->crl, "ssl_crl", &s->crl_pem) < 0)
        return -EINVAL;
    if ((s->verify_client == VERIFY_CLIENT_ON || s->verify_client == VERIFY_CLIENT_OPTIONAL) &&
        !s->client_ca_pem.len && !s->trusted_ca_pem.len)
        return conf_fail_at(c, o,
                            "no ssl_client_certificate or ssl_trusted_certificate for "
                            "ssl_verify_client");
    return 0;
}

/* What a ticket of one set of settings must not be taken for under another. */
static int digest_server(struct conf *c, struct tls_server_settings *s)
{
    char suites[SUITES_TEXT_BYTES];
    const struct span fixed[] = {
        PART_OF(s->protocols),
        span_of(suites, tls_suites_text(&s->suites, suites, sizeof(suites))),
        PART_OF(s->verify_client),
        PART_OF(s->verify_depth),
        s->client_ca_pem,
        s->trusted_ca_pem,
        s->crl_pem,
        PART_OF(s->has_tickets),
        PART_OF(s->prefers_server_suites),
    };
    size_t count = COUNT_OF(fixed);
    struct span *parts = arena_alloc(c->arena, (count + 2 * s->pair_count) * sizeof(*parts));
    struct tls_identity id;

    if (!parts)
        return conf_fail_no_memory(c);
    memcpy(parts, fixed, sizeof(fixed));
    for (size_t i = 0; i < s->pair_count; i++) {
        parts[count++] = s->pairs[i].certificate_pem;
        parts[count++] = s->pairs[i].key_pem;
    }
    tls_identity_make(&id, parts, count);
    memcpy(&s->id, id.digest, sizeof(s->id));
    return 0;
}

static int try_server(struct conf *c, const struct tls_server_settings *settings,
                      const char *directive, const struct word *file)
{
    struct tls_context *context;
    char error[TLS_ERROR_BYTES];
    int rc = tls_context_new_server(settings, c->snapshot->tls_server_shared, &context, error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    if (rc)
        return conf_fail_at(c, &file->origin, "\"%s\" \"%.*s\": %s", directive,
                            SPAN_ARG(file->text), error);
    tls_context_free(context);
    return 0;
}

/* One file after the other, so that the one that is wrong is named. */
static int try_server_settings(struct conf *c, const struct server_tls_draft *draft,
                               const struct tls_server_settings *settings)
{
    const struct word *certificates = draft->certificates.items;
    struct tls_server_settings some = *settings;

    some.verify_client = VERIFY_CLIENT_OFF;
    some.client_ca_pem = some.trusted_ca_pem = some.crl_pem = SPAN_NONE;
    for (size_t i = 0; i < settings->pair_count; i++) {
        some.pairs = &settings->pairs[i];
        some.pair_count = 1;
        if (try_server(c, &some, "ssl_certificate", &certificates[i]) < 0)
            return -EINVAL;
    }
    some = *settings;
    some.trusted_ca_pem = some.crl_pem = SPAN_NONE;
    some.verify_client = VERIFY_CLIENT_OPTIONAL_NO_CA;
    if (some.client_ca_pem.len &&
        try_server(c, &some, "ssl_client_certificate", &draft->client_certificate) < 0)
        return -EINVAL;
    some.trusted_ca_pem = settings->trusted_ca_pem;
    if (some.trusted_ca_pem.len &&
        try_server(c, &some, "ssl_trusted_certificate", &draft->trusted_certificate) < 0)
        return -EINVAL;
    return try_server(c, settings, settings->crl_pem.len ? "ssl_crl" : "ssl_certificate",
                      settings->crl_pem.len ? &draft->crl : &certificates[0]);
}

static int keep_server_profile(struct conf *c, struct tls_server_profile *p)
{
    struct tls_server_profile **added = vector_add(c, &c->tls_server_profiles, sizeof(*added));

    if (!added)
        return -ENOMEM;
    p->index = (unsigned)c->tls_server_profiles.count - 1;
    *added = p;
    return 0;
}

static int read_server_settings(struct conf *c, const struct server_tls_draft *draft,
                                const struct origin *o, struct tls_server_settings *s)
{
    s->protocols = draft->protocols;
    s->prefers_server_suites = draft->prefer_server_ciphers;
    s->has_tickets = draft->session_tickets;
    if (select_suites(c, o, "ssl_ciphers", draft->ciphers.text, &s->suites) < 0 ||
        read_server_pairs(c, draft, s) < 0 || read_client_verification(c, draft, o, s) < 0)
        return -EINVAL;
    return digest_server(c, s);
}

int build_server_tls(struct conf *c, const struct server_tls_draft *draft,
                     const struct origin *origin, const struct tls_server_profile **out)
{
    struct tls_server_profile *p = arena_zalloc(c->arena, sizeof(*p));
    struct tls_server_profile *const *all = c->tls_server_profiles.items;
    int rc;

    *out = NULL;
    if (!draft->certificates.count)
        return 0;
    if (!c->snapshot->tls_server_shared)
        c->snapshot->tls_server_shared = tls_server_shared_new();
    if (!p || !c->snapshot->tls_server_shared)
        return conf_fail_no_memory(c);
    p->origin = *origin;
    rc = read_server_settings(c, draft, origin, &p->settings);
    for (size_t i = 0; i < c->tls_server_profiles.count && !rc; i++) {
        if (all[i]->settings.id == p->settings.id) {
            *out = all[i];
            return 0;
        }
    }
    if (!rc)
        rc = try_server_settings(c, draft, &p->settings);
    *out = p;
    return rc ? rc : keep_server_profile(c, p);
}
