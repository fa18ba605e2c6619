/* child - claims that hold in a child process: of what cannot be taken back, or ends the process.
 *
 * In the child no test framework: EXPECT says what did not hold, and ends it. */
#ifndef RINGWAY_TESTS_CHILD_H
#define RINGWAY_TESTS_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base.h"

#define CHILD_SKIPPED 77

#define EXPECT(condition)                                                          \
    do {                                                                           \
        if (!(condition)) {                                                        \
            dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                              \
        }                                                                          \
    } while (0)

/* The exit status of a child that ran fn. */
static inline int status_of_child(void (*fn)(void *), void *arg)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        fn(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Its claims hold, or it cannot make them here. */
static inline void holds_in_child(void (*fn)(void *), void *arg)
{
    int status = status_of_child(fn, arg);

    if (status == CHILD_SKIPPED)
        skip();
    assert_int_equal(status, 0);
}

/* In the child: root becomes somebody without a right, others are that already. */
static inline void lose_rights(void)
{
    if (geteuid() == 0)
        EXPECT(setresgid(54321, 54321, 54321) == 0 && setresuid(54321, 54321, 54321) == 0);
}

/* In the child. */
static inline void limit_to(int resource, rlim_t soft, rlim_t hard)
{
    const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

    EXPECT(setrlimit(resource, &limit) == 0);
}

static inline struct rlimit limit_of(int resource)
{
    struct rlimit limit = {0};

    EXPECT(getrlimit(resource, &limit) == 0);
    return limit;
}

#endif
