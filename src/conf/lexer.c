/* lexer - nginx's configuration language, cut into directives. */
#include "conf/lexer.h"

#include <stdarg.h>
#include <stdio.h>

void lexer_init(struct lexer *l, struct span text, struct arena *a)
{
    l->text = text;
    l->at = 0;
    l->line = 1;
    l->arena = a;
    l->word_count = 0;
    l->error[0] = '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_at_end(const struct lexer *l)
{
    return l->at == l->text.len;
}

static char peek(const struct lexer *l)
{
    return l->text.data[l->at];
}

static void advance(struct lexer *l)
{
    if (peek(l) == '\n')
        l->line++;
    l->at++;
}

static enum lexer_event PRINTF_LIKE(2, 3) fail(struct lexer *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(l->error, sizeof(l->error), format, args);
    va_end(args);
    return LEXER_ERROR;
}

static void skip_blanks_and_comments(struct lexer *l)
{
    bool in_comment = false;

    for (; !is_at_end(l); advance(l)) {
        if (in_comment)
            in_comment = peek(l) != '\n';
        else if (peek(l) == '#')
            in_comment = true;
        else if (!is_blank(peek(l)))
            return;
    }
}

static enum lexer_event fail_too_long(struct lexer *l, struct span raw, char quote)
{
    if (quote)
        return fail(l, "too long parameter, probably missing terminating \"%c\" character", quote);
    return fail(l, "too long parameter \"%.*s...\" started", 10, raw.data);
}

static enum lexer_event fail_at_end(struct lexer *l)
{
    return fail(l, "unexpected end of file, expecting \";\" or \"}\"");
}

/* Moves over one word up to what ends it (left unread): a quote of its own kind, or a blank, ';'
 * or '{' where it has no quotes. "${" does not begin a block. */
static enum lexer_event scan_word(struct lexer *l, char quote, struct span *raw)
{
    size_t start = l->at;
    unsigned start_line = l->line;
    bool is_escaped = false;
    bool is_variable = false;

    for (; !is_at_end(l); advance(l)) {
        char c = peek(l);

        *raw = span_of(l->text.data + start, l->at - start);
        if (raw->len == LEXER_WORD_BYTES_MAX) {
            l->line = start_line;
            return fail_too_long(l, *raw, quote);
        }
        if (is_escaped) {
            is_escaped = false;
            continue;
        }
        if (c == '{' && is_variable)
            continue;
        is_variable = c == '$';
        is_escaped = c == '\\';
        if (quote ? c == quote : is_blank(c) || c == ';' || c == '{')
            return LEXER_DIRECTIVE;
    }
    return fail_at_end(l);
}

static size_t unescape(char *to, struct span raw)
{
    size_t n = 0;

    for (size_t i = 0; i < raw.len; i++) {
        char next = i + 1 < raw.len ? raw.data[i + 1] : '\0';

        if (raw.data[i] == '\\' && (next == '"' || next == '\'' || next == '\\'))
            to[n++] = raw.data[++i];
        else if (raw.data[i] == '\\' && next == 't')
            to[n++] = '\t', i++;
        else if (raw.data[i] == '\\' && next == 'r')
            to[n++] = '\r', i++;
        else if (raw.data[i] == '\\' && next == 'n')
            to[n++] = '\n', i++;
        else
            to[n++] = raw.data[i];
    }
    return n;
}

static enum lexer_event add_word(struct lexer *l, struct span raw)
{
    char *text;
    size_t len;

    if (l->word_count == COUNT_OF(l->words))
        return fail(l, "more than %d parameters in \"%.*s\" directive", CONF_ARGS_MAX,
                    (int)size_min(l->words[0].len, 40), l->words[0].data);
    text = arena_alloc(l->arena, raw.len + 1);
    if (!text)
        return LEXER_NO_MEMORY;
    len = unescape(text, raw);
    text[len] = '\0';
    l->words[l->word_count++] = span_of(text, len);
    return LEXER_DIRECTIVE;
}

/* Behind a closing quote comes a blank, ';', '{' or ')'. */
static enum lexer_event close_quote(struct lexer *l)
{
    advance(l);
    if (is_at_end(l))
        return fail_at_end(l);
    if (is_blank(peek(l)) || peek(l) == ';' || peek(l) == '{' || peek(l) == ')')
        return LEXER_DIRECTIVE;
    return fail(l, "unexpected \"%c\"", peek(l));
}

static enum lexer_event read_word(struct lexer *l)
{
    char quote = peek(l) == '"' || peek(l) == '\'' ? peek(l) : '\0';
    struct span raw = SPAN_NONE;
    enum lexer_event event;

    if (quote)
        advance(l);
    event = scan_word(l, quote, &raw);
    if (event == LEXER_DIRECTIVE)
        event = add_word(l, raw);
    if (event == LEXER_DIRECTIVE && quote)
        event = close_quote(l);
    return event;
}

static enum lexer_event take_mark(struct lexer *l, char mark)
{
    if ((mark == '}') == (l->word_count > 0))
        return fail(l, "unexpected \"%c\"", mark);
    l->at++;
    if (mark == ';')
        return LEXER_DIRECTIVE;
    return mark == '{' ? LEXER_BLOCK_BEGIN : LEXER_BLOCK_END;
}

enum lexer_event lexer_next(struct lexer *l)
{
    l->word_count = 0;
    for (;;) {
        enum lexer_event event;

        skip_blanks_and_comments(l);
        if (is_at_end(l))
            return l->word_count ? fail_at_end(l) : LEXER_END;
        if (peek(l) == ';' || peek(l) == '{' || peek(l) == '}')
            return take_mark(l, peek(l));
        event = read_word(l);
        if (event != LEXER_DIRECTIVE)
            return event;
    }
}
