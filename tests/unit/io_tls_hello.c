/* Tests of io/tls_hello: ClientHellos, whole, in pieces and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/tls_hello.h"

/* A message that is put together: its parts know their lengths. */
struct draft {
    unsigned char bytes[HELLO_BYTES_MAX + 4096];
    size_t len;
};

static void put(struct draft *d, const void *bytes, size_t n)
{
    assert_true(d->len + n <= sizeof(d->bytes));
    memcpy(d->bytes + d->len, bytes, n);
    d->len += n;
}

static void put_number(struct draft *d, size_t value, size_t bytes)
{
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(value >> (8 * bytes));

        put(d, &byte, 1);
    }
}

static void put_vector(struct draft *d, struct span s, size_t length_bytes)
{
    put_number(d, s.len, length_bytes);
    put(d, s.data, s.len);
}

static struct span span_of_draft(const struct draft *d)
{
    return span_of((const char *)d->bytes, d->len);
}

static void put_extension(struct draft *d, size_t type, struct span body)
{
    put_number(d, type, 2);
    put_vector(d, body, 2);
}

/* The handshake message with these extensions. */
static void write_message(struct draft *out, struct span extensions)
{
    static struct draft body;

    body.len = out->len = 0;
    put_number(&body, 0x0303, 2);
    put(&body, "0123456789abcdef0123456789abcdef", 32);
    put_vector(&body, SPAN("session"), 1);
    put_vector(&body, SPAN("\x13\x01\xc0\x2b"), 2);
    put_vector(&body, SPAN("\0"), 1);
    put_vector(&body, extensions, 2);
    put_number(out, 1, 1);
    put_vector(out, span_of_draft(&body), 3);
}

/* The same in records of at most so many bytes. */
static void write_records(struct draft *out, struct span message, size_t most)
{
    out->len = 0;
    while (message.len) {
        size_t n = size_min(message.len, most);

        put_number(out, 22, 1);
        put_number(out, 0x0301, 2);
        put_vector(out, span_take(message, n), 2);
        message = span_skip(message, n);
    }
}

static struct draft extensions, message, records;

#define NAME_EXTENSION \
    "\0\x0c\0\0\x09"   \
    "a.Example"

static void make(void)
{
    extensions.len = 0;
    put_extension(&extensions, 0, SPAN(NAME_EXTENSION));
    put_extension(&extensions, 13, SPAN("\0\x04\x04\x03\x08\x04"));
    put_extension(&extensions, 16, SPAN("\0\x0c\x02h2\x08http/1.1"));
    put_extension(&extensions, 43, SPAN("\x04\x03\x04\x03\x03"));
    put_extension(&extensions, 42, SPAN(""));
    put_extension(&extensions, 51, SPAN("\0\x0b\x0a\x0a\0\x01x\0\x1d\0\x02yy"));
    put_extension(&extensions, 0x2a2a, SPAN("grease"));
    write_message(&message, span_of_draft(&extensions));
}

static void assert_key_shares(struct span shares)
{
    uint16_t group;

    assert_true(tls_hello_next_key_share(&shares, &group));
    assert_int_equal(group, 0x0a0a);
    assert_true(tls_hello_next_key_share(&shares, &group));
    assert_int_equal(group, 0x001d);
    assert_false(tls_hello_next_key_share(&shares, &group));
    shares = SPAN("\0\x1d\0\x03yy");
    assert_false(tls_hello_next_key_share(&shares, &group));
}

static void assert_read(struct span bytes)
{
    struct tls_hello hello;
    char *joined;

    assert_int_equal(tls_hello_read(bytes, &hello, &joined), HELLO_OK);
    assert_true(hello.has_server_name);
    assert_true(span_equals(hello.server_name, SPAN("a.Example")));
    assert_true(tls_hello_offers_protocol(&hello, SPAN("http/1.1")));
    assert_true(tls_hello_offers_protocol(&hello, SPAN("h2")));
    assert_false(tls_hello_offers_protocol(&hello, SPAN("http/1")));
    assert_true(tls_hello_has_number(hello.signature_schemes, 0x0403));
    assert_true(tls_hello_has_number(hello.signature_schemes, 0x0804));
    assert_false(tls_hello_has_number(hello.signature_schemes, 0x0408));
    assert_true(tls_hello_has_number(hello.suites, 0xc02b));
    assert_true(hello.offers_tls13);
    assert_true(hello.sends_early);
    assert_key_shares(hello.key_shares);
    free(joined);
}

static void hello_is_read_from_one_record_or_many(void **state)
{
    static const size_t pieces[] = {16384, 100, 20, 5, 4, 3};

    (void)state;
    make();
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        write_records(&records, span_of_draft(&message), pieces[i]);
        if (message.len / pieces[i] < HELLO_RECORDS_MAX)
            assert_read(span_of_draft(&records));
    }
}

static void bytes_behind_do_not_matter(void **state)
{
    (void)state;
    make();
    write_records(&records, span_of_draft(&message), 16384);
    put(&records, "more", 4);
    assert_read(span_of_draft(&records));
}

