/* real_ip - the address of a client behind proxies that are trusted. */
#include "proxy/real_ip.h"

#include "core/forwarded.h"
#include "proxy/value.h"

/* The first such field: whoever adds another one does so behind it. */
static struct span first_field(const struct head *request, struct span name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *f = &request->fields[i];

        if (!f->is_dropped && span_equals_nocase(f->name, name))
            return f->value;
    }
    return SPAN_NONE;
}

/* Of X-Forwarded-For all fields are one list. */
static struct span list_of(struct record *r, const struct real_ip_conf *conf)
{
    if (span_equals_nocase(conf->field, SPAN("X-Forwarded-For")))
        return value_fields(r, r->request, SPAN("x_forwarded_for"));
    return first_field(r->request, conf->field);
}

/* True: *e is another one now. */
static bool find_address(struct record *r, const struct real_ip_conf *conf, struct endpoint *e)
{
    const struct proxy_header *header = r->client->proxy_header;

    if (!conf->is_proxy_header)
        return forwarded_address(list_of(r, conf), &conf->trust, e);
    if (!header || header->source.family == AF_UNSPEC || !forwarded_is_trusted(&conf->trust, e))
        return false;
    *e = header->source;
    return true;
}

int real_ip_find(struct record *r, const struct real_ip_conf *conf)
{
    struct endpoint address = r->client->address;
    struct client_facts *facts;

    if (r->connection || !find_address(r, conf, &address))
        return 0;
    facts = arena_alloc(r->arena, sizeof(*facts));
    if (!facts)
        return -ENOMEM;
    *facts = *r->client;
    facts->address = address;
    r->connection = r->client;
    r->client = facts;
    return 0;
}
