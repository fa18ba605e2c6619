/* added_fields - what add_header, expires and add_trailer put into an answer. */
#include "proxy/added_fields.h"

#include <string.h>
#include <time.h>

#include "core/time_text.h"
#include "conf/expires.h"
#include "proxy/head_parts.h"
#include "proxy/request_log.h"
#include "proxy/value.h"
#include "proxy/variable.h"

#define MS_PER_SECOND 1000
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60

static const struct settings *settings_of(const struct record *r)
{
    return &r->location->settings;
}

/* Statuses for which nothing needs an "always", as in nginx. */
static bool is_good(unsigned status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

/* Fields that only the hop itself decides about. */
static bool is_of_the_hop(enum field_id id)
{
    return field_is_framing(id) || (field_flags(id) & FIELD_HOP_BY_HOP);
}

static bool is_added(const struct add_header *h, unsigned status)
{
    return (h->is_always || is_good(status)) && !is_of_the_hop(h->id);
}

/* ---- expires ---- */

/* The next time that it is so many seconds after midnight, by the clock on the wall; 0: none. */
static int64_t next_time_of_day(int64_t now_s, int64_t seconds)
{
    time_t now = now_s, next;
    struct tm tm;

    if (!localtime_r(&now, &tm))
        return 0;
    tm.tm_hour = (int)(seconds / SECONDS_PER_HOUR);
    tm.tm_min = (int)(seconds % SECONDS_PER_HOUR / SECONDS_PER_MINUTE);
    tm.tm_sec = (int)(seconds % SECONDS_PER_MINUTE);
    tm.tm_isdst = -1;
    next = mktime(&tm);
    if (next > now)
        return next;
    tm.tm_mday++;
    tm.tm_isdst = -1;
    next = mktime(&tm);
    return next == -1 ? 0 : next;
}

static int show_times(struct record *r, const struct expires_rule *rule, int64_t at_s,
                      int64_t now_s, struct added_fields *f)
{
    int64_t age_s = at_s - now_s;
    char date[TIME_HTTP_BYTES];

    f->expires = arena_copy(r->arena, span_of(date, time_format_http(at_s, date)));
    f->cache_control = rule->seconds < 0 || age_s < 0
                           ? SPAN("no-cache")
                           : arena_printf(r->arena, "max-age=%lld", (long long)age_s);
    return f->expires.data && f->cache_control.data ? 0 : -ENOMEM;
}

static int set_times(struct record *r, const struct expires_rule *rule, struct span last_modified,
                     struct added_fields *f)
{
    int64_t now_s = engine_times(r->engine)->unix_ms / MS_PER_SECOND;
    int64_t at_s = now_s + rule->seconds;
    int64_t modified_s;

    if (rule->kind == EXPIRES_DAILY)
        at_s = next_time_of_day(now_s, rule->seconds);
    else if (rule->seconds && rule->kind == EXPIRES_AFTER_CHANGE && last_modified.len &&
             time_parse_http(last_modified, &modified_s) == 0)
        at_s = modified_s + rule->seconds;
    return show_times(r, rule, at_s, now_s, f);
}

/* What the rule comes to for this answer: a value that is no time is none, as in nginx. */
static int find_rule(struct record *r, struct expires_rule *rule)
{
    bool is_modified = rule->kind == EXPIRES_AFTER_CHANGE;
    const char *reason;
    struct span text;

    if (!rule->value.text.data)
        return 0;
    if (record_expand(r, &rule->value, &text) < 0)
        return -ENOMEM;
    if (expires_parse(text, is_modified, rule, &reason) < 0)
        rule->kind = EXPIRES_OFF;
    return 0;
}

static int choose_expires(struct record *r, struct span last_modified, struct added_fields *f)
{
    struct expires_rule rule = *settings_of(r)->expires;

    if (find_rule(r, &rule) < 0)
        return -ENOMEM;
    if (rule.kind == EXPIRES_OFF)
        return 0;
    f->replaced |= field_bit(FIELD_EXPIRES) | field_bit(FIELD_CACHE_CONTROL);
    if (rule.kind == EXPIRES_EPOCH) {
        f->expires = SPAN("Thu, 01 Jan 1970 00:00:01 GMT");
        f->cache_control = SPAN("no-cache");
        return 0;
    }
    if (rule.kind == EXPIRES_MAX) {
        f->expires = SPAN("Thu, 31 Dec 2037 23:55:55 GMT");
        f->cache_control = SPAN("max-age=315360000");
        return 0;
    }
    return set_times(r, &rule, last_modified, f);
}

/* ---- heads ---- */

/* As nginx: there is one ETag, one Last-Modified, and an added one that is empty takes it away. */
static bool is_single(enum field_id id)
{
    return id == FIELD_ETAG || id == FIELD_LAST_MODIFIED;
}

int added_fields_choose(struct record *r, unsigned status, struct span last_modified,
                        struct added_fields *out)
{
    const struct settings *s = settings_of(r);

    *out = (struct added_fields){0};
    for (size_t i = 0; i < s->add_header_count; i++) {
        if (is_single(s->add_headers[i].id) && is_added(&s->add_headers[i], status))
            out->replaced |= field_bit(s->add_headers[i].id);
    }
    return s->expires && is_good(status) ? choose_expires(r, last_modified, out) : 0;
}

/* Of those that are single the last one counts. */
static bool is_overridden(const struct settings *s, size_t i, unsigned status)
{
    if (!is_single(s->add_headers[i].id))
        return false;
    for (size_t later = i + 1; later < s->add_header_count; later++) {
        if (s->add_headers[later].id == s->add_headers[i].id &&
            is_added(&s->add_headers[later], status))
            return true;
    }
    return false;
}

int added_fields_look_back(struct record *r, const struct writer *w)
{
    r->sent_head = arena_copy(r->arena, span_of(w->data, w->len));
    return r->sent_head.data ? 0 : -ENOMEM;
}

int added_fields_write(struct record *r, unsigned status, const struct added_fields *f,
                       struct writer *w)
{
    const struct settings *s = settings_of(r);
    unsigned refused_count = w->refused_count;

    if (f->expires.len)
        writer_field(w, SPAN("Expires"), f->expires);
    if (f->cache_control.len)
        writer_field(w, SPAN("Cache-Control"), f->cache_control);
    for (size_t i = 0; i < s->add_header_count; i++) {
        const struct add_header *h = &s->add_headers[i];
        struct span value;

        if (!is_added(h, status) || is_overridden(s, i, status))
            continue;
        if (h->looks_back && added_fields_look_back(r, w) < 0)
            return -ENOMEM;
        if (record_expand(r, &h->value, &value) < 0)
            return -ENOMEM;
        if (value.len)
            writer_field(w, h->name, value);
    }
    if (w->refused_count != refused_count)
        request_log(r, LOG_LEVEL_ERROR,
                    "a value of \"add_header\" with control bytes was left out");
    return 0;
}

/* ---- trailers ---- */

bool added_trailers_are_wanted(const struct record *r, unsigned status)
{
    const struct settings *s = settings_of(r);

    if (!s->add_trailer_count || !r->request->version_minor || r->request->method == METHOD_HEAD ||
        status < 200 || status == 204 || status == 304)
        return false;
    for (size_t i = 0; i < s->add_trailer_count; i++) {
        if (is_added(&s->add_trailers[i], status))
            return true;
    }
    return false;
}

static int write_trailer(struct record *r, const struct add_header *h)
{
    struct span parts[3] = {r->sent_trailers};
    struct span value, line;

    if (record_expand(r, &h->value, &value) < 0)
        return -ENOMEM;
    if (!value.len)
        return 0;
    if (!field_value_is_valid(value)) {
        request_log(r, LOG_LEVEL_ERROR,
                    "a value of \"add_trailer\" with control bytes was left out");
        return 0;
    }
    line = arena_printf(r->arena, "%.*s: %.*s\r\n", SPAN_ARG(h->name), SPAN_ARG(value));
    parts[1] = line;
    r->sent_trailers = value_join(r, parts, 2, SPAN(""));
    return line.data && r->sent_trailers.data ? conn_write(r->client->conn, line) : -ENOMEM;
}

int added_trailers_write(struct record *r)
{
    const struct settings *s = settings_of(r);
    int rc = 0;

    for (size_t i = 0; i < s->add_trailer_count && !rc; i++) {
        if (is_added(&s->add_trailers[i], r->status))
            rc = write_trailer(r, &s->add_trailers[i]);
    }
    return rc;
}
