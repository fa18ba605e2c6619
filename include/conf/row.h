/* row - a directive, as one row of a table.
 *
 * The row is the whole truth about it: the reader checks by it, inheritance goes by it, and help,
 * manual page and tests print it. */
#ifndef RINGWAY_CONF_ROW_H
#define RINGWAY_CONF_ROW_H

#include "conf/tree.h"

/* Where a directive may stand. */
#define CONTEXT_MAIN 1u
#define CONTEXT_EVENTS 2u
#define CONTEXT_HTTP 4u
#define CONTEXT_SERVER 8u
#define CONTEXT_LOCATION 16u
#define CONTEXT_UPSTREAM 32u
#define CONTEXT_FREE 64u         /* a body of other words than directives: types */
#define CONTEXT_IF_SERVER 128u   /* "if" in a server */
#define CONTEXT_IF_LOCATION 256u /* "if" in a location */
#define CONTEXT_LIMIT_EXCEPT 512u

#define CONTEXT_HTTP_SERVER (CONTEXT_HTTP | CONTEXT_SERVER)
#define CONTEXT_LEVELS (CONTEXT_HTTP | CONTEXT_SERVER | CONTEXT_LOCATION)
#define CONTEXT_IF (CONTEXT_IF_SERVER | CONTEXT_IF_LOCATION)
#define CONTEXT_ANY                                                                     \
    (CONTEXT_MAIN | CONTEXT_EVENTS | CONTEXT_LEVELS | CONTEXT_UPSTREAM | CONTEXT_FREE | \
     CONTEXT_IF | CONTEXT_LIMIT_EXCEPT)

#define ARGS_MANY CONF_ARGS_MAX

/* Marks. */
#define ROW_BLOCK 1u          /* ends with '{' */
#define ROW_REPEATABLE 2u     /* may stand several times in one block */
#define ROW_LOCAL 4u          /* not inherited by blocks within */
#define ROW_WITHOUT_EFFECT 8u /* of nginx's, without meaning here: arguments are checked, no more */
#define ROW_SCRIPT 16u        /* an instruction: in an "if", one of the block around that */

struct conf;
struct scope;
struct directive;

/* Checks a directive's arguments and puts their value into the scope. 0; -EINVAL or -ENOMEM after
 * it logged why. */
typedef int (*directive_set_fn)(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n);

/* Looks at a directive before anything is set: what makes variables does it here (see
 * conf_learn_variable()), regexes too, for the sake of their named groups. */
typedef int (*directive_learn_fn)(struct conf *c, const struct node *n);

struct directive {
    const char *name;
    const char *syntax;       /* of its arguments; NULL: none */
    const char *preset;       /* its default, put through the same setter; NULL: none */
    const char *nginx_preset; /* nginx's, where it is another one; "": none */
    unsigned contexts;
    unsigned opens; /* a block's: the context within */
    size_t args_min, args_max;
    unsigned marks;
    directive_learn_fn learn; /* NULL: nothing to be known beforehand */
    directive_set_fn set;     /* NULL: conf/build reads the block itself */
    size_t offset, size;      /* of the value among the scope's; size 0: there is none */
    const void *detail;       /* for the setter: words, bounds */
    const char *help;         /* one line */
    const char *difference;   /* from nginx, where there is one on purpose */
};

/* A row's number of arguments, where it is the usual one. */
#define ONE_ARG .args_min = 1, .args_max = 1

/* The place of a value: for a row's offset and size. */
#define ROW_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct directive_table {
    const struct directive *rows;
    size_t count;
};

#endif
