"""Who is asked, and whose request it is: auth_request, real IP, and how they go together."""
from base64 import b64encode

from beside import ask, case


def from_list(target, *values, field="X-Forwarded-For", **more):
    return ask(target, fields=[(field, value) for value in values], **more)


def basic(target, pair):
    return ask(target, fields=[("Authorization", "Basic " + b64encode(pair.encode()).decode())])


LISTS = (
    ("192.0.2.1",), ("192.0.2.1, 192.0.2.2",), ("192.0.2.1", "192.0.2.2"),
    ("192.0.2.1, 127.0.0.1",), ("192.0.2.1", "127.0.0.1"), ("127.0.0.1, 127.0.0.2",),
    ("192.0.2.1:80",), ("[2001:db8::1]:80",), ("2001:db8::1",), ("[2001:db8::1]",), ("x",),
    ("x, 127.0.0.1",), ("192.0.2.1, x, 127.0.0.1",), ("",), (",",), ("192.0.2.1,",),
    ("192.0.2.1 192.0.2.2",), ("192.0.2.1:0",), ("192.0.2.1:65536",), ("::ffff:192.0.2.1",),
    ("192.0.2.1\t",), ("192.0.2.1, ", ""), ("unix:",),
)
SAYS = '"$remote_addr|$realip_remote_addr|$proxy_add_x_forwarded_for"'

