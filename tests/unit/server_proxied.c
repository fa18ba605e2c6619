/* Tests of server/proxied: the PROXY header of a connection, in whatever pieces it comes. */
#include "../conn_fixture.h"

#include "server/proxied.h"

#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n"
#define BYTES                              \
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x12" \
    "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x50\x02\x00\x03web"

struct arrival {
    struct turning t;
    struct conn conn;
    struct task task;
    int other;
    struct proxied *proxied;
};

static void idle(struct task *task)
{
    (void)task;
}

static int set_up(void **state)
{
    struct arrival *a = calloc(1, sizeof(*a));
    int fds[2];

    assert_non_null(a);
    turning_init(&a->t);
    task_init(&a->task, idle);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    conn_init(&a->conn, a->t.loop, &a->t.chunks, fds[0], &a->task);
    a->other = fds[1];
    a->proxied = proxied_new();
    assert_non_null(a->proxied);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    struct arrival *a = *state;

    proxied_free(a->proxied);
    conn_abort(&a->conn, false);
    turn_until(a->t.loop, conn_is_closed(&a->conn));
    conn_deinit(&a->conn);
    task_cancel(&a->task);
    close(a->other);
    turning_deinit(&a->t);
    free(a);
    return 0;
}

static enum proxied_result after(struct arrival *a, struct span bytes)
{
    uint64_t before = a->conn.received_bytes;

    assert_int_equal(proxied_read(&a->proxied, &a->conn), PROXIED_WAITS);
    assert_int_equal(write(a->other, bytes.data, bytes.len), bytes.len);
    turn_until(a->t.loop, a->conn.received_bytes == before + bytes.len);
    return proxied_read(&a->proxied, &a->conn);
}

static void what_follows_the_header_stays(void **state)
{
    struct arrival *a = *state;

    assert_int_equal(after(a, SPAN(LINE "GET /")), PROXIED_READY);
    assert_true(span_equals(conn_input(&a->conn), SPAN("GET /")));
    assert_int_equal(a->proxied->header.source.port, 50000);
    assert_int_equal(a->proxied->header.tlvs.len, 0);
}

static void a_header_may_come_byte_by_byte(void **state)
{
    struct arrival *a = *state;
    struct span bytes = SPAN(BYTES);
    char scratch[PROXY_TLV_TEXT_BYTES];

    for (size_t i = 0; i + 1 < bytes.len; i++)
        assert_int_equal(after(a, span_of(bytes.data + i, 1)), PROXIED_WAITS);
    assert_int_equal(after(a, span_of(bytes.data + bytes.len - 1, 1)), PROXIED_READY);
    assert_int_equal(conn_input(&a->conn).len, 0);
    assert_true(span_equals(proxy_header_tlv(&a->proxied->header, SPAN("authority"), scratch),
                            SPAN("web")));
}

static void what_is_none_is_broken_and_kept_to_be_shown(void **state)
{
    struct arrival *a = *state;

    assert_int_equal(after(a, SPAN("PRO")), PROXIED_WAITS);
    assert_int_equal(after(a, SPAN("FIT")), PROXIED_BROKEN);
    assert_true(span_equals(span_of(a->proxied->bytes, a->proxied->len), SPAN("PROFIT")));
}

static void a_client_may_end_before_its_header_does(void **state)
{
    struct arrival *a = *state;

    assert_int_equal(after(a, SPAN("PROXY ")), PROXIED_WAITS);
    assert_int_equal(shutdown(a->other, SHUT_WR), 0);
    turn_until(a->t.loop, conn_end(&a->conn) != CONN_END_NONE);
    assert_int_equal(proxied_read(&a->proxied, &a->conn), PROXIED_ENDED);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(what_follows_the_header_stays),
        CLAIM(a_header_may_come_byte_by_byte),
        CLAIM(what_is_none_is_broken_and_kept_to_be_shown),
        CLAIM(a_client_may_end_before_its_header_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
