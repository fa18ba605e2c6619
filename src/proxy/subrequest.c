/* subrequest - a detour of an exchange: another URI is asked before the request goes on. */
#include "proxy/subrequest.h"

#include <string.h>

#include "proxy/access.h"
#include "proxy/user_variable.h"
#include "proxy/variable.h"

/* ---- there ---- */

static void put_aside(const struct exchange *x, struct subrequest *s)
{
    const struct record *r = &x->record;

    s->location = r->location;
    s->uri = r->uri;
    s->args = r->args;
    s->captures = r->captures;
    s->pass = r->pass;
    s->try_count = r->try_count;
    s->record_status = r->status;
    s->is_rewritten = r->is_rewritten;
    s->keeps_uri = r->keeps_uri;
    s->limit_rate = r->limit_rate;
    s->has_limit_rate = r->has_limit_rate;
    s->adds_uri_to_alias = r->adds_uri_to_alias;
    s->upload = x->upload;
    s->reply_location = x->reply.plan.location;
    s->reply_is_last = x->reply.is_last;
    s->method = x->request.head.method;
    s->last_failure = x->last_failure;
    s->redirect_count = x->redirect_count;
    s->error_status = x->error_status;
    s->shows_error_page = x->shows_error_page;
    s->is_internal = x->is_internal;
    s->is_reported = x->is_reported;
    s->has_upload_failed = x->has_upload_failed;
    s->is_body_gone = x->is_body_gone;
}

/* The request's target stands for another URI, and the method's text, which is $request_method,
 * stays as it is. */
static void begin_detour(struct exchange *x, struct span uri)
{
    struct record *r = &x->record;

    captures_clear(&r->captures);
    r->uri = uri;
    r->args = SPAN_NONE;
    r->is_rewritten = true;
    r->keeps_uri = false;
    r->adds_uri_to_alias = false;
    r->is_subrequest = true;
    r->pass = NULL;
    r->response = NULL;
    r->try_count = 0;
    r->status = 0;
    x->request.head.method = METHOD_GET;
    x->last_failure = OUTCOME_NONE;
    x->redirect_count = 0;
    x->error_status = 0;
    x->is_internal = true;
    x->is_reported = false;
    x->is_body_gone = true;
    x->upload.kept = NULL; /* s->upload's, which is put back */
}

int subrequest_begin(struct exchange *x, struct span uri)
{
    struct record *r = &x->record;
    struct subrequest *s = arena_zalloc(&x->arena, sizeof(*s));
    size_t tries_bytes = r->try_count * sizeof(*s->tries);

    assert(!x->subrequest);
    assert(!x->is_head_sent);
    if (!s)
        return -ENOMEM;
    if (tries_bytes) {
        s->tries = arena_alloc(&x->arena, tries_bytes);
        if (!s->tries)
            return -ENOMEM;
        memcpy(s->tries, r->tries, tries_bytes);
    }
    put_aside(x, s);
    begin_detour(x, uri);
    x->subrequest = s;
    return 0;
}

/* ---- and back ---- */

/* The attempt begins anew, as no pass is known of it. */
static void restore(struct exchange *x, const struct subrequest *s)
{
    struct record *r = &x->record;

    assert(!x->attempt.peer);
    r->location = s->location;
    r->uri = s->uri;
    r->args = s->args;
    r->captures = s->captures;
    r->pass = s->pass;
    r->response = NULL;
    r->try_count = s->try_count;
    if (s->try_count)
        memcpy(r->tries, s->tries, s->try_count * sizeof(*s->tries));
    r->status = s->record_status;
    r->is_rewritten = s->is_rewritten;
    r->keeps_uri = s->keeps_uri;
    r->limit_rate = s->limit_rate;
    r->has_limit_rate = s->has_limit_rate;
    r->adds_uri_to_alias = s->adds_uri_to_alias;
    r->is_subrequest = false;
    x->upload = s->upload;
    x->reply.plan.location = s->reply_location;
    x->reply.is_last = s->reply_is_last;
    x->request.head.method = s->method;
    x->last_failure = s->last_failure;
    x->redirect_count = s->redirect_count;
    x->error_status = s->error_status;
    x->shows_error_page = s->shows_error_page;
    x->is_internal = s->is_internal;
    x->is_reported = s->is_reported;
    x->has_upload_failed = s->has_upload_failed;
    x->is_body_gone = s->is_body_gone;
}

static const struct auth_request_conf *conf_of(const struct subrequest *s)
{
    return s->location->settings.gate->auth_request;
}

/* As nginx does also where the answer refuses: an error_page may show them. */
static int set_variables(struct record *r, const struct auth_request_conf *conf)
{
    for (size_t i = 0; i < conf->variable_count; i++) {
        struct span value;

        if (record_expand(r, &conf->variables[i].value, &value) < 0)
            return -ENOMEM;
        if (!value.data)
            value = SPAN("");
        if (user_variable_set(r, conf->variables[i].index, value) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* A challenge of the answer's becomes one of ours. */
static int take_challenges(struct record *r)
{
    for (size_t i = 0; r->response && i < r->response->field_count; i++) {
        const struct field *f = &r->response->fields[i];
        struct span all;

        if (f->id != FIELD_WWW_AUTHENTICATE)
            continue;
        all = arena_printf(r->arena, "%.*sWWW-Authenticate: %.*s\r\n", SPAN_ARG(r->challenges),
                           SPAN_ARG(f->value));
        if (!all.data)
            return -ENOMEM;
        r->challenges = all;
    }
    return 0;
}

void subrequest_end(struct exchange *x, unsigned status)
{
    struct subrequest *s = x->subrequest;
    struct record *r = &x->record;
    int rc;

    r->status = status;
    if (exchange_settings(x)->log_subrequest)
        access_write(r);
    rc = set_variables(r, conf_of(s));
    if (!rc && status == 401)
        rc = take_challenges(r);
    r->outcome = OUTCOME_NONE;
    r->detail = SPAN_NONE;
    s->status = rc ? 503 : status;
    restore(x, s);
}

void subrequest_abandon(struct exchange *x)
{
    if (!x->subrequest || x->subrequest->status)
        return;
    restore(x, x->subrequest);
    x->subrequest = NULL;
}