CASES = [
    case("auth_request", """
        location /asked/ { auth_request /auth; auth_request_set $user $sent_http_x_none;
                           auth_request_set $code $upstream_status;
                           auth_request_set $seen $upstream_http_x_seen;
                           add_header X-Code "$code" always; proxy_pass http://{origin}; }
        location = /auth { internal; proxy_pass http://{other}/checks;
                           proxy_set_header Content-Length "";
                           proxy_set_header X-Uri $request_uri;
                           proxy_set_header X-Method $request_method; }
        location /200/ { auth_request /return-200; proxy_pass http://{origin}; }
        location /204/ { auth_request /return-204; proxy_pass http://{origin}; }
        location /301/ { auth_request /return-301; proxy_pass http://{origin}; }
        location /401/ { auth_request /return-401; proxy_pass http://{origin}; }
        location /403/ { auth_request /return-403; proxy_pass http://{origin}; }
        location /404/ { auth_request /none; proxy_pass http://{origin}; }
        location /500/ { auth_request /return-500; proxy_pass http://{origin}; }
        location /dead/ { auth_request /to-nobody; proxy_pass http://{origin}; }
        location /file/ { auth_request /a.txt; proxy_pass http://{origin}; }
        location /off/ { auth_request /return-403; proxy_pass http://{origin};
                         location /off/in { auth_request off; proxy_pass http://{origin}; } }
        location /page/ { auth_request /return-401; error_page 401 /return-200;
                          proxy_pass http://{origin}; }
        location /named/ { auth_request /return-403; error_page 403 = @named;
                           proxy_pass http://{origin}; }
        location @named { return 200 "named $uri"; }
        location /gated/ { auth_request /gated-auth; proxy_pass http://{origin}; }
        location = /gated-auth { deny all; proxy_pass http://{other}/;
                                 proxy_set_header Content-Length ""; }
        location /return/ { auth_request /return-403; return 200 "return comes first"; }
        location = /return-200 { return 200 "yes"; }
        location = /return-204 { return 204; }
        location = /return-301 { return 301 /x; }
        location = /return-401 { return 401; }
        location = /return-403 { return 403; }
        location = /return-500 { return 500; }
        location = /to-nobody { proxy_set_header Content-Length ""; proxy_pass http://127.0.0.1:1; }
        location = /a.txt { root {root}; }
        location = /none { root {root}; }
        """, *(one for name in ("200", "204", "301", "401", "403", "404", "500", "dead", "file",
                                "off", "off/in", "page", "named", "gated", "return", "asked")
               for one in (f"/{name}/x", ask(f"/{name}/x", "POST", body=b"body"),
                           ask(f"/{name}/x?a=b", "HEAD")))),
    case("auth_request_rewrite", """
        set $level server;
        location /main/ { rewrite ^/main/(.*)$ /inside/$1 break; auth_request /auth;
                          auth_request_set $said $level; proxy_set_header X-Level $level;
                          proxy_set_header X-Said $said; proxy_set_header X-Group "$1";
                          proxy_pass http://{origin}/base/; }
        location = /auth { set $level auth; rewrite ^(/a)(uth)$ /asked$2?x=y last; }
        location /asked { proxy_pass http://{other}/checks/; proxy_set_header X-Args "$args|$1";
                          proxy_set_header Content-Length "";
                          proxy_set_header X-Level $level; }
        location /cycle/ { auth_request /circle; proxy_pass http://{origin}; }
        location /circle { rewrite ^ /circle last; }
        location /if/ { auth_request /auth-if; proxy_pass http://{origin}; }
        location = /auth-if { if ($arg_ok) { return 204; } return 403; }
        location /if-of-main/ { auth_request /auth-if-of-main; proxy_pass http://{origin}; }
        location = /auth-if-of-main { if ($request_method = PUT) { return 403; } return 204; }
        """, "/main/a%20b?q=1", ask("/main/x", "POST", body=b"body"), "/cycle/x", "/if/x",
         "/if/x?ok=1", "/if-of-main/x", ask("/if-of-main/x", "PUT", body=b"body")),
    case("auth_request_satisfy", """
        auth_basic_user_file users_of_gates;
        location /any/ { satisfy any; deny all; auth_request /yes; proxy_pass http://{origin}; }
        location /any-no/ { satisfy any; deny all; auth_request /no; proxy_pass http://{origin}; }
        location /any-401/ { satisfy any; deny all; auth_request /who; proxy_pass
                             http://{origin}; }
        location /any-basic/ { satisfy any; auth_basic r; auth_request /no; proxy_pass
                               http://{origin}; }
        location /any-500/ { satisfy any; deny all; auth_request /bad; proxy_pass
                             http://{origin}; }
        location /all-basic/ { auth_basic r; auth_request /yes; proxy_pass http://{origin}; }
        location /all-denied/ { deny all; auth_request /yes; proxy_pass http://{origin}; }
        location /all-no/ { allow all; auth_basic r; auth_request /no; proxy_pass
                            http://{origin}; }
        location = /yes { return 204; }
        location = /no { return 403; }
        location = /who { return 401; }
        location = /bad { return 500; }
        """, *(one for name in ("any", "any-no", "any-401", "any-basic", "any-500", "all-basic",
                                "all-denied", "all-no")
               for one in (f"/{name}/", basic(f"/{name}/", "a:b"), basic(f"/{name}/", "a:c"))),
         files={"users_of_gates": "a:{PLAIN}b\n"}),
    case("limit_except", """
        location /in/ { internal; limit_except GET { allow all; } proxy_pass http://{origin}; }
        location /al/ { alias {root}/; limit_except PUT { allow all; } }
        location /tf/ { try_files /none /al/a.txt; limit_except PUT { allow all; } root {root}; }
        location /tn/ { limit_except PUT { allow all; } try_files /none @n; root {root}; }
        location @n { limit_except PUT { deny all; } return 200 "named"; }
        location @m { limit_except PUT { deny all; } proxy_pass http://{origin}; }
        location /tm/ { try_files /none @m; root {root}; }
        location /ps/ { limit_except PUT { allow all; } proxy_pass http://{origin}/x/; }
        location ~ ^/re/(.*)$ { limit_except PUT { allow all; } proxy_pass http://{origin};
                                proxy_set_header X-A $1; }
        location /ix/ { root {root}; index a.txt; limit_except PUT { allow all; } }
        location /ep/ { deny all; error_page 403 /al/a.txt;
                        limit_except PUT { deny 127.0.0.1; } }
        location /rw/ { set $v 1; rewrite ^/rw/(.*) /ps/$1 last;
                        limit_except PUT { allow all; } }
        location /if/ { if ($arg_x) { return 200 "if"; } limit_except PUT { allow all; }
                        proxy_pass http://{origin}; }
        location /ne/ { limit_except PUT { deny all; } proxy_pass http://{origin};
                        location /ne/in { proxy_pass http://{origin}; } }
        location /ah/ { add_header X-B 1; limit_except PUT { allow all; }
                        proxy_pass http://{origin}; proxy_set_header X-C 2; }
        location /cm/ { client_max_body_size 2; limit_except PUT { allow all; }
                        proxy_pass http://{origin}; }
        """, *(ask(target, method, **({"body": b"abc"} if method in ("POST", "PUT") else {}))
               for method in ("GET", "PUT", "POST", "DELETE")
               for target in ("/in/x", "/al/a.txt", "/al/", "/tf/x", "/tn/x", "/tm/x", "/ps/a",
                              "/ps", "/re/a", "/ix/", "/ep/x", "/rw/x", "/if/x", "/if/x?x=1",
                              "/ne/a", "/ne/in", "/ah/x", "/cm/x"))),
    case("real_ip", """
        set_real_ip_from 127.0.0.0/8;
        location /ip { return 200 %s; }
        location /list { real_ip_header X-Forwarded-For; proxy_pass http://{origin};
                         proxy_set_header X-Said %s; }
        location /deep { real_ip_header X-Forwarded-For; real_ip_recursive on;
                         proxy_pass http://{origin}; proxy_set_header X-Said %s; }
        location /own { real_ip_header X-Own; proxy_pass http://{origin};
                        proxy_set_header X-Said %s; }
        location /rules { allow 192.0.2.0/24; deny all; proxy_pass http://{origin}; }
        """ % (SAYS, SAYS, SAYS, SAYS),
         *(from_list("/ip", *values, field="X-Real-IP") for values in LISTS if len(values) == 1),
         *(from_list(target, *values) for target in ("/ip", "/list", "/deep") for values in LISTS),
         *(from_list("/own", *values, field="X-Own") for values in LISTS),
         from_list("/rules", "192.0.2.7", field="X-Real-IP"),
         from_list("/rules", "198.51.100.7", field="X-Real-IP"), "/rules"),
    case("real_ip_untrusted", """
        set_real_ip_from 192.0.2.0/24;
        location /ip { return 200 %s; }
        location /late { set_real_ip_from 127.0.0.1; proxy_pass http://{origin};
                         proxy_set_header X-Said %s; }
        """ % (SAYS, SAYS), *(from_list(target, "192.0.2.7", field="X-Real-IP")
                              for target in ("/ip", "/late"))),
]

REFUSED = {
    "real_ip_from": "http { set_real_ip_from 10.0.0.0/33; }",
    "real_ip_header": "http { real_ip_header; }",
    "real_ip_twice": "http { real_ip_header a; real_ip_header b; }",
    "real_ip_recursive": "http { real_ip_recursive x; }",
    "auth_request": "http { auth_request; }",
    "auth_request_twice": "http { auth_request off; auth_request /x; }",
    "auth_request_set": "http { auth_request_set x y; }",
    "auth_request_set_host": "http { auth_request_set $host y; }",
    "auth_request_in_limit_except":
        "http { server { location / { limit_except GET { auth_request /x; } } } }",
    "log_subrequest": "http { log_subrequest x; }",
}
