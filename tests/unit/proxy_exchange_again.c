/* Tests of proxy/exchange: requests of all kinds, one after another in the same exchange. */
#include "../exchange_fixture.h"

#include <fcntl.h>

#define LINE_BYTES 512
#define POISON 0xa5 /* no pointer, no bool, and a count that nobody has room for */
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define VALUES "$1$2 $who$name $uri $args $upstream_addr $upstream_status $upstream_http_x_seen"

/* A log that is read as it grows. */
struct growing {
    int fd;
    off_t read_bytes;
    char text[LINE_BYTES]; /* what was read last, with a NUL behind */
};

struct sequence {
    struct stage *stage;
    struct exchange *x; /* the one that all of them use */
    struct arena arena; /* of the templates */
    struct server_regex_name host;
    struct script_op op;
    struct script script;
    struct location_conf person, text; /* a regex; a prefix, whose text names captures */
    struct location_conf *regexes[1], *prefixes[1];
    struct log_file file;
    struct log_format format;
    struct access_log log;
    struct log_target target;
    struct growing access_log, error_log;
};

static const struct user_variable variable_rows[] = {{.name = SPAN("who")}, {.name = SPAN("name")}};
static const struct user_variables variables = {variable_rows, COUNT_OF(variable_rows)};

/* --- a server that tells of all that a request left ------------------------------------------- */

static struct template compiled(struct sequence *q, const char *text)
{
    struct template t;
    char error[TEMPLATE_ERROR_BYTES] = "";

    if (template_compile(span_of_cstr(text), &variables, &q->arena, &t, error) < 0)
        fail_msg("%s: %s", text, error);
    return t;
}

/* Its one named group is the variable with this index. */
static struct regex *regex_of(const char *pattern, size_t variable)
{
    struct regex *r;
    char error[128];

    assert_int_equal(regex_new(span_of_cstr(pattern), false, &r, error, sizeof(error)), 0);
    regex_bind(r, 0, variable);
    return r;
}

