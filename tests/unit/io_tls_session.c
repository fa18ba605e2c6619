/* Tests of io/tls_session: what is read out of sessions and what their copies are good for, with
 * servers of openssl(1), which give ids and tickets of their own. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "../scarce_memory.h"
#include "../tls_ends.h"

#define HELLO_ID_AT (5 + 4 + 2 + 32) /* a record, a message, a version and a random before it */
#define ID_BYTES 32

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
};

/* --- a server of openssl(1) ------------------------------------------------------------------ */

static struct {
    pid_t pid;
    int port;
} remote;

/* It answers with each line turned round. */
static void serve(const char *arguments)
{
    char command[512], line[128];
    int out[2];
    FILE *f;

    (void)snprintf(command, sizeof(command),
                   "cd %s; exec openssl s_server -accept 127.0.0.1:0 -cert good.pem -key leaf.key "
                   "-rev %s 2>/dev/null",
                   bench_folder, arguments);
    assert_int_equal(pipe(out), 0);
    remote.pid = fork();
    if (remote.pid == 0) {
        (void)dup2(out[1], 1);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    (void)close(out[1]);
    f = fdopen(out[0], "r");
    remote.port = 0;
    while (!remote.port && fgets(line, sizeof(line), f))
        (void)sscanf(line, "ACCEPT 127.0.0.1:%d", &remote.port);
    (void)fclose(f);
    assert_int_not_equal(remote.port, 0);
}

static void stop(void)
{
    if (!remote.pid)
        return;
    (void)kill(remote.pid, SIGKILL);
    (void)waitpid(remote.pid, NULL, 0);
    remote.pid = 0;
}

static int dial(void)
{
    const struct timeval patience = {.tv_sec = 20};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)remote.port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* --- one connection -------------------------------------------------------------------------- */

/* What both ends said first, and what was read and not used yet. */
static struct {
    unsigned char said[1 << 15], heard[HELLO_ID_AT + 1 + ID_BYTES];
    size_t said_len, heard_len;
    char bytes[1 << 16];
    size_t len;
    size_t tickets_taken;
} wire;

static void keep_first(unsigned char *first, size_t *len, size_t size, const char *bytes, size_t n)
{
    n = size_min(n, size - *len);
    memcpy(first + *len, bytes, n);
    *len += n;
}

static void flush(int fd)
{
    struct bench_end *e = &b.client;

    keep_first(wire.said, &wire.said_len, sizeof(wire.said), e->wire, e->len);
    assert_int_equal(send(fd, e->wire, e->len, MSG_NOSIGNAL), e->len);
    e->len = 0;
}

static void receive(int fd)
{
    ssize_t n = recv(fd, wire.bytes + wire.len, sizeof(wire.bytes) - wire.len, 0);

    assert_true(n > 0);
    keep_first(wire.heard, &wire.heard_len, sizeof(wire.heard), wire.bytes + wire.len, (size_t)n);
    wire.len += (size_t)n;
}

static void shake_hands(int fd)
{
    enum tls_result result;
    const char *reason = "";

    for (;;) {
        struct span input = span_of(wire.bytes, wire.len);

        result = tls_handshake(b.client.tls, &input);
        memmove(wire.bytes, wire.bytes + wire.len - input.len, input.len);
        wire.len = input.len;
        if (b.client.len)
            flush(fd);
        if (result != TLS_NEEDS_INPUT)
            break;
        assert_int_equal(tls_session_id(b.client.tls).len, 0);
        receive(fd);
    }
    (void)tls_failure(b.client.tls, &reason);
    if (result != TLS_OK)
        fail_msg("%s", reason);
}

/* With TLS 1.3, tickets come before the answer. */
static void talk(int fd)
{
    char out[64];
    size_t len = 0, total = 0;

    assert_int_equal(tls_seal(b.client.tls, SPAN("abc\n")), 0);
    flush(fd);
    while (total < 4) {
        struct span input = span_of(wire.bytes, wire.len);
        enum tls_result result;

        while ((result = tls_open(b.client.tls, &input, out + total, sizeof(out) - total, &len)) ==
               TLS_OK)
            total += len;
        assert_int_equal(result, TLS_NEEDS_INPUT);
        wire.len = 0;
        if (total < 4)
            receive(fd);
    }
    assert_memory_equal(out, "cba\n", 4);
}

/* Takes over the ticket. Returns the server's last one. The session is there until the next. */
static struct tls_ticket *connect_with(struct tls_ticket *ticket)
{
    struct tls_ticket *next, *last = NULL;
    int fd = dial();

    bench_disconnect(&b);
    wire.said_len = wire.heard_len = wire.len = wire.tickets_taken = 0;
    b.options.output = bench_output;
    b.options.owner = &b.client;
    b.options.ticket = ticket;
    b.client.tls = tls_new_client(client, &b.options);
    assert_non_null(b.client.tls);
    shake_hands(fd);
    talk(fd);
    while ((next = tls_take_ticket(b.client.tls))) {
        tls_ticket_free(last);
        last = next;
        wire.tickets_taken++;
    }
    talk(fd); /* what was copied goes on */
    tls_seal_close_notify(b.client.tls);
    flush(fd);
    (void)close(fd);
    return last;
}

static struct span hello_id(const unsigned char *hello, size_t len)
{
    assert_true(len > HELLO_ID_AT && len >= HELLO_ID_AT + 1u + hello[HELLO_ID_AT]);
    return span_of((const char *)hello + HELLO_ID_AT + 1, hello[HELLO_ID_AT]);
}

static struct span said_id(void)
{
    return hello_id(wire.said, wire.said_len);
}

static struct span heard_id(void)
{
    return hello_id(wire.heard, wire.heard_len);
}

static void set_client(unsigned of_client)
{
    struct tls_client_settings s = client_settings(of_client);

    make_client(&s);
}

/* --- ids ------------------------------------------------------------------------------------- */

static const unsigned with_tls12[] = {TLS_PROTOCOL_1_2, BOTH};

static void id_is_the_one_that_the_server_gave(void **state)
{
    (void)state;
    serve("-tls1_2 -no_ticket");
    for (size_t i = 0; i < COUNT_OF(with_tls12); i++) {
        set_client(with_tls12[i]);
        tls_ticket_free(connect_with(NULL));
        assert_int_equal(heard_id().len, ID_BYTES);
        assert_false(span_equals(heard_id(), said_id()));
        assert_true(span_equals(tls_session_id(b.client.tls), heard_id()));
    }
}

/* wolfSSL makes one up for its own cache. */
static void server_that_gave_no_id_leaves_none(void **state)
{
    static const char *const servers[] = {"-tls1_2", "-tls1_2 -no_ticket -no_cache"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        serve(servers[i]);
        for (size_t j = 0; j < COUNT_OF(with_tls12); j++) {
            set_client(with_tls12[j]);
            tls_ticket_free(connect_with(NULL));
            assert_int_equal(heard_id().len, 0);
            assert_int_equal(tls_session_id(b.client.tls).len, 0);
        }
        stop();
    }
}

static void servers_of_ours_give_no_id(void **state)
{
    (void)state;
    set_protocols(TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_2);
    assert_connects();
    assert_int_equal(tls_session_id(b.client.tls).len, 0);
    assert_int_equal(tls_session_id(b.server.tls).len, 0);
}

/* --- resumption ------------------------------------------------------------------------------ */

static void session_without_a_ticket_is_found_by_its_id(void **state)
{
    (void)state;
    serve("-tls1_2 -no_ticket");
    for (size_t i = 0; i < COUNT_OF(with_tls12); i++) {
        char id[ID_BYTES];
        struct tls_ticket *ticket;

        set_client(with_tls12[i]);
        ticket = connect_with(NULL);
        assert_non_null(ticket);
        assert_false(tls_ticket_is_single_use(ticket));
        memcpy(id, tls_session_id(b.client.tls).data, sizeof(id));
        for (int again = 0; again < 2; again++) {
            tls_ticket_free(connect_with(tls_ticket_copy(ticket)));
            assert_true(tls_is_resumed(b.client.tls));
            assert_true(span_equals(said_id(), span_of(id, sizeof(id))));
            assert_true(span_equals(tls_session_id(b.client.tls), span_of(id, sizeof(id))));
        }
        tls_ticket_free(ticket);
    }
}

static void ticket_of_tls12_goes_without_an_id(void **state)
{
    (void)state;
    serve("-tls1_2");
    for (size_t i = 0; i < COUNT_OF(with_tls12); i++) {
        struct tls_ticket *ticket;

        set_client(with_tls12[i]);
        ticket = connect_with(NULL);
        for (int again = 0; again < 2; again++) {
            tls_ticket_free(connect_with(tls_ticket_copy(ticket)));
            assert_true(tls_is_resumed(b.client.tls));
            assert_int_equal(said_id().len, 0);
            assert_int_equal(tls_session_id(b.client.tls).len, 0);
        }
        tls_ticket_free(ticket);
    }
}

/* --- tickets: how long, for how long, and how many ------------------------------------------- */
static void ticket_of_tls13_goes_with_a_new_id_each_time(void **state)
{
    struct tls_ticket *ticket;
    char before[ID_BYTES];

    (void)state;
    serve("-tls1_3");
    set_client(BOTH);
    ticket = connect_with(NULL);
    for (int again = 0; again < 3; again++) {
        assert_true(tls_ticket_is_single_use(ticket));
        assert_int_equal(said_id().len, ID_BYTES);
        memcpy(before, said_id().data, sizeof(before));
        ticket = connect_with(ticket);
        assert_true(tls_is_resumed(b.client.tls));
        assert_int_equal(said_id().len, ID_BYTES);
        assert_memory_not_equal(said_id().data, before, sizeof(before));
        assert_false(span_equals(said_id(), tls_session_id(b.client.tls)));
    }
    tls_ticket_free(ticket);
}

static void server_that_keeps_nothing_gives_nothing_to_resume(void **state)
{
    static const char *const servers[] = {"-tls1_2 -no_ticket -no_cache", "-tls1_3 -num_tickets 0"};

    (void)state;
    set_client(BOTH);
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        serve(servers[i]);
        assert_null(connect_with(NULL));
        stop();
    }
}

