/* Tests of io/resolver. The server is the test itself: it answers when it is told to. */
#include "../loop_fixture.h"

#include <arpa/inet.h>
#include <sys/resource.h>

#include "io/resolver.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_CNAME 5
#define CODE_NXDOMAIN 3
#define LIFE_S 60

struct fixture {
    struct turning turning;
    struct list all;
    struct resolver *resolver;
    struct task task;
    unsigned run_count;
    int server;
    struct address server_address;
    unsigned question_count;
    bool is_silent;
    /* What it says. */
    unsigned code;
    const char *ip4[3], *ip6[3];
    bool has_alias;
    uint32_t life_s;
};

static void count_run(struct task *t)
{
    container_of(t, struct fixture, task)->run_count++;
}

static void open_server(struct fixture *f)
{
    socklen_t size = sizeof(f->server_address.u.in);

    f->server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    f->server_address = (struct address){.len = size};
    f->server_address.u.in.sin_family = AF_INET;
    f->server_address.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(f->server, &f->server_address.u.any, size), 0);
    assert_int_equal(getsockname(f->server, &f->server_address.u.any, &size), 0);
}

static void make_resolver(struct fixture *f, struct resolver_settings s)
{
    s.servers = &f->server_address;
    s.server_count = 1;
    assert_int_equal(resolver_new(f->turning.loop, &f->all, &s, &f->resolver), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    turning_init(&f->turning);
    list_init(&f->all);
    task_init(&f->task, count_run);
    f->life_s = LIFE_S;
    open_server(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->resolver) {
        resolvers_cancel(&f->all);
        turn_until(f->turning.loop, resolvers_are_quiet(&f->all));
        resolver_close(f->resolver);
    }
    turn_until(f->turning.loop, list_is_empty(&f->all));
    task_cancel(&f->task);
    close(f->server);
    turning_deinit(&f->turning);
    free(f);
    return 0;
}

/* ---- the server ---- */

struct reply {
    unsigned char bytes[1024];
    size_t len;
};

static void put16(struct reply *r, unsigned value)
{
    r->bytes[r->len++] = (unsigned char)(value >> 8);
    r->bytes[r->len++] = (unsigned char)value;
}

/* A record whose name is at that offset. */
static void put_record(struct reply *r, unsigned name_at, unsigned type, uint32_t life_s,
                       const void *data, unsigned size)
{
    put16(r, 0xc000 | name_at);
    put16(r, type);
    put16(r, 1);
    put16(r, life_s >> 16);
    put16(r, life_s & 0xffff);
    put16(r, size);
    memcpy(r->bytes + r->len, data, size);
    r->len += size;
    r->bytes[7]++;
}

static void put_addresses(struct fixture *f, struct reply *r, unsigned type, unsigned name_at)
{
    const char *const *all = type == TYPE_A ? f->ip4 : f->ip6;
    unsigned char ip[16];

    for (size_t i = 0; i < COUNT_OF(f->ip4) && all[i]; i++) {
        assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, all[i], ip), 1);
        put_record(r, name_at, type, f->life_s, ip, type == TYPE_A ? 4 : 16);
    }
}

/* The question as it came, marked as an answer, with what the test wants behind it. */
static void reply_to(struct fixture *f, struct reply *r, size_t question_end)
{
    unsigned type = r->bytes[question_end - 3];
    unsigned name_at = 12;

    r->len = question_end;
    r->bytes[2] |= 0x80;
    r->bytes[3] = (unsigned char)(0x80 | f->code);
    memset(r->bytes + 6, 0, 6);
    if (f->code)
        return;
    if (f->has_alias) {
        put_record(r, 12, TYPE_CNAME, 1, "\5other", 7);
        name_at = (unsigned)r->len - 7;
    }
    put_addresses(f, r, type, name_at);
}

static void serve(struct fixture *f)
{
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    struct reply r;
    ssize_t n;

    while ((n = recvfrom(f->server, r.bytes, 512, 0, (struct sockaddr *)&from, &size)) > 0) {
        size_t at = 12;

        f->question_count++;
        while (r.bytes[at])
            at += r.bytes[at] + 1u;
        reply_to(f, &r, at + 5);
        if (!f->is_silent)
            assert_int_equal(sendto(f->server, r.bytes, r.len, 0, (struct sockaddr *)&from, size),
                             r.len);
    }
}

/* ---- asking ---- */

static void ask(struct fixture *f, const char *name, struct resolver_wait *w,
                enum resolver_state state)
{
    if (resolver_ask(f->resolver, span_of_cstr(name), &f->task, w) != state)
        fail_msg("%s", name);
}

static void await(struct fixture *f, struct resolver_wait *w, enum resolver_state state)
{
    turn_until(f->turning.loop,
               (serve(f), resolver_wait_state(w) != RESOLVER_ASKS && f->run_count > 0));
    assert_int_equal(resolver_wait_state(w), state);
}

