/* build_upstream - groups and single names to pass to: resolved, with all addresses as peers. */
#include "conf/build_upstream.h"

#include <netdb.h>
#include <string.h>

#include "conf/directive.h"
#include "conf/host.h"
#include "conf/pass_url.h"

#define PORT_HTTP 80

/* Words that several workers write stand on lines of their own. */
#define CACHE_LINE_BYTES 64

/* --- peers ---------------------------------------------------------------------------------- */

static struct peer_shared *new_shared(struct conf *c)
{
    char *p = arena_zalloc(c->arena, sizeof(struct peer_shared) + 2 * CACHE_LINE_BYTES);
    uintptr_t address = (uintptr_t)p;

    if (!p)
        return NULL;
    return (struct peer_shared *)(p + (CACHE_LINE_BYTES - address % CACHE_LINE_BYTES));
}

static int parse_host(struct conf *c, const struct origin *o, struct span text, struct host *host)
{
    const char *error;

    if (host_parse(text, host, &error) < 0)
        return conf_fail_at(c, o, "%s in upstream \"%.*s\"", error, SPAN_ARG(text));
    return 0;
}

static int add_peer(struct conf *c, struct vector *peers, const struct peer_conf *common,
                    const struct address *address)
{
    struct peer_conf *p = vector_add(c, peers, sizeof(*p));
    char text[ADDRESS_TEXT_BYTES];

    if (!p)
        return -ENOMEM;
    *p = *common;
    p->address = *address;
    p->address_text = arena_copy(c->arena, span_of(text, address_format(address, text)));
    p->index = (unsigned)peers->count - 1;
    p->shared = new_shared(c);
    return p->address_text.data && p->shared ? 0 : conf_fail_no_memory(c);
}

/* A peer for each address of a server line's host. */
static int add_peers(struct conf *c, struct vector *peers, const struct peer_draft *draft,
                     uint16_t default_port, const struct host *host)
{
    struct address addresses[HOST_ADDRESSES_MAX];
    struct peer_conf common = draft->conf;
    int count =
        host_resolve(host, default_port, !c->options.reads_nothing, addresses, HOST_ADDRESSES_MAX);
    int rc = 0;

    if (count <= 0)
        return conf_fail_at(c, &draft->origin, "host not found in upstream \"%.*s\"",
                            SPAN_ARG(draft->url));
    common.host = host->name;
    common.server_text = draft->url;
    for (int i = 0; i < count && !rc; i++)
        rc = add_peer(c, peers, &common, &addresses[i]);
    return rc;
}

/* --- upstreams ------------------------------------------------------------------------------ */

static struct upstream_entry *add_entry(struct conf *c, struct span name,
                                        const struct origin *origin)
{
    struct upstream_conf *conf = arena_zalloc(c->arena, sizeof(*conf));
    struct upstream_entry *entry;

    if (!conf) {
        conf_fail_no_memory(c);
        return NULL;
    }
    entry = vector_add(c, &c->upstreams, sizeof(*entry));
    if (!entry)
        return NULL;
    conf->index = (unsigned)c->upstreams.count - 1;
    conf->name = name;
    conf->origin = *origin;
    entry->conf = conf;
    return entry;
}

static void take_settings(struct upstream_conf *conf, const struct upstream_draft *draft,
                          const struct vector *peers)
{
    conf->peers = peers->items;
    conf->peer_count = peers->count;
    conf->balance = draft->balance;
    conf->keepalive_max = (unsigned)draft->keepalive_max;
    conf->keepalive_requests = draft->keepalive_requests;
    conf->keepalive_time_ms = draft->keepalive_time_ms;
    conf->keepalive_timeout_ms = draft->keepalive_timeout_ms;
}

static struct upstream_entry *find_group(struct conf *c, struct span name)
{
    struct upstream_entry *entries = c->upstreams.items;

    for (size_t i = 0; i < c->upstreams.count; i++) {
        if (!entries[i].conf->is_implicit && span_equals_nocase(entries[i].conf->name, name))
            return &entries[i];
    }
    return NULL;
}

static int add_group_peers(struct conf *c, const struct upstream_draft *draft,
                           struct upstream_entry *entry, struct vector *peers)
{
    const struct peer_draft *drafts = draft->peers.items;
    size_t primary_count = 0;

    for (size_t i = 0; i < draft->peers.count; i++) {
        struct host host;
        int rc = parse_host(c, &drafts[i].origin, drafts[i].url, &host);

        if (!rc)
            rc = add_peers(c, peers, &drafts[i], PORT_HTTP, &host);
        if (rc)
            return rc;
        if (!host.port && !host.is_unix && !entry->portless)
            entry->portless = &drafts[i];
        primary_count += !drafts[i].conf.is_backup;
    }
    if (!primary_count)
        return conf_fail_at(c, &entry->conf->origin, "no servers in upstream \"%.*s\"",
                            SPAN_ARG(entry->conf->name));
    return 0;
}

