/* directive_link - the directives of connections to upstreams: their table. */
#include "conf/directive_link.h"

#include "conf/setter.h"

#define AT_SETTING(member) ROW_AT(struct level, settings.member)

static int set_bind(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    const struct bind_conf **value = setter_value(s, d);
    struct bind_conf *conf;
    struct endpoint local;
    int rc;

    *value = NULL;
    if (n->word_count == 2 && span_equals(n->words[1], SPAN("off")))
        return 0;
    conf = arena_zalloc(c->arena, sizeof(*conf));
    if (!conf)
        return conf_fail_no_memory(c);
    *value = conf;
    rc = conf_template(c, &n->origin, n->words[1], &conf->address);
    if (rc)
        return rc;
    if (conf->address.is_literal && endpoint_parse(conf->address.text, &local) < 0)
        return conf_fail(c, n, "invalid address \"%.*s\"", SPAN_ARG(n->words[1]));
    conf->is_transparent = n->word_count == 3;
    if (conf->is_transparent && !span_equals(n->words[2], SPAN("transparent")))
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[2]));
    return 0;
}

static const struct directive rows[] = {
    {.name = "proxy_bind",
     .syntax = "address [transparent] | off",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 2,
     .set = set_bind,
     AT_SETTING(proxy_bind),
     .help = "the address, with or without a port, that upstreams are connected from; transparent: "
             "any address, also a client's ($remote_addr), for workers of root"},
    {.name = "proxy_socket_keepalive",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_socket_keepalive),
     .help = "whether TCP probes silent connections to upstreams (SO_KEEPALIVE)"},
    {.name = "proxy_force_ranges",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_force_ranges),
     .help = "whether a range is cut out of an upstream's whole answer, whatever its Accept-Ranges "
             "says"},
    {.name = "proxy_ignore_client_abort",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_ignore_client_abort),
     .help = "whether an upstream's answer is read to its end when the client has gone"},
};

const struct directive_table directive_link_table = {rows, COUNT_OF(rows)};
