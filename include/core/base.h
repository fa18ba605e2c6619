/* base - what every file may use: assertions that stay on, and a few macros.
 *
 * An assertion states what a bug would break, never what input may be. It aborts in release
 * builds as in debug builds: a proxy that goes on with broken state serves wrong answers.
 */
#ifndef RINGWAY_CORE_BASE_H
#define RINGWAY_CORE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "ringway's assertions stay on: build without NDEBUG"
#endif

/* The struct that embeds a member, from a pointer to that member. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* The number of elements of an array (never of a pointer). */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define MUST_USE __attribute__((warn_unused_result))

/* For functions off the usual way: they stay out of their callers, which are the shorter for it. */
#define RARE __attribute__((cold, noinline))

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
