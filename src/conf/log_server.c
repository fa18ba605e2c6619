/* log_server - "syslog:server=address,tag=name" as it stands in a configuration. */
#include "conf/log_server.h"

#include "conf/host.h"
#include "conf/setter.h"

#define SYSLOG_PORT 514
#define SYSLOG_TAG "ringway"

/* A word of "syslog:server=…,tag=…" that is being read. */
struct syslog_draft {
    struct conf *c;
    const struct node *node;
    struct syslog_target *target;
    bool has_server, has_facility, has_severity, has_tag;
};

static int take_once(struct syslog_draft *d, bool *has, struct span name)
{
    if (*has)
        return conf_fail(d->c, d->node, "duplicate syslog \"%.*s\"", SPAN_ARG(name));
    *has = true;
    return 0;
}

static int take_syslog_server(struct syslog_draft *d, struct span text)
{
    struct address found[HOST_ADDRESSES_MAX];
    bool asks_resolver = !d->c->options.reads_nothing;
    const char *error = "host not found";
    struct host host;

    if (host_parse(text, &host, &error) < 0 ||
        host_resolve(&host, SYSLOG_PORT, asks_resolver, found, COUNT_OF(found)) < 1)
        return conf_fail(d->c, d->node, "%s in syslog server \"%.*s\"", error, SPAN_ARG(text));
    d->target->server = found[0];
    return 0;
}

static int take_syslog_word(struct syslog_draft *d, struct parameter p, int found, unsigned *out)
{
    if (found < 0)
        return conf_fail(d->c, d->node, "unknown syslog %.*s \"%.*s\"", SPAN_ARG(p.name),
                         SPAN_ARG(p.value));
    *out = (unsigned)found;
    return 0;
}

static int take_syslog_tag(struct syslog_draft *d, struct span text)
{
    if (text.len > SYSLOG_TAG_BYTES_MAX)
        return conf_fail(d->c, d->node, "syslog tag length exceeds %d", SYSLOG_TAG_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_word(text.data[i]))
            return conf_fail(d->c, d->node,
                             "syslog \"tag\" only allows alphanumeric characters and underscore");
    }
    d->target->tag = text;
    return 0;
}

static int take_syslog_parameter(struct syslog_draft *d, struct span word)
{
    const struct parameter p = setter_parameter(word);
    struct syslog_target *t = d->target;
    int rc;

    if (span_equals(word, SPAN("nohostname"))) {
        t->omits_host_name = true;
        return 0;
    }
    if (p.has_value && span_equals(p.name, SPAN("server"))) {
        rc = take_once(d, &d->has_server, p.name);
        return rc ? rc : take_syslog_server(d, p.value);
    }
    if (p.has_value && span_equals(p.name, SPAN("facility"))) {
        rc = take_once(d, &d->has_facility, p.name);
        return rc ? rc : take_syslog_word(d, p, syslog_facility_parse(p.value), &t->facility);
    }
    if (p.has_value && span_equals(p.name, SPAN("severity"))) {
        rc = take_once(d, &d->has_severity, p.name);
        return rc ? rc : take_syslog_word(d, p, syslog_severity_parse(p.value), &t->severity);
    }
    if (p.has_value && span_equals(p.name, SPAN("tag"))) {
        rc = take_once(d, &d->has_tag, p.name);
        return rc ? rc : take_syslog_tag(d, p.value);
    }
    return conf_fail(d->c, d->node, "unknown syslog parameter \"%.*s\"", SPAN_ARG(word));
}

int conf_log_server(struct conf *c, const struct node *n, struct span text, struct log_file **out)
{
    struct syslog_target *t = arena_zalloc(c->arena, sizeof(*t));
    struct syslog_draft d = {.c = c, .node = n, .target = t};
    struct span rest = span_skip(text, SPAN("syslog:").len);
    int rc = t ? 0 : conf_fail_no_memory(c);

    if (rc)
        return rc;
    *t = (struct syslog_target){
        .facility = (unsigned)syslog_facility_parse(SPAN("local7")),
        .severity = (unsigned)syslog_severity_parse(SPAN("info")),
        .tag = SPAN(SYSLOG_TAG),
    };
    for (bool is_last = false; !is_last && !rc;) {
        size_t end = span_index_of(rest, ',');

        is_last = end == rest.len;
        rc = take_syslog_parameter(&d, span_take(rest, end));
        rest = span_skip(rest, size_min(end + 1, rest.len));
    }
    if (!rc && !d.has_server)
        rc = conf_fail(c, n, "no syslog server specified");
    if (!rc)
        rc = conf_log_file(c, text, out);
    if (!rc && !(*out)->syslog)
        (*out)->syslog = t;
    return rc;
}
