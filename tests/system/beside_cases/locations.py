"""Choice of location and server, return, and what a URI becomes."""
from beside import ask, case, on_one_connection, raw

ECHO = 'return 200 "LABEL|$uri|$args|$request_uri\\n";'


def said(label):
    return ECHO.replace("LABEL", label)


CASES = [
    case("kinds", f"""
        location = / {{ {said('exact root')} }}
        location / {{ {said('root')} }}
        location /images/ {{ {said('images')} }}
        location ^~ /images/final/ {{ {said('final')} }}
        location = /images/exact {{ {said('exact')} }}
        location ~ \\.PNG$ {{ {said('case')} }}
        location ~* \\.(png|gif)$ {{ {said('no case $1')} }}
        location ~ ^/user/(?<name>[a-z]+)/(\\d+)$ {{ {said('$name $2 $1')} }}
        location /no-slash {{ {said('no slash')} }}
        location /nested/ {{
            {said('outer')}
            location /nested/inner/ {{ {said('inner')} }}
            location = /nested/same {{ {said('same')} }}
            location ~ ^/nested/.*\\.txt$ {{ {said('inner regex')} }}
        }}
        location ~ ^/rx/ {{
            {said('rx')}
            location ~ \\.a$ {{ {said('rx a')} }}
        }}
        """,
         "/", "/x", "/images/", "/images", "/images/x.png", "/images/x.PNG", "/images/x.GIF",
         "/images/final/x.png", "/images/exact", "/images/exact/", "/user/anna/12",
         "/user/Anna/12", "/user/anna/", "/no-slash", "/no-slash/x", "/no-slashes", "/no-slas",
         "/nested/x", "/nested/inner/x", "/nested/same", "/nested/x.txt", "/nested/inner/x.txt",
         "/nested", "/rx/b.a", "/rx/b", "/?a=/images/", "/images/?x=1&x=2", "/x?", "/x?a?b",
         "/IMAGES/x"),
    case("normalised", f"""
        location / {{ {said('root')} }}
        location /a/b/ {{ {said('a b')} }}
        location "/sp ace" {{ {said('space')} }}
        location /p% {{ {said('percent')} }}
        location /q? {{ {said('mark')} }}
        location ~ \\+ {{ {said('plus')} }}
        """,
         "/a//b///c", "/a/./b/x", "/a/x/../b/x", "/a/b/..", "/a/b/.", "/a/b/../", "/./", "/../x",
         "/..", "/a/../../x", "/a/...", "/a/..b", "/a/.b", "/sp%20ace", "/p%25", "/q%3Fx", "/q?x",
         "/%61/%62/", "/%61%2Fb/", "/a%2fb/x", "/a/%2e%2e/x", "/a/%2E/b/x", "/x%00y", "/x%zz",
         "/x%4", "/x%", "/%", "/a+b", "/a%2Bb", "/x%23y", "/ü", "/%C3%BC", "/x%0Ay", "/x%0d%0ay",
         "/x%22y", "/x%5Cy", "/x\\y", "/x'y", "/x;y", "/x//", "//", "//a/b/x", "/a/b/%20",
         "/a/b/?x=%20%zz", "/x?y=//a/../b", "/x%3Fy=1?z=2", "/x&y=1", "/x=y", "/~x", "/x|y", "/[x]",
         "/{x}", "/^x", "/`x", "/<x>"),
    case("merge_slashes_off", f"""
        merge_slashes off;
        location / {{ {said('root')} }}
        location //a/ {{ {said('two')} }}
        location /a//b {{ {said('inner two')} }}
        """, "//a/x", "/a/x", "/a//b", "/a/b", "///", "/a//../b", "/a/.//b"),
    case("no_location_matches", "location /x { return 200 x; }", "/", "/x", "/y"),
    case("return", """
        location /200 { return 200 "text"; }
        location /200-empty { return 200 ""; }
        location /200-none { return 200; }
        location /204 { return 204; }
        location /204-text { return 204 "text"; }
        location /301 { return 301 /moved; }
        location /301-none { return 301; }
        location /301-args { return 301 /moved?$args; }
        location /301-relative { return 301 moved; }
        location /301-space { return 301 "/a b"; }
        location /302 { return 302 http://other.test/$request_uri; }
        location /303 { return 303 /see; }
        location /304 { return 304; }
        location /307 { return 307 /kept; }
        location /308 { return 308 /kept; }
        location /url { return https://other.test/; }
        location /url-scheme { return $scheme://other.test$uri; }
        location /400 { return 400; }
        location /401 { return 401; }
        location /402 { return 402 "pay"; }
        location /403 { return 403; }
        location /404 { return 404; }
        location /404-text { return 404 "own text"; }
        location /405 { return 405; }
        location /408 { return 408; }
        location /410 { return 410; }
        location /413 { return 413; }
        location /414 { return 414; }
        location /415 { return 415; }
        location /416 { return 416; }
        location /418 { return 418; }
        location /421 { return 421; }
        location /429 { return 429; }
        location /444 { return 444; }
        location /494 { return 494; }
        location /495 { return 495; }
        location /497 { return 497; }
        location /499 { return 499 "text"; }
        location /500 { return 500; }
        location /501 { return 501; }
        location /502 { return 502; }
        location /503 { return 503; }
        location /504 { return 504; }
        location /505 { return 505; }
        location /507 { return 507; }
        location /599 { return 599; }
        location /600 { return 600; }
        location /999 { return 999 "text"; }
        """, *("/" + code for code in (
            "200 200-empty 200-none 204 204-text 301 301-none 301-args?a=b 301-relative 301-space "
            "302?a 303 304 307 308 url url-scheme/x%20y 400 401 402 403 404 404-text 405 408 410 "
            "413 414 415 416 418 421 429 444 494 495 497 499 500 501 502 503 504 505 507 599 600 "
            "999").split()),
         ask("/200", "HEAD"), ask("/404", "HEAD"), ask("/301", "HEAD"), ask("/404-text", "HEAD"),
         ask("/200", "POST", body=b"abc"), ask("/404", "POST", body=b"abc"),
         ask("/301", "PUT", body=b""), ask("/200", version="HTTP/1.0"),
         ask("/404", version="HTTP/1.0"), ask("/200", "OPTIONS"), ask("/200", "DELETE"),
         ask("/200", "PROPFIND"), ask("/200", "X-OWN"), ask("/200", "get")),
    case("return_names", "".join(f"location /{code} {{ return {code}; }}\n" for code in (
        201, 202, 203, 205, 206, 207, 300, 305, 306, 406, 407, 409, 411, 412, 417, 422, 423, 424,
        425, 426, 428, 431, 451, 506, 508, 511)), *(f"/{code}" for code in (
            201, 202, 203, 205, 206, 207, 300, 305, 306, 406, 407, 409, 411, 412, 417, 422, 423,
            424, 425, 426, 428, 431, 451, 506, 508, 511))),
    case("return_types", """
        default_type text/plain;
        types { text/html html; application/json json; }
        location / { return 200 "{}"; }
        location /own { default_type application/xml; return 200 "<a/>"; }
        location /none { types {} default_type ""; return 200 "x"; }
        """, "/x", "/x.json", "/x.html", "/x.HTML", "/own", "/own.json", "/none", "/a.b/c"),
    case("server_return", "return 301 https://$host$request_uri; location / { return 200 never; }",
         "/", "/x?y=z", ask("/", host="OTHER.test:99"), ask("/", host=None, version="HTTP/1.0"),
         ask("/%20", host="www.test.")),
    case("redirect_forms", """
        location /on { return 301 /x; }
        location /no-absolute { absolute_redirect off; return 301 /x; }
        location /no-port { port_in_redirect off; return 301 /x; }
        location /named { server_name_in_redirect on; return 301 /x; }
        location /both { server_name_in_redirect on; port_in_redirect off; return 301 /x; }
        """, *(ask(target, host=host) for target in
               ("/on", "/no-absolute", "/no-port", "/named", "/both")
               for host in ("www.test", "other.test:81"))),
    case("slash_redirects", """
        root {root};
        location /deep-proxied/ { proxy_pass http://{origin}; }
        location /only-exact/ { return 200 x; }
        location ~ ^/rx/$ { return 200 x; }
        location /off/ { absolute_redirect off; proxy_pass http://{origin}; }
        """, "/deep-proxied", "/deep-proxied?a=b", "/only-exact", "/rx", "/deep", "/deep?a=b",
         "/deep/", "/void", "/void/", "/off", "/off?x", ask("/deep", "POST", body=b"x"),
         ask("/deep", "HEAD"), ask("/deep-proxied", "DELETE"), "/bare/..", "/deep%20"),
    case("server_names", None, *(
        ask("/", host=host) for host in (
            "exact.test", "EXACT.test", "exact.test.", "exact.test:123", "a.wild.test",
            "a.b.wild.test", "wild.test", "dot.test", "x.dot.test", "start.org", "start.a.b",
            "regex7.test", "regexx.test", "nowhere.test", "both.wild.test", "127.0.0.1",
            "127.0.0.1:80", "[::1]", "[::1]:80", "-", "_", "a_b.test", "long" * 20 + ".test")),
         http="""
        server { listen 127.0.0.1:{port}; return 200 "first $server_name|$host"; }
        server { listen 127.0.0.1:{port}; server_name exact.test both.wild.test;
                 return 200 "exact $server_name|$host"; }
        server { listen 127.0.0.1:{port}; server_name *.wild.test;
                 return 200 "head $server_name|$host"; }
        server { listen 127.0.0.1:{port}; server_name .dot.test;
                 return 200 "dot $server_name|$host"; }
        server { listen 127.0.0.1:{port}; server_name start.*;
                 return 200 "tail $server_name|$host"; }
        server { listen 127.0.0.1:{port}; server_name ~^regex(?<n>\\d)\\.test$;
                 return 200 "regex $n $1 $server_name|$host"; }
        """),
    case("default_server", None, ask("/", host="x.test"), ask("/", host="b.test"),
         ask("/", host=None, version="HTTP/1.0"), ask("/", host="", version="HTTP/1.0"),
         ask("/", host=""), raw(b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
         raw(b"GET http://b.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n"),
         raw(b"GET http://b.test HTTP/1.1\r\nHost: b.test\r\n\r\n"),
         raw(b"GET http://b.test?x HTTP/1.1\r\nHost: b.test\r\n\r\n"),
         raw(b"GET http://B.test:80/ HTTP/1.1\r\nHost: B.test:80\r\n\r\n"),
         http="""
        server { listen 127.0.0.1:{port}; server_name a.test;
                 return 200 "a $host $http_host $request_uri $uri"; }
        server { listen 127.0.0.1:{port} default_server; server_name b.test "";
                 return 200 "b $host $http_host $request_uri $uri"; }
        """),
    case("kept_connection", "location / { return 200 $connection_requests; } "
         "location /few { keepalive_requests 2; return 200 $connection_requests; } "
         "location /none { keepalive_timeout 0; return 200 x; } "
         "location /told { keepalive_timeout 60s 30s; return 200 x; } "
         "location /404 { return 404; }",
         on_one_connection("/", "/x", "/404", ask("/", "HEAD"), "/y"),
         on_one_connection("/few", "/few", "/few"), "/none", "/told",
         on_one_connection(ask("/", fields=[("Connection", "close")]), "/"),
         on_one_connection(ask("/", version="HTTP/1.0"), "/"),
         on_one_connection(ask("/", version="HTTP/1.0", fields=[("Connection", "keep-alive")]),
                           "/"),
         on_one_connection(ask("/", "POST", body=b"x" * 5000), "/after"),
         raw(b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n" * 3, "GET", "GET", "GET"),
         raw(b"\r\n\r\nGET / HTTP/1.1\r\nHost: www.test\r\n\r\n")),
]
