/* build_tls - profiles of TLS towards upstreams: what proxy_ssl_* say, with the files read and
 * tried. */
#include "conf/build_tls.h"

#include "conf/build_file.h"

/* Where distributions keep their CA store: Debian, Red Hat, SUSE, Alpine and the BSDs. */
static const char *const system_ca_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

#define DATA SPAN("data:")

/* --- what both sides share ------------------------------------------------------------------ */

int build_suites(struct conf *c, const struct suites_wish *wish, struct tls_suites *out)
{
    struct span text = wish->ciphers.text;
    char error[TLS_ERROR_BYTES];
    bool fits = false;

    if (tls_suites_select(text, out, error, sizeof(error)) < 0)
        return conf_fail_at(c, &wish->ciphers.origin, "\"%s\" \"%.*s\": %s", wish->directive,
                            SPAN_ARG(text), error);
    for (size_t i = 0; i < out->count; i++)
        fits |= wish->protocols & (out->rows[i]->is_tls13 ? TLS_PROTOCOL_1_3 : TLS_PROTOCOL_1_2);
    if (!fits)
        return conf_fail_at(c, &wish->ciphers.origin,
                            "\"%s\" \"%.*s\" leaves no suite for the protocols", wish->directive,
                            SPAN_ARG(text));
    return 0;
}

struct word build_shown(const struct certificate_draft *d)
{
    struct word w = d->file;

    if (span_starts_with(w.text, DATA))
        w.text = DATA;
    return w;
}

int build_read_certificate(struct conf *c, const struct certificate_draft *d, const char *directive,
                           struct span *pem)
{
    if (!span_starts_with(d->file.text, DATA))
        return conf_read_file(c, &d->file, directive, pem);
    *pem = span_skip(d->file.text, DATA.len);
    if (!pem->len)
        return conf_fail_at(c, &d->file.origin, "\"%s\" \"data:\" is empty", directive);
    return 0;
}

int build_apply_commands(struct conf *c, const struct vector *list, const char *directive,
                         struct ssl_commanded *to)
{
    const struct conf_command *commands = list->items;

    for (size_t i = 0; i < list->count; i++) {
        const struct conf_command *command = &commands[i];

        if (ssl_command_apply(command->name.text, command->value, to) < 0)
            return conf_fail_at(c, &command->name.origin,
                                "invalid value \"%.*s\" of \"%.*s\" in \"%s\"",
                                SPAN_ARG(command->value), SPAN_ARG(command->name.text), directive);
        if (!to->protocols)
            return conf_fail_at(c, &command->name.origin, "\"%s\" leaves no protocol", directive);
    }
    if (to->tls13_suites.len)
        to->ciphers =
            arena_printf(c->arena, "%.*s:%.*s", SPAN_ARG(to->ciphers), SPAN_ARG(to->tls13_suites));
    return to->ciphers.data ? 0 : conf_fail_no_memory(c);
}

/* --- settings ------------------------------------------------------------------------------- */

static int read_system_ca(struct conf *c, const struct origin *o, struct tls_profile *p)
{
    for (size_t i = 0; i < COUNT_OF(system_ca_paths); i++) {
        struct word path = {.text = span_of_cstr(system_ca_paths[i]), .origin = *o};

        if (!conf_file_is_there(c, path.text))
            continue;
        p->ca_origin = path.text;
        return conf_read_file(c, &path, "proxy_ssl_trusted_certificate", &p->settings.ca_pem);
    }
    return conf_fail_at(c, o,
                        "the system's CA store was not found (%s and its like): name the CA of "
                        "your upstreams by \"proxy_ssl_trusted_certificate\"",
                        system_ca_paths[0]);
}

static int read_trust(struct conf *c, const struct client_tls_draft *draft, const struct origin *o,
                      struct tls_profile *p)
{
    int rc = 0;

    p->settings.verifies = draft->verify;
    p->settings.verify_depth = (unsigned)draft->verify_depth;
    if (draft->crl.text.len)
        rc = conf_read_file(c, &draft->crl, "proxy_ssl_crl", &p->settings.crl_pem);
    if (rc)
        return rc;
    if (draft->trusted_certificate.text.len) {
        p->ca_origin = draft->trusted_certificate.text;
        return conf_read_file(c, &draft->trusted_certificate, "proxy_ssl_trusted_certificate",
                              &p->settings.ca_pem);
    }
    return draft->verify ? read_system_ca(c, o, p) : 0;
}

static bool has_variables(const struct certificate_draft *d)
{
    return d->value.text.len && !d->value.is_literal;
}

static bool is_chosen_by_requests(const struct client_tls_draft *draft)
{
    return draft->certificate.file.text.len &&
           (has_variables(&draft->certificate) || has_variables(&draft->certificate_key));
}

static int read_client_pair(struct conf *c, const struct client_tls_draft *draft,
                            struct tls_profile *p)
{
    struct word certificate = build_shown(&draft->certificate);
    int rc;

    if (!certificate.text.len)
        return 0;
    if (!draft->certificate_key.file.text.len)
        return conf_fail_at(c, &certificate.origin,
                            "no \"proxy_ssl_certificate_key\" is defined for certificate \"%.*s\"",
                            SPAN_ARG(certificate.text));
    if (is_chosen_by_requests(draft))
        return 0;
    rc = build_read_certificate(c, &draft->certificate, "proxy_ssl_certificate",
                                &p->settings.pair.certificate_pem);
    return rc ? rc
              : build_read_certificate(c, &draft->certificate_key, "proxy_ssl_certificate_key",
                                       &p->settings.pair.key_pem);
}

