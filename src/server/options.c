/* options - the command line, as one table of flags. */
#include "server/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_AT(member) .offset = offsetof(struct options, member)

const struct option_row option_rows[] = {
    {.letter = 'h', .name = "help", .help = "this help", OPTION_AT(wants_help)},
    {.letter = '?', OPTION_AT(wants_help)},
    {.letter = 'v', .name = "version", .help = "print the version", OPTION_AT(wants_version)},
    {.letter = 'V',
     .help = "print the version, the compiler, the libraries and the options",
     OPTION_AT(wants_build_info)},
    {.letter = 't', .help = "test the configuration and end", OPTION_AT(is_test)},
    {.letter = 'T',
     .help = "test the configuration and print it, how it differs from nginx, and "
             "the cipher suites that it selects",
     OPTION_AT(is_dump)},
    {.letter = 'q',
     .help = "no messages but errors while the configuration is tested",
     OPTION_AT(is_quiet)},
    {.letter = 's',
     .argument = "SIGNAL",
     .help = "send a signal to the running process: stop, quit, reopen or reload",
     OPTION_AT(signal)},
    {.letter = 'p',
     .argument = "DIRECTORY",
     .help = "where relative paths start (default: the folder of the configuration file)",
     .marks = OPTION_MAY_BE_EMPTY,
     OPTION_AT(prefix)},
    {.letter = 'e',
     .argument = "FILE",
     .help = "the error log where the configuration names none",
     OPTION_AT(error_log)},
    {.letter = 'c',
     .argument = "FILE",
     .help = "the configuration file (default: " OPTIONS_CONF_PATH ")",
     OPTION_AT(conf_path)},
    {.letter = 'g',
     .argument = "DIRECTIVES",
     .help = "directives of the main context, before the "
             "file's",
     .marks = OPTION_MAY_BE_EMPTY,
     OPTION_AT(globals)},

    {.name = "listen",
     .argument = "ADDRESS",
     .directive = "listen",
     .help = "listen for HTTP: ADDRESS:PORT, PORT, [IPV6]:PORT or unix:PATH; may be repeated",
     .place = OPTION_PLACE_SERVER,
     .marks = OPTION_REPEATABLE},
    {.name = "upstream",
     .argument = "URL",
     .directive = "server",
     .help = "proxy to https://HOST[:PORT] or http://HOST[:PORT]; may be repeated, all with the "
             "same scheme",
     .place = OPTION_PLACE_UPSTREAM,
     .marks = OPTION_REPEATABLE},
    {.name = "ca",
     .argument = "FILE",
     .directive = "proxy_ssl_trusted_certificate",
     .help = "verify upstreams with these CA certificates (default: the system's)",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_PATH | OPTION_OF_TLS},
    {.name = "cert",
     .argument = "FILE",
     .directive = "proxy_ssl_certificate",
     .help = "show upstreams this client certificate",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_PATH | OPTION_OF_TLS},
    {.name = "key",
     .argument = "FILE",
     .directive = "proxy_ssl_certificate_key",
     .help = "the key of that certificate",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_PATH | OPTION_OF_TLS},
    {.name = "server-name",
     .argument = "NAME",
     .directive = "proxy_ssl_name",
     .help = "ask upstreams for this name and verify it (default: the host of --upstream)",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_OF_TLS},
    {.name = "no-verify",
     .directive = "proxy_ssl_verify off",
     .help = "do not verify upstreams' certificates: anybody in between can read and change "
             "everything",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_OF_TLS},
    {.name = "session-tickets",
     .argument = "NUMBER",
     .directive = "proxy_ssl_session_tickets",
     .help = "TLS sessions with an upstream that each worker keeps to resume them (default: 32)",
     .place = OPTION_PLACE_LOCATION,
     .marks = OPTION_OF_TLS},
    {.name = "balance",
     .argument = "POLICY",
     .directive = "least_conn",
     .help = "round_robin (default) or least_conn",
     .place = OPTION_PLACE_UPSTREAM},
    {.name = "keepalive",
     .argument = "NUMBER",
     .directive = "keepalive",
     .help = "idle connections to upstreams that each worker keeps",
     .place = OPTION_PLACE_UPSTREAM},
    {.name = "connect-timeout",
     .argument = "TIME",
     .directive = "proxy_connect_timeout",
     .help = "wait at most that long for a connection to an upstream",
     .place = OPTION_PLACE_LOCATION},
    {.name = "read-timeout",
     .argument = "TIME",
     .directive = "proxy_read_timeout",
     .help = "wait at most that long between two reads from an upstream",
     .place = OPTION_PLACE_LOCATION},
    {.name = "send-timeout",
     .argument = "TIME",
     .directive = "proxy_send_timeout",
     .help = "wait at most that long between two writes to an upstream",
     .place = OPTION_PLACE_LOCATION},
    {.name = "client-max-body-size",
     .argument = "SIZE",
     .directive = "client_max_body_size",
     .help = "refuse larger request bodies; 0: none is refused",
     .place = OPTION_PLACE_SERVER},
    {.name = "access-log",
     .argument = "FILE|off",
     .directive = "access_log",
     .help = "write a line for each request (default: off)",
     .place = OPTION_PLACE_SERVER,
     .marks = OPTION_PATH_OR_OFF},
    {.name = "workers",
     .argument = "NUMBER|auto",
     .directive = "worker_processes",
     .help = "number of worker threads; auto, the default without a file: one for each CPU",
     .place = OPTION_PLACE_MAIN},
    {.name = "affinity",
     .argument = "MASKS|auto",
     .directive = "worker_cpu_affinity",
     .help = "CPUs of each worker, as in \"0001 0010\"; auto: one for each in turn",
     .place = OPTION_PLACE_MAIN,
     .marks = OPTION_WORDS},
    {.name = "worker-connections",
     .argument = "NUMBER",
     .directive = "worker_connections",
     .help = "connections that one worker may have, upstreams' included",
     .place = OPTION_PLACE_EVENTS},
    {.name = "ring-entries",
     .argument = "NUMBER",
     .directive = "ring_entries",
     .help = "operations that a worker hands to the kernel at once, at most (default: 4096)",
     .place = OPTION_PLACE_EVENTS},
    {.name = "receive-buffers",
     .argument = "'NUMBER SIZE'",
     .directive = "receive_buffers",
     .help = "buffers of each worker for what comes in bulk (default: '32 32k')",
     .place = OPTION_PLACE_EVENTS,
     .marks = OPTION_WORDS},
    {.name = "send-high-water",
     .argument = "SIZE",
     .directive = "send_high_water",
     .help = "how much may wait in a connection to be sent before its source is not read any more "
             "(default: 128k)",
     .place = OPTION_PLACE_EVENTS},
    {.name = "send-zerocopy",
     .argument = "SIZE|off",
     .directive = "send_zerocopy",
     .help = "sends of at least that size are not copied by the kernel (default: off)",
     .place = OPTION_PLACE_EVENTS},
    {.name = "busy-poll",
     .argument = "MICROSECONDS",
     .directive = "busy_poll",
     .help = "how long a worker that has nothing to do looks for news before it sleeps (default: "
             "0)",
     .place = OPTION_PLACE_EVENTS},
};

