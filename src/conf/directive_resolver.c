/* directive_resolver - who is asked for names at run time: the directives' table. */
#include "conf/directive_resolver.h"

#include "conf/host.h"
#include "conf/setter.h"

#define PORT_DNS 53

#define AT_SETTING(member) ROW_AT(struct level, settings.member)

static int fail_parameter(struct conf *c, const struct node *n, struct span word)
{
    return conf_fail(c, n, "invalid parameter: %.*s", SPAN_ARG(word));
}

/* "on" or "off" behind the '='. */
static int parse_flag(struct span word, bool *flag)
{
    struct span value = span_skip(word, span_index_of(word, '=') + 1);

    *flag = span_equals(value, SPAN("on"));
    return *flag || span_equals(value, SPAN("off")) ? 0 : -EINVAL;
}

/* All addresses of one server. */
static int add_server(struct conf *c, const struct node *n, struct span word,
                      struct vector *servers)
{
    struct address addresses[HOST_ADDRESSES_MAX];
    const char *error;
    struct host host;
    int count;

    if (host_parse(word, &host, &error) < 0)
        return conf_fail(c, n, "%s in resolver \"%.*s\"", error, SPAN_ARG(word));
    count = host_resolve(&host, PORT_DNS, !c->options.reads_nothing, addresses, HOST_ADDRESSES_MAX);
    if (count <= 0 || host.is_unix)
        return conf_fail(c, n, "host not found in resolver \"%.*s\"", SPAN_ARG(word));
    for (int i = 0; i < count; i++) {
        struct address *a = vector_add(c, servers, sizeof(*a));

        if (!a)
            return -ENOMEM;
        *a = addresses[i];
    }
    return 0;
}

static int take_word(struct conf *c, const struct node *n, struct span word,
                     struct resolver_settings *s, struct vector *servers)
{
    int rc;

    if (span_starts_with(word, SPAN("valid="))) {
        s->has_valid = true;
        rc = setter_parse_seconds(span_skip(word, sizeof("valid=") - 1), &s->valid_ms);
    } else if (span_starts_with(word, SPAN("ipv4="))) {
        rc = parse_flag(word, &s->wants_ip4);
    } else if (span_starts_with(word, SPAN("ipv6="))) {
        rc = parse_flag(word, &s->wants_ip6);
    } else {
        return add_server(c, n, word, servers);
    }
    return rc ? fail_parameter(c, n, word) : 0;
}

static int set_resolver(struct conf *c, struct scope *s, const struct directive *d,
                        const struct node *n)
{
    struct resolver_conf *conf = arena_zalloc(c->arena, sizeof(*conf));
    const struct resolver_conf **value = setter_value(s, d);
    struct resolver_conf **listed;
    struct vector servers = {0};

    if (!conf)
        return conf_fail_no_memory(c);
    conf->settings = (struct resolver_settings){.wants_ip4 = true, .wants_ip6 = true};
    for (size_t i = 1; i < n->word_count; i++) {
        int rc = take_word(c, n, n->words[i], &conf->settings, &servers);

        if (rc)
            return rc;
    }
    if (!servers.count)
        return conf_fail(c, n, "no name servers defined");
    if (!conf->settings.wants_ip4 && !conf->settings.wants_ip6)
        return conf_fail(c, n, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    conf->settings.servers = servers.items;
    conf->settings.server_count = servers.count;
    listed = vector_add(c, &c->resolvers, sizeof(*listed));
    if (!listed)
        return -ENOMEM;
    conf->index = (unsigned)c->resolvers.count - 1;
    *listed = conf;
    *value = conf;
    return 0;
}

static const struct directive rows[] = {
    {.name = "resolver",
     .syntax = "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .set = set_resolver,
     AT_SETTING(resolver),
     .help = "the name servers that are asked for hosts which variables in proxy_pass name"},
    {.name = "resolver_timeout",
     .syntax = "time",
     .preset = "30s",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 1,
     .set = set_ms,
     AT_SETTING(resolver_timeout_ms),
     .help = "how long a request waits for an answer of the name servers"},
};

const struct directive_table directive_resolver_table = {rows, COUNT_OF(rows)};