/* --- tickets: how long, for how long, and how many -------------------------------------------- */

#define EXTENSION_TICKET 35
#define EXTENSION_PRE_SHARED_KEY 41

static size_t number_at(const unsigned char *at)
{
    return at[0] * 256u + at[1];
}

/* The ticket that the client's first message has, empty for none: RFC 5077 section 3.2, RFC 8446
 * section 4.2.11. */
static struct span said_ticket(void)
{
    const unsigned char *at = wire.said + HELLO_ID_AT, *end;

    at += 1 + *at;           /* the id */
    at += 2 + number_at(at); /* the suites */
    at += 1 + *at;           /* the compressions */
    end = at + 2 + number_at(at);
    assert_true(end <= wire.said + wire.said_len);
    for (at += 2; at < end; at += 4 + number_at(at + 2)) {
        if (number_at(at) == EXTENSION_TICKET && number_at(at + 2))
            return span_of((const char *)at + 4, number_at(at + 2));
        if (number_at(at) == EXTENSION_PRE_SHARED_KEY)
            return span_of((const char *)at + 8, number_at(at + 6));
    }
    return SPAN_NONE;
}

/* With such a comment in the client's certificate, which the tickets of this server hold: how
 * long the one is that the second connection offers. */
static size_t offered_bytes(size_t comment_bytes)
{
    struct tls_client_settings s = client_settings(BOTH);
    char script[512], name[32];

    (void)snprintf(name, sizeof(name), "long%zu.pem", comment_bytes);
    (void)snprintf(
        script, sizeof(script),
        "printf '[req]\ndistinguished_name=d\n[d]\n[x]\nnsComment=%%0%zud\n' 0 >long.cnf\n"
        "openssl req -new -x509 -days 30 -key leaf.key -subj /CN=x -CA root.pem -CAkey ca.key "
        "-config long.cnf -extensions x -out %s\n",
        comment_bytes, name);
    bench_shell(script);
    s.pair = bench_pair(name, "leaf.key");
    make_client(&s);
    tls_ticket_free(connect_with(connect_with(NULL)));
    assert_int_equal(tls_is_resumed(b.client.tls), said_ticket().len > 0);
    return said_ticket().len;
}

