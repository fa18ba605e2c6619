/* build_listen - listening addresses, and the names of the servers behind each. */
#include "conf/build_listen.h"

#include <string.h>

/* An address while its listen directives are put together. */
struct listen_build {
    struct listen_conf conf;
    char text[ADDRESS_TEXT_BYTES];
    struct vector servers; /* struct server_draft * */
    bool has_default, has_options;
};

/* --- addresses ------------------------------------------------------------------------------ */

static struct listen_build *find_listen(struct vector *listens, const struct address *address)
{
    struct listen_build *all = listens->items;

    for (size_t i = 0; i < listens->count; i++) {
        if (address_equals(&all[i].conf.address, address))
            return &all[i];
    }
    return NULL;
}

static void take_options(struct listen_build *to, const struct listen_draft *l)
{
    to->has_options = true;
    to->conf.backlog = l->backlog;
    to->conf.ipv6only = l->ipv6only;
    to->conf.socket = l->socket;
}

static struct listen_build *add_address(struct conf *c, struct vector *listens,
                                        const struct listen_draft *l)
{
    struct listen_build *b = vector_add(c, listens, sizeof(*b));

    if (!b)
        return NULL;
    b->conf = (struct listen_conf){
        .index = (unsigned)listens->count - 1,
        .address = l->address,
        .text = l->text,
        .is_tls = l->is_tls,
        .is_proxied = l->is_proxied,
        .socket = l->socket,
        .backlog = l->backlog,
        .ipv6only = l->ipv6only,
        .origin = l->origin,
    };
    b->has_options = l->has_options;
    address_format(&l->address, b->text);
    return b;
}

/* One more listen directive for an address that is there. */
static int merge_address(struct conf *c, struct listen_build *b, const struct listen_draft *l)
{
    if (l->has_options && b->has_options)
        return conf_fail_at(c, &l->origin, "duplicate listen options for %s", b->text);
    if (l->has_options)
        take_options(b, l);
    if (l->is_default && b->has_default)
        return conf_fail_at(c, &l->origin, "a duplicate default server for %s", b->text);
    if (l->is_tls != b->conf.is_tls || l->is_proxied != b->conf.is_proxied)
        conf_warn(c, &l->origin, "protocol options redefined for %s", b->text);
    b->conf.is_tls |= l->is_tls;
    b->conf.is_proxied |= l->is_proxied;
    return 0;
}

static int add_listen(struct conf *c, struct vector *listens, struct server_draft *server,
                      const struct listen_draft *l)
{
    struct listen_build *b = find_listen(listens, &l->address);
    struct server_draft **added;
    int rc = b ? merge_address(c, b, l) : 0;

    if (rc)
        return rc;
    if (!b)
        b = add_address(c, listens, l);
    if (!b)
        return -ENOMEM;
    if (l->is_default || !b->conf.default_server)
        b->conf.default_server = server->conf;
    b->has_default |= l->is_default;
    added = vector_add(c, &b->servers, sizeof(*added));
    if (!added)
        return -ENOMEM;
    *added = server;
    return 0;
}

/* --- names ---------------------------------------------------------------------------------- */

struct names_build {
    struct conf *c;
    const char *listen;    /* the address, for messages */
    struct vector regexes; /* struct server_regex_name */
    struct server_names *names;
};

/* 0; -EEXIST: the name is taken; -ENOMEM. */
static int put_name(struct conf *c, struct span_table *t, struct span name,
                    const struct server_conf *server)
{
    return span_table_find(t, name) ? -EEXIST : span_table_put(t, c->arena, name, server);
}

/* Likewise. ".a" stands for "*.a" and for "a", and is taken where one of them is. */
static int put_plain_name(struct names_build *b, struct span name, const struct server_conf *server)
{
    struct server_names *all = b->names;
    int rc;

    if (span_starts_with(name, SPAN("*.")))
        return put_name(b->c, &all->heads, span_skip(name, 1), server);
    if (span_ends_with(name, SPAN(".*")))
        return put_name(b->c, &all->tails, span_take(name, name.len - 1), server);
    if (!span_starts_with(name, SPAN(".")))
        return put_name(b->c, &all->exact, name, server);
    if (span_table_find(&all->heads, name))
        return -EEXIST;
    rc = put_name(b->c, &all->exact, span_skip(name, 1), server);
    return rc ? rc : put_name(b->c, &all->heads, name, server);
}

