/* Tests of http/parser and http/section: start lines, field lines, limits. */
#include "http/parser.h"

#include "../claims.h"

static void request_head_is_taken_apart(void **state)
{
    struct span input = SPAN("GET /A%20b//../c?x=1?y HTTP/1.1\r\nHost: Example.COM.:8080\r\n"
                             "User-Agent: \t me \t\r\nAccept:\r\n\r\nGET ");
    struct parser_limits limits = TRANSCRIPT_LIMITS;
    struct span body;
    struct arena a;
    struct parser p;

    arena_init(&a, 4096, 0);
    parser_begin_request(&p, &limits, &a);
    assert_true(parser_is_at_start(&p));
    assert_int_equal(parser_next(&p, &input, &body), PARSER_HEAD);
    assert_false(parser_is_at_start(&p));
    assert_true(span_equals(p.head.method_text, SPAN("GET")));
    assert_int_equal(p.head.method, METHOD_GET);
    assert_true(span_equals(p.head.request_line, SPAN("GET /A%20b//../c?x=1?y HTTP/1.1")));
    assert_true(span_equals(p.head.target, SPAN("/A%20b//../c?x=1?y")));
    assert_true(span_equals(p.head.raw_path, SPAN("/A%20b//../c")));
    assert_true(span_equals(p.head.path, SPAN("/c")));
    assert_true(span_equals(p.head.query, SPAN("x=1?y")));
    assert_true(p.head.has_query);
    assert_true(span_equals(p.head.authority, SPAN("Example.COM.:8080")));
    assert_true(span_equals(p.head.host, SPAN("example.com")));
    assert_int_equal(p.head.version_minor, 1);
    assert_true(p.head.is_persistent);
    assert_int_equal(p.head.framing, FRAMING_NONE);
    assert_int_equal(p.head.field_count, 3);
    assert_int_equal(p.head.fields[1].id, FIELD_USER_AGENT);
    assert_true(span_equals(p.head.fields[1].value, SPAN("me")));
    assert_true(span_equals(p.head.fields[2].value, SPAN("")));
    assert_false(parser_is_at_end(&p));
    assert_int_equal(parser_next(&p, &input, &body), PARSER_END);
    assert_true(parser_is_at_end(&p));
    assert_int_equal(parser_next(&p, &input, &body), PARSER_END);
    assert_true(span_equals(input, SPAN("GET ")));
    arena_deinit(&a);
}

