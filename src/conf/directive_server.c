/* directive_server - server and location blocks, listen and server_name: their table. */
#include "conf/directive_server.h"

#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "conf/host.h"
#include "conf/setter.h"

#define BACKLOG 511 /* nginx's on Linux */
#define LISTEN_PORT 80

/* --- listen --------------------------------------------------------------------------------- */

static bool is_digits(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return text.len > 0;
}

static int fail_listen(struct conf *c, const struct node *n, const char *what)
{
    return conf_fail(c, n, "%s in \"%.*s\" of the \"listen\" directive", what,
                     SPAN_ARG(n->words[1]));
}

/* "80", "*:80", "*", "127.0.0.1:80", "localhost", "[::]:80", "unix:/path". Returns the number of
 * addresses, or -EINVAL. */
static int parse_listen_address(struct conf *c, const struct node *n, struct address *out)
{
    struct span text = n->words[1];
    struct host host = {.name = SPAN("0.0.0.0")};
    const char *error;
    int count;

    if (is_digits(text)) {
        if (address_port_parse(text, &host.port) < 0)
            return fail_listen(c, n, "invalid port");
    } else if (host_parse(text, &host, &error) < 0) {
        return fail_listen(c, n, error);
    }
    if (span_equals(host.name, SPAN("*")))
        host.name = SPAN("0.0.0.0");
    count = host_resolve(&host, LISTEN_PORT, !c->options.reads_nothing, out, HOST_ADDRESSES_MAX);
    return count > 0 ? count : fail_listen(c, n, "host not found");
}

static int parse_backlog(struct conf *c, const struct node *n, struct span word, int *backlog)
{
    uint64_t number;

    if (span_to_u64(span_skip(word, sizeof("backlog=") - 1), &number) < 0 || number == 0 ||
        number > INT_MAX)
        return conf_fail(c, n, "invalid backlog \"%.*s\"", SPAN_ARG(word));
    *backlog = (int)number;
    return 0;
}

static int fail_parameter(struct conf *c, const struct node *n, const char *name, struct span word)
{
    return conf_fail(c, n, "invalid %s \"%.*s\"", name, SPAN_ARG(word));
}

/* rcvbuf= and sndbuf=. */
static int parse_buffer(struct conf *c, const struct node *n, const char *name, struct span word,
                        int *bytes)
{
    uint64_t size;

    if (setter_parse_size(span_skip(word, strlen(name) + 1), false, &size) < 0 || size > INT_MAX)
        return fail_parameter(c, n, name, word);
    *bytes = (int)size;
    return 0;
}

static int parse_fastopen(struct conf *c, const struct node *n, struct span word, int *length)
{
    uint64_t number;

    if (span_to_u64(span_skip(word, SPAN("fastopen=").len), &number) < 0 || number > INT_MAX)
        return fail_parameter(c, n, "fastopen", word);
    *length = (int)number;
    return 0;
}

/* A part of "idle:interval:count" that may be empty: 0. */
static int parse_keepalive_part(struct span text, bool is_time, int *out)
{
    uint64_t number = 0;
    int rc = 0;

    if (text.len && is_time)
        rc = setter_parse_seconds(text, &number);
    else if (text.len)
        rc = span_to_u64(text, &number);
    if (is_time)
        number /= 1000;
    *out = (int)u64_min(number, INT_MAX);
    return rc < 0 || number > INT_MAX ? -EINVAL : 0;
}

/* on, off, or idle:interval:count. */
static int parse_keepalive(struct conf *c, const struct node *n, struct span text,
                           struct listen_socket *s)
{
    int *const parts[] = {&s->keepalive_idle_s, &s->keepalive_interval_s, &s->keepalive_count};
    struct span rest = text;
    int rc = 0, sum = 0;

    s->keepalive = span_equals(text, SPAN("off")) ? KEEPALIVE_OFF : KEEPALIVE_ON;
    if (s->keepalive == KEEPALIVE_OFF || span_equals(text, SPAN("on")))
        return 0;
    for (size_t i = 0; i < COUNT_OF(parts) && !rc; i++) {
        size_t end = i + 1 < COUNT_OF(parts) ? span_index_of(rest, ':') : rest.len;

        rc = parse_keepalive_part(span_take(rest, end), i < 2, parts[i]);
        rest = span_skip(rest, size_min(end + 1, rest.len));
        sum |= *parts[i];
    }
    if (rc || !sum)
        return conf_fail(c, n, "invalid so_keepalive value: \"%.*s\"", SPAN_ARG(text));
    return 0;
}

