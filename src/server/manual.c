/* manual - the table of flags as text: --help and the manual page. */
#include "server/manual.h"

#include <string.h>

#include "core/stats.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 100

static const char *const usage[] = {
    "ringway [-tTq] [-c FILE] [-p DIRECTORY] [-e FILE] [-g DIRECTIVES] [TUNING ...]",
    "ringway -s stop|quit|reopen|reload [-c FILE] [-p DIRECTORY]",
    "ringway --listen ADDRESS --upstream URL [--upstream URL ...] [OPTION ...] [TUNING ...]",
    "ringway help [DIRECTIVE]",
};

/* Signals of the process, for both texts. */
static const struct signal_row {
    const char *name, *help;
} signal_rows[] = {
    {"TERM, INT", "stop at once"},
    {"QUIT", "stop accepting, let requests end, then stop; a second one stops at once"},
    {"HUP", "read the configuration again; without losing a request, and only if it is good"},
    {"USR1", "open the log files again"},
};

/* Flags that stand together, and what is said above them. */
static const struct group_row {
    bool is_of_nginx, is_tuning;
    const char *title;
} group_rows[] = {
    {.is_of_nginx = true, .title = "With a configuration file, as nginx's flags:"},
    {.title = "Without a file; each stands for the directive in brackets:"},
    {.is_tuning = true,
     .title = "For tuning, with a file or without; each wins over the directive in brackets:"},
};

static bool group_has(const struct group_row *g, const struct option_row *row)
{
    return row->help && g->is_of_nginx == (row->place == OPTION_PLACE_NONE) &&
           g->is_tuning == option_is_tuning(row);
}

/* "-c FILE", "--listen ADDRESS", "-h, --help". Returns its length. */
static size_t format_flag(const struct option_row *row, char *out, size_t size)
{
    char label[OPTION_NAME_BYTES];
    bool has_both = row->letter && row->name;

    return (size_t)snprintf(out, size, "%s%s%s%s%s", option_label(row, label),
                            has_both ? ", --" : "", has_both ? row->name : "",
                            row->argument ? " " : "", row->argument ? row->argument : "");
}

/* Words from the column on, with lines broken where they would be too long. */
static void print_wrapped(FILE *out, size_t column, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");

        if (column + 1 + len > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        fprintf(out, " %.*s", (int)len, text);
        column += 1 + len;
        text += len + strspn(text + len, " ");
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *flag, const char *help, const char *directive)
{
    char text[512];

    fprintf(out, "  %-*s", HELP_COLUMN - 2, flag);
    if (strlen(flag) > HELP_COLUMN - 3)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    snprintf(text, sizeof(text), "%s%s%s%s", help, directive ? " [" : "",
             directive ? directive : "", directive ? "]" : "");
    print_wrapped(out, HELP_COLUMN, text);
}

static void print_rows(FILE *out, const struct group_row *g)
{
    char flag[OPTION_NAME_BYTES * 2];

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (!group_has(g, row))
            continue;
        (void)format_flag(row, flag, sizeof(flag));
        print_row(out, flag, row->help, row->directive);
    }
}

void manual_print_help(FILE *out)
{
    for (size_t i = 0; i < COUNT_OF(usage); i++)
        fprintf(out, "%s%s\n", i ? "       " : "Usage: ", usage[i]);
    for (size_t i = 0; i < COUNT_OF(group_rows); i++) {
        fprintf(out, "\n%s\n", group_rows[i].title);
        print_rows(out, &group_rows[i]);
    }
    fprintf(out, "\nSignals:\n");
    for (size_t i = 0; i < COUNT_OF(signal_rows); i++)
        print_row(out, signal_rows[i].name, signal_rows[i].help, NULL);
}

/* --- man(7) --------------------------------------------------------------------------------- */

/* '-' and '\\' mean something else to roff. */
static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_item(FILE *out, const char *head, const char *text, const char *directive)
{
    fprintf(out, ".TP\n.B ");
    print_escaped(out, head);
    fputc('\n', out);
    print_escaped(out, text);
    if (directive) {
        /* In quotes: .BR sets its arguments in turn in bold and roman, with no space between. */
        fprintf(out, "\n(the directive\n.BR \"");
        print_escaped(out, directive);
        fprintf(out, "\" )");
    }
    fputc('\n', out);
}

static void print_counters(FILE *out)
{
    fprintf(out,
            ".SH COUNTERS\nWhat all workers have counted since the start is in the error log, at "
            "notice, when ringway stops, reloads or opens its logs again:\n");
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        print_item(out, counter_name((enum counter)i), counter_help((enum counter)i), NULL);
}

static void print_items(FILE *out, const struct group_row *g)
{
    char flag[OPTION_NAME_BYTES * 2];

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (!group_has(g, row))
            continue;
        (void)format_flag(row, flag, sizeof(flag));
        print_item(out, flag, row->help, row->directive);
    }
}

void manual_print_page(FILE *out)
{
    fprintf(out,
            ".TH RINGWAY 8 \"\" \"ringway " RINGWAY_VERSION "\"\n"
            ".SH NAME\nringway \\- HTTP reverse proxy that speaks verified HTTPS to upstreams\n"
            ".SH SYNOPSIS\n.nf\n");
    for (size_t i = 0; i < COUNT_OF(usage); i++) {
        print_escaped(out, usage[i]);
        fputc('\n', out);
    }
    fprintf(out, ".fi\n.SH OPTIONS\n");
    for (size_t i = 0; i < COUNT_OF(group_rows); i++) {
        fprintf(out, "%s%s\n", i ? ".PP\n" : "", group_rows[i].title);
        print_items(out, &group_rows[i]);
    }
    fprintf(out, ".SH SIGNALS\n");
    for (size_t i = 0; i < COUNT_OF(signal_rows); i++)
        print_item(out, signal_rows[i].name, signal_rows[i].help, NULL);
    print_counters(out);
    fprintf(out, ".SH FILES\n.TP\n.I " OPTIONS_CONF_PATH "\nthe configuration\n"
                 ".SH SEE ALSO\n.BR ringway.conf (5);\n.BR \"ringway help\" ,\nwhich prints every "
                 "directive\n");
}

/* --- Markdown ------------------------------------------------------------------------------- */

/* A '|' would end a cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

void manual_print_table(FILE *out)
{
    char flag[OPTION_NAME_BYTES * 2];

    fprintf(out, "| flag | | directive |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];

        if (!row->help)
            continue;
        (void)format_flag(row, flag, sizeof(flag));
        fprintf(out, "| `");
        print_cell(out, flag);
        fprintf(out, "` | ");
        print_cell(out, row->help);
        fprintf(out, " | %s%s%s |\n", row->directive ? "`" : "",
                row->directive ? row->directive : "", row->directive ? "`" : "");
    }
}