static int read_client_settings(struct conf *c, const struct client_tls_draft *draft,
                                struct tls_profile *p)
{
    struct ssl_commanded commanded = {.protocols = draft->protocols,
                                      .ciphers = draft->ciphers.text};
    struct suites_wish wish = {.directive = "proxy_ssl_ciphers"};
    int rc = build_apply_commands(c, &draft->conf_commands, "proxy_ssl_conf_command", &commanded);

    if (rc)
        return rc;
    wish.ciphers.text = commanded.ciphers;
    wish.ciphers.origin = draft->ciphers.origin.file.len ? draft->ciphers.origin : p->origin;
    wish.protocols = commanded.protocols;
    p->settings.protocols = commanded.protocols;
    if (draft->key_log.text.len)
        p->settings.key_log_path = draft->key_log.text.data;
    p->sends_sni = draft->server_name;
    p->reuses_sessions = draft->session_reuse;
    p->tickets_max = (unsigned)draft->session_tickets;
    rc = build_suites(c, &wish, &p->settings.suites);
    if (!rc)
        rc = read_trust(c, draft, &p->origin, p);
    if (!rc)
        rc = conf_read_passwords(c, &draft->password_file, "proxy_ssl_password_file",
                                 &p->settings.passwords);
    return rc ? rc : read_client_pair(c, draft, p);
}

static void digest_client(struct tls_profile *p)
{
    char suites[TLS_SUITES_TEXT_BYTES];
    const struct tls_client_settings *s = &p->settings;
    const struct span parts[] = {
        TLS_PART_OF(s->protocols),
        span_of(suites, tls_suites_text(&s->suites, suites, sizeof(suites))),
        s->pair.certificate_pem,
        s->pair.key_pem,
        TLS_PART_OF(s->verifies),
        s->ca_pem,
        s->crl_pem,
        TLS_PART_OF(s->verify_depth),
        span_of_cstr(s->key_log_path),
        TLS_PART_OF(p->sends_sni),
        TLS_PART_OF(p->reuses_sessions),
        TLS_PART_OF(p->tickets_max),
    };

    tls_identity_make(&p->settings_digest, parts, COUNT_OF(parts));
}

/* A file that is tried, and the key that goes with it. */
struct trial {
    const char *directive;
    const struct word *file; /* without a path: none */
    const char *key_directive;
    const struct word *key;
};

/* Makes a context and throws it away, so that a file that cannot work is found now. */
static int try_client(struct conf *c, const struct tls_client_settings *settings,
                      const struct trial *t, const struct origin *o)
{
    struct tls_context *context;
    char error[TLS_ERROR_BYTES];
    int rc = tls_context_new_client(settings, &context, error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    if (rc && t->key && t->key->text.len && tls_error_is_of_key(error))
        return conf_fail_at(c, &t->key->origin, "\"%s\" \"%.*s\": %s", t->key_directive,
                            SPAN_ARG(t->key->text), error);
    if (rc && t->file->text.len)
        return conf_fail_at(c, &t->file->origin, "\"%s\" \"%.*s\": %s", t->directive,
                            SPAN_ARG(t->file->text), error);
    if (rc)
        return conf_fail_at(c, o, "%s", error);
    tls_context_free(context);
    return 0;
}

/* One file after the other, so that the one that is wrong is named. */
static int try_client_settings(struct conf *c, const struct client_tls_draft *draft,
                               const struct tls_profile *p)
{
    const struct word certificate = build_shown(&draft->certificate),
                      key = build_shown(&draft->certificate_key);
    const struct trial pair = {"proxy_ssl_certificate", &certificate, "proxy_ssl_certificate_key",
                               &key};
    const struct word system_ca = {.text = p->ca_origin, .origin = p->origin};
    const struct word *ca_file =
        draft->trusted_certificate.text.len ? &draft->trusted_certificate : &system_ca;
    const struct trial ca = {"proxy_ssl_trusted_certificate", ca_file, NULL, NULL};
    const struct trial crl = {"proxy_ssl_crl", &draft->crl, NULL, NULL};
    const struct trial key_log = {"proxy_ssl_key_log", &draft->key_log, NULL, NULL};
    struct tls_client_settings some = p->settings;
    int rc;

    some.verifies = false;
    some.ca_pem = SPAN_NONE;
    some.crl_pem = SPAN_NONE;
    some.key_log_path = NULL;
    rc = try_client(c, &some, &pair, &p->origin);
    some.verifies = p->settings.verifies;
    some.ca_pem = p->settings.ca_pem;
    if (!rc && some.ca_pem.len)
        rc = try_client(c, &some, &ca, &p->origin);
    some.crl_pem = p->settings.crl_pem;
    if (!rc && some.crl_pem.len)
        rc = try_client(c, &some, &crl, &p->origin);
    if (!rc && p->settings.key_log_path)
        rc = try_client(c, &p->settings, &key_log, &p->origin);
    return rc;
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
        if (tls_identity_equals(&all[i]->settings_digest, &p->settings_digest)) {
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

int build_client_certificate(struct conf *c, const struct client_tls_draft *draft,
                             const struct certificate_conf **out)
{
    struct certificate_conf *conf;

    *out = NULL;
    if (!is_chosen_by_requests(draft))
        return 0;
    conf = arena_zalloc(c->arena, sizeof(*conf));
    if (!conf)
        return conf_fail_no_memory(c);
    conf->certificate = draft->certificate.value;
    conf->key = draft->certificate_key.value;
    conf->cache = draft->certificate_cache;
    conf->path_prefix = arena_copy(c->arena, c->options.conf_prefix);
    if (!conf->path_prefix.data)
        return conf_fail_no_memory(c);
    *out = conf;
    return conf_read_passwords(c, &draft->password_file, "proxy_ssl_password_file",
                               &conf->passwords);
}
