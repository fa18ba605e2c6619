/* proxy_rewrite - whole requests through whole configurations: scripts, locations, templates and
 * what is written of them. Whatever the client, the upstream and the file say together, each head
 * that goes out is one head, rewriting comes to an end, and all that was taken comes back.
 *
 * The parts of the input: the text of the http block, that of a server in it, what upstreams answer
 * (nothing: a usual answer), and what clients send, each on a connection of its own.
 *
 * Nothing leaves the process: a connection to an upstream ends here, what is opened for writing is
 * /dev/null, files are read below the working directory only, and time goes on when nothing else
 * does. The linker's --wrap makes it so. */
#include "../fuzz_parts.h"

#include "conf/build.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "http/message.h"
#include "proxy/access.h"
#include "server/pools.h"

#define CONNECTIONS (PARTS_MAX - 3) /* of clients; what goes beyond is theirs no more */
#define ORIGINS_MAX 32
#define END_BYTES 65536 /* of what one end reads, as much is looked at */
#define TURNS_MAX 2000
#define USUAL_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Origin: one\r\n\r\nok"
#define CANARY "injected"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The test's end of a connection. */
struct end {
    int fd;
    size_t len;
    bool has_ended, has_answered;
    char bytes[END_BYTES];
};

static struct {
    uint64_t now_us;
    struct engine engine;
    struct client_pool clients;
    _Atomic uint64_t numbers;
    struct end client, origins[ORIGINS_MAX];
    size_t origin_count;
    struct span answer;
    bool has_canary; /* a line of that name can only be one that was injected */
} world;

/* --- what the process meets instead of the machine -------------------------------------------- */

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_mkostemp64(char *path, int flags);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_unlink(const char *path);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
void __wrap_loop_connect(struct loop *l, struct op *op, int fd, const struct address *a);
enum exchange_result __real_exchange_run(struct exchange *x);
enum exchange_result __wrap_exchange_run(struct exchange *x);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    if (clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, ts);
    *ts = (struct timespec){.tv_sec = (time_t)(world.now_us / 1000000),
                            .tv_nsec = (long)(world.now_us % 1000000 * 1000)};
    return 0;
}

int __wrap_open64(const char *path, int flags, ...)
{
    if ((flags & O_ACCMODE) == O_RDWR)
        return memfd_create("temporary", MFD_CLOEXEC);
    if ((flags & O_ACCMODE) != O_RDONLY)
        return __real_open64("/dev/null", O_WRONLY | O_CLOEXEC);
    if (path[0] == '/') {
        errno = ENOENT;
        return -1;
    }
    return __real_open64(path, flags);
}

int __wrap_mkostemp64(char *path, int flags)
{
    errno = EACCES;
    return -1;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    errno = EACCES;
    return -1;
}

int __wrap_unlink(const char *path)
{
    errno = EACCES;
    return -1;
}

/* No log server hears anything. */
int __wrap_socket(int family, int type, int protocol)
{
    if (type & SOCK_STREAM)
        return __real_socket(family, type, protocol);
    errno = EACCES;
    return -1;
}

/* A pair of ends, ours in ends[1], which does not block. */
static void make_pair(int ends[2])
{
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);

    assert(rc == 0);
    rc = fcntl(ends[1], F_SETFL, O_NONBLOCK);
    assert(rc == 0);
}

static void end_begin(struct end *e, int fd)
{
    e->fd = fd;
    e->len = 0;
    e->has_ended = e->has_answered = false;
}

/* Sending nothing comes to 0, as connecting would. */
void __wrap_loop_connect(struct loop *l, struct op *op, int fd, const struct address *a)
{
    int ends[2], rc;

    if (world.origin_count < ORIGINS_MAX) {
        make_pair(ends);
        rc = dup3(ends[0], fd, O_CLOEXEC);
        assert(rc == fd);
        close(ends[0]);
        end_begin(&world.origins[world.origin_count++], ends[1]);
    }
    loop_send(l, op, fd, SPAN(""));
}

/* --- heads ------------------------------------------------------------------------------------ */

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (((unsigned char)s.data[i] < 0x20 && s.data[i] != '\t') || s.data[i] == 0x7f)
            return false;
    }
    return true;
}

/* Up to the separator, which goes too. */
static struct span cut_at(struct span *rest, char separator)
{
    size_t at = span_index_of(*rest, separator);
    struct span part = span_take(*rest, at);

    assert(at < rest->len);
    *rest = span_skip(*rest, at + 1);
    return part;
}

/* RFC 9112 section 3: method, target and version, with one space between them. */
static void check_request_line(struct span line)
{
    struct span method = cut_at(&line, ' '), target = cut_at(&line, ' ');

    assert(field_name_is_valid(method));
    assert(target.len);
    for (size_t i = 0; i < target.len; i++)
        assert((unsigned char)target.data[i] > ' ' && target.data[i] != 0x7f);
    assert(span_equals(line, SPAN("HTTP/1.0")) || span_equals(line, SPAN("HTTP/1.1")));
}

