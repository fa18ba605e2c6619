/* lexer - nginx's configuration language, cut into directives.
 *
 * Pure: text in, words out. It knows words, quotes, escapes, comments and the three marks
 * ';' '{' '}'; what a directive means is not its matter. Behaves as nginx's own in every case
 * that nginx accepts or refuses. */
#ifndef RINGWAY_CONF_LEXER_H
#define RINGWAY_CONF_LEXER_H

#include "core/arena.h"
#include "core/limits.h"

/* One word as it is written; a longer one is taken for a missing quote, as nginx takes it. */
#define LEXER_WORD_BYTES_MAX 4096

#define LEXER_ERROR_BYTES 128

enum lexer_event {
    LEXER_DIRECTIVE,   /* words, then ';' */
    LEXER_BLOCK_BEGIN, /* words, then '{' */
    LEXER_BLOCK_END,   /* '}' */
    LEXER_END,         /* the text is used up, between directives */
    LEXER_ERROR,       /* lexer.error says what; lexer.line where */
    LEXER_NO_MEMORY,
};

struct lexer {
    struct span text;
    size_t at;
    unsigned line; /* of text[at], from 1 */
    struct arena *arena;
    struct span words[CONF_ARGS_MAX + 1]; /* in the arena, NUL-terminated, escapes resolved */
    size_t word_count;
    char error[LEXER_ERROR_BYTES];
};

/* Begins with a text that stays where it is until the end; words go into the arena. */
void lexer_init(struct lexer *l, struct span text, struct arena *a);

/* The next directive (its words in lexer.words) or mark. */
enum lexer_event lexer_next(struct lexer *l);

#endif
