"""Lines of access logs, and what variables are worth."""
from beside import Ask, ask, case, on_one_connection, over_tls, raw
from wire import request, response

FORMATS = r"""
log_format of_lines '$remote_addr - $remote_user [$time_local] "$request" $status '
                    '$body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
log_format of_escapes escape=default '$http_x_a|$uri|$arg_a|-$http_none-';
log_format of_json escape=json '{"a":"$http_x_a","uri":"$uri","arg":"$arg_a","none":"$http_none"}';
log_format of_raw escape=none '$http_x_a|$uri|$arg_a|-$http_none-';
log_format of_numbers '$status $body_bytes_sent $request_length $request_time '
                      '$connection_requests $pipe $request_completion $server_protocol';
log_format of_sent '$bytes_sent';
log_format of_upstream '$upstream_addr|$upstream_status|$upstream_response_length|'
                       '$upstream_bytes_received|$upstream_http_x_origin|$sent_http_content_type|'
                       '$sent_http_location|$proxy_host|$proxy_port';
"""
SAID_OF_TRIES = ("$upstream_status|$upstream_http_x_own|$upstream_response_length|"
                 "$upstream_cookie_a")
OWN_OF_TRIES = [("X-Own", "own"), ("Set-Cookie", "a=b")]
HOSTILE = 'a"b\\c\xe9\tz'


