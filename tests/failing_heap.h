/* failing_heap - malloc() and calloc(), of which one call can be made to fail.
 *
 * Included by the one file of a test program: what a program defines stands before what libc
 * does. With the failing call one later each time, every call is once the one that fails. */
#ifndef RINGWAY_TESTS_FAILING_HEAP_H
#define RINGWAY_TESTS_FAILING_HEAP_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The loader calls them before a sanitizer is ready to watch. */
#define UNWATCHED __attribute__((no_sanitize("address", "undefined", "thread")))

static size_t blocks_until_failure = SIZE_MAX; /* SIZE_MAX: none fails */
static bool has_block_failed;

/* The call behind so many others fails, and it alone. */
static inline void fail_block(size_t others)
{
    has_block_failed = false;
    blocks_until_failure = others;
}

/* From now on none fails. True when one did. */
static inline bool end_failing_blocks(void)
{
    blocks_until_failure = SIZE_MAX;
    return has_block_failed;
}

UNWATCHED static bool does_block_fail(void)
{
    if (blocks_until_failure == SIZE_MAX || blocks_until_failure-- > 0)
        return false;
    blocks_until_failure = SIZE_MAX;
    has_block_failed = true;
    return true;
}

UNWATCHED void *malloc(size_t size)
{
    static void *(*libc_malloc)(size_t);

    if (!libc_malloc)
        *(void **)&libc_malloc = dlsym(RTLD_NEXT, "malloc"); /* as dlsym(3) has it */
    return does_block_fail() ? NULL : libc_malloc(size);
}

UNWATCHED void *calloc(size_t count, size_t size)
{
    static void *(*libc_calloc)(size_t, size_t);

    if (!libc_calloc)
        *(void **)&libc_calloc = dlsym(RTLD_NEXT, "calloc");
    return does_block_fail() ? NULL : libc_calloc(count, size);
}

#endif