static void every_prefix_needs_more(void **state)
{
    static const size_t pieces[] = {16384, 30};

    (void)state;
    make();
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        write_records(&records, span_of_draft(&message), pieces[i]);
        for (size_t len = 0; len < records.len; len++) {
            struct tls_hello hello;
            char *joined;
            char *exact = malloc(len + 1); /* so that a read behind it is noticed */

            memcpy(exact, records.bytes, len);
            assert_int_equal(tls_hello_read(span_of(exact, len), &hello, &joined),
                             HELLO_NEEDS_INPUT);
            free(exact);
        }
    }
}

/* Whatever a byte becomes: an answer, and nothing read outside. */
static void broken_bytes_are_survived(void **state)
{
    (void)state;
    make();
    for (size_t piece = 30; piece < 20000; piece += 16384) {
        write_records(&records, span_of_draft(&message), piece);
        for (size_t i = 0; i < records.len; i++) {
            for (unsigned flip = 1; flip < 256; flip *= 2) {
                struct tls_hello hello;
                char *joined, *exact = malloc(records.len);

                memcpy(exact, records.bytes, records.len);
                exact[i] = (char)(exact[i] ^ flip);
                (void)tls_hello_read(span_of(exact, records.len), &hello, &joined);
                free(joined);
                free(exact);
            }
        }
    }
}

static enum tls_hello_result read_text(struct span text)
{
    struct tls_hello hello;
    char *joined;
    enum tls_hello_result result = tls_hello_read(text, &hello, &joined);

    free(joined);
    return result;
}

static void what_is_no_hello_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(read_text(SPAN("GET / HTTP/1.1\r\n")), HELLO_IS_PLAIN_TEXT);
    assert_int_equal(read_text(SPAN("p")), HELLO_IS_PLAIN_TEXT);
    assert_int_equal(read_text(SPAN("\x80\x2e\x01\x03\x01")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x15\x03\x01\0\x02\x02\x28")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16\x02\0")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16\x03\x01\0\0")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16\x03\x01\x40\x01")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16\x03\x01\0\x04\x02\0\0\0")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16\x03\x01\0\x04\x01\xff\0\0")), HELLO_IS_BROKEN);
    assert_int_equal(read_text(SPAN("\x16")), HELLO_NEEDS_INPUT);
}

static enum tls_hello_result read_name(struct span extension)
{
    extensions.len = 0;
    put_extension(&extensions, 0, extension);
    write_message(&message, span_of_draft(&extensions));
    write_records(&records, span_of_draft(&message), 16384);
    return read_text(span_of_draft(&records));
}

static void names_have_to_be_names(void **state)
{
    char name[5 + 256] = "\x01\x03\0\x01\0";

    (void)state;
    assert_int_equal(read_name(SPAN(NAME_EXTENSION)), HELLO_OK);
    assert_int_equal(read_name(SPAN("\0\0")), HELLO_OK);
    assert_int_equal(read_name(SPAN("\0\x03\0\0\0")), HELLO_IS_BROKEN);
    assert_int_equal(read_name(SPAN("\0\x06\0\0\x03"
                                    "a\0b")),
                     HELLO_IS_BROKEN);
    assert_int_equal(read_name(SPAN("\0\x09\0\0\x03"
                                    "ab")),
                     HELLO_IS_BROKEN);
    memset(name + 5, 'a', 256);
    assert_int_equal(read_name(span_of(name, sizeof(name))), HELLO_IS_BROKEN);
    memcpy(name, "\x01\x02\0\0\xff", 5);
    assert_int_equal(read_name(span_of(name, 5 + 255)), HELLO_OK);
}

static void size_and_pieces_are_bounded(void **state)
{
    static char filler[HELLO_BYTES_MAX];
    struct tls_hello_buffer b = {.len = 0};

    (void)state;
    extensions.len = 0;
    put_extension(&extensions, 21, span_of(filler, 40000));
    write_message(&message, span_of_draft(&extensions));
    write_records(&records, span_of_draft(&message), 16384);
    assert_int_equal(read_text(span_of_draft(&records)), HELLO_OK);
    make();
    write_records(&records, span_of_draft(&message), 1);
    assert_int_equal(read_text(span_of_draft(&records)), HELLO_IS_BROKEN);
    assert_int_equal(tls_hello_buffer_add(&b, span_of(filler, sizeof(filler))), 0);
    assert_int_equal(tls_hello_buffer_add(&b, span_of(filler, sizeof(filler))), 0);
    assert_int_equal(tls_hello_buffer_add(&b, SPAN("x")), -EMSGSIZE);
    free(b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_read_from_one_record_or_many),
        cmocka_unit_test(bytes_behind_do_not_matter),
        cmocka_unit_test(every_prefix_needs_more),
        cmocka_unit_test(broken_bytes_are_survived),
        cmocka_unit_test(what_is_no_hello_is_told_apart),
        cmocka_unit_test(names_have_to_be_names),
        cmocka_unit_test(size_and_pieces_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
