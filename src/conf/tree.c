/* tree - a configuration as it is written: directives nested in blocks, read from files. */
#include "conf/tree.h"

#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One text on the way down the includes. */
struct tree_reading {
    struct tree_reading *outer;
    struct span name;
    struct node *opener; /* the block in which it began */
    dev_t device;        /* both 0: not a file */
    ino_t inode;
    unsigned depth;
    bool has_no_blocks;
    struct lexer *lexer;
};

void tree_init(struct tree *t, struct arena *text_arena, struct arena *node_arena,
               const struct log *log)
{
    *t = (struct tree){.text_arena = text_arena, .node_arena = node_arena, .log = log};
    t->open = &t->root;
}

/* --- messages ------------------------------------------------------------------------------- */

int tree_fail_open(const struct tree *t, const struct origin *o, const struct node *open,
                   const char *format, ...)
{
    char text[LOG_LINE_BYTES_MAX];
    char where[ORIGIN_TEXT_BYTES], opened[ORIGIN_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    origin_format(o, where);
    if (!open || !open->word_count)
        log_write(t->log, LOG_LEVEL_EMERG, "%s in %s", text, where);
    else
        log_write(t->log, LOG_LEVEL_EMERG, "%s in %s; block \"%.*s\" opened in %s is still open",
                  text, where, SPAN_ARG(open->words[0]), origin_format(&open->origin, opened));
    return -EINVAL;
}

static int fail_no_memory(const struct tree *t)
{
    log_write(t->log, LOG_LEVEL_EMERG, "no memory left to read the configuration");
    return -ENOMEM;
}

static struct origin here(const struct tree *t)
{
    const struct tree_reading *r = t->reading;
    bool has_lines = !span_equals(r->name, span_of_cstr(ORIGIN_COMMAND_LINE));
    unsigned line = r->lexer->line;

    if (has_lines)
        return (struct origin){.file = r->name, .line = line};
    if (r->has_no_blocks || line > t->line_count || !t->line_names[line - 1])
        return (struct origin){.file = r->name};
    return (struct origin){.file = span_of_cstr(t->line_names[line - 1])};
}

/* --- nodes ---------------------------------------------------------------------------------- */

static struct node *add_node(struct tree *t, bool is_block)
{
    const struct lexer *l = t->reading->lexer;
    struct node *n = arena_zalloc(t->node_arena, sizeof(*n));
    struct span *words = arena_alloc(t->node_arena, l->word_count * sizeof(*words));

    if (!n || !words)
        return NULL;
    memcpy(words, l->words, l->word_count * sizeof(*words));
    n->words = words;
    n->word_count = l->word_count;
    n->is_block = is_block;
    n->origin = here(t);
    n->parent = t->open;
    n->depth = t->open->depth + 1;
    if (t->open->last)
        t->open->last->next = n;
    else
        t->open->first = n;
    t->open->last = n;
    return n;
}

static int include(struct tree *t, const struct node *n);

static int take_directive(struct tree *t, bool is_block)
{
    struct node *n = add_node(t, is_block);
    int rc;

    if (!n)
        return fail_no_memory(t);
    if (is_block && t->reading->has_no_blocks) {
        origin_log(t->log, LOG_LEVEL_EMERG, &n->origin,
                   "block directives are not supported in -g option");
        return -EINVAL;
    }
    rc = t->check(t->owner, n);
    if (rc)
        return rc;
    if (span_equals(n->words[0], SPAN("include")))
        return include(t, n);
    if (!is_block)
        return 0;
    if (n->depth > CONF_DEPTH_MAX) {
        origin_log(t->log, LOG_LEVEL_EMERG, &n->origin, "blocks are nested deeper than %d levels",
                   CONF_DEPTH_MAX);
        return -EINVAL;
    }
    t->open = n;
    return 0;
}

static int take_block_end(struct tree *t)
{
    struct origin o = here(t);

    if (t->open == t->reading->opener) {
        origin_log(t->log, LOG_LEVEL_EMERG, &o, "unexpected \"}\"");
        return -EINVAL;
    }
    t->open->end = o;
    t->open = t->open->parent;
    return 0;
}

static int take_end(struct tree *t)
{
    struct origin o = here(t);

    if (t->open == t->reading->opener)
        return 0;
    return tree_fail_open(t, &o, t->open, "unexpected end of file, expecting \"}\"");
}

static int take_error(struct tree *t)
{
    const struct lexer *l = t->reading->lexer;
    struct origin o = here(t);
    bool is_end = l->at == l->text.len;

    if (is_end && t->reading->has_no_blocks)
        return tree_fail_open(t, &o, NULL, "unexpected end of parameter, expecting \";\"");
    return tree_fail_open(t, &o, is_end ? t->open : NULL, "%s", l->error);
}

static int read_directives(struct tree *t)
{
    for (;;) {
        enum lexer_event event = lexer_next(t->reading->lexer);
        int rc = 0;

        switch (event) {
        case LEXER_DIRECTIVE:
        case LEXER_BLOCK_BEGIN:
            rc = take_directive(t, event == LEXER_BLOCK_BEGIN);
            break;
        case LEXER_BLOCK_END:
            rc = take_block_end(t);
            break;
        case LEXER_END:
            return take_end(t);
        case LEXER_ERROR:
            return take_error(t);
        case LEXER_NO_MEMORY:
            return fail_no_memory(t);
        }
        if (rc)
            return rc;
    }
}

/* --- texts ---------------------------------------------------------------------------------- */

static int keep_text(struct tree *t, struct span name, struct span text)
{
    struct tree_text *texts;

    /* Grows by doubling: the count is a power of two exactly when the array is full. */
    if ((t->text_count & (t->text_count - 1)) == 0) {
        texts = arena_alloc(t->text_arena, size_max(2 * t->text_count, 1) * sizeof(*texts));
        if (!texts)
            return fail_no_memory(t);
        if (t->text_count)
            memcpy(texts, t->texts, t->text_count * sizeof(*texts));
        t->texts = texts;
    }
    t->texts[t->text_count++] = (struct tree_text){.name = name, .text = text};
    return 0;
}

static int read_text(struct tree *t, struct tree_reading *r, struct span text)
{
    int rc = keep_text(t, r->name, text);

    if (rc)
        return rc;
    r->lexer = malloc(sizeof(*r->lexer)); /* too large for a stack of includes */
    if (!r->lexer)
        return fail_no_memory(t);
    lexer_init(r->lexer, text, t->text_arena);
    r->outer = t->reading;
    r->opener = t->open;
    t->reading = r;
    rc = read_directives(t);
    t->reading = r->outer;
    free(r->lexer);
    return rc;
}

int tree_read_text(struct tree *t, struct span name, struct span text, bool has_no_blocks)
{
    struct tree_reading r = {.has_no_blocks = has_no_blocks};

    r.name = arena_copy(t->text_arena, name);
    text = arena_copy(t->text_arena, text);
    if (!r.name.data || !text.data)
        return fail_no_memory(t);
    return read_text(t, &r, text);
}

/* --- files ---------------------------------------------------------------------------------- */

static int PRINTF_LIKE(3, 4)
    fail_file(const struct tree *t, const struct origin *o, const char *format, ...)
{
    char text[LOG_LINE_BYTES_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    origin_log(t->log, LOG_LEVEL_EMERG, o, "%s", text);
    return -EINVAL;
}

static int fail_errno(const struct tree *t, const struct origin *o, const char *call,
                      struct span path)
{
    int error = errno;

    return fail_file(t, o, "%s \"%.*s\" failed (%d: %s)", call, SPAN_ARG(path), error,
                     strerror(error));
}

/* All bytes of a file, of a known size or not (a pipe). */
static int read_all(struct tree *t, const struct origin *o, int fd, struct span path,
                    struct span *text)
{
    size_t size = 65536, len = 0;
    char *data = malloc(size);
    ssize_t n;

    while (data && (n = read(fd, data + len, size - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(data);
            return fail_errno(t, o, "read()", path);
        }
        len += (size_t)n;
        if (len > TREE_FILE_BYTES_MAX) {
            free(data);
            return fail_file(t, o, "\"%.*s\" is larger than %d bytes", SPAN_ARG(path),
                             TREE_FILE_BYTES_MAX);
        }
        if (len == size) {
            char *larger = realloc(data, size *= 2);

            if (!larger)
                free(data);
            data = larger;
        }
    }
    *text = data ? arena_copy(t->text_arena, span_of(data, len)) : SPAN_NONE;
    free(data);
    return text->data ? 0 : fail_no_memory(t);
}

static bool is_being_read(const struct tree *t, const struct stat *st)
{
    for (const struct tree_reading *r = t->reading; r; r = r->outer) {
        if (r->inode == st->st_ino && r->device == st->st_dev)
            return true;
    }
    return false;
}

static int check_include(struct tree *t, const struct origin *o, struct span path,
                         const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return fail_file(t, o, "\"%.*s\" is a directory", SPAN_ARG(path));
    if (is_being_read(t, st))
        return fail_file(t, o, "\"%.*s\" includes itself", SPAN_ARG(path));
    if (t->reading && t->reading->depth + 1 > CONF_DEPTH_MAX)
        return fail_file(t, o, "includes are nested deeper than %d levels", CONF_DEPTH_MAX);
    if (++t->include_count > TREE_INCLUDES_MAX)
        return fail_file(t, o, "more than %d files are included", TREE_INCLUDES_MAX);
    return 0;
}

/* path is NUL-terminated and in the arena; o: where the include stands, NULL for the first file. */
static int read_file(struct tree *t, const struct origin *o, struct span path)
{
    struct tree_reading r = {.name = path, .depth = t->reading ? t->reading->depth + 1 : 0};
    struct span text;
    struct stat st;
    int fd, rc;

    fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(t, o, "open()", path);
    if (fstat(fd, &st) < 0)
        rc = fail_errno(t, o, "fstat()", path);
    else
        rc = check_include(t, o, path, &st);
    if (!rc)
        rc = read_all(t, o, fd, path, &text);
    close(fd);
    if (rc)
        return rc;
    r.device = st.st_dev;
    r.inode = st.st_ino;
    return read_text(t, &r, text);
}

int tree_read_file(struct tree *t, struct span path)
{
    struct span name = arena_copy(t->text_arena, path);

    return name.data ? read_file(t, NULL, name) : fail_no_memory(t);
}

static int include_glob(struct tree *t, const struct node *n, struct span pattern)
{
    glob_t found;
    int rc = glob(pattern.data, 0, NULL, &found);

    if (rc == GLOB_NOMATCH) /* nothing to include is no mistake */
        return 0;
    if (rc)
        return fail_file(t, &n->origin, "glob() \"%.*s\" failed", SPAN_ARG(pattern));
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
        struct span path = arena_copy(t->text_arena, span_of_cstr(found.gl_pathv[i]));

        rc = path.data ? read_file(t, &n->origin, path) : fail_no_memory(t);
    }
    globfree(&found);
    return rc;
}

static int include(struct tree *t, const struct node *n)
{
    struct span path = n->words[1];

    if (memchr(path.data, '\0', path.len) || !path.len)
        return fail_file(t, &n->origin, "invalid path in \"include\" directive");
    if (path.data[0] != '/')
        path = arena_printf(t->text_arena, "%.*s%.*s", SPAN_ARG(t->include_prefix), SPAN_ARG(path));
    if (!path.data)
        return fail_no_memory(t);
    if (t->includes_nothing) {
        errno = ENOENT;
        return fail_errno(t, &n->origin, "open()", path);
    }
    if (!strpbrk(path.data, "*?["))
        return read_file(t, &n->origin, path);
    return include_glob(t, n, path);
}
