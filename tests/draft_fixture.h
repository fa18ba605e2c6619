/* draft_fixture - a configuration in the making, for tests of the steps that make it. */
#ifndef RINGWAY_TESTS_DRAFT_FIXTURE_H
#define RINGWAY_TESTS_DRAFT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/draft.h"

struct draft {
    struct conf c;
    struct snapshot snapshot;
    struct log_target target;
    struct log log;
    char said[8192];
};

static int draft_set_up(void **state)
{
    struct draft *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    d->target = (struct log_target){.level = LOG_LEVEL_NOTICE, .is_startup = true};
    d->target.fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(d->target.fd >= 0);
    d->log = (struct log){.targets = &d->target, .target_count = 1};
    arena_init(&d->snapshot.arena, 4096, 0);
    arena_init(&d->c.scratch, 4096, 0);
    d->c.snapshot = &d->snapshot;
    d->c.arena = &d->snapshot.arena;
    d->c.log = &d->log;
    *state = d;
    return 0;
}

static int draft_tear_down(void **state)
{
    struct draft *d = *state;
    struct regex_use *uses = d->c.regexes.items;

    for (size_t i = 0; i < d->c.regexes.count; i++)
        regex_free(uses[i].regex);
    if (d->snapshot.tls_server_shared)
        tls_server_shared_free(d->snapshot.tls_server_shared);
    arena_deinit(&d->c.scratch);
    arena_deinit(&d->snapshot.arena);
    close(d->target.fd);
    free(d);
    return 0;
}

#define DRAFT_TEST(name) cmocka_unit_test_setup_teardown(name, draft_set_up, draft_tear_down)

/* The snapshot's arena gives this many bytes more, in blocks of 16: with a little more each time,
 * every allocation is once the one that fails. */
static inline void draft_leave_bytes(struct draft *d, size_t bytes)
{
    struct arena *a = d->c.arena;

    a->block_bytes = 16;
    a->total_bytes_max = 0;
    assert_non_null(arena_alloc(a, 1)); /* a limit of 0 would be none */
    a->total_bytes_max = a->total_bytes;
    while (arena_alloc(a, 1)) /* fills what is begun */
        continue;
    a->total_bytes_max += bytes;
}

/* What was logged since it was asked for last. */
static const char *draft_said(struct draft *d)
{
    ssize_t len = pread(d->target.fd, d->said, sizeof(d->said) - 1, 0);

    assert_true(len >= 0);
    d->said[len] = '\0';
    assert_int_equal(ftruncate(d->target.fd, 0), 0);
    assert_int_equal(lseek(d->target.fd, 0, SEEK_SET), 0);
    return d->said;
}

/* Just this line must have been logged; "" stands for none. */
static inline void draft_assert_said(struct draft *d, const char *line)
{
    char whole[8192];

    snprintf(whole, sizeof(whole), *line ? "ringway: %s\n" : "%s", line);
    assert_string_equal(draft_said(d), whole);
}

/* One line must have been logged, which says that memory is at its end. */
static inline void draft_assert_said_no_memory(struct draft *d)
{
    const char *said = draft_said(d);

    if (!strstr(said, "[emerg] no memory left to ") || strchr(said, '\n') != strrchr(said, '\n'))
        fail_msg("says %s", said);
}

#endif
