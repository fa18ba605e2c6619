/* script - what set, rewrite, return, break and if say, in the order of the file, compiled.
 *
 * A server and each location has one, or none. Owned by the snapshot's arena; run by
 * proxy/rewrite. */
#ifndef RINGWAY_CONF_SCRIPT_H
#define RINGWAY_CONF_SCRIPT_H

#include "conf/regex.h"
#include "conf/template.h"

struct location_conf;

enum script_op_kind {
    SCRIPT_SET,
    SCRIPT_SET_ARGS,       /* $args */
    SCRIPT_SET_LIMIT_RATE, /* $limit_rate */
    SCRIPT_IF,
    SCRIPT_REWRITE,
    SCRIPT_RETURN,
    SCRIPT_BREAK,
};

struct script_set {
    size_t variable; /* its index */
    struct template value;
};

enum script_test {
    SCRIPT_TEST_TRUE,   /* neither empty nor "0" */
    SCRIPT_TEST_EQUALS, /* the value */
    SCRIPT_TEST_MATCHES,
    SCRIPT_TEST_IS_FILE,
    SCRIPT_TEST_IS_DIRECTORY,
    SCRIPT_TEST_EXISTS,
    SCRIPT_TEST_IS_EXECUTABLE,
};

struct script_if {
    enum script_test test;
    bool is_negated;
    struct template subject; /* a variable, or the path of a file */
    struct template value;
    const struct regex *regex;
    struct span pattern;                  /* of it, for the log */
    const struct location_conf *location; /* whose settings count from then on; NULL: no others */
    size_t op_count;                      /* of what is within, which follows */
};

/* What comes after a rewrite that matched. */
enum script_flow {
    SCRIPT_GOES_ON,
    SCRIPT_ENDS,   /* "last", and redirects */
    SCRIPT_BREAKS, /* "break": no location is sought for the new URI */
};

struct script_rewrite {
    const struct regex *regex;
    struct span pattern;
    struct template uri;  /* or the URL of a redirect, whole */
    struct template args; /* behind the first '?', if has_args */
    bool has_args;        /* of a redirect: the URL has a '?' */
    bool keeps_args;      /* those of the request follow */
    unsigned status;      /* of a redirect; 0: none */
    enum script_flow flow;
};

struct return_rule {
    unsigned status;      /* 444 closes without an answer */
    struct template text; /* body, or the URL of a redirect */
    bool has_text;
};

struct script_op {
    enum script_op_kind kind;
    union {
        struct script_set set; /* of SCRIPT_SET_…, whose variable is known by the kind */
        struct script_if condition;
        struct script_rewrite rewrite;
        struct return_rule answer;
    };
};

struct script {
    const struct script_op *ops;
    size_t count;
};

#endif
