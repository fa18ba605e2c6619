/* loop - the io_uring of one thread, and its turn. */
#include "loop_internal.h"

#include <time.h>

#include "core/limits.h"
#include "core/order.h"

/* What a completion's user_data is: an operation (no tag), a message from another ring, or
 * something whose completion says nothing (a cancel). */
#define TAG_MASK 3u
#define TAG_OPERATION 0u
#define TAG_MESSAGE 1u
#define TAG_IGNORE 2u

static_assert(_Alignof(struct op) > TAG_MASK, "tags fit below an operation's address");

/* ---- the turn ---- */

static uint64_t wait_limit_ms(const struct loop *l, uint64_t wait_ms)
{
    uint64_t next = wheel_next_ms(&l->wheel);

    /* What was put off during the last turn's flush is work as well. */
    if (!list_is_empty(&l->ready) || !list_is_empty(&l->flush))
        return 0;
    if (next == UINT64_MAX)
        return wait_ms;
    return u64_min(wait_ms, next > l->now_ms ? next - l->now_ms : 0);
}

/* EBUSY: the completion queue is full and must be harvested first. */
static void check_wait(int result)
{
    assert(result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY ||
           result == -EAGAIN);
}

static void look_for_completions(struct loop *l)
{
    check_wait(io_uring_submit_and_get_events(&l->ring));
}

static void sleep_for_completions(struct loop *l, uint64_t limit_ms)
{
    struct __kernel_timespec ts = {
        .tv_sec = (long long)(limit_ms / 1000),
        .tv_nsec = (long long)(limit_ms % 1000) * 1000000,
    };
    struct io_uring_cqe *cqe;

    check_wait(io_uring_submit_and_wait_timeout(&l->ring, &cqe, 1,
                                                limit_ms == UINT64_MAX ? NULL : &ts, NULL));
}

/* Looks without sleeping for busy_poll_us, but not beyond the limit. Returns what of the limit is
 * left to be slept; 0 with a completion. */
static uint64_t poll_for_completions(struct loop *l, uint64_t limit_ms)
{
    uint64_t began_us = loop_now_us(l), now_us = began_us, passed_ms;

    while (now_us - began_us < l->busy_poll_us && (now_us - began_us) / 1000 < limit_ms) {
        look_for_completions(l);
        if (io_uring_cq_ready(&l->ring))
            return 0;
        now_us = loop_now_us(l);
    }
    passed_ms = (now_us - began_us) / 1000;
    return limit_ms == UINT64_MAX ? limit_ms : limit_ms - u64_min(limit_ms, passed_ms);
}

static void wait_for_completions(struct loop *l, uint64_t wait_ms)
{
    uint64_t limit_ms = wait_limit_ms(l, wait_ms);

    if (l->busy_poll_us && limit_ms) {
        limit_ms = poll_for_completions(l, limit_ms);
        if (!limit_ms)
            return; /* all was submitted */
    }
    if (limit_ms)
        sleep_for_completions(l, limit_ms);
    else
        look_for_completions(l);
}

/* Looks up the buffer that a receive filled, and notes it for the end of the turn. */
static struct span take_buffer(struct loop *l, const struct io_uring_cqe *cqe)
{
    unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    struct buffers *b;

    if (!(cqe->flags & IORING_CQE_F_BUFFER))
        return SPAN_NONE;
    b = &l->buffers[id < LARGE_ID_FIRST ? BUFFERS_SMALL : BUFFERS_LARGE];
    id -= b->first_id;
    assert(id < b->count);
    assert(b->used_count < b->count);
    b->used[b->used_count++] = (unsigned short)id;
    return span_of(b->memory + id * b->buffer_bytes, cqe->res > 0 ? (size_t)cqe->res : 0);
}

static void complete_operation(struct loop *l, struct op *op, const struct io_uring_cqe *cqe)
{
    struct completion c = {
        .result = cqe->res,
        .is_last = !(cqe->flags & IORING_CQE_F_MORE),
        .data = take_buffer(l, cqe),
    };

    assert(op->is_in_flight);
    op->is_in_flight = !c.is_last;
    op->done(op, &c);
}

static void harvest(struct loop *l)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;

    io_uring_for_each_cqe(&l->ring, head, cqe)
    {
        uint64_t tag = cqe->user_data & TAG_MASK;
        void *target = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)TAG_MASK);

        if (tag == TAG_OPERATION) {
            complete_operation(l, target, cqe);
        } else if (tag == TAG_MESSAGE) {
            struct message *m = target;
            bool is_posted = atomic_load_explicit(&m->is_posted, memory_order_acquire);

            assert(is_posted);
            m->deliver(l, m);
        }
        count++;
    }
    io_uring_cq_advance(&l->ring, count);
}

