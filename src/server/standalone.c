/* standalone - long flags as configuration text. */
#include "server/standalone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/lexer.h"
#include "conf/origin.h"
#include "core/address.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443
#define GLOBALS_BLOCK_BYTES 4096
#define UPSTREAM_NAME "command_line" /* no certificate is made out to it: '_' is in no host name */

/* What stands in the main context where neither a flag nor -g says it. */
static const struct {
    const char *directive, *line;
} presets[] = {
    {"daemon", "daemon off;"},
    {"error_log", "error_log stderr notice;"},
    {"worker_processes", "worker_processes auto;"},
};

struct url {
    bool is_tls;
    struct span host; /* brackets included */
    uint16_t port;
};

struct writing {
    struct standalone *out;
    const struct options *options;
    FILE *file;
    char *error;
    struct url first; /* of --upstream */
    bool has_other_host, has_other_port;
    bool is_said[COUNT_OF(presets)]; /* by a flag or -g */
};

/* --- lines ---------------------------------------------------------------------------------- */

/* Ends a line, which comes from that flag, or from none. */
static void end_line(struct writing *w, const struct option_value *v)
{
    struct standalone *s = w->out;
    char *name = NULL;

    fputc('\n', w->file);
    assert(s->line_count < STANDALONE_LINES_MAX);
    if (v && asprintf(&name, ORIGIN_COMMAND_LINE " (--%s%s%s)", v->row->name, *v->text ? " " : "",
                      v->text) < 0)
        name = NULL; /* the message will say "command line" alone */
    s->names[s->line_count++] = name;
}

static void put_line(struct writing *w, const char *text)
{
    fputs(text, w->file);
    end_line(w, NULL);
}

/* A word in the configuration's quotes; port 0: none. A line feed, which the working directory may
 * have in its name, is written as "\n": the text's lines are counted. */
static void put_quoted(struct writing *w, struct span text, uint16_t port)
{
    fputc('"', w->file);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            fputc('\\', w->file);
        if (text.data[i] == '\n')
            fputs("\\n", w->file);
        else
            fputc(text.data[i], w->file);
    }
    if (port)
        fprintf(w->file, ":%u", port);
    fputc('"', w->file);
}

/* A path starts where ringway was called; in the configuration it would start at the prefix. */
static int put_path(struct writing *w, const struct option_value *v)
{
    char *folder = *v->text == '/' ? NULL : getcwd(NULL, 0);
    char *path = NULL;

    if (*v->text != '/' && !folder)
        return options_fail(w->error, "the working directory of \"--%s %s\" cannot be read: %s",
                            v->row->name, v->text, strerror(errno));
    if (asprintf(&path, "%s%s%s", folder ? folder : "", folder ? "/" : "", v->text) < 0) {
        free(folder);
        return -ENOMEM;
    }
    put_quoted(w, span_of_cstr(path), 0);
    free(folder);
    free(path);
    return 0;
}

/* Each in quotes of its own. */
static void put_words(struct writing *w, const char *text)
{
    while (*(text += strspn(text, " "))) {
        size_t len = strcspn(text, " ");

        fputc(' ', w->file);
        put_quoted(w, span_of(text, len), 0);
        text += len;
    }
}

static int put_argument(struct writing *w, const struct option_value *v)
{
    unsigned marks = v->row->marks;

    if (marks & OPTION_WORDS) {
        put_words(w, v->text);
        return 0;
    }
    fputc(' ', w->file);
    if (marks & OPTION_PATH || (marks & OPTION_PATH_OR_OFF && strcmp(v->text, "off") != 0))
        return put_path(w, v);
    put_quoted(w, span_of_cstr(v->text), 0);
    return 0;
}

/* The directive of a flag, as its row says. */
static int put_option(struct writing *w, const struct option_value *v)
{
    int rc = 0;

    fputs(v->row->directive, w->file);
    if (v->row->argument)
        rc = put_argument(w, v);
    fputc(';', w->file);
    end_line(w, v);
    return rc;
}

/* --- -g ------------------------------------------------------------------------------------- */

static void take_as_said(struct writing *w, struct span directive)
{
    for (size_t i = 0; i < COUNT_OF(presets); i++)
        w->is_said[i] |= span_equals(directive, span_of_cstr(presets[i].directive));
}

/* One directive of -g. What has no effect without a file is refused, and so are files of which it
 * is not seen here what they say. */
