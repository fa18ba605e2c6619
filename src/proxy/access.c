/* access - one record per exchange, written to the access logs of its location.
 *
 * A buffer serves one log file as long as records wait in it, and pins the snapshot that the file
 * belongs to; empty, it is free for any other file. So a descriptor is open whenever it is
 * written to, also over a reload. */
#include "proxy/access.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/log_cache.h"
#include "proxy/log_escape.h"
#include "proxy/log_pack.h"
#include "proxy/request_log.h"
#include "proxy/value.h"
#include "proxy/variable.h"

/* With buffer= alone: nginx would wait for ever, but here a snapshot waits with it. */
#define FLUSH_MS_DEFAULT 60000

#define REPORT_DETAIL_BYTES_MAX 800 /* of an error line, which is cut at LOG_LINE_BYTES_MAX */

/* By so much compressed text may be longer than it was. */
#define PACK_SPARE_BYTES 256

struct half {
    size_t len;
    unsigned record_count;
    char data[ACCESS_BUFFER_BYTES + PACK_SPARE_BYTES];
};

struct access_buffer {
    struct list link; /* in engine.access_buffers */
    struct engine *engine;
    struct snapshot *snapshot;   /* a reference; NULL while it is free */
    const struct log_file *file; /* of that snapshot, or the one that is held */
    struct log_file *held;       /* in proxy/log_cache; NULL: none */
    unsigned filling;            /* of the halves; the other one is being written, or empty */
    size_t written_bytes;        /* of the other one */
    int write_error;
    bool is_due;      /* what is filled is to be written */
    bool is_given_up; /* what waits is dropped as soon as the kernel lets go of it */
    struct op write_op;
    struct task task;   /* of the flush phase */
    struct timer timer; /* flush= */
    struct half halves[2];
};

static struct half *filling(struct access_buffer *b)
{
    return &b->halves[b->filling];
}

static struct half *writing(struct access_buffer *b)
{
    return &b->halves[!b->filling];
}

/* ---- writing ---- */

static void empty(struct half *h)
{
    h->len = 0;
    h->record_count = 0;
}

static void count_lost(struct engine *e, unsigned record_count)
{
    stats_add(&e->stats, COUNTER_LOG_RECORDS_LOST, record_count);
}

static void continue_write(struct access_buffer *b)
{
    struct half *h = writing(b);
    struct span rest = span_of(h->data + b->written_bytes, h->len - b->written_bytes);

    loop_write(b->engine->loop, &b->write_op, b->file->fd, rest);
}

/* gzip=: what is to be written gets smaller. Where memory is at its end it is lost. */
static void pack(struct access_buffer *b, struct half *h)
{
    char *packed = malloc(log_pack_bytes_max(h->len));
    size_t len = packed ? log_pack(b->file->gzip_level, span_of(h->data, h->len), packed) : 0;

    if (!len || len > sizeof(h->data)) {
        count_lost(b->engine, h->record_count);
        h->record_count = 0;
        len = 0;
    }
    if (len)
        memcpy(h->data, packed, len);
    h->len = len;
    free(packed);
}

/* What was filled is written from now on. The other half must be empty. */
static void start_write(struct access_buffer *b)
{
    assert(!writing(b)->len);
    b->filling = !b->filling;
    b->written_bytes = 0;
    b->is_due = false;
    timer_stop(loop_wheel(b->engine->loop), &b->timer);
    if (b->file->gzip_level)
        pack(b, writing(b));
    continue_write(b);
}

static void on_written(struct op *op, const struct completion *c)
{
    struct access_buffer *b = container_of(op, struct access_buffer, write_op);

    if (c->result > 0)
        b->written_bytes += (size_t)c->result;
    else
        b->write_error = c->result ? c->result : -EIO;
    loop_flush_later(b->engine->loop, &b->task);
}

/* Empties the half that was written, or could not be. False: the rest of it is being written. */
static bool settle_write(struct access_buffer *b)
{
    struct half *h = writing(b);
    bool is_partial = b->written_bytes < h->len;

    if (is_partial && !b->write_error && !b->is_given_up) {
        continue_write(b);
        return false;
    }
    if (is_partial)
        count_lost(b->engine, h->record_count);
    b->write_error = 0;
    b->written_bytes = 0;
    empty(h);
    return true;
}

static void let_go(struct access_buffer *b)
{
    timer_stop(loop_wheel(b->engine->loop), &b->timer);
    if (b->held)
        log_cache_release(b->engine, b->held);
    b->held = NULL;
    snapshot_unref(b->snapshot);
    b->snapshot = NULL;
    b->file = NULL;
    b->is_due = false;
    b->is_given_up = false;
}

static void flush(struct task *t)
{
    struct access_buffer *b = container_of(t, struct access_buffer, task);

    if (!b->snapshot || b->write_op.is_in_flight || !settle_write(b))
        return;
    if (b->is_given_up) {
        count_lost(b->engine, filling(b)->record_count);
        empty(filling(b));
    }
    if (!filling(b)->len)
        let_go(b);
    else if (b->is_due)
        start_write(b);
}

