/* conf_snapshot - snapshots of texts, for tests that look into them. */
#ifndef RINGWAY_TESTS_CONF_SNAPSHOT_H
#define RINGWAY_TESTS_CONF_SNAPSHOT_H

#include "conf_text.h"

/* In a server block: the text is in line 4. */
#define SERVER(text) "http {\nserver {\nlisten 8080;\n" text "\n}}\n"

static inline void taken(struct conf_text *t, const char *text)
{
    conf_text_build(t, text);
    assert_string_equal(t->log, "");
    assert_int_equal(t->rc, 0);
}

static inline void assert_span(struct span s, const char *text)
{
    if (!span_equals(s, span_of_cstr(text)))
        fail_msg("%.*s is not %s", SPAN_ARG(s), text);
}

static inline const struct location_conf *root_of(const struct conf_text *t)
{
    return &t->snapshot->servers[0]->root;
}

#endif
