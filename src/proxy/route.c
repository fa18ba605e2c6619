/* route - server and location choice over a snapshot. Reads it only, allocates nothing. */
#include "proxy/route.h"

/* One search for a location. */
struct search {
    struct span path;
    struct regex_scratch *scratch;
    struct captures *captures;
    const struct location_conf *best; /* so far */
};

static bool search_level(struct search *q, const struct location_conf *level);

/* "*.b" stands under ".b"; the star is at least one byte, so a first dot is none of its. */
static const struct server_conf *find_head(const struct server_names *names, struct span host)
{
    const struct server_conf *server = NULL;

    for (size_t i = 1; names->heads.key_count && !server && i < host.len; i++) {
        if (host.data[i] == '.')
            server = span_table_find(&names->heads, span_skip(host, i));
    }
    return server;
}

/* "a.*" stands under "a."; something must follow. */
static const struct server_conf *find_tail(const struct server_names *names, struct span host)
{
    const struct server_conf *server = NULL;

    for (size_t end = host.len; names->tails.key_count && !server && end-- > 1;) {
        if (host.data[end - 1] == '.')
            server = span_table_find(&names->tails, span_take(host, end));
    }
    return server;
}

static const struct server_conf *find_regex_name(const struct server_names *names, struct span host,
                                                 struct regex_scratch *s, struct captures *captures)
{
    for (size_t i = 0; i < names->regex_count; i++) {
        if (regex_match(names->regexes[i].regex, host, s, captures))
            return names->regexes[i].server;
    }
    return NULL;
}

const struct server_conf *route_server(const struct listen_conf *l, struct span host,
                                       struct regex_scratch *s, struct captures *captures)
{
    const struct server_names *names = &l->names;
    const struct server_conf *server;

    server = host.len ? span_table_find(&names->exact, host) : names->nameless;
    if (!server)
        server = find_head(names, host);
    if (!server)
        server = find_tail(names, host);
    if (!server && host.len)
        server = find_regex_name(names, host, s, captures);
    return server ? server : l->default_server;
}

/* The location among the level's prefixes and exact ones, the longest first. *is_final: nothing
 * else is looked at, as the path is an exact one's, or is to get its slash. */
static const struct location_conf *find_prefix(const struct location_conf *level, struct span path,
                                               bool *is_final)
{
    const struct location_conf *slash = NULL;

    for (size_t i = 0; i < level->prefix_count; i++) {
        const struct location_conf *l = level->prefixes[i];

        if (l->pattern.len > path.len) {
            if (!slash && route_wants_slash(l, path))
                slash = l;
            continue;
        }
        if (slash && l->pattern.len < path.len)
            break;
        if (l->kind == LOCATION_EXACT ? span_equals(path, l->pattern)
                                      : span_starts_with(path, l->pattern)) {
            *is_final = l->kind == LOCATION_EXACT;
            return l;
        }
    }
    *is_final = slash != NULL;
    return slash;
}

/* True when a regex of this level matched; locations inside of it may be better still. */
static bool search_regexes(struct search *q, const struct location_conf *level)
{
    for (size_t i = 0; i < level->regex_count; i++) {
        if (regex_match(level->regexes[i]->regex, q->path, q->scratch, q->captures)) {
            q->best = level->regexes[i];
            (void)search_level(q, level->regexes[i]);
            return true;
        }
    }
    return false;
}

/* Finds the best location inside of a level. True when that is final: the enclosing levels leave
 * their regexes out. As deep as locations are nested, which CONF_DEPTH_MAX bounds. */
static bool search_level(struct search *q, const struct location_conf *level)
{
    bool is_final = false;
    const struct location_conf *prefix = find_prefix(level, q->path, &is_final);

    if (prefix)
        q->best = prefix;
    if (is_final || (prefix && search_level(q, prefix)))
        return true;
    /* "^~" shuts out the regexes beside it, not those of enclosing levels. */
    if (prefix && prefix->kind == LOCATION_PREFIX_FINAL)
        return false;
    return search_regexes(q, level);
}

const struct location_conf *route_location(const struct server_conf *server, struct span path,
                                           struct regex_scratch *s, struct captures *captures)
{
    struct search q = {.path = path, .scratch = s, .captures = captures, .best = &server->root};

    (void)search_level(&q, &server->root);
    return q.best;
}

bool route_wants_slash(const struct location_conf *location, struct span path)
{
    struct span pattern = location->pattern;

    /* A regex or a named location may end in '/', too; no path was compared with that. */
    return pattern.len == path.len + 1 && pattern.data[path.len] == '/' &&
           location->proxy_pass.is_set &&
           (location->kind == LOCATION_PREFIX || location->kind == LOCATION_PREFIX_FINAL ||
            location->kind == LOCATION_EXACT) &&
           span_starts_with(pattern, path);
}

const struct location_conf *route_named(const struct server_conf *server, struct span name)
{
    for (size_t i = 0; i < server->named_count; i++) {
        if (span_equals(server->named[i]->pattern, name))
            return server->named[i];
    }
    return NULL;
}