def echo_five(connection, _):
    connection.send(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    connection.send(connection.take(5))


CASES = [
    case("lines", """
        access_log logs/lines.log of_lines;
        location / { return 200 "body"; }
        location /silent { access_log off; return 200 x; }
        location /common { access_log logs/lines.log combined; return 200 x; }
        location /two { access_log logs/lines.log of_lines; access_log logs/lines.log combined;
                        return 200 x; }
        location /444 { return 444; }
        location /if { access_log logs/lines.log of_lines if=$arg_log; return 200 x; }
        """, "/", "/x?y=z", "/silent", "/common", "/two", "/444", "/if?log=1", "/if?log=0", "/if",
         ask("/", "POST", body=b"abc"), ask("/", "HEAD"),
         ask("/", fields=[("Referer", "r"), ("User-Agent", "u"), ("X-Forwarded-For", "1.2.3.4")]),
         ask("/", fields=[("Authorization", "Basic eDp5")]),
         ask("/", fields=[("Authorization", "Basic !!!")]),
         ask("/", fields=[("Authorization", "Bearer x")]),
         raw(b"GET /\x01 HTTP/1.1\r\nHost: www.test\r\n\r\n"), raw(b"rubbish\r\n\r\n"),
         raw(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), ask("/", version="HTTP/1.0"),
         on_one_connection("/1", "/2", "/3"), ask("/%22\"%5C"), http=FORMATS),
    case("escapes", """
        location / { access_log logs/escapes.log of_escapes; return 200 x; }
        location /json { access_log logs/escapes.log of_json; return 200 x; }
        location /raw { access_log logs/escapes.log of_raw; return 200 x; }
        """, *(one for target in ("/", "/json", "/raw") for one in (
            ask(target, fields=[("X-A", HOSTILE)]), ask(target + "?a=%22%0A"),
            ask(target + "/%22%0A%7f%C3%BC%5C"), ask(target, fields=[("X-A", "")]),
            ask(target + "?a=\"\\'"), ask(target + "?a=<>&"))), http=FORMATS),
    case("numbers", """
        access_log logs/numbers.log of_numbers;
        location / { proxy_pass http://{origin}; proxy_http_version 1.1;
                     proxy_set_header Connection ""; }
        location /200 { return 200 "12345"; }
        location /304 { return 304; }
        location /a.txt { root {root}; }
        location /sent { access_log logs/numbers.log of_sent; proxy_pass_header Server;
                         proxy_pass_header Date; proxy_pass http://{origin}/200; }
        """, "/200", "/a.txt", ask("/200", "HEAD"), "/x", ask("/x", "HEAD"),
         ask("/x", "POST", body=b"abc"),
         on_one_connection("/200", "/x", "/200"), "/chunked",
         raw(b"GET /200 HTTP/1.1\r\nHost: www.test\r\n\r\nGET /200 HTTP/1.1\r\nHost: www.test\r\n"
             b"\r\n", "GET", "GET"),
         ask("/sent", fields=[("Connection", "close")]),
         answers={"/200": b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: now\r\n"
                          b"Content-Length: 3\r\n\r\nabc",
                  "/chunked": b"HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"3\r\nabc\r\n0\r\n\r\n"}, http=FORMATS),
    case("upstream", """
        access_log logs/upstream.log of_upstream;
        proxy_http_version 1.1; proxy_set_header Connection "";
        location / { proxy_pass http://{origin}; }
        location /uri { proxy_pass http://{origin}/u; }
        location /tls { proxy_pass https://{tls_origin}; {tls} }
        location /closed { proxy_pass http://{closed}; }
        location /group { proxy_pass http://group_of_log; }
        location /none { return 301 /x; }
        location /page { error_page 502 = /other; proxy_pass http://{closed}; }
        location /other { proxy_pass http://{origin}; }
        """, "/", "/uri", "/tls", "/closed", "/group", "/none", "/page", ask("/", "HEAD"),
         "/404", ask("/", "POST", body=b"abc"),
         http=FORMATS + "upstream group_of_log { server {closed}; server {origin} backup; }",
         answers={"/404": b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"}),
    case("variables", r"""
        location / { return 200 "args=$args|is_args=$is_args|query_string=$query_string
            arg_a=$arg_a|arg_b=$arg_b|arg_long_name=$arg_long_name|cookie_c=$cookie_c
            http_x_y=$http_x_y|content_length=$content_length|content_type=$content_type
            document_uri=$document_uri|uri=$uri|request_uri=$request_uri|request=$request
            host=$host|http_host=$http_host|server_name=$server_name|server_port=$server_port
            server_addr=$server_addr|remote_addr=$remote_addr|scheme=$scheme|https=$https
            request_method=$request_method|server_protocol=$server_protocol|status=$status
            remote_user=$remote_user|request_length=$request_length|pipe=$pipe
            connection_requests=$connection_requests|hostname=$hostname
            gzip_ratio=$gzip_ratio|http2=$http2|cache=$upstream_cache_status
            proxy_host=$proxy_host|proxy_add_x_forwarded_for=$proxy_add_x_forwarded_for
            bytes_sent=$bytes_sent|body_bytes_sent=$body_bytes_sent|none=$http_none
            braces=${arg_a}b|dollar=$arg_a-$arg_b"; }
        location /root/ { root /r/$arg_a; return 200 "$document_root|$request_filename"; }
        """, "/", "/x?a=1&b=2", "/x?A=1", "/x?a", "/x?a=&b", "/x?aa=1&a=2", "/x?a=1&a=2", "/x?&a=3",
         "/x?a=1;b=2", "/x?b=x%20y&a=+", "/x?long_name=1", "/x?long-name=1", "/?", "/%20%41?x",
         ask("/", fields=[("Cookie", "c=1")]), ask("/", fields=[("Cookie", "a=0; c=1; cc=2")]),
         ask("/", fields=[("Cookie", "C=1")]), ask("/", fields=[("Cookie", "c=1;c=2")]),
         ask("/", fields=[("Cookie", "a=1"), ("Cookie", "c=2")]),
         ask("/", fields=[("Cookie", 'c="q d"; x')]), ask("/", fields=[("Cookie", "xc=1,c=2")]),
         ask("/", fields=[("X-Y", "1"), ("X-Forwarded-For", "9.9.9.9")]),
         ask("/", "POST", body=b"abc", fields=[("Content-Type", "text/x")]),
         ask("/", host="WWW.Test:81"), ask("/", version="HTTP/1.0"),
         ask("/", host=None, version="HTTP/1.0"), "/root/x", "/root/x?a=b",
         ask("/", fields=[("Authorization", "Basic YTpi")]),
         ask("/", fields=[("Authorization", "basic YTpi")]),
         ask("/", fields=[("Authorization", "Basic YTo=")]),
         ask("/", fields=[("Authorization", "Basic YQ==")]),
         ask("/", fields=[("Authorization", "Basic ")])),
    case("tls_variables", """
        ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200 "$scheme|$https|$ssl_protocol|$ssl_server_name|$server_port|$host|
                                 $ssl_session_reused|$ssl_client_verify|$ssl_client_s_dn|"; }
        location /moved { return 301 /x; }
        location /403 { return 403; }
        location /proxied { proxy_pass http://{origin}; proxy_set_header X-Proto $scheme; }
        """, over_tls("/"), over_tls("/moved"), over_tls("/403"), over_tls("/proxied"),
         over_tls(ask("/", host="other.test")), "/plain", raw(b"rubbish\r\n\r\n"),
         over_tls(on_one_connection("/", "/x")), over_tls(ask("/", "POST", body=b"x" * 40000)),
         listen=" ssl"),
    # What came of an answer behind its head, with its framing; a tunnel is none.
    case("lengths", """
        access_log logs/lengths.log of_lengths;
        proxy_http_version 1.1; proxy_set_header Connection "";
        location / { proxy_pass http://{origin}; proxy_set_header Connection $connection_of_lengths;
                     proxy_set_header Upgrade $http_upgrade; }
        location /off/ { proxy_buffering off; proxy_pass http://{origin}; }
        location /part/ { proxy_force_ranges on; proxy_pass http://{origin}; }
        location /taken/ { proxy_pass http://{origin}; proxy_intercept_errors on;
                           error_page 404 /in-place; }
        location /in-place { return 200 x; }
        location /tls/ { proxy_pass https://{tls_origin}; {tls} }
        """, *(ask(f"/{place}{how}", fields=[("Range", "bytes=-2")])
               for place in ("", "off/", "part/", "tls/") for how in ("chunked", "length",
                   "close")),
         ask("/length", "HEAD"), "/taken/x", "/204", on_one_connection("/length", "/chunked"),
         Ask(((request("/tunnel", fields=[("Connection", "upgrade"), ("Upgrade", "x")]), ("GET",)),
              (b"hello", (5,)))),
         http="map $http_upgrade $connection_of_lengths { default upgrade; '' ''; }\n"
              "log_format of_lengths '$request_uri $upstream_status $upstream_response_length '\n"
              "'$upstream_bytes_received $upstream_bytes_sent $request_length '\n"
              "'$body_bytes_sent';",
         answers={**{f"/{place}{how}": response(200, b"x" * 3000, framing=how)
                     for place in ("", "off/", "part/", "tls/")
                     for how in ("chunked", "length", "close")},
                  "/taken/x": response(404), "/204": b"HTTP/1.1 204 None\r\n\r\n",
                  "/tunnel": echo_five}),
    case("trailers", """
        access_log logs/trailers.log of_trailers;
        location / { add_trailer X-Own "own $uri"; return 200 x; }
        location /none { return 200 x; }
        """, "/x", "/none", ask("/x", "HEAD"),
         http="log_format of_trailers '$uri|$sent_trailer_x_own|$sent_trailer_none';"),
    # One head is written for all tries, before the first: it tells of what was before.
    case("before_tries", """
        location / { proxy_pass http://{origin}; %(told)s }
        location /group { proxy_pass http://of_tries; proxy_next_upstream error http_404; %(told)s }
        location /accel { proxy_pass http://{origin}; }
        location /again { proxy_pass http://{origin}; set $own $upstream_http_x_own; %(told)s
                          proxy_set_header X-Own $own; add_header X-Then "%(said)s"; }
        location /asked { auth_request /check; proxy_pass http://{origin}; %(told)s
                          add_header X-Then "%(said)s"; }
        location /check { proxy_pass http://{origin}; proxy_set_header Content-Length ""; %(told)s }
        location /taken { proxy_pass http://{origin}; proxy_intercept_errors on;
                          error_page 404 = /again; error_page 403 = /said;
                          error_page 410 = /variable; }
        location /said { return 200 "%(said)s"; }
        location /variable { set $next $upstream_http_x_own; proxy_pass
                             http://{origin}/$upstream_http_x_own|$next|$upstream_status; }
        """ % {"said": SAID_OF_TRIES, "told": f'proxy_set_header X-Told "{SAID_OF_TRIES}";'},
         "/x", "/group", "/accel", "/asked", "/taken/404", "/taken/403", "/taken/410",
         http="upstream of_tries { server {closed} max_fails=0 weight=100;\n"
              "server {origin} max_fails=0; server {other} backup; }",
         answers={**{f"/taken/{code}": response(code, b"", OWN_OF_TRIES)
                     for code in (403, 404, 410)},
                  "/accel": response(200, b"", [("X-Accel-Redirect", "/again"), *OWN_OF_TRIES])}),
]
