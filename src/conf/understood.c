/* understood - a configuration as it was understood, as text: for -T. */
#include "conf/understood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/directive.h"

#define INDENT 4

/* Rows that stand in a block. */
struct row_set {
    uint64_t bits[DIRECTIVES_MAX / 64];
};

struct print {
    FILE *out;
    unsigned depth;
    struct row_set rows[CONF_DEPTH_MAX + 1]; /* of the block at depth, and of those around it */
};

/* ---- words ---- */

/* What the lexer would take for something else outside of quotes. */
static bool needs_quotes(struct span word)
{
    if (!word.len || word.data[0] == '#')
        return true;
    for (size_t i = 0; i < word.len; i++) {
        if (strchr(" \t\r\n;{}\"'\\", word.data[i]))
            return true;
    }
    return false;
}

/* The letter that a byte is written with behind a backslash; 0: it needs none. */
static char escape_letter(struct span word, size_t i)
{
    switch (word.data[i]) {
    case '\t':
        return 't';
    case '\r':
        return 'r';
    case '\n':
        return 'n';
    case '"':
        return '"';
    case '\\':
        /* Before anything else a backslash stands for itself. */
        return i + 1 == word.len || strchr("\"'\\trn\t\r\n", word.data[i + 1]) ? '\\' : 0;
    default:
        return 0;
    }
}

static void print_word(struct print *p, struct span word)
{
    if (!needs_quotes(word)) {
        fwrite(word.data, 1, word.len, p->out);
        return;
    }
    fputc('"', p->out);
    for (size_t i = 0; i < word.len; i++) {
        char letter = escape_letter(word, i);

        if (letter)
            fputc('\\', p->out);
        fputc(letter ? letter : word.data[i], p->out);
    }
    fputc('"', p->out);
}

static void print_words(struct print *p, const struct node *n)
{
    for (size_t i = 0; i < n->word_count; i++) {
        if (i)
            fputc(' ', p->out);
        print_word(p, n->words[i]);
    }
}

static void begin_line(struct print *p)
{
    fprintf(p->out, "%*s", (int)(p->depth * INDENT), "");
}

static void end_line(struct print *p, const struct origin *o)
{
    char where[ORIGIN_TEXT_BYTES];

    if (o && o->file.len)
        fprintf(p->out, " # %s", origin_format(o, where));
    fputc('\n', p->out);
}

/* ---- values from elsewhere ---- */

static const char *nginx_preset(const struct directive *d)
{
    return d->nginx_preset ? d->nginx_preset : d->preset;
}

static void collect_rows(struct row_set *rows, const struct node *block)
{
    *rows = (struct row_set){0};
    for (const struct node *n = block->first; n; n = n->next) {
        size_t number = n->row ? directive_number(n->row) : 0;

        if (n->row)
            rows->bits[number / 64] |= UINT64_C(1) << (number % 64);
    }
}

static bool stands_in(const struct row_set *rows, const struct directive *d)
{
    size_t number = directive_number(d);

    return rows->bits[number / 64] >> (number % 64) & 1;
}

/* True when the words behind the name are, with blanks between, the text. */
static bool is_value(const struct node *n, const char *text)
{
    struct span rest = span_of_cstr(text ? text : "");

    for (size_t i = 1; i < n->word_count; i++) {
        if (i > 1 && rest.len && rest.data[0] == ' ')
            rest = span_skip(rest, 1);
        if (!span_starts_with(rest, n->words[i]))
            return false;
        rest = span_skip(rest, n->words[i].len);
    }
    return text && !rest.len;
}

/* The directives of a row as they stand in a block further out. */
static void print_inherited(struct print *p, const struct node *block, const struct directive *d)
{
    for (const struct node *n = block->first; n; n = n->next) {
        if (n->row != d || is_value(n, nginx_preset(d)))
            continue;
        begin_line(p);
        fprintf(p->out, "# inherited: ");
        print_words(p, n);
        fprintf(p->out, n->is_block ? " { ... }" : ";");
        end_line(p, &n->origin);
    }
}

static void print_default(struct print *p, const struct directive *d)
{
    begin_line(p);
    fprintf(p->out, "# by default: %s %s; # nginx: %s\n", d->name, d->preset,
            d->nginx_preset[0] ? d->nginx_preset : "none");
}

static unsigned level_of(const struct node *block)
{
    return block->row ? block->row->opens : CONTEXT_MAIN;
}

static void print_row_from_elsewhere(struct print *p, const struct node *block,
                                     const struct directive *d)
{
    const struct node *outer = block;
    const struct row_set *rows = &p->rows[p->depth];

    if (stands_in(rows, d))
        return;
    while ((level_of(outer) & CONTEXT_LEVELS) && level_of(outer) != CONTEXT_HTTP) {
        outer = outer->parent;
        if (stands_in(--rows, d)) {
            print_inherited(p, outer, d);
            return;
        }
    }
    /* A default stands in the outermost block that could have set it. */
    if (outer == block && d->preset && d->nginx_preset)
        print_default(p, d);
}

static void print_from_elsewhere(struct print *p, const struct node *block)
{
    const struct directive *d;

    for (size_t i = 0; (d = directive_at(i)) != NULL; i++) {
        bool is_value_row = d->size && !(d->marks & (ROW_LOCAL | ROW_WITHOUT_EFFECT));

        if (is_value_row && (d->contexts & level_of(block)))
            print_row_from_elsewhere(p, block, d);
    }
}

/* ---- blocks: as deep as they are nested, which CONF_DEPTH_MAX bounds ---- */

static void print_children(struct print *p, const struct node *block);

static void print_block(struct print *p, const struct node *block)
{
    begin_line(p);
    print_words(p, block);
    fprintf(p->out, " {");
    end_line(p, &block->origin);
    p->depth++;
    print_children(p, block);
    p->depth--;
    begin_line(p);
    fprintf(p->out, "}\n");
}

static void print_children(struct print *p, const struct node *block)
{
    if (level_of(block) != CONTEXT_FREE) {
        collect_rows(&p->rows[p->depth], block);
        print_from_elsewhere(p, block);
    }
    for (const struct node *n = block->first; n; n = n->next) {
        if (n->is_block) {
            print_block(p, n);
            continue;
        }
        begin_line(p);
        /* What was included stands behind it. */
        fprintf(p->out, n->row && strcmp(n->row->name, "include") == 0 ? "# " : "");
        print_words(p, n);
        fputc(';', p->out);
        end_line(p, &n->origin);
    }
}

int conf_print_understood(struct conf *c, struct span *out)
{
    char *text = NULL;
    size_t len = 0;
    struct print p = {.out = open_memstream(&text, &len)};
    bool is_whole;

    if (!p.out)
        return conf_fail_no_memory(c);
    print_children(&p, &c->tree.root);
    is_whole = !ferror(p.out);
    is_whole &= fclose(p.out) == 0;
    *out = is_whole ? arena_copy(c->arena, span_of(text, len)) : SPAN_NONE;
    free(text);
    return out->data ? 0 : conf_fail_no_memory(c);
}