static int take_global(struct writing *w, const struct lexer *l)
{
    static const struct {
        struct span directive, argument; /* empty: whatever it is */
    } refused[] = {
        {SPAN("daemon"), SPAN("on")}, {SPAN("pid"), SPAN("")}, {SPAN("include"), SPAN("")}};

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct span argument = refused[i].argument;

        if (!span_equals(l->words[0], refused[i].directive))
            continue;
        if (argument.len && (l->word_count < 2 || !span_equals_nocase(l->words[1], argument)))
            continue;
        return options_fail(w->error, "\"%.*s%s%.*s\" in \"-g\" needs a configuration file",
                            SPAN_ARG(refused[i].directive), argument.len ? " " : "",
                            SPAN_ARG(argument));
    }
    take_as_said(w, l->words[0]);
    return 0;
}

/* Mistakes in -g are left to the reader, which reads it before this text. */
static int read_globals(struct writing *w)
{
    enum lexer_event event = LEXER_DIRECTIVE;
    struct arena arena;
    struct lexer l;
    int rc = 0;

    arena_init(&arena, GLOBALS_BLOCK_BYTES, 0);
    lexer_init(&l, span_of_cstr(w->options->globals), &arena);
    while (!rc && event == LEXER_DIRECTIVE) {
        event = lexer_next(&l);
        if (event == LEXER_DIRECTIVE)
            rc = take_global(w, &l);
    }
    arena_deinit(&arena);
    return event == LEXER_NO_MEMORY ? -ENOMEM : rc;
}

/* --- upstreams ------------------------------------------------------------------------------ */

static int parse_url(const struct writing *w, const char *text, struct url *url)
{
    struct span rest = span_of_cstr(text), host, port;

    url->is_tls = span_starts_with_nocase(rest, SPAN("https://"));
    if (!url->is_tls && !span_starts_with_nocase(rest, SPAN("http://")))
        return options_fail(w->error, "\"--upstream %s\" does not begin with https:// or http://",
                            text);
    rest = span_skip(rest, span_index_of(rest, ':') + sizeof("://") - 1);
    if (span_ends_with(rest, SPAN("/")))
        rest = span_take(rest, rest.len - 1);
    for (size_t i = 0; i < rest.len; i++) {
        if (strchr("/?#@", rest.data[i]))
            return options_fail(
                w->error,
                "\"--upstream %s\" has more than a host and a port; a path or a user "
                "needs a configuration file",
                text);
    }
    url->port = url->is_tls ? PORT_HTTPS : PORT_HTTP;
    if (address_split(rest, &host, &port) < 0 || span_starts_with(rest, SPAN("unix:")))
        return options_fail(w->error, "invalid host in \"--upstream %s\"", text);
    if (!span_is_empty(port) && address_port_parse(port, &url->port) < 0)
        return options_fail(w->error, "invalid port in \"--upstream %s\"", text);
    url->host = span_is_empty(port) ? rest : span_take(rest, rest.len - port.len - 1);
    return 0;
}

/* server "host:port"; the port is always said: in an upstream block it would be 80. */
static int put_upstream(struct writing *w, const struct option_value *v)
{
    bool is_first = span_is_empty(w->first.host);
    struct url url;
    int rc = parse_url(w, v->text, &url);

    if (rc)
        return rc;
    if (is_first)
        w->first = url;
    if (url.is_tls != w->first.is_tls)
        return options_fail(
            w->error,
            "\"--upstream %s\" and the ones before differ in http:// and https://; that "
            "needs a configuration file",
            v->text);
    w->has_other_host |= !span_equals_nocase(url.host, w->first.host);
    w->has_other_port |= url.port != w->first.port;
    fputs("server ", w->file);
    put_quoted(w, url.host, url.port);
    fputc(';', w->file);
    end_line(w, v);
    return 0;
}

static int put_balance(struct writing *w, const struct option_value *v)
{
    if (strcmp(v->text, "round_robin") == 0)
        return 0;
    if (strcmp(v->text, "least_conn") != 0)
        return options_fail(w->error,
                            "invalid value in \"--balance %s\": it must be round_robin or "
                            "least_conn",
                            v->text);
    fprintf(w->file, "%s;", v->row->directive);
    end_line(w, v);
    return 0;
}

/* Whoever asks for TLS by a flag must not get plain text. */
static int check_tls(const struct writing *w)
{
    const struct options *o = w->options;

    for (size_t i = 0; i < o->value_count && !w->first.is_tls; i++) {
        if (o->values[i].row->marks & OPTION_OF_TLS)
            return options_fail(w->error, "\"--%s\" needs \"--upstream\" with https://",
                                o->values[i].row->name);
    }
    return 0;
}

/* nginx wants the balancing before the number of idle connections, so flags of that place are
 * written in the table's order, whatever the order on the command line. */
