/* conf_text - configurations given as text to tests, and what is said of them.
 *
 * The text is called "t.conf"; relative paths start at /nowhere/. */
#ifndef RINGWAY_TESTS_CONF_TEXT_H
#define RINGWAY_TESTS_CONF_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/build.h"

#define CONF_LOG_BYTES 16384

struct conf_text {
    struct snapshot *snapshot; /* NULL: it was refused */
    int rc;
    char log[CONF_LOG_BYTES]; /* lines without "ringway: " */
};

/* What was written to the log, without its first word in each line. */
static void conf_text_take_log(struct conf_text *t, int fd)
{
    static const char prefix[] = "ringway: ";
    ssize_t len = pread(fd, t->log, sizeof(t->log) - 1, 0);
    char *from = t->log, *to = t->log;

    assert_true(len >= 0);
    t->log[len] = '\0';
    while (*from) {
        char *end = strchrnul(from, '\n') + 1;

        if (strncmp(from, prefix, sizeof(prefix) - 1) == 0)
            from += sizeof(prefix) - 1;
        memmove(to, from, (size_t)(end - from));
        to += end - from;
        from = end;
    }
    *to = '\0';
}

static void conf_text_build_with(struct conf_text *t, const struct build_options *o)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct log_target target = {.fd = fd, .level = LOG_LEVEL_NOTICE, .is_startup = true};
    struct log log = {.targets = &target, .target_count = 1};

    assert_true(fd >= 0);
    t->rc = snapshot_build(o, &log, &t->snapshot);
    conf_text_take_log(t, fd);
    close(fd);
    assert_int_equal(t->rc == 0, t->snapshot != NULL);
}

static void conf_text_build(struct conf_text *t, const char *text)
{
    const struct build_options o = {
        .text = span_of_cstr(text), .text_name = "t.conf", .prefix = "/nowhere"};

    conf_text_build_with(t, &o);
}

static void conf_text_deinit(struct conf_text *t)
{
    snapshot_unref(t->snapshot);
}

/* The text must be refused with just this line (and its end). */
static inline void assert_refused(const char *text, const char *line)
{
    struct conf_text t;
    char whole[CONF_LOG_BYTES];

    snprintf(whole, sizeof(whole), "[emerg] %s\n", line);
    conf_text_build(&t, text);
    if (t.rc != -EINVAL || strcmp(t.log, whole) != 0)
        fail_msg("%s\nsays     %sand not  %s", text, t.log, whole);
    conf_text_deinit(&t);
}

/* The text must be taken, with just these lines said of it. */
static inline void assert_taken(const char *text, const char *lines)
{
    struct conf_text t;

    conf_text_build(&t, text);
    if (t.rc || strcmp(t.log, lines) != 0)
        fail_msg("%s\nis %d, says %sand not %s", text, t.rc, t.log, lines);
    conf_text_deinit(&t);
}

#endif
