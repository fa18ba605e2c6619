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

static const struct {
    const char *name;
    int (*apply)(struct span value, struct ssl_commanded *to);
} commands[] = {
    {"MinProtocol", apply_min},           {"MaxProtocol", apply_max},
    {"Protocol", apply_protocol},         {"CipherString", apply_ciphers},
    {"Ciphersuites", apply_tls13_suites},
};

int ssl_command_apply(struct span name, struct span value, struct ssl_commanded *to)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (span_equals_nocase(name, span_of_cstr(commands[i].name)))
            return commands[i].apply(value, to);
    }
    return -ENOENT;
}
