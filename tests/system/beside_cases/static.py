"""Static files: what is found, what is said of it, ranges and conditions; pages of errors."""
from beside import ask, case, on_one_connection

MODIFIED = "Sun, 13 Sep 2020 12:26:40 GMT"  # beside.FILES_MODIFIED
EARLIER = "Sun, 13 Sep 2020 12:26:39 GMT"
LATER = "Sun, 13 Sep 2020 12:26:41 GMT"
ETAG = '"5f5e1000-14"'  # of a.txt


def given(target, *fields, method="GET"):
    return ask(target, method, fields=fields)


def ranged(*values, target="/a.txt"):
    return [given(target, ("Range", value)) for value in values]


CASES = [
    case("found", """
        root {root};
        types { text/html html htm; text/plain txt; application/javascript js; image/png png;
                application/gzip gz; text/css CSS; }
        default_type application/x-other;
        """,
         "/", "/a.txt", "/b.html", "/none", "/empty.txt", "/deep/", "/deep/a.txt", "/deep/er/",
         "/bare/", "/void/", "/missing", "/missing/", "/a.txt/", "/with%20space.txt",
         "/per%25cent.txt", "/q%3Fmark.txt", "/q?mark.txt", "/%C3%BC.txt", "/a+b.txt",
         "/app/main.js", "/app/x.JS", "/app/style.css", "/images/x.png", "/images/x.tar.gz",
         "/secret.txt", "/link.txt", "/loop.txt", "/gone.txt", "/deep/../a.txt", "/a.txt?x=y",
         "/a.txt%00", "/a.txt%00.html", "/..%2fa.txt", "/%2e%2e/a.txt", "/big.bin",
         "/" + "x" * 300, "/deep/er", "/app", "/link.txt/x", "/a.txt%20", "//a.txt", "/./a.txt"),
    case("methods", "root {root};", *(
        ask(target, method, body=body) for target in ("/a.txt", "/missing", "/deep/", "/bare/")
        for method, body in (("HEAD", None), ("POST", b"x=y"), ("PUT", b"x"), ("DELETE", None),
                             ("OPTIONS", None), ("PATCH", b""))),
         ask("/a.txt", version="HTTP/1.0"), ask("/big.bin", "HEAD"),
         on_one_connection("/a.txt", "/missing", "/b.html", ask("/a.txt", "HEAD"), "/empty.txt")),
    case("index", """
        root {root};
        location /deep/ { index none.html index.html; }
        location /deep/er/ { index index.$arg_x.txt index.txt; }
        location /bare/ { index none; }
        location /void/ { index /a.txt; }
        location /app/ { index index.html; }
        location = /app/index.html { return 200 "inner $uri $args"; }
        """, "/deep/", "/deep/er/", "/deep/er/?x=y", "/bare/", "/void/", "/app/", "/app/?a=b",
         ask("/app/", "POST", body=b"x"), ask("/deep/", "HEAD")),
    case("root", """
        location /images/ { root {root}; }
        location /deep/ { root {root}/; }
        location /relative/ { root relative; }
        location /variable/ { root {root}/$arg_to; }
        location /app/ { root {root}; location ~ \\.js$ { } location /app/x { root /none; } }
        """, "/images/x.png", "/deep/a.txt", "/relative/x", "/variable/?to=deep",
         "/variable/a.txt?to=deep", "/app/main.js", "/app/x.JS", "/app/index.html", "/nowhere"),
    case("ranges", "root {root}; location /off/ { root {root}/..; }",
         *ranged("bytes=0-4", "bytes=5-", "bytes=-3", "bytes=0-0", "bytes=19-19", "bytes=0-19",
                 "bytes=0-99", "bytes=20-", "bytes=20-30", "bytes=-0", "bytes=-20", "bytes=-99",
                 "bytes=5-4", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes", "chars=0-1",
                 "Bytes=0-1", "bytes=0-1,", "bytes= 0-1", "bytes=0 -1", "bytes=0- 1", "bytes=0-1 ",
                 "bytes =0-1", "bytes=99999999999999999999-", "bytes=0-99999999999999999999",
                 "bytes=-99999999999999999999", "bytes=0-1x", "bytes=+0-1"),
         *ranged("bytes=0-0", target="/missing"), *ranged("bytes=0-", target="/empty.txt"),
         *ranged("bytes=-1", target="/empty.txt"), *ranged("bytes=0-9", target="/big.bin"),
         *ranged("bytes=0-0", target="/"), given("/a.txt", ("Range", "bytes=0-1"), method="HEAD"),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", ETAG)),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", '"other"')),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", "W/" + ETAG)),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", MODIFIED)),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", LATER)),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", EARLIER)),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", "Sun Sep 13 12:26:40 2020")),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-Range", "x")),
         given("/a.txt", ("Range", "bytes=0-1"), ("If-None-Match", ETAG)),
         given("/a.txt", ("Range", "bytes=30-"), ("If-Match", '"other"'))),
    case("conditions", "root {root};",
         *(given("/a.txt", (name, value)) for name in
           ("If-Modified-Since", "If-Unmodified-Since")
           for value in (MODIFIED, EARLIER, LATER, "x", "", "Sunday, 13-Sep-20 12:26:40 GMT",
                         "Sun Sep 13 12:26:40 2020", "Sun, 13 Sep 2020 12:26:40",
                         "Sunday, 13-Sep-20 12:26:40", "Sunday, 13-Sep-20 12:26:41",
                         "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")),
         *(given("/a.txt", (name, value)) for name in ("If-None-Match", "If-Match")
           for value in (ETAG, '"x"', "*", "W/" + ETAG, f'"x", {ETAG}', f'{ETAG},"x"', "",
                         ETAG.strip('"'), f'"x",W/{ETAG}', f' {ETAG} ')),
         given("/a.txt", ("If-None-Match", '"x"'), ("If-Modified-Since", MODIFIED)),
         given("/a.txt", ("If-None-Match", ETAG), ("If-Modified-Since", EARLIER)),
         given("/a.txt", ("If-Match", ETAG), ("If-Unmodified-Since", EARLIER)),
         given("/a.txt", ("If-Match", ETAG), ("If-None-Match", ETAG)),
         given("/a.txt", ("If-None-Match", ETAG), method="HEAD"),
         given("/missing", ("If-None-Match", "*")), given("/missing", ("If-Match", "*")),
         given("/", ("If-Modified-Since", MODIFIED)), given("/bare", ("If-Match", '"x"'))),
    case("error_page", """
        root {root};
        error_page 404 /404.html;
        error_page 403 405 500 502 503 504 =200 /50x.html;
        location /plain/ { error_page 404 = /a.txt; }
        location /changed/ { error_page 404 =410 /a.txt; }
        location /empty/ { error_page 404 =404 /empty.txt; }
        location /away/ { error_page 404 http://other.test/x; }
        location /away-301/ { error_page 404 =301 http://other.test/x?y; }
        location /missing-page/ { error_page 404 /nothing.html; }
        location /circle/ { error_page 404 /circle/again; }
        location /returned/ { error_page 418 =200 /a.txt; return 418; }
        location /with-text/ { error_page 404 /a.txt; return 404 "text"; }
        location /proxied/ { error_page 404 /made/by$uri?a=b; }
        location /made/ { return 200 "made $uri $args $request_uri $status"; }
        location /method/ { error_page 404 /echo; }
        location /echo { proxy_pass http://{origin}; }
        location /own/ { error_page 403 /a.txt; }
        location /twice/ { error_page 404 /a.txt; error_page 404 /b.html; }
        location /dead/ { proxy_pass http://{closed}; }
        location /dead-plain/ { error_page 502 /a.txt; proxy_pass http://{closed}; }
        location /upstream-404/ { proxy_pass http://{origin}; }
        """,
         "/missing", "/bare/", ask("/a.txt", "PUT", body=b"x"), "/plain/x", "/changed/x",
         "/empty/x", "/away/x", "/away-301/x", "/missing-page/x", "/circle/x", "/returned/x",
         "/with-text/x", "/proxied/x?y=z", "/method/x", ask("/method/x", "POST", body=b"abc"),
         ask("/method/x", "HEAD"), "/own/x", "/twice/x", "/dead/x", "/dead-plain/x",
         ask("/missing", "HEAD"), "/upstream-404/x", "/404.html", "/proxied/%20x?y%20",
         answers={"/upstream-404/x": b"HTTP/1.1 404 Nope\r\nContent-Length: 4\r\n\r\nnope"}),
    case("add_header", """
        root {root};
        add_header X-One 1;
        add_header X-Variable "$request_method|$uri";
        add_header X-Always 2 always;
        add_header X-Empty "";
        location /ok { return 200 ok; }
        location /not { return 404; }
        location /moved { return 301 /x; }
        location /none { return 204; }
        location /own { add_header X-Own 3; return 200 ok; }
        location /own/inner { return 200 ok; }
        location /more/ { add_header X-Own 3; location /more/in { return 200 ok; } }
        location /twice { add_header X-Own 1; add_header X-Own 2; return 200 ok; }
        location /known { add_header Last-Modified x; add_header ETag y; add_header Server z;
                          add_header Date never; add_header Content-Type text/x; return 200 ok; }
        location /since { add_header Last-Modified ""; add_header Cache-Control no-cache;
                          add_header Cache-Control no-store; root {root}/..; }
        location /quoted { add_header X-Quoted 'a "b"; c'; return 200 ok; }
        location /args { add_header X-Arg $arg_a; add_header X-Two "$arg_a$arg_b"; return 200 ok; }
        location /proxied { proxy_pass http://{origin}; add_header X-Origin two;
                            add_header X-Status $upstream_status; }
        location /status { add_header X-Status $status always; return 503; }
        """, "/a.txt", "/missing", "/ok", "/not", "/moved", "/none", "/own", "/own/inner",
         "/more/in", "/twice", "/known", "/quoted", "/args?a=1&b=2", "/args?a=", "/args",
         "/args?b=x%0d%0ay", "/proxied", "/status", ask("/a.txt", "HEAD"),
         given("/a.txt", ("If-None-Match", ETAG)), *ranged("bytes=0-1", "bytes=50-"),
         ask("/ok", "POST", body=b"x")),
    case("server_tokens", """
        location /off { server_tokens off; return 404; }
        location /on { server_tokens on; return 404; }
        """, "/off", "/on"),
]
