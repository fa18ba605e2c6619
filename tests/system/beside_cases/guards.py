"""What stands before content, in every combination: satisfy, limits, sizes, pages in place."""
from base64 import b64encode
from itertools import product

from beside import Ask, ask, beside, case, on_one_connection, over_tls, raw
from beside_cases.refused import each, http
from wire import chunked, request, response

RULES = {"none": "", "allow": "allow 127.0.0.0/8; deny all;", "deny": "deny all;"}
BASIC = {"none": "", "basic": "auth_basic r;"}
ASKED = {"none": "", **{str(code): f"auth_request /is-{code};" for code in (204, 401, 403, 500)}}
COMBINATIONS = list(product(("all", "any"), RULES, BASIC, ASKED))


def basic(target, word, method="GET"):
    return ask(target, method, fields=[("Authorization", "Basic " + b64encode(word).decode())])


def path(*names):
    return "/" + "/".join(names) + "/"


# A request that waits in its location: of its body a part is missing.
def unfinished(target):
    return request(target, "POST", fields=[("Content-Length", "10")]) + b"part"


def posted(target, size, is_chunked=False, method="POST"):
    if not is_chunked:
        return ask(target, method, body=b"x" * size)
    head = request(target, method, fields=[("Transfer-Encoding", "chunked")])
    return raw(head + chunked([b"x" * size] if size else []), method)


SIZES = [(place, size, is_chunked) for place in (
    "inherits", "own", "any", "none", "nested/in", "except", "if", "if?big=1", "streamed", "return",
    "file/a.txt", "try", "rewritten", "page", "named", "auth", "subrequest") for size in (0, 5, 6,
        9)
         for is_chunked in (False, True)]
PAGES = {
    "page": "404 500 /page", "code": "404 500 =200 /page", "same": "404 500 = /page",
    "named": "404 500 @named", "named-code": "404 500 =201 @named",
        "named-same": "404 500 = @named",
    "url": "404 500 https://other.test/$upstream_status",
        "url-code": "404 500 =307 https://o.test/",
    "other": "403 /page", "missing": "404 500 /nothing-here", "proxied": "404 500 = /elsewhere",
    "broken": "404 500 = /dead", "all": "300 301 302 304 400 401 403 404 405 416 500 502 503 /page",
}
INTERCEPTED = [300, 301, 302, 304, 400, 401, 403, 404, 405, 416, 500, 502, 503]


def by_status(_, asked):
    """An answer whose status the target ends with."""
    code = int(asked.target.rpartition("/")[2])
    fields = [("X-Own", "own"), ("Content-Type", "text/x-own"), ("Set-Cookie", "a=b"),
              ("WWW-Authenticate", "Basic realm=own"), ("Location", "http://own.test/")]
    return response(code, b"" if code == 304 else b"of the upstream", fields)


