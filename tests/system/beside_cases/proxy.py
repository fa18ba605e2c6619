"""proxy_pass: what the origin gets, and what becomes of its answer."""
from beside import ask, case, on_one_connection, raw
from wire import chunked, response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
BIG = b"0123456789abcdef" * 4096


def sent(*fields, target="/", method="GET", body=None):
    return ask(target, method, fields=fields, body=body)


def answered(head, body=b""):
    """An answer to the byte; the connection ends behind it if the head says so."""
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


ANSWERS = {
    "/200": answered(b"HTTP/1.1 200 OK\nContent-Length: 2", b"ok"),
    "/no-reason": answered(b"HTTP/1.1 200\nContent-Length: 2", b"ok"),
    "/empty-reason": answered(b"HTTP/1.1 200 \nContent-Length: 2", b"ok"),
    "/own-reason": answered(b"HTTP/1.1 200 All Fine\nContent-Length: 2", b"ok"),
    "/201": answered(b"HTTP/1.1 201 Created\nLocation: /new\nContent-Length: 0"),
    "/204": answered(b"HTTP/1.1 204 No Content"),
    "/304": answered(b'HTTP/1.1 304 Not Modified\nETag: "x"\nLast-Modified: never'),
    "/299": answered(b"HTTP/1.1 299 Odd\nContent-Length: 0"),
    "/401": answered(b'HTTP/1.1 401 No\nWWW-Authenticate: Basic realm="x"\nContent-Length: 1',
                     b"n"),
    "/404": answered(b"HTTP/1.1 404 Gone Away\nContent-Length: 1\nX-Why: none", b"n"),
    "/500": answered(b"HTTP/1.1 500 Broken\nContent-Length: 1", b"b"),
    "/503": answered(b"HTTP/1.1 503 Later\nRetry-After: 5\nContent-Length: 1", b"l"),
    "/599": answered(b"HTTP/1.1 599 Mine\nContent-Length: 1", b"m"),
    "/999": answered(b"HTTP/1.1 999 Mine\nContent-Length: 1", b"m"),
    "/http10": answered(b"HTTP/1.0 200 OK\nConnection: close", b"until the end"),
    "/http10-length": answered(b"HTTP/1.0 200 OK\nConnection: close\nContent-Length: 2", b"ok"),
    "/close": answered(b"HTTP/1.1 200 OK\nConnection: close", b"until the end"),
    "/chunked": answered(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
                         chunked([b"one", b"two", b"three"])),
    "/chunked-empty": answered(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked", chunked([])),
    "/big": response(200, BIG),
    "/big-chunked": response(200, BIG, framing="chunked"),
    "/fields": answered(b"HTTP/1.1 200 OK\nContent-Length: 2\nx-lower: a\nX-Twice: 1\nX-Twice: 2\n"
                        b"Set-Cookie: a=1; Path=/\nSet-Cookie: b=2\nServer: own\n"
                        b"Date: Mon, 01 Jan 2001 00:00:00 GMT\nX-Empty:\nX-Spaces:   a  b  \n"
                        b"Vary: A\nVary: B\nCache-Control: no-cache\nCache-Control: no-store\n"
                        b"Link: <a>\nLink: <b>\nExpires: 0\nX-Pad: p\nX-Accel-Other: o\n"
                        b"Content-Language: en\nContent-Encoding: x-own\nAge: 5\nVia: 1.1 o\n"
                        b"Content-Type: text/plain; charset=utf-8\nLast-Modified: then\n"
                        b"ETag: \"e\"\nAccept-Ranges: bytes\nStatus: 404 Not\nRefresh: 5; url=/x",
                        b"ok"),
    "/hops": answered(b"HTTP/1.1 200 OK\nContent-Length: 2\nConnection: keep-alive\n"
                      b"Keep-Alive: timeout=5\nX-After: a", b"ok"),
    "/latin": answered("HTTP/1.1 200 OK\nContent-Length: 2\nX-Latin: ü".encode("latin-1"), b"ok"),
    "/no-type": answered(b"HTTP/1.1 200 OK\nContent-Length: 1", b"x"),
    "/type-empty": answered(b"HTTP/1.1 200 OK\nContent-Type:\nContent-Length: 1", b"x"),
    "/redirect": answered(b"HTTP/1.1 302 Found\nLocation: /elsewhere\nContent-Length: 0"),
    "/redirect-away": answered(b"HTTP/1.1 301 Moved\nLocation: http://away.test/x\n"
                               b"Content-Length: 0"),
}
SAID = case("answers", f"location / {{ proxy_pass http://{{origin}}; {KEPT} }}",
            *(on_one_connection(target, "/200") for target in ANSWERS),
            *(ask(target, "HEAD") for target in
              ("/200", "/chunked", "/204", "/big", "/404", "/fields")),
            *(ask(target, version="HTTP/1.0") for target in
              ("/200", "/chunked", "/close", "/204", "/304", "/big-chunked")),
            answers=ANSWERS)

BAD_ANSWERS = {
    "/cut-head": b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-A",
    "/words": b"hello\r\nConnection: close\r\n\r\n",
    "/http2": answered(b"HTTP/2.0 200 OK\nConnection: close"),
    "/text-status": answered(b"HTTP/1.1 abc OK\nConnection: close"),
    "/no-colon": answered(b"HTTP/1.1 200 OK\nConnection: close\nno colon here"),
    "/nul": answered(b"HTTP/1.1 200 OK\nConnection: close\nX: a\0b"),
    "/lengths": answered(b"HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n"
                         b"Content-Length: 2", b"xx"),
    "/length-text": answered(b"HTTP/1.1 200 OK\nConnection: close\nContent-Length: x", b"xx"),
    "/both": answered(b"HTTP/1.1 200 OK\nConnection: close\nContent-Length: 3\n"
                      b"Transfer-Encoding: chunked", chunked([b"abc"])),
    "/coding": answered(b"HTTP/1.1 200 OK\nConnection: close\nTransfer-Encoding: gzip", b"x"),
    "/big-head": answered(b"HTTP/1.1 200 OK\nConnection: close\nX: " + b"x" * 9000),
    "/short": answered(b"HTTP/1.1 200 OK\nConnection: close\nContent-Length: 9", b"abc"),
    "/short-chunk": answered(b"HTTP/1.1 200 OK\nConnection: close\nTransfer-Encoding: chunked",
                             b"5\r\nabc"),
}


def gone(connection, request):
    """The connection ends without a word."""
    return None


CASES = [
    SAID,
    case("bad_answers", f"location / {{ proxy_pass http://{{origin}}; {KEPT} }}",
         *BAD_ANSWERS, "/gone", answers={**BAD_ANSWERS, "/gone": gone}),
    case("uri", f"""
        location /none/ {{ proxy_pass http://{{origin}}; }}
        location /slash/ {{ proxy_pass http://{{origin}}/; }}
        location /base/ {{ proxy_pass http://{{origin}}/other/; }}
        location /base-bare {{ proxy_pass http://{{origin}}/other; }}
        location /query/ {{ proxy_pass http://{{origin}}/other?a=b; }}
        location = /exact {{ proxy_pass http://{{origin}}/x%20y; }}
        location /escaped/ {{ proxy_pass http://{{origin}}/a%20b/; }}
        location ~ ^/rx/ {{ proxy_pass http://{{origin}}; }}
        location /outer/ {{ proxy_pass http://{{origin}}/o/; location /outer/in/ {{ }}
                            location /outer/own/ {{ proxy_pass http://{{origin}}; }} }}
        location /group/ {{ proxy_pass http://group_of_proxy; }}
        location /group-uri/ {{ proxy_pass http://group_of_proxy/g/; }}
        location /tls/ {{ proxy_pass https://{{tls_origin}}; {{tls}} }}
        location /tls-uri/ {{ proxy_pass https://{{tls_origin}}/t/; {{tls}} }}
        """, *(prefix + rest for prefix in ("/none/", "/base/") for rest in (
            "", "x", "x?a=b", "?", "a%20b", "a%2Fb", "a%2520b", "a//b", "./a", "a/../b", "%61",
            "a%3Fb", "a%23b", "a%25b", "a+b", "a%2Bb", "a&b=c", "a;b", "a'b", "a\"b", "a<b>",
            "a[b]", "a{b}", "a|b", "a\\b", "a^b", "a`b", "%C3%BC", "%FF", "a%0Ab", "a%7Fb", "a:b",
            "a@b", "~a", "x?a=%20%zz&b=//..", "%00", "x?a b".replace(" ", "%20"), "*", "(a)")),
         "/slash/", "/slash/x", "/slash/a%20b?c", "/base-bare", "/base-bare/x", "/base-barex",
         "/query/x", "/query/x?c=d", "/exact", "/exact?a=b", "/escaped/x%20y", "/rx/a%20b?c",
         "/outer/x", "/outer/in/x", "/outer/own/x", "/group/x", "/group-uri/x", "/tls/x%20y?z",
         "/tls-uri/x", ask("/tls/x", "POST", body=b"secret"),
         raw(b"GET http://www.test/none/abs?x HTTP/1.1\r\nHost: www.test\r\n\r\n"),
         raw(b"GET http://www.test/base/abs?x HTTP/1.1\r\nHost: www.test\r\n\r\n"),
         http="upstream group_of_proxy { server {origin}; }"),
    case("request_fields", f"""
        location / {{ proxy_pass http://{{origin}}; {KEPT} }}
        """, "/", sent(("X-A", "1"), ("x-a", "2"), ("X-B", "")), sent(("X-Spaces", "  a  b\t")),
         sent(("Cookie", "a=1"), ("Cookie", "b=2")), sent(("Accept", "a"), ("Accept", "b")),
         sent(("Connection", "close")), sent(("Connection", "keep-alive, X-Hop"), ("X-Hop", "1")),
         sent(("Keep-Alive", "5"), ("Proxy-Connection", "x"), ("TE", "trailers")),
         sent(("Upgrade", "x"), ("Connection", "upgrade")), sent(("Expect", "100-continue")),
         sent(("X_Under", "1"), ("X-Dot.Ted", "1"), ("X-~Odd!", "1")), sent(("Range", "bytes=0-1")),
         sent(("If-Modified-Since", "x"), ("If-None-Match", "y"), ("If-Range", "z")),
         sent(("Authorization", "Basic eDp5"), ("Proxy-Authorization", "x")),
         sent(("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=x"), ("Via", "1.1 x")),
         sent(("Host2", "x"), ("User-Agent", "u"), ("Referer", "r"), ("Origin", "o")),
         sent(("X-Latin", "ü")), sent(("X-Tab", "a\tb")), sent(("Content-Type", "text/x")),
         sent(("Trailer", "X-T")), sent(("Depth", "1"), ("Destination", "/x")),
         sent(("Max-Forwards", "1"), method="OPTIONS"), ask("*", "OPTIONS"),
         ask("/", host="WWW.Test:8080"), ask("/", host=None, version="HTTP/1.0"),
         ask("/", version="HTTP/1.0", fields=[("Connection", "keep-alive")]),
         *(ask("/m", method, body=b"abc") for method in
           ("POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "PROPFIND", "MKCOL", "LOCK",
            "X-OWN", "REPORT")),
         *(ask("/m", method) for method in ("HEAD", "POST", "PUT", "DELETE", "COPY", "X-OWN"))),
    case("default_fields", "location / { proxy_pass http://{origin}; }",
         "/", ask("/", host="other.test"), ask("/", "POST", body=b"abc"), ask("/", "HEAD")),
    case("version10", "proxy_http_version 1.0; location / { proxy_pass http://{origin}; }",
         "/", "/chunked", ask("/", "POST", body=b"abc"), ask("/", "HEAD"),
         answers={"/chunked": ANSWERS["/chunked"]}),
    case("set_header", f"""
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Server 1;
        location /inherits {{ proxy_pass http://{{origin}}; }}
        location /own {{ proxy_set_header Connection ""; proxy_set_header X-Own 2;
                         proxy_pass http://{{origin}}; }}
        location /nested/ {{ proxy_set_header Connection ""; proxy_set_header X-Own 2;
                         location /nested/in {{ proxy_pass http://{{origin}}; }} }}
        location /host {{ proxy_set_header Connection ""; proxy_set_header Host $host;
                         proxy_pass http://{{origin}}; }}
        location /http-host {{ proxy_set_header Connection ""; proxy_set_header Host $http_host;
                         proxy_pass http://{{origin}}; }}
        location /host-port {{ proxy_set_header Connection "";
                         proxy_set_header Host $host:$proxy_port; proxy_pass http://{{origin}}; }}
        location /no-host {{ proxy_set_header Connection ""; proxy_set_header Host "";
                         proxy_pass http://{{origin}}; }}
        location /forwarded {{ proxy_set_header Connection "";
                         proxy_set_header X-Real-IP $remote_addr;
                         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                         proxy_set_header X-Forwarded-Proto $scheme;
                         proxy_set_header X-Forwarded-Host $host:$server_port;
                         proxy_set_header X-Request $request_method:$request_uri;
                         proxy_pass http://{{origin}}; }}
        location /removes {{ proxy_set_header Connection ""; proxy_set_header Accept-Encoding "";
                         proxy_set_header X-Given ""; proxy_set_header User-Agent "";
                         proxy_pass http://{{origin}}; }}
        location /replaces {{ proxy_set_header Connection ""; proxy_set_header x-given new;
                         proxy_set_header X-Given $http_x_given-more;
                         proxy_set_header X-Empty $arg_none; proxy_pass http://{{origin}}; }}
        location /twice {{ proxy_set_header Connection ""; proxy_set_header X-Twice 1;
                         proxy_set_header X-Twice 2; proxy_pass http://{{origin}}; }}
        location /closing {{ proxy_set_header Connection close; proxy_pass http://{{origin}}; }}
        location /cookie {{ proxy_set_header Connection ""; proxy_set_header Cookie $cookie_a;
                         proxy_pass http://{{origin}}; }}
        location /length {{ proxy_set_header Connection ""; proxy_set_header Content-Length 9;
                         proxy_pass http://{{origin}}; }}
        location /group {{ proxy_pass http://group_of_set_header; }}
        """, *(sent(("X-Given", "a"), ("X-Given", "b"), ("User-Agent", "u"),
                    ("Accept-Encoding", "gzip"), ("Cookie", "a=1; b=2"),
                    ("X-Forwarded-For", "1.2.3.4"), target=target)
               for target in ("/inherits", "/own", "/nested/in", "/host", "/http-host",
                              "/host-port", "/no-host", "/forwarded?a=b", "/removes", "/replaces",
                              "/twice", "/closing", "/cookie", "/group")),
         ask("/forwarded"), ask("/http-host", host="WWW.test:99"), ask("/host", host="WWW.test:99"),
         ask("/host", host=None, version="HTTP/1.0"),
         ask("/http-host", host=None, version="HTTP/1.0"),
         http="upstream group_of_set_header { server {origin}; }"),
    case("hidden_fields", f"""
        {KEPT}
        location /plain {{ proxy_pass http://{{origin}}/fields; }}
        location /hide {{ proxy_hide_header X-Twice; proxy_hide_header set-cookie;
                          proxy_pass http://{{origin}}/fields; }}
        location /pass {{ proxy_pass_header Server; proxy_pass_header Date;
                          proxy_pass_header X-Pad; proxy_pass http://{{origin}}/fields; }}
        location /pass-accel {{ proxy_pass_header X-Accel-Other;
                          proxy_pass http://{{origin}}/fields; }}
        location /both {{ proxy_hide_header Server; proxy_pass_header Server;
                          proxy_pass http://{{origin}}/fields; }}
        location /type {{ proxy_hide_header Content-Type; proxy_hide_header Last-Modified;
                          proxy_hide_header ETag; proxy_pass http://{{origin}}/fields; }}
        """, "/plain", "/hide", "/pass", "/pass-accel", "/both", "/type", answers=ANSWERS),
    case("bodies", f"""
        {KEPT}
        client_max_body_size 100k;
        location / {{ proxy_pass http://{{origin}}; }}
        location /tls {{ proxy_pass https://{{tls_origin}}; {{tls}} }}
        location /small {{ client_max_body_size 10; proxy_pass http://{{origin}}; }}
        location /any {{ client_max_body_size 0; proxy_pass http://{{origin}}; }}
        """, *(ask(target, "POST", body=body) for target in ("/", "/tls") for body in
               (b"", b"x", b"x" * 16384, BIG)),
         ask("/small", "POST", body=b"0123456789"), ask("/small", "POST", body=b"0123456789a"),
         ask("/any", "POST", body=BIG * 4), ask("/", "POST", body=b"x" * (100 * 1024)),
         ask("/", "POST", body=b"x" * (100 * 1024 + 1)),
         *(raw(b"POST /c HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
           for body in (chunked([b"abc", b"defg"]), chunked([]), chunked([BIG]),
                        chunked([b"abc"], [("X-Trailer", "t")]), b"3;ext=1\r\nabc\r\n0\r\n\r\n",
                        b"003\r\nabc\r\n0000\r\n\r\n", b"A\r\n0123456789\r\n0\r\n\r\n")),
         raw(b"POST /small HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n"
             + chunked([b"0123456789", b"a"])),
         on_one_connection(ask("/", "POST", body=b"one"), ask("/", "POST", body=b"two"), "/"),
         raw(b"POST /p HTTP/1.1\r\nHost: www.test\r\nContent-Length: 3\r\n\r\nabc"
             b"GET /q HTTP/1.1\r\nHost: www.test\r\n\r\n", "POST", "GET")),
    case("failures", f"""
        {KEPT}
        proxy_read_timeout 300ms; proxy_connect_timeout 300ms;
        location /closed {{ proxy_pass http://{{closed}}; }}
        location /stuck {{ proxy_pass http://{{stuck}}; }}
        location /silent {{ proxy_pass http://{{origin}}; }}
        location /plain-to-tls {{ proxy_pass http://{{tls_origin}}; }}
        location /tls-to-plain {{ proxy_pass https://{{origin}}; {{tls}} }}
        location /tls-closed {{ proxy_pass https://{{closed}}; {{tls}} }}
        location /wrong-name {{ proxy_pass https://{{tls_origin}}; {{tls}}
                                }}
        location /next {{ proxy_pass http://next_of_failures; }}
        location /next-off {{ proxy_pass http://next_of_failures; proxy_next_upstream off; }}
        location /next-404 {{ proxy_pass http://two_of_failures; proxy_next_upstream http_404; }}
        location /next-not {{ proxy_pass http://two_of_failures; }}
        location /page {{ error_page 502 504 /page.html; proxy_pass http://{{closed}}; }}
        location = /page.html {{ internal_page; }}
        """.replace("internal_page;", 'return 200 "page $status";'),
         "/closed", ask("/closed", "POST", body=b"x"), ask("/closed", "HEAD"), "/stuck", "/silent",
         "/tls-to-plain", "/tls-closed", "/next", ask("/next", "POST", body=b"x"), "/next-404",
         "/next-not", "/page",
         http="""
         upstream next_of_failures { server {closed}; server {origin} backup; }
         upstream two_of_failures { server {origin} max_fails=0; server {other} backup; }
         """,
         answers={"/silent": lambda connection, request: connection.stall(2) and None,
                  "/next-404": ANSWERS["/404"], "/next-not": ANSWERS["/404"]}),
]
