/* directive_fixture - one table of directives, and what each of its rows promises.
 *
 * Blocks are read without conf/build: a text in one context, its values as the setters leave
 * them. */
#ifndef RINGWAY_TESTS_DIRECTIVE_FIXTURE_H
#define RINGWAY_TESTS_DIRECTIVE_FIXTURE_H

#include "draft_fixture.h"

#include "conf/directive.h"

/* Values of every kind of block. */
struct block {
    struct draft *d;
    struct level level;
    struct upstream_draft upstream;
    struct tree tree;
    struct scope scope;
};

static inline void block_init(struct block *b, struct draft *d, unsigned context)
{
    void *values = &b->level;

    *b = (struct block){.d = d};
    if (context & (CONTEXT_MAIN | CONTEXT_EVENTS))
        values = &d->c.main;
    if (context == CONTEXT_UPSTREAM)
        values = &b->upstream;
    d->c.main = (struct main_draft){0};
    tree_init(&b->tree, d->c.arena, &d->c.scratch, &d->log);
    b->tree.check = directive_check;
    b->tree.owner = &b->tree;
    b->tree.root_context = context;
    b->tree.include_prefix = SPAN("/nowhere/");
    scope_init(&b->scope, context, NULL, &b->tree.root, values);
}

/* Heads are checked, nothing is set. */
static inline int block_check(struct draft *d, unsigned context, const char *text)
{
    struct block b;

    block_init(&b, d, context);
    return tree_read_text(&b.tree, SPAN("t.conf"), arena_copy(d->c.arena, span_of_cstr(text)),
                          false);
}

/* Heads are right, nothing is set yet: scope_read() does it. */
static inline void block_parse(struct block *b, struct draft *d, unsigned context, const char *text)
{
    int rc;

    block_init(b, d, context);
    rc =
        tree_read_text(&b->tree, SPAN("t.conf"), arena_copy(d->c.arena, span_of_cstr(text)), false);
    assert_int_equal(rc, 0);
}

static inline int block_read(struct block *b, struct draft *d, unsigned context, const char *text)
{
    block_parse(b, d, context, text);
    return scope_read(&d->c, &b->scope);
}

/* The text must be taken without a word; its values are in b. */
static inline void block_taken(struct block *b, struct draft *d, unsigned context, const char *text)
{
    int rc = block_read(b, d, context, text);
    const char *said = draft_said(d);

    if (rc || *said)
        fail_msg("\"%s\" is %d: %s", text, rc, said);
}

/* The text must be refused with just this line; " in t.conf:1" follows it. */
static inline void block_refused(struct draft *d, unsigned context, const char *text,
                                 const char *line)
{
    struct block b;
    char whole[1024];
    int rc = block_read(&b, d, context, text);
    const char *said = draft_said(d);

    snprintf(whole, sizeof(whole), "ringway: [emerg] %s in t.conf:1\n", line);
    if (rc != -EINVAL || strcmp(said, whole) != 0)
        fail_msg("\"%s\" is %d, says %sand not %s", text, rc, said, whole);
}

struct block_claim {
    unsigned context;
    const char *text, *line;
};

static inline void blocks_refused(struct draft *d, const struct block_claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++)
        block_refused(d, claims[i].context, claims[i].text, claims[i].line);
}

/* Texts that are taken and leave this number in the row's value. */
struct block_number {
    unsigned context;
    const char *text;
    uint64_t value;
};

static inline void blocks_leave(struct draft *d, const struct block_number *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct directive *row;
        struct block b;
        uint64_t value = 0;

        block_taken(&b, d, rows[i].context, rows[i].text);
        row = b.tree.root.first->row;
        assert_true(row->size <= sizeof(value)); /* little-endian: the rest stays 0 */
        memcpy(&value, (char *)b.scope.values + row->offset, row->size);
        if (value != rows[i].value)
            fail_msg("\"%s\" leaves %llu", rows[i].text, (unsigned long long)value);
    }
}

/* Each text in a block of that kind, with a little more memory each time, until it suffices. */
static inline void blocks_want_memory(struct draft *d, unsigned context, const char *const *texts,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        struct block b;

        for (int rc = -ENOMEM; rc; bytes += 16) {
            d->c.arena->total_bytes_max = 0;
            block_parse(&b, d, context, texts[i]);
            draft_leave_bytes(d, bytes);
            rc = scope_read(&d->c, &b.scope);
            if (rc != -ENOMEM && rc != 0)
                fail_msg("\"%s\" with %zu bytes is %d", texts[i], bytes, rc);
            draft_assert_said(d, rc ? "[emerg] no memory left to build the configuration" : "");
        }
        assert_true(bytes > 16); /* it did fail */
    }
}

/* --- what holds for every row --------------------------------------------------------------- */

/* "name * * *;" with this many arguments; as a mask of files it includes nothing. */
static inline void row_text(const struct directive *row, size_t args, char out[4096])
{
    size_t len = (size_t)snprintf(out, 4096, "%s", row->name);

    for (size_t i = 0; i < args; i++)
        len += (size_t)snprintf(out + len, 4096 - len, " *");
    snprintf(out + len, 4096 - len, row->marks & ROW_BLOCK ? " {}" : ";");
}

