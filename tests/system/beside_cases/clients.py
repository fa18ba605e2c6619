"""What clients write: requests that are odd or wrong, limits of heads, old versions."""
from beside import ask, case, raw

HOST = b"Host: www.test\r\n"


def get(*fields, line=b"GET / HTTP/1.1", host=HOST):
    return raw(line + b"\r\n" + host + b"".join(f + b"\r\n" for f in fields) + b"\r\n")


def lines(*all_lines):
    return raw(b"\r\n".join(all_lines) + b"\r\n\r\n")


CASES = [
    case("request_lines", """
        location / { return 200 "$request_method|$request_uri|$uri|$server_protocol\\n"; }
        """, *(get(line=line) for line in (
            b"GET / HTTP/1.0", b"GET / HTTP/1.2", b"GET / HTTP/1.10", b"GET / HTTP/2.0",
            b"GET / HTTP/0.9", b"GET / HTTP/1.", b"GET / HTTP/1", b"GET / HTTP/", b"GET / http/1.1",
            b"GET / HTTP/1.1 ", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b" GET / HTTP/1.1",
            b"GET\t/ HTTP/1.1", b"GET /a b HTTP/1.1", b"GET / HTTP/1.1x", b"GET x HTTP/1.1",
            b"GET /a#b HTTP/1.1", b"GET /a\x01b HTTP/1.1", b"GET /a\x7fb HTTP/1.1",
            b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT www.test:80 HTTP/1.1",
            b"CONNECT / HTTP/1.1", b"TRACE / HTTP/1.1", b"G\x00T / HTTP/1.1", b"/ HTTP/1.1",
            b"GET", b"", b"GET / FTP/1.1", b"G-T / HTTP/1.1", b"G_T / HTTP/1.1", b"G1T / HTTP/1.1",
            b"GET http://www.test/ HTTP/1.1", b"GET https://www.test/ HTTP/1.1",
            b"GET http://other.test/ HTTP/1.1", b"GET ftp://www.test/ HTTP/1.1",
            b"GET http:///x HTTP/1.1", b"GET http://www.test:80/ HTTP/1.1", b"GET // HTTP/1.1",
            b"GET http://user@www.test/ HTTP/1.1", b"GET http://www.test/../x HTTP/1.1")),
         raw(b"GET / HTTP/1.1\n" + HOST + b"\r\n"), raw(b"GET / HTTP/1.1\r\nHost: www.test\n\r\n"),
         raw(b"GET / HTTP/1.1\r\nHost: www.test\r\n\n"), raw(b"GET /\r\n"), raw(b"GET /x\n")),
    case("request_fields", """
        location / { return 200 "$http_x_a|$http_x_b|$host|$content_length\\n"; }
        """, *(get(*fields) for fields in (
            (b"X-A: 1", b"X-B: 2"), (b"x-a: 1", b"X-A: 2"), (b"X-A:1",), (b"X-A: ",), (b"X-A:",),
            (b"X-A : 1",), (b" X-A: 1",), (b"X-A",), (b": x",), (b"X A: 1",), (b"X-A: a\tb",),
            (b"X-A: a\x01b",), (b"X-A: a\x00b",), (b"X-A: a\x7fb",), (b"X-A: \xff",),
            (b"X_A: 1",), (b"X.B: 1",), (b"X-A: 1", b" folded"), (b"X-A: 1\rX-B: 2",),
            (b"Host: www.test",), (b"Host: other.test",), (b"Content-Length: 0",),
            (b"Content-Length: 00",), (b"Content-Length: x",), (b"Content-Length: -1",),
            (b"Content-Length: +0",), (b"Content-Length:",), (b"Content-Length: 1 2",),
            (b"Content-Length: 0", b"Content-Length: 0"), (b"Content-Length: 0, 0",),
            (b"Content-Length: 99999999999999999999",), (b"Transfer-Encoding: gzip",),
            (b"Transfer-Encoding: chunked, gzip",), (b"Transfer-Encoding: gzip, chunked",),
            (b"Transfer-Encoding: identity",), (b"Transfer-Encoding:",),
            (b"Content-Length: 0", b"Transfer-Encoding: chunked"), (b"Expect: x",),
            (b"Connection: close",), (b"Connection: x",), (b"Connection: Close, x",),
            (b"Connection: keep-alive, close",), (b"X-(A): 1",), (b"\xc3\xbc: 1",))),
         *(lines(b"GET / HTTP/1.1", b"Host: " + host) for host in (
            b"a b", b"a/b", b"a?b", b"a#b", b"a@b", b"a:b", b"a:", b":80", b"a..b", b".a", b"a.",
            b"a,b", b"[::1]", b"[::1", b"::1", b"a\\b", b"a%41", b"a_b", b"-a", b"a:99999", b"a:0",
            b"*", b"a;b", b"[v1.x]", b"\xc3\xbc", b"a\tb", b"a'b", b"1.2.3.4", b"a|b", b"a<b>")),
         lines(b"GET / HTTP/1.1", b"X-A: 1"), lines(b"GET / HTTP/1.0", b"X-A: 1")),
    case("repeated", "location / { return 200 ok; }", *(
        get(name + b": 1", name + b": 2") for name in (
            b"Authorization", b"If-Modified-Since", b"If-Unmodified-Since", b"If-Match",
            b"If-None-Match", b"User-Agent", b"Referer", b"Content-Type", b"Range", b"If-Range",
            b"Transfer-Encoding", b"TE", b"Expect", b"Upgrade", b"Accept-Encoding", b"Via",
            b"Keep-Alive", b"X-Forwarded-For", b"X-Real-IP", b"Accept", b"Accept-Language",
            b"Depth", b"Destination", b"Overwrite", b"Date", b"Cookie", b"Origin",
            b"Proxy-Authorization", b"Connection", b"Forwarded"))),
    case("chunks", "location / { proxy_pass http://{origin}; }", *(
        raw(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        for body in (b"x\r\n", b"-1\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n",
                     b"3\r\nabcd\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"10000000000000000\r\n",
                     b" 3\r\nabc\r\n0\r\n\r\n", b"\r\n"))),
    case("names_of_fields", """
        underscores_in_headers on;
        location / { return 200 "$http_x_a|$http_x_b"; }
        """, get(b"X_A: 1"), get(b"X-A: 1"), get(b"X_A: 1", b"X-A: 2")),
    case("limits", """
        client_header_buffer_size 1k;
        large_client_header_buffers 2 2k;
        location / { return 200 "ok $request_length"; }
        """, *(ask("/" + "x" * size) for size in (900, 1500, 2000, 2036, 2040, 3000)),
         *(get(b"X-A: " + b"x" * size) for size in (900, 1900, 2040, 2041, 2042, 3000)),
         get(b"X-A: " + b"x" * 1500, b"X-B: " + b"x" * 1500),
         get(b"X-A: " + b"x" * 1500, b"X-B: " + b"x" * 1500, b"X-C: " + b"x" * 1500)),
    case("error_page_of_400", """
        error_page 400 /why; error_page 494 /long; error_page 414 /uri; error_page 413 /body;
        error_page 405 /method;
        client_header_buffer_size 1k; large_client_header_buffers 2 1k; client_max_body_size 5;
        location / { return 200 ok; }
        location /why { return 200 "why $uri"; }
        location /long { return 200 "long $uri"; }
        location /uri { return 200 "uri $uri"; }
        location /body { return 200 "body $uri"; }
        location /method { return 200 "method $uri"; }
        """, get(b"Host: x"), ask("/" + "x" * 2000), get(b"X-A: " + b"x" * 2000),
         ask("/", "POST", body=b"123456"), get(line=b"GET / HTTP/1.1 x"),
         get(b"Content-Length: x"), get(line=b"TRACE / HTTP/1.1")),
]