/* Of the listening socket. 1: it is no such parameter. */
static int parse_socket_option(struct conf *c, const struct node *n, struct span word,
                               struct listen_socket *s)
{
    if (span_starts_with(word, SPAN("rcvbuf=")))
        return parse_buffer(c, n, "rcvbuf", word, &s->receive_bytes);
    if (span_starts_with(word, SPAN("sndbuf=")))
        return parse_buffer(c, n, "sndbuf", word, &s->send_bytes);
    if (span_starts_with(word, SPAN("fastopen=")))
        return parse_fastopen(c, n, word, &s->fastopen);
    if (span_starts_with(word, SPAN("so_keepalive=")))
        return parse_keepalive(c, n, span_skip(word, SPAN("so_keepalive=").len), s);
    if (span_starts_with(word, SPAN("accept_filter=")))
        return conf_fail(c, n, "accept filters \"%.*s\" are not supported on this platform",
                         SPAN_ARG(word));
    if (!span_equals(word, SPAN("deferred")))
        return 1;
    s->is_deferred = true;
    return 0;
}

/* What an address has once, whichever listen directive says it. */
static int parse_listen_option(struct conf *c, const struct node *n, struct span word,
                               struct listen_draft *l)
{
    int rc = parse_socket_option(c, n, word, &l->socket);

    l->has_options = true;
    if (rc <= 0)
        return rc;
    if (span_starts_with(word, SPAN("backlog=")))
        return parse_backlog(c, n, word, &l->backlog);
    if (span_equals(word, SPAN("ipv6only=on")))
        l->ipv6only = l->address.u.any.sa_family == AF_INET6;
    else if (span_equals(word, SPAN("ipv6only=off")))
        l->ipv6only = false;
    else if (!span_equals(word, SPAN("bind")) && !span_equals(word, SPAN("reuseport")))
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(word));
    return 0; /* every worker binds a socket of its own, always */
}

static int parse_listen_parameter(struct conf *c, const struct node *n, struct span word,
                                  struct listen_draft *l)
{
    if (span_equals(word, SPAN("default_server")) || span_equals(word, SPAN("default")))
        l->is_default = true;
    else if (span_equals(word, SPAN("ssl")))
        l->is_tls = true;
    else if (span_equals(word, SPAN("proxy_protocol")))
        l->is_proxied = true;
    else if (span_equals(word, SPAN("http2")) || span_equals(word, SPAN("quic")))
        return conf_fail(c, n, "parameter \"%.*s\" of \"listen\" is not supported yet",
                         SPAN_ARG(word));
    else
        return parse_listen_option(c, n, word, l);
    return 0;
}

static int add_listen(struct conf *c, struct level *level, const struct node *n,
                      const struct address *address)
{
    struct listen_draft *l = vector_add(c, &level->listens, sizeof(*l));
    const struct listen_draft *all = level->listens.items;
    char text[ADDRESS_TEXT_BYTES];

    if (!l)
        return -ENOMEM;
    *l = (struct listen_draft){
        .address = *address,
        .text = n->word_count > 1 ? n->words[1] : SPAN("*:80"),
        .origin = n->origin,
        .backlog = BACKLOG,
        .ipv6only = address->u.any.sa_family == AF_INET6,
    };
    for (size_t i = 0; i + 1 < level->listens.count; i++) {
        if (address_equals(&all[i].address, address)) {
            address_format(address, text);
            return conf_fail(c, n, "a duplicate listen %s", text);
        }
    }
    for (size_t i = 2; i < n->word_count; i++) {
        int rc = parse_listen_parameter(c, n, n->words[i], l);

        if (rc)
            return rc;
    }
    return 0;
}

static int set_listen(struct conf *c, struct scope *s, const struct directive *d,
                      const struct node *n)
{
    struct address addresses[HOST_ADDRESSES_MAX];
    int count = parse_listen_address(c, n, addresses);
    int rc = count < 0 ? count : 0;

    (void)d;
    for (int i = 0; i < count && !rc; i++)
        rc = add_listen(c, s->values, n, &addresses[i]);
    return rc;
}

/* --- server_name ---------------------------------------------------------------------------- */

static struct span lower_copy(struct conf *c, struct span text)
{
    char *lower = arena_alloc(c->arena, text.len + 1);

    for (size_t i = 0; lower && i < text.len; i++)
        lower[i] = ascii_lower(text.data[i]);
    if (!lower)
        conf_fail_no_memory(c);
    return span_of(lower, text.len);
}

/* Wildcards stand for whole labels at one of the ends: "*.b", ".b", "a.*". */
static bool is_server_name(struct span name)
{
    struct span inner = name;

    if (span_starts_with(name, SPAN(".")) && name.len == 1)
        return false;
    if (span_starts_with(name, SPAN("*.")))
        inner = span_skip(name, 2);
    else if (span_ends_with(name, SPAN(".*")))
        inner = span_take(name, name.len - 2);
    if (!inner.len && name.len)
        return false;
    return span_index_of(inner, '*') == inner.len;
}

static int set_regex_name(struct conf *c, const struct node *n, struct server_name_draft *name)
{
    struct span pattern = span_skip(name->name, 1);

    if (!pattern.len)
        return conf_fail(c, n, "empty regex in server name \"%.*s\"", SPAN_ARG(name->name));
    return conf_regex(c, &n->origin, pattern, true, &name->regex);
}

static int add_server_name(struct conf *c, struct level *level, const struct node *n,
                           struct span text)
{
    struct server_name_draft *name = vector_add(c, &level->server_names, sizeof(*name));
    char host[256];