/* Runs each task once; what becomes ready meanwhile waits for the next turn. */
static void run_tasks(struct list *tasks)
{
    struct list now;
    struct list *link;

    list_init(&now);
    list_move_all(tasks, &now);
    while ((link = list_pop_front(&now)) != NULL) {
        struct task *t = list_entry(link, struct task, link);

        t->run(t);
    }
}

/* Twice as many, behind those that are added already. Returns how many were added. */
static unsigned lend_more(struct buffers *b, unsigned added_count)
{
    unsigned more = (unsigned)size_min(b->lent_count, b->count - b->lent_count);

    for (unsigned i = 0; i < more; i++)
        buffers_add(b, b->lent_count + i, added_count + i);
    b->lent_count += more;
    return more;
}

static void return_buffers(struct buffers *b)
{
    unsigned added_count = b->used_count;

    for (unsigned i = 0; i < b->used_count; i++)
        buffers_add(b, b->used[i], i);
    if (b->used_count > b->lent_count / 4 * 3)
        added_count += lend_more(b, added_count);
    if (added_count)
        io_uring_buf_ring_advance(b->ring, (int)added_count);
    b->used_count = 0;
}

static void read_clock(struct loop *l)
{
    l->now_us = loop_now_us(l);
    l->now_ms = l->now_us / 1000;
}

void loop_turn(struct loop *l, uint64_t wait_ms)
{
    wait_for_completions(l, wait_ms);
    read_clock(l);
    l->handshakes_left = HANDSHAKES_PER_TURN;
    stats_add(l->stats, COUNTER_TURNS, 1);
    harvest(l);
    wheel_advance(&l->wheel, l->now_ms);
    run_tasks(&l->ready);
    run_tasks(&l->flush);
    for (size_t i = 0; i < BUFFERS_KINDS; i++)
        return_buffers(&l->buffers[i]);
}

/* The ring's descriptor is registered meanwhile, which saves the kernel the look-up in each call;
 * where it refuses, that stays. The number that it gets holds in this thread alone, and in another
 * one is some other ring's: loop_free() may be called there. */
void loop_run(struct loop *l)
{
    (void)io_uring_register_ring_fd(&l->ring);
    l->is_stopped = false;
    while (!l->is_stopped)
        loop_turn(l, UINT64_MAX);
    (void)io_uring_unregister_ring_fd(&l->ring);
}

void loop_stop(struct loop *l)
{
    l->is_stopped = true;
}

/* ---- clock, tasks ---- */

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

uint64_t loop_turn_us(const struct loop *l)
{
    return l->now_us;
}

uint64_t loop_now_us(const struct loop *l)
{
    struct timespec ts;

    (void)l;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

struct wheel *loop_wheel(struct loop *l)
{
    return &l->wheel;
}

struct stats *loop_stats(struct loop *l)
{
    return l->stats;
}

size_t loop_large_buffer_bytes(const struct loop *l)
{
    return l->buffers[BUFFERS_LARGE].buffer_bytes;
}

size_t loop_send_high_water(const struct loop *l)
{
    return l->send_high_water;
}

size_t loop_zerocopy_bytes(const struct loop *l)
{
    return l->zerocopy_bytes;
}

void task_init(struct task *t, task_fn run)
{
    list_init(&t->link);
    t->run = run;
}

static void put(struct list *list, struct task *t)
{
    if (!list_is_linked(&t->link))
        list_push_back(list, &t->link);
}

void loop_ready(struct loop *l, struct task *t)
{
    put(&l->ready, t);
}

void loop_flush_later(struct loop *l, struct task *t)
{
    put(&l->flush, t);
}

void task_cancel(struct task *t)
{
    list_remove(&t->link);
}

bool loop_takes_handshake(struct loop *l)
{
    if (!l->handshakes_left)
        return false;
    l->handshakes_left--;
    return true;
}

/* ---- the verbs ---- */

void op_init(struct op *op, op_fn done)
{
    *op = (struct op){.done = done};
}

static struct io_uring_sqe *next_entry(struct loop *l)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

    while (!sqe) {
        int result = io_uring_submit(&l->ring);

        assert(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
        sqe = io_uring_get_sqe(&l->ring);
    }
    return sqe;
}

/* An entry for an operation, which from now on belongs to the kernel. */
static struct io_uring_sqe *begin(struct loop *l, struct op *op)
{
    op_assert_idle(op);
    op->is_in_flight = true;
    return next_entry(l);
}

static void mark(struct io_uring_sqe *sqe, const void *target, unsigned tag)
{
    assert(((uintptr_t)target & TAG_MASK) == 0);
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)target | tag);
}