static void flush_later(struct access_buffer *b)
{
    b->is_due = true;
    loop_flush_later(b->engine->loop, &b->task);
}

static void on_flush_time(struct timer *t)
{
    flush_later(container_of(t, struct access_buffer, timer));
}

/* ---- buffers ---- */

static struct access_buffer *add_buffer(struct engine *e)
{
    struct access_buffer *b = malloc(sizeof(*b));

    if (!b)
        return NULL;
    /* Not the data: what was never written to costs no memory. */
    memset(b, 0, offsetof(struct access_buffer, halves));
    empty(&b->halves[0]);
    empty(&b->halves[1]);
    b->engine = e;
    op_init(&b->write_op, on_written);
    task_init(&b->task, flush);
    timer_init(&b->timer, on_flush_time);
    list_init(&b->link);
    list_push_back(&e->access_buffers, &b->link);
    return b;
}

/* The buffer of a file, pinning its snapshot. NULL: no memory. */
static struct access_buffer *buffer_of(struct record *r, const struct log_file *file,
                                       struct log_file *held)
{
    struct access_buffer *idle = NULL;

    list_for_each (link, &r->engine->access_buffers) {
        struct access_buffer *b = list_entry(link, struct access_buffer, link);

        if (b->file == file && b->snapshot)
            return b;
        if (!b->snapshot)
            idle = b;
    }
    if (!idle)
        idle = add_buffer(r->engine);
    if (!idle)
        return NULL;
    if (held)
        log_cache_hold(held);
    idle->held = held;
    idle->file = file;
    idle->snapshot = snapshot_ref(r->snapshot);
    return idle;
}

static bool has_room(struct access_buffer *b)
{
    return filling(b)->len <= ACCESS_BUFFER_BYTES - ACCESS_RECORD_BYTES_MAX;
}

/* ---- records ---- */

/* Without a line feed. */
static size_t format_record(struct record *r, const struct log_format *f, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < f->text.part_count; i++) {
        const struct template_part *part = &f->text.parts[i];

        if (part->variable == VARIABLE_NONE)
            len += log_escape(LOG_ESCAPE_NONE, part->text, out + len, size - len);
        else
            len += log_escape(f->escape, variable_get(r, part), out + len, size - len);
    }
    return len;
}

/* When what was just added is to be written. */
static void schedule(struct access_buffer *b, const struct access_log *log)
{
    struct loop *l = b->engine->loop;

    uint64_t wait_ms = log->flush_ms ? log->flush_ms : FLUSH_MS_DEFAULT;

    if (filling(b)->len >= log->buffer_bytes || !has_room(b))
        flush_later(b);
    else if (!timer_is_set(&b->timer))
        timer_set(loop_wheel(l), &b->timer, loop_now_ms(l) + wait_ms);
}

/* held: the file, where it is one of proxy/log_cache. */
static void write_to_file(struct record *r, const struct access_log *log,
                          const struct log_file *file, struct log_file *held)
{
    struct access_buffer *b = buffer_of(r, file, held);
    struct half *h;

    if (!b) {
        count_lost(r->engine, 1);
        return;
    }
    if (!has_room(b) && !b->write_op.is_in_flight && !writing(b)->len)
        start_write(b);
    if (!has_room(b)) {
        count_lost(r->engine, 1);
        return;
    }
    h = filling(b);
    h->len += format_record(r, log->format, h->data + h->len, ACCESS_RECORD_BYTES_MAX - 1);
    h->data[h->len++] = '\n';
    h->record_count++;
    schedule(b, log);
}

static void write_to_server(struct record *r, const struct access_log *log)
{
    char line[ACCESS_RECORD_BYTES_MAX];
    size_t len = format_record(r, log->format, line, sizeof(line));
    const struct syslog_target *server = log->file->syslog;

    if (!syslog_send(server, log->file->fd, server->severity, span_of(line, len)))
        count_lost(r->engine, 1);
}