    if (!name)
        return -ENOMEM;
    name->name = text;
    name->origin = n->origin;
    if (span_starts_with(text, SPAN("~")))
        return set_regex_name(c, n, name);
    if (!is_server_name(text))
        return conf_fail(c, n, "server name \"%.*s\" is invalid", SPAN_ARG(text));
    if (span_index_of(text, '/') < text.len)
        conf_warn(c, &n->origin, "server name \"%.*s\" has suspicious symbols", SPAN_ARG(text));
    if (span_equals(text, SPAN("$hostname")) && gethostname(host, sizeof(host)) == 0) {
        host[sizeof(host) - 1] = '\0';
        text = span_of_cstr(host);
    }
    name->name = lower_copy(c, text);
    return name->name.data ? 0 : -ENOMEM;
}

static int set_server_name(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    int rc = 0;

    (void)d;
    for (size_t i = 1; i < n->word_count && !rc; i++)
        rc = add_server_name(c, s->values, n, n->words[i]);
    return rc;
}

/* --- location ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    enum location_kind kind;
    bool ignores_case;
} modifiers[] = {
    /* The longer ones first: they may be written without a blank behind them. */
    {"~*", LOCATION_REGEX, true},
    {"^~", LOCATION_PREFIX_FINAL, false},
    {"~", LOCATION_REGEX, false},
    {"=", LOCATION_EXACT, false},
};

static int set_modifier(struct conf *c, const struct node *n, size_t i, struct span pattern,
                        struct location_conf *l)
{
    l->kind = modifiers[i].kind;
    l->pattern = pattern;
    if (l->kind != LOCATION_REGEX)
        return 0;
    return conf_regex(c, &n->origin, pattern, modifiers[i].ignores_case, &l->regex);
}

int location_parse(struct conf *c, const struct node *n, struct location_conf *l)
{
    struct span word = n->words[1];

    for (size_t i = 0; i < COUNT_OF(modifiers); i++) {
        struct span modifier = span_of_cstr(modifiers[i].text);

        if (n->word_count == 3 ? span_equals(word, modifier) : span_starts_with(word, modifier))
            return set_modifier(
                c, n, i, n->word_count == 3 ? n->words[2] : span_skip(word, modifier.len), l);
    }
    if (n->word_count == 3)
        return conf_fail(c, n, "invalid location modifier \"%.*s\"", SPAN_ARG(word));
    l->kind = span_starts_with(word, SPAN("@")) ? LOCATION_NAMED : LOCATION_PREFIX;
    l->pattern = word;
    return 0;
}

/* --- regexes, before all else --------------------------------------------------------------- */

static int learn_location(struct conf *c, const struct node *n)
{
    struct location_conf l = {0};

    return location_parse(c, n, &l);
}

static int learn_server_name(struct conf *c, const struct node *n)
{
    int rc = 0;

    for (size_t i = 1; i < n->word_count && !rc; i++) {
        struct server_name_draft name = {.name = n->words[i]};

        if (span_starts_with(name.name, SPAN("~")))
            rc = set_regex_name(c, n, &name);
    }
    return rc;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {
        .name = "server",
        .contexts = CONTEXT_HTTP,
        .opens = CONTEXT_SERVER,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .help = "a virtual server: addresses, names and what it answers",
    },
    {
        .name = "location",
        .syntax = "[= | ~ | ~* | ^~] uri | @name",
        .contexts = CONTEXT_SERVER | CONTEXT_LOCATION,
        .opens = CONTEXT_LOCATION,
        .args_min = 1,
        .args_max = 2,
        .marks = ROW_BLOCK | ROW_REPEATABLE,
        .learn = learn_location,
        .help = "what is done with requests whose path matches",
    },
    {
        .name = "listen",
        .syntax = "address[:port] | port | unix:path [default_server] [ssl] [proxy_protocol] "
                  "[backlog=number] [rcvbuf=size] [sndbuf=size] [fastopen=number] [deferred] "
                  "[so_keepalive=on|off|[keepidle]:[keepintvl]:[keepcnt]] [ipv6only=on|off] "
                  "[reuseport] [bind]",
        .preset = "*:80",
        .contexts = CONTEXT_SERVER,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE | ROW_LOCAL,
        .set = set_listen,
        ROW_AT(struct level, listens),
        .help = "an address that the server listens on; *:8000 is the default without root",
        .difference = "each worker has a listening socket of its own (reuseport), always; a reload "
                      "leaves those that stay as they are",
    },
    {
        .name = "server_name",
        .syntax = "name ...",
        .preset = "\"\"",
        .contexts = CONTEXT_SERVER,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .marks = ROW_REPEATABLE | ROW_LOCAL,
        .learn = learn_server_name,
        .set = set_server_name,
        ROW_AT(struct level, server_names),
        .help = "names of the server: exact, *.example.com, .example.com, www.*, ~regex",
    },
};

const struct directive_table directive_server_table = {rows, COUNT_OF(rows)};
