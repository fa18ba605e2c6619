/* pass - where a request is passed to: what proxy_pass says, also with variables in it. */
#include "proxy/pass.h"

#include "conf/pass_url.h"
#include "proxy/log_escape.h"
#include "proxy/upload.h"
#include "proxy/variable.h"
#include "proxy/verdict.h"

/* What a request made of a proxy_pass with variables. In its arena. */
struct made_pass {
    struct destination_use use; /* first: x->destinations is a list of these */
    struct proxy_pass pass;
    struct host host;
    uint64_t deadline_ms; /* of the wait; UINT64_MAX: none */
};

/* ---- on to the upstream ---- */

/* named: of a destination; NULL: pass->upstream is the file's. */
static enum progress pass_to(struct exchange *x, const struct proxy_pass *pass,
                             struct upstream *named)
{
    bool is_another = x->attempt.upstream && x->record.pass != pass;

    /* Another upstream has of the body what cannot be sent to this one as well. */
    if (is_another && !exchange_can_resend(x))
        return answer(x, 502);
    x->has_upload_failed = false;
    if (is_another)
        attempt_init(&x->attempt, &x->record, x->view, x->task); /* none of its peers was tried */
    x->attempt.named = named;
    x->record.pass = pass;
    return go_to(x, upload_first_step(x));
}

/* ---- the URL ---- */

/* before, the text as it may be printed, after. */
static enum progress refuse(struct exchange *x, const char *before, struct span text,
                            const char *after, enum outcome outcome)
{
    struct span shown = text.len ? log_escape_copy(LOG_ESCAPE_DEFAULT, text, &x->arena) : SPAN("");

    x->record.detail = arena_printf(&x->arena, "%s%.*s%s", before, SPAN_ARG(shown), after);
    return conclude(x, outcome);
}

static enum progress refuse_url(struct exchange *x, const struct made_pass *m, struct span url,
                                const char *error)
{
    bool has_prefix = m->pass.host.data != NULL;
    const char *before =
        arena_printf(&x->arena, "%s in %s\"", error, has_prefix ? "upstream " : "").data;

    if (!before)
        return conclude(x, OUTCOME_NO_MEMORY);
    return refuse(x, before, has_prefix ? m->pass.host : url, "\"", OUTCOME_INTERNAL);
}

/* ---- the file's upstreams ---- */

/* A group by its name alone; a host that another proxy_pass names by its port, too. */
static bool is_meant(const struct upstream_conf *u, const struct made_pass *m)
{
    struct span host = m->host.is_unix ? m->host.text : m->host.name;

    if (u->is_implicit)
        return u->port == m->pass.port && span_equals_nocase(u->host, host);
    return !m->host.port && span_equals_nocase(u->name, host);
}

static const struct upstream_conf *find_upstream(const struct snapshot *s,
                                                 const struct made_pass *m)
{
    for (size_t i = 0; i < s->upstream_count; i++) {
        if (is_meant(s->upstreams[i], m))
            return s->upstreams[i];
    }
    return NULL;
}

/* Names of lanes outlive the request. */
static void take_upstream(struct made_pass *m, const struct upstream_conf *u)
{
    m->pass.upstream = u;
    if (!m->host.is_unix)
        m->pass.host_name = u->is_implicit ? u->host : u->name;
}

/* ---- other hosts ---- */

static enum progress pass_to_addresses(struct exchange *x, struct made_pass *m,
                                       const struct address *addresses, size_t count)
{
    const struct destination_key key = {
        .host = m->host.is_unix ? m->host.text : m->host.name,
        .port = m->pass.port,
        .addresses = addresses,
        .address_count = count,
    };

    m->use.upstream = destination_take(x->view, &key);
    if (!m->use.upstream)
        return conclude(x, OUTCOME_NO_MEMORY);
    take_upstream(m, m->use.upstream->conf);
    return pass_to(x, &m->pass, m->use.upstream);
}