static int put_upstreams(struct writing *w)
{
    const struct options *o = w->options;
    int rc = 0;

    for (size_t row = 0; row < option_row_count && !rc; row++) {
        for (size_t i = 0; i < o->value_count && !rc; i++) {
            const struct option_value *v = &o->values[i];

            if (v->row != &option_rows[row] || v->row->place != OPTION_PLACE_UPSTREAM)
                continue;
            if (strcmp(v->row->name, "upstream") == 0)
                rc = put_upstream(w, v);
            else if (strcmp(v->row->name, "balance") == 0)
                rc = put_balance(w, v);
            else
                rc = put_option(w, v);
        }
    }
    return rc ? rc : check_tls(w);
}

/* --- the whole ------------------------------------------------------------------------------ */

static int put_place(struct writing *w, enum option_place place)
{
    const struct options *o = w->options;
    int rc = 0;

    for (size_t i = 0; i < o->value_count && !rc; i++) {
        if (o->values[i].row->place == place)
            rc = put_option(w, &o->values[i]);
    }
    return rc;
}

/* The host of --upstream, as a browser would name it there: it is the one that its certificate and
 * its virtual hosts go by. Where ports differ between upstreams it goes without. */
static void put_host(struct writing *w)
{
    uint16_t usual = w->first.is_tls ? PORT_HTTPS : PORT_HTTP;
    bool has_port = !w->has_other_port && w->first.port != usual;

    fputs("proxy_set_header Host ", w->file);
    put_quoted(w, w->has_other_host ? SPAN("$upstream_last_server_name") : w->first.host,
               has_port ? w->first.port : 0);
    fputc(';', w->file);
    end_line(w, NULL);
}

/* What an application behind a proxy needs to know of the client. */
static void put_forwarding(struct writing *w)
{
    put_host(w);
    put_line(w, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;");
    put_line(w, "proxy_set_header X-Forwarded-Proto $scheme;");
    put_line(w, "proxy_set_header X-Forwarded-Host $http_host;");
    put_line(w, "proxy_set_header Upgrade $http_upgrade;");
    put_line(w, "proxy_set_header Connection upgrade;"); /* only where Upgrade is not empty */
}

static int put_http(struct writing *w)
{
    int rc;

    put_line(w, "http {");
    put_line(w, "upstream " UPSTREAM_NAME " {");
    rc = put_upstreams(w);
    put_line(w, "}");
    put_line(w, "server {");
    if (!rc)
        rc = put_place(w, OPTION_PLACE_SERVER);
    if (!options_value(w->options, "access-log"))
        put_line(w, "access_log off;");
    put_line(w, "location / {");
    put_line(w, w->first.is_tls ? "proxy_pass https://" UPSTREAM_NAME ";"
                                : "proxy_pass http://" UPSTREAM_NAME ";");
    put_forwarding(w);
    if (!rc)
        rc = put_place(w, OPTION_PLACE_LOCATION);
    put_line(w, "}");
    put_line(w, "}");
    put_line(w, "}");
    return rc;
}

static int put_presets(struct writing *w)
{
    int rc = read_globals(w);

    if (rc)
        return rc;
    if (w->options->error_log)
        take_as_said(w, SPAN("error_log"));
    if (options_value(w->options, "workers"))
        take_as_said(w, SPAN("worker_processes"));
    for (size_t i = 0; i < COUNT_OF(presets); i++) {
        if (!w->is_said[i])
            put_line(w, presets[i].line);
    }
    return 0;
}

static int put_tuning(struct writing *w)
{
    int rc = put_place(w, OPTION_PLACE_MAIN);

    put_line(w, "events {");
    if (!rc)
        rc = put_place(w, OPTION_PLACE_EVENTS);
    put_line(w, "}");
    return rc;
}

static int put_all(struct writing *w)
{
    int rc;

    if (!w->options->is_standalone)
        return put_tuning(w);
    rc = put_presets(w);
    if (!rc)
        rc = put_tuning(w);
    return rc ? rc : put_http(w);
}

int standalone_init(struct standalone *s, const struct options *o, char error[OPTIONS_ERROR_BYTES])
{
    struct writing w = {.out = s, .options = o, .error = error};
    int rc;

    *s = (struct standalone){0};
    w.file = open_memstream(&s->text, &s->len);
    if (!w.file)
        return -ENOMEM;
    rc = put_all(&w);
    if (fclose(w.file) && !rc)
        rc = -ENOMEM;
    if (rc)
        standalone_deinit(s);
    return rc;
}

void standalone_deinit(struct standalone *s)
{
    for (size_t i = 0; i < s->line_count; i++)
        free(s->names[i]);
    free(s->text);
    *s = (struct standalone){0};
}
