/* variable_upstream - the values of $upstream_*: one for each try.
 *
 * They are separated by ", ", and by " : " where another location began to try, as in nginx. */
#include "proxy/variable_upstream.h"

typedef struct span (*try_fn)(struct record *r, const struct try_record *t, size_t offset);

static struct span for_each_try(struct record *r, try_fn value, size_t offset)
{
    struct span parts[2 * TRIES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < r->try_count; i++) {
        if (i)
            parts[count++] = r->tries[i].is_first ? SPAN(" : ") : SPAN(", ");
        parts[count] = value(r, &r->tries[i], offset);
        if (!parts[count].data)
            parts[count] = SPAN("-");
        count++;
    }
    return count ? value_join(r, parts, count, SPAN("")) : SPAN_NONE;
}

static uint64_t u64_at(const struct try_record *t, size_t offset)
{
    return *(const uint64_t *)((const char *)t + offset);
}

static struct span address_of(struct record *r, const struct try_record *t, size_t offset)
{
    return t->peer ? t->peer->address_text : SPAN_NONE;
}

/* Where no peer could be tried at all, the group stands for it, as in nginx. */
struct span upstream_value_address(struct record *r, const struct value_key *key)
{
    if (!r->try_count && r->outcome == OUTCOME_NO_PEER && r->pass && r->pass->upstream)
        return r->pass->upstream->name;
    return for_each_try(r, address_of, 0);
}

/* The peer that is being asked, also while a head is written for it. */
static const struct try_record *last_try(const struct record *r)
{
    size_t count = r->try_count + r->untold_count;

    return count ? &r->tries[count - 1] : NULL;
}

struct span upstream_value_last_address(struct record *r, const struct value_key *key)
{
    const struct try_record *t = last_try(r);

    return t ? address_of(r, t, 0) : SPAN_NONE;
}

struct span upstream_value_last_name(struct record *r, const struct value_key *key)
{
    const struct try_record *t = last_try(r);
    const struct peer_conf *peer = t ? t->peer : NULL;

    return peer && peer->host.len ? peer->host : SPAN_NONE;
}

static struct span status_of(struct record *r, const struct try_record *t, size_t offset)
{
    return t->status ? value_u64(r, t->status) : SPAN_NONE;
}

struct span upstream_value_status(struct record *r, const struct value_key *key)
{
    return for_each_try(r, status_of, 0);
}

static struct span number_of(struct record *r, const struct try_record *t, size_t offset)
{
    return value_u64(r, u64_at(t, offset));
}

struct span upstream_value_u64(struct record *r, const struct value_key *key)
{
    return for_each_try(r, number_of, key->offset);
}

static struct span seconds_of(struct record *r, const struct try_record *t, size_t offset)
{
    uint64_t us = u64_at(t, offset);

    return us == NOT_MEASURED ? SPAN_NONE : value_seconds(r, us / 1000);
}

struct span upstream_value_seconds(struct record *r, const struct value_key *key)
{
    return for_each_try(r, seconds_of, key->offset);
}

static struct span text_of(struct record *r, const struct try_record *t, size_t offset)
{
    return span_of_cstr(*(const char *const *)((const char *)t + offset));
}

struct span upstream_value_text(struct record *r, const struct value_key *key)
{
    return for_each_try(r, text_of, key->offset);
}

static struct span resumption_of(struct record *r, const struct try_record *t, size_t offset)
{
    if (!t->is_tls)
        return SPAN_NONE;
    return t->is_resumed ? SPAN("r") : SPAN(".");
}

struct span upstream_value_session_reused(struct record *r, const struct value_key *key)
{
    return for_each_try(r, resumption_of, 0);
}
