/* Tests of server/control: whole runs of it in a child, from start over reload to the end. */
#include "server/control.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "child.h"
#include "sandbox.h"
#include "scarce_memory.h"
#include "server/listener.h"
#include "server/pid_file.h"

#define SAID_BYTES 16384

struct world {
    char folder[64], conf[128], pid_file[128], socket[100], origin[100];
    pid_t child;   /* the process that was called */
    int error_fd;  /* its standard error, which is its log */
    size_t looked; /* what of the text was waited for already */
    size_t said_bytes;
    char said[SAID_BYTES];
    bool refuses_probes; /* the kernel does not tell the process what it can do */
};

struct wishes {
    const char *main, *server; /* directives */
    unsigned workers, connections;
    const char *events; /* more directives; NULL: none */
};

static void write_wishes(const struct world *w, const struct wishes *wishes)
{
    FILE *file = fopen(w->conf, "w");

    assert_non_null(file);
    assert_true(fprintf(file,
                        "%s%s pid %s; error_log stderr notice; worker_processes %u;\n"
                        "events { worker_connections %u; %s }\n"
                        "http { access_log off; server { listen unix:%s; %s } }\n",
                        geteuid() == 0 ? "user root; " : "", wishes->main, w->pid_file,
                        wishes->workers, wishes->connections, wishes->events ? wishes->events : "",
                        w->socket, wishes->server) > 0);
    assert_int_equal(fclose(file), 0);
}