/* What is logged of the request has the name that was not found: $proxy_host. */
static enum progress refuse_name(struct exchange *x, const struct made_pass *m, const char *before,
                                 const char *after)
{
    x->record.pass = &m->pass;
    return refuse(x, before, m->host.name, after, OUTCOME_NOT_RESOLVED);
}

static enum progress refuse_failure(struct exchange *x, const struct made_pass *m,
                                    struct resolver_failure failure)
{
    const char *after =
        arena_printf(&x->arena, " could not be resolved (%d: %s)", failure.code, failure.text).data;

    return refuse_name(x, m, "", after ? after : "");
}

static enum progress begin_resolving(struct exchange *x, struct made_pass *m)
{
    const struct settings *s = exchange_settings(x);
    struct resolver *r;

    if (!s->resolver)
        return refuse_name(x, m, "no resolver defined to resolve ", "");
    m->deadline_ms = UINT64_MAX;
    if (s->resolver_timeout_ms)
        m->deadline_ms = exchange_now_ms(x) + s->resolver_timeout_ms;
    r = x->view->resolvers[s->resolver->index];
    if (resolver_ask(r, m->host.name, x->task, &m->use.wait) == RESOLVER_FAILED)
        return refuse_failure(x, m, resolver_wait_failure(&m->use.wait));
    return go_to(x, STEP_RESOLVE);
}

enum progress pass_resolve(struct exchange *x)
{
    struct made_pass *m = container_of(x->destinations, struct made_pass, use);
    const struct address *addresses;
    size_t count;

    switch (resolver_wait_state(&m->use.wait)) {
    case RESOLVER_KNOWS:
        addresses = resolver_wait_addresses(&m->use.wait, &count);
        return pass_to_addresses(x, m, addresses, count);
    case RESOLVER_FAILED:
        return refuse_failure(x, m, resolver_wait_failure(&m->use.wait));
    case RESOLVER_ASKS:
        break;
    }
    if (exchange_now_ms(x) >= m->deadline_ms)
        return refuse_failure(x, m, RESOLVER_TIMED_OUT);
    if (exchange_client_is_leaving(x) && !exchange_settings(x)->proxy_ignore_client_abort)
        return conclude(x, OUTCOME_CLIENT_GONE);
    exchange_hear_client(x);
    if (m->deadline_ms != UINT64_MAX)
        timer_set(loop_wheel(x->view->engine->loop), x->timer, m->deadline_ms);
    return WAIT;
}

/* ---- choosing ---- */

static enum progress choose(struct exchange *x, struct made_pass *m)
{
    const struct upstream_conf *u = find_upstream(x->view->snapshot, m);
    struct address address;

    if (u) {
        take_upstream(m, u);
        return pass_to(x, &m->pass, NULL);
    }
    if (host_resolve(&m->host, m->pass.port, false, &address, 1) == 1)
        return pass_to_addresses(x, m, &address, 1);
    return begin_resolving(x, m);
}

static enum progress begin_made(struct exchange *x, const struct proxy_pass *conf)
{
    struct made_pass *m = arena_zalloc(&x->arena, sizeof(*m));
    const char *error;
    struct span url;
    int rc;

    if (!m || record_expand(&x->record, conf->url, &url))
        return conclude(x, OUTCOME_NO_MEMORY);
    m->use.next = x->destinations;
    x->destinations = &m->use;
    m->pass = *conf;
    rc = pass_url_parse(url, &x->arena, &m->pass, &m->host, &error);
    if (rc == -EINVAL)
        return refuse_url(x, m, url, error);
    if (rc)
        return conclude(x, OUTCOME_NO_MEMORY);
    if (!m->pass.is_tls) {
        m->pass.tls = NULL;
        m->pass.certificate = NULL;
    }
    return choose(x, m);
}

enum progress pass_begin(struct exchange *x)
{
    const struct proxy_pass *pass = &x->record.location->proxy_pass;

    x->record.response = NULL; /* that which led here */
    return pass->url ? begin_made(x, pass) : pass_to(x, pass, NULL);
}
