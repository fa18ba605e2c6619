/* command_line - command lines written as one text, and what options_parse() makes of them. */
#ifndef RINGWAY_TESTS_COMMAND_LINE_H
#define RINGWAY_TESTS_COMMAND_LINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/options.h"

#define WORDS_MAX 64

/* The options point into it. */
struct called {
    int rc;
    struct options o;
    char error[OPTIONS_ERROR_BYTES];
    char *words[WORDS_MAX + 1];
    char text[4096];
};

/* Parses a line of words that are separated by single spaces. */
static void call(struct called *c, const char *line)
{
    int count = 0;

    memset(c, 0, sizeof(*c));
    assert_true(strlen(line) < sizeof(c->text));
    strcpy(c->text, line);
    for (char *word = strtok(c->text, " "); word; word = strtok(NULL, " ")) {
        assert_true(count < WORDS_MAX);
        c->words[count++] = word;
    }
    c->rc = options_parse(&c->o, count, c->words, c->error);
}

/* A line that is taken. */
static inline void call_taken(struct called *c, const char *line)
{
    call(c, line);
    if (c->rc)
        fail_msg("\"%s\" is %d: %s", line, c->rc, c->error);
}

#endif
