"""X-Accel-* and proxy_intercept_errors: answers of upstreams that something else answers for."""
from beside import ask, case, on_one_connection
from beside_cases.field_rules import LIKE_OURS, Everywhere, says
from wire import response

KEPT = [("Content-Type", "x/kept"), ("Set-Cookie", "a=1; Path=/a"), ("Set-Cookie", "b=2"),
        ("Content-Disposition", "attachment"), ("Cache-Control", "no-store"), ("Expires", "0"),
        ("Content-Language", "de"), ("X-Other", "lost"), ("Link", "</l>"), ("Vary", "Accept"),
        ("Content-Encoding", "gzip"), ("WWW-Authenticate", "Basic"), ("Content-Range", "bytes */1")]


def leads(to, *fields):
    return says("/x/", ("X-Accel-Redirect", to), *fields)


def refuses(status, *fields):
    return response(status, b"upstream's own", list(fields))


CASES = [
    case("accel_redirect", LIKE_OURS + """
        root {root};
        location /x/ { proxy_pass http://{origin}; proxy_cookie_path /a /b; proxy_redirect off; }
        location /inside/ { internal; alias {root}/; }
        location /again/ { proxy_pass http://{other}/far/; proxy_cookie_path /f /g; }
        location /returned { return 200 "$request_method|$uri|$args|$upstream_http_x_other"; }
        location /teapot { return 418; }
        location /away { return 302 /elsewhere; }
        location @named { return 200 "named $request_method|$uri|$args|$request_uri"; }
        location @again { proxy_pass http://{other}; }
        location /loop/ { proxy_pass http://{origin}; }
        location /ignores/ { proxy_pass http://{origin}; proxy_ignore_headers X-Accel-Redirect;
            proxy_pass_header X-Accel-Redirect; }
        location /hides/ { proxy_pass http://{origin}; proxy_hide_header Set-Cookie; }
        """,
         leads("/inside/a.txt"), leads("/inside/a.txt", *KEPT), leads("/inside/none", *KEPT),
         leads("/inside/a.txt", ("Accept-Ranges", "none")),
         leads("/inside/nothing", *KEPT), leads("/inside"), leads("/a.txt?x=y"),
         ask(leads("/inside/a.txt", *KEPT), "HEAD"), ask(leads("/inside/a.txt"), "POST", body=b"b"),
         ask(leads("/inside/a.txt", ("ETag", '"e"')), fields=[("Range", "bytes=2-4")]),
         leads("/returned?a=b&c", *KEPT), leads("/returned%20x%3Fy?a%20b"), leads("/returned"),
         leads("/teapot", *KEPT), leads("/away", *KEPT), leads("@named"), leads("@named?x", *KEPT),
         ask(leads("@named", ("X-Other", "o")), "DELETE"), leads("@none"), leads("@"),
         ask(leads("/returned", ("X-Other", "o")), "PUT", body=b"body"),
         leads("/again/x", *KEPT), leads("/again/x?Set-Cookie=c%3D1;Path%3D/f&Content-Type=a/b",
                                         *KEPT),
         leads("/again/x?Cache-Control=public&Expires=-1", *KEPT), leads("@again", *KEPT),
         ask(leads("/again/x"), "POST", body=b"body"), ask(leads("@again"), "POST", body=b"body"),
         leads(""), leads("?x"), leads("/../etc/passwd"), leads("/inside/../a.txt"),
         leads("/inside/.."), leads("/inside/%2e%2e/a.txt"), leads("/%2e%2e/a.txt"),
         leads("/inside/..a"), leads(".."), leads("/inside//a.txt"), leads("/with%20space.txt"),
         "/ignores/?X-Accel-Redirect=/a.txt", "/hides/?X-Accel-Redirect=/a.txt&Set-Cookie=a",
         on_one_connection(leads("/inside/a.txt"), leads("@named"), "/returned"),
         "/loop/?x", answers=Everywhere()),
    case("accel_status", LIKE_OURS + """
        root {root};
        location / { proxy_pass http://{origin}; }
        location /file/ { alias {root}/; }
        """,
         "/404", "/500", "/301", "/204",
         answers={"/404": refuses(404, ("X-Accel-Redirect", "/file/a.txt")),
                  "/500": refuses(500, ("X-Accel-Redirect", "/file/a.txt")),
                  "/301": refuses(301, ("X-Accel-Redirect", "/file/a.txt"), ("Location", "/l")),
                  "/204": b"HTTP/1.1 204 No\r\nX-Accel-Redirect: /file/a.txt\r\n\r\n"}),
    case("accel_loop", LIKE_OURS + """
        location / { proxy_pass http://{origin}; }
        """,
         "/loop", answers={"/loop": refuses(200, ("X-Accel-Redirect", "/loop"))}),
    case("intercepted", LIKE_OURS + """
        root {root};
        location / { proxy_pass http://{origin}; proxy_intercept_errors on;
            error_page 404 /404.html; error_page 502 =200 /50x.html; error_page 401 @login;
            error_page 403 =404 /none-such; error_page 301 /moved; error_page 410 = /410; }
        location = /404.html { }
        location = /moved { return 200 "moved $upstream_http_location"; }
        location = /410 { proxy_pass http://{other}; }
        location @login { return 401 "log in"; }
        location /off/ { proxy_pass http://{origin}; error_page 404 /404.html; }
        location /none/ { proxy_pass http://{origin}; proxy_intercept_errors on; }
        """,
         "/404", ask("/404", "HEAD"), ask("/404", "POST", body=b"body"), "/502", "/401", "/403",
         "/301", "/410", "/503", "/off/404", "/none/404", "/200",
         on_one_connection("/404", "/502", "/404"),
         answers={"/404": refuses(404, ("Set-Cookie", "a=1")), "/502": refuses(502),
                  "/401": refuses(401, ("WWW-Authenticate", 'Basic realm="up"')),
                  "/403": refuses(403), "/301": refuses(301, ("Location", "/there")),
                  "/410": refuses(410), "/503": refuses(503), "/off/404": refuses(404),
                  "/none/404": refuses(404)}),
]

REFUSED = {
    "ignore_word": "http { proxy_ignore_headers Server; }",
    "intercept_word": "http { proxy_intercept_errors always; }",
}
