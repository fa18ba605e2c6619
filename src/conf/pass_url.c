/* pass_url - the URL of a proxy_pass, taken apart. */
#include "conf/pass_url.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443

/* Cuts what is behind the scheme at its host's end; a unix socket's path ends at a colon. */
static void split_url(struct span rest, struct proxy_pass *out, struct span *host)
{
    size_t end = 0;

    if (span_starts_with_nocase(rest, SPAN("unix:"))) {
        struct span path = span_skip(rest, sizeof("unix:") - 1);

        end = sizeof("unix:") - 1 + span_index_of(path, ':');
        *host = span_take(rest, end);
        out->uri = span_skip(rest, size_min(end + 1, rest.len));
    } else {
        while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
            end++;
        *host = span_take(rest, end);
        out->uri = span_skip(rest, end);
    }
    out->has_uri = out->uri.len > 0;
}

/* "?a=b" stands for "/?a=b". */
static int complete_uri(struct arena *a, struct proxy_pass *out)
{
    if (!out->has_uri || out->uri.data[0] == '/')
        return 0;
    out->uri = arena_printf(a, "/%.*s", SPAN_ARG(out->uri));
    return out->uri.data ? 0 : -ENOMEM;
}

/* $proxy_host has a port where it is not the scheme's own; a unix socket is "localhost". */
static int name_host(struct arena *a, const struct host *host, struct proxy_pass *out)
{
    uint16_t standard = out->is_tls ? PORT_HTTPS : PORT_HTTP;
    bool is_v6 = host->text.len && host->text.data[0] == '[';
    struct span bracketed = is_v6 ? span_take(host->text, host->name.len + 2) : host->name;

    out->host_name = host->is_unix ? SPAN("localhost") : host->name;
    out->port = host->is_unix ? 0 : host->port ? host->port : standard;
    if (host->is_unix)
        out->host = out->host_name;
    else if (out->port == standard)
        out->host = bracketed;
    else
        out->host = arena_printf(a, "%.*s:%u", SPAN_ARG(bracketed), out->port);
    return out->host.data ? 0 : -ENOMEM;
}

int pass_url_parse(struct span url, struct arena *a, struct proxy_pass *out, struct host *host,
                   const char **error)
{
    struct span text;
    size_t prefix;
    int rc;

    out->is_tls = span_starts_with_nocase(url, SPAN("https://"));
    if (!out->is_tls && !span_starts_with_nocase(url, SPAN("http://"))) {
        out->host = SPAN_NONE;
        *error = "invalid URL prefix";
        return -EINVAL;
    }
    prefix = out->is_tls ? sizeof("https://") - 1 : sizeof("http://") - 1;
    split_url(span_skip(url, prefix), out, &text);
    rc = host_parse(text, host, error);
    if (rc) {
        out->host = text;
        return rc;
    }
    rc = complete_uri(a, out);
    return rc ? rc : name_host(a, host, out);
}
