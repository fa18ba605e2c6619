"""What is added to answers: expires, add_trailer, etag, and limits on ranges."""
from beside import ask, case
from wire import response

ETAG = '"5f5e1000-14"'
KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
ANSWERS = {
    "/fields": response(200, b"ok", [("Expires", "then"), ("Cache-Control", "private"),
                                     ("Cache-Control", "no-store"), ("ETag", '"o"'),
                                     ("Last-Modified", "Sun, 13 Sep 2020 12:26:40 GMT"),
                                     ("Content-Type", "text/css")]),
    "/404": response(404, b"no"), "/301": response(301, b"", [("Location", "/x")]),
    "/chunked": response(200, b"chunked", framing="chunked"),
    "/close": response(200, b"until close", framing="close"),
    "/ranged": response(200, b"0123456789", [("Accept-Ranges", "bytes")]),
    "/long": response(200, b"0123456789", [("ETag", '"x"'), ("X-Origin", "one")]),
}


CASES = [
    case("expires", f"""
        root {{root}};
        types {{ text/css css; text/plain txt; }}
        location /off {{ expires off; proxy_pass http://{{origin}}/fields; {KEPT} }}
        location /epoch {{ expires epoch; return 200 x; }}
        location /modified/ {{ expires modified +1h; alias {{root}}/; }}
        location /max {{ expires max; return 200 x; }}
        location /hour {{ expires 1h; return 200 x; }}
        location /plus {{ expires +1d; return 200 x; }}
        location /zero {{ expires 0; return 200 x; }}
        location /minus {{ expires -1h; return 200 x; }}
        location /proxied-hour {{ expires 1h; proxy_pass http://{{origin}}/fields; {KEPT} }}
        location /negative {{ expires -1; return 200 x; }}
        location /proxied-epoch {{ expires epoch; proxy_pass http://{{origin}}/fields; {KEPT} }}
        location /proxied-max {{ expires max; proxy_pass http://{{origin}}/fields; {KEPT} }}
        location /not-found {{ expires max; return 404; }}
        location /redirect {{ expires max; return 301 /x; }}
        location /upstream-404 {{ expires max; proxy_pass http://{{origin}}/404; {KEPT} }}
        location /upstream-301 {{ expires max; proxy_pass http://{{origin}}/301; {KEPT} }}
        location /variable {{ expires $arg_e; return 200 x; }}
        location /map {{ expires $expires_of_answers; return 200 x; }}
        location /with-header {{ expires max; add_header Cache-Control public;
                                add_header Expires own; return 200 x; }}
        location /outer/ {{ expires max; return 200 x; location /outer/in {{ return 200 x; }}
                            location /outer/off {{ expires off; return 200 x; }} }}
        location /tomorrow {{ expires @0h; return 204; }}
        """, "/off", "/epoch", "/modified/a.txt", "/modified/none", "/max", "/negative",
         "/hour", "/plus", "/zero", "/minus", "/proxied-hour", "/variable?e=1h", "/variable?e=-1",
         "/variable?e=+2d", "/variable?e=modified",
         "/proxied-epoch", "/proxied-max", "/not-found", "/redirect", "/upstream-404",
         "/upstream-301", "/variable?e=epoch", "/variable?e=off", "/variable?e=max", "/variable",
         "/variable?e=junk", "/map", "/with-header", "/outer/x", "/outer/in", "/outer/off",
         ask("/modified/a.txt", fields=[("If-None-Match", ETAG)]), ask("/max", "HEAD"),
         ask("/modified/a.txt", fields=[("Range", "bytes=0-1")]),
         http="map $uri $expires_of_answers { default epoch; /x max; }", answers=ANSWERS),
    case("add_trailer", f"""
        {KEPT}
        location /own {{ add_trailer X-T $uri; add_trailer X-Empty ""; return 200 x; }}
        location /chunked {{ add_trailer X-T "$upstream_status $uri"; add_trailer X-U u always;
                            proxy_pass http://{{origin}}; }}
        location /length {{ add_trailer X-T t; proxy_pass http://{{origin}}/long; }}
        location /404 {{ add_trailer X-T t; add_trailer X-A a always;
                         proxy_pass http://{{origin}}; }}
        location /file {{ add_trailer X-T t; alias {{root}}/a.txt; }}
        location /none {{ add_trailer X-T ""; return 200 x; }}
        location /204 {{ add_trailer X-T t; return 204; }}
        """, "/own", "/chunked", "/length", "/404", "/file", "/none", "/204",
         ask("/chunked", version="HTTP/1.0"), ask("/own", version="HTTP/1.0"), ask("/own", "HEAD"),
         ask("/own", fields=[("TE", "trailers")]), answers=ANSWERS),
    case("etag", """
        root {root};
        etag off;
        location /deep/ { etag on; }
        location /since/ { alias {root}/; if_modified_since off; etag on; }
        location /before/ { alias {root}/; if_modified_since before; }
        location /exact/ { alias {root}/; if_modified_since exact; }
        """, "/a.txt", "/deep/a.txt", ask("/a.txt", fields=[("If-None-Match", ETAG)]),
         ask("/a.txt", fields=[("If-None-Match", "*")]),
         *(ask(place + "a.txt", fields=[("If-Modified-Since", date)])
           for place in ("/", "/since/", "/before/", "/exact/")
           for date in ("Sun, 13 Sep 2020 12:26:40 GMT", "Sun, 13 Sep 2020 12:26:39 GMT",
                        "Sun, 13 Sep 2020 12:26:41 GMT")),
         ask("/since/a.txt", fields=[("If-None-Match", ETAG)])),
    case("max_ranges", """
        root {root};
        location /none/ { alias {root}/; max_ranges 0; }
        location /two/ { alias {root}/; max_ranges 2; }
        """, *(ask(place + "a.txt", fields=[("Range", "bytes=" + ranges)])
               for place in ("/none/", "/two/")
               for ranges in ("0-1", "0-1,4-5", "0-1,4-5,8-9")), "/none/a.txt", "/two/a.txt"),
    case("server_and_date", f"""
        {KEPT}
        location / {{ proxy_pass_header Server; proxy_pass_header Date;
                     proxy_pass http://{{origin}}; }}
        location /hidden/ {{ proxy_pass http://{{origin}}; }}
        location /own {{ proxy_pass_header Server; return 200 x; }}
        """, *(f"/{place}{what}" for place in ("", "hidden/")
                         for what in ("none", "empty", "value")), "/own",
         answers={f"/{place}{what}": response(200, b"x", fields) for place in ("", "hidden/")
                  for what, fields in (("none", []), ("empty", [("Server", ""), ("Date", "")]),
                                       ("value", [("Server", "x"), ("Date", "y")]))}),
    case("add_header_more", f"""
        {KEPT}
        add_header X-Server s;
        location /if-codes/200 {{ return 200 x; }}
        location /if-codes/201 {{ return 201 x; }}
        location /if-codes/204 {{ return 204; }}
        location /if-codes/206 {{ return 206 x; }}
        location /if-codes/301 {{ return 301 /x; }}
        location /if-codes/302 {{ return 302 /x; }}
        location /if-codes/303 {{ return 303 /x; }}
        location /if-codes/304 {{ return 304; }}
        location /if-codes/307 {{ return 307 /x; }}
        location /if-codes/308 {{ return 308 /x; }}
        location /if-codes/202 {{ return 202 x; }}
        location /if-codes/400 {{ return 400; }}
        location /if-codes/500 {{ return 500; }}
        location /proxied {{ proxy_pass http://{{origin}}/fields; add_header Cache-Control public;
                             add_header Set-Cookie a=b; add_header ETag mine;
                             add_header Last-Modified "Mon, 14 Sep 2020 12:26:40 GMT"; }}
        location /removes {{ proxy_pass http://{{origin}}/fields; add_header Last-Modified "";
                             add_header Content-Type x/y; add_header Content-Length 9; }}
        location /variable {{ add_header X-$arg_a x; return 200 x; }}
        """, *(f"/if-codes/{code}" for code in (200, 201, 202, 204, 206, 301, 302, 303, 304, 307,
                                                308, 400, 500)),
         "/proxied", "/removes", "/variable?a=b", answers=ANSWERS),
    case("force_ranges", f"""
        {KEPT}
        location / {{ proxy_pass http://{{origin}}; }}
        location /forced/ {{ proxy_force_ranges on; proxy_pass http://{{origin}}/; }}
        """, *(ask(target, fields=[("Range", "bytes=2-4")]) for target in
               ("/ranged", "/long", "/forced/long", "/forced/chunked", "/forced/404",
                "/forced/ranged")),
         ask("/forced/long"), ask("/forced/long", fields=[("Range", "bytes=90-")]),
         ask("/forced/long", fields=[("Range", "bytes=0-1"), ("If-Range", '"x"')]),
         ask("/forced/long", fields=[("Range", "bytes=0-1"), ("If-Range", '"y"')]),
         ask("/forced/long", "HEAD", fields=[("Range", "bytes=0-1")]), answers=ANSWERS),
    case("shown_with_another_status", f"""
        root {{root}};
        error_page 402 =200 /a.txt;
        error_page 403 /empty;
        error_page 404 =200 @empty;
        error_page 410 =200 /kept;
        error_page 411 /none;
        error_page 412 =200 /unchanged;
        location /402 {{ return 402; }}
        location /403 {{ return 403; }}
        location /404 {{ return 404; }}
        location /410 {{ return 410; }}
        location /411 {{ return 411; }}
        location /412 {{ return 412; }}
        location /empty {{ return 204; }}
        location @empty {{ return 204; }}
        location /kept {{ return 304; }}
        location /none {{ proxy_pass http://{{origin}}; {KEPT} }}
        location /unchanged {{ proxy_pass http://{{origin}}; {KEPT} }}
        """,
         *(ask(f"/{status}", method, version=version)
           for status in (402, 403, 404, 410, 411, 412) for method in ("GET", "HEAD")
           for version in ("HTTP/1.1", "HTTP/1.0")),
         *(ask("/402", fields=[field]) for field in (
             ("If-None-Match", "*"), ("If-None-Match", '"x"'), ("Range", "bytes=1-2"),
             ("Range", "bytes=1-2,4-5"), ("Range", "bytes=100-"))),
         answers={"/none": b"HTTP/1.1 204 No Content\r\n\r\n",
                  "/unchanged": b"HTTP/1.1 304 Not Modified\r\n\r\n"}),
]
