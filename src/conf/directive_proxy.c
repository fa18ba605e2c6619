/* directive_proxy - the directives of proxying: their table. Those of its TLS are in
 * directive_ssl.c. */
#include "conf/directive_proxy.h"

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

/* The URL is looked at once all upstream groups are known. */
static int set_proxy_pass(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    struct span url = n->words[1];

    if (span_index_of(url, '$') < url.len)
        return set_text(c, s, d, n);
    if (!span_starts_with_nocase(url, SPAN("http://")) &&
        !span_starts_with_nocase(url, SPAN("https://")))
        return conf_fail(c, n, "invalid URL prefix");
    return set_text(c, s, d, n);
}

static int set_proxy_set_header(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n)
{
    struct set_header *h = vector_add(c, setter_value(s, d), sizeof(*h));

    if (!h)
        return -ENOMEM;
    if (!field_name_is_valid(n->words[1]))
        return conf_fail(c, n, "invalid header name \"%.*s\"", SPAN_ARG(n->words[1]));
    h->name = n->words[1];
    return conf_template(c, &n->origin, n->words[2], &h->value);
}

static const struct setter_word version_words[] = {{"1.0", 0}, {"1.1", 1}, {NULL, 0}};

static int set_http_version(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    if (span_equals(n->words[1], SPAN("2")))
        return conf_fail(c, n, "HTTP/2 to upstreams is not supported yet");
    return set_word(c, s, d, n);
}

static const struct setter_word next_words[] = {
    {"error", NEXT_ERROR},
    {"timeout", NEXT_TIMEOUT},
    {"invalid_header", NEXT_INVALID_HEADER},
    {"non_idempotent", NEXT_NON_IDEMPOTENT},
    {"http_403", NEXT_HTTP_403},
    {"http_404", NEXT_HTTP_404},
    {"http_429", NEXT_HTTP_429},
    {"http_500", NEXT_HTTP_500},
    {"http_502", NEXT_HTTP_502},
    {"http_503", NEXT_HTTP_503},
    {"http_504", NEXT_HTTP_504},
    {"off", NEXT_OFF},
    {NULL, 0},
};

static const struct setter_bounds any_number = {0, UINT64_MAX};

static const struct directive rows[] = {
    {.name = "proxy_pass",
     .syntax = "URL",
     .contexts = CONTEXT_LOCATION | CONTEXT_LIMIT_EXCEPT | CONTEXT_IF_LOCATION,
     ONE_ARG,
     .marks = ROW_LOCAL,
     .set = set_proxy_pass,
     AT(proxy_pass),
     .help = "passes requests to a server or an upstream group, by http:// or https://; with "
             "variables each request says where",
     .difference =
         "a body over TLS that ends without close_notify and without a length is an error"},
    {.name = "proxy_set_header",
     .syntax = "field value",
     .contexts = CONTEXT_LEVELS,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .set = set_proxy_set_header,
     AT(set_headers),
     .help = "sets a field of the request that is passed; empty: it is not sent",
     .difference = "no \"Connection: close\" by default: connections are kept; Host is $proxy_host "
                   "unless it is set"},
    {.name = "proxy_hide_header",
     .syntax = "field",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_spans,
     AT(hide_headers),
     .help = "drops a field of upstreams' answers, besides Date, Server, X-Pad and X-Accel-*"},
    {.name = "proxy_pass_header",
     .syntax = "field",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_spans,
     AT(pass_headers),
     .help = "lets a field of upstreams' answers pass that is dropped otherwise"},
    {.name = "proxy_http_version",
     .syntax = "1.0 | 1.1",
     .preset = "1.1",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_http_version,
     .detail = version_words,
     AT_SETTING(proxy_http_version_minor),
     .help = "the version of HTTP spoken with upstreams",
     .difference = "1.1 (nginx: 1.0 up to 1.29.6); HTTP/2 is not spoken with upstreams yet"},
    {.name = "proxy_method",
     .syntax = "method",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_template,
     AT(request.method),
     .help = "the method that upstreams are asked by, in place of the request's",
     .difference = "the answer's body fits the method that the client has used; never CONNECT"},
    {.name = "proxy_set_body",
     .syntax = "value",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_template,
     AT(request.body),
     .help = "the body that upstreams get, in place of the request's, with its Content-Length"},
    {.name = "proxy_pass_request_headers",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT(request.passes_fields),
     .help = "whether a request's fields are passed, besides those of proxy_set_header"},
    {.name = "proxy_pass_request_body",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT(request.passes_body),
     .help = "whether a request's body is passed; without it goes no Content-Length"},
    {.name = "proxy_connect_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(proxy_connect_timeout_ms),
     .help = "how long connecting to an upstream may take, its TLS handshake included"},
    {.name = "proxy_send_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(proxy_send_timeout_ms),
     .help = "how long an upstream may take nothing of a request"},
    {.name = "proxy_read_timeout",
     .syntax = "time",
     .preset = "60s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_timeout,
     AT_SETTING(proxy_read_timeout_ms),
     .help = "how long an upstream may be silent while an answer is awaited"},
    {.name = "proxy_next_upstream",
     .syntax = "error | timeout | invalid_header | http_500 | http_502 | http_503 | http_504 | "
               "http_403 | http_404 | http_429 | non_idempotent | off ...",
     .preset = "error timeout",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_REPEATABLE,
     .set = set_bits,
     .detail = next_words,
     AT_SETTING(proxy_next_upstream),
     .help = "failures after which a request is tried with another server"},
    {.name = "proxy_next_upstream_tries",
     .syntax = "number",
     .preset = "0",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_number,
     .detail = &any_number,
     AT_SETTING(proxy_next_upstream_tries),
     .help = "servers that a request may be tried with; 0: all of the group"},
    {.name = "proxy_next_upstream_timeout",
     .syntax = "time",
     .preset = "0",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_SETTING(proxy_next_upstream_timeout_ms),
     .help = "time within which another try may begin; 0: any"},
};

const struct directive_table directive_proxy_table = {rows, COUNT_OF(rows)};