static void write_conf(const struct world *w, const char *main_text, const char *server_text)
{
    write_wishes(w, &(struct wishes){main_text, server_text, 2, 16, NULL});
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    strcpy(w->folder, "/tmp/ringway-control-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->conf, sizeof(w->conf), "%s/conf", w->folder);
    snprintf(w->pid_file, sizeof(w->pid_file), "%s/pid", w->folder);
    snprintf(w->socket, sizeof(w->socket), "%s/socket", w->folder);
    snprintf(w->origin, sizeof(w->origin), "%s/origin", w->folder);
    write_conf(w, "daemon off;", "return 200 first;");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    (void)unlink(w->conf);
    (void)unlink(w->pid_file);
    (void)unlink(w->socket);
    (void)unlink(w->origin);
    assert_int_equal(close(w->error_fd), 0);
    assert_int_equal(rmdir(w->folder), 0);
    free(w);
    return 0;
}

static void serve(const struct world *w)
{
    struct options o = {.conf_path = w->conf};
    struct snapshot *snapshot;
    struct source source;
    char error[OPTIONS_ERROR_BYTES];

    if (w->refuses_probes)
        refuse_probes();
    EXPECT(source_init(&source, &o, error) == 0);
    EXPECT(source_build(&source, log_startup(), false, &snapshot) == 0);
    _exit(control_run(&source, snapshot));
}

static void start(struct world *w)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    w->error_fd = ends[0];
    w->child = fork();
    assert_true(w->child >= 0);
    if (w->child == 0) {
        /* A test that fails leaves nobody behind. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[1]);
        serve(w);
    }
    assert_int_equal(close(ends[1]), 0);
}

/* Reads on; false: nobody is left who could say something. */
static bool listen_on(struct world *w)
{
    ssize_t n = read(w->error_fd, w->said + w->said_bytes, SAID_BYTES - 1 - w->said_bytes);

    assert_true(n >= 0);
    w->said_bytes += (size_t)n;
    w->said[w->said_bytes] = '\0';
    return n > 0;
}

static void wait_for(struct world *w, const char *words)
{
    char *at;

    while (!(at = strstr(w->said + w->looked, words))) {
        if (!listen_on(w))
            fail_msg("no \"%s\" in:\n%s", words, w->said);
    }
    w->looked = (size_t)(at - w->said) + strlen(words);
}

static void wait_for_status(struct world *w, int expected)
{
    int status;

    assert_int_equal(waitpid(w->child, &status, 0), w->child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static void wait_for_end(struct world *w, int expected)
{
    while (listen_on(w))
        ;
    wait_for_status(w, expected);
}

static void signal_and_wait(struct world *w, int number, const char *words)
{
    assert_int_equal(kill(w->child, number), 0);
    wait_for(w, words);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    return un;
}

static int connect_to(const struct world *w)
{
    struct sockaddr_un un = address_of(w->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static int listen_at(const char *path)
{
    struct sockaddr_un un = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

/* All until the other side closes. */
static void read_answer(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
}

static void assert_answer(const struct world *w, const char *words)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char answer[1024];
    int fd = connect_to(w);

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    read_answer(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, words));
    assert_int_equal(close(fd), 0);
}

static pid_t pid_in_file(const struct world *w)
{
    char error[256];
    pid_t pid = 0;

    assert_int_equal(pid_file_read(span_of_cstr(w->pid_file), &pid, error, sizeof(error)), 0);
    return pid;
}

static void assert_nothing_left(const struct world *w)
{
    assert_int_equal(access(w->pid_file, F_OK), -1);
    assert_int_equal(access(w->socket, F_OK), -1);
}

static void serves_until_a_signal_and_leaves_nothing(void **state)
{
    struct world *w = *state;

    start(w);
    wait_for(w, "started: 2 workers, generation 1");
    wait_for(w, "listening on unix:");
    assert_int_equal(pid_in_file(w), w->child);
    assert_answer(w, "first");
    signal_and_wait(w, SIGTERM, "(SIGTERM) received");
    wait_for(w, "clients 0; connections served 1, taken over 0, handed over 0\n");
    wait_for(w, "stopped");
    wait_for_end(w, 0);
    assert_nothing_left(w);
}

/* The origin has the request before, and answers it after the signal. */
static void quit_lets_a_request_end(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char late[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    struct world *w = *state;
    char pass[256], text[1024];
    int listening = listen_at(w->origin), client, origin;

    snprintf(pass, sizeof(pass), "location / { proxy_pass http://unix:%s:; }", w->origin);
    write_conf(w, "daemon off;", pass);
    start(w);
    wait_for(w, "listening on unix:");
    client = connect_to(w);
    assert_int_equal(write(client, request, strlen(request)), strlen(request));
    origin = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(origin >= 0);
    assert_true(read(origin, text, sizeof(text)) > 0);
    signal_and_wait(w, SIGQUIT, "gracefully shutting down");
    assert_int_equal(write(origin, late, strlen(late)), strlen(late));
    read_answer(client, text, sizeof(text));
    assert_non_null(strstr(text, "late"));
    wait_for_end(w, 0);
    assert_nothing_left(w);
    assert_int_equal(close(client), 0);
    assert_int_equal(close(origin), 0);
    assert_int_equal(close(listening), 0);
}

/* The origin never answers: the second signal ends what the first one waits for. */
static void second_signal_ends_what_quit_waits_for(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct world *w = *state;
    char pass[256];
    int listening = listen_at(w->origin), client, origin;

    snprintf(pass, sizeof(pass), "location / { proxy_pass http://unix:%s:; }", w->origin);
    write_conf(w, "daemon off;", pass);
    start(w);
    wait_for(w, "listening on unix:");
    client = connect_to(w);
    assert_int_equal(write(client, request, strlen(request)), strlen(request));
    origin = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(origin >= 0);
    signal_and_wait(w, SIGQUIT, "gracefully shutting down");
    signal_and_wait(w, SIGTERM, "(SIGTERM) received");
    wait_for_end(w, 0);
    assert_nothing_left(w);
    assert_int_equal(close(client), 0);
    assert_int_equal(close(origin), 0);
    assert_int_equal(close(listening), 0);
}

static void reload_takes_the_new_configuration(void **state)
{
    struct world *w = *state;

    start(w);
    wait_for(w, "listening on unix:");
    for (unsigned i = 0; i < 3; i++) {
        char text[64], words[64];

        snprintf(text, sizeof(text), "return 200 text-%u;", i);
        snprintf(words, sizeof(words), "reloaded: generation %u", i + 2);
        write_conf(w, "daemon off;", text);
        signal_and_wait(w, SIGHUP, words);
        snprintf(words, sizeof(words), "text-%u", i);
        assert_answer(w, words);
    }
    assert_int_equal(kill(w->child, SIGTERM), 0);
    wait_for_end(w, 0);
    assert_nothing_left(w);
}

static void reload_of_a_wrong_configuration_changes_nothing(void **state)
{
    struct world *w = *state;

    start(w);
    wait_for(w, "listening on unix:");
    write_conf(w, "daemon off;", "no_such_directive;");
    signal_and_wait(w, SIGHUP, "unknown directive \"no_such_directive\"");
    wait_for(w, "configuration not reloaded: generation 1 stays in force");
    assert_answer(w, "first");
    write_conf(w, "daemon off;", "listen unix:/no/such/folder/s; return 200 second;");
    signal_and_wait(w, SIGHUP, "configuration not reloaded: generation 1 stays in force");
    assert_answer(w, "first");
    assert_int_equal(kill(w->child, SIGTERM), 0);
    wait_for_end(w, 0);
    assert_nothing_left(w);
}

/* There is memory for the listener of the start, but not for the one that the reload adds. */
static void reload_that_no_worker_takes_changes_nothing(void **state)
{
    static const char refusal[] = "worker 0 keeps the configuration before: Cannot allocate memory";
    struct world *w = *state;
    char other[100], text[256];

    snprintf(other, sizeof(other), "%s/other", w->folder);
    snprintf(text, sizeof(text), "listen unix:%s; return 200 second;", other);
    write_wishes(w, &(struct wishes){"daemon off;", "return 200 first;", 1, 16});
    memory_is_scarce(sizeof(struct listener), 1);
    start(w);
    (void)memory_was_scarce();
    wait_for(w, "listening on unix:");
    write_wishes(w, &(struct wishes){"daemon off;", text, 1, 16});
    signal_and_wait(w, SIGHUP, refusal);
    wait_for(w, "configuration not reloaded: generation 1 stays in force");
    assert_answer(w, "first");
    assert_int_equal(access(other, F_OK), -1);
    signal_and_wait(w, SIGHUP, "reloaded: generation 2");
    assert_answer(w, "second");
    assert_int_equal(kill(w->child, SIGTERM), 0);
    wait_for_end(w, 0);
    assert_null(strstr(strstr(w->said, refusal) + 1, refusal)); /* said once */
    assert_int_equal(access(other, F_OK), -1);
    assert_nothing_left(w);
}

static void what_needs_a_restart_is_said_and_left(void **state)
{
    struct world *w = *state;

    start(w);
    wait_for(w, "listening on unix:");
    write_wishes(w, &(struct wishes){"daemon off;", "return 200 second;", 3, 17,
                                     "ring_entries 64; receive_buffers 8 4k; send_high_water 16k; "
                                     "send_zerocopy 19k; busy_poll 7;"});
    signal_and_wait(w, SIGHUP, "worker_processes 3 takes effect after a restart: 2 workers go on");
    wait_for(w, "worker_connections 17 takes effect after a restart");
    wait_for(w, "ring_entries 64 takes effect after a restart");
    wait_for(w, "receive_buffers 8 4096 takes effect after a restart");
    wait_for(w, "send_high_water 16384 takes effect after a restart");
    wait_for(w, "send_zerocopy 19456 takes effect after a restart");
    wait_for(w, "busy_poll 7 takes effect after a restart");
    wait_for(w, "reloaded: generation 2");
    assert_answer(w, "second");
    assert_int_equal(kill(w->child, SIGTERM), 0);
    wait_for_end(w, 0);
    assert_nothing_left(w);
}

static void zerocopy_that_the_kernel_does_not_offer_is_warned_about(void **state)
{
    struct world *w = *state;

    w->refuses_probes = true;
    write_wishes(w,
                 &(struct wishes){"daemon off;", "return 200 first;", 1, 16, "send_zerocopy 16k;"});
    start(w);
    wait_for(w, "[warn] ");
    wait_for(w, "send_zerocopy has no effect: this kernel");
    wait_for(w, "listening on unix:");
    assert_answer(w, "first");
    assert_int_equal(kill(w->child, SIGTERM), 0);
    wait_for_end(w, 0);
    assert_nothing_left(w);
}

static void log_files_are_opened_again(void **state)
{
    struct world *w = *state;

    start(w);
    wait_for(w, "listening on unix:");
    signal_and_wait(w, SIGUSR1, "log files are opened again");
    assert_answer(w, "first");
    assert_int_equal(kill(w->child, SIGINT), 0);
    wait_for_end(w, 0);
}

static void address_that_somebody_has_is_no_start(void **state)
{
    struct world *w = *state;
    int fd = listen_at(w->socket);

    start(w);
    wait_for_end(w, 1);
    assert_memory_equal(w->said, "ringway: [emerg] ", 17);
    assert_non_null(strstr(w->said, w->socket));
    assert_ptr_equal(strchr(w->said, '\n'), w->said + w->said_bytes - 1); /* one line */
    assert_int_equal(access(w->pid_file, F_OK), -1);
    assert_int_equal(access(w->socket, F_OK), 0); /* it is the other's */
    assert_int_equal(close(fd), 0);
}

static void pid_file_that_cannot_be_written_is_no_start(void **state)
{
    struct world *w = *state;

    assert_int_equal(mkdir(w->pid_file, 0700), 0);
    start(w);
    wait_for_end(w, 1);
    assert_non_null(strstr(w->said, w->pid_file));
    assert_int_equal(access(w->socket, F_OK), -1);
    assert_int_equal(rmdir(w->pid_file), 0);
}

static void process_in_the_background_is_the_one_of_the_pid_file(void **state)
{
    struct world *w = *state;
    pid_t pid;

    write_conf(w, "daemon on;", "return 200 first;");
    start(w);
    wait_for_status(w, 0);
    pid = pid_in_file(w);
    assert_int_not_equal(pid, w->child);
    assert_answer(w, "first");
    assert_int_equal(kill(pid, SIGTERM), 0);
    while (listen_on(w))
        ;
    assert_nothing_left(w);
}

#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(serves_until_a_signal_and_leaves_nothing),
        CONTROL_TEST(quit_lets_a_request_end),
        CONTROL_TEST(second_signal_ends_what_quit_waits_for),
        CONTROL_TEST(reload_takes_the_new_configuration),
        CONTROL_TEST(reload_of_a_wrong_configuration_changes_nothing),
        CONTROL_TEST(reload_that_no_worker_takes_changes_nothing),
        CONTROL_TEST(what_needs_a_restart_is_said_and_left),
        CONTROL_TEST(zerocopy_that_the_kernel_does_not_offer_is_warned_about),
        CONTROL_TEST(log_files_are_opened_again),
        CONTROL_TEST(address_that_somebody_has_is_no_start),
        CONTROL_TEST(pid_file_that_cannot_be_written_is_no_start),
        CONTROL_TEST(process_in_the_background_is_the_one_of_the_pid_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