static int put_nameless(struct names_build *b, const struct server_conf *server)
{
    if (b->names->nameless)
        return -EEXIST;
    b->names->nameless = server;
    return 0;
}

static int add_name(struct names_build *b, const struct server_name_draft *name,
                    const struct server_conf *server)
{
    struct server_regex_name *regex;
    int rc;

    if (name->regex) {
        regex = vector_add(b->c, &b->regexes, sizeof(*regex));
        if (!regex)
            return -ENOMEM;
        *regex = (struct server_regex_name){name->regex, server};
        return 0;
    }
    rc = name->name.len ? put_plain_name(b, name->name, server) : put_nameless(b, server);
    if (rc == -ENOMEM)
        return conf_fail_no_memory(b->c);
    if (rc)
        conf_warn(b->c, &name->origin, "conflicting server name \"%.*s\" on %s, ignored",
                  SPAN_ARG(name->name), b->listen);
    return 0;
}

static int add_names(struct names_build *b, const struct listen_build *listen)
{
    struct server_draft *const *servers = listen->servers.items;

    for (size_t i = 0; i < listen->servers.count; i++) {
        const struct server_name_draft *names = servers[i]->level.server_names.items;

        for (size_t n = 0; n < servers[i]->level.server_names.count; n++) {
            int rc = add_name(b, &names[n], servers[i]->conf);

            if (rc)
                return rc;
        }
    }
    return 0;
}

static int build_names(struct conf *c, struct listen_build *listen)
{
    struct server_names *names = &listen->conf.names;
    struct names_build b = {.c = c, .listen = listen->text, .names = names};
    int rc = add_names(&b, listen);

    names->regexes = b.regexes.items;
    names->regex_count = b.regexes.count;
    return rc;
}

/* --- all of them ---------------------------------------------------------------------------- */

static int check_certificate(struct conf *c, const struct server_conf *server)
{
    if (server->tls)
        return 0;
    return conf_fail_at(c, &server->origin,
                        "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive");
}

/* A server without a certificate of its own is behind that of the default one, if that has one. */
static int check_certificates(struct conf *c, const struct listen_build *listen)
{
    const struct server_conf *preset = listen->conf.default_server;
    struct server_draft *const *servers = listen->servers.items;
    int rc;

    if (!listen->conf.is_tls)
        return 0;
    rc = check_certificate(c, preset);
    if (rc || preset->tls->settings.pair_count || preset->tls->certificate)
        return rc;
    for (size_t i = 0; i < listen->servers.count && !rc; i++)
        rc = check_certificate(c, servers[i]->conf);
    return rc;
}

static int collect(struct conf *c, struct vector *listens)
{
    struct server_draft *const *servers = c->servers.items;

    for (size_t i = 0; i < c->servers.count; i++) {
        const struct listen_draft *drafts = servers[i]->level.listens.items;

        for (size_t l = 0; l < servers[i]->level.listens.count; l++) {
            int rc = add_listen(c, listens, servers[i], &drafts[l]);

            if (rc)
                return rc;
        }
    }
    return 0;
}

int build_listens(struct conf *c)
{
    struct vector listens = {0};
    struct listen_build *all;
    struct listen_conf *confs;
    int rc = collect(c, &listens);

    if (rc)
        return rc;
    all = listens.items;
    confs = arena_zalloc(c->arena, (listens.count + 1) * sizeof(*confs));
    if (!confs)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < listens.count; i++) {
        rc = check_certificates(c, &all[i]);
        if (!rc)
            rc = build_names(c, &all[i]);
        if (rc)
            return rc;
        confs[i] = all[i].conf;
    }
    c->snapshot->listens = confs;
    c->snapshot->listen_count = listens.count;
    return 0;
}
