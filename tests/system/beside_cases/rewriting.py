"""rewrite, if, set, break and return: their order, flags, captures, and what is inherited."""
from base64 import b64encode

from beside import ask, case
from wire import response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
ECHO = 'return 200 "LABEL|$uri|$args|$request_uri|$is_args";'


def said(label):
    return ECHO.replace("LABEL", label)


CASES = [
    case("flags", f"""
        location /last/ {{ rewrite ^/last/(.*)$ /to/$1 last; return 200 never; }}
        location /break/ {{ rewrite ^/break/(.*)$ /to/$1 break; {said('after break')} }}
        location /none/ {{ rewrite ^/none/(.*)$ /to/$1; {said('after none')} }}
        location /falls/ {{ rewrite ^/falls/(.*)$ /to/$1; }}
        location /redirect/ {{ rewrite ^/redirect/(.*)$ /to/$1 redirect; }}
        location /permanent/ {{ rewrite ^/permanent/(.*)$ /to/$1 permanent; }}
        location /url/ {{ rewrite ^/url/(.*)$ http://other.test/$1; }}
        location /url-permanent/ {{ rewrite ^/url-permanent/(.*)$ https://other.test/$1
                                     permanent; }}
        location /scheme/ {{ rewrite ^/scheme/(.*)$ $scheme://other.test/$1 redirect; }}
        location /scheme-none/ {{ rewrite ^/scheme-none/(.*)$ $scheme://other.test/$1; }}
        location /args/ {{ rewrite ^ /to/x?new=1 last; }}
        location /no-args/ {{ rewrite ^ /to/x? last; }}
        location /own-args/ {{ rewrite ^ /to/x?new=1? last; }}
        location /args-redirect/ {{ rewrite ^ /to/x?new=1 redirect; }}
        location /no-args-redirect/ {{ rewrite ^ /to/x? permanent; }}
        location /twice/ {{ rewrite ^/twice/(.*)$ /mid/$1; rewrite ^/mid/(.*)$ /to/$1 last; }}
        location /not/ {{ rewrite ^/nothing /to/x last; {said('not')} }}
        location /case/ {{ rewrite (?i)^/CASE/(.*)$ /to/$1 last; }}
        location /named-capture/ {{ rewrite ^/named-capture/(?<rest>.*)$ /to/$rest last; }}
        location /escaped/ {{ rewrite ^/escaped/(.*)$ /to/$1 redirect; }}
        location /escaped-args/ {{ rewrite ^/escaped-args/(.*)$ /to/?a=$1 redirect; }}
        location /escaped-last/ {{ rewrite ^/escaped-last/(.*)$ /to/?a=$1 last; }}
        location /literal/ {{ rewrite ^ "/to/a b" redirect; }}
        location /variables/ {{ rewrite ^ /to/$arg_a?b=$arg_b? redirect; }}
        location /empty/ {{ rewrite ^/empty/(.*)$ $1 break; {said('empty')} }}
        location /relative/ {{ rewrite ^ to/x last; }}
        location /loop/ {{ rewrite ^ /loop/again last; }}
        location /ping/ {{ rewrite ^ /pong/ last; }}
        location /pong/ {{ rewrite ^ /ping/ last; }}
        location /dots/ {{ rewrite ^ /to/../x last; }}
        location /slashes/ {{ rewrite ^ //to//x last; }}
        location /braces {{ rewrite "^/braces(\\d{{2}})$" /to/$1 last; }}
        location /to/ {{ {said('to')} }}
        location / {{ {said('root')} }}
        """, *(place + rest for place in (
            "/last/", "/break/", "/none/", "/falls/", "/redirect/", "/permanent/", "/url/",
            "/url-permanent/", "/scheme/", "/scheme-none/", "/args/", "/no-args/", "/own-args/",
            "/args-redirect/", "/no-args-redirect/", "/twice/", "/not/", "/case/",
            "/named-capture/", "/empty/") for rest in ("x", "x?a=b")),
         *(place + rest for place in ("/escaped/", "/escaped-args/", "/escaped-last/")
           for rest in ("a%20b", "a%2520b", "a%26b", "a%3Fb", "a%2Bb+c", "%C3%BC", "a%23b",
                        "a%0Ab", "a\"b", "a=b&c")),
         "/literal/", "/variables/?a=1&b=%20", "/relative/", "/loop/x", "/ping/", "/dots/",
         "/slashes/", "/braces12", "/braces123", ask("/last/x", "POST", body=b"abc"),
         ask("/redirect/x", "HEAD"), ask("/redirect/x", "POST", body=b"x")),
    case("to_nothing", f"""
        error_page 500 =200 @named;
        location /last/ {{ rewrite ^/last/(.*)$ $1 last; }}
        location /break/ {{ rewrite ^/break/(.*)$ $1 break; }}
        location @named {{ {said('named')} }}
        """, "/last/", "/last/x", "/break/", "/break/x"),
    case("server_level", f"""
        rewrite ^/old/(.*)$ /new/$1;
        rewrite ^/moved/(.*)$ /new/$1 permanent;
        rewrite ^/stop/(.*)$ /new/$1 break;
        rewrite ^/again/(.*)$ /old/$1 last;
        rewrite ^/new/deep$ /new/deeper;
        set $server_set "server";
        if ($arg_deny) {{ return 403; }}
        if ($request_method = TEAPOT) {{ return 418 "short"; }}
        if ($host = other.test) {{ rewrite ^ /by-host last; }}
        location /new/ {{ {said('new $server_set')} }}
        location /by-host {{ {said('by host')} }}
        location / {{ {said('root')} }}
        """, "/old/x", "/moved/x?a", "/stop/x", "/again/x", "/old/deep", "/x?deny=1",
         "/x?deny=0", "/x?deny=", ask("/x", "TEAPOT"), ask("/x", host="other.test")),
    case("if", f"""
        root {{root}};
        location /empty {{ if ($arg_a) {{ return 200 yes; }} return 200 no; }}
        location /equal {{ if ($arg_a = "b c") {{ return 200 yes; }} return 200 no; }}
        location /not-equal {{ if ($arg_a != b) {{ return 200 yes; }} return 200 no; }}
        location /match {{ if ($arg_a ~ ^b(.)$) {{ return 200 "yes $1"; }} return 200 no; }}
        location /match-case {{ if ($arg_a ~* ^B(.)$) {{ return 200 "yes $1"; }} return 200 no; }}
        location /not-match {{ if ($arg_a !~ b) {{ return 200 yes; }} return 200 no; }}
        location /not-match-case {{ if ($arg_a !~* B) {{ return 200 yes; }} return 200 no; }}
        location /file {{ if (-f {{root}}/$arg_a) {{ return 200 yes; }} return 200 no; }}
        location /no-file {{ if (!-f {{root}}/$arg_a) {{ return 200 yes; }} return 200 no; }}
        location /directory {{ if (-d {{root}}/$arg_a) {{ return 200 yes; }} return 200 no; }}
        location /exists {{ if (-e {{root}}/$arg_a) {{ return 200 yes; }} return 200 no; }}
        location /program {{ if (-x {{root}}/$arg_a) {{ return 200 yes; }} return 200 no; }}
        location /method {{ if ($request_method !~ ^(GET|HEAD)$) {{ return 405; }} return 200 ok; }}
        location /spaces {{ if ( $arg_a ) {{ return 200 yes; }} return 200 no; }}
        location /quoted {{ if ($http_user_agent ~ "MSIE [0-9]+") {{ return 200 old; }}
                            return 200 new; }}
        location /cookie {{ if ($http_cookie ~* "id=([^;]+)(?:;|$)") {{ set $id $1; }}
                            return 200 "[$id]"; }}
        location /both {{ set $both ""; if ($arg_a) {{ set $both A; }}
                          if ($arg_b) {{ set $both "${{both}}B"; }}
                          if ($both = AB) {{ return 200 both; }} return 200 "only [$both]"; }}
        location /captures {{ if ($arg_a ~ (.)(.)) {{ set $first $1; }}
                              if ($arg_b ~ (?<second>.)) {{ set $x 1; }}
                              return 200 "$first|$second|$1|$2"; }}
        location /last {{ if ($arg_a) {{ rewrite ^ /to last; }} return 200 not; }}
        location /break {{ if ($arg_a) {{ break; }} return 200 "not $uri"; }}
        location /to {{ {said('to')} }}
        """, *(place + rest for place in (
            "/empty", "/equal", "/not-equal", "/match", "/match-case", "/not-match",
            "/not-match-case", "/spaces", "/last", "/break") for rest in (
            "", "?a=", "?a=0", "?a=1", "?a=b", "?a=bc", "?a=BC", "?a=b%20c", "?a=00")),
         *(place + rest for place in ("/file", "/no-file", "/directory", "/exists", "/program")
           for rest in ("?a=a.txt", "?a=deep", "?a=none", "?a=link.txt", "?a=gone", "?a=")),
         "/method", ask("/method", "POST"), ask("/method", "HEAD"),
         ask("/quoted", fields=[("User-Agent", "MSIE 6")]), "/quoted",
         ask("/cookie", fields=[("Cookie", "a=b; ID=7; c=d")]), "/cookie", "/both", "/both?a=1",
         "/both?b=1", "/both?a=1&b=1", "/captures?a=xy&b=z", "/captures?a=xy", "/captures?b=z"),
    case("if_content", f"""
        root {{root}};
        location /headers {{ add_header X-Out 1; if ($arg_a) {{ add_header X-In 1; }}
                             proxy_pass http://{{origin}}; {KEPT} }}
        location /pass {{ if ($arg_a) {{ proxy_pass http://{{other}}; }}
                          proxy_pass http://{{origin}}; {KEPT} }}
        location /set-header {{ proxy_http_version 1.1; proxy_set_header Connection "";
                                if ($arg_a) {{ set $mark in; }} proxy_set_header X-Mark $mark;
                                proxy_pass http://{{origin}}; }}
        location /root {{ if ($arg_a) {{ root {{root}}/deep; }} }}
        location /error {{ error_page 404 /out; if ($arg_a) {{ error_page 404 /in; }}
                           if ($arg_b) {{ return 404; }} }}
        location /out {{ return 200 out; }}
        location /in {{ return 200 in; }}
        location /expires {{ if ($arg_a) {{ expires epoch; }}
                             proxy_pass http://{{origin}}; {KEPT} }}
        location /files/ {{ alias {{root}}/; if ($arg_a) {{ add_header X-In 1; }} }}
        location /tried/ {{ try_files /a.txt =404; if ($arg_a) {{ add_header X-In 1; }} }}
        location /two/ {{ if ($arg_a) {{ add_header X-A 1; }} if ($arg_b) {{ add_header X-B 1; }}
                          proxy_pass http://{{origin}}; {KEPT} }}
        location /rewritten/ {{ rewrite ^/rewritten/(.*)$ /new/$1 break;
                                proxy_pass http://{{origin}}; {KEPT} }}
        location /rewritten-uri/ {{ rewrite ^/rewritten-uri/(.*)$ /new/$1 break;
                                    proxy_pass http://{{origin}}/base/; {KEPT} }}
        location /rewritten-args/ {{ rewrite ^/rewritten-args/(.*)$ /new/$1?x=1 break;
                                     proxy_pass http://{{origin}}; {KEPT} }}
        location /rewritten-file/ {{ rewrite ^ /a.txt break; }}
        location /set-args/ {{ set $args "a=set"; proxy_pass http://{{origin}}; {KEPT} }}
        location /variable/ {{ set $to http://{{origin}}; proxy_pass $to; {KEPT} }}
        location /variable-uri/ {{ set $to /in$uri; proxy_pass http://{{origin}}$to; {KEPT} }}
        location /variable-args/ {{ proxy_pass http://{{origin}}/x?b=$arg_a; {KEPT} }}
        location /variable-group/ {{ set $to group_of_rewriting; proxy_pass http://$to; {KEPT} }}
        """, *(place + rest for place in (
            "/headers", "/pass", "/set-header", "/root", "/error", "/expires", "/files/a.txt",
            "/tried/x", "/two/x", "/rewritten/x", "/rewritten/a%20b%3Fc", "/rewritten-uri/x",
            "/rewritten-args/x", "/rewritten-file/x", "/set-args/x", "/variable/a%20b",
            "/variable-uri/a%20b", "/variable-args/x", "/variable-group/x") for rest in (
            "", "?a=1", "?a=1&b=2")), ask("/rewritten/x", "POST", body=b"abc"),
         http="upstream group_of_rewriting { server {origin}; }"),
    case("set", """
        set $server "s";
        set $both "$server-$arg_a";
        location /plain { set $x "a b"; return 200 "$x|${x}c|$server|$both"; }
        location /order { set $x 1; set $y $x; set $x 2; return 200 "$x$y"; }
        location /never { return 200 "[$unset_of_set]"; set $unset_of_set 1; }
        location /other { return 200 "[$x]"; }
        location /own { set $server changed; return 200 "$server|$both"; }
        location /args { set $args "n=1"; return 200 "$args|$arg_n|$query_string|$is_args|$uri"; }
        location /empty-args { set $args ""; return 200 "[$is_args][$args]"; }
        location /rate { set $limit_rate 10m; return 200 "$limit_rate"; }
        location /redirected { set $x kept; rewrite ^ /shows last; }
        location /shows { return 200 "[$x] $server"; }
        location /page { set $x kept; error_page 404 /shows; return 404; }
        location /self { set $x "$x+"; set $x "$x+"; return 200 "[$x]"; }
        """, "/plain?a=1", "/order", "/never", "/other", "/own?a=2", "/args?a=1", "/empty-args?a",
         "/rate", "/redirected", "/page", "/self"),
    case("return_forms", """
        location /url { return https://other.test$uri; }
        location /break { break; return 200 never; }
        location /break-file { root {root}; break; return 200 never; }
        location /first { return 201 first; return 202 second; }
        location /set-after { return 200 "[$late]"; set $late 1; }
        location /proxied { return 200 wins; proxy_pass http://{origin}; }
        location /nested { return 200 outer; location /nested/in { } }
        """, "/url/x", "/break", "/break-file", "/first", "/set-after", "/proxied", "/nested",
         "/nested/in"),
    # What a shop's configuration does with all of it.
    case("shop", f"""
        server_name shop.test www.test;
        set $maintenance "";
        if (-f {{root}}/closed) {{ set $maintenance on; }}
        if ($remote_addr = 127.0.0.1) {{ set $maintenance "${{maintenance}}-off"; }}
        if ($maintenance = on) {{ return 503; }}
        if ($host !~* ^(www\\.test|shop\\.test)$) {{ return 301 $scheme://www.test$request_uri; }}
        if ($request_uri ~ "^/index\\.php(/.*)$") {{ return 301 $1; }}
        rewrite ^/product/(\\d+)-[a-z-]+\\.html$ /item?id=$1 last;
        rewrite ^/(.*)/$ /$1 permanent;
        location /item {{ proxy_pass http://{{origin}}; {KEPT} }}
        location /admin {{ auth_basic "shop"; auth_basic_user_file users_of_shop;
                           if ($request_method = DELETE) {{ return 405; }}
                           proxy_pass http://{{origin}}; {KEPT} }}
        location / {{ if ($http_x_mobile) {{ rewrite ^(.*)$ /m$1 break; }}
                      proxy_pass http://{{origin}}; {KEPT} }}
        """, "/", "/product/12-red-shoe.html", "/product/12-red-shoe.html?ref=x", "/product/x.html",
         "/cart/", "/cart/?a=b", "/index.php/cart?x", ask("/cart", host="other.test"),
         ask("/cart?x=y", fields=[("X-Mobile", "1")]), "/admin", ask("/admin", "DELETE"),
         ask("/admin", fields=[("Authorization", "Basic " + b64encode(b"root:toor").decode())]),
         files={"users_of_shop": "root:{PLAIN}toor\n"},
         answers={"/cart": response(200, b"cart")}),
]