/* "192.0.2.1 2001:db8::1": what it knows. */
static const char *known(const struct resolver_wait *w)
{
    static char text[1024];
    size_t count, len = 0;
    const struct address *all = resolver_wait_addresses(w, &count);

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char one[ADDRESS_TEXT_BYTES];
        struct endpoint e = endpoint_of(&all[i]);

        endpoint_format_host(&e, one);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", one);
    }
    return text;
}

static const struct resolver_settings both = {.wants_ip4 = true, .wants_ip6 = true};
static const struct resolver_settings only_ip4 = {.wants_ip4 = true};
static const struct resolver_settings only_ip6 = {.wants_ip6 = true};

static void a_name_has_addresses_of_both_kinds(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.2";
    f->ip4[1] = "192.0.2.1";
    f->ip4[2] = "192.0.2.2";
    f->ip6[0] = "2001:db8::1";
    make_resolver(f, both);
    ask(f, "A.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    assert_string_equal(known(&w), "192.0.2.1 192.0.2.2 2001:db8::1");
    assert_int_equal(f->question_count, 2);
    resolver_wait_stop(&w);
}

static void kinds_that_are_off_are_not_asked_for(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.1";
    f->ip6[0] = "2001:db8::1";
    make_resolver(f, only_ip6);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    assert_string_equal(known(&w), "2001:db8::1");
    assert_int_equal(f->question_count, 1);
    resolver_wait_stop(&w);
}

static void what_is_known_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w, second;

    f->ip4[0] = "192.0.2.1";
    make_resolver(f, only_ip4);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    ask(f, "A.EXAMPLE", &second, RESOLVER_KNOWS);
    assert_string_equal(known(&second), "192.0.2.1");
    assert_int_equal(f->question_count, 1);
    resolver_wait_stop(&w);
    resolver_wait_stop(&second);
    resolver_wait_stop(&second); /* harmless */
}

static void who_asks_meanwhile_waits_with_the_first(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait first, second, third;

    f->ip4[0] = "192.0.2.1";
    make_resolver(f, only_ip4);
    ask(f, "a.example", &first, RESOLVER_ASKS);
    ask(f, "a.example", &second, RESOLVER_ASKS);
    ask(f, "a.example", &third, RESOLVER_ASKS);
    resolver_wait_stop(&first);
    await(f, &second, RESOLVER_KNOWS);
    assert_int_equal(resolver_wait_state(&third), RESOLVER_KNOWS);
    assert_int_equal(f->question_count, 1);
    resolver_wait_stop(&second);
    resolver_wait_stop(&third);
}

static void an_answer_lives_as_long_as_its_shortest_record(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.1";
    f->life_s = 0;
    make_resolver(f, only_ip4);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    assert_string_equal(known(&w), "192.0.2.1"); /* whoever waited has it still */
    resolver_wait_stop(&w);
    f->run_count = 0;
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    assert_int_equal(f->question_count, 2);
    resolver_wait_stop(&w);
}

static void an_alias_has_a_life_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;
    uint64_t known_ms;

    f->ip4[0] = "192.0.2.1";
    f->has_alias = true; /* for a second; the address for a minute */
    make_resolver(f, only_ip4);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    known_ms = loop_now_ms(f->turning.loop);
    resolver_wait_stop(&w);
    turn_until(f->turning.loop, loop_now_ms(f->turning.loop) > known_ms + 1000);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    resolver_wait_stop(&w);
}

static void valid_takes_the_place_of_the_servers_word(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.1";
    f->life_s = 0;
    make_resolver(
        f, (struct resolver_settings){.wants_ip4 = true, .has_valid = true, .valid_ms = 60000});
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_KNOWS);
    resolver_wait_stop(&w);
    ask(f, "a.example", &w, RESOLVER_KNOWS);
    resolver_wait_stop(&w);
}

static void a_failure_is_told_and_not_kept(void **state)
{
    static const struct {
        unsigned code; /* of DNS */
        int failure;
        const char *text;
    } rows[] = {
        {1, 1, "Format error"},   {CODE_NXDOMAIN, 3, "Host not found"},
        {0, 3, "Host not found"}, /* it has no address */
        {2, 2, "Server failure"}, {4, 2, "Server failure"},
        {5, 2, "Server failure"},
    };
    struct fixture *f = *state;

    make_resolver(f, only_ip4);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct resolver_failure failure;
        struct resolver_wait w;

        f->code = rows[i].code;
        f->run_count = 0;
        ask(f, "a.example", &w, RESOLVER_ASKS);
        await(f, &w, RESOLVER_FAILED);
        failure = resolver_wait_failure(&w);
        resolver_wait_stop(&w);
        if (failure.code != rows[i].failure || strcmp(failure.text, rows[i].text) != 0)
            fail_msg("%u: %d, %s", rows[i].code, failure.code, failure.text);
    }
}

static void a_want_of_descriptors_is_named(void **state)
{
    struct fixture *f = *state;
    struct resolver_failure failure;
    struct resolver_wait w;
    struct rlimit before, none;

    make_resolver(f, only_ip4);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask(f, "a.example", &w, RESOLVER_FAILED);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    failure = resolver_wait_failure(&w);
    resolver_wait_stop(&w);
    assert_int_equal(failure.code, EMFILE);
    assert_string_equal(failure.text, "Too many open files");
    f->code = 2; /* what a server says is not mistaken for it later */
    ask(f, "a.example", &w, RESOLVER_ASKS);
    await(f, &w, RESOLVER_FAILED);
    failure = resolver_wait_failure(&w);
    resolver_wait_stop(&w);
    assert_int_equal(failure.code, 2);
}

