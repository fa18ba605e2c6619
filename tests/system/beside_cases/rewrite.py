"""set, if, rewrite, break and return: what they come to, and what goes upstream behind them."""
from beside import ask, case
from beside_cases.refused import each, location, server

SAY = 'return 200 "$uri|$args|$request_uri\\n";'


def pieces(*paths):
    """Each path twice: alone, and with arguments."""
    return [each for path in paths for each in (path, path + "?o=1&p")]


CASES = [
    case("set", """
        set $server "of $host";
        location /self { set $x a; set $x "$x-b"; set $x "${x}c$x"; return 200 "$x"; }
        location /server { return 200 "$server"; }
        location /own { set $server changed; return 200 "$server"; }
        location /args { set $args "a=1&$args"; return 200 "$args|$is_args|$query_string|$arg_a"; }
        location /no-args { set $args ""; return 200 "$args|$is_args|$arg_a|$request_uri"; }
        location /never { return 200 "[$later][$LATER]"; }
        location /later { set $later 1; return 200 "[$later][$LATER]"; }
        location /shadow { set $http_x "${http_x}2"; return 200 "$http_x"; }
        location /shadowed { return 200 "$http_x"; }
        location /capture { if ($args ~ "a=(.)(?<second>.)") { set $c $1; }
                            return 200 "$c|$second|$1"; }
        location /order { return 200 "[$late]"; set $late 1; }
        location /rate { set $limit_rate 4k; return 200 "$limit_rate"; }
        location /no-rate { set $limit_rate 4x; return 200 "$limit_rate"; }
        location /rate-if { if ($arg_a) { limit_rate 8k; } return 200 "$limit_rate"; }
        location /copy { set $was $args; set $args new; return 200 "$was|$args"; }
        """,
         "/self", "/server", "/own", "/args?b=2", "/args", "/no-args?a=1", "/never", "/later",
         ask("/shadow", fields=[("X", "1")]), ask("/shadowed", fields=[("X", "1")]),
         "/capture?a=xy", "/capture", "/order", "/copy?old",
         "/rate", "/no-rate", "/rate-if?a=1"),
    case("if_conditions", """
        root {root};
        location /true { if ($arg_z) { return 200 true; } return 200 false; }
        location /equals { if ($arg_z = "a b$arg_y") { return 200 true; } return 200 false; }
        location /differs { if ($arg_z != a) { return 200 true; } return 200 false; }
        location /matches { if ($arg_z ~ ^(a)(.*)$) { return 200 "true $1 $2"; } return 200 "$1"; }
        location /any-case { if ($arg_z ~* ^A) { return 200 true; } return 200 false; }
        location /not { if ($arg_z !~ ^a) { return 200 true; } return 200 false; }
        location /not-any { if ($arg_z !~* "^A") { return 200 true; } return 200 false; }
        location /file { if (-f $document_root$arg_f) { return 200 true; } return 200 false; }
        location /no-file { if (!-f $document_root$arg_f) { return 200 true; } return 200 false; }
        location /folder { if (-d $document_root$arg_f) { return 200 true; } return 200 false; }
        location /no-folder { if (!-d $document_root$arg_f) { return 200 true; } return 200 false; }
        location /there { if (-e $document_root$arg_f) { return 200 true; } return 200 false; }
        location /not-there { if (!-e $document_root$arg_f) { return 200 true; } return 200 false; }
        location /runs { if (-x $document_root$arg_f) { return 200 true; } return 200 false; }
        location /runs-not { if (!-x $document_root$arg_f) { return 200 true; } return 200 false; }
        location /empty { if (-e $arg_none) { return 200 true; } return 200 false; }
        """,
         *(f"/true?z={z}" for z in ("", "0", "00", "1", "a", "%00")), "/true",
         "/equals?z=a%20b", "/equals?z=a&y=", "/equals", "/differs?z=a", "/differs?z=b",
         "/differs", "/matches?z=ab", "/matches?z=b", "/any-case?z=a", "/any-case?z=b",
         "/not?z=a", "/not?z=A", "/not-any?z=a", "/not-any?z=b",
         *(f"/{test}?f={f}" for test in ("file", "no-file", "folder", "no-folder", "there",
                                        "not-there", "runs", "runs-not")
           for f in ("/b.html", "/deep", "/none", "")), "/empty"),
    case("captures", """
        location /lost { if ($uri ~ "^/(l.)") { set $a 1; } if ($uri ~ "zzz(.)") { }
                         return 200 "[$1]"; }
        location /kept { if ($uri ~ "^/(?<first>..)") { } if ($uri ~ "(?<other>pt)") { }
                         return 200 "$first|$other|$1"; }
        location ~ ^/rx/(?<of_location>.)(.) { if ($args ~ (.)$) { set $last $1; }
                                               return 200 "$of_location|$1|$2|$last"; }
        location ~ ^/(?<outer>[a-z]+)/(?<both>.) { return 200 "$outer|$both|$inner|$1";
            location ~ (?<inner>[xy]+)(?<both>.)$ { return 200 "$outer|$both|$inner|$1";
                location ~ (?<deep>z)$ { return 200 "$outer|$both|$inner|$deep|$1"; } } }
        location ^~ /chain/ { rewrite ^/chain/(.)(.)(.*)$ /$1/x/$3; rewrite ^/(.)/x/(.*)$ /$2/$1;
                              set $s "$1-$2"; return 200 "$uri|$s|$args"; }
        location ^~ /negated/ { if ($uri !~ ^/negated/(.*)) { return 200 no; } return 200 "[$1]"; }
        location ^~ /quoted/ { if ($uri ~ ^/quoted/(.*)$) { set $v $1; } return 200 "$v|$1"; }
        location ^~ /eq/ { if ($uri ~ ^/eq/(.*)$) { set $v 1; }
                           if ($arg_a = $1) { return 200 same; } return 200 other; }
        location ^~ /after/ { rewrite ^/after/(.*)$ /z/$1; set $d $1; return 200 "$d|$uri"; }
        """,
         "/lost", "/kept", "/rx/abc", "/rx/abc?q", "/abc/def", "/abc/dxe", "/abc/dxyz", "/abc/z",
         "/chain/abcd", "/chain/abcd?q=1", "/negated/x", "/quoted/a%20b%3f", "/quoted/a+b",
         "/quoted/plain&", "/quoted/%C3%BC", "/eq/a%20b?a=a%20b", "/after/a%20b", "/after/ab"),
    case("rewrite_here", f"""
        location /a/ {{ rewrite ^/a/(.*)$ /b/$1; {SAY} }}
        location /args/ {{ rewrite ^/args/(.*)$ /b?c=$1; {SAY} }}
        location /drop/ {{ rewrite ^/drop/(.*)$ /b/$1?; {SAY} }}
        location /own/ {{ rewrite ^/own/(.*)$ /b?c=$1?; {SAY} }}
        location /two {{ rewrite ^ /b?c=1?d=2; {SAY} }}
        location /three {{ rewrite ^ /b?c=$arg_o?d=$arg_o?e; {SAY} }}
        location /mark {{ rewrite ^ "/b??"; {SAY} }}
        location /no-slash {{ rewrite ^ foo; {SAY} }}
        location /variable {{ rewrite ^ $request_uri; {SAY} }}
        location /empty {{ rewrite ^ $arg_none; {SAY} }}
        location /only-mark {{ rewrite ^ "?"; {SAY} }}
        location /no-match {{ rewrite ^/other /b; {SAY} }}
        location /spaces {{ rewrite ^ "/b c%20d"; {SAY} }}
        """,
         *pieces("/a/x", "/a/a%20b%2Fc%3Fd%23", "/a/a+b", "/a/%C3%BC", "/a/", "/args/x",
                 "/args/a%20b+c%2Fd%3Fe%26f", "/args/a&b", "/args/%22%3C%3E%5C%5E%60%7B%7C%7D~;=$",
                 "/drop/x", "/own/x", "/two", "/three", "/mark", "/no-slash", "/variable",
                 "/empty", "/only-mark", "/no-match", "/spaces")),
    case("redirects", """
        location /red/ { rewrite ^/red/(.*)$ /to/$1 redirect; }
        location /args/ { rewrite ^/args/(.*)$ /to?c=$1 redirect; }
        location /drop/ { rewrite ^/drop/(.*)$ /to/$1? permanent; }
        location /host/ { rewrite ^/host/(.*)$ http://x.test/$1; return 500; }
        location /scheme/ { rewrite ^/scheme/(.*)$ $scheme://x.test/$1 permanent; }
        location /last/ { rewrite ^/last/(.*)$ https://x.test/$1 last; }
        location /escapes { rewrite ^ "/t%20o/%41%2f%zz%4?%41" redirect; }
        location /mark { rewrite ^ "/a?b=%41" redirect; }
        location /percent { rewrite ^ "/a%" redirect; }
        location /decoded { rewrite ^ "/a%3fb%41" redirect; }
        location /decoded-first { rewrite ^ "/a%3Fb%41" redirect; }
        location /return/ { if ($uri ~ ^/return/(.*)$) { return 302 /to/$1; } }
        location /return-args { return 301 /to/$arg_o; }
        location /void { rewrite ^ "http:$arg_none" redirect; }
        location /nowhere { rewrite ^ $arg_none redirect; }
        location /relative { absolute_redirect off; rewrite ^ /to redirect; }
        """,
         *pieces("/red/x", "/red/a%20b", "/red/a%2Fb%3Fc%23d%26", "/red/a+b", "/red/%C3%BC%25",
                 "/red/%22%3C%3E", "/args/a%20b%26c", "/drop/a%20b", "/host/a%20b",
                 "/scheme/x", "/last/x", "/escapes", "/mark", "/percent", "/decoded",
                 "/decoded-first", "/return/x", "/return-args", "/relative",
                 "/void"), "/nowhere?o"),
    case("flow", f"""
        root {{root}};
        rewrite ^/server/(.*)$ /b/$1;
        rewrite ^/b/(.*)$ /c/$1;
        rewrite ^/last/(.*) /c/$1 last;
        rewrite ^/c/ /d/;
        rewrite ^/broken /stays break;
        if ($arg_forbidden) {{ return 403; }}
        if ($arg_stop) {{ break; }}
        set $srv 1;
        location / {{ return 200 "$uri $srv $args"; }}
        location /c {{ rewrite ^/c/(.*)$ /again/$1 last; return 500; }}
        location /loop {{ rewrite ^ /loop last; }}
        location /longer {{ rewrite ^/longer/(.*)$ /longer/$1x? last; }}
        location /nine/ {{ rewrite ^/nine/(x?x?x?x?x?x?x?x?)x$ /nine/$1 last; {SAY} }}
        location /falls {{ rewrite ^ /c/falls; set $srv 2; }}
        location /breaks {{ rewrite ^ /b.html break; return 500; }}
        location /then-break {{ rewrite ^ /b.html; break; return 500; }}
        location /if-break {{ if ($arg_a) {{ rewrite ^ /b.html break; }} return 200 no; }}
        location /if-only-break {{ if ($arg_a) {{ break; }} return 200 "not broken"; }}
        location /if-last {{ if ($arg_a) {{ rewrite ^ /c/x last; }} return 200 no; }}
        location /first {{ return 200 one; return 200 two; rewrite ^ /c/ last; }}
        location /second {{ if ($arg_a) {{ return 200 one; }} if ($arg_b) {{ return 200 two; }} }}
        """,
         "/server/x", "/last/x", "/b/y?q", "/broken", "/x?forbidden=1", "/x?stop=1", "/c/x",
         "/loop", "/longer/x", "/nine/xxxxxxxx", "/falls", "/breaks", "/then-break",
         "/if-break?a=1", "/if-break", "/if-only-break?a=1", "/if-only-break", "/if-last?a=1",
         "/if-last", "/first", "/second?b=1", "/second"),
    case("return_codes", """
        root {root};
        if ($arg_server = 200) { return 200 server; }
        if ($arg_server = 404) { return 404; }
        if ($arg_server = 302) { return http://x.test/$uri; }
        if ($arg_server = 444) { return 444; }
        location /in-if { if ($arg_a = 200) { return 200 "in if"; }
                          if ($arg_a = 204) { return 204; }
                          if ($arg_a = 444) { return 444; } if ($arg_a = 301) { return 301 /x; }
                          if ($arg_a = 503) { return 503; } return 200 behind; }
        location /none { return 200; }
        location /text-404 { return 404 text; }
        location /own { error_page 404 /b.html; return 404; }
        location /own-text { error_page 404 /b.html; return 404 text; }
        location / { return 200 plain; }
        location = /b.html { }
        """,
         *(f"/x?server={code}" for code in (200, 404, 302, 444, 1)),
         *(f"/in-if?a={code}" for code in (200, 204, 444, 301, 503, 1)),
         "/none", "/text-404", "/own", "/own-text", ask("/in-if?a=200", "HEAD"),
         ask("/in-if?a=200", "POST", body=b"body")),
    case("settings_in_if", """
        location /inherits { add_header X-A outer; if ($arg_a) { set $k 1; } return 200 x; }
        location /own { add_header X-A outer; if ($arg_a) { add_header X-B inner; }
                        return 200 x; }
        location /last-wins { if ($arg_a) { add_header X-A a; } if ($arg_b) { add_header X-B b; }
                              return 200 x; }
        location /root/ { if ($arg_a) { root {root}/deep; } rewrite ^ /b.html break; }
        location /page { error_page 404 /of-location; if ($arg_a) { error_page 404 /of-if; }
                         rewrite ^ /none break; }
        location /of- { return 200 "$uri"; }
        """, "/inherits?a=1", "/own", "/own?a=1", "/last-wins?a=1&b=1", "/last-wins?b=1",
         "/root/", "/page", "/page?a=1"),
    case("with_others", """
        root {root};
        set $seen "$seen[$uri]";
        rewrite ^/inner-(.*)$ /found/$1;
        error_page 404 /inner-page;
        error_page 410 = @gone;
        location /found/ { return 200 "$uri $seen $kept $1"; }
        location /error { set $kept yes; return 404; }
        location /none { set $kept yes; root /none; }
        location /gone { if ($uri ~ "^/(go)ne") { set $kept $1; } return 410; }
        location @gone { rewrite ^/gone(.*)$ /from-named$1 last; }
        location /from-named { return 200 "$uri $seen $kept"; }
        location /try { set $kept tried; try_files /no-such @tried; }
        location @tried { rewrite ^ /inner-try; rewrite ^ /found/tried; }
        location /try-uri { try_files /no-such /inner-uri?$args; }
        location /try-if { try_files /b.html =404; if ($arg_a) { set $kept 1; } }
        location /images/ { index x.none /inner-index; }
        location /al/ { alias {root}/deep/; if ($arg_a) { set $kept 1; } }
        location /except { limit_except GET { deny all; } return 200 "not excepted"; }
        location /denied { deny all; return 200 "before the gate"; }
        location /denied-if { deny all; if ($arg_a) { return 200 "before the gate"; } }
        location /denied-rewrite { deny all; rewrite ^ /found/denied last; }
        location /asks { auth_request /auth; auth_request_set $answer $upstream_status;
                         rewrite ^ /b.html break; }
        location /auth { internal; if ($arg_a) { return 204; } return 403; }
        location /quoted { auth_request "/of-auth/a b"; add_header X-V "$of_auth";
                           rewrite ^ /b.html break; }
        location ^~ /of-auth/ { if ($uri ~ ^/of-auth/(.*)$) { set $of_auth $1; } return 204; }
        location /small { client_max_body_size 2; return 200 "small $request_method"; }
        location /slash/ { set $kept 1; proxy_pass http://{origin}; }
        location = /inside { internal; return 200 inside; }
        location /to-inside { rewrite ^ /inside last; }
        location ~ ^/regex/(?<one>.)(.)$ { rewrite ^ /found/$one$2 last; }
        location /nested/ { set $kept outer;
            location /nested/in { return 200 "[$kept]"; } return 200 "$kept"; }
        """,
         "/error", "/none", "/gone", "/gone/x?q", "/try", "/try-uri?a=1", "/try-if", "/try-if?a=1",
         "/images/", "/al/a.txt", "/al/a.txt?a=1", "/except", ask("/except", "POST"),
         "/denied", "/denied-if?a=1", "/denied-if", "/denied-rewrite", "/asks", "/asks?a=1",
         "/quoted", "/quoted%20x", "/quoted+",
         ask("/small", "POST", body=b"123"), ask("/small", "POST", body=b"12"), "/slash",
         "/slash?q", "/inside", "/to-inside", "/regex/ab", "/nested/x", "/nested/in"),
    case("upstream", """
        proxy_http_version 1.1; proxy_set_header Connection "";
        rewrite ^/from-server/(.*)$ /plain/$1;
        rewrite ^/server-break/(.*)$ /uri/$1 break;
        location /plain/ { proxy_pass http://{origin}; }
        location /uri/ { proxy_pass http://{origin}/put/; }
        location /break/ { rewrite ^/break/(.*)$ /new/$1 break; proxy_pass http://{origin}; }
        location /break-uri/ { rewrite ^/break-uri/(.*)$ /new/$1 break;
                               proxy_pass http://{origin}/put/; }
        location /then-break/ { rewrite ^/then-break/(.*)$ /new/$1; break;
                                proxy_pass http://{origin}/put/; }
        location /args/ { rewrite ^/args/(.*)$ /new?c=$1 break; proxy_pass http://{origin}; }
        location /set-args/ { set $args "n=1&$args"; proxy_pass http://{origin}; }
        location /no-match/ { rewrite ^/other /x break; proxy_pass http://{origin}; }
        location /same/ { rewrite ^(.*)$ $1 break; proxy_pass http://{origin}; }
        location /decoded { rewrite ^ /new?k=$uri break; proxy_pass http://{origin}; }
        location /if/ { proxy_pass http://{origin}; if ($arg_o) { set $x 1; } }
        location /if-own/ { proxy_pass http://{closed};
                            if ($arg_o) { proxy_pass http://{origin}; } }
        location /if-break/ { proxy_pass http://{origin}/put/;
                              if ($arg_o) { rewrite ^/if-break/(.*)$ /new/$1 break; } }
        location /if-uri/ { proxy_pass http://{origin}/put/; if ($arg_o) { set $x 1; } }
        location ~ ^/rx/(.*)$ { set $rest $1; rewrite ^ /new/$rest break;
                                proxy_pass http://{origin}; }
        """,
         *pieces("/from-server/x", "/server-break/x", "/break/a", "/break/a%20b%2Fc%3Fd%23e",
                 "/break/a+b", "/break/%C3%BC", "/break-uri/x", "/then-break/x", "/args/a%20b",
                 "/set-args/a%20b", "/no-match/a%20b", "/same/a%20b//c%2F", "/if/x", "/if-own/x",
                 "/if-break/x", "/if-uri/x", "/rx/a%20b", "/decoded", "/decoded%C3%BC"),
         ask("/break/x", "POST", body=b"body")),
]

