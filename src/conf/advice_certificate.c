/* advice_certificate - certificates in use that expire soon, or are not valid at all. */
#include "conf/advice_certificate.h"

#include "core/time_text.h"
#include "io/tls_validity.h"

#define DAY_S 86400

static bool names_certificates(const struct node *n)
{
    static const char *const names[] = {
        "ssl_certificate",       "ssl_client_certificate",        "ssl_trusted_certificate",
        "proxy_ssl_certificate", "proxy_ssl_trusted_certificate",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (n->word_count == 2 && span_equals(n->words[0], span_of_cstr(names[i])))
            return true;
    }
    return false;
}

/* The text of a file as it was read; empty when it was not. */
static struct span text_of(const struct conf *c, struct span path)
{
    const struct file_read *files = c->files.items;

    for (size_t i = 0; i < c->files.count; i++) {
        if (span_equals(files[i].path, path))
            return files[i].text;
    }
    return SPAN_NONE;
}

/* Authorities are what is trusted: those that have ended do no harm beside others. */
static bool names_authorities(const struct node *n)
{
    return !span_ends_with(n->words[0], SPAN("ssl_certificate"));
}

static bool any_is_good(struct conf *c, struct span text, int64_t now_s)
{
    struct tls_validity validity;

    while (tls_validity_next(&text, &c->scratch, &validity)) {
        if (validity.not_before_s <= now_s && validity.not_after_s >= now_s)
            return true;
    }
    return false;
}

/* The certificate itself stands there, and not its file. */
static bool is_data(const struct node *n)
{
    return span_starts_with(n->words[1], SPAN("data:"));
}

static void advise_validity(struct conf *c, const struct node *n, const struct tls_validity *v,
                            int64_t now_s)
{
    int64_t days = (v->not_after_s - now_s) / DAY_S;
    struct span name = is_data(n) ? SPAN("data:") : n->words[1];
    char when[TIME_HTTP_BYTES];

    if (v->not_before_s > now_s) {
        (void)time_format_http(v->not_before_s, when);
        conf_warn(c, &n->origin, "certificate \"%s\" in \"%.*s\" is not valid before %s",
                  v->subject, SPAN_ARG(name), when);
        return;
    }
    (void)time_format_http(v->not_after_s, when);
    if (v->not_after_s < now_s)
        conf_warn(c, &n->origin, "certificate \"%s\" in \"%.*s\" has expired on %s", v->subject,
                  SPAN_ARG(name), when);
    else if (days < ADVICE_EXPIRY_DAYS)
        conf_warn(c, &n->origin, "certificate \"%s\" in \"%.*s\" expires in %d days, on %s",
                  v->subject, SPAN_ARG(name), (int)days, when);
}

void advise_certificate(struct conf *c, const struct node *n, int64_t now_s)
{
    struct tls_validity validity;
    struct span path, text;
    bool has_others;

    if (!names_certificates(n))
        return;
    if (is_data(n)) {
        text = span_skip(n->words[1], SPAN("data:").len);
    } else {
        path = conf_file_path(c, n->words[1]);
        text = path.data ? text_of(c, path) : SPAN_NONE;
    }
    has_others = names_authorities(n) && any_is_good(c, text, now_s);
    while (tls_validity_next(&text, &c->scratch, &validity)) {
        if (!has_others || validity.not_after_s >= now_s)
            advise_validity(c, n, &validity, now_s);
    }
}