const size_t option_row_count = COUNT_OF(option_rows);

/* --- parsing -------------------------------------------------------------------------------- */

struct reading {
    struct options *o;
    char *const *next; /* the argument behind the one that is being read; NULL: none */
    char *error;
};

int options_fail(char error[OPTIONS_ERROR_BYTES], const char *format, ...)
{
    static const char gap[] = "...";
    const size_t tail_bytes = OPTIONS_ERROR_BYTES / 2;
    char *whole = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(error, OPTIONS_ERROR_BYTES, format, args);
    va_end(args);
    va_start(args, format);
    if (len >= OPTIONS_ERROR_BYTES && vasprintf(&whole, format, args) == len) {
        char *tail = error + OPTIONS_ERROR_BYTES - tail_bytes;

        memcpy(tail, whole + len + 1 - tail_bytes, tail_bytes);
        memcpy(tail - strlen(gap), gap, strlen(gap));
        free(whole);
    }
    va_end(args);
    return -EINVAL;
}

const char *option_label(const struct option_row *row, char out[OPTION_NAME_BYTES])
{
    if (row->letter)
        snprintf(out, OPTION_NAME_BYTES, "-%c", row->letter);
    else
        snprintf(out, OPTION_NAME_BYTES, "--%s", row->name);
    return out;
}

bool option_is_tuning(const struct option_row *row)
{
    return row->place == OPTION_PLACE_MAIN || row->place == OPTION_PLACE_EVENTS;
}

static const struct option_row *row_of_letter(char letter)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (letter && option_rows[i].letter == letter)
            return &option_rows[i];
    }
    return NULL;
}

static const struct option_row *row_of_name(struct span name)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (option_rows[i].name && span_equals(name, span_of_cstr(option_rows[i].name)))
            return &option_rows[i];
    }
    return NULL;
}

static int take_long_value(struct reading *r, const struct option_row *row, const char *text)
{
    struct options *o = r->o;

    if (!(row->marks & OPTION_REPEATABLE) && options_value(o, row->name))
        return options_fail(r->error, "option \"--%s\" is given twice", row->name);
    if (o->value_count == OPTIONS_VALUES_MAX)
        return options_fail(r->error, "more than %d long options", OPTIONS_VALUES_MAX);
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return options_fail(r->error, "control character in the value of \"--%s\"", row->name);
    }
    o->values[o->value_count++] = (struct option_value){.row = row, .text = text};
    return 0;
}

static int take_value(struct reading *r, const struct option_row *row, const char *text)
{
    char *at = (char *)r->o + row->offset;
    char label[OPTION_NAME_BYTES];

    if (row->argument && !*text && !(row->marks & OPTION_MAY_BE_EMPTY))
        return options_fail(r->error, "option \"%s\" requires %s, which is empty",
                            option_label(row, label), row->argument);
    if (row->place != OPTION_PLACE_NONE)
        return take_long_value(r, row, text);
    if (!row->argument)
        *(bool *)at = true;
    else
        *(const char **)at = text;
    return 0;
}

