/* inspect - what ringway says about itself and a configuration, without serving. */
#include "server/inspect.h"

#include <string.h>
#include <unistd.h>

#include "conf/build_tls.h"
#include "conf/directive.h"
#include "server/manual.h"
#include "server/manual_conf.h"

/* Half a dump or a page is none: the exit status says whether all of it was taken. */
static int end_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ferror(stderr) ? 1 : 0;
    fprintf(stderr, "ringway: standard output cannot be written\n");
    return 1;
}

/* --- -h, -v and -V -------------------------------------------------------------------------- */

/* On standard error, as nginx does. */
static void print_version(bool is_long)
{
    fprintf(stderr, "ringway version: ringway/" RINGWAY_VERSION "\n");
    if (is_long)
        fprintf(stderr, "built by " RINGWAY_COMPILER "\nlibraries: " RINGWAY_LIBRARIES
                        "\noptions: " RINGWAY_OPTIONS "\n");
}

int inspect_self(const struct options *o)
{
    if (o->wants_version || o->wants_build_info)
        print_version(o->wants_build_info);
    if (o->wants_help)
        manual_print_help(stdout);
    return end_output();
}

/* --- -t and -T ------------------------------------------------------------------------------ */

static void dump_files(const struct snapshot *s)
{
    for (size_t i = 0; i < s->dump_count; i++) {
        printf("# configuration %s%.*s:\n", s->dump_names[i].data[0] == '/' ? "file " : "",
               SPAN_ARG(s->dump_names[i]));
        fwrite(s->dump_texts[i].data, 1, s->dump_texts[i].len, stdout);
        putchar('\n');
    }
}

static void dump_understood(const struct snapshot *s)
{
    printf("# the configuration as understood:\n%.*s\n", SPAN_ARG(s->understood));
}

static void dump_differences(void)
{
    const struct directive *d;

    printf("# where ringway differs from nginx on purpose:\n");
    for (size_t i = 0; (d = directive_at(i)) != NULL; i++) {
        if (d->nginx_preset)
            printf("#   %s: %s by default (nginx: %s)\n", d->name, d->preset,
                   d->nginx_preset[0] ? d->nginx_preset : "none");
        if (d->difference)
            printf("#   %s: %s\n", d->name, d->difference);
    }
}

static void dump_suites(const char *what, const struct origin *o, const struct tls_suites *suites)
{
    char text[TLS_SUITES_TEXT_BYTES], where[ORIGIN_TEXT_BYTES];

    (void)tls_suites_text(suites, text, sizeof(text));
    printf("#   %s in %s: %s\n", what, origin_format(o, where), text);
}

static void dump_tls(const struct snapshot *s)
{
    if (s->tls_profile_count + s->tls_server_profile_count == 0)
        return;
    printf("# cipher suites selected:\n");
    for (size_t i = 0; i < s->tls_profile_count; i++)
        dump_suites("proxy_pass", &s->tls_profiles[i]->origin,
                    &s->tls_profiles[i]->settings.suites);
    for (size_t i = 0; i < s->tls_server_profile_count; i++) {
        const struct tls_server_settings *server = &s->tls_server_profiles[i]->settings;

        dump_suites("server", &s->tls_server_profiles[i]->origin, &server->suites);
        if (!server->dh_params_pem.len && tls_suites_have_dhe(&server->suites))
            printf("#     those with DHE are not used: there is no \"ssl_dhparam\"\n");
    }
}

static int dump(const struct snapshot *s)
{
    dump_files(s);
    dump_understood(s);
    dump_differences();
    dump_tls(s);
    return end_output();
}

static void say(const struct source *s, const char *words)
{
    if (s->conf_path)
        fprintf(stderr, "ringway: configuration file %s %s\n", s->conf_path, words);
    else
        fprintf(stderr, "ringway: " ORIGIN_COMMAND_LINE " %s\n", words);
}

static int try(const struct source *s, const struct log *log, struct snapshot **out)
{
    char error[LOG_LINE_BYTES_MAX];
    int rc = source_build(s, log, true, out);

    if (rc)
        return rc;
    if (!s->options->is_quiet && s->conf_path)
        fprintf(stderr, "ringway: the configuration file %s syntax is ok\n", s->conf_path);
    rc = snapshot_open_logs(*out, error, sizeof(error));
    if (!rc)
        rc = snapshot_make_folders(*out, error, sizeof(error));
    if (rc) {
        log_write(log, LOG_LEVEL_EMERG, "%s", error);
        snapshot_unref(*out);
    }
    return rc;
}

int inspect_test(const struct source *s)
{
    const struct log_target quiet = {
        .fd = STDERR_FILENO, .level = LOG_LEVEL_ERROR, .is_startup = true};
    const struct log quiet_log = {.targets = &quiet, .target_count = 1};
    struct snapshot *snapshot;
    int status = 0;

    if (try(s, s->options->is_quiet ? &quiet_log : log_startup(), &snapshot)) {
        say(s, "test failed");
        return 1;
    }
    if (!s->options->is_quiet)
        say(s, "test is successful");
    if (s->options->is_dump)
        status = dump(snapshot);
    snapshot_unref(snapshot);
    return status;
}

/* --- help ----------------------------------------------------------------------------------- */

static void help_all(void)
{
    const struct directive *d;

    for (size_t i = 0; (d = directive_at(i)) != NULL; i++)
        printf("%-32s %s\n", d->name, d->help);
}

/* Texts for whoever builds packages and pages; they are no directives. */
static bool help_document(const char *name)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } rows[] = {{"--man", manual_print_page},
                {"--man-conf", manual_print_conf_page},
                {"--markdown", manual_print_table}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            rows[i].print(stdout);
            return true;
        }
    }
    return false;
}

/* Each row of the name. */
static bool help_directive(const char *name)
{
    char text[DIRECTIVE_TEXT_BYTES];
    const struct directive *d;
    size_t count = 0;

    for (; (d = directive_named(span_of_cstr(name), count)) != NULL; count++) {
        (void)directive_print(d, text);
        printf("%s%s", count ? "\n" : "", text);
    }
    return count > 0;
}

int inspect_help(const char *name)
{
    if (!name) {
        help_all();
    } else if (!help_document(name) && !help_directive(name)) {
        fprintf(stderr, "ringway: unknown directive \"%s\"; ringway help lists all of them\n",
                name);
        return 1;
    }
    return end_output();
}
