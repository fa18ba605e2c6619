/* loop_setup - making and freeing a loop: its ring, its buffers, and why there is none. */
#include "loop_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "core/limits.h"

#define COMPLETIONS_PER_ENTRY 4 /* the completion queue, in sizes of the submission queue */

static int explain(int error, char *text, size_t size)
{
    if (error == -EPERM)
        snprintf(text, size,
                 "io_uring is refused (EPERM): set the sysctl kernel.io_uring_disabled "
                 "to 0, or allow io_uring_setup in the container's seccomp profile");
    else if (error == -ENOSYS)
        snprintf(text, size,
                 "io_uring is not there (ENOSYS): it needs Linux 6.1 or newer, and a "
                 "seccomp profile that allows io_uring_setup");
    else if (error == -ENOMEM)
        snprintf(text, size,
                 "no memory for io_uring (ENOMEM): raise RLIMIT_MEMLOCK (ulimit -l, "
                 "LimitMEMLOCK= in systemd) to at least 16 MiB per worker");
    else if (error == -EINVAL)
        snprintf(text, size,
                 "io_uring lacks what ringway needs (EINVAL): it needs Linux 6.1 or newer");
    else if (error == -EMFILE || error == -ENFILE)
        snprintf(text, size,
                 "no file descriptor for io_uring: raise worker_rlimit_nofile or "
                 "RLIMIT_NOFILE (ulimit -n)");
    else
        snprintf(text, size, "io_uring cannot be set up: %s", strerror(-error));
    return error;
}

static int check_kernel(char *error, size_t error_size)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
        return 0; /* the features are probed anyway */
    if (major > 6 || (major == 6 && minor >= 1))
        return 0;
    snprintf(error, error_size, "Linux %u.%u is too old: ringway needs 6.1 or newer", major, minor);
    return -ENOSYS;
}

/* The best mode first; kernels and sandboxes that refuse one get the next. */
static int setup_ring(struct loop *l, unsigned entries)
{
    static const unsigned modes[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
        0,
    };
    int result = -EINVAL;

    for (size_t i = 0; i < COUNT_OF(modes) && result == -EINVAL; i++) {
        struct io_uring_params params = {
            .flags = modes[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            .cq_entries = entries * COMPLETIONS_PER_ENTRY,
        };

        result = io_uring_queue_init_params(entries, &l->ring, &params);
    }
    return result;
}

static int buffers_init(struct loop *l, struct buffers *b, size_t buffer_bytes, unsigned count)
{
    int error = 0;
    void *memory;

    b->buffer_bytes = buffer_bytes;
    b->count = count;
    b->group = (unsigned short)(b - l->buffers);
    b->first_id = b->group == BUFFERS_LARGE ? LARGE_ID_FIRST : 0;
    b->used = calloc(count, sizeof(*b->used));
    memory = mmap(NULL, buffer_bytes * count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0);
    b->memory = memory == MAP_FAILED ? NULL : memory;
    if (!b->used || !b->memory)
        return -ENOMEM;
    b->ring = io_uring_setup_buf_ring(&l->ring, count, b->group, 0, &error);
    if (!b->ring)
        return error;
    b->lent_count = (unsigned)size_min(count, BUFFER_BYTES_LENT_FIRST / buffer_bytes);
    for (unsigned i = 0; i < b->lent_count; i++)
        buffers_add(b, i, i);
    io_uring_buf_ring_advance(b->ring, (int)b->lent_count);
    return 0;
}

static void buffers_deinit(struct loop *l, struct buffers *b)
{
    if (b->ring)
        (void)io_uring_free_buf_ring(&l->ring, b->ring, b->count, b->group);
    if (b->memory)
        (void)munmap(b->memory, b->buffer_bytes * b->count);
    free(b->used);
}

static bool has_zerocopy(struct loop *l)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&l->ring);
    bool has = probe && io_uring_opcode_supported(probe, IORING_OP_SENDMSG_ZC);

    io_uring_free_probe(probe);
    return has;
}

static int init(struct loop *l, const struct loop_options *o)
{
    size_t large_bytes = o->large_buffer_bytes ? o->large_buffer_bytes : LARGE_BUFFER_BYTES;
    int result = 0;

    assert(large_bytes <= CHUNK_ROOM);
    list_init(&l->ready);
    list_init(&l->flush);
    l->stats = o->stats;
    l->busy_poll_us = o->busy_poll_us;
    l->zerocopy_bytes = o->zerocopy_bytes && has_zerocopy(l) ? o->zerocopy_bytes : SIZE_MAX;
    l->send_high_water = o->send_high_water ? o->send_high_water : OUT_BYTES_HIGH;
    l->now_us = loop_now_us(l);
    l->now_ms = l->now_us / 1000;
    wheel_init(&l->wheel, l->now_ms);
    if (o->small_buffer_count)
        result =
            buffers_init(l, &l->buffers[BUFFERS_SMALL], SMALL_BUFFER_BYTES, o->small_buffer_count);
    if (!result && o->large_buffer_count)
        result = buffers_init(l, &l->buffers[BUFFERS_LARGE], large_bytes, o->large_buffer_count);
    return result;
}

int loop_new(const struct loop_options *options, struct loop **out, char *error, size_t error_size)
{
    struct loop *l;
    int result = check_kernel(error, error_size);

    if (result)
        return result;
    l = calloc(1, sizeof(*l));
    if (!l)
        return explain(-ENOMEM, error, error_size);
    result = setup_ring(l, options->entries);
    if (result) {
        free(l);
        return explain(result, error, error_size);
    }
    result = init(l, options);
    if (result) {
        loop_free(l);
        return explain(result, error, error_size);
    }
    *out = l;
    return 0;
}

void loop_free(struct loop *l)
{
    for (size_t i = 0; i < BUFFERS_KINDS; i++)
        buffers_deinit(l, &l->buffers[i]);
    io_uring_queue_exit(&l->ring);
    free(l);
}
