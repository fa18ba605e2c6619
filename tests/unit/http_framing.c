/* Tests of http/framing, through the parser: bodies, trailers and connections. */
#include "http/framing.h"

#include "../claims.h"

static void hop_by_hop_fields_are_dropped(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "Connection: close\r\n\r\n", "- Connection=close"),
        SAYS(GET "Keep-Alive: 5\r\n\r\n", "- Keep-Alive=5"),
        SAYS(GET "Proxy-Connection: x\r\n\r\n", "- Proxy-Connection=x"),
        SAYS(GET "TE: trailers\r\n\r\n", "- TE=trailers"),
        SAYS(GET "Trailer: x\r\n\r\n", "- Trailer=x"),
        SAYS(GET "Upgrade: x\r\n\r\n", "- Upgrade=x"),
        SAYS(GET "Proxy-Authenticate: x\r\n\r\n", "- Proxy-Authenticate=x"),
        SAYS(GET "Proxy-Authorization: x\r\n\r\n", "- Proxy-Authorization=x"),
        SAYS(GET "X: 1\r\nconnection: a, x\r\nx: 2\r\n\r\n", "- X=1"),
        SAYS(GET "X: 1\r\nconnection: a, x\r\nx: 2\r\n\r\n", "- x=2"),
        SAYS(GET "Connection: ,x ,\t, host\r\nx: 1\r\n\r\n", "+ Host=a"),
        SAYS(GET "Connection: authorization\r\nAuthorization: b\r\n\r\n", "+ Authorization=b"),
        SAYS(GET "Connection: cookie\r\nCookie: b\r\n\r\n", "+ Cookie=b"),
        SAYS(POST "Connection: content-length\r\nContent-Length: 1\r\n\r\n0", "length=1"),
        SAYS(POST "Connection: Content-Length\r\nContent-Length: 1\r\n\r\n0", "+ Content-Length=1"),
        SAYS(POST "Connection: transfer-encoding\r\n" CHUNKED "0\r\n\r\n", "framing=2"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void connection_options_are_bounded(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "Connection: a\r\nConnection: b,c\r\n\r\n", "END"),
        SAYS(GET "Connection: a,b\r\nConnection: c,d\r\n\r\n",
             "because=too many options in Connection"),
    };
    struct transcript_setup setup = a_request;

    setup.limits.field_count_max = 3;
    check_claims(&setup, claims, COUNT_OF(claims));
}

