/* order - annotations for ThreadSanitizer. */
#include "core/order.h"

#ifdef __SANITIZE_THREAD__

#include <sanitizer/tsan_interface.h>
#include <stdint.h>

/* A key for each descriptor; beyond, some share one, which orders more than there is. */
static const char keys[1 << 16];

static void *key_of(int fd)
{
    return (void *)(uintptr_t)&keys[(unsigned)fd % sizeof(keys)];
}

void order_before_close(int fd)
{
    __tsan_release(key_of(fd));
}

void order_behind_open(int fd)
{
    __tsan_acquire(key_of(fd));
}

#else

void order_before_close(int fd)
{
    (void)fd;
}

void order_behind_open(int fd)
{
    (void)fd;
}

#endif