REFUSED = {
    **each(
        server,
        rewrite_empty='rewrite ^ "";', rewrite_flag="rewrite ^ /a foo;",
        rewrite_regex="rewrite ( /;", rewrite_one="rewrite ^;",
        rewrite_unknown="rewrite ^ $nope;", rewrite_four="rewrite a b c d;",
        set_name="set x 1;", set_no_name="set $ 1;", set_host="set $host 1;", set_uri="set $uri 1;",
        set_query="set $query_string 1;", set_one="set $x;", if_unknown="if ($a) { }",
        if_bare="if $uri { }", if_open="if ($uri { }", if_no_value="if ($uri = ) { }",
        if_two_values="if ($uri = a b) { }", if_regex="if ($uri ~ ( ) { }",
        if_operator="if ($uri == a) { }", if_file_none="if (-f) { }", if_test="if (-q a) { }",
        if_capture="if ($1) { }", if_word="if (uri = a) { }", if_nothing="if () { }",
        if_blank="if ( ) { }", if_behind="if ($uri ~ a) b { }", if_dollar="if ($) { }",
        if_tail="if ($uri-x) { }", if_braces="if (${uri}) { }",
        if_nested="if ($uri) { if ($uri) {} }",
        if_file_two="if (-f a b) { }", if_semicolon="if ($uri);",
        if_server_proxy="if ($uri) { proxy_pass http://127.0.0.1; }",
        if_server_root="if ($uri) { root /x; }", return_word="return foo;",
        return_large="return 1000;",
        return_path="return /x;", return_negative="return -1;", return_empty='return "";',
        return_three="return 301 a b;", break_word="break foo;", group_name="rewrite ^(?<uri>.) /;",
        log_value="rewrite_log maybe;", warn_value="uninitialized_variable_warn maybe;"),
    **each(
        location,
        if_proxy_uri="if ($uri) { proxy_pass http://127.0.0.1/x; }",
        if_set_header="if ($uri) { proxy_set_header a b; }", if_index="if ($uri) { index b; }",
        if_alias="if ($uri) { alias /x; }", if_location="if ($uri) { location /x { } }"),
}
