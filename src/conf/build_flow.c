/* build_flow - how fast and how far ahead the answers of a level go. */
#include "conf/build_flow.h"

#include <string.h>

/* ---- rates ---- */

static bool is_none(const struct template *t)
{
    return !t->text.data || (t->is_literal && span_equals(t->text, SPAN("0")));
}

static int build_rates(struct conf *c, const struct rate_conf *draft, struct settings *s)
{
    struct rate_conf *rates;

    s->rates = NULL;
    if (is_none(&draft->limit_rate) && is_none(&draft->proxy_limit_rate))
        return 0;
    rates = arena_alloc(c->arena, sizeof(*rates));
    if (!rates)
        return conf_fail_no_memory(c);
    *rates = *draft;
    s->rates = rates;
    return 0;
}

/* ---- buffers ---- */

/* The one that somebody wrote last, of what an error is about. */
static const struct origin *origin_of(const struct flow_draft *f, const struct size_draft *first)
{
    const struct size_draft *all[] = {first, &f->proxy_buffers, &f->proxy_buffer_size};

    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i]->is_given)
            return &all[i]->origin;
    }
    return &first->origin;
}

static int fail_below(struct conf *c, const struct flow_draft *f, const struct size_draft *size,
                      const char *name)
{
    return conf_fail_at(c, origin_of(f, size),
                        "\"%s\" must be equal to or greater than the maximum of the value of "
                        "\"proxy_buffer_size\" and one of the \"proxy_buffers\"",
                        name);
}

static int check_files(struct conf *c, const struct flow_draft *f, uint64_t largest)
{
    if (f->proxy_temp_file_write_size.is_given && f->proxy_temp_file_write_size.size < largest)
        return fail_below(c, f, &f->proxy_temp_file_write_size, "proxy_temp_file_write_size");
    if (f->proxy_max_temp_file_size.is_given && f->proxy_max_temp_file_size.size &&
        f->proxy_max_temp_file_size.size < largest)
        return conf_fail_at(c, origin_of(f, &f->proxy_max_temp_file_size),
                            "\"proxy_max_temp_file_size\" must be equal to zero to disable "
                            "temporary files usage or must be equal to or greater than the maximum "
                            "of the value of \"proxy_buffer_size\" and one of the "
                            "\"proxy_buffers\"");
    return 0;
}

/* As nginx, also for what has no effect here: such a file is not one of nginx's. */
static int check_buffers(struct conf *c, const struct flow_draft *f)
{
    uint64_t one = f->proxy_buffers.size, largest = f->proxy_buffer_size.size;
    uint64_t busy;

    if (one > largest)
        largest = one;
    busy = f->proxy_busy_buffers_size.is_given ? f->proxy_busy_buffers_size.size : 2 * largest;
    if (busy < largest)
        return fail_below(c, f, &f->proxy_busy_buffers_size, "proxy_busy_buffers_size");
    if (busy > (f->proxy_buffers.count - 1) * one)
        return conf_fail_at(c, origin_of(f, &f->proxy_busy_buffers_size),
                            "\"proxy_busy_buffers_size\" must be less than the size of all "
                            "\"proxy_buffers\" minus one buffer");
    return check_files(c, f, largest);
}

/* A head larger than what we write could not be passed on. */
static int build_response_limits(struct conf *c, const struct flow_draft *f, struct settings *s)
{
    size_t most = (size_t)u64_min(f->proxy_buffer_size.size, RESPONSE_HEAD_BYTES_MAX);
    struct parser_limits *limits = arena_alloc(c->arena, sizeof(*limits));

    if (!limits)
        return conf_fail_no_memory(c);
    *limits = (struct parser_limits){
        .head_bytes_max = most,
        .line_bytes_max = size_min(most, RESPONSE_LINE_BYTES_MAX),
        .field_count_max = RESPONSE_FIELD_COUNT_MAX,
        .head_bytes_first = size_min(most, 1024),
        .underscores_in_names = true,
    };
    s->response_limits = limits;
    return 0;
}

/* ---- both ---- */

int build_flow(struct conf *c, struct level *level, const struct level *outer)
{
    const struct flow_draft *f = &level->flow;
    struct settings *s = &level->settings;
    int rc;

    if (outer && memcmp(f, &outer->flow, sizeof(*f)) == 0) {
        s->rates = outer->settings.rates;
        s->response_limits = outer->settings.response_limits;
        s->response_waiting_max = outer->settings.response_waiting_max;
        s->proxy_buffering = outer->settings.proxy_buffering;
        return 0;
    }
    rc = check_buffers(c, f);
    if (!rc)
        rc = build_rates(c, &f->rates, s);
    if (!rc)
        rc = build_response_limits(c, f, s);
    s->proxy_buffering = f->proxy_buffering;
    s->response_waiting_max =
        f->proxy_buffers.is_given ? (size_t)(f->proxy_buffers.count * f->proxy_buffers.size) : 0;
    return rc;
}
