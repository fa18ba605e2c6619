/* advice_server - what the tree says of servers and locations. */
#include "conf/advice_server.h"

#include "conf/advice_group.h"

static bool is_named(const struct node *n, const char *name)
{
    return span_equals(n->words[0], span_of_cstr(name));
}

const struct node *advice_server_of(const struct node *n)
{
    while (n && n->row && !is_named(n, "server"))
        n = n->parent;
    return n && n->row ? n : NULL;
}

static bool says_default(const struct node *listen)
{
    for (size_t i = 2; i < listen->word_count; i++) {
        if (span_equals(listen->words[i], SPAN("default_server")) ||
            span_equals(listen->words[i], SPAN("default")))
            return true;
    }
    return false;
}

static bool listens_alike(const struct node *server, struct span address)
{
    for (const struct node *n = server->first; n; n = n->next) {
        if (is_named(n, "listen") && n->word_count > 1 && span_equals(n->words[1], address))
            return true;
    }
    return false;
}

/* Addresses are compared as they are written: others that are alike leave a doubt, no mistake. */
static bool may_be_default(const struct node *server, const struct node *listen)
{
    if (listen->word_count < 2 || says_default(listen))
        return true;
    for (const struct node *n = server->parent->first; n && n != server; n = n->next) {
        if (is_named(n, "server") && listens_alike(n, listen->words[1]))
            return false;
    }
    return true;
}

bool advice_server_bounds_host(const struct node *server)
{
    bool has_listen = false, has_name = false;
    struct span pattern;

    if (!server)
        return false;
    for (const struct node *n = server->first; n; n = n->next) {
        if (is_named(n, "listen")) {
            has_listen = true;
            if (may_be_default(server, n))
                return false;
        } else if (is_named(n, "server_name")) {
            has_name = true;
            for (size_t i = 1; i < n->word_count; i++) {
                if (advice_regex_word(n->words[i], &pattern))
                    return false;
            }
        }
    }
    return has_listen && has_name;
}

bool advice_location_regex(const struct node *location, struct span *pattern)
{
    if (location->word_count == 2)
        return advice_regex_word(location->words[1], pattern);
    *pattern = location->word_count == 3 ? location->words[2] : SPAN_NONE;
    return location->word_count == 3 && span_starts_with(location->words[1], SPAN("~"));
}
