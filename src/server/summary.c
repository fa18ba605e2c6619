/* summary - what was counted for upstream peers, for workers and by all of them, as lines of the
 * error log. */
#include "server/summary.h"

#include <inttypes.h>
#include <stdio.h>

#define MISSES_BYTES 256

static uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* " (cold 1, expired 2)"; empty when every one was resumed. */
static void format_misses(const struct peer_shared *p, char out[MISSES_BYTES])
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < TLS_MISS_COUNT; i++) {
        uint64_t count = get(&p->misses[i]);

        if (count && len < MISSES_BYTES)
            len += (size_t)snprintf(out + len, MISSES_BYTES - len, "%s%s %" PRIu64,
                                    len ? ", " : " (", tls_miss_word((enum tls_miss)i), count);
    }
    if (len && len < MISSES_BYTES)
        snprintf(out + len, MISSES_BYTES - len, ")");
}

static void log_peer(const struct log *log, const struct upstream_conf *u,
                     const struct peer_conf *p)
{
    const struct peer_shared *shared = p->shared;
    uint64_t full = get(&shared->handshakes_full), resumed = get(&shared->handshakes_resumed);
    uint64_t failed = get(&shared->handshakes_failed), requests = get(&shared->requests);
    char misses[MISSES_BYTES];

    if (!(full | resumed | failed | requests))
        return;
    format_misses(shared, misses);
    log_write(log, LOG_LEVEL_NOTICE,
              "upstream %.*s peer %.*s: requests %" PRIu64 ", failures %" PRIu64
              "; TLS handshakes: full %" PRIu64 "%s, resumed %" PRIu64 ", failed %" PRIu64,
              SPAN_ARG(u->name), SPAN_ARG(p->address_text), requests, get(&shared->failures), full,
              misses, resumed, failed);
}

void summary_log(const struct log *log, const struct snapshot *s)
{
    for (size_t i = 0; i < s->upstream_count; i++) {
        for (size_t j = 0; j < s->upstreams[i]->peer_count; j++)
            log_peer(log, s->upstreams[i], &s->upstreams[i]->peers[j]);
    }
}

void summary_log_worker(const struct log *log, unsigned index, size_t client_count,
                        const struct stats *s)
{
    uint64_t served = get(&s->counters[COUNTER_ACCEPTED]);
    uint64_t handed_over = get(&s->counters[COUNTER_HANDED_OVER]);

    if (!(served | handed_over))
        return;
    log_write(log, LOG_LEVEL_NOTICE,
              "worker %u: clients %zu; connections served %" PRIu64 ", taken over %" PRIu64
              ", handed over %" PRIu64,
              index, client_count, served, get(&s->counters[COUNTER_TAKEN_OVER]), handed_over);
}

/* "requests 5, retries 1": what is counted, as it is put together. */
struct counts {
    size_t len;
    char text[LOG_LINE_BYTES_MAX];
};

static void add_count(struct counts *c, const char *name, uint64_t count)
{
    size_t room = sizeof(c->text) - c->len;

    if (count && c->len < sizeof(c->text))
        c->len += (size_t)snprintf(c->text + c->len, room, "%s%s %" PRIu64, c->len ? ", " : "",
                                   name, count);
}

void summary_log_counters(const struct log *log, const struct stats *sum)
{
    struct counts counters = {.len = 0}, ends = {.len = 0};

    for (size_t i = 0; i < COUNTER_COUNT; i++)
        add_count(&counters, counter_name((enum counter)i), get(&sum->counters[i]));
    add_count(&counters, "log_lines_lost", log_lost_count());
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        add_count(&ends, outcome_row((enum outcome)i)->word, get(&sum->outcomes[i]));
    if (counters.len)
        log_write(log, LOG_LEVEL_NOTICE, "counted: %s", counters.text);
    if (ends.len)
        log_write(log, LOG_LEVEL_NOTICE, "requests ended: %s", ends.text);
}