static int open_scratch(void)
{
    char path[] = "/tmp/ringway-again-XXXXXX";
    int fd = mkostemp(path, O_APPEND);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void set_up_logs(struct sequence *q)
{
    struct settings *c = &q->stage->server.root.settings;

    q->access_log.fd = q->file.fd = open_scratch();
    q->format.text = compiled(q, "$status " VALUES);
    q->log = (struct access_log){.file = &q->file, .format = &q->format};
    c->access_logs = &q->log;
    c->access_log_count = 1;
    q->error_log.fd = open_scratch();
    q->target = (struct log_target){.fd = q->error_log.fd, .level = LOG_LEVEL_INFO};
    c->error_log = (struct log){.targets = &q->target, .target_count = 1};
}

static void set_up_locations(struct sequence *q)
{
    struct server_conf *server = &q->stage->server;

    q->person = q->text = server->root;
    q->person.kind = LOCATION_REGEX;
    q->person.regex = regex_of("^/of/(?<name>[a-z]+)/([a-z]+)$", 1);
    q->text.kind = LOCATION_PREFIX;
    q->text.pattern = SPAN("/text/");
    q->op = (struct script_op){
        .kind = SCRIPT_RETURN,
        .answer = {.status = 200, .text = compiled(q, "[" VALUES "]"), .has_text = true}};
    q->script = (struct script){&q->op, 1};
    q->text.script = &q->script;
    q->regexes[0] = &q->person;
    q->prefixes[0] = &q->text;
    server->root.regexes = q->regexes;
    server->root.prefixes = q->prefixes;
    server->root.regex_count = server->root.prefix_count = 1;
    q->host = (struct server_regex_name){regex_of("^(?<who>.+)[.]example$", 0), server};
    q->stage->listen.names.regexes = &q->host;
    q->stage->listen.names.regex_count = 1;
}

static int set_up(void **state)
{
    struct sequence *q = calloc(1, sizeof(*q));
    struct stage *s;

    assert_non_null(q);
    (void)stage_set_up(state);
    q->stage = s = *state;
    s->world.snapshot.user_variables = variables;
    q->x = s->x;
    arena_init(&q->arena, 4096, 0);
    s->world.group.keepalive_max = 0;
    s->world.peers[0].max_fails = s->world.peers[1].max_fails = 0;
    s->world.peers[1].address_text = s->world.peers[0].address_text; /* whichever is first */
    s->server.root.settings.proxy_next_upstream = NEXT_HTTP_502;
    s->server.root.settings.client_max_body_size = 4;
    set_up_logs(q);
    set_up_locations(q);
    *state = q;
    return 0;
}

static int tear_down(void **state)
{
    struct sequence *q = *state;
    struct regex *regexes[] = {q->person.regex, q->host.regex};

    *state = q->stage;
    q->log.file = NULL; /* the last exchange may yet be aborted */
    access_deinit(&q->stage->world.engine);
    (void)stage_tear_down(state);
    for (size_t i = 0; i < COUNT_OF(regexes); i++)
        regex_free(regexes[i]);
    close(q->access_log.fd);
    close(q->error_log.fd);
    arena_deinit(&q->arena);
    free(q);
    return 0;
}

/* --- kinds of requests ------------------------------------------------------------------------ */

static void ask(struct stage *s, const char *request)
{
    peer_write(s->client_fd, request);
}

static void answer_with(struct stage *s, const char *text)
{
    int fd = stage_reach_upstream(s, "\r\n\r\n");

    peer_write(fd, text);
    close(fd);
}

/* Captures of host and path, two tries, a field of the upstream's. */
static enum exchange_result leave_traces(struct stage *s)
{
    enum exchange_result result;

    s->world.peers[1].is_down = false;
    ask(s, "GET /of/ann/b?secret HTTP/1.1\r\nHost: bob.example\r\n\r\n");
    answer_with(s, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    answer_with(s, "HTTP/1.1 200 OK\r\nX-Seen: trace\r\nContent-Length: 5\r\n\r\nfirst");
    result = stage_settle(s);
    s->world.peers[1].is_down = true;
    return result;
}

static enum exchange_result be_passed_on(struct stage *s)
{
    ask(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    answer_with(s, OK);
    return stage_settle(s);
}

/* Its answer has no body, whatever it announces. */
static enum exchange_result ask_for_a_head(struct stage *s)
{
    ask(s, "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    answer_with(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    return stage_settle(s);
}

static enum exchange_result be_answered_here(struct stage *s)
{
    ask(s, "GET /text/a HTTP/1.1\r\nHost: a\r\n\r\n");
    return stage_settle(s);
}

static enum exchange_result find_no_peer(struct stage *s)
{
    enum exchange_result result;

    s->world.peers[0].is_down = true;
    ask(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    result = stage_settle(s);
    s->world.peers[0].is_down = false;
    return result;
}

static enum exchange_result be_refused_by_the_peer(struct stage *s)
{
    struct address *a = &s->world.peers[0].address, open = *a;
    enum exchange_result result;

    close(loopback_listen(a));
    ask(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    result = stage_settle(s);
    *a = open;
    return result;
}

static enum exchange_result get_half_a_head(struct stage *s)
{
    ask(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    answer_with(s, "HTTP/1.1 200 OK\r\nX-Seen: ha");
    return stage_settle(s);
}

static enum exchange_result send_too_much(struct stage *s)
{
    ask(s, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    return stage_settle(s);
}

static enum exchange_result send_no_request(struct stage *s)
{
    ask(s, "GET\r\n\r\n");
    return stage_settle(s);
}

static enum exchange_result leave_in_the_head(struct stage *s)
{
    ask(s, "GET /a HTTP/1.1\r\nHo");
    shutdown(s->client_fd, SHUT_WR);
    return stage_settle(s);
}

static enum exchange_result leave_before_the_answer(struct stage *s)
{
    ask(s, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    close(stage_reach_upstream(s, "\r\n\r\n"));
    exchange_abort(s->x);
    return EXCHANGE_CUTS;
}

static const struct kind {
    enum exchange_result (*run)(struct stage *s);
    enum exchange_result result;
    enum outcome outcome;
    const char *line;   /* of the access log */
    const char *report; /* in the error log; empty: nothing */
    const char *begin;  /* of what the client got, and its end */
    const char *end;
} kinds[] = {
    {leave_traces, EXCHANGE_KEEPS, OUTCOME_DONE,
     "200 annb bobann /of/ann/b secret 127.0.0.1:1001, 127.0.0.1:1001 502, 200 trace", "",
     "HTTP/1.1 200 ", "\r\n\r\nfirst"},
    {be_passed_on, EXCHANGE_KEEPS, OUTCOME_DONE, "200 -- -- /a - 127.0.0.1:1001 200 -", "",
     "HTTP/1.1 200 ", "\r\n\r\nhi"},
    {ask_for_a_head, EXCHANGE_KEEPS, OUTCOME_DONE, "200 -- -- /a - 127.0.0.1:1001 200 -", "",
     "HTTP/1.1 200 ", "\r\n\r\n"},
    {be_answered_here, EXCHANGE_KEEPS, OUTCOME_DONE, "200 -- -- /text/a - - - -", "",
     "HTTP/1.1 200 ", "\r\n\r\n[  /text/a    ]"},
    {find_no_peer, EXCHANGE_KEEPS, OUTCOME_NO_PEER, "502 -- -- /a - group - -",
     "no live upstreams while connecting to upstream", "HTTP/1.1 502 ", "</html>\r\n"},
    {be_refused_by_the_peer, EXCHANGE_KEEPS, OUTCOME_CONNECT_FAILED,
     "502 -- -- /a - 127.0.0.1:1001 502 -", "connect() failed: Connection refused", "HTTP/1.1 502 ",
     "</html>\r\n"},
    {get_half_a_head, EXCHANGE_KEEPS, OUTCOME_CLOSED_EARLY, "502 -- -- /a - 127.0.0.1:1001 502 -",
     "upstream prematurely closed connection while reading response header from upstream",
     "HTTP/1.1 502 ", "</html>\r\n"},
    {send_too_much, EXCHANGE_CLOSES, OUTCOME_BODY_TOO_LARGE, "413 -- -- /a - - - -",
     "client intended to send too large body", "HTTP/1.1 413 ", "</html>\r\n"},
    {send_no_request, EXCHANGE_CLOSES, OUTCOME_BAD_REQUEST, "400 -- -- - - - - -",
     "malformed HTTP version", "HTTP/1.1 400 ", "</html>\r\n"},
    {leave_in_the_head, EXCHANGE_CUTS, OUTCOME_CLIENT_GONE, "499 -- -- - - - - -",
     "client closed the connection in its request head", "", ""},
    {leave_before_the_answer, EXCHANGE_CUTS, OUTCOME_CLIENT_GONE,
     "499 -- -- /a - 127.0.0.1:1001 499 -", "client prematurely closed connection", "", ""},
};

/* --- one after another ------------------------------------------------------------------------ */

/* What a log has got since the last time. */
static const char *grown(struct growing *g)
{
    ssize_t n = pread(g->fd, g->text, sizeof(g->text) - 1, g->read_bytes);

    assert_true(n >= 0);
    g->text[n] = '\0';
    g->read_bytes += n;
    return g->text;
}

/* One line in each log, but none of an error where there was none. */
static void assert_logged(struct sequence *q, const struct kind *k)
{
    struct engine *e = &q->stage->world.engine;
    char line[LINE_BYTES];

    turn_until(e->loop, !access_is_busy(e));
    (void)snprintf(line, sizeof(line), "%s\n", k->line);
    assert_string_equal(grown(&q->access_log), line);
    (void)snprintf(line, sizeof(line), "*1 %s, client: ", k->report);
    if (!*k->report)
        assert_string_equal(grown(&q->error_log), "");
    else if (!strstr(grown(&q->error_log), line))
        fail_msg("no \"%s\" in \"%s\"", line, q->error_log.text);
    else
        assert_int_equal(strchr(q->error_log.text, '\n')[1], '\0');
}

static void run(struct sequence *q, const struct kind *k)
{
    struct stage *s = q->stage;
    size_t end_len = strlen(k->end);

    assert_ptr_equal(s->x, q->x);
    assert_int_equal(k->run(s), k->result);
    assert_int_equal(s->x->record.outcome, k->outcome);
    assert_logged(q, k);
    if (strncmp(stage_got(s), k->begin, strlen(k->begin)) != 0 || s->got_len < end_len ||
        strcmp(s->got + s->got_len - end_len, k->end) != 0)
        fail_msg("\"%s\" does not go from \"%s\" to \"%s\"", s->got, k->begin, k->end);
    if (!*k->begin)
        assert_string_equal(s->got, "");
}

/* The exchange is given back, and its client's connection with it. */
static void give_back(struct stage *s)
{
    exchange_free(s->x);
    s->x = NULL;
    timer_stop(loop_wheel(s->world.t.loop), &s->timer);
    conn_abort(&s->client_conn, false);
    turn_until(s->world.t.loop, conn_is_closed(&s->client_conn));
    conn_deinit(&s->client_conn);
    close(s->client_fd);
}

static void take_again(struct stage *s)
{
    s->got_len = 0;
    stage_init_client(s);
    stage_begin(s);
}

static void each_kind_of_request_leaves_nothing_to_any_other(void **state)
{
    struct sequence *q = *state;

    for (size_t i = 0; i < COUNT_OF(kinds) * COUNT_OF(kinds); i++) {
        run(q, &kinds[i / COUNT_OF(kinds)]);
        give_back(q->stage);
        take_again(q->stage);
        run(q, &kinds[i % COUNT_OF(kinds)]);
        give_back(q->stage);
        take_again(q->stage);
    }
}

/* Whatever stands in its memory: but for the slab's link and the arena, nothing is taken over. */
static void no_kind_of_request_reads_what_was_in_an_exchange_before(void **state)
{
    struct sequence *q = *state;
    const size_t kept_bytes = offsetof(struct exchange, view);

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        give_back(q->stage);
        memset((char *)q->x + kept_bytes, POISON, sizeof(*q->x) - kept_bytes);
        take_again(q->stage);
        run(q, &kinds[i]);
    }
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(each_kind_of_request_leaves_nothing_to_any_other),
        CLAIM(no_kind_of_request_reads_what_was_in_an_exchange_before),
    };

    return cmocka_run_group_tests_name("proxy_exchange_again", tests, bench_init, bench_deinit);
}
