/* build_tls_server - profiles of TLS towards clients: what ssl_* say, with the files read and
 * tried. */
#include "conf/build_tls_server.h"

#include <string.h>

#include "conf/build_file.h"
#include "conf/build_stapling.h"
#include "conf/build_tls.h"
#include "core/limits.h"

static int read_server_pairs(struct conf *c, const struct server_tls_draft *draft,
                             struct tls_server_profile *p)
{
    const struct certificate_draft *certificates = draft->certificates.items;
    const struct certificate_draft *keys = draft->certificate_keys.items;
    size_t count = draft->certificates.count;
    struct tls_pair *pairs = arena_zalloc(c->arena, (count + 1) * sizeof(*pairs));
    int rc;

    if (!pairs)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < count; i++) {
        const struct word shown = build_shown(&certificates[i]);

        if (i >= draft->certificate_keys.count)
            return conf_fail_at(c, &shown.origin,
                                "no \"ssl_certificate_key\" is defined for certificate \"%.*s\"",
                                SPAN_ARG(shown.text));
        rc = build_read_certificate(c, &certificates[i], "ssl_certificate",
                                    &pairs[i].certificate_pem);
        if (!rc)
            rc = build_read_certificate(c, &keys[i], "ssl_certificate_key", &pairs[i].key_pem);
        if (rc)
            return rc;
    }
    p->pairs = pairs;
    p->settings.pairs = pairs;
    p->settings.pair_count = count;
    return conf_read_passwords(c, &draft->password_file, "ssl_password_file",
                               &p->settings.passwords);
}

static bool has_variables(const struct certificate_draft *d)
{
    return !d->value.is_literal && d->value.text.len;
}

/* True when handshakes choose the certificate. */
static bool is_chosen(const struct server_tls_draft *draft)
{
    const struct certificate_draft *certificates = draft->certificates.items;
    const struct certificate_draft *keys = draft->certificate_keys.items;
    bool chosen = false;

    for (size_t i = 0; i < draft->certificates.count; i++)
        chosen |= has_variables(&certificates[i]);
    for (size_t i = 0; i < draft->certificate_keys.count; i++)
        chosen |= has_variables(&keys[i]);
    return chosen;
}

static int read_chosen_pair(struct conf *c, const struct server_tls_draft *draft,
                            struct tls_server_profile *p)
{
    const struct certificate_draft *certificate = draft->certificates.items;
    const struct certificate_draft *key = draft->certificate_keys.items;
    struct certificate_conf *conf = arena_zalloc(c->arena, sizeof(*conf));
    const struct word shown = build_shown(certificate);

    if (!conf)
        return conf_fail_no_memory(c);
    if (draft->certificates.count != 1)
        return conf_fail_at(
            c, &shown.origin,
            "several \"ssl_certificate\" are not supported where one has variables");
    if (!draft->certificate_keys.count)
        return conf_fail_at(c, &shown.origin,
                            "no \"ssl_certificate_key\" is defined for certificate \"%.*s\"",
                            SPAN_ARG(shown.text));
    if (draft->stapling)
        conf_warn(c, &shown.origin,
                  "\"ssl_stapling\" ignored for certificate \"%.*s\", which has variables",
                  SPAN_ARG(shown.text));
    conf->certificate = certificate->value;
    conf->key = key->value;
    conf->cache = draft->certificate_cache;
    conf->path_prefix = arena_copy(c->arena, c->options.conf_prefix);
    if (!conf->path_prefix.data)
        return conf_fail_no_memory(c);
    p->certificate = conf;
    p->settings.chooses_pair = true;
    return conf_read_passwords(c, &draft->password_file, "ssl_password_file", &conf->passwords);
}

/* As nginx has them: a name, and keys of AES-128 or AES-256 and HMAC. */
static int read_ticket_keys(struct conf *c, const struct server_tls_draft *draft,
                            struct tls_server_settings *s)
{
    const struct word *files = draft->ticket_keys.items;
    size_t count = draft->ticket_keys.count;
    struct span *keys = arena_zalloc(c->arena, (count + 1) * sizeof(*keys));