REFUSED = {name: f"events {{ }}\nhttp {{\nserver {{\n{text}\n}}\n}}\n" for name, text in {
    "rewrite_words": "rewrite ^;", "rewrite_flag": "rewrite ^ /x sometimes;",
    "rewrite_regex": "rewrite ( /x;", "rewrite_in_http": "}\nrewrite ^ /x;\nserver {",
    "rewrite_variable": "rewrite ^ /$none_such_here;", "set_words": "set $x;",
    "set_no_dollar": "set x y;", "set_dollar": "set $ y;", "set_builtin": "set $uri /x;",
    "set_value": "set $x $none_such_here;", "set_itself": "set $own_value $own_value;",
    "if_words": "if { return 200; }", "if_no_parenthesis": "if $x { return 200; }",
    "if_empty": "if () { return 200; }", "if_text": "if (x) { return 200; }",
    "if_unknown": "if ($none_such_here) { return 200; }",
    "if_operator": "if ($host == x) { return 200; }", "if_two": "if ($host x) { return 200; }",
    "if_regex": "if ($host ~ \"(\") { return 200; }", "if_open": "if ($host = x { return 200; }",
    "if_more": "if ($host = x y) { return 200; }", "if_file": "if (-f) { return 200; }",
    "if_file_two": "if (-f a b) { return 200; }", "if_in_if":
    "if ($host) { if ($uri) { return 200; } }", "if_location": "if ($host) { location / { } }",
    "if_server_proxy": "if ($host) { proxy_pass http://127.0.0.1; }",
    "if_server_header": "if ($host) { add_header X y; }",
    "if_proxy_uri": "location / { if ($host) { proxy_pass http://127.0.0.1/x; } }",
    "if_option": "if (-q x) { return 200; }", "break_words": "break x;",
    "return_last": "return 200 a b;", "return_code_url": "return 301;\nreturn 1x;",
    "rewrite_log": "rewrite_log maybe;", "warn": "uninitialized_variable_warn maybe;",
    "if_dollar": "if ($) { return 200; }", "if_not": "if (! -f x) { return 200; }",
    "if_http": "}\nif ($host) { return 200; }\nserver {",
}.items()}
