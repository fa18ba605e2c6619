"""Who may: allow, deny, satisfy, auth_basic, limit_except, and rates and counts of requests."""
from base64 import b64encode

from beside import ask, case, on_one_connection

# htpasswd: plain, apr1, SHA, SSHA and crypt, each for "secret".
USERS = """anna:{PLAIN}secret
bert:$apr1$salt1234$G61s9lpZAELkzUFCbj/53/
carl:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
dora:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0
# a comment

emil:$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00
fritz:secret
gerd:{SHA}broken:more
heidi
:{PLAIN}nobody
ilse:{PLAIN}
jörg:{PLAIN}ümlaut
"""


def basic(target, user, password="secret", method="GET", scheme="Basic", **more):
    word = b64encode(f"{user}:{password}".encode()).decode()
    return ask(target, method, fields=[("Authorization", f"{scheme} {word}")], **more)


def with_fields(target, *fields, method="GET"):
    return ask(target, method, fields=fields)


CASES = [
    case("allow", """
        location /none { return 200 x; }
        location /allowed { allow 127.0.0.1; deny all; proxy_pass http://{origin}/; }
        location /denied { deny 127.0.0.1; allow all; proxy_pass http://{origin}/; }
        location /net { allow 127.0.0.0/8; deny all; proxy_pass http://{origin}/; }
        location /other-net { allow 10.0.0.0/8; deny all; proxy_pass http://{origin}/; }
        location /first { deny all; allow all; proxy_pass http://{origin}/; }
        location /v6 { allow ::1; deny all; proxy_pass http://{origin}/; }
        location /v6-only-deny { deny ::/0; proxy_pass http://{origin}/; }
        location /unix { allow unix:; deny all; proxy_pass http://{origin}/; }
        location /outer/ { deny all; proxy_pass http://{origin}/;
                           location /outer/inherits { proxy_pass http://{origin}/; }
                           location /outer/own { allow all; proxy_pass http://{origin}/; } }
        location /return { deny all; return 200 "return comes first"; }
        location /page { deny all; error_page 403 /none; }
        location /file { deny all; root {root}; }
        """, "/none", "/allowed", "/denied", "/net", "/other-net", "/first", "/v6",
         "/v6-only-deny", "/unix", "/outer/x", "/outer/inherits", "/outer/own", "/return", "/page",
         "/file", ask("/denied", "POST", body=b"x"), ask("/denied", "HEAD")),
    case("auth_basic", """
        root {root};
        auth_basic_user_file users_of_access;
        location /a.txt { auth_basic "the realm"; }
        location /b.html { auth_basic "with \\"quotes\\""; }
        location /off/ { auth_basic off; proxy_pass http://{origin}; }
        location /variable/ { auth_basic $arg_realm; proxy_pass http://{origin}; }
        location /user { auth_basic r; proxy_pass http://{origin};
                         proxy_set_header X-User $remote_user; }
        location /missing-file { auth_basic r; auth_basic_user_file none; proxy_pass
                                 http://{origin}; }
        location /no-file { auth_basic_user_file none; proxy_pass http://{origin}; }
        location /page { auth_basic r; error_page 401 /off/page; proxy_pass http://{origin}; }
        location /page-named { auth_basic r; error_page 401 = @named; proxy_pass http://{origin}; }
        location @named { return 200 "named $status"; }
        location /return { auth_basic r; return 200 "return comes first"; }
        """, "/a.txt", *(basic("/a.txt", user) for user in (
            "anna", "bert", "carl", "dora", "emil", "fritz", "gerd", "heidi", "ilse", "nobody",
            "", "Anna", "# a comment")),
         *(basic("/a.txt", "anna", password) for password in ("", "Secret", "secretx", "s:x")),
         basic("/a.txt", "bert", "wrong"), basic("/a.txt", "carl", "wrong"),
         basic("/a.txt", "dora", "wrong"), basic("/a.txt", "ilse", ""),
         basic("/a.txt", "jörg", "ümlaut"), basic("/a.txt", "anna", scheme="basic"),
         basic("/a.txt", "anna", scheme="Bearer"),
         *(with_fields("/a.txt", ("Authorization", value)) for value in (
             "Basic", "Basic ", "Basic x", "Basic !!!!", "Basic YW5uYTpzZWNyZXQ",
             "Basic YW5uYTpzZWNyZXQ= ", "Basic  YW5uYTpzZWNyZXQ=", "BasicYW5uYTpzZWNyZXQ=", "")),
         with_fields("/a.txt", ("Authorization", "Basic YW5uYTpzZWNyZXQ="),
                     ("Authorization", "Basic x")),
         "/b.html", "/off/x", "/variable/x", "/variable/x?realm=r", "/variable/x?realm=off",
         basic("/user", "anna"), basic("/missing-file", "anna"), "/missing-file", "/no-file",
         "/page", "/page-named", "/return", ask("/a.txt", "HEAD"), basic("/a.txt", "anna",
                                                                        method="HEAD"),
         files={"users_of_access": USERS}),
    case("satisfy", """
        auth_basic_user_file users_of_satisfy;
        location /all/ { satisfy all; allow 127.0.0.1; deny all; auth_basic r;
                         proxy_pass http://{origin}; }
        location /any/ { satisfy any; deny all; auth_basic r; proxy_pass http://{origin}; }
        location /any-allowed/ { satisfy any; allow 127.0.0.1; deny all; auth_basic r;
                                 proxy_pass http://{origin}; }
        location /all-denied/ { satisfy all; deny all; auth_basic r; proxy_pass http://{origin}; }
        location /any-nothing/ { satisfy any; proxy_pass http://{origin}; }
        location /any-rules/ { satisfy any; deny all; proxy_pass http://{origin}; }
        location /any-basic/ { satisfy any; auth_basic r; proxy_pass http://{origin}; }
        location /any-page/ { satisfy any; deny all; auth_basic r;
                              error_page 401 403 /any-nothing/p; proxy_pass http://{origin}; }
        """, *(one for target in ("/all/", "/any/", "/any-allowed/", "/all-denied/",
                                  "/any-nothing/", "/any-rules/", "/any-basic/", "/any-page/")
               for one in (target, basic(target, "anna"), basic(target, "anna", "wrong"))),
         files={"users_of_satisfy": USERS}),
    case("limit_except", """
        auth_basic_user_file users_of_except;
        location /get { limit_except GET { deny all; } proxy_pass http://{origin}; }
        location /post { limit_except POST PUT { deny all; } proxy_pass http://{origin}; }
        location /head { limit_except HEAD { deny all; } proxy_pass http://{origin}; }
        location /basic { limit_except GET { auth_basic r; } proxy_pass http://{origin}; }
        location /pass { limit_except GET { proxy_pass http://{other}; } proxy_pass
                         http://{origin}; }
        location /allow { deny all; limit_except GET { allow all; } proxy_pass http://{origin}; }
        location /own { limit_except PROPFIND { deny all; } proxy_pass http://{origin}; }
        """, *(ask(target, method) for target in
               ("/get", "/post", "/head", "/basic", "/pass", "/allow", "/own")
               for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PROPFIND", "OPTIONS")),
         basic("/basic", "anna", method="DELETE"), ask("/get", "X-OWN"),
         files={"users_of_except": USERS}),
    case("limit_req", """
        location /one { limit_req zone=one_of_req; proxy_pass http://{origin}; }
        location /burst { limit_req zone=burst_of_req burst=2 nodelay; proxy_pass
                          http://{origin}; }
        location /status { limit_req zone=status_of_req; limit_req_status 429; proxy_pass
                           http://{origin}; }
        location /dry { limit_req zone=dry_of_req; limit_req_dry_run on; proxy_pass
                        http://{origin}; add_header X-Limit $limit_req_status; }
        location /key { limit_req zone=key_of_req; proxy_pass http://{origin}; }
        location /page { limit_req zone=page_of_req; error_page 503 /return; proxy_pass
                         http://{origin}; }
        location /told { limit_req zone=told_of_req burst=1 nodelay;
                         add_header X-Limit "$limit_req_status" always;
                         proxy_pass http://{origin}; }
        location /return { limit_req zone=one_of_req; return 200 "return comes first"; }
        location /outer/ { limit_req zone=outer_of_req; proxy_pass http://{origin};
                           location /outer/in { proxy_pass http://{origin}; } }
        """, *(target for target in ("/one", "/burst", "/status", "/dry", "/page", "/told",
                                     "/outer/in") for _ in range(5)),
         "/key?k=a", "/key?k=a", "/key?k=b", "/key", "/key", "/key?k=", "/return", "/return",
         http="".join(f"limit_req_zone {key} zone={name}_of_req:64k rate=1r/m;\n"
                      for name, key in (("one", "$binary_remote_addr"), ("burst", "$remote_addr"),
                                        ("status", "$server_name"), ("dry", "$server_name"),
                                        ("key", "$arg_k"), ("page", "$server_name"),
                                        ("told", "x$uri"), ("outer", "$server_name")))),
    case("limit_conn", """
        location /one { limit_conn of_conn 1; proxy_pass http://{origin}; }
        location /two { limit_conn of_conn 1; limit_conn_status 429; proxy_pass http://{origin};
                        add_header X-Limit $limit_conn_status always; }
        """, "/one", on_one_connection("/one", "/one"), "/two",
         http="limit_conn_zone $server_name zone=of_conn:64k;\n"),
]

REFUSED = {name: f"events {{ }}\nhttp {{\n{text}\n}}\n" for name, text in {
    "allow_words": "allow;", "allow_text": "allow somewhere;", "allow_bits": "allow 10.0.0.0/40;",
    "deny_more": "deny all all;", "satisfy": "satisfy some;",
    "satisfy_twice": "satisfy any;\nsatisfy all;", "auth_words": "auth_basic;",
    "auth_file_words": "auth_basic_user_file;", "auth_delay": "auth_delay x;",
    "req_no_zone": "server { limit_req zone=none; }", "req_words": "limit_req;",
    "req_option": "limit_req zone=a foo=1;", "req_burst": "limit_req zone=a burst=x;",
    "req_delay": "limit_req zone=a delay=x;", "req_only_burst": "limit_req burst=1;",
    "req_status": "limit_req_status 200;", "req_level": "limit_req_log_level loud;",
    "zone_words": "limit_req_zone x;", "zone_rate": "limit_req_zone $host zone=a:1m rate=x;",
    "zone_rate_unit": "limit_req_zone $host zone=a:1m rate=1r/h;",
    "zone_size": "limit_req_zone $host zone=a:1k rate=1r/s;",
    "zone_size_text": "limit_req_zone $host zone=a:x rate=1r/s;",
    "zone_no_size": "limit_req_zone $host zone=a rate=1r/s;",
    "zone_option": "limit_req_zone $host zone=a:1m foo=1;",
    "zone_none": "limit_req_zone $host rate=1r/s foo;",
    "zone_twice": "limit_req_zone $host zone=a:1m rate=1r/s;\n"
                  "limit_req_zone $host zone=a:1m rate=1r/s;",
    "zone_kind": "limit_req_zone $host zone=a:1m rate=1r/s;\nlimit_conn a 1;",
    "req_twice": "limit_req_zone $host zone=a:1m rate=1r/s;\nlimit_req zone=a;\nlimit_req zone=a;",
    "conn_zone_words": "limit_conn_zone $host;", "conn_zone_size": "limit_conn_zone $host "
    "zone=a:1k;", "conn_words": "limit_conn a;", "conn_number": "limit_conn_zone $host "
    "zone=a:1m;\nlimit_conn a x;", "conn_zero": "limit_conn_zone $host zone=a:1m;\n"
    "limit_conn a 0;", "conn_high": "limit_conn_zone $host zone=a:1m;\nlimit_conn a 65536;",
    "conn_no_zone": "limit_conn none 1;", "conn_twice": "limit_conn_zone $host zone=a:1m;\n"
    "limit_conn a 1;\nlimit_conn a 2;",
    "except_words": "server { location / { limit_except { deny all; } } }",
    "except_method": "server { location / { limit_except FOO { deny all; } } }",
    "except_place": "server { limit_except GET { deny all; } }",
    "except_inner": "server { location / { limit_except GET { root /x; } } }",
}.items()}
