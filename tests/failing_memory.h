/* failing_memory - libc's calls that allocate a text, of which one can be made to fail.
 *
 * Included by the one file of a test program: what a program defines stands before what libc
 * does. With the failing call one later each time, every call is once the one that fails. */
#ifndef RINGWAY_TESTS_FAILING_MEMORY_H
#define RINGWAY_TESTS_FAILING_MEMORY_H

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t texts_until_failure = SIZE_MAX; /* SIZE_MAX: none fails */
static bool has_text_failed;

/* The call behind so many others fails, and it alone. */
static inline void fail_text(size_t others)
{
    texts_until_failure = others;
    has_text_failed = false;
}

/* From now on none fails. True when one did. */
static inline bool end_failing_texts(void)
{
    texts_until_failure = SIZE_MAX;
    return has_text_failed;
}

static bool fails_now(void)
{
    if (texts_until_failure == SIZE_MAX || texts_until_failure-- > 0)
        return false;
    texts_until_failure = SIZE_MAX;
    has_text_failed = true;
    errno = ENOMEM;
    return true;
}

char *strndup(const char *text, size_t most)
{
    size_t len = strnlen(text, most);
    char *copy = fails_now() ? NULL : malloc(len + 1);

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

int asprintf(char **out, const char *format, ...)
{
    va_list args;
    int len;

    if (fails_now())
        return -1;
    va_start(args, format);
    len = vasprintf(out, format, args);
    va_end(args);
    return len;
}

FILE *open_memstream(char **text, size_t *len)
{
    FILE *(*libc_open)(char **, size_t *);

    *(void **)&libc_open = dlsym(RTLD_NEXT, "open_memstream"); /* as dlsym(3) has it */
    return fails_now() ? NULL : libc_open(text, len);
}

#endif
