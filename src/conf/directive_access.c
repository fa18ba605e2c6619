/* directive_access - the directives of who may come: addresses and passwords. Their table. */
#include "conf/directive_access.h"

#include <netdb.h>

#include "conf/host.h"
#include "conf/setter.h"

#define AT_GATE(member) ROW_AT(struct level, gate.member)
#define CONTEXT_ACCESS (CONTEXT_LEVELS | CONTEXT_LIMIT_EXCEPT)

/* --- setters -------------------------------------------------------------------------------- */

/* allow and deny, in one list. */
static int set_access_rule(struct conf *c, struct scope *s, const struct directive *d,
                           const struct node *n)
{
    struct access_rule *rule = vector_add(c, setter_value(s, d), sizeof(*rule));

    if (!rule)
        return -ENOMEM;
    rule->allows = span_equals(n->words[0], SPAN("allow"));
    if (span_equals(n->words[1], SPAN("all"))) {
        rule->network.kind = NETWORK_ALL;
        return 0;
    }
    if (setter_parse_network(c, &n->origin, n->words[1], &rule->network) < 0)
        return conf_fail(c, n, "invalid parameter \"%.*s\"", SPAN_ARG(n->words[1]));
    return 0;
}

static int add_proxy(struct conf *c, struct vector *proxies, const struct network *network)
{
    struct network *added = vector_add(c, proxies, sizeof(*added));

    if (added)
        *added = *network;
    return added ? 0 : -ENOMEM;
}

/* All addresses of a name. */
static int add_named_proxies(struct conf *c, const struct node *n, struct vector *proxies)
{
    struct address addresses[HOST_ADDRESSES_MAX];
    int count = EAI_NONAME, rc = 0;

    if (!c->options.reads_nothing)
        count = address_resolve(n->words[1], 0, addresses, COUNT_OF(addresses));
    if (count <= 0)
        return conf_fail(c, n, "host not found in set_real_ip_from \"%.*s\"",
                         SPAN_ARG(n->words[1]));
    for (int i = 0; i < count && !rc; i++) {
        struct endpoint e = endpoint_of(&addresses[i]);
        struct network network = network_of(&e);

        rc = add_proxy(c, proxies, &network);
    }
    return rc;
}

static int set_real_ip_from(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    struct network network;

    if (setter_parse_network(c, &n->origin, n->words[1], &network) < 0)
        return add_named_proxies(c, n, setter_value(s, d));
    return add_proxy(c, setter_value(s, d), &network);
}

static int learn_auth_variable(struct conf *c, const struct node *n)
{
    return conf_learn_variable(c, &n->origin, n->words[1], USER_VARIABLE_SET);
}

static int set_auth_variable(struct conf *c, struct scope *s, const struct directive *d,
                             const struct node *n)
{
    const struct user_variable *all = c->variables.items;
    struct auth_variable *v = vector_add(c, setter_value(s, d), sizeof(*v));

    if (!v)
        return -ENOMEM;
    v->index = (size_t)(conf_user_variable(c, span_skip(n->words[1], 1)) - all);
    return conf_template(c, &n->origin, n->words[2], &v->value);
}

static const struct setter_word satisfy_words[] = {{"all", false}, {"any", true}, {NULL, 0}};

static bool is_method(struct span word)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",  "PUT",      "DELETE",
                                          "MKCOL", "COPY",   "MOVE",  "OPTIONS",  "PROPFIND",
                                          "LOCK",  "UNLOCK", "PATCH", "PROPPATCH"};

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (span_equals_nocase(word, span_of_cstr(methods[i])))
            return true;
    }
    return false;
}

static int add_method(struct conf *c, struct vector *methods, struct span word)
{
    struct span *method = vector_add(c, methods, sizeof(*method));
    char *upper = arena_alloc(c->arena, word.len + 1);

    if (!method)
        return -ENOMEM;
    if (!upper)
        return conf_fail_no_memory(c);
    for (size_t i = 0; i < word.len; i++)
        upper[i] = ascii_lower(word.data[i]) == word.data[i] ? (char)(word.data[i] - 'a' + 'A')
                                                             : word.data[i];
    *method = span_of(upper, word.len);
    return 0;
}

