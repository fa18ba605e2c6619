/* gate - what a request must pass before it is answered: addresses, passwords, limits.
 *
 * One for each level that has something of it, in the snapshot; the others have none. */
#ifndef RINGWAY_CONF_GATE_H
#define RINGWAY_CONF_GATE_H

#include "conf/limit_conf.h"
#include "conf/template.h"
#include "core/forwarded.h"

/* allow, deny: the first that has the client's address decides. */
struct access_rule {
    struct network network;
    bool allows;
};

/* auth_basic. */
struct basic_auth_conf {
    struct template realm; /* worth "off": nobody is asked */
    struct template user_file;
    struct span path_prefix; /* of relative paths */
};

/* set_real_ip_from and what belongs to it. */
struct real_ip_conf {
    struct forwarded_trust trust;
    struct span field;
    bool is_proxy_header; /* not a field says it, but the PROXY header of the connection */
};

/* auth_request_set. */
struct auth_variable {
    size_t index; /* in snapshot.user_variables */
    struct template value;
};

struct auth_request_conf {
    struct span uri;
    const struct auth_variable *variables;
    size_t variable_count;
};

struct gate_conf {
    const struct auth_request_conf *auth_request; /* NULL: nobody else is asked */
    const struct real_ip_conf *real_ip;           /* NULL: whoever connects is the client */
    const struct limits_conf *limits;             /* NULL: none */
    const struct access_rule *rules;
    size_t rule_count;
    const struct basic_auth_conf *basic; /* NULL: no password is asked for */
    uint64_t auth_delay_ms;              /* of a 401 */
    bool satisfies_any;                  /* one check that allows is enough */
};

#endif