CASES = [
    case("satisfy", "auth_basic_user_file users_of_guards;" + "".join(
        f"location {path(*names)} {{ satisfy {names[0]}; {RULES[names[1]]} {BASIC[names[2]]}"
        f" {ASKED[names[3]]} proxy_pass http://{{origin}}; }}\n" for names in COMBINATIONS)
         + "".join(f"location = /is-{code} {{ internal; return {code}; }}\n"
                   for code in ASKED if code != "none"),
         *(one for names in COMBINATIONS for one in (
             [path(*names)] + ([basic(path(*names), b"a:b"), basic(path(*names), b"a:x")]
                               if names[2] == "basic" else []))),
         files={"users_of_guards": "a:{PLAIN}b\n"}),
    case("auth_delay", """
        auth_basic_user_file users_of_delay; auth_delay 150ms;
        location / { auth_basic r; proxy_pass http://{origin}; }
        location /denied/ { auth_request /no; proxy_pass http://{origin}; }
        location /any/ { satisfy any; deny all; auth_basic r; proxy_pass http://{origin}; }
        location /none/ { auth_delay 0; auth_basic r; proxy_pass http://{origin}; }
        location = /no { return 401; }
        """, "/", basic("/", b"a:b"), basic("/", b"a:x"), "/denied/", "/any/", "/none/",
         on_one_connection(basic("/", b"a:b"), basic("/", b"a:x"), basic("/", b"a:b")),
         files={"users_of_delay": "a:{PLAIN}b\n"}),
    # One request is under way: the next ones meet the limit, and a free one when it is over.
    case("limit_conn", """
        access_log logs/guards_limit_conn.log of_guards;
        location /one { limit_conn conn_of_guards 1; proxy_pass http://{origin}; }
        location /two { limit_conn conn_of_guards 2; proxy_pass http://{origin}; }
        location /status { limit_conn conn_of_guards 1; limit_conn_status 429;
                           limit_conn_log_level notice; proxy_pass http://{origin}; }
        location /dry { limit_conn conn_of_guards 1; limit_conn_dry_run on;
                        add_header X-Limit $limit_conn_status always; proxy_pass http://{origin}; }
        location /key { limit_conn key_of_guards 1; proxy_pass http://{origin}; }
        location /both { limit_conn conn_of_guards 5; limit_conn key_of_guards 1;
                         proxy_pass http://{origin}; }
        location /page { limit_conn conn_of_guards 1; error_page 503 =200 /said;
                         proxy_pass http://{origin}; }
        location /said { return 200 "$limit_conn_status $status"; }
        location /return { limit_conn conn_of_guards 1; return 200 "$limit_conn_status"; }
        """, *(beside(unfinished("/one"), target) for target in (
            "/one", "/two", "/status", "/dry", "/key", "/both", "/page", "/return")), "/one",
         beside(unfinished("/key?k=a"), "/key?k=a"), beside(unfinished("/key?k=a"), "/key?k=b"),
         beside(unfinished("/both?k=a"), "/both?k=a"), beside(unfinished("/key"), "/key"),
         beside(unfinished("/one"), on_one_connection("/one", "/said", "/one")),
         http="limit_conn_zone $server_name zone=conn_of_guards:64k;\n"
              "limit_conn_zone $arg_k zone=key_of_guards:64k;\n"
              "log_format of_guards '$request $limit_conn_status $limit_req_status';"),
    # Rates so low that no time passes between requests.
    case("limit_req", """
        location /delay { limit_req zone=a_of_guards burst=3 delay=2; proxy_pass http://{origin};
                          limit_req_log_level warn;
                          add_header X-Limit "$limit_req_status" always; }
        location /both { limit_req zone=b_of_guards burst=2 nodelay; limit_req zone=c_of_guards;
                         limit_req_status 418; proxy_pass http://{origin}; }
        location /named { limit_req zone=d_of_guards; error_page 503 = @named;
                          proxy_pass http://{origin}; }
        location @named { return 200 "$limit_req_status $status"; }
        location /asked { auth_request /gate; proxy_pass http://{origin}; }
        location = /gate { limit_req zone=e_of_guards; limit_req_status 403;
                           proxy_pass http://{other}; }
        """, *["/delay"] * 3, *["/both"] * 4, *["/named"] * 3, *["/asked"] * 3,
         on_one_connection("/both", "/named", "/both"),
         http="".join(f"limit_req_zone $server_name zone={name}_of_guards:64k rate=1r/m;\n"
                      for name in "abcde")),
    case("sizes", """
        client_max_body_size 5;
        location /inherits { proxy_pass http://{origin}; }
        location /own { client_max_body_size 6; proxy_pass http://{origin}; }
        location /any { client_max_body_size 0; proxy_pass http://{origin}; }
        location /none { client_max_body_size 1; proxy_pass http://{origin}; }
        location /nested/ { client_max_body_size 9; proxy_pass http://{origin};
                            location /nested/in { client_max_body_size 5;
                                                  proxy_pass http://{origin}; } }
        location /except { limit_except GET { deny all; }
                           proxy_pass http://{origin}; }
        location /if { if ($arg_big) { return 201 big; } proxy_pass http://{origin}; }
        location /streamed { proxy_request_buffering off; proxy_http_version 1.1;
                             proxy_set_header Connection ""; proxy_pass http://{origin}; }
        location /return { return 200 returned; }
        location /file/ { alias {root}/; }
        location /try { try_files /none @named; root {root}; }
        location /rewritten { rewrite ^ /own last; }
        location /page { error_page 413 =200 /said; proxy_pass http://{origin}; }
        location /said { return 200 "$status $request_method $request_length"; }
        location /named { error_page 413 = @named; proxy_pass http://{origin}; }
        location @named { client_max_body_size 9; proxy_pass http://{origin}; }
        location /auth { auth_request /said; client_max_body_size 9; proxy_pass http://{origin}; }
        location /subrequest { auth_request /none; proxy_pass http://{origin}; }
        """,
         *(posted(f"/{place}", size, is_chunked) for place, size, is_chunked in SIZES),
         posted("/own", 6, method="PUT"), posted("/own", 7, method="DELETE"),
         ask("/own", "GET", body=b"x" * 7), ask("/own", "HEAD", body=b"x" * 7),
         raw(request("/own", "POST", fields=[("Content-Length", "99999999999999999999")]), "POST"),
         raw(request("/own", "POST", fields=[("Transfer-Encoding", "chunked")])
             + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", "POST")),
    case("sizes_of_http", None, *(posted(target, size) for target in ("/", "/x")
                                  for size in (1 << 20, (1 << 20) + 1)),
         http="server { listen 127.0.0.1:{port}; location / { proxy_pass http://{origin}; }\n"
              "location /x { client_max_body_size 2m; proxy_pass http://{origin}; } }"),
    # error_page in place of what an upstream said.
    case("intercepted", "proxy_intercept_errors on; add_header X-Added a always; " + "".join(
        f"location /{name}/ {{ error_page {page}; proxy_pass http://{{origin}}; }}\n"
        for name, page in PAGES.items()) + """
        location /off/ { proxy_intercept_errors off; error_page 404 500 /page;
                         proxy_pass http://{origin}; }
        location /nested/ { error_page 404 /page; proxy_pass http://{origin};
                            location /nested/in/ { proxy_pass http://{origin}; } }
        location /again/ { error_page 404 = /page/404; recursive_error_pages on;
                           proxy_pass http://{origin}; }
        location /next/ { proxy_next_upstream http_404 http_500; error_page 404 500 /page;
                          proxy_pass http://of_guards_2; }
        location = /page { return 200 "page $status $upstream_status $upstream_http_x_own"; }
        location = /elsewhere { proxy_pass http://{other}; }
        location = /dead { proxy_pass http://{closed}; }
        location @named { return 200 "named $status $upstream_status $uri"; }
        """, *(f"/{name}/{code}" for name in PAGES for code in (404, 500)),
         *(f"/{name}/{code}" for name in ("all", "off", "other") for code in INTERCEPTED),
         *(f"/{name}/{code}" for name in ("nested/in", "again", "next") for code in (404, 500)),
         *(ask(f"/{name}/404", method, **more) for name in ("page", "named", "proxied", "url")
           for method, more in (("HEAD", {}), ("POST", {"body": b"abc"}))),
         on_one_connection("/page/404", "/named/500", "/all/401", "/proxied/404"),
         http="upstream of_guards_2 { server {origin} max_fails=0; server {other} max_fails=0; }",
         answers={**{f"/{name}/{code}": by_status for code in INTERCEPTED
                     for name in (*PAGES, "off", "nested/in", "again", "next")},
                  "/elsewhere": response(404, b"elsewhere", [("X-Own", "other")])}),
]

REFUSED = each(
    http, size_word="client_max_body_size large;", size_words="client_max_body_size 1 2;",
    size_twice="client_max_body_size 1;\nclient_max_body_size 2;",
    delay="auth_delay fast;", delay_twice="auth_delay 1s;\nauth_delay 2s;",
    dry="limit_conn_dry_run maybe;", level="limit_conn_log_level loud;",
    conn_status="limit_conn_status 399;", conn_status_high="limit_conn_status 600;",
    intercept="proxy_intercept_errors 1;", satisfy="satisfy both;")
