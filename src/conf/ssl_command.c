/* ssl_command - the commands of OpenSSL's SSL_CONF_cmd(3) that say the same as a directive. */
#include "conf/ssl_command.h"

#include "io/tls.h"

/* All versions in their order; those that we do not have are 0. */
static const struct {
    const char *name;
    unsigned bit;
} versions[] = {
    {"SSLv3", 0},
    {"TLSv1", 0},
    {"TLSv1.1", 0},
    {"TLSv1.2", TLS_PROTOCOL_1_2},
    {"TLSv1.3", TLS_PROTOCOL_1_3},
};

static int find_version(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        if (span_equals_nocase(name, span_of_cstr(versions[i].name)))
            return (int)i;
    }
    return -EINVAL;
}

/* The bits of the versions from first to last. */
static unsigned version_bits(size_t first, size_t last)
{
    unsigned bits = 0;

    for (size_t i = first; i <= last; i++)
        bits |= versions[i].bit;
    return bits;
}

/* "ALL,-TLSv1.2": each word adds, or removes with a '-'. */
static int apply_protocol_list(struct span list, unsigned *protocols)
{
    struct span word;

    while (span_next_element(&list, &word)) {
        bool removes = word.data[0] == '-';
        unsigned bits;
        int at;

        if (removes || word.data[0] == '+')
            word = span_skip(word, 1);
        at = find_version(word);
        if (at < 0 && !span_equals_nocase(word, SPAN("ALL")))
            return -EINVAL;
        bits = at < 0 ? version_bits(0, COUNT_OF(versions) - 1) : versions[at].bit;
        *protocols = removes ? *protocols & ~bits : *protocols | bits;
    }
    return 0;
}

static int apply_bound(struct span value, bool is_lower, unsigned *protocols)
{
    int at = find_version(value);

    if (span_equals_nocase(value, SPAN("None")))
        return 0;
    if (at < 0)
        return -EINVAL;
    *protocols &=
        is_lower ? version_bits((size_t)at, COUNT_OF(versions) - 1) : version_bits(0, (size_t)at);
    return 0;
}

static int apply_min(struct span value, struct ssl_commanded *to)
{
    return apply_bound(value, true, &to->protocols);
}

static int apply_max(struct span value, struct ssl_commanded *to)
{
    return apply_bound(value, false, &to->protocols);
}

static int apply_protocol(struct span value, struct ssl_commanded *to)
{
    return apply_protocol_list(value, &to->protocols);
}

static int apply_ciphers(struct span value, struct ssl_commanded *to)
{
    to->ciphers = value;
    return 0;
}

static int apply_tls13_suites(struct span value, struct ssl_commanded *to)
{
    to->tls13_suites = value;
    return 0;
}

static int apply_groups(struct span value, struct ssl_commanded *to)
{
    to->groups = value;
    return value.len ? 0 : -EINVAL;
}

/* "ServerPreference,-SessionTicket". */
static int apply_options(struct span list, struct ssl_commanded *to)
{
    struct span word;

    while (span_next_element(&list, &word)) {
        bool is_on = word.data[0] != '-';

        if (!is_on || word.data[0] == '+')
            word = span_skip(word, 1);
        if (span_equals_nocase(word, SPAN("ServerPreference")))
            to->prefers_server_suites = is_on;
        else if (span_equals_nocase(word, SPAN("SessionTicket")))
            to->has_tickets = is_on;
        else
            return -EINVAL;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*apply)(struct span value, struct ssl_commanded *to);
    bool is_of_servers_only;
} commands[] = {
    {"MinProtocol", apply_min, false},
    {"MaxProtocol", apply_max, false},
    {"Protocol", apply_protocol, false},
    {"CipherString", apply_ciphers, false},
    {"Ciphersuites", apply_tls13_suites, false},
    {"Curves", apply_groups, true},
    {"Groups", apply_groups, true},
    {"Options", apply_options, true},
};

int ssl_command_apply(struct span name, struct span value, struct ssl_commanded *to)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (!span_equals_nocase(name, span_of_cstr(commands[i].name)))
            continue;
        if (commands[i].is_of_servers_only && !to->is_of_server)
            break;
        return commands[i].apply(value, to);
    }
    return -ENOENT;
}