/* OpenSSL's tickets grow in steps of a cipher's block. */
static void assert_longest_ticket(const char *of_server, size_t longest)
{
    static const size_t probe = 500, step = 16;
    size_t comment;

    serve(of_server);
    comment = probe + longest - offered_bytes(probe);
    assert_int_equal(offered_bytes(comment), longest);
    assert_int_equal(offered_bytes(comment + step), 0);
}

/* wolfSSL fails where it would have to offer a longer one. */
static void ticket_of_tls13_is_kept_up_to_1536_bytes(void **state)
{
    (void)state;
    assert_longest_ticket("-verify 1 -tls1_3", 1536);
}

/* What it goes with must fit into the same record, of 16 KiB. */
static void ticket_of_tls12_is_kept_up_to_15_kib(void **state)
{
    (void)state;
    assert_longest_ticket("-verify 1 -tls1_2", 15 << 10);
    assert_true(wire.said_len < 16384);
}

static time_t ahead_s;

/* wolfSSL's clock, which can be put on. */
time_t time(time_t *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec + ahead_s;
    return now.tv_sec + ahead_s;
}

static bool is_offered(struct tls_ticket *ticket, time_t after_s)
{
    struct span none = SPAN_NONE;

    b.options.ticket = ticket;
    b.options.output = bench_output;
    b.options.owner = &b.client;
    ahead_s = after_s;
    b.client.tls = tls_new_client(client, &b.options);
    assert_int_equal(tls_handshake(b.client.tls, &none), TLS_NEEDS_INPUT);
    ahead_s = 0;
    wire.said_len = 0;
    keep_first(wire.said, &wire.said_len, sizeof(wire.said), b.client.wire, b.client.len);
    bench_disconnect(&b);
    return said_ticket().len > 0;
}

