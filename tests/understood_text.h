/* understood_text - the property of conf/understood: what it prints reads as the same tree. Shared
 * by its unit tests and its fuzzer. */
#ifndef RINGWAY_TESTS_UNDERSTOOD_TEXT_H
#define RINGWAY_TESTS_UNDERSTOOD_TEXT_H

#include "conf/directive.h"
#include "conf/understood.h"

/* A configuration of which there is the tree alone. */
struct understood {
    struct snapshot snapshot; /* only its arena is in use */
    struct log log;           /* of nothing: mistakes are not said */
    struct conf conf;
};

static inline int understood_read(struct understood *u, struct span text)
{
    struct conf *c = &u->conf;

    *u = (struct understood){0};
    arena_init(&u->snapshot.arena, 65536, 0);
    arena_init(&c->scratch, 65536, 0);
    c->snapshot = &u->snapshot;
    c->arena = &u->snapshot.arena;
    c->log = &u->log;
    tree_init(&c->tree, c->arena, &c->scratch, &u->log);
    c->tree.check = directive_check;
    c->tree.owner = &c->tree;
    c->tree.root_context = CONTEXT_MAIN;
    c->tree.includes_nothing = true;
    return tree_read_text(&c->tree, SPAN("t.conf"), text, false);
}

static inline void understood_free(struct understood *u)
{
    arena_deinit(&u->conf.scratch);
    arena_deinit(&u->snapshot.arena);
}

/* The next directive that is printed as one: includes are remarks. */
static inline const struct node *understood_next(const struct node *n)
{
    while (n && n->row && span_equals(n->words[0], SPAN("include")))
        n = n->next;
    return n;
}

/* As deep as blocks are nested. */
static inline bool understood_is_same(const struct node *a, const struct node *b)
{
    a = understood_next(a->first);
    b = understood_next(b->first);
    for (; a && b; a = understood_next(a->next), b = understood_next(b->next)) {
        if (a->word_count != b->word_count || a->is_block != b->is_block)
            return false;
        for (size_t i = 0; i < a->word_count; i++) {
            if (!span_equals(a->words[i], b->words[i]))
                return false;
        }
        if (a->is_block && !understood_is_same(a, b))
            return false;
    }
    return !a && !b;
}

#endif