int build_upstream_group(struct conf *c, const struct node *block)
{
    struct upstream_draft *draft = arena_zalloc(&c->scratch, sizeof(*draft));
    struct upstream_entry *entry;
    struct vector peers = {0};
    struct scope scope;
    int rc;

    if (!draft)
        return conf_fail_no_memory(c);
    if (find_group(c, block->words[1]))
        return conf_fail(c, block, "duplicate upstream \"%.*s\"", SPAN_ARG(block->words[1]));
    scope_init(&scope, CONTEXT_UPSTREAM, NULL, block, draft);
    rc = scope_read(c, &scope);
    if (!rc)
        rc = scope_complete(c, &scope);
    if (rc)
        return rc;
    if (!draft->peers.count)
        return conf_fail_at(c, &block->end, "no servers are inside upstream");
    entry = add_entry(c, block->words[1], &block->origin);
    if (!entry)
        return -ENOMEM;
    rc = add_group_peers(c, draft, entry, &peers);
    take_settings(entry->conf, draft, &peers);
    return rc;
}

/* --- proxy_pass ----------------------------------------------------------------------------- */

static struct upstream_entry *find_implicit(struct conf *c, const struct host *host, uint16_t port)
{
    struct upstream_entry *entries = c->upstreams.items;

    for (size_t i = 0; i < c->upstreams.count; i++) {
        if (entries[i].conf->is_implicit && entries[i].conf->port == port &&
            span_equals_nocase(entries[i].conf->host, host->is_unix ? host->text : host->name))
            return &entries[i];
    }
    return NULL;
}

static int make_implicit(struct conf *c, const struct word *url, const struct host *host,
                         uint16_t port, struct upstream_entry **out)
{
    struct upstream_draft *draft = arena_zalloc(&c->scratch, sizeof(*draft));
    struct peer_draft peer = {.url = host->text, .origin = url->origin};
    struct upstream_entry *entry;
    struct vector peers = {0};
    struct scope scope;
    int rc;

    if (!draft)
        return conf_fail_no_memory(c);
    entry = add_entry(c, host->text, &url->origin);
    if (!entry)
        return -ENOMEM;
    entry->conf->is_implicit = true;
    entry->conf->host = host->is_unix ? host->text : host->name;
    entry->conf->port = port;
    peer.conf = (struct peer_conf){.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    scope_init(&scope, CONTEXT_UPSTREAM, NULL, NULL, draft);
    rc = scope_complete(c, &scope);
    if (!rc)
        rc = add_peers(c, &peers, &peer, port, host);
    take_settings(entry->conf, draft, &peers);
    *out = entry;
    return rc;
}

static void warn_portless(struct conf *c, const struct word *url,
                          const struct upstream_entry *group)
{
    struct span server = group->portless->url;

    conf_warn(c, &url->origin,
              "https is passed to port 80 of \"%.*s\" in upstream \"%.*s\", as by nginx: write "
              "\"%.*s:443\" if that is meant",
              SPAN_ARG(server), SPAN_ARG(group->conf->name), SPAN_ARG(server));
}

/* What upstreams have that only requests name: there is nobody to set anything else. */
static int make_defaults(struct conf *c)
{
    struct upstream_draft *draft = arena_zalloc(&c->scratch, sizeof(*draft));
    struct upstream_conf *defaults = arena_zalloc(c->arena, sizeof(*defaults));
    const struct vector no_peers = {0};
    struct scope scope;
    int rc;

    if (!draft || !defaults)
        return conf_fail_no_memory(c);
    scope_init(&scope, CONTEXT_UPSTREAM, NULL, NULL, draft);
    rc = scope_complete(c, &scope);
    take_settings(defaults, draft, &no_peers);
    c->snapshot->upstream_defaults = defaults;
    return rc;
}

/* With variables the URL is each request's: here it is only known whether it may be one of TLS. */
static int build_variable_pass(struct conf *c, const struct word *url, struct proxy_pass *out)
{
    struct template *t = arena_alloc(c->arena, sizeof(*t));
    int rc;

    if (!t)
        return conf_fail_no_memory(c);
    rc = conf_template(c, &url->origin, url->text, t);
    if (rc)
        return rc;
    out->url = t;
    out->is_tls = !span_starts_with_nocase(url->text, SPAN("http://"));
    return c->snapshot->upstream_defaults ? 0 : make_defaults(c);
}

static int parse_url(struct conf *c, const struct word *url, struct proxy_pass *out,
                     struct host *host)
{
    const char *error;
    int rc = pass_url_parse(url->text, c->arena, out, host, &error);

    if (rc == -ENOMEM)
        return conf_fail_no_memory(c);
    return rc ? conf_fail_at(c, &url->origin, "%s in upstream \"%.*s\"", error, SPAN_ARG(out->host))
              : 0;
}

int build_proxy_pass(struct conf *c, const struct word *url, struct proxy_pass *out)
{
    struct upstream_entry *entry;
    struct host host;
    int rc;

    out->is_set = true;
    if (span_index_of(url->text, '$') < url->text.len)
        return build_variable_pass(c, url, out);
    rc = parse_url(c, url, out, &host);
    if (rc)
        return rc;
    entry = find_group(c, host.is_unix ? host.text : host.name);
    if (entry && host.port)
        return conf_fail_at(c, &url->origin, "upstream \"%.*s\" may not have port %u",
                            SPAN_ARG(host.name), host.port);
    if (entry && out->is_tls && entry->portless)
        warn_portless(c, url, entry);
    if (!entry)
        entry = find_implicit(c, &host, out->port);
    if (!entry)
        rc = make_implicit(c, url, &host, out->port, &entry);
    if (rc)
        return rc;
    out->upstream = entry->conf;
    return 0;
}
