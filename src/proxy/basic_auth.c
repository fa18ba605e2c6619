/* basic_auth - auth_basic: a name and a password in each request (RFC 7617). */
#include "proxy/basic_auth.h"

#include <string.h>

#include "http/credentials.h"
#include "proxy/log_escape.h"
#include "proxy/request_log.h"
#include "proxy/variable.h"

#define SHOWN_BYTES_MAX 200

/* What strangers or variables chose, as it may stand in a line. */
static struct span shown(struct record *r, struct span text)
{
    text = span_take(text, size_min(text.len, SHOWN_BYTES_MAX));
    return log_escape_copy(LOG_ESCAPE_DEFAULT, text, r->arena);
}

static unsigned challenge(struct record *r, struct span realm)
{
    struct span field;

    if (!field_value_is_valid(realm)) {
        request_log(r, LOG_LEVEL_ERROR, "the realm of auth_basic may not stand in a field");
        return 500;
    }
    field = arena_printf(r->arena, "WWW-Authenticate: Basic realm=\"%.*s\"\r\n", SPAN_ARG(realm));
    if (!field.data)
        return 503;
    r->challenges = field;
    return 401;
}

static unsigned file_failed(struct record *r, struct span path, int error)
{
    path = shown(r, path);
    request_log(r, error == -ENOENT ? LOG_LEVEL_ERROR : LOG_LEVEL_CRIT,
                "open() \"%.*s\" failed (%d: %s)", SPAN_ARG(path), -error, strerror(-error));
    return error == -ENOENT ? 403 : 500;
}

static struct span complete_path(struct record *r, const struct basic_auth_conf *conf)
{
    struct span path;

    if (record_expand(r, &conf->user_file, &path) < 0)
        return SPAN_NONE;
    if (span_starts_with(path, SPAN("/")))
        return path;
    return arena_printf(r->arena, "%.*s%.*s", SPAN_ARG(conf->path_prefix), SPAN_ARG(path));
}

static unsigned ask(struct record *r, struct user_question *q, struct span realm)
{
    int error;

    switch (user_file_ask(r->engine, q, &error)) {
    case USER_IS_RIGHT:
        return 200;
    case USER_IS_UNKNOWN:
        q->path = shown(r, q->path);
        q->user = shown(r, q->user);
        request_log(r, LOG_LEVEL_ERROR, "user \"%.*s\" was not found in \"%.*s\"",
                    SPAN_ARG(q->user), SPAN_ARG(q->path));
        break;
    case USER_HAS_OTHER_PASSWORD:
        q->user = shown(r, q->user);
        request_log(r, LOG_LEVEL_ERROR, "user \"%.*s\": password mismatch", SPAN_ARG(q->user));
        break;
    case USER_HAS_TO_WAIT:
        return BASIC_AUTH_WAITS;
    case USER_FILE_FAILED:
        return file_failed(r, q->path, error);
    }
    return challenge(r, realm);
}

/* 200: all that is to be asked is known; else as basic_auth_check(). */
static unsigned prepare(struct record *r, const struct basic_auth_conf *conf, struct basic_auth *a)
{
    if (record_expand(r, &conf->realm, &a->realm) < 0)
        return 503;
    if (span_equals(a->realm, SPAN("off")))
        return 0;
    if (!credentials_read(r->request, r->arena, &a->question.user, &a->question.password)) {
        request_log(r, LOG_LEVEL_INFO, "no user/password was provided for basic authentication");
        return challenge(r, a->realm);
    }
    a->question.path = complete_path(r, conf);
    a->is_prepared = a->question.path.data != NULL;
    return a->is_prepared ? 200 : 503;
}

unsigned basic_auth_check(struct record *r, const struct basic_auth_conf *conf,
                          struct basic_auth *a)
{
    unsigned status = a->is_prepared ? 200 : prepare(r, conf, a);

    return status == 200 ? ask(r, &a->question, a->realm) : status;
}