    if (!keys)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < count; i++) {
        int rc = conf_read_file(c, &files[i], "ssl_session_ticket_key", &keys[i]);

        if (rc)
            return rc;
        if (keys[i].len != 48 && keys[i].len != 80)
            return conf_fail_at(c, &files[i].origin,
                                "\"ssl_session_ticket_key\" \"%.*s\" must be 48 or 80 bytes",
                                SPAN_ARG(files[i].text));
    }
    if (count > TLS_TICKET_KEYS_MAX)
        return conf_fail_at(c, &files[TLS_TICKET_KEYS_MAX].origin,
                            "too many \"ssl_session_ticket_key\", %d are possible",
                            TLS_TICKET_KEYS_MAX);
    s->ticket_keys = keys;
    s->ticket_key_count = count;
    return 0;
}

static int read_optional(struct conf *c, const struct word *path, const char *directive,
                         struct span *text)
{
    return path->text.len ? conf_read_file(c, path, directive, text) : 0;
}

static int read_client_verification(struct conf *c, const struct server_tls_draft *draft,
                                    const struct origin *o, struct tls_server_settings *s)
{
    int rc =
        read_optional(c, &draft->client_certificate, "ssl_client_certificate", &s->client_ca_pem);

    if (!rc)
        rc = read_optional(c, &draft->trusted_certificate, "ssl_trusted_certificate",
                           &s->trusted_ca_pem);
    if (!rc)
        rc = read_optional(c, &draft->crl, "ssl_crl", &s->crl_pem);
    if (rc)
        return rc;
    s->verify_client = (enum tls_verify_client)draft->verify_client;
    s->verify_depth = (unsigned)draft->verify_depth;
    if ((s->verify_client == VERIFY_CLIENT_ON || s->verify_client == VERIFY_CLIENT_OPTIONAL) &&
        !s->client_ca_pem.len && !s->trusted_ca_pem.len)
        return conf_fail_at(c, o,
                            "no ssl_client_certificate or ssl_trusted_certificate for "
                            "ssl_verify_client");
    return 0;
}

/* What a session of one set of settings must not be taken for under another: whom it was made with,
 * and how well the client was looked at. The same in every process, for tickets of key files. */
