"""proxy_pass with variables: groups of the file, addresses, and what becomes of the URI."""
from beside import ask, case

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
TARGETS = ("/", "/a/b?x=1", "/a%20b", "/a%2Fb/../c", "/a//b", "/?q=%20")

CASES = [
    case("address", """
        location / { proxy_pass http://$p_address; %s proxy_set_header X-Host
                     "$proxy_host:$proxy_port"; }
        """ % KEPT, *TARGETS, ask("/x", "POST", body=b"body"), http="""
        map $uri $p_address { default {origin}; }
        """),
    case("group", """
        location / { proxy_pass http://$p_group; %s }
        location /scheme { proxy_pass $p_scheme://$p_group; %s }
        location /whole { proxy_pass $p_whole; %s }
        location /host { proxy_pass http://p_backend$p_empty; %s proxy_set_header Host $host; }
        """ % (KEPT, KEPT, KEPT, KEPT), *TARGETS, "/scheme/x?y", "/whole", "/whole/a?b", "/host",
         "/one?choose=other", http="""
        upstream p_backend { server {origin}; }
        upstream p_other { server {other}; }
        map $arg_choose $p_group { default p_backend; other P_Other; }
        map $uri $p_scheme { default http; }
        map $uri $p_empty { default ""; }
        map $uri $p_whole { default http://p_backend/instead?of=it; }
        """),
    case("uri", """
        location /fixed/ { proxy_pass http://$p_uri_host/base/; %s }
        location /query/ { proxy_pass http://$p_uri_host?only=query; %s }
        location /request/ { proxy_pass http://$p_uri_host$request_uri; %s }
        location /args/ { proxy_pass http://$p_uri_host/x?$args; %s }
        location ~ ^/re/(.*)$ { proxy_pass http://$p_uri_host/got/$1$is_args$args; %s }
        location ~ ^/plain/ { proxy_pass http://$p_uri_host; %s }
        location /named { error_page 404 = @named; return 404; }
        location @named { proxy_pass http://$p_uri_host/from/named; %s }
        """ % ((KEPT,) * 7), "/fixed/", "/fixed/a?b=c", "/query/", "/query/a?b", "/request/a%20b?c",
         "/args/", "/args/?a=b&c", "/re/x/y?z", "/re/x%41y", "/re/", "/plain/a%20b?c", "/named",
         http="map $uri $p_uri_host { default {origin}; }"),
    case("wrong", """
        location / { proxy_pass http://$arg_to; }
        location /scheme { proxy_pass $arg_to; }
        """, "/", "/?to=a:0", "/?to=a:70000", "/?to=a:x", "/?to=:80", "/?to=[::1", "/?to=no.test",
         "/?to=p_nobody:80", "/scheme", "/scheme?to=ftp://a",
         "/scheme?to=http://", "/scheme?to=http:///x", "/scheme?to=no.test"),
    case("errors", """
        location / { proxy_pass http://$p_closed; error_page 502 /sorry; %s }
        location /sorry { return 200 "sorry $status"; }
        """ % KEPT, "/", "/x", http="map $uri $p_closed { default {closed}; }"),
]


def http(text):
    return f"events {{}}\nhttp {{\n{text}\n}}\n"


def server(text):
    return http(f"server {{ listen 127.0.0.1:1; {text} }}")


REFUSED = {
    "resolver-none": http("resolver valid=5s;"),
    "resolver-valid": http("resolver 127.0.0.1 valid=x;"),
    "resolver-valid-empty": http("resolver 127.0.0.1 valid=;"),
    "resolver-ipv6": http("resolver 127.0.0.1 ipv6=x;"),
    "resolver-port": http("resolver 127.0.0.1:0;"),
    "resolver-name": http("resolver name.of.nobody.invalid;"),
    "resolver-twice": http("resolver 127.0.0.1;\nresolver 127.0.0.1;"),
    "resolver-empty": http('resolver "";'),
    "resolver-alone": http("resolver;"),
    "resolver-timeout": http("resolver_timeout x;"),
    "pass-unclosed": server("location / { proxy_pass http://${a; }"),
    "pass-dollar": server("location / { proxy_pass http://$; }"),
}
