/* request_body - taking a request's body in, and sending it from memory or from its file. */
#include "proxy/request_body.h"

#include <string.h>
#include <unistd.h>

#include "proxy/temp_file.h"
#include "proxy/value.h"

static void on_written(struct op *op, const struct completion *c);
static void on_read(struct op *op, const struct completion *c);

static struct loop *loop_of(const struct request_body *b)
{
    return b->record->engine->loop;
}

static struct chunk_pool *chunks_of(const struct request_body *b)
{
    return &b->record->engine->chunks;
}

/* As nginx: a body that is announced and a little larger stays in memory, too. */
static uint64_t memory_max(const struct settings *s, const struct head *request)
{
    uint64_t size = s->client_body_buffer_size;

    if (s->client_body_in_file_only != BODY_FILE_UNNAMED)
        return 0;
    if (request->framing == FRAMING_LENGTH && request->content_length <= size + size / 4)
        return request->content_length > size ? request->content_length : size;
    return size;
}

struct request_body *request_body_new(struct record *r, struct task *owner)
{
    const struct settings *s = &r->location->settings;
    struct request_body *b = arena_zalloc(r->arena, sizeof(*b));

    if (!b)
        return NULL;
    b->record = r;
    b->owner = owner;
    b->fd = -1;
    b->files = s->body_files;
    b->naming = s->client_body_in_file_only;
    b->bytes_max = s->client_max_body_size;
    b->memory_max = memory_max(s, r->request);
    list_init(&b->chunks);
    op_init(&b->op, on_written);
    return b;
}

/* ---- the file ---- */

static void fail_file(struct request_body *b, const char *call, int error)
{
    struct span folder = b->files->folder;

    b->error = error;
    b->record->detail =
        arena_printf(b->record->arena, "%s a temporary file in \"%.*s\" failed (%d: %s)", call,
                     SPAN_ARG(folder), -error, strerror(-error));
}

static void open_file(struct request_body *b)
{
    int fd = b->naming == BODY_FILE_UNNAMED
                 ? temp_file_open(b->files->folder)
                 : temp_file_open_named(b->files, b->record->arena, &b->name);

    /* In a container /var/tmp may be missing, or lie where nothing can be written. */
    if (fd < 0 && b->files->is_preset && b->naming == BODY_FILE_UNNAMED)
        fd = temp_file_open(SPAN("/tmp"));
    if (fd < 0)
        fail_file(b, "open() of", fd);
    else
        b->fd = fd;
}

static void on_written(struct op *op, const struct completion *c)
{
    struct request_body *b = container_of(op, struct request_body, op);

    if (c->result > 0) {
        b->moving->start += (uint32_t)c->result;
        b->file_bytes += (uint64_t)c->result;
    } else {
        fail_file(b, "write() to", c->result ? c->result : -EIO);
    }
    loop_ready(loop_of(b), b->owner);
}

static struct chunk *pop_chunk(struct request_body *b)
{
    struct chunk *c = list_entry(list_pop_front(&b->chunks), struct chunk, link);

    b->memory_bytes -= chunk_unread(c).len;
    return c;
}

static void drop_moving(struct request_body *b)
{
    if (b->moving)
        chunk_give(chunks_of(b), b->moving);
    b->moving = NULL;
}

static bool is_over_memory(const struct request_body *b)
{
    return b->memory_bytes > b->memory_max;
}

/* Goes on with writing what is not for memory to keep: all of it, once there is a file. */
static void write_on(struct request_body *b)
{
    if (b->fd < 0 && is_over_memory(b) && !b->error)
        open_file(b);
    if (b->fd < 0 || b->op.is_in_flight || b->error)
        return;
    if (b->moving && !chunk_unread(b->moving).len)
        drop_moving(b);
    if (!b->moving && !list_is_empty(&b->chunks) && (b->is_whole || is_over_memory(b)))
        b->moving = pop_chunk(b);
    if (b->moving)
        loop_write_at(loop_of(b), &b->op, b->fd, chunk_unread(b->moving), b->file_bytes);
}

/* ---- taking it in ---- */

static int keep(struct request_body *b, struct span content)
{
    b->bytes += content.len;
    while (content.len) {
        struct chunk *last =
            list_is_empty(&b->chunks) ? NULL : list_entry(b->chunks.prev, struct chunk, link);
        size_t n;

        if (!last || !chunk_room(last)) {
            last = chunk_take(chunks_of(b));
            if (!last)
                return -ENOMEM;
            list_push_back(&b->chunks, &last->link);
        }
        n = chunk_append(last, content);
        b->memory_bytes += n;
        content = span_skip(content, n);
    }
    return 0;
}

static enum request_body_result at_end_of_input(struct conn *client)
{
    if (conn_end(client) != CONN_END_NONE)
        return REQUEST_BODY_CUT;
    conn_want_input(client);
    return REQUEST_BODY_WAITS;
}

/* One event of the parser. DONE: go on, there may be more. */
static enum request_body_result take_event(struct request_body *b, struct conn *client,
                                           struct parser *parser)
{
    struct span input = conn_input(client), body;
    size_t before = input.len;
    enum parser_event event = parser_next(parser, &input, &body);
    enum request_body_result result = REQUEST_BODY_DONE;

