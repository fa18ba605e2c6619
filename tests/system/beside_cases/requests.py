"""Bodies of requests: buffered or not, limits, $request_body; rates and buffers of answers."""
from beside import Ask, ask, case, on_one_connection, raw
from wire import chunked, request, response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
LARGE = b"0123456789abcdef" * 8192


def expecting(target, body, **more):
    """Head and body in two parts: the body when 100 was said, as clients do."""
    head = request(target, "POST", fields=[("Expect", "100-continue"),
                                           ("Content-Length", str(len(body)))], **more)
    return raw(head + body, "POST")


def refused_later(connection, request_):
    return response(413, b"too much", [("Connection", "close")], framing="length")


CASES = [
    case("buffering", f"""
        {KEPT}
        client_max_body_size 1m;
        client_body_buffer_size 8k;
        location /on {{ proxy_pass http://{{origin}}; }}
        location /off {{ proxy_request_buffering off; proxy_pass http://{{origin}}; }}
        location /off10 {{ proxy_request_buffering off; proxy_http_version 1.0;
                           proxy_pass http://{{origin}}; }}
        location /single {{ client_body_in_single_buffer on; proxy_pass http://{{origin}}; }}
        location /file {{ client_body_in_file_only clean; proxy_pass http://{{origin}}; }}
        location /body {{ proxy_pass http://{{origin}}; proxy_set_header X-Body $request_body; }}
        location /body-file {{ client_body_in_file_only clean; proxy_pass http://{{origin}};
                               proxy_set_header X-Body "$request_body"; }}
        location /length {{ proxy_set_header X-Length "$content_length $request_length";
                            proxy_pass http://{{origin}}; }}
        location /return {{ return 200 "$request_body|$content_length"; }}
        """, *(ask(place, "POST", body=body)
               for place in ("/on", "/off", "/off10", "/single", "/file", "/body-file", "/length",
                             "/return")
               for body in (b"", b"abc", b"x" * 8192, b"x" * 8193, LARGE)),
         *(raw(request(place, "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked(pieces, trailers))
           for place in ("/on", "/off", "/off10", "/single", "/file", "/body", "/length")
           for pieces, trailers in (([b"abc", b"de"], ()), ([], ()), ([LARGE], ()),
                                    ([b"abc"], [("X-Trailer", "t")]))),
         ask("/body", "POST", body=b""), ask("/body", "POST", body=b"abc"),
         ask("/body", "POST", body=b"x" * 4000), "/body", "/on", "/length",
         *(expecting(place, body) for place in ("/on", "/off", "/return")
           for body in (b"abc", LARGE)),
         expecting("/on", b"abc", version="HTTP/1.0"),
         *(Ask(((request("/on", "POST", fields=[("Expect", "100-continue"),
                                                ("Content-Length", str(len(body)))]), ("1xx",)),
                (body, ("POST",)))) for body in (b"abc", LARGE)),
         on_one_connection(ask("/on", "POST", body=LARGE), ask("/off", "POST", body=LARGE), "/on",
                           ask("/return", "POST", body=LARGE), "/off")),
    case("body_sizes", f"""
        {KEPT}
        client_max_body_size 10;
        location / {{ proxy_pass http://{{origin}}; }}
        location /off {{ proxy_request_buffering off; proxy_pass http://{{origin}}; }}
        location /more/ {{ client_max_body_size 20; proxy_pass http://{{origin}}; }}
        location /none/ {{ client_max_body_size 0; proxy_pass http://{{origin}}; }}
        location /return {{ return 200 x; }}
        location /files/ {{ alias {{root}}/; }}
        location /page {{ error_page 413 =413 /page413; proxy_pass http://{{origin}}; }}
        location /page413 {{ client_max_body_size 0; return 200 "too large"; }}
        """, *(ask(place, "POST", body=b"x" * size)
               for place in ("/", "/off", "/more/", "/none/", "/return", "/files/a.txt", "/page")
               for size in (10, 11, 20, 21)),
         *(raw(request(place, "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked([b"x" * 6, b"y" * size]))
           for place in ("/", "/off", "/more/", "/none/") for size in (4, 5)),
         expecting("/", b"x" * 11), expecting("/off", b"x" * 11)),
    case("early_answers", f"""
        {KEPT}
        client_max_body_size 1m;
        location / {{ proxy_pass http://{{origin}}; }}
        location /off {{ proxy_request_buffering off; proxy_pass http://{{origin}}; }}
        """, ask("/refused", "POST", body=b"abc"), ask("/off", "POST", body=b"abc"),
         answers={"/refused": refused_later, "/off": refused_later}),
    case("buffers", f"""
        {KEPT}
        location /on {{ proxy_pass http://{{origin}}; }}
        location /off {{ proxy_buffering off; proxy_pass http://{{origin}}; }}
        location /small {{ proxy_buffer_size 1k; proxy_buffers 2 1k; proxy_busy_buffers_size 1k;
                           proxy_pass http://{{origin}}; }}
        location /large {{ proxy_buffer_size 16k; proxy_buffers 4 16k; proxy_pass
                           http://{{origin}}; }}
        location /no-file {{ proxy_max_temp_file_size 0; proxy_pass http://{{origin}}; }}
        location /rate {{ limit_rate 10m; limit_rate_after 100k; proxy_pass http://{{origin}}; }}
        location /from {{ proxy_limit_rate 10m; proxy_pass http://{{origin}}; }}
        location /variable {{ limit_rate $arg_r; proxy_pass http://{{origin}}; }}
        """, *(place + what for place in ("/on", "/off", "/small", "/large", "/no-file", "/rate",
                                          "/from", "/variable")
               for what in ("/body", "/chunked", "/close", "/head-900", "/head-3500",
                            "/head-8000")),
         "/variable/body?r=10m", "/variable/body?r=0", "/variable/body?r=junk",
         answers={f"{place}/{name}": answer for place in (
             "/on", "/off", "/small", "/large", "/no-file", "/rate", "/from", "/variable")
             for name, answer in (
                 ("body", response(200, LARGE)),
                 ("chunked", response(200, LARGE, framing="chunked")),
                 ("close", response(200, LARGE, framing="close")),
                 ("head-900", response(200, b"x", [("X-Long", "y" * 800)])),
                 ("head-3500", response(200, b"x", [("X-Long", "y" * 3400)])),
                 ("head-8000", response(200, b"x", [("X-Long", "y" * 8000)])))}),
]

REFUSED = {name: f"events {{ }}\nhttp {{\n{text}\n}}\n" for name, text in {
    "request_buffering": "proxy_request_buffering maybe;",
    "in_file": "client_body_in_file_only maybe;", "in_single": "client_body_in_single_buffer x;",
    "buffer_size": "client_body_buffer_size x;", "temp_path": "client_body_temp_path;",
    "buffering": "proxy_buffering maybe;",
    "proxy_buffer_size": "proxy_buffer_size x;", "buffers": "proxy_buffers 4;",
    "buffers_one": "proxy_buffers 1 4k;\nserver { location / { proxy_pass http://127.0.0.1; } }",
    "buffers_zero": "proxy_buffers 0 4k;", "busy": "proxy_busy_buffers_size x;",
    "busy_small": "proxy_busy_buffers_size 1k;\nserver { location / { proxy_pass "
                  "http://127.0.0.1; } }",
    "busy_large": "proxy_busy_buffers_size 1m;\nserver { location / { proxy_pass "
                  "http://127.0.0.1; } }",
    "rate": "limit_rate x;", "rate_after": "limit_rate_after x;", "proxy_rate":
    "proxy_limit_rate x;", "rate_twice": "limit_rate 1k;\nlimit_rate 2k;",
    "temp_file": "proxy_max_temp_file_size x;", "temp_write": "proxy_temp_file_write_size x;",
    "temp_small": "proxy_max_temp_file_size 1k;\nserver { location / { proxy_pass "
                  "http://127.0.0.1; } }",
}.items()}
