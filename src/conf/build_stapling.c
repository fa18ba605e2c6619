/* build_stapling - OCSP responses for the certificates of a server: from a file, or whom to ask. */
#include "conf/build_stapling.h"

#include "conf/build_file.h"
#include "conf/build_tls.h"
#include "conf/host.h"

#define HTTP SPAN("http://")
#define PORT_HTTP 80

/* One more, which the snapshot frees, whatever comes of the build. */
static struct stapling_conf *add(struct conf *c)
{
    struct snapshot *s = c->snapshot;
    struct stapling_conf *added = vector_add(c, &c->staplings, sizeof(*added));

    if (!added)
        return NULL;
    s->staplings = c->staplings.items;
    s->stapling_count = c->staplings.count;
    added->staple = tls_staple_new();
    if (!added->staple)
        conf_fail_no_memory(c);
    return added->staple ? added : NULL;
}

/* As nginx: one file for all certificates, and it is sent as it is. */
static int take_file(struct conf *c, const struct word *file, struct stapling_conf *s)
{
    struct span der;
    int rc = conf_read_file(c, file, "ssl_stapling_file", &der);

    if (rc)
        return rc;
    if (der.len > TLS_STAPLE_BYTES_MAX || !tls_ocsp_is_answer(der))
        return conf_fail_at(c, &file->origin,
                            "\"ssl_stapling_file\" \"%.*s\" is not an OCSP response, in DER and of "
                            "at most %d bytes",
                            SPAN_ARG(file->text), TLS_STAPLE_BYTES_MAX);
    return tls_staple_put(s->staple, der, INT64_MAX) ? conf_fail_no_memory(c) : 0;
}

/* Names are asked for when the responder is; a test does it at once. */
static void check_responder(struct conf *c, const struct stapling_conf *s)
{
    struct span text = span_skip(s->url, HTTP.len);
    const char *error = "host not found";
    struct address unused;
    struct host host;

    text = span_take(text, size_min(span_index_of(text, '/'), span_index_of(text, '?')));
    if (host_parse(text, &host, &error) == 0 &&
        (!c->options.is_test ||
         host_resolve(&host, PORT_HTTP, !c->options.reads_nothing, &unused, 1) > 0))
        return;
    conf_warn(c, &s->origin,
              "%s in OCSP responder \"%.*s\" in the certificate \"%.*s\": it cannot be asked",
              error, SPAN_ARG(s->url), SPAN_ARG(s->certificate));
}

/* Whom to ask. What is missing is a warning: the server works without. */
static int find_responder(struct conf *c, const struct server_tls_draft *draft,
                          const struct tls_pair *pair, struct span trusted_pem,
                          struct stapling_conf *s)
{
    int rc = tls_ocsp_new(pair->certificate_pem, trusted_pem, draft->stapling_verify, &s->ocsp);
    struct span url = draft->stapling_responder.text;

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    if (rc) {
        conf_warn(c, &s->origin,
                  "\"ssl_stapling\" ignored, issuer certificate not found for certificate \"%.*s\"",
                  SPAN_ARG(s->certificate));
        return 0;
    }
    if (!url.len)
        url = tls_ocsp_url(s->ocsp);
    if (!url.len)
        conf_warn(c, &s->origin,
                  "\"ssl_stapling\" ignored, no OCSP responder URL in the certificate \"%.*s\"",
                  SPAN_ARG(s->certificate));
    else if (!span_starts_with(url, HTTP))
        conf_warn(c, &s->origin,
                  "\"ssl_stapling\" ignored, invalid URL prefix in OCSP responder \"%.*s\" in the "
                  "certificate \"%.*s\"",
                  SPAN_ARG(url), SPAN_ARG(s->certificate));
    else
        s->url = arena_printf(c->arena, "%.*s", SPAN_ARG(url));
    if (s->url.data)
        check_responder(c, s);
    return url.len && span_starts_with(url, HTTP) && !s->url.data ? conf_fail_no_memory(c) : 0;
}

static int build_one(struct conf *c, const struct server_tls_draft *draft, struct tls_pair *pair,
                     const struct certificate_draft *certificate, struct span trusted_pem)
{
    struct stapling_conf *s = add(c);
    struct word shown = build_shown(certificate);

    if (!s)
        return -ENOMEM;
    pair->staple = s->staple;
    if (draft->stapling_file.text.len)
        return take_file(c, &draft->stapling_file, s);
    s->certificate = shown.text;
    s->origin = shown.origin;
    return find_responder(c, draft, pair, trusted_pem, s);
}

int build_stapling(struct conf *c, const struct server_tls_draft *draft, struct tls_pair *pairs,
                   size_t count)
{
    const struct certificate_draft *certificates = draft->certificates.items;
    struct span trusted_pem = SPAN_NONE;
    int rc = 0;

    if (!draft->stapling)
        return 0;
    if (draft->trusted_certificate.text.len)
        rc =
            conf_read_file(c, &draft->trusted_certificate, "ssl_trusted_certificate", &trusted_pem);
    for (size_t i = 0; i < count && !rc; i++)
        rc = build_one(c, draft, &pairs[i], &certificates[i], trusted_pem);
    return rc;
}
