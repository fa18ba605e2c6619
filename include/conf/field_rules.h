/* field_rules - what becomes of fields of upstreams' answers on their way: proxy_redirect and
 * proxy_cookie_*.
 *
 * One for each location that has such rules, in the snapshot. */
#ifndef RINGWAY_CONF_FIELD_RULES_H
#define RINGWAY_CONF_FIELD_RULES_H

#include "conf/regex.h"
#include "conf/template.h"

struct replacement {
    const struct regex *regex; /* a value that it matches is replaced; NULL: compared with from */
    struct template from;
    struct template to;
};

/* The first that fits is applied. */
struct replacements {
    const struct replacement *rows;
    size_t count;
};

/* What a flag of proxy_cookie_flags says. */
#define COOKIE_SECURE 1u
#define COOKIE_NOT_SECURE 2u
#define COOKIE_HTTP_ONLY 4u
#define COOKIE_NOT_HTTP_ONLY 8u
#define COOKIE_SAME_SITE_STRICT 16u
#define COOKIE_SAME_SITE_LAX 32u
#define COOKIE_SAME_SITE_NONE 64u
#define COOKIE_NO_SAME_SITE 128u

/* The bit of "secure", "nosamesite", …; 0: it is no flag. */
unsigned cookie_flag_of(struct span word);

struct cookie_flags {
    const struct regex *regex; /* of the cookie's name; NULL: compared with name */
    struct template name;
    const struct template *flags; /* each a word, or empty */
    size_t flag_count;
};

struct field_rules {
    struct replacements redirects;      /* of Location, and of the URL in Refresh */
    struct replacements cookie_domains; /* of whole values, but for a dot in front */
    struct replacements cookie_paths;   /* of what a value begins with */
    const struct cookie_flags *cookie_flags;
    size_t cookie_flags_count;
};

#endif
