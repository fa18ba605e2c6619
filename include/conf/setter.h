/* setter - what directives of the same kind share: flags, sizes, times, numbers, words, texts.
 *
 * Each takes a row's detail and puts the value at the row's offset among the scope's values. */
#ifndef RINGWAY_CONF_SETTER_H
#define RINGWAY_CONF_SETTER_H

#include "conf/draft.h"

/* 10^13 ms, three hundred years: sums with the clock cannot overflow. */
#define TIME_MS_MAX UINT64_C(10000000000000)

struct setter_bounds { /* detail of set_number() */
    uint64_t min, max;
};

struct setter_word { /* detail of set_word() and set_bits(): rows up to name NULL */
    const char *name;
    unsigned value;
};

/* "1h 30m", "500ms", "75": nginx's units. 0, or -EINVAL. */
int setter_parse_ms(struct span text, uint64_t *ms) MUST_USE;
/* The same without milliseconds, and with months and years; the result is in milliseconds. */
int setter_parse_seconds(struct span text, uint64_t *ms) MUST_USE;
/* "8k", "1m", and with allows_gigabytes "1g". 0, or -EINVAL. */
int setter_parse_size(struct span text, bool allows_gigabytes, uint64_t *bytes) MUST_USE;

/* "name=value", or "name" alone: then the value is empty. */
struct parameter {
    struct span name, value;
    bool has_value;
};
struct parameter setter_parameter(struct span word);

/* An address or a network; of bits behind its prefix, which do not count, is warned. 0, or -EINVAL:
 * that is the caller's to log. */
int setter_parse_network(struct conf *c, const struct origin *o, struct span text,
                         struct network *out) MUST_USE;

/* Where the row's value is. */
void *setter_value(struct scope *s, const struct directive *d);

/* The line for a value that the directive does not take. Returns -EINVAL. */
int setter_fail_value(struct conf *c, const struct node *n, struct span value);

/* A path, relative to where the configuration file is; "" stays empty. 0, or -EINVAL, -ENOMEM after
 * it logged why. */
int setter_take_path(struct conf *c, const struct directive *d, const struct node *n,
                     struct word *out) MUST_USE;

/* Setters, and the type of their value. */
int set_flag(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* bool: on, off */
int set_size(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* uint64_t: k and m */
int set_offset(struct conf *c, struct scope *s, const struct directive *d,
               const struct node *n); /* uint64_t: k, m and g */
int set_ms(struct conf *c, struct scope *s, const struct directive *d,
           const struct node *n); /* uint64_t, in ms */
int set_timeout(struct conf *c, struct scope *s, const struct directive *d,
                const struct node *n); /* uint64_t, in ms; not 0 */
int set_seconds(struct conf *c, struct scope *s, const struct directive *d,
                const struct node *n); /* uint64_t, in ms, given in whole seconds */
int set_number(struct conf *c, struct scope *s, const struct directive *d,
               const struct node *n); /* uint64_t, within struct setter_bounds */
int set_word(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* unsigned: one of struct setter_word */
int set_bits(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* unsigned: several of struct setter_word, added up */
int set_text(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* struct word: as it is */
int set_path(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* struct word: as setter_take_path() */
int set_span(struct conf *c, struct scope *s, const struct directive *d,
             const struct node *n); /* struct span: as it is */
int set_spans(struct conf *c, struct scope *s, const struct directive *d,
              const struct node *n); /* struct vector of struct span: all arguments, appended */
int set_template(struct conf *c, struct scope *s, const struct directive *d,
                 const struct node *n); /* struct template */

#endif