/* Some seconds may pass as the test runs. */
static void ticket_is_offered_for_its_lifetime(void **state)
{
    static const time_t lifetime_s = 3600, slack_s = 30;

    (void)state;
    for (unsigned protocol = TLS_PROTOCOL_1_2; protocol <= TLS_PROTOCOL_1_3; protocol++) {
        assert_true(is_offered(bench_ticket(protocol), lifetime_s - slack_s));
        assert_false(is_offered(bench_ticket(protocol), lifetime_s));
    }
}

static void eight_tickets_wait_to_be_taken(void **state)
{
    static const struct {
        const char *of_server;
        size_t taken;
    } rows[] = {{"-tls1_3 -num_tickets 1", 1},
                {"-tls1_3 -num_tickets 8", 8},
                {"-tls1_3 -num_tickets 9", 8}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        serve(rows[i].of_server);
        tls_ticket_free(connect_with(NULL));
        assert_int_equal(wire.tickets_taken, rows[i].taken);
        stop();
    }
}

/* --- secrets --------------------------------------------------------------------------------- */

#define LINE_BYTES (sizeof("CLIENT_RANDOM  \n") - 1 + 2 * (32 + 48))

static size_t read_log(const char *name, char *out, size_t size)
{
    FILE *f = fopen(bench_path(name), "r");
    size_t len;

    assert_non_null(f);
    len = fread(out, 1, size - 1, f);
    out[len] = '\0';
    (void)fclose(f);
    return len;
}

/* The server writes down what it knows as well: first and resumed sessions, with an id and with
 * none. */
static void secret_is_the_one_that_the_server_has(void **state)
{
    static const char *const servers[] = {"-tls1_2 -no_ticket -keylogfile theirs0",
                                          "-tls1_2 -keylogfile theirs1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        char ours[2048], theirs[2048], mine[16], other[16];
        struct tls_client_settings s = client_settings(TLS_PROTOCOL_1_2);
        struct tls_ticket *ticket;

        (void)snprintf(mine, sizeof(mine), "ours%zu", i);
        (void)snprintf(other, sizeof(other), "theirs%zu", i);
        s.key_log_path = bench_path(mine);
        serve(servers[i]);
        make_client(&s);
        ticket = connect_with(NULL);
        tls_ticket_free(connect_with(tls_ticket_copy(ticket)));
        assert_true(tls_is_resumed(b.client.tls));
        tls_ticket_free(connect_with(ticket));
        tls_ticket_free(connect_with(NULL));
        stop();
        assert_int_equal(read_log(mine, ours, sizeof(ours)), 4 * LINE_BYTES);
        (void)read_log(other, theirs, sizeof(theirs));
        assert_non_null(strstr(theirs, ours));
    }
}

/* --- the end of memory ----------------------------------------------------------------------- */

static void without_memory_no_id_is_told(void **state)
{
    (void)state;
    serve("-tls1_2 -no_ticket");
    set_client(TLS_PROTOCOL_1_2);
    tls_ticket_free(connect_with(NULL));
    memory_is_scarce(0, 0);
    assert_int_equal(tls_session_id(b.client.tls).len, 0);
    assert_true(memory_was_scarce());
    assert_int_equal(tls_session_id(b.client.tls).len, ID_BYTES);
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_make(certificates, COUNT_OF(certificates));
    return 0;
}

static int tear_down_one(void **state)
{
    stop();
    return tear_down(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_one)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(id_is_the_one_that_the_server_gave),
        TEST(server_that_gave_no_id_leaves_none),
        TEST(servers_of_ours_give_no_id),
        TEST(session_without_a_ticket_is_found_by_its_id),
        TEST(ticket_of_tls12_goes_without_an_id),
        TEST(ticket_of_tls13_goes_with_a_new_id_each_time),
        TEST(server_that_keeps_nothing_gives_nothing_to_resume),
        TEST(ticket_of_tls13_is_kept_up_to_1536_bytes),
        TEST(ticket_of_tls12_is_kept_up_to_15_kib),
        TEST(ticket_is_offered_for_its_lifetime),
        TEST(eight_tickets_wait_to_be_taken),
        TEST(secret_is_the_one_that_the_server_has),
        TEST(without_memory_no_id_is_told),
    };

    return cmocka_run_group_tests(tests, set_up_all, bench_deinit);
}