/* RFC 9112 section 4. */
static void check_status_line(struct span line)
{
    assert(span_starts_with(line, SPAN("HTTP/1.1 ")));
    assert(line.len >= 13);
    for (size_t i = 9; i < 12; i++)
        assert(line.data[i] >= '0' && line.data[i] <= '9');
    assert(line.data[12] == ' ');
    assert(is_text(line));
}

static void check_field(struct span line)
{
    struct span name = cut_at(&line, ':');

    assert(field_name_is_valid(name));
    assert(line.len && line.data[0] == ' ');
    assert(is_text(line));
    assert(!world.has_canary || !span_equals_nocase(name, SPAN(CANARY)));
}

/* The length of the head that stands there; 0: it is not whole. */
static size_t check_head(struct span bytes, void (*check_first)(struct span line))
{
    const char *end = bytes.len ? memmem(bytes.data, bytes.len, "\r\n\r\n", 4) : NULL;
    struct span rest;
    bool is_first = true;

    if (!end)
        return 0;
    rest = span_of(bytes.data, (size_t)(end + 2 - bytes.data));
    while (rest.len) {
        struct span line = cut_at(&rest, '\n');

        assert(line.len > 1);
        assert(line.data[line.len - 1] == '\r');
        line.len--;
        if (is_first)
            check_first(line);
        else
            check_field(line);
        is_first = false;
    }
    return (size_t)(end + 4 - bytes.data);
}

/* Interim ones, and the first that is final; what follows may be anybody's body. */
static void check_responses(struct span bytes)
{
    size_t len;

    do {
        bool is_interim = bytes.len > 9 && bytes.data[9] == '1';

        len = check_head(bytes, check_status_line);
        bytes = span_skip(bytes, len);
        if (!is_interim)
            return;
    } while (len);
}

/* Each time that an exchange has done what it could: its path is one, and one too many of its
 * redirects is an error that nothing stands in for. */
enum exchange_result __wrap_exchange_run(struct exchange *x)
{
    enum exchange_result result = __real_exchange_run(x);
    struct span path = x->request.head.path;

    if (x->is_head_good)
        assert(path.data[0] == '/' || span_equals(path, SPAN("*")));
    assert(x->redirect_count <= REDIRECTS_MAX + 1);
    if (x->redirect_count > REDIRECTS_MAX && result != EXCHANGE_WAITS && x->record.status)
        assert(x->record.status == 500);
    return result;
}

/* --- both other ends -------------------------------------------------------------------------- */

/* True when something came, or the end. */
static bool end_read(struct end *e)
{
    static char beyond[4096];
    ssize_t n;
    bool has_room = e->len < sizeof(e->bytes);

    if (e->has_ended)
        return false;
    n = has_room ? read(e->fd, e->bytes + e->len, sizeof(e->bytes) - e->len)
                 : read(e->fd, beyond, sizeof(beyond));
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n > 0 && has_room)
        e->len += (size_t)n;
    e->has_ended = n <= 0;
    return true;
}

static void end_write(struct end *e, struct span text)
{
    /* Less is taken where the other side has left. */
    (void)!send(e->fd, text.data, text.len, MSG_NOSIGNAL);
}

/* A head is checked and answered; then the connection ends. */
static bool origin_works(struct end *o)
{
    if (!end_read(o))
        return false;
    /* Else a TLS record, as of a handshake. */
    if (!o->has_answered && o->len && o->bytes[0] != 0x16 &&
        check_head(span_of(o->bytes, o->len), check_request_line)) {
        end_write(o, world.answer);
        (void)shutdown(o->fd, SHUT_WR);
        o->has_answered = true;
    }
    return true;
}

/* One turn of all; true when anything moved. */
static bool all_work(uint64_t wait_ms)
{
    bool has_moved;

    loop_turn(world.engine.loop, wait_ms);
    has_moved = end_read(&world.client);
    for (size_t i = 0; i < world.origin_count; i++)
        has_moved |= origin_works(&world.origins[i]);
    return has_moved;
}

/* A client's connection, until all that it sent is answered, or nothing comes of it. What waits
 * may wait for a file, which takes its time, or for a clock, which is ours; some clients do not. */
static void visit(struct view *view, struct span sent)
{
    static const uint64_t pauses_ms[] = {0, 0, 0, 0, 1, 100, 1000, 61 * 1000, 600 * 1000};
    size_t patience = sent.len % 4 ? COUNT_OF(pauses_ms) : 4;
    int ends[2];

    make_pair(ends);
    end_begin(&world.client, ends[1]);
    client_accept(&world.clients, view, &view->snapshot->listens[0], ends[0]);
    end_write(&world.client, sent);
    for (size_t turn = 0, idle = 0; turn < TURNS_MAX && idle < patience; turn++) {
        idle = all_work(idle > 3) ? 0 : idle + 1;
        if (world.client.has_ended || (idle > 2 && !world.engine.exchanges.count_taken))
            break;
        world.now_us += idle ? pauses_ms[idle - 1] * 1000 : 0;
    }
    check_responses(span_of(world.client.bytes, world.client.len));
    close(world.client.fd);
    world.client.has_ended = true;
}

