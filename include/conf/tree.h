/* tree - a configuration as it is written: directives nested in blocks, read from files.
 *
 * Everything lies in the caller's arenas. Includes are resolved: their directives stand where the
 * include stood. Each directive is shown to the caller's check as soon as its head was read, so
 * that the first mistake in the text is the one that is named. */
#ifndef RINGWAY_CONF_TREE_H
#define RINGWAY_CONF_TREE_H

#include "conf/lexer.h"
#include "conf/origin.h"

#define TREE_FILE_BYTES_MAX (16 * 1024 * 1024)
#define TREE_INCLUDES_MAX 10000 /* files read for one configuration */

struct directive;

struct node {
    struct node *parent; /* NULL: the root */
    struct node *next;
    struct node *first;
    struct node *last;
    const struct span *words; /* words[0]: the name; NUL-terminated */
    size_t word_count;
    bool is_block;
    unsigned depth;
    struct origin origin;        /* of its ';' or '{', as nginx counts */
    struct origin end;           /* a block's '}' */
    const struct directive *row; /* set by the check */
};

struct tree_text { /* a file as it was read: for -T */
    struct span name;
    struct span text;
};

/* Says whether a directive may stand where it stands, and fills node->row. 0, or -EINVAL after it
 * logged why. */
typedef int (*tree_check_fn)(void *owner, struct node *n);

struct tree {
    struct arena *text_arena; /* words and files: they stay with the snapshot */
    struct arena *node_arena; /* the tree itself: gone when the snapshot is built */
    const struct log *log;
    unsigned root_context;      /* the caller's matter: what its check lets stand in the root */
    struct span include_prefix; /* where relative includes start, with its '/' */
    bool includes_nothing;      /* no file is opened */
    /* What messages call each line of a text from command-line flags; NULL: "command line". */
    const char *const *line_names;
    size_t line_count;
    tree_check_fn check;
    void *owner;
    struct node root;
    struct tree_text *texts;
    size_t text_count;
    /* Of reading: */
    struct node *open;            /* the innermost block that is still open */
    struct tree_reading *reading; /* the innermost text that is being read */
    size_t include_count;
};

/* An empty tree. Both arenas and the log outlive it; what is not given here, above all check, is
 * the caller's to set before it reads. */
void tree_init(struct tree *t, struct arena *text_arena, struct arena *node_arena,
               const struct log *log);

/* Reads a text (blocks in it are refused when it has_no_blocks, as in -g) or a file, and appends
 * its directives to the root. 0; -EINVAL or -ENOMEM after it logged why. */
int tree_read_text(struct tree *t, struct span name, struct span text, bool has_no_blocks) MUST_USE;
int tree_read_file(struct tree *t, struct span path) MUST_USE;

/* Logs a mistake as nginx words it, and behind it which block is still open, and where it was
 * opened, where that may be the cause. open may be the root: nothing is added. Returns -EINVAL. */
int tree_fail_open(const struct tree *t, const struct origin *o, const struct node *open,
                   const char *format, ...) PRINTF_LIKE(4, 5);

#endif
