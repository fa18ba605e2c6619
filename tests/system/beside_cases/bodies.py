"""Bodies: taken in first or streamed, as variables, in how much memory, and how fast."""
from beside import ask, case, raw
from beside_cases.refused import each, http, server
from wire import chunked, response

BIG = b"0123456789abcdef" * 2048  # more than client_body_buffer_size


def posted(target, *pieces):
    head = f"POST {target} HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    return raw(head.encode() + chunked(pieces), "POST")


def padded(size):
    """An answer whose head has that many bytes."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Pad: "
    return start + b"p" * (size - len(start) - 4) + b"\r\n\r\nok"


TOLD = ('proxy_set_header X-Body "<$request_body>"; proxy_set_header X-Length "<$content_length>";'
        "proxy_pass http://{origin};")
CASES = [
    case("variables", f"""
        location / {{ {TOLD} }}
        location /single {{ client_body_in_single_buffer on; {TOLD} }}
        location /small {{ client_body_buffer_size 1k; {TOLD} }}
        location /returned {{ return 200 "<$request_body><$content_length>"; }}
        """,
         "/", ask("/", "POST", body=b""), ask("/", "POST", body=b"a=1&b=2"),
         posted("/", b"a", b"=1"),
         posted("/"), ask("/single", "POST", body=b"x" * 3000), ask("/", "POST", body=BIG),
         ask("/small", "POST", body=b"x" * 1024), ask("/small", "POST", body=b"x" * 5000),
         ask("/returned", "POST", body=b"abc"), ask("/", "PUT", body=b"p"),
         ask("/", "GET", body=b"of a GET"), ask("/", "DELETE", body=b"of a DELETE")),
    case("streamed", """
        proxy_request_buffering off;
        location / { proxy_pass http://{origin}; }
        location /old { proxy_http_version 1.0; proxy_pass http://{origin}; }
        location /new { proxy_http_version 1.1; proxy_set_header Connection "";
                        proxy_pass http://{origin}; }
        """,
         ask("/", "POST", body=b"abc"), ask("/old", "POST", body=BIG), posted("/old", b"ab", b"c"),
         ask("/new", "POST", body=BIG)),
    case("again", """
        location / { proxy_pass http://one_of_bodies; }
        location /post { proxy_pass http://one_of_bodies;
                         proxy_next_upstream error non_idempotent; }
        """,
         ask("/", "PUT", body=BIG), ask("/", "PUT", body=b"abc"), ask("/post", "POST", body=BIG),
         http="upstream one_of_bodies { server {closed} max_fails=0; server {origin} backup; }"),
    case("heads", """
        location / { proxy_pass http://{origin}; proxy_buffer_size 4k; }
        location /8k { proxy_pass http://{origin}; proxy_buffer_size 8k; proxy_buffers 4 8k; }
        location /off { proxy_pass http://{origin}; proxy_buffer_size 4k; proxy_buffering off; }
        """,
         "/4000", "/5000", "/8k/8000", "/8k/9000", "/off/4000", "/off/5000",
         answers={"/4000": padded(4000), "/5000": padded(5000), "/8k/8000": padded(8000),
                  "/8k/9000": padded(9000), "/off/4000": padded(4000), "/off/5000": padded(5000)}),
    case("ranges", """
        location / { proxy_force_ranges on; proxy_pass http://{origin}; }
        location /off { proxy_pass http://{origin}; }
        """,
         *(ask(target, fields=[("Range", wanted), *fields])
           for target in ("/own", "/off", "/chunked", "/missing")
           for wanted, fields in (("bytes=0-4", []), ("bytes=-5", []), ("bytes=99999-", []),
                                  ("bytes=0-1,3-4", []), ("bytes=5-", [("If-Range", '"e"')]),
                                  ("bytes=5-", [("If-Range", '"f"')]), ("bytes=x", []))),
         "/own",
         answers={"/own": response(200, BIG, [("ETag", '"e"'), ("Accept-Ranges", "bytes")]),
                  "/off": response(200, BIG, [("ETag", '"e"'), ("Accept-Ranges", "bytes")]),
                  "/chunked": response(200, BIG, framing="chunked"),
                  "/missing": response(404, b"nothing here")}),
    case("rates", """
        limit_rate 1m;
        location / { proxy_pass http://{origin}; }
        location /text { return 200 "0123456789"; }
        location /after { limit_rate 1; limit_rate_after 1m; proxy_pass http://{origin}; }
        location /asked { limit_rate $arg_rate; proxy_pass http://{origin}; }
        location /own { proxy_limit_rate 1m; proxy_pass http://{origin}; }
        """,
         "/big", "/text", "/after", "/asked", "/asked?rate=2m", "/asked?rate=much", "/own",
         answers={"/big": response(200, BIG), "/after": response(200, BIG)}),
]
REFUSED = {
    **each(
        http,
        buffering="proxy_request_buffering 1;", file_only="client_body_in_file_only yes;",
        temp_many="client_body_temp_path spool 1 2 3 4;", rate="limit_rate 0.5;",
        rate_after="limit_rate_after x;", proxy_rate="proxy_limit_rate x;",
        buffers_none="proxy_buffers 0 4k;",
        buffer_size="proxy_buffer_size x;", answers_buffering="proxy_buffering 1;",
        bind="proxy_bind 1.2.3.4.5;", bind_unix="proxy_bind unix:/x;",
        bind_word="proxy_bind 127.0.0.1 off;", keepalive="proxy_socket_keepalive 1;",
        abort="proxy_ignore_client_abort 1;", reset="reset_timedout_connection 1;"),
    **{f"listen_{name}": http(f"server {{\nlisten 127.0.0.1:80 {text};\n}}") for name, text in {
        "keepalive": "so_keepalive=x", "keepalive_empty": "so_keepalive=::",
        "receive": "rcvbuf=x", "send": "sndbuf=1g", "fast": "fastopen=x", "fib": "setfib=1",
        "deferred": "deferred=1", "proxy": "proxy_protocol=1"}.items()},
    "body_in_main": "client_body_buffer_size 8k;\nevents { }\nhttp { }\n",
    "rate_words": server("limit_rate 1k 2k;"),
}