/* --- a worker --------------------------------------------------------------------------------- */

static void make_worker(void)
{
    struct engine *e = &world.engine;
    struct loop_options o = {
        .entries = 64, .small_buffer_count = 64, .large_buffer_count = 8, .stats = &e->stats};
    char error[256];
    int rc = loop_new(&o, &e->loop, error, sizeof(error));

    assert(rc == 0);
    list_init(&e->resolvers);
}

#define turn_until(condition)                     \
    do {                                          \
        for (unsigned i = 0; !(condition); i++) { \
            assert(i < TURNS_MAX);                \
            (void)all_work(i > 10);               \
            world.now_us += i > 10 ? 1000 : 0;    \
        }                                         \
    } while (0)

static void begin_work(void)
{
    int rc;

    access_init(&world.engine);
    rc = pools_init(&world.engine, &world.clients, CONNECTIONS);
    assert(rc == 0);
    world.clients.is_draining = false;
    world.clients.numbers = &world.numbers;
    world.numbers = 0;
    world.origin_count = 0;
}

/* Everything must have come back. */
static void end_work(void)
{
    access_deinit(&world.engine);
    pools_deinit(&world.engine, &world.clients);
    world.engine.user_files = NULL;
    for (size_t i = 0; i < world.origin_count; i++)
        close(world.origins[i].fd);
}

static void leave(struct view *view)
{
    clients_abort(&world.clients);
    turn_until(!world.clients.count);
    view_retire(view);
    turn_until(!world.engine.upstream_conns.count_taken);
    access_flush(&world.engine);
    turn_until(!access_is_busy(&world.engine));
    assert(view->ref_count == 1);
    view_unref(view);
}

static void serve(struct snapshot *s, const struct span *sent, size_t count)
{
    char error[TLS_ERROR_BYTES];
    struct view *view;

    begin_work();
    if (view_new(&world.engine, s, &view, error) == 0) {
        world.clients.view = view;
        for (size_t i = 0; i < count; i++)
            visit(view, sent[i]);
        leave(view);
    }
    end_work();
}

/* Names would be asked for elsewhere. */
static bool is_usable(struct snapshot *s)
{
    char error[TLS_ERROR_BYTES];

    return s->listen_count && !s->resolver_count &&
           !snapshot_take_zones(s, NULL, error, sizeof(error)) &&
           !snapshot_open_logs(s, error, sizeof(error));
}

/* --- the input -------------------------------------------------------------------------------- */

/* No line of a head has the canary's name unless it was injected: it stands only behind an escaped
 * end of a line. */
static bool canary_is_escaped(struct span input)
{
    bool is_there = false;

    for (size_t i = 0; i + sizeof(CANARY) - 1 <= input.len; i++) {
        if (!span_equals_nocase(span_take(span_skip(input, i), sizeof(CANARY) - 1), SPAN(CANARY)))
            continue;
        is_there = true;
        if (i < 3 || !span_equals_nocase(span_of(input.data + i - 3, 3), SPAN("%0a")))
            return false;
    }
    return is_there;
}

static struct snapshot *built(struct span http, struct span server)
{
    static char text[PART_BYTES_MAX];
    static const struct log silence;
    int len = snprintf(text, sizeof(text),
                       "events {}\nhttp {\naccess_log off;\n%.*s\nserver {\nlisten 8080;\n"
                       "server_name www.test;\n%.*s\n}}\n",
                       SPAN_ARG(http), SPAN_ARG(server));
    const struct build_options o = {
        .text = span_of(text, (size_t)len),
        .text_name = "fuzz.conf",
        .prefix = ".",
        .error_log = "/dev/null",
        .reads_nothing = true,
    };
    struct snapshot *s = NULL;

    if (len >= 0 && (size_t)len < sizeof(text))
        (void)!snapshot_build(&o, &silence, &s);
    return s;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    /* As the library's code does it: were that not to come to ours, files would be written. */
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert(fd < 0);
    make_worker();
    return tls_library_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of((const char *)data, size), parts[PARTS_MAX];
    size_t count = parts_of(input, parts);
    struct snapshot *s;

    if (count < 4)
        return 0;
    world.answer = parts[2].len ? parts[2] : SPAN(USUAL_ANSWER);
    world.has_canary = canary_is_escaped(input);
    s = built(parts[0], parts[1]);
    if (s && is_usable(s))
        serve(s, parts + 3, count - 3);
    snapshot_unref(s);
    return 0;
}
