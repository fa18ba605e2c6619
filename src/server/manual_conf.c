/* manual_conf - the configuration language as a manual page. */
#include "server/manual_conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/directive.h"
#include "conf/template.h"

/* '-', '\\', and a '.' or '\'' that begins a line, mean something else to roff. */
static void print_escaped(FILE *out, const char *text)
{
    bool begins_line = true;

    for (; *text; text++) {
        if (begins_line && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
        begins_line = *text == '\n';
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct directive *const *da = a, *const *db = b;
    int order = strcmp((*da)->name, (*db)->name);

    if (order)
        return order;
    /* Several rows of a name stay in the order of their tables. */
    return directive_number(*da) < directive_number(*db) ? -1 : 1;
}

static void print_directives(FILE *out)
{
    const struct directive *rows[DIRECTIVES_MAX];
    char text[DIRECTIVE_TEXT_BYTES];
    size_t count = 0;

    for (; (rows[count] = directive_at(count)) != NULL; count++)
        assert(count + 1 < DIRECTIVES_MAX);
    qsort(rows, count, sizeof(rows[0]), compare_rows);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(rows[i - 1]->name, rows[i]->name) != 0)
            fprintf(out, ".SS %s\n", rows[i]->name);
        (void)directive_print(rows[i], text);
        fprintf(out, ".nf\n");
        print_escaped(out, text);
        fprintf(out, ".fi\n");
    }
}

static void print_variables(FILE *out)
{
    for (size_t i = VARIABLE_NONE + 1; i < VARIABLE_CAPTURE; i++) {
        const char *name = variable_name((enum variable_id)i);
        bool is_family = name[strlen(name) - 1] == '_';

        fprintf(out, "%s$%s%s", i > 1 ? ",\n" : "", name, is_family ? "\\fIname\\fR" : "");
    }
    fputc('\n', out);
}

void manual_print_conf_page(FILE *out)
{
    fprintf(out, ".TH RINGWAY.CONF 5 \"\" \"ringway " RINGWAY_VERSION "\"\n"
                 ".SH NAME\nringway.conf \\- configuration of ringway(8)\n"
                 ".SH DESCRIPTION\n"
                 "The language is nginx's: directives that end in a semicolon, and blocks of them "
                 "in braces. What a directive does differently from nginx's of the same name is "
                 "said with it.\n"
                 ".SH DIRECTIVES\n");
    print_directives(out);
    fprintf(out, ".SH VARIABLES\n");
    print_variables(out);
    fprintf(out, ".SH SEE ALSO\n.BR ringway (8)\n");
}