    if (event == PARSER_ERROR)
        result = parser->error == PARSER_NO_MEMORY ? REQUEST_BODY_NO_MEMORY : REQUEST_BODY_BAD;
    else if (event == PARSER_BODY && b->bytes_max && body.len > b->bytes_max - b->bytes)
        result = REQUEST_BODY_TOO_LARGE;
    else if (event == PARSER_BODY && keep(b, body))
        result = REQUEST_BODY_NO_MEMORY;
    b->is_whole = event == PARSER_END;
    conn_consume(client, before - input.len);
    if (event == PARSER_NEED_INPUT && !conn_input(client).len)
        return at_end_of_input(client);
    return result;
}

enum request_body_result request_body_take(struct request_body *b, struct conn *client,
                                           struct parser *parser)
{
    write_on(b);
    while (!b->is_whole && !b->error) {
        enum request_body_result result;

        if (b->op.is_in_flight && is_over_memory(b))
            return REQUEST_BODY_WAITS; /* the client is read on when the file has taken some */
        result = take_event(b, client, parser);
        if (result != REQUEST_BODY_DONE)
            return result;
        write_on(b);
    }
    if (b->error)
        return REQUEST_BODY_NO_FILE;
    if (b->fd >= 0 && (b->moving || !list_is_empty(&b->chunks)))
        return REQUEST_BODY_WAITS;
    request_body_rewind(b);
    return REQUEST_BODY_DONE;
}

/* ---- sending it ---- */

void request_body_rewind(struct request_body *b)
{
    b->sent_bytes = 0;
    b->next = b->chunks.next;
    b->is_stale = b->op.is_in_flight;
    if (!b->is_stale)
        drop_moving(b);
}

static void on_read(struct op *op, const struct completion *c)
{
    struct request_body *b = container_of(op, struct request_body, op);

    if (b->is_stale)
        drop_moving(b);
    else if (c->result > 0)
        b->moving->end = (uint32_t)c->result;
    else
        fail_file(b, "read() of", c->result ? c->result : -ENODATA);
    b->is_stale = false;
    loop_ready(loop_of(b), b->owner);
}

static enum request_body_result read_on(struct request_body *b)
{
    struct iovec room = {.iov_len = (size_t)u64_min(b->bytes - b->sent_bytes, CHUNK_ROOM)};

    b->moving = chunk_take(chunks_of(b));
    if (!b->moving)
        return REQUEST_BODY_NO_MEMORY;
    op_init(&b->op, on_read);
    room.iov_base = b->moving->bytes;
    loop_read(loop_of(b), &b->op, b->fd, room, b->sent_bytes);
    return REQUEST_BODY_WAITS;
}

/* DONE: something was sent. */
static enum request_body_result send_from_file(struct request_body *b, struct conn *upstream)
{
    if (b->error)
        return REQUEST_BODY_NO_FILE;
    if (b->op.is_in_flight)
        return REQUEST_BODY_WAITS;
    if (!b->moving)
        return read_on(b);
    b->sent_bytes += chunk_unread(b->moving).len;
    conn_write_chunk(upstream, b->moving);
    b->moving = NULL;
    return REQUEST_BODY_DONE;
}

/* Copied: it may be sent again, to another. */
static enum request_body_result send_from_memory(struct request_body *b, struct conn *upstream)
{
    struct span part = chunk_unread(list_entry(b->next, struct chunk, link));

    if (conn_write(upstream, part))
        return REQUEST_BODY_NO_MEMORY;
    b->sent_bytes += part.len;
    b->next = b->next->next;
    return REQUEST_BODY_DONE;
}

enum request_body_result request_body_send(struct request_body *b, struct conn *upstream)
{
    assert(b->is_whole);
    while (b->sent_bytes < b->bytes && conn_has_room(upstream)) {
        enum request_body_result result =
            b->fd >= 0 ? send_from_file(b, upstream) : send_from_memory(b, upstream);

        if (result != REQUEST_BODY_DONE)
            return result;
    }
    return request_body_is_sent(b) ? REQUEST_BODY_DONE : REQUEST_BODY_WAITS;
}

/* ---- afterwards ---- */

struct span request_body_text(const struct request_body *b)
{
    struct span first;
    char *text;
    size_t len = 0;

    if (b->fd >= 0 || !b->is_whole || list_is_empty(&b->chunks))
        return SPAN_NONE;
    first = chunk_unread(list_entry(b->chunks.next, struct chunk, link));
    if (first.len == b->bytes)
        return first;
    text = value_alloc(b->record, b->bytes);
    if (!text)
        return SPAN_NONE;
    list_for_each (link, &b->chunks) {
        struct span part = chunk_unread(list_entry(link, struct chunk, link));

        memcpy(text + len, part.data, part.len);
        len += part.len;
    }
    return span_of(text, len);
}

void request_body_deinit(struct request_body *b)
{
    if (!b)
        return;
    op_assert_idle(&b->op);
    drop_moving(b);
    while (!list_is_empty(&b->chunks))
        chunk_give(chunks_of(b), pop_chunk(b));
    if (b->fd < 0)
        return;
    (void)close(b->fd);
    if (b->naming == BODY_FILE_CLEAN)
        (void)unlink(b->name.data);
    b->fd = -1;
}