/* The methods that the block is not for; with GET comes HEAD. */
static int set_limit_except(struct conf *c, struct scope *s, const struct directive *d,
                            const struct node *n)
{
    struct vector *methods = setter_value(s, d);
    int rc = 0;

    for (size_t i = 1; i < n->word_count && !rc; i++) {
        if (!is_method(n->words[i]))
            return conf_fail(c, n, "invalid method \"%.*s\"", SPAN_ARG(n->words[i]));
        rc = add_method(c, methods, n->words[i]);
        if (!rc && span_equals_nocase(n->words[i], SPAN("GET")))
            rc = add_method(c, methods, SPAN("HEAD"));
    }
    return rc;
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct directive rows[] = {
    {.name = "allow",
     .syntax = "address | CIDR | unix: | all",
     .contexts = CONTEXT_ACCESS,
     ONE_ARG,
     .marks = ROW_REPEATABLE | ROW_LOCAL,
     .set = set_access_rule,
     AT_GATE(rules),
     .help = "lets clients with such an address in; of allow and deny the first that fits counts, "
             "and those of a level outside only where a level has none"},
    {.name = "deny",
     .syntax = "address | CIDR | unix: | all",
     .contexts = CONTEXT_ACCESS,
     ONE_ARG,
     .marks = ROW_REPEATABLE | ROW_LOCAL,
     .set = set_access_rule,
     AT_GATE(rules),
     .help = "keeps clients with such an address out, by 403"},
    {.name = "auth_basic",
     .syntax = "realm | off",
     .preset = "off",
     .contexts = CONTEXT_ACCESS,
     ONE_ARG,
     .set = set_template,
     AT_GATE(realm),
     .help = "asks for a name and a password of auth_basic_user_file; the realm is what clients "
             "show, and may have variables"},
    {.name = "auth_basic_user_file",
     .syntax = "file",
     .contexts = CONTEXT_ACCESS,
     ONE_ARG,
     .set = set_template,
     AT_GATE(user_file),
     .help = "lines of name:password[:comment], the password as crypt(3) has it, or as $apr1$, "
             "{SHA}, {SSHA} or {PLAIN}; read again when it has changed"},
    {.name = "auth_request",
     .syntax = "uri | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_span,
     AT_GATE(auth_request_uri),
     .help = "asks this URI first, by a GET without a body: 2xx lets the request in, 401 and 403 "
             "refuse it, all else is an error",
     .difference = "no error_page takes the place of what the URI answers"},
    {.name = "auth_request_set",
     .syntax = "$variable value",
     .contexts = CONTEXT_LEVELS,
     .args_min = 2,
     .args_max = 2,
     .marks = ROW_REPEATABLE,
     .learn = learn_auth_variable,
     .set = set_auth_variable,
     AT_GATE(auth_variables),
     .help = "a variable that has the value once auth_request has its answer; $upstream_http_... "
             "and others are that answer's"},
    {.name = "log_subrequest",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     ROW_AT(struct level, settings.log_subrequest),
     .help = "whether what auth_request asks is in the access log, too"},
    {.name = "auth_delay",
     .syntax = "time",
     .preset = "0s",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_ms,
     AT_GATE(auth_delay_ms),
     .help = "how long an answer of 401 is held back"},
    {.name = "satisfy",
     .syntax = "all | any",
     .preset = "all",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     AT_GATE(satisfies_any),
     .detail = satisfy_words,
     .help = "whether all of addresses, passwords and auth_request must let a client in, or one"},
    {.name = "set_real_ip_from",
     .syntax = "address | CIDR | unix: | hostname",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_REPEATABLE,
     .set = set_real_ip_from,
     AT_GATE(proxies),
     .help = "proxies that are trusted to say who their client is; all that goes by the client's "
             "address then goes by that"},
    {.name = "real_ip_header",
     .syntax = "field | proxy_protocol",
     .preset = "X-Real-IP",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_span,
     AT_GATE(real_ip_field),
     .help = "the field in which proxies of set_real_ip_from say who their client is, of "
             "X-Forwarded-For the last address; or the PROXY header before the connection's first "
             "byte"},
    {.name = "real_ip_recursive",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_GATE(real_ip_is_recursive),
     .help = "whether addresses of trusted proxies in the field are passed over"},
    {.name = "limit_except",
     .syntax = "method ...",
     .contexts = CONTEXT_LOCATION,
     .opens = CONTEXT_LIMIT_EXCEPT,
     .args_min = 1,
     .args_max = ARGS_MANY,
     .marks = ROW_BLOCK | ROW_LOCAL,
     .set = set_limit_except,
     ROW_AT(struct level, except_methods),
     .help = "what holds for all other methods than these; GET includes HEAD"},
};

const struct directive_table directive_access_table = {rows, COUNT_OF(rows)};