static void what_is_no_name_fails_at_once(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;
    char long_name[400];

    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    make_resolver(f, only_ip4);
    ask(f, long_name, &w, RESOLVER_FAILED);
    assert_int_equal(resolver_wait_failure(&w).code, 3);
    resolver_wait_stop(&w);
    ask(f, "a..b", &w, RESOLVER_FAILED);
    assert_int_equal(resolver_wait_failure(&w).code, 3);
    resolver_wait_stop(&w);
    assert_int_equal(f->question_count, 0);
}

static void who_stops_waiting_is_not_woken(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.1";
    make_resolver(f, only_ip4);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    resolver_wait_stop(&w);
    turn_until(f->turning.loop, (serve(f), f->question_count > 0));
    turn_until(f->turning.loop, resolvers_are_quiet(&f->all));
    assert_int_equal(f->run_count, 0);
    /* The answer was kept. */
    ask(f, "a.example", &w, RESOLVER_KNOWS);
    resolver_wait_stop(&w);
}

static void a_lost_question_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->ip4[0] = "192.0.2.1";
    f->is_silent = true;
    make_resolver(f, only_ip4);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    turn_until(f->turning.loop, (serve(f), f->question_count == 1));
    f->is_silent = false;
    await(f, &w, RESOLVER_KNOWS);
    assert_int_equal(f->question_count, 2);
    resolver_wait_stop(&w);
}

static void questions_have_a_limit(void **state)
{
    static struct resolver_wait waits[RESOLVER_QUESTIONS_MAX + 1];
    struct fixture *f = *state;
    char name[32];

    f->is_silent = true;
    make_resolver(f, only_ip4);
    for (int i = 0; i < RESOLVER_QUESTIONS_MAX; i++) {
        assert_true(snprintf(name, sizeof(name), "n%d.example", i) > 0);
        ask(f, name, &waits[i], RESOLVER_ASKS);
    }
    ask(f, "one.more", &waits[RESOLVER_QUESTIONS_MAX], RESOLVER_FAILED);
    assert_int_equal(resolver_wait_failure(&waits[RESOLVER_QUESTIONS_MAX]).code, 12);
    ask(f, "n0.example", &waits[RESOLVER_QUESTIONS_MAX], RESOLVER_ASKS); /* with others */
    for (int i = 0; i <= RESOLVER_QUESTIONS_MAX; i++)
        resolver_wait_stop(&waits[i]);
}

static void names_beyond_the_limit_drive_out_the_oldest(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;
    char name[32];

    f->ip4[0] = "192.0.2.1";
    make_resolver(f, only_ip4);
    for (int i = 0; i <= RESOLVER_NAMES_MAX; i++) {
        assert_true(snprintf(name, sizeof(name), "n%d.example", i) > 0);
        f->run_count = 0;
        ask(f, name, &w, RESOLVER_ASKS);
        await(f, &w, RESOLVER_KNOWS);
        resolver_wait_stop(&w);
        if (i == 0)
            continue;
        ask(f, "n0.example", &w, RESOLVER_KNOWS); /* the first is never the oldest */
        resolver_wait_stop(&w);
    }
    ask(f, "n2.example", &w, RESOLVER_KNOWS);
    resolver_wait_stop(&w);
    ask(f, "n1.example", &w, RESOLVER_ASKS);
    resolver_wait_stop(&w);
}

static void closing_does_not_wait_for_answers(void **state)
{
    struct fixture *f = *state;
    struct resolver_wait w;

    f->is_silent = true;
    make_resolver(f, both);
    ask(f, "a.example", &w, RESOLVER_ASKS);
    resolver_wait_stop(&w);
    turn_until(f->turning.loop, (serve(f), f->question_count > 0));
    resolver_close(f->resolver);
    f->resolver = NULL;
    turn_until(f->turning.loop, list_is_empty(&f->all));
    resolver_close(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_addresses_of_both_kinds),
        TEST(kinds_that_are_off_are_not_asked_for),
        TEST(what_is_known_is_not_asked_for_again),
        TEST(who_asks_meanwhile_waits_with_the_first),
        TEST(an_answer_lives_as_long_as_its_shortest_record),
        TEST(an_alias_has_a_life_of_its_own),
        TEST(valid_takes_the_place_of_the_servers_word),
        TEST(a_failure_is_told_and_not_kept),
        TEST(a_want_of_descriptors_is_named),
        TEST(what_is_no_name_fails_at_once),
        TEST(who_stops_waiting_is_not_woken),
        TEST(a_lost_question_is_asked_again),
        TEST(questions_have_a_limit),
        TEST(names_beyond_the_limit_drive_out_the_oldest),
        TEST(closing_does_not_wait_for_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