static void refused_trace_tells_its_host(void **state)
{
    struct span input = SPAN("TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    struct parser_limits limits = TRANSCRIPT_LIMITS;
    struct span body;
    struct arena a;
    struct parser p;

    arena_init(&a, 4096, 0);
    parser_begin_request(&p, &limits, &a);
    assert_int_equal(parser_next(&p, &input, &body), PARSER_ERROR);
    assert_int_equal(p.error, PARSER_METHOD_REFUSED);
    assert_true(span_equals(p.head.host, SPAN("a.test")));
    arena_deinit(&a);
}

static void request_targets_have_four_forms(void **state)
{
    static const struct claim claims[] = {
        SAYS("GET /?a HTTP/1.1\r\nHost: a\r\n\r\n", "target=/?a"),
        SAYS("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "target=/"),
        SAYS("GET HTTP://A?b=c HTTP/1.1\r\nHost: a\r\n\r\n", "target=/?b=c"),
        SAYS("GET http://a/b//c HTTP/1.1\r\nHost: a\r\n\r\n", "path=/b/c"),
        SAYS("GET http://A:80/b HTTP/1.1\r\nHost: a\r\n\r\n", "authority=A:80"),
        SAYS("GET http://A/b HTTP/1.1\r\nHost: a.:80\r\n\r\n", "host=a"),
        SAYS("GET https://a:443/b HTTP/1.1\r\nHost: a\r\n\r\n", "host=a"),
        SAYS("GET http://a/ HTTP/1.0\r\n\r\n", "host=a"),
        SAYS("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "path=*"),
        SAYS("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "target=*"),
        SAYS("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n", "target=/x"),
        SAYS("GET /{|}\"<>^`\\[] HTTP/1.1\r\nHost: a\r\n\r\n", "path=/{|}\"<>^`\\[]"),
        SAYS("GET /%2e%2E/x HTTP/1.1\r\nHost: a\r\n\r\n", "ERROR=1"),
        SAYS("GET /a/%2e%2E/x HTTP/1.1\r\nHost: a\r\n\r\n", "path=/x"),
        SAYS("GET /a%3Fb%23c%25 HTTP/1.1\r\nHost: a\r\n\r\n", "path=/a?b#c%"),
        SAYS("GET /?%zz HTTP/1.1\r\nHost: a\r\n\r\n", "query=%zz"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void bad_request_lines_are_refused(void **state)
{
    static const char version[] = "malformed HTTP version";
    static const char bytes[] =
        "empty target, fragment, control byte or non-ASCII byte in the target";
    static const char form[] = "target neither a path nor an http or https URI";
    static const char escape[] = "bad escape in the path, or .. above its root";
    static const struct refusal rows[] = {
        REFUSED_400("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", version),
        REFUSED_400("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", version),
        REFUSED_400("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", version),
        REFUSED_400("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", version),
        REFUSED_400("GET / http/1.1\r\nHost: a\r\n\r\n", version),
        REFUSED_400("GET / HTTP/11\r\n\r\n", version),
        REFUSED_400("GET / HTTP/1.10\r\n\r\n", version),
        REFUSED_400("GET / HTTP/01.1\r\n\r\n", version),
        REFUSED_400("GET / HTTP/1,1\r\n\r\n", version),
        REFUSED_400("GET / HTTP/+.1\r\n\r\n", version),
        REFUSED_400("GET / HTTP/1.x\r\n\r\n", version),
        REFUSED_400("GET / HTTP/2\r\n\r\n", version),
        REFUSED_400("GET / FTP/1.1\r\n\r\n", version),
        REFUSED_400("GET /\r\n\r\n", version),
        REFUSED_400("GET / \r\n\r\n", version),
        REFUSED_400("GET\r\n\r\n", version),
        REFUSED_400("GET / HTTP/0.9\r\n\r\n", "HTTP/0.9"),
        REFUSED("GET / HTTP/2.0\r\nHost: a\r\n\r\n", PARSER_VERSION_UNKNOWN,
                "major HTTP version other than 1"),
        REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PARSER_VERSION_UNKNOWN,
                "major HTTP version other than 1"),
        REFUSED("GET / HTTP/9.9\r\nHost: a\r\n\r\n", PARSER_VERSION_UNKNOWN,
                "major HTTP version other than 1"),
        REFUSED("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", PARSER_METHOD_REFUSED,
                "CONNECT or TRACE"),
        REFUSED("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", PARSER_METHOD_REFUSED, "CONNECT or TRACE"),
        REFUSED_400("TRACE / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "repeated Host"),
        REFUSED_400(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "method is no token"),
        REFUSED_400("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "method is no token"),
        REFUSED_400("G\xc3\xa9T / HTTP/1.1\r\nHost: a\r\n\r\n", "method is no token"),
        REFUSED_400("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "method is no token"),
        REFUSED_400("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", bytes),
        REFUSED_400("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", bytes),
        REFUSED_400("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", bytes),
        REFUSED_400("GET /a\x80 HTTP/1.1\r\nHost: a\r\n\r\n", bytes),
        REFUSED_400("GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
                    "bare CR or a control byte in a line"),
        REFUSED_400("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", "bare CR or a control byte in a line"),
        REFUSED_400("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target * outside OPTIONS"),
        REFUSED_400("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("GET a HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", form),
        REFUSED_400("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "absolute target without a host"),
        REFUSED_400("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed host"),
        REFUSED_400("GET http://:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed host"),
        REFUSED_400("GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", escape),
        REFUSED_400("GET /a%g1 HTTP/1.1\r\nHost: a\r\n\r\n", escape),
        REFUSED_400("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", escape),
        REFUSED_400("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n", escape),
        REFUSED_400("GET /a/../../b HTTP/1.1\r\nHost: a\r\n\r\n", escape),
        REFUSED_400("\x16\x03\x01\x02", "bare CR or a control byte in a line"),
    };

    check_refusals(&a_request, rows, COUNT_OF(rows));
}

static void unknown_methods_and_minor_versions_pass(void **state)
{
    static const struct claim claims[] = {
        SAYS("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "method=BREW"),
        SAYS("get / HTTP/1.1\r\nHost: a\r\n\r\n", "method=get"),
        SAYS("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "method=M-SEARCH"),
        SAYS("!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n", "method=!#$%&'*+-.^_`|~"),
        SAYS("GET / HTTP/1.0\r\n\r\n", "version=0"),
        SAYS("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "version=1"),
        SAYS("GET / HTTP/1.9\r\nHost: a\r\n\r\n", "line=GET / HTTP/1.9"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void hosts_and_other_single_fields_are_checked(void **state)
{
    static const char single[] = "a credential or a condition is repeated";
    static const struct refusal rows[] = {
        REFUSED_400("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 without Host"),
        REFUSED_400("GET http://a/ HTTP/1.1\r\n\r\n", "HTTP/1.1 without Host"),
        REFUSED_400("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "repeated Host"),
        REFUSED_400("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "repeated Host"),
        REFUSED_400(GET "Authorization: x\r\nauthorization: x\r\n\r\n", single),
        REFUSED_400(GET "If-Range: x\r\nA: b\r\nIf-Range: y\r\n\r\n", single),
        REFUSED_400(GET "If-Unmodified-Since: x\r\nIf-Unmodified-Since:\r\n\r\n", single),
        REFUSED_400("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "malformed host"),
        REFUSED_400("GET / HTTP/1.1\r\nHost:\r\n\r\n", "malformed host"),
        REFUSED_400("GET / HTTP/1.0\r\nHost: \t\r\n\r\n", "malformed host"),
        REFUSED_400("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "malformed host"),
        REFUSED_400("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "Host differs from the target's"),
        REFUSED_400("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
                    "Host differs from the target's"),
        REFUSED_400("GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n",
                    "Host differs from the target's"),
        REFUSED_400("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", "malformed host"),
    };
    static const struct claim claims[] = {
        SAYS(GET "If-Match: x\r\nIf-Match: y\r\nCookie: a\r\nCookie: b\r\n\r\n", "host=a"),
        SAYS(GET "Authorization: x\r\nIf-Modified-Since: x\r\nIf-Range: x\r\n\r\n", "host=a"),
        SAYS("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "host=[::1]"),
        SAYS("GET / HTTP/1.0\r\n\r\n", "host="),
        SAYS("GET / HTTP/1.0\r\nHost: A\r\n\r\n", "host=a"),
    };

    check_refusals(&a_request, rows, COUNT_OF(rows));
    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void blank_lines_before_a_request_are_few(void **state)
{
    static const struct refusal rows[] = {
        REFUSED_400("\r\n\r\n\r\n\r\n\r\n" GET "\r\n",
                    "too many blank lines before the request line"),
        REFUSED_400("\n" GET "\r\n", "bare LF"),
        REFUSED_400("\r\r\n" GET "\r\n", "bare CR before the request line"),
        REFUSED_400("\rGET / HTTP/1.1\r\n", "bare CR before the request line"),
    };
    static const struct claim claims[] = {
        SAYS("\r\n" GET "\r\n", "END"),
        SAYS("\r\n\r\n\r\n\r\n" GET "\r\n", "END"),
        SAYS(GET "\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "path=/2"),
    };
    struct span input = SPAN("\r\n\r");
    struct parser_limits limits = TRANSCRIPT_LIMITS;
    struct span body;
    struct parser p;
    struct arena a;

    check_refusals(&a_request, rows, COUNT_OF(rows));
    check_claims(&a_request, claims, COUNT_OF(claims));
    arena_init(&a, 4096, 0);
    parser_begin_request(&p, &limits, &a);
    assert_int_equal(parser_next(&p, &input, &body), PARSER_NEED_INPUT);
    assert_true(parser_is_at_start(&p));
    arena_deinit(&a);
}

static void line_discipline_is_held(void **state)
{
    static const char control[] = "bare CR or a control byte in a line";
    static const char fold[] = "line folding, or a field line that begins with white space";
    static const struct refusal rows[] = {
        REFUSED_400("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare LF"),
        REFUSED_400("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare LF"),
        REFUSED_400(GET "\n", "bare LF"),
        REFUSED_400(GET "X: a\nY: b\r\n\r\n", "bare LF"),
        REFUSED_400(GET "X: a\rY: b\r\n\r\n", control),
        REFUSED_400(GET "X: a\r\r\n\r\n", control),
        REFUSED_400(GET "\r\r\n", control),
        REFUSED_400(GET "\rX: y\r\n", control),
        REFUSED_400("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", control),
        REFUSED_400(GET "X: a\r\n b\r\n\r\n", fold),
        REFUSED_400(GET "X: a\r\n\tb\r\n\r\n", fold),
        REFUSED_400(GET "X: a\r\n \r\n\r\n", fold),
        REFUSED_400("GET / HTTP/1.1\r\n Host: a\r\n\r\n", fold),
        REFUSED_400(GET "X: a\0b\r\n\r\n", control),
        REFUSED_400(GET "X: a\vb\r\n\r\n", control),
        REFUSED_400(GET "X: a\x01\r\n\r\n", control),
        REFUSED_400(GET "X: a\x7f\r\n\r\n", control),
        REFUSED_400(GET "X\0: a\r\n\r\n", control),
    };

    check_refusals(&a_request, rows, COUNT_OF(rows));
}

static void bad_field_lines_are_refused(void **state)
{
    static const struct refusal rows[] = {
        REFUSED_400(GET "X : a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X\t: a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "Host : a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "Content-Length : 5\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "Transfer-Encoding : chunked\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X y\r\n\r\n", "malformed field line"),
        REFUSED_400(GET ": a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET ":\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X(: a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X\xc3\xa9: a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "\"X\": a\r\n\r\n", "malformed field line"),
        REFUSED_400(GET "X{}: a\r\n\r\n", "malformed field line"),
    };

    check_refusals(&a_request, rows, COUNT_OF(rows));
}

static void odd_but_good_values_pass(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "X: a\tb\r\n\r\n", "+ X=a\tb"), SAYS(GET "X: \xff\x80\r\n\r\n", "+ X=\xff\x80"),
        SAYS(GET "X:a:b\r\n\r\n", "+ X=a:b"),    SAYS(GET "X:\r\n\r\n", "+ X="),
        SAYS(GET "X: \t \r\n\r\n", "+ X="),      SAYS(GET "X: \"\\\r\n\r\n", "+ X=\"\\"),
    };

    check_claims(&a_request, claims, COUNT_OF(claims));
}

static void limits_say_which_names_are_dropped(void **state)
{
    static const struct claim dropped[] = {
        SAYS(GET "a_b: c\r\n\r\n", "- a_b=c"),
        SAYS(GET "a.b: c\r\n\r\n", "- a.b=c"),
        SAYS(GET "a-B0: c\r\n\r\n", "+ a-B0=c"),
        SAYS(GET "Content_Length: 5\r\n\r\n", "framing=0"),
        SAYS(GET "X-Accel-a.b: c\r\n\r\n", "- X-Accel-a.b=c"),
    };
    static const struct claim kept[] = {
        SAYS(GET "a_b: c\r\n\r\n", "+ a_b=c"),
        SAYS(GET "a.b: c\r\n\r\n", "+ a.b=c"),
        SAYS(GET "!#$%&'*+-.^_`|~: c\r\n\r\n", "+ !#$%&'*+-.^_`|~=c"),
    };
    struct transcript_setup setup = a_request;

    check_claims(&setup, dropped, COUNT_OF(dropped));
    setup.limits.invalid_names_are_ignored = false;
    check_claims(&setup, kept, COUNT_OF(kept));
    setup.limits.underscores_in_names = true;
    check_claims(&setup, kept, COUNT_OF(kept));
}

static void response_heads_are_taken_apart(void **state)
{
    static const struct claim claims[] = {
        SAYS("HTTP/1.1 200 OK\r\n\r\n", "status=200"),
        SAYS("HTTP/1.1 200 Very  well \r\n\r\n", "reason=Very  well "),
        SAYS("HTTP/1.1 200\r\n\r\n", "reason="),
        SAYS("HTTP/1.1 200 \r\n\r\n", "reason="),
        SAYS("HTTP/1.1 200 \xc3\xa9\t\r\n\r\n", "reason=\xc3\xa9\t"),
        SAYS("HTTP/1.0 999 x\r\n\r\n", "status=999"),
        SAYS("HTTP/1.7 200 x\r\n\r\n", "version=1"),
    };

    check_claims(&a_response, claims, COUNT_OF(claims));
}

static void bad_status_lines_are_refused(void **state)
{
    static const struct refusal rows[] = {
        REFUSED_400("HTTP/1.1 099 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1 1000 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1 20 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1 2x0 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1 -20 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1  200 x\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/1.1 200\tOK\r\n\r\n", "malformed status"),
        REFUSED_400("HTTP/0.9 200 OK\r\n\r\n", "HTTP/0.9"),
        REFUSED("HTTP/9.9 200 OK\r\n\r\n", PARSER_VERSION_UNKNOWN,
                "major HTTP version other than 1"),
        REFUSED_400("http/1.1 200 OK\r\n\r\n", "malformed HTTP version"),
        REFUSED_400("HTTP 200 OK\r\n\r\n", "malformed HTTP version"),
        REFUSED_400("<html>hello</html>\r\n\r\n", "malformed HTTP version"),
        REFUSED_400("\r\n" OK "\r\n", "empty start line"),
        REFUSED_400("HTTP/1.1 200 OK\nX: y\r\n\r\n", "bare LF"),
        REFUSED_400("HTTP/1.1 200 O\0K\r\n\r\n", "bare CR or a control byte in a line"),
        REFUSED(OK, PARSER_EARLY_END, "the stream ended inside of a message"),
        REFUSED("HTTP/1.", PARSER_EARLY_END, "the stream ended inside of a message"),
    };

    check_refusals(&a_response, rows, COUNT_OF(rows));
}

/* Prefix, count times a byte, suffix. The caller frees it. */
static char *stretched(const char *prefix, size_t count, const char *suffix)
{
    size_t size = strlen(prefix) + count + strlen(suffix) + 1;
    char *text = malloc(size);
    size_t len = strlen(prefix);

    assert_non_null(text);
    memcpy(text, prefix, len);
    memset(text + len, 'x', count);
    memcpy(text + len + count, suffix, strlen(suffix) + 1);
    return text;
}

static void check_stretched(const struct transcript_setup *how, const char *prefix, size_t count,
                            const char *suffix, const char *line)
{
    char *stream = stretched(prefix, count, suffix);
    char *text = say(how, span_of_cstr(stream));

    assert_says(text, line);
    free(text);
    free(stream);
}

static void lines_are_held_to_their_limit(void **state)
{
    size_t bare_line = strlen("GET / HTTP/1.1");
    size_t bare_field = strlen("X: ");
    size_t max = a_request.limits.line_bytes_max;

    check_stretched(&a_request, "GET /", max - bare_line, " HTTP/1.1\r\nHost: a\r\n\r\n", "END");
    check_stretched(&a_request, "GET /", max - bare_line + 1, " HTTP/1.1\r\nHost: a\r\n\r\n",
                    "ERROR=2");
    check_stretched(&a_request, GET "X: ", max - bare_field, "\r\n\r\n", "END");
    check_stretched(&a_request, GET "X: ", max - bare_field + 1, "\r\n\r\n", "ERROR=3");
    check_stretched(&a_request, GET "X: ", max - bare_field, "\rX: y\r\n\r\n", "ERROR=1");
    check_stretched(&a_request, GET "X: ", max - bare_field, "\nX: y\r\n\r\n", "ERROR=1");
    check_stretched(&a_request, "GET /", 4 * 1024 * 1024, "", "ERROR=2");
    check_stretched(&a_response, OK "X: ", max - bare_field, "\r\n\r\n", "END");
    check_stretched(&a_response, "HTTP/1.1 200 ", max, "\r\n\r\n", "ERROR=3");
    check_stretched(&a_request, POST CHUNKED "0\r\nX: ", max - bare_field, "\r\n\r\n", "END");
    check_stretched(&a_request, POST CHUNKED "0\r\nX: ", max - bare_field + 1, "\r\n\r\n",
                    "ERROR=3");
}

static void heads_are_held_to_their_limit(void **state)
{
    struct transcript_setup setup = a_request;
    size_t bare = strlen(GET "X: \r\n\r\n");

    setup.limits.head_bytes_max = 200;
    check_stretched(&setup, GET "X: ", 200 - bare, "\r\n\r\n", "END");
    check_stretched(&setup, GET "X: ", 200 - bare + 1, "\r\n\r\n", "ERROR=3");
    check_stretched(&setup, "GET /", 200, " HTTP/1.1\r\n", "ERROR=2");
    setup.limits.head_bytes_first = 1000;
    check_stretched(&setup, GET "X: ", 200 - bare, "\r\n\r\n", "bytes=200");
    check_stretched(&setup, POST CHUNKED "0\r\nX: ", 200 - strlen("X: \r\n\r\n"), "\r\n\r\n",
                    "END");
    check_stretched(&setup, POST CHUNKED "0\r\nX: ", 200 - strlen("X: \r\n\r\n") + 1, "\r\n\r\n",
                    "ERROR=3");
}

static void fields_are_counted(void **state)
{
    static const struct claim claims[] = {
        SAYS(GET "X: 1\r\nX: 2\r\n\r\n", "END"),
        SAYS(GET "X: 1\r\nX: 2\r\nX: 3\r\n\r\n", "because=too many fields"),
        SAYS(POST CHUNKED "0\r\nX: 1\r\nX: 2\r\nX: 3\r\n\r\n", "END"),
        SAYS(POST CHUNKED "0\r\nX: 1\r\nX: 2\r\nX: 3\r\nX: 4\r\n\r\n", "because=too many fields"),
    };
    struct transcript_setup setup = a_request;

    setup.limits.field_count_max = 3;
    check_claims(&setup, claims, COUNT_OF(claims));
}

static void no_memory_is_an_error(void **state)
{
    static const char stream[] =
        "POST http://A/%41?b HTTP/1.1\r\nHost: A\r\n" CHUNKED "0\r\nX: y\r\n\r\n";
    struct parser_limits limits = TRANSCRIPT_LIMITS;
    enum parser_event event = PARSER_ERROR;

    for (size_t bytes_max = 1; event != PARSER_END; bytes_max += 8) {
        struct span input = SPAN(stream);
        struct span body;
        struct parser p;
        struct arena a;

        assert_true(bytes_max < 2000);
        arena_init(&a, 16, bytes_max);
        parser_begin_request(&p, &limits, &a);
        do
            event = parser_next(&p, &input, &body);
        while (event == PARSER_HEAD);
        if (event != PARSER_END) {
            assert_int_equal(event, PARSER_ERROR);
            assert_int_equal(p.error, PARSER_NO_MEMORY);
            assert_int_equal(parser_next(&p, &input, &body), PARSER_ERROR);
            assert_int_equal(parser_end_of_stream(&p), PARSER_ERROR);
        }
        arena_deinit(&a);
    }
}

static void pipelined_requests_are_told_apart(void **state)
{
    static const struct span stream = SPAN_INIT(POST "Content-Length: 3\r\n\r\nabc" POST CHUNKED
                                                     "1\r\nd\r\n0\r\n\r\n" GET "\r\n");
    char *text = say(&a_request, stream);
    size_t end_count = 0;

    for (const char *at = text; (at = strstr(at, "END\n")); at++)
        end_count++;
    assert_int_equal(end_count, 3);
    assert_says(text, "BODY abc");
    assert_says(text, "BODY d");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_head_is_taken_apart),
        cmocka_unit_test(refused_trace_tells_its_host),
        cmocka_unit_test(request_targets_have_four_forms),
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(unknown_methods_and_minor_versions_pass),
        cmocka_unit_test(hosts_and_other_single_fields_are_checked),
        cmocka_unit_test(blank_lines_before_a_request_are_few),
        cmocka_unit_test(line_discipline_is_held),
        cmocka_unit_test(bad_field_lines_are_refused),
        cmocka_unit_test(odd_but_good_values_pass),
        cmocka_unit_test(limits_say_which_names_are_dropped),
        cmocka_unit_test(response_heads_are_taken_apart),
        cmocka_unit_test(bad_status_lines_are_refused),
        cmocka_unit_test(lines_are_held_to_their_limit),
        cmocka_unit_test(heads_are_held_to_their_limit),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(pipelined_requests_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