static void persistence_is_as_the_sender_sees_it(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "\r\n", "persistent=1"),
        SAYS(GET "Connection: CLOSE\r\n\r\n", "persistent=0"),
        SAYS(GET "Connection: keep-alive, close\r\n\r\n", "persistent=0"),
        SAYS(GET "Connection: x\r\nConnection: y , close\r\n\r\n", "persistent=0"),
        SAYS(GET "Connection: closed\r\n\r\n", "persistent=1"),
        SAYS(GET "Proxy-Connection: close\r\n\r\n", "persistent=1"),
        SAYS("GET / HTTP/1.0\r\n\r\n", "persistent=0"),
        SAYS("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "persistent=1"),
        SAYS("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "persistent=0"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void upgrade_and_te_stay_visible(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "upgrade=websocket"),
        SAYS(GET "Upgrade: websocket\r\n\r\n", "upgrade="),
        SAYS(GET "Connection: upgrade\r\n\r\n", "upgrade="),
        SAYS("GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "upgrade="),
        SAYS(GET "TE: gzip;q=1, Trailers\r\n\r\n", "trailers=1"),
        SAYS(GET "TE: gzip\r\n\r\n", "trailers=0"),
        SAYS(GET "\r\n", "trailers=0"),
        SAYS(GET "Upgrade: h2c\r\nConnection: upgrade\r\n\r\nGET ", "ERROR=8"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void expectations_are_known(void **state)
{
    static const struct claim claims[] = {
        SAYS(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na", "expects=1"),
        SAYS(POST "Expect: 100-continue\r\n" CHUNKED "0\r\n\r\n", "expects=1"),
        SAYS(GET "Expect: 100-continue\r\n\r\n", "expects=0"),
        SAYS(POST "Content-Length: 1\r\n\r\na", "expects=0"),
        SAYS("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", "expects=0"),
        SAYS("POST / HTTP/1.0\r\nExpect: x\r\n\r\n", "expects=0"),
    };
    static const struct refusal rows[] = {
        REFUSED(GET "Expect: 200-ok\r\n\r\n", PARSER_EXPECT_UNKNOWN,
                "expectation other than 100-continue"),
        REFUSED(GET "Expect: 100-continue, x\r\n\r\n", PARSER_EXPECT_UNKNOWN,
                "expectation other than 100-continue"),
        REFUSED(GET "Expect: 100-continue\r\nExpect:\r\n\r\n", PARSER_EXPECT_UNKNOWN,
                "expectation other than 100-continue"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
    check_refusals(&a_request, rows, COUNT_OF(rows));
}

static void content_length_frames_a_body(void **state)
{
    static const struct claim claims[] = {
        SAYS(POST "Content-Length: 5\r\n\r\nhelloGET ", "BODY hello"),
        SAYS(POST "Content-Length: 005 \r\n\r\nhello", "length=5"),
        SAYS(POST "Content-Length: 0\r\n\r\n" GET "\r\n", "framing=1"),
        SAYS(POST "Content-Length: 0\r\n\r\n" GET "\r\n", "method=GET"),
        SAYS(POST "Content-Length: 9223372036854775807\r\n\r\n", "length=9223372036854775807"),
        SAYS(POST "Content-Length: 5\r\n\r\nhell", "ERROR=8"),
        SAYS(GET "\r\nhello", "framing=0"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void odd_content_lengths_are_refused(void **state)
{
    static const char bad[] = "malformed Content-Length";
    static const char twice[] = "repeated Content-Length";
    static const char both[] = "Content-Length with Transfer-Encoding";
    static const struct refusal rows[] = {
        REFUSED_400(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", twice),
        REFUSED_400(POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello", twice),
        REFUSED_400(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", both),
        REFUSED_400(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", both),
        REFUSED_400(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", both),
        REFUSED_400(POST "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n", both),
        REFUSED_400(POST "Content-Length: 5, 5\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: +5\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: -5\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: 0x5\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: 5 5\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: 5.0\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: five\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: \"5\"\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length:\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: \r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: 9223372036854775808\r\n\r\n", "Content-Length overflows"),
        REFUSED_400(POST "Content-Length: 18446744073709551616\r\n\r\n", bad),
        REFUSED_400(POST "Content-Length: 18446744073709551621\r\n\r\nhello", bad),
        REFUSED_400(POST "Content-Length: 99999999999999999999999999\r\n\r\n", bad),
    };

    check_refusals(&a_request, rows, COUNT_OF(rows));
}

static void transfer_encodings_other_than_chunked_are_refused(void **state)
{
    static const char bad[] = "malformed Transfer-Encoding";
    static const char order[] = "Transfer-Encoding where chunked is not last, or repeats";
    static const char unknown[] = "Transfer-Encoding other than chunked";
#define TE(value) POST "Transfer-Encoding: " value "\r\n\r\n0\r\n\r\n"
    static const struct refusal rows[] = {
        REFUSED(TE("gzip"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("identity"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("xchunked"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("chunkedx"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("gzip, chunked"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("gzip, deflate"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED(TE("gzip;q=1, chunked"), PARSER_CODING_UNKNOWN, unknown),
        REFUSED_400(TE("chunked, chunked"), order),
        REFUSED_400(TE("chunked, gzip"), order),
        REFUSED_400(TE("chunked, identity"), order),
        REFUSED_400(TE("gzip, chunked, chunked"), order),
        REFUSED_400(TE("chunked;x=y"), "chunked with parameters"),
        REFUSED_400(TE("chunked;"), "chunked with parameters"),
        REFUSED_400(TE("\"chunked\""), bad),
        REFUSED_400(TE("'chunked' x"), bad),
        REFUSED_400(TE("chunked chunked"), bad),
        REFUSED_400(TE("x chunked"), bad),
        REFUSED_400(TE("chun\xc4\xb1ked"), bad),
        REFUSED_400(TE(""), bad),
        REFUSED_400(TE(","), bad),
        REFUSED_400(TE(",chunked"), bad),
        REFUSED_400(TE("chunked,"), order),
        REFUSED_400(TE("chunked\v"), "bare CR or a control byte in a line"),
        REFUSED_400(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", order),
        REFUSED_400(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "repeated Transfer-Encoding"),
        REFUSED_400("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "Transfer-Encoding in HTTP/1.0"),
    };
    static const struct claim claims[] = {
        SAYS(TE("chunked"), "framing=2"),
        SAYS(TE("CHUNKED"), "framing=2"),
        SAYS(TE(" \t chunked \t"), "framing=2"),
    };
#undef TE

    check_refusals(&a_request, rows, COUNT_OF(rows));
    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void chunked_bodies_are_joined(void **state)
{
    static const struct claim claims[] = {
        SAYS(POST CHUNKED "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", "BODY hello world"),
        SAYS(POST CHUNKED "0\r\n\r\n" GET "\r\n", "method=GET"),
        SAYS(POST CHUNKED "5\r\nhello\r\n0\r\n", "ERROR=8"),
        SAYS(POST CHUNKED "5\r\nhello\r\n", "ERROR=8"),
        SAYS(POST CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", "because=chunk does not end in CR LF"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void trailers_are_checked_and_filtered(void **state)
{
#define LAST POST "Connection: x-hop\r\n" CHUNKED "0\r\n"
    static const struct claim claims[] = {
        SAYS(LAST "X-Sum: 1\r\n\r\n", "+ X-Sum=1"),
        SAYS(LAST "X-Sum: 1\r\nHost: b\r\nETag: c\r\n\r\n", "+ ETag=c"),
        SAYS(LAST "X\nY: 1\r\n\r\n", "because=bare LF"),
        SAYS(LAST "X\r\n\r\n", "because=malformed field line"),
        SAYS(LAST "X : y\r\n\r\n", "because=malformed field line"),
        SAYS(LAST "X: y\r\n z\r\n\r\n",
             "because=line folding, or a field line that begins with white space"),
        SAYS(LAST "X: \0\r\n\r\n", "because=bare CR or a control byte in a line"),
        SAYS(LAST "X: 1\r\n", "ERROR=8"),
    };
    static const struct span dropped[] = {
        SPAN_INIT("Host: b"),          SPAN_INIT("Content-Length: 5"),
        SPAN_INIT("Connection: x"),    SPAN_INIT("Transfer-Encoding: chunked"),
        SPAN_INIT("Authorization: x"), SPAN_INIT("X-Forwarded-For: x"),
        SPAN_INIT("X-Accel-Foo: x"),   SPAN_INIT("a_b: x"),
        SPAN_INIT("X-Hop: x"),         SPAN_INIT("Set-Cookie: x"),
        SPAN_INIT("TE: trailers"),     SPAN_INIT("Content-Type: x"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
    for (size_t i = 0; i < COUNT_OF(dropped); i++) {
        char stream[300];
        int len = snprintf(stream, sizeof(stream), "%s%.*s\r\n\r\n", LAST, SPAN_ARG(dropped[i]));
        char *text = say(&a_request, span_of(stream, (size_t)len));

        assert_string_equal(strstr(text, "END\n"), "END\n");
        free(text);
    }
#undef LAST
}

static void response_framing_follows_the_rfc(void **state)
{
    static const struct claim claims[] = {
        SAYS(OK "Content-Length: 2\r\n\r\nabHTTP/1.1 404 x\r\n\r\n", "status=404"),
        SAYS(OK "Content-Length: 2\r\n\r\nab", "persistent=1"),
        SAYS(OK CHUNKED "1\r\na\r\n0\r\nX: y\r\n\r\n", "+ X=y"),
        SAYS(OK "\r\nall of it", "BODY all of it"),
        SAYS(OK "\r\nall of it", "END"),
        SAYS(OK "\r\n", "framing=3"),
        SAYS(OK "\r\n", "persistent=0"),
        SAYS("HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n" OK "\r\n", "- Content-Length=2"),
        SAYS("HTTP/1.1 204 x\r\n" CHUNKED OK "\r\n", "- Transfer-Encoding=chunked"),
        SAYS("HTTP/1.1 204 x\r\n" CHUNKED OK "\r\n", "framing=0"),
        SAYS("HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\n" OK "\r\n", "length=2"),
        SAYS("HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\n" OK "\r\n", "status=200"),
        SAYS("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n" OK "\r\n", "status=200"),
        SAYS("HTTP/1.1 100 x\r\nContent-Length: 2\r\n\r\n" OK "\r\n", "- Content-Length=2"),
        SAYS(OK "Content-Length: 5\r\n\r\nabc", "ERROR=8"),
        SAYS(OK CHUNKED "5\r\nabc", "ERROR=8"),
        SAYS(OK CHUNKED "0\r\n", "ERROR=8"),
    };

    check_claims(&a_response, claims, COUNT_OF(claims));
}

static void answers_to_head_have_no_body(void **state)
{
    static const struct claim claims[] = {
        SAYS(OK "Content-Length: 5\r\n\r\n" OK "\r\n", "length=5"),
        SAYS(OK "Content-Length: 5\r\n\r\nHTTP/1.1 201 x\r\n\r\n", "status=201"),
        SAYS(OK CHUNKED "HTTP/1.1 201 x\r\n\r\n", "status=201"),
        SAYS(OK "\r\nHTTP/1.1 201 x\r\n\r\n", "status=201"),
    };
    struct transcript_setup setup = a_response;

    setup.answers.was_head = true;
    check_claims(&setup, claims, COUNT_OF(claims));
}

static void switching_protocols_only_where_asked(void **state)
{
    static const struct refusal rows[] = {
        REFUSED_400("HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n",
                    "101 that nobody asked for"),
    };
    static const struct claim claims[] = {
        SAYS("HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\nHTTP", "framing=4"),
        SAYS("HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\nHTTP", "BODY HTTP"),
        SAYS("HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\nHTTP", "upgrade=y"),
    };
    struct transcript_setup setup = a_response;

    check_refusals(&a_response, rows, COUNT_OF(rows));
    setup.answers.asked_for_upgrade = true;
    check_claims(&setup, claims, COUNT_OF(claims));
}

static void odd_response_framing_is_refused(void **state)
{
    static const char order[] = "Transfer-Encoding where chunked is not last, or repeats";
    static const char bad[] = "malformed Content-Length";
    static const char twice[] = "repeated Content-Length";
    static const char both[] = "Content-Length with Transfer-Encoding";
    static const struct refusal rows[] = {
        REFUSED_400(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", twice),
        REFUSED_400(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", twice),
        REFUSED_400(OK "Content-Length: 5\r\n" CHUNKED, both),
        REFUSED_400(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", both),
        REFUSED_400(OK "Content-Length: -5\r\n\r\n", bad),
        REFUSED_400(OK "Content-Length: +5\r\n\r\n", bad),
        REFUSED_400(OK "Content-Length: 5, 5\r\n\r\n", bad),
        REFUSED_400(OK "Content-Length: 99999999999999999999\r\n\r\n", bad),
        REFUSED_400("HTTP/1.0 200 OK\r\n" CHUNKED, "Transfer-Encoding in HTTP/1.0"),
        REFUSED_400(OK "Transfer-Encoding: chunked, gzip\r\n\r\n", order),
        REFUSED_400(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "repeated Transfer-Encoding"),
        REFUSED(OK "Transfer-Encoding: gzip\r\n\r\n", PARSER_CODING_UNKNOWN,
                "Transfer-Encoding other than chunked"),
        REFUSED(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", PARSER_CODING_UNKNOWN,
                "Transfer-Encoding other than chunked"),
        REFUSED_400(OK "X\r\n\r\n", "malformed field line"),
        REFUSED_400(OK "X : y\r\n\r\n", "malformed field line"),
        REFUSED_400(OK "X: a\0b\r\n\r\n", "bare CR or a control byte in a line"),
    };

    check_refusals(&a_response, rows, COUNT_OF(rows));
}

/* llhttp finds some of these first; what is decided here does not lean on that. */
static void framing_is_decided_without_llhttp(void **state)
{
    static const struct {
        struct field fields[2];
        const char *reason;
    } rows[] = {
        {{{SPAN_INIT("Content-Length"), SPAN_INIT("5")},
          {SPAN_INIT("content-length"), SPAN_INIT("5")}},
         "repeated Content-Length"},
        {{{SPAN_INIT("Content-Length"), SPAN_INIT("+5")}, {SPAN_INIT("X"), SPAN_INIT("")}},
         "malformed Content-Length"},
        {{{SPAN_INIT("Content-Length"), SPAN_INIT("5")},
          {SPAN_INIT("Transfer-Encoding"), SPAN_INIT("chunked")}},
         "Content-Length with Transfer-Encoding"},
        {{{SPAN_INIT("Transfer-Encoding"), SPAN_INIT("chunked")},
          {SPAN_INIT("Transfer-Encoding"), SPAN_INIT("chunked")}},
         "repeated Transfer-Encoding"},
        {{{SPAN_INIT("Transfer-Encoding"), SPAN_INIT(",chunked")}, {SPAN_INIT("X"), SPAN_INIT("")}},
         "malformed Transfer-Encoding"},
        {{{SPAN_INIT("Transfer-Encoding"), SPAN_INIT("\"chunked\"")},
          {SPAN_INIT("X"), SPAN_INIT("")}},
         "malformed Transfer-Encoding"},
        {{{SPAN_INIT("X y"), SPAN_INIT("")}, {SPAN_INIT("X"), SPAN_INIT("")}},
         "field name is no token"},
    };
    struct parser_limits limits = TRANSCRIPT_LIMITS;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct field fields[2] = {rows[i].fields[0], rows[i].fields[1]};
        struct head h = {.fields = fields, .field_count = 2, .version_minor = 1};
        const struct field *host = NULL;
        struct flaw flaw = fields_classify(fields, 2, &limits);

        if (!flaw.error)
            flaw = framing_of_request(&h, &limits, &host);
        assert_int_equal(flaw.error, PARSER_BAD_SYNTAX);
        assert_string_equal(flaw.reason, rows[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hop_by_hop_fields_are_dropped),
        cmocka_unit_test(connection_options_are_bounded),
        cmocka_unit_test(persistence_is_as_the_sender_sees_it),
        cmocka_unit_test(upgrade_and_te_stay_visible),
        cmocka_unit_test(expectations_are_known),
        cmocka_unit_test(content_length_frames_a_body),
        cmocka_unit_test(odd_content_lengths_are_refused),
        cmocka_unit_test(transfer_encodings_other_than_chunked_are_refused),
        cmocka_unit_test(chunked_bodies_are_joined),
        cmocka_unit_test(trailers_are_checked_and_filtered),
        cmocka_unit_test(response_framing_follows_the_rfc),
        cmocka_unit_test(answers_to_head_have_no_body),
        cmocka_unit_test(switching_protocols_only_where_asked),
        cmocka_unit_test(odd_response_framing_is_refused),
        cmocka_unit_test(framing_is_decided_without_llhttp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
