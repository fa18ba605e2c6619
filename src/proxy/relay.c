/* relay - one direction of a body. */
#include "proxy/relay.h"

#include "http/writer.h"
#include "proxy/added_fields.h"

static int write_framing(struct relay *r, struct span text)
{
    r->framing_bytes += text.len;
    return conn_write(r->dst, text);
}

static int write_added(struct relay *r)
{
    size_t before = r->adds_trailers->sent_trailers.len;
    int result = added_trailers_write(r->adds_trailers);

    r->framing_bytes += r->adds_trailers->sent_trailers.len - before;
    return result;
}

/* Content for another try: as much as one chunk holds. */
static void keep(struct relay *r, struct span body)
{
    if (!r->is_keeping)
        return;
    if (!r->kept)
        r->kept = chunk_take(r->src->chunks);
    if (!r->kept || chunk_append(r->kept, body) < body.len)
        relay_forget(r);
}

static int write_content(struct relay *r, struct span body)
{
    char text[CHUNK_PREFIX_BYTES_MAX];
    struct writer w;
    int result;

    if (!r->dst)
        return 0;
    if (r->framing != FRAMING_CHUNKED)
        return conn_write(r->dst, body);
    writer_init(&w, text, sizeof(text));
    writer_chunk_prefix(&w, body.len);
    result = write_framing(r, span_of(w.data, w.len));
    if (!result)
        result = conn_write(r->dst, body);
    if (!result)
        result = write_framing(r, SPAN("\r\n"));
    return result;
}

/* The last chunk. Trailers are bounded like a head, so they fit where a head does. */
static int write_end(struct relay *r)
{
    int result;

    if (r->framing != FRAMING_CHUNKED || !r->dst)
        return 0;
    result = write_framing(r, SPAN("0\r\n"));
    for (size_t i = 0; i < r->parser->head.trailer_count && !result && !r->drops_trailers; i++) {
        const struct field *f = &r->parser->head.trailers[i];

        if (!f->is_dropped && (write_framing(r, f->name) || write_framing(r, SPAN(": ")) ||
                               write_framing(r, f->value) || write_framing(r, SPAN("\r\n"))))
            result = -ENOMEM;
    }
    if (!result && r->adds_trailers)
        result = write_added(r);
    return result ? result : write_framing(r, SPAN("\r\n"));
}

/* The source has nothing more to read now: has it ended, and may it? */
static enum relay_result at_end_of_input(struct relay *r)
{
    enum conn_end end = conn_end(r->src);

    if (end == CONN_END_NONE) {
        conn_want_input(r->src);
        return RELAY_WAITS;
    }
    if (!r->parser)
        return end == CONN_END_FAILED ? RELAY_CUT : RELAY_DONE;
    if (end != CONN_END_CLEAN || parser_end_of_stream(r->parser) != PARSER_END)
        return RELAY_CUT;
    return write_end(r) ? RELAY_NO_MEMORY : RELAY_DONE;
}

/* What of the content goes on. */
static struct span take_part(struct relay_part *p, struct span body)
{
    size_t skipped = (size_t)u64_min(p->skip_bytes, body.len);

    p->skip_bytes -= skipped;
    body = span_skip(body, skipped);
    body = span_take(body, (size_t)u64_min(p->left_bytes, body.len));
    p->left_bytes -= body.len;
    return body;
}

/* One event of the source's parser; RELAY_WAITS: go on while there is input. */
static enum relay_result take_event(struct relay *r, struct span *input, bool *is_used_up)
{
    struct span body = SPAN_NONE;
    enum parser_event event;

    if (!r->parser) {
        body = *input;
        *input = span_skip(*input, input->len);
        event = body.len ? PARSER_BODY : PARSER_NEED_INPUT;
    } else {
        event = parser_next(r->parser, input, &body);
    }
    if (event == PARSER_NEED_INPUT) {
        *is_used_up = true;
        return RELAY_WAITS;
    }
    if (event == PARSER_END)
        return write_end(r) ? RELAY_NO_MEMORY : RELAY_DONE;
    if (event != PARSER_BODY)
        return RELAY_BAD;
    if (r->bytes_max && (r->bytes > r->bytes_max || body.len > r->bytes_max - r->bytes))
        return RELAY_TOO_LARGE;
    if (r->part)
        body = take_part(r->part, body);
    if (!body.len)
        return RELAY_WAITS;
    r->bytes += body.len;
    keep(r, body);
    return write_content(r, body) ? RELAY_NO_MEMORY : RELAY_WAITS;
}

static bool has_room(const struct relay *r)
{
    if (!r->dst)
        return true;
    return r->waiting_max ? conn_has_room_below(r->dst, r->waiting_max) : conn_has_room(r->dst);
}

/* What of the input may be moved now. */
static struct span paced(struct relay *r, struct span input)
{
    uint64_t most = pace_allowance(r->pace, r->bytes, loop_now_ms(r->src->loop));

    return span_take(input, (size_t)u64_min(most, input.len));
}

enum relay_result relay_run(struct relay *r)
{
    while (!r->is_done && has_room(r)) {
        struct span input = conn_input(r->src);
        bool is_used_up = false;
        enum relay_result result;
        size_t before;

        if (r->pace && input.len) {
            input = paced(r, input);
            if (!input.len)
                return RELAY_WAITS; /* for pace.resume_ms */
        }
        before = input.len;
        result = take_event(r, &input, &is_used_up);
        conn_consume(r->src, before - input.len);
        if (result == RELAY_WAITS && is_used_up && !conn_input(r->src).len)
            result = at_end_of_input(r);
        else if (result == RELAY_WAITS)
            continue;
        r->is_done = result != RELAY_WAITS;
        return result;
    }
    return r->is_done ? RELAY_DONE : RELAY_WAITS;
}

bool relay_can_replay(const struct relay *r)
{
    return r->bytes == 0 || r->is_keeping;
}

int relay_replay(struct relay *r, struct conn *dst)
{
    int result = 0;

    assert(relay_can_replay(r));
    r->dst = dst;
    if (r->kept)
        result = write_content(r, chunk_unread(r->kept));
    if (!result && r->is_done)
        result = write_end(r);
    return result;
}

void relay_forget(struct relay *r)
{
    r->is_keeping = false;
    if (r->kept)
        chunk_give(r->src->chunks, r->kept);
    r->kept = NULL;
}