/* Each row stands in its contexts; elsewhere only where another row has its name. */
static inline void rows_stand_in_their_contexts(struct draft *d,
                                                const struct directive_table *table)
{
    char text[4096];

    for (size_t i = 0; i < table->count; i++) {
        const struct directive *row = &table->rows[i], *other;
        unsigned contexts = 0;

        for (size_t n = 0; (other = directive_named(span_of_cstr(row->name), n)); n++)
            contexts |= other->contexts;
        row_text(row, row->args_min, text);
        for (unsigned context = 1; context <= CONTEXT_UPSTREAM; context <<= 1) {
            int rc = block_check(d, context, text);
            bool is_elsewhere = strstr(draft_said(d), "directive is not allowed here");

            if (row->contexts & context)
                assert_int_equal(rc, 0);
            if (!(contexts & context) && (rc != -EINVAL || !is_elsewhere))
                fail_msg("%s in %u: %s", row->name, context, d->said);
        }
    }
}

static inline void assert_count_refused(struct draft *d, const struct directive *row,
                                        unsigned context, size_t args)
{
    char text[4096];

    row_text(row, args, text);
    assert_int_equal(block_check(d, context, text), -EINVAL);
    if (!strstr(draft_said(d),
                args > ARGS_MANY ? "more than 512 parameters" : "invalid number of arguments"))
        fail_msg("%s with %zu: %s", row->name, args, d->said);
}

/* The least and the most arguments are taken, one less and one more are not. */
static inline void rows_count_their_arguments(struct draft *d, const struct directive_table *table)
{
    char text[4096];

    for (size_t i = 0; i < table->count; i++) {
        const struct directive *row = &table->rows[i];
        unsigned context = row->contexts & -row->contexts;

        row_text(row, row->args_min, text);
        assert_int_equal(block_check(d, context, text), 0);
        row_text(row, row->args_max, text);
        assert_int_equal(block_check(d, context, text), 0);
        if (row->args_min)
            assert_count_refused(d, row, context, row->args_min - 1);
        assert_count_refused(d, row, context, row->args_max + 1);
    }
}

/* What a row says of its default is what its setter takes, without a word. */
static inline void rows_take_their_defaults(struct draft *d, const struct directive_table *table)
{
    struct block b;

    for (size_t i = 0; i < table->count; i++) {
        const struct directive *row = &table->rows[i];
        unsigned context = row->contexts & -row->contexts;

        if (!row->preset)
            continue;
        d->c.log_formats = (struct vector){0};
        if (strcmp(row->name, "access_log") == 0) { /* its format is another row's default */
            block_init(&b, d, CONTEXT_HTTP);
            assert_int_equal(scope_complete(&d->c, &b.scope), 0);
            continue;
        }
        block_init(&b, d, context);
        if (scope_set_preset(&d->c, &b.scope, row) || !scope_has(&b.scope, row))
            fail_msg("%s: %s", row->name, draft_said(d));
        draft_assert_said(d, "");
    }
}

/* A row that is not repeatable is refused where it stands twice. */
static inline void rows_are_repeated_where_they_may(struct draft *d,
                                                    const struct directive_table *table)
{
    char text[2048];
    struct block b;

    for (size_t i = 0; i < table->count; i++) {
        const struct directive *row = &table->rows[i];
        unsigned context = row->contexts & -row->contexts;

        if (!row->preset || (row->marks & ROW_BLOCK))
            continue;
        d->c.log_formats = (struct vector){0};
        snprintf(text, sizeof(text), "%s %s; %s %s;", row->name, row->preset, row->name,
                 row->preset);
        if (row->marks & ROW_REPEATABLE) {
            const char *said;

            (void)block_read(&b, d, context, text);
            said = draft_said(d);
            /* "off" may ask to stand alone. */
            if (strcmp(row->preset, "off") != 0)
                assert_null(strstr(said, "directive is duplicate"));
        } else {
            char line[256];

            snprintf(line, sizeof(line), "\"%s\" directive is duplicate", row->name);
            block_refused(d, context, text, line);
        }
    }
}

/* The claims of all tables; table is the one of the program. */
#define DIRECTIVE_TABLE_CLAIMS(table)                                 \
    static void rows_stand_where_they_say(void **state)               \
    {                                                                 \
        rows_stand_in_their_contexts(*state, &(table));               \
    }                                                                 \
    static void rows_take_as_many_arguments_as_they_say(void **state) \
    {                                                                 \
        rows_count_their_arguments(*state, &(table));                 \
    }                                                                 \
    static void rows_can_have_their_defaults(void **state)            \
    {                                                                 \
        rows_take_their_defaults(*state, &(table));                   \
    }                                                                 \
    static void rows_stand_twice_only_where_they_say(void **state)    \
    {                                                                 \
        rows_are_repeated_where_they_may(*state, &(table));           \
    }

#define DIRECTIVE_TABLE_TESTS                                                                   \
    DRAFT_TEST(rows_stand_where_they_say), DRAFT_TEST(rows_take_as_many_arguments_as_they_say), \
        DRAFT_TEST(rows_can_have_their_defaults), DRAFT_TEST(rows_stand_twice_only_where_they_say)

#endif
