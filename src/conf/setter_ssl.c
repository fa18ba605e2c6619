/* setter_ssl - what the directives of TLS towards clients and upstreams share. */
#include "conf/setter_ssl.h"

#include "conf/setter.h"
#include "conf/ssl_command.h"

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

int set_protocols(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    unsigned *protocols = setter_value(s, d);
    unsigned seen = 0;

    for (size_t i = 1; i < n->word_count; i++) {
        const struct setter_word *word = find_protocol(n->words[i]);

        if (!word)
            return setter_fail_value(c, n, n->words[i]);
        if (seen & 1u << (word - protocol_words) || *protocols & word->value)
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

int set_ciphers(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct tls_suites suites;
    char error[TLS_ERROR_BYTES];

    if (tls_suites_select(n->words[1], &suites, error, sizeof(error)) < 0)
        return conf_fail(c, n, "\"%s\" \"%.*s\": %s", d->name, SPAN_ARG(n->words[1]), error);
    if (suites.unknown.len)
        conf_warn(c, &n->origin, "unknown cipher \"%.*s\" in \"%s\" is overlooked",
                  SPAN_ARG(suites.unknown), d->name);
    return set_text(c, s, d, n);
}

/* OpenSSL's commands that say the same as a directive. What they set comes on top of it when the
 * profile is made, as in nginx. */
int set_conf_command(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    struct conf_command *command = vector_add(c, setter_value(s, d), sizeof(*command));
    struct ssl_commanded unused = {.is_of_server = d->detail != NULL};
    int rc = ssl_command_apply(n->words[1], n->words[2], &unused);

    if (!command)
        return -ENOMEM;
    if (rc == -ENOENT)
        return conf_fail(c, n, "command \"%.*s\" of \"%s\" is not supported: there are %s%s",
                         SPAN_ARG(n->words[1]), d->name,
                         "MinProtocol, MaxProtocol, Protocol, CipherString and Ciphersuites",
                         unused.is_of_server ? ", Curves, Groups and Options" : "");
    if (rc)
        return conf_fail(c, n, "invalid value \"%.*s\" of \"%.*s\" in \"%s\"",
                         SPAN_ARG(n->words[2]), SPAN_ARG(n->words[1]), d->name);
    *command = (struct conf_command){{n->words[1], n->origin}, n->words[2]};
    return 0;
}

/* A path, or "data:" and PEM; both may hold variables. */
static int take_certificate(struct conf *c, const struct directive *d, const struct node *n,
                            struct certificate_draft *out)
{
    struct span text = n->words[1];
    int rc;

    if (span_starts_with(text, SPAN("engine:")) || span_starts_with(text, SPAN("store:")))
        return conf_fail(c, n, "\"engine:\" and \"store:\" in \"%s\" are not supported", d->name);
    rc = conf_template(c, &n->origin, text, &out->value);
    if (rc)
        return rc;
    out->file = (struct word){.text = text, .origin = n->origin};
    if (!text.len || !out->value.is_literal || span_starts_with(text, SPAN("data:")))
        return 0;
    out->file.text = conf_file_path(c, text);
    return out->file.text.data ? 0 : -ENOMEM;
}

int set_certificate(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    return take_certificate(c, d, n, setter_value(s, d));
}

int set_certificates(struct conf *c, struct scope *s, const struct directive *d,
                     const struct node *n)
{
    struct certificate_draft *added = vector_add(c, setter_value(s, d), sizeof(*added));

    if (!added)
        return -ENOMEM;
    if (span_is_empty(n->words[1]))
        return setter_fail_value(c, n, n->words[1]);
    return take_certificate(c, d, n, added);
}

int set_paths(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct word *added = vector_add(c, setter_value(s, d), sizeof(*added));

    if (!added)
        return -ENOMEM;
    if (span_is_empty(n->words[1]))
        return setter_fail_value(c, n, n->words[1]);
    return setter_take_path(c, d, n, added);
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
int set_certificate_cache(struct conf *c, struct scope *s, const struct directive *d,
                          const struct node *n)
{
    const struct certificate_cache_conf **out = setter_value(s, d);
    struct certificate_cache_conf cache = {.inactive_ms = CACHE_INACTIVE_MS,
                                           .valid_ms = CACHE_VALID_MS};

    *out = NULL;
    if (n->word_count == 2 && span_equals(n->words[1], SPAN("off")))
        return 0;
    for (size_t i = 1; i < n->word_count; i++) {
        const struct parameter p = setter_parameter(n->words[i]);
        int rc = -EINVAL;

        if (span_equals(p.name, SPAN("max"))) {
            rc = span_to_u64(p.value, &cache.entries_max);
            rc = rc || !cache.entries_max ? -EINVAL : 0;
        } else if (span_equals(p.name, SPAN("inactive"))) {
            rc = setter_parse_seconds(p.value, &cache.inactive_ms);
        } else if (span_equals(p.name, SPAN("valid"))) {
            rc = setter_parse_seconds(p.value, &cache.valid_ms);
        }
        if (rc)
            return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[i]));
    }
    if (!cache.entries_max)
        return conf_fail(c, n, "\"%s\" must have the \"max\" parameter", d->name);
    return add_certificate_cache(c, &cache, out);
}