static int digest_sessions(struct conf *c, struct tls_server_settings *s)
{
    char suites[TLS_SUITES_TEXT_BYTES];
    const struct span fixed[] = {
        TLS_PART_OF(s->protocols),
        span_of(suites, tls_suites_text(&s->suites, suites, sizeof(suites))),
        TLS_PART_OF(s->verify_client),
        TLS_PART_OF(s->verify_depth),
        s->client_ca_pem,
        s->trusted_ca_pem,
        s->crl_pem,
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

/* All that makes a profile another one. */
static int digest_profile(struct conf *c, const struct server_tls_draft *draft,
                          struct tls_server_profile *p)
{
    const struct tls_server_settings *s = &p->settings;
    const struct span fixed[] = {
        TLS_PART_OF(s->id),
        TLS_PART_OF(s->has_tickets),
        TLS_PART_OF(s->ticket_lifetime_s),
        TLS_PART_OF(s->prefers_server_suites),
        s->curves,
        s->dh_params_pem,
        TLS_PART_OF(s->record_bytes_max),
        TLS_PART_OF(s->rejects_handshakes),
        TLS_PART_OF(s->takes_early_data),
        p->certificate ? p->certificate->certificate.text : SPAN_NONE,
        p->certificate ? p->certificate->key.text : SPAN_NONE,
        p->certificate ? TLS_PART_OF(p->certificate->cache) : SPAN_NONE,
        draft->password_file.text,
        TLS_PART_OF(s->store),
        TLS_PART_OF(draft->stapling),
        TLS_PART_OF(draft->stapling_verify),
        draft->stapling_file.text,
        draft->stapling_responder.text,
    };
    size_t count = COUNT_OF(fixed);
    struct span *parts = arena_alloc(c->arena, (count + s->ticket_key_count) * sizeof(*parts));

    if (!parts)
        return conf_fail_no_memory(c);
    memcpy(parts, fixed, sizeof(fixed));
    for (size_t i = 0; i < s->ticket_key_count; i++)
        parts[count++] = s->ticket_keys[i];
    tls_identity_make(&p->digest, parts, count);
    return 0;
}

static int try_server(struct conf *c, const struct tls_server_settings *settings,
                      const char *directive, const struct word *file, const struct word *key)
{
    struct tls_context *context;
    char error[TLS_ERROR_BYTES];
    int rc = tls_context_new_server(settings, c->snapshot->tls_server_shared, &context, error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    if (rc && key && tls_error_is_of_key(error))
        return conf_fail_at(c, &key->origin, "\"ssl_certificate_key\" \"%.*s\": %s",
                            SPAN_ARG(key->text), error);
    if (rc)
        return conf_fail_at(c, &file->origin, "\"%s\" \"%.*s\": %s", directive,
                            SPAN_ARG(file->text), error);
    tls_context_free(context);
    return 0;
}

static int try_pairs(struct conf *c, const struct server_tls_draft *draft,
                     const struct tls_server_settings *settings)
{
    const struct certificate_draft *certificates = draft->certificates.items;
    const struct certificate_draft *keys = draft->certificate_keys.items;
    struct tls_server_settings some = *settings;
    int rc = 0;

    some.verify_client = VERIFY_CLIENT_OFF;
    some.client_ca_pem = some.trusted_ca_pem = some.crl_pem = SPAN_NONE;
    some.curves = some.dh_params_pem = SPAN_NONE;
    for (size_t i = 0; i < settings->pair_count && !rc; i++) {
        const struct word certificate = build_shown(&certificates[i]), key = build_shown(&keys[i]);

        some.pairs = &settings->pairs[i];
        some.pair_count = 1;
        rc = try_server(c, &some, "ssl_certificate", &certificate, &key);
    }
    some.curves = settings->curves;
    if (!rc && draft->curves.origin.file.len)
        rc = try_server(c, &some, "ssl_ecdh_curve", &draft->curves, NULL);
    some.dh_params_pem = settings->dh_params_pem;
    if (!rc && some.dh_params_pem.len)
        rc = try_server(c, &some, "ssl_dhparam", &draft->dhparam, NULL);
    return rc;
}

/* As if clients were verified: only then the files are looked at. */
static int try_trust(struct conf *c, const struct server_tls_draft *draft,
                     const struct tls_server_settings *settings)
{
    struct tls_server_settings some = *settings;
    int rc = 0;

    some.verify_client = VERIFY_CLIENT_OPTIONAL;
    some.trusted_ca_pem = some.crl_pem = SPAN_NONE;
    if (some.client_ca_pem.len)
        rc = try_server(c, &some, "ssl_client_certificate", &draft->client_certificate, NULL);
    some.trusted_ca_pem = settings->trusted_ca_pem;
    if (!rc && some.trusted_ca_pem.len)
        rc = try_server(c, &some, "ssl_trusted_certificate", &draft->trusted_certificate, NULL);
    some.crl_pem = settings->crl_pem;
    if (!rc && some.crl_pem.len && (some.client_ca_pem.len || some.trusted_ca_pem.len))
        rc = try_server(c, &some, "ssl_crl", &draft->crl, NULL);
    return rc;
}

/* One file after the other, so that the one that is wrong is named; then all of them. */
static int try_server_settings(struct conf *c, const struct server_tls_draft *draft,
                               const struct tls_server_settings *settings)
{
    const struct certificate_draft *first = draft->certificates.items;
    struct word shown;
    int rc;

    if (!draft->certificates.count)
        return 0;
    shown = build_shown(first);
    rc = try_pairs(c, draft, settings);
    if (!rc)
        rc = try_trust(c, draft, settings);
    return rc ? rc : try_server(c, settings, "ssl_certificate", &shown, NULL);
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

static int read_protocols(struct conf *c, const struct server_tls_draft *draft,
                          const struct origin *o, struct tls_server_settings *s)
{
    struct ssl_commanded commanded = {
        .is_of_server = true,
        .protocols = draft->protocols,
        .ciphers = draft->ciphers.text,
        .groups = draft->curves.text,
        .prefers_server_suites = draft->prefer_server_ciphers,
        .has_tickets = draft->session_tickets,
    };
    struct suites_wish wish = {.directive = "ssl_ciphers"};
    int rc = build_apply_commands(c, &draft->conf_commands, "ssl_conf_command", &commanded);

    if (rc)
        return rc;
    wish.ciphers.text = commanded.ciphers;
    wish.ciphers.origin = draft->ciphers.origin.file.len ? draft->ciphers.origin : *o;
    wish.protocols = commanded.protocols;
    s->protocols = commanded.protocols;
    s->curves = commanded.groups;
    s->prefers_server_suites = commanded.prefers_server_suites;
    s->has_tickets = commanded.has_tickets && draft->session_timeout_ms; /* 0: good for no time */
    s->ticket_lifetime_s = (unsigned)u64_min(draft->session_timeout_ms / 1000, UINT32_MAX);
    return build_suites(c, &wish, &s->suites);
}

/* Its memory is there once somebody uses it. */
static int take_zone(struct conf *c, const struct server_tls_draft *draft,
                     struct tls_server_settings *s)
{
    struct session_zone *const *all = c->session_zones.items;

    for (size_t i = 0; i < c->session_zones.count; i++) {
        if (all[i] != draft->session_zone || !draft->session_timeout_ms)
            continue;
        if (!all[i]->store)
            all[i]->store = tls_store_new(all[i]->bytes);
        s->store = all[i]->store;
        return s->store ? 0 : conf_fail_no_memory(c);
    }
    return 0;
}

static int read_server_settings(struct conf *c, const struct server_tls_draft *draft,
                                struct tls_server_profile *p)
{
    struct tls_server_settings *s = &p->settings;
    int rc = read_protocols(c, draft, &p->origin, s);

    s->rejects_handshakes = draft->reject_handshake;
    s->record_bytes_max = size_min(draft->buffer_size, RECORD_BYTES_MAX);
    s->takes_early_data = draft->early_data;
    if (!rc)
        rc = is_chosen(draft) ? read_chosen_pair(c, draft, p) : read_server_pairs(c, draft, p);
    if (!rc)
        rc = read_client_verification(c, draft, &p->origin, s);
    if (!rc)
        rc = read_optional(c, &draft->dhparam, "ssl_dhparam", &s->dh_params_pem);
    if (!rc)
        rc = read_ticket_keys(c, draft, s);
    if (!rc)
        rc = take_zone(c, draft, s);
    if (!rc)
        rc = digest_sessions(c, s);
    return rc ? rc : digest_profile(c, draft, p);
}

int build_server_tls(struct conf *c, const struct server_tls_draft *draft,
                     const struct origin *origin, const struct tls_server_profile **out)
{
    struct tls_server_profile *p = arena_zalloc(c->arena, sizeof(*p));
    struct tls_server_profile *const *all = c->tls_server_profiles.items;
    int rc;

    *out = NULL;
    if (!draft->certificates.count && !draft->reject_handshake)
        return 0;
    if (!c->snapshot->tls_server_shared)
        c->snapshot->tls_server_shared = tls_server_shared_new();
    if (!p || !c->snapshot->tls_server_shared)
        return conf_fail_no_memory(c);
    p->origin = *origin;
    rc = read_server_settings(c, draft, p);
    for (size_t i = 0; i < c->tls_server_profiles.count && !rc; i++) {
        if (tls_identity_equals(&all[i]->digest, &p->digest)) {
            *out = all[i];
            return 0;
        }
    }
    if (!rc)
        rc = try_server_settings(c, draft, &p->settings);
    if (!rc)
        rc = build_stapling(c, draft, p->pairs, p->settings.pair_count);
    *out = p;
    return rc ? rc : keep_server_profile(c, p);
}
