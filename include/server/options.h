/* options - the command line, as one table of flags.
 *
 * The table is the whole truth: parsing, --help, the manual page, the README's list and the tests
 * go by it. nginx's flags have nginx's letters and meaning. Each long one names the directive that
 * it stands for (server/standalone): those of the main context and of events are for tuning, also
 * of what a configuration file says; the others run ringway without a file.
 * Values are views of argv. */
#ifndef RINGWAY_SERVER_OPTIONS_H
#define RINGWAY_SERVER_OPTIONS_H

#include "core/span.h"

#define OPTIONS_CONF_NAME "ringway.conf"
#define OPTIONS_CONF_PATH "/etc/ringway/" OPTIONS_CONF_NAME
#define OPTIONS_VALUES_MAX 256

/* Marks. */
#define OPTION_REPEATABLE 1u
#define OPTION_PATH 2u        /* names a file, from where ringway was called */
#define OPTION_PATH_OR_OFF 4u /* likewise, or "off" */
#define OPTION_OF_TLS 8u      /* of no use without an upstream with https:// */
#define OPTION_MAY_BE_EMPTY 16u
#define OPTION_WORDS 32u /* the value is several arguments, with spaces between */

/* Where in the configuration the directive of a long flag stands. */
enum option_place {
    OPTION_PLACE_NONE, /* one of nginx's flags */
    OPTION_PLACE_MAIN,
    OPTION_PLACE_EVENTS,
    OPTION_PLACE_UPSTREAM,
    OPTION_PLACE_SERVER,
    OPTION_PLACE_LOCATION,
};

struct option_row {
    char letter;           /* 0: none */
    const char *name;      /* the long one, without its dashes; NULL: none */
    const char *argument;  /* what it takes; NULL: nothing */
    const char *directive; /* that it stands for, with its arguments where it takes none */
    const char *help;      /* NULL: another spelling of the row before */
    enum option_place place;
    unsigned marks;
    size_t offset; /* in struct options, of nginx's: const char * or bool */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

struct option_value {
    const struct option_row *row;
    const char *text; /* "" for a flag without an argument */
};

struct options {
    bool wants_help, wants_version, wants_build_info;
    bool is_test, is_dump, is_quiet;
    const char *conf_path, *prefix, *globals, *error_log, *signal;
    bool wants_directive_help;                      /* "ringway help [NAME]" */
    const char *directive_name;                     /* NULL: all of them */
    bool is_standalone;                             /* --listen and --upstream instead of a file */
    struct option_value values[OPTIONS_VALUES_MAX]; /* long flags in the order of argv */
    size_t value_count;
};

#define OPTIONS_ERROR_BYTES 512

/* Writes why a command line is refused. A line that is too long loses its middle: it begins with
 * the flag and ends with the reason, and between them stands what the user knows. Returns
 * -EINVAL. */
int options_fail(char error[OPTIONS_ERROR_BYTES], const char *format, ...) PRINTF_LIKE(2, 3);

/* Reads the command line. 0, or -EINVAL with one line that names the flag. */
int options_parse(struct options *o, int argc, char *const *argv,
                  char error[OPTIONS_ERROR_BYTES]) MUST_USE;

/* How a row is called in messages: "--listen", "-c". Returns out. */
#define OPTION_NAME_BYTES 64
const char *option_label(const struct option_row *row, char out[OPTION_NAME_BYTES]);

/* Goes with a configuration file, too, and wins over what that says. */
bool option_is_tuning(const struct option_row *row);

/* The value of a long flag; NULL when it was not given. */
const char *options_value(const struct options *o, const char *name);

#endif
