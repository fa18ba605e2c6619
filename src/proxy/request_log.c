/* request_log - error log lines about a request. */
#include "proxy/request_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 400 /* of a part that strangers chose, escaped */

/* before, the escaped text, a quote; nothing where there is no text. A line that is under way. */
struct report {
    size_t len;
    char bytes[4 * TEXT_BYTES];
};

static void add_text(struct report *line, const char *before, struct span text)
{
    struct span name = span_of_cstr(before);
    size_t room = sizeof(line->bytes) - line->len;

    if (!text.len || room < name.len + 1)
        return;
    memcpy(line->bytes + line->len, name.data, name.len);
    line->len += name.len;
    room = size_min(room - name.len - 1, TEXT_BYTES);
    line->len += span_escape(text, line->bytes + line->len, room);
    line->bytes[line->len++] = '"';
}

/* upstream: "https://127.0.0.1:8443/uri" */
static void add_upstream(struct report *line, const struct record *r)
{
    const struct peer_conf *peer = r->try_count ? r->tries[r->try_count - 1].peer : NULL;
    struct span name, url;

    if (!r->pass || !r->pass->upstream)
        return;
    name = peer ? peer->address_text : r->pass->upstream->name;
    url = arena_printf(r->arena, "%s://%.*s%.*s", r->pass->is_tls ? "https" : "http",
                       SPAN_ARG(name), SPAN_ARG(r->request->target));
    add_text(line, ", upstream: \"", url);
}

void request_log(struct record *r, enum log_level level, const char *format, ...)
{
    const struct field *host = head_find(r->request, FIELD_HOST);
    const struct log *log = &r->location->settings.error_log;
    char client[ADDRESS_TEXT_BYTES], message[LOG_LINE_BYTES_MAX];
    struct report line = {.len = 0};
    va_list args;

    if (!log_takes(log, level))
        return;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)endpoint_format_host(&r->client->address, client);
    add_text(&line, ", request: \"", r->request->request_line);
    add_upstream(&line, r);
    add_text(&line, ", host: \"", host ? host->value : SPAN_NONE);
    log_write(log, level, "*%" PRIu64 " %s, client: %s, server: %.*s%.*s", r->client->number,
              message, client, SPAN_ARG(r->server->name), (int)line.len, line.bytes);
}