/* As in nginx: where the folder of the request's files is missing, so is its log. */
static bool has_root(struct record *r)
{
    const struct template_part part = {.variable = VARIABLE_DOCUMENT_ROOT};
    struct span root = variable_get(r, &part);
    const char *path = arena_copy(r->arena, root).data;
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void lose_record(struct record *r, struct span path, int error)
{
    path = log_escape_copy(LOG_ESCAPE_DEFAULT, path, r->arena);
    request_log(r, LOG_LEVEL_CRIT, "open() \"%.*s\" failed (%d: %s)", SPAN_ARG(path), error,
                strerror(error));
    count_lost(r->engine, 1);
}

static void write_to_path(struct record *r, const struct access_log *log)
{
    struct log_file *file;
    struct span path;

    if (!has_root(r))
        return;
    if (record_expand(r, log->path, &path)) {
        lose_record(r, SPAN(""), ENOMEM);
        return;
    }
    file = log_cache_take(r->engine, path, r->location->settings.log_cache);
    if (!file) {
        lose_record(r, path, errno);
        return;
    }
    write_to_file(r, log, file, file);
    log_cache_release(r->engine, file);
}

/* By if=. */
static bool is_wanted(struct record *r, const struct access_log *log)
{
    struct span value;

    if (!log->file && !log->path)
        return false;
    if (!log->condition)
        return true;
    return record_expand(r, log->condition, &value) == 0 && value_is_true(value);
}

void access_write(struct record *r)
{
    const struct settings *s = &r->location->settings;

    for (size_t i = 0; i < s->access_log_count; i++) {
        const struct access_log *log = &s->access_logs[i];

        if (!is_wanted(r, log))
            continue;
        if (log->path)
            write_to_path(r, log);
        else if (log->file->syslog)
            write_to_server(r, log);
        else
            write_to_file(r, log, log->file, NULL);
    }
}

/* ---- all buffers of a worker ---- */

void access_init(struct engine *e)
{
    list_init(&e->access_buffers);
    log_cache_init(e);
}

void access_flush(struct engine *e)
{
    list_for_each (link, &e->access_buffers) {
        struct access_buffer *b = list_entry(link, struct access_buffer, link);

        if (b->snapshot)
            flush_later(b);
    }
}

bool access_is_busy(const struct engine *e)
{
    list_for_each (link, &e->access_buffers) {
        if (list_entry(link, struct access_buffer, link)->snapshot)
            return true;
    }
    return false;
}

void access_abort(struct engine *e)
{
    list_for_each (link, &e->access_buffers) {
        struct access_buffer *b = list_entry(link, struct access_buffer, link);

        if (!b->write_op.is_in_flight)
            continue;
        b->is_given_up = true;
        loop_cancel(e->loop, &b->write_op);
    }
}

void access_deinit(struct engine *e)
{
    list_for_each_safe (link, &e->access_buffers) {
        struct access_buffer *b = list_entry(link, struct access_buffer, link);

        op_assert_idle(&b->write_op);
        count_lost(e, b->halves[0].record_count + b->halves[1].record_count);
        let_go(b);
        task_cancel(&b->task);
        list_remove(&b->link);
        free(b);
    }
    log_cache_deinit(e);
}

/* ---- the error log ---- */

/* What is said of an outcome where the record has no detail; else its word is good enough. */
static const char *const texts[OUTCOME_COUNT] = {
    [OUTCOME_REQUEST_TIMEOUT] = "client timed out while reading client request headers",
    [OUTCOME_BODY_TOO_LARGE] = "client intended to send too large body",
    [OUTCOME_CLIENT_GONE] = "client prematurely closed connection",
    [OUTCOME_CLIENT_STALLED] = "client timed out",
    [OUTCOME_NO_MEMORY] = "no memory for the request",
    [OUTCOME_NO_PEER] = "no live upstreams while connecting to upstream",
    [OUTCOME_CONNECT_FAILED] = "connect() failed while connecting to upstream",
    [OUTCOME_CONNECT_TIMEOUT] = "upstream timed out while connecting to upstream",
    [OUTCOME_HANDSHAKE_TIMEOUT] = "upstream timed out while SSL handshaking to upstream",
    [OUTCOME_SEND_TIMEOUT] = "upstream timed out while sending request to upstream",
    [OUTCOME_STALE_CONNECTION] = "upstream closed a kept connection",
    [OUTCOME_READ_TIMEOUT] = "upstream timed out while reading response from upstream",
    [OUTCOME_RESPONSE_CUT] = "upstream prematurely closed connection",
};

static struct span message_of(const struct record *r)
{
    struct span detail = span_take(r->detail, size_min(r->detail.len, REPORT_DETAIL_BYTES_MAX));

    if (detail.len)
        return detail;
    if (texts[r->outcome])
        return span_of_cstr(texts[r->outcome]);
    return span_of_cstr(outcome_row(r->outcome)->word);
}

/* What a client does wrong is no error of ours, nor that what was kept of a peer went stale. */
static enum log_level level_of(const struct record *r)
{
    const struct outcome_row *row = outcome_row(r->outcome);
    bool is_harmless = r->is_tried_again && row->retry == RETRY_STALE;

    return row->fault == FAULT_CLIENT || is_harmless ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR;
}

void access_report(struct record *r)
{
    bool is_success = r->outcome == OUTCOME_DONE || r->outcome == OUTCOME_NONE;
    struct span message;

    stats_count_outcome(&r->engine->stats, r->outcome);
    if (is_success && !r->detail.len)
        return;
    message = message_of(r);
    request_log(r, level_of(r), "%.*s", SPAN_ARG(message));
}
