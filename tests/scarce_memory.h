/* scarce_memory - allocations that fail when a test says so, in whichever thread.
 *
 * For one file of a program: it defines malloc() and calloc(). Refused are calls from the program
 * and what is linked into it; shared libraries, and with them the sanitizers, have all they want.
 * What fork() copies holds in the child. */
#ifndef RINGWAY_TESTS_SCARCE_MEMORY_H
#define RINGWAY_TESTS_SCARCE_MEMORY_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static struct {
    _Atomic size_t size; /* only pieces of this size are counted; 0: all */
    _Atomic int64_t left;
    _Atomic bool is_on, was_hit;
} scarcity;

/* So many pieces (of one size, or with 0 of any) are there still; the one after them is refused. */
static inline void memory_is_scarce(size_t size, unsigned left)
{
    atomic_store(&scarcity.size, size);
    atomic_store(&scarcity.left, left);
    atomic_store(&scarcity.was_hit, false);
    atomic_store(&scarcity.is_on, true);
}

/* All is there again. True when a piece was refused. */
static inline bool memory_was_scarce(void)
{
    atomic_store(&scarcity.is_on, false);
    return atomic_load(&scarcity.was_hit);
}

/* The linker's: where the program's own code lies. */
extern const char __executable_start[], etext[];

/* They run before a sanitizer is ready, and are not instrumented. */
#define BARE __attribute__((no_sanitize("address", "thread", "undefined")))

static BARE bool is_refused_memory(size_t size, const char *caller)
{
    size_t counted = atomic_load(&scarcity.size);

    if (!atomic_load(&scarcity.is_on) || (counted && counted != size))
        return false;
    if (caller < __executable_start || caller >= etext)
        return false;
    if (atomic_fetch_sub(&scarcity.left, 1) != 0)
        return false;
    atomic_store(&scarcity.was_hit, true);
    errno = ENOMEM;
    return true;
}

/* The sanitizers' own, where there are some; the C library's otherwise. */
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

BARE void *malloc(size_t size)
{
    if (is_refused_memory(size, __builtin_return_address(0)))
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

BARE void *calloc(size_t count, size_t size)
{
    if (is_refused_memory(count * size, __builtin_return_address(0)))
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

#endif
