/* string_map - what a "map" block looks up: strings without case, names with a wildcard, regexes.
 *
 * Lies in the snapshot's arena; keys are views of its words. Built by adding, then only read. */
#ifndef RINGWAY_CONF_STRING_MAP_H
#define RINGWAY_CONF_STRING_MAP_H

#include "conf/regex.h"
#include "conf/template.h"
#include "core/span_table.h"

struct string_map_regex {
    const struct regex *regex;
    const struct template *value;
};

struct string_map {
    struct template source;
    bool has_hostnames;                     /* keys that are added may have wildcards */
    struct span_table exact, heads, tails;  /* "a.b", "*.b" under ".b", "a.*" under "a." */
    const struct string_map_regex *regexes; /* asked in order where no key was found */
    size_t regex_count;
    const struct template *preset; /* "default"; NULL: none */
};

/* The key and the value must live as long as the map. 0; -EEXIST when it is there already; -EINVAL
 * when it is no host name and the map has_hostnames; -ENOMEM. */
int string_map_add(struct string_map *m, struct arena *a, struct span key,
                   const struct template *value) MUST_USE;

/* What is looked up for a text: a host name's last dot is left out. */
struct span string_map_key(const struct string_map *m, struct span text);

/* The value of a key: exact, else of the longest "*.b", else of the longest "a.*". NULL: none,
 * regexes and default are the caller's matter. */
const struct template *string_map_find(const struct string_map *m, struct span key);

#endif