/* The value that stands behind the flag in the same word, or the next word. */
static int take_option(struct reading *r, const struct option_row *row, const char *attached)
{
    char label[OPTION_NAME_BYTES];

    if (!row->argument)
        return take_value(r, row, "");
    if (!attached) {
        if (!r->next || !*r->next)
            return options_fail(r->error, "option \"%s\" requires %s", option_label(row, label),
                                row->argument);
        attached = *r->next;
        r->next++;
    }
    return take_value(r, row, attached);
}

static int read_long(struct reading *r, const char *word)
{
    const char *text = word + 2;
    size_t len = strcspn(text, "=");
    const struct option_row *row = row_of_name(span_of(text, len));

    if (!row)
        return options_fail(r->error, "invalid option: \"%s\"; see ringway --help", word);
    if (!row->argument && text[len] == '=')
        return options_fail(r->error, "option \"--%s\" takes no value", row->name);
    return take_option(r, row, text[len] == '=' ? text + len + 1 : NULL);
}

/* As nginx: letters may stand together ("-tq"), and a value directly behind its letter. */
static int read_letters(struct reading *r, const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct option_row *row = row_of_letter(*letter);

        if (!row)
            return options_fail(r->error, "invalid option: \"%c\"; see ringway --help", *letter);
        if (row->argument)
            return take_option(r, row, letter[1] ? letter + 1 : NULL);
        if (take_option(r, row, NULL))
            return -EINVAL;
    }
    return 0;
}

static int read_word(struct reading *r, const char *word)
{
    if (word[0] != '-' || !word[1])
        return options_fail(r->error, "invalid option: \"%s\"; see ringway --help", word);
    return word[1] == '-' ? read_long(r, word) : read_letters(r, word);
}

/* "ringway help [NAME]" */
static int read_help_command(struct options *o, int argc, char *const *argv, char *error)
{
    if (argc > 3)
        return options_fail(error, "usage: ringway help [DIRECTIVE]");
    o->wants_directive_help = true;
    o->directive_name = argc == 3 ? argv[2] : NULL;
    return 0;
}

/* --- what goes together --------------------------------------------------------------------- */

static int check_signal(const struct options *o, char *error)
{
    static const char *const words[] = {"stop", "quit", "reopen", "reload"};

    for (size_t i = 0; o->signal && i < COUNT_OF(words); i++) {
        if (strcmp(o->signal, words[i]) == 0)
            return 0;
    }
    return o->signal ? options_fail(error, "invalid option: \"-s %s\"", o->signal) : 0;
}

/* The first flag that runs ringway without a file; NULL: none was given. */
static const char *standalone_flag(const struct options *o)
{
    for (size_t i = 0; i < o->value_count; i++) {
        if (!option_is_tuning(o->values[i].row))
            return o->values[i].row->name;
    }
    return NULL;
}

static int check_standalone(const struct options *o, char *error)
{
    const char *given = standalone_flag(o);

    if (o->conf_path)
        return options_fail(error,
                            "\"--%s\" runs without a configuration file: leave out \"-c\", or say "
                            "it in the file",
                            given);
    if (o->signal)
        return options_fail(error, "\"-s\" goes by the pid file, which is not written without a "
                                   "configuration file: use kill(1)");
    if (!options_value(o, "upstream"))
        return options_fail(error, "\"--%s\" needs \"--upstream URL\"", given);
    if (!options_value(o, "listen"))
        return options_fail(error, "\"--%s\" needs \"--listen ADDRESS\"", given);
    if (options_value(o, "cert") && !options_value(o, "key"))
        return options_fail(error, "\"--cert\" needs \"--key FILE\"");
    if (options_value(o, "key") && !options_value(o, "cert"))
        return options_fail(error, "\"--key\" needs \"--cert FILE\"");
    return 0;
}

int options_parse(struct options *o, int argc, char *const *argv, char error[OPTIONS_ERROR_BYTES])
{
    struct reading r = {.o = o, .next = argv + (argc > 0 ? 1 : 0), .error = error};
    int rc;

    *o = (struct options){0};
    if (argc > 1 && strcmp(argv[1], "help") == 0)
        return read_help_command(o, argc, argv, error);
    while (*r.next) {
        rc = read_word(&r, *r.next++);
        if (rc)
            return rc;
    }
    o->is_test |= o->is_dump;
    o->is_standalone = standalone_flag(o) != NULL;
    if (o->wants_help)
        return 0;
    rc = check_signal(o, error);
    if (!rc && o->is_standalone)
        return check_standalone(o, error);
    if (!rc && o->signal && o->value_count)
        return options_fail(error, "\"--%s\" counts when ringway starts: leave it out with \"-s\"",
                            o->values[0].row->name);
    return rc;
}

const char *options_value(const struct options *o, const char *name)
{
    for (size_t i = 0; i < o->value_count; i++) {
        if (strcmp(o->values[i].row->name, name) == 0)
            return o->values[i].text;
    }
    return NULL;
}