void loop_accept(struct loop *l, struct op *op, int listen_fd)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_multishot_accept(sqe, listen_fd, NULL, NULL, SOCK_CLOEXEC);
    mark(sqe, op, TAG_OPERATION);
}

void loop_connect(struct loop *l, struct op *op, int fd, const struct address *a)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_connect(sqe, fd, &a->u.any, a->len);
    mark(sqe, op, TAG_OPERATION);
}

void loop_poll(struct loop *l, struct op *op, int fd, short events)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_poll_add(sqe, fd, (unsigned short)events);
    mark(sqe, op, TAG_OPERATION);
}

void loop_recv(struct loop *l, struct op *op, int fd, bool is_bulk)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_recv(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = l->buffers[is_bulk ? BUFFERS_LARGE : BUFFERS_SMALL].group;
    /* A receive is armed when all was read: but for bulk, trying before waiting finds nothing. */
    if (!is_bulk)
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    mark(sqe, op, TAG_OPERATION);
}

void loop_send(struct loop *l, struct op *op, int fd, struct span data)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_send(sqe, fd, data.data, data.len, MSG_NOSIGNAL);
    mark(sqe, op, TAG_OPERATION);
}

void loop_send_held(struct loop *l, struct op *op, int fd, struct span data)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_send(sqe, fd, data.data, data.len, MSG_NOSIGNAL | MSG_MORE);
    mark(sqe, op, TAG_OPERATION);
}

void loop_sendmsg(struct loop *l, struct op *op, int fd, const struct msghdr *message)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_sendmsg(sqe, fd, message, MSG_NOSIGNAL);
    mark(sqe, op, TAG_OPERATION);
}

void loop_sendmsg_zerocopy(struct loop *l, struct op *op, int fd, const struct msghdr *message)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_sendmsg_zc(sqe, fd, message, MSG_NOSIGNAL);
    mark(sqe, op, TAG_OPERATION);
}

void loop_read(struct loop *l, struct op *op, int fd, struct iovec room, uint64_t offset)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_read(sqe, fd, room.iov_base, (unsigned)room.iov_len, offset);
    mark(sqe, op, TAG_OPERATION);
}

void loop_write(struct loop *l, struct op *op, int fd, struct span data)
{
    struct io_uring_sqe *sqe = begin(l, op);

    /* Offset -1: the file's own position, or its end where it was opened to append. */
    io_uring_prep_write(sqe, fd, data.data, (unsigned)data.len, (uint64_t)-1);
    mark(sqe, op, TAG_OPERATION);
}

void loop_write_at(struct loop *l, struct op *op, int fd, struct span data, uint64_t offset)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_write(sqe, fd, data.data, (unsigned)data.len, offset);
    mark(sqe, op, TAG_OPERATION);
}

void loop_shutdown(struct loop *l, struct op *op, int fd, int how)
{
    struct io_uring_sqe *sqe = begin(l, op);

    io_uring_prep_shutdown(sqe, fd, how);
    mark(sqe, op, TAG_OPERATION);
}

void loop_close(struct loop *l, struct op *op, int fd)
{
    struct io_uring_sqe *sqe = begin(l, op);

    order_before_close(fd);
    io_uring_prep_close(sqe, fd);
    mark(sqe, op, TAG_OPERATION);
}

void loop_cancel(struct loop *l, struct op *op)
{
    struct io_uring_sqe *sqe = next_entry(l);

    io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op | TAG_OPERATION, 0);
    mark(sqe, NULL, TAG_IGNORE);
}

/* Only a failure completes: success is told to the receiver alone. */
static void post_failed(struct op *op, const struct completion *c)
{
    struct message *m = container_of(op, struct message, sent);

    assert(c->result < 0);
    m->undelivered(m->sender, m);
}

void loop_post(struct loop *sender, struct loop *receiver, struct message *m)
{
    struct io_uring_sqe *sqe = next_entry(sender);

    op_init(&m->sent, post_failed);
    m->sent.is_in_flight = true;
    m->sender = sender;
    atomic_store_explicit(&m->is_posted, true, memory_order_release);
    io_uring_prep_msg_ring(sqe, receiver->ring.ring_fd, 0, (uint64_t)(uintptr_t)m | TAG_MESSAGE, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    mark(sqe, &m->sent, TAG_OPERATION);
}

void loop_submit(struct loop *l)
{
    int result = io_uring_submit(&l->ring);

    assert(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
}
