"""Whole configurations as people have them."""
from base64 import b64encode

from beside import Ask, ask, case, on_one_connection, over_tls, raw
from wire import chunked, request, response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
LARGE = b"0123456789abcdef" * 40_000
ANSWERS = {
    "/login": response(302, b"", [("Location", "https://app.internal:8443/welcome"),
                                  ("Set-Cookie", "session=1; Path=/; HttpOnly"),
                                  ("Set-Cookie", "theme=dark; Domain=app.internal")]),
    "/api/v1/items": response(200, b'{"items":[]}', [("Content-Type", "application/json"),
                                                     ("Cache-Control", "no-store"),
                                                     ("X-Powered-By", "engine")]),
    "/api/v1/broken": response(500, b"stack trace", [("Content-Type", "text/plain")]),
    "/stream": response(200, b"a" * 20_000, [("Content-Type", "text/event-stream")],
                        framing="chunked"),
    "/report.csv": response(200, b"a,b\n", [("Content-Type", "text/csv"), ("ETag", '"r1"')]),
}


def websocket(connection, _):
    """Agrees to the upgrade and says five bytes backwards."""
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
    connection.send(connection.take(5)[::-1])


def upgrading(target, *more):
    return Ask(((request(target, fields=[("Upgrade", "websocket"), ("Connection", "Upgrade"),
                                         ("Sec-WebSocket-Key", "k"),
                                         ("Sec-WebSocket-Version", "13")]), ("GET",)), *more))


CASES = [
    # An application behind TLS, with its certificate verified.
    case("application", f"""
        server_name app.example.test www.test;
        client_max_body_size 20m;
        access_log logs/application.log of_application;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Connection "";
        proxy_http_version 1.1;
        proxy_read_timeout 5s;
        {{tls}}
        add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
        add_header X-Frame-Options SAMEORIGIN;
        add_header X-Content-Type-Options nosniff;
        location / {{ proxy_pass https://application_of_life; proxy_redirect
                      https://app.internal:8443/ /; proxy_cookie_domain app.internal www.test; }}
        location /static/ {{ alias {{root}}/; expires 30d; add_header Cache-Control public; }}
        location = /favicon.ico {{ log_not_found off; access_log off; return 204; }}
        location = /health {{ access_log off; default_type text/plain; return 200 "ok\\n"; }}
        location ~ /\\.(?!well-known) {{ deny all; }}
        location /stream {{ access_log off; proxy_buffering off;
                            proxy_pass https://application_of_life; }}
        error_page 502 503 504 /50x.html;
        location = /50x.html {{ root {{root}}; internal; }}
        """, "/", "/login", "/static/a.txt", "/static/none", "/static/app/", "/favicon.ico",
         "/health", "/.git/config", "/.well-known/x", "/stream", "/50x.html", "/a%20b?c=%20d",
         ask("/form", "POST", body=b"a=1&b=2", fields=[
             ("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", "session=1")]),
         ask("/form", "POST", body=LARGE), ask("/", fields=[("X-Forwarded-For", "203.0.113.7")]),
         ask("/report.csv", fields=[("If-None-Match", '"r1"')]), ask("/login", "HEAD"),
         on_one_connection("/", "/static/a.txt", "/health", "/login"),
         http="upstream application_of_life { server {tls_origin}; keepalive 8; }\n"
              "log_format of_application '$remote_addr $host \"$request\" $status "
              "$body_bytes_sent $upstream_addr $upstream_status';", answers=ANSWERS),
    # An API gateway: routes by version, keys by map, limits by key, one error format.
    case("gateway", f"""
        {KEPT}
        default_type application/json;
        error_page 400 =400 @bad_request; error_page 401 =401 @unauthorized;
        error_page 403 =403 @forbidden; error_page 404 =404 @not_found;
        error_page 429 =429 @too_many; error_page 502 504 =503 @unavailable;
        location @bad_request {{ return 400 '{{"status":400}}'; }}
        location @unauthorized {{ return 401 '{{"status":401}}'; }}
        location @forbidden {{ return 403 '{{"status":403}}'; }}
        location @not_found {{ return 404 '{{"status":404}}'; }}
        location @too_many {{ return 429 '{{"status":429}}'; }}
        location @unavailable {{ return 503 '{{"status":503,"by":"$upstream_status"}}'; }}
        location / {{ return 404; }}
        location = /api/health {{ return 200 '{{"ok":true}}'; }}
        location /api/v1/ {{ proxy_set_header Connection ""; proxy_hide_header X-Powered-By;
                             proxy_set_header X-Client $client_of_gateway;
                             proxy_pass http://v1_of_gateway; }}
        location ~ ^/api/v2/(?<rest>.*)$ {{ proxy_pass http://v2_of_gateway; }}
        location /api/v0/ {{ return 410; }}
        location /api/down/ {{ proxy_pass http://{{closed}}; }}
        location /api/limited/ {{ limit_req zone=of_gateway burst=1 nodelay; limit_req_status 429;
                                  proxy_pass http://v1_of_gateway; }}
        location /api/admin/ {{ auth_basic "gateway"; auth_basic_user_file users_of_gateway;
                                limit_except GET {{ deny all; }} proxy_pass
                                http://v1_of_gateway; }}
        """, "/", "/api/health", "/api/v1/items", "/api/v1/broken", "/api/v1/none?x=y",
         "/api/v2/items?page=2", "/api/v0/items", "/api/down/x", *["/api/limited/x"] * 5,
         "/api/admin/x", ask("/api/admin/x", "POST"), ask("/api/admin/x", fields=[
             ("Authorization", "Basic " + b64encode(b"root:toor").decode())]),
         ask("/api/v1/items", fields=[("X-Api-Key", "alpha")]),
         ask("/api/v1/items", fields=[("X-Api-Key", "beta-12")]),
         ask("/api/v1/items", "POST", body=b'{"a":1}', fields=[
             ("Content-Type", "application/json"), ("X-Api-Key", "none")]),
         http="""
         map $http_x_api_key $client_of_gateway { default ""; alpha first; ~^beta-(?<n>\\d+)$ b$n; }
         limit_req_zone $binary_remote_addr zone=of_gateway:64k rate=1r/m;
         upstream v1_of_gateway { server {origin}; server {other} backup; }
         upstream v2_of_gateway { server {other}; }
         """, answers=ANSWERS, files={"users_of_gateway": "root:{PLAIN}toor\n"}),
    # A single-page application: files, else its front page; long life for what has a hash.
    case("single_page", f"""
        root {{root}}/app;
        types {{ text/html html; application/javascript js; text/css css; }}
        location / {{ try_files $uri $uri/ /index.html; add_header Cache-Control no-cache; }}
        location ~* \\.(?:js|css)$ {{ expires 1y; add_header Cache-Control "public, immutable";
                                     try_files $uri =404; }}
        location /api/ {{ proxy_pass http://{{origin}}/; {KEPT} }}
        location = /index.html {{ expires -1; }}
        location ~ /\\. {{ return 404; }}
        """, "/", "/index.html", "/main.js", "/style.css", "/none.js", "/deep/route?x=y",
         "/deep/route/", "/api/items?x=y", "/.env", "/x.JS", ask("/route", "HEAD"),
         ask("/main.js", fields=[("If-Modified-Since", "Sun, 13 Sep 2020 12:26:40 GMT")])),
    # Closed for maintenance, but for some.
    case("maintenance", """
        root {root};
        error_page 503 /maintenance.html;
        location = /maintenance.html { internal; add_header Retry-After 600 always; }
        location / { return 503; }
        location /status { return 200 up; }
        location /api/ { add_header Retry-After 60 always; default_type application/json;
                         return 503 '{"maintenance":true}'; }
        """, "/", "/x?y=z", "/status", "/api/x", "/maintenance.html", ask("/", "POST", body=b"x"),
         ask("/x", "HEAD")),
    # From http to https, and to the name with www.
    case("redirects", None, *(ask(target, host=host) for host in
                              ("example.test", "www.example.test", "old.example.test", "x.test",
                               "sub.example.test", "WWW.EXAMPLE.TEST:80")
                              for target in ("/", "/a%20b?c=d", "/%C3%BC")),
         http="""
         server { listen 127.0.0.1:{port}; server_name example.test www.example.test;
                  return 301 https://www.example.test$request_uri; }
         server { listen 127.0.0.1:{port}; server_name old.example.test;
                  location / { return 302 $scheme://www.example.test/new$uri$is_args$args; }
                  location = /a { return 307 /b; } }
         server { listen 127.0.0.1:{port}; server_name ~^(?<sub>.+)\\.example\\.test$;
                  return 301 https://www.example.test/$sub$request_uri; }
         server { listen 127.0.0.1:{port} default_server; return 444; }
         """),
    # A share of the clients gets the next version; a cookie chooses one by hand.
    case("canary", f"""
        {KEPT}
        location / {{ proxy_set_header Connection ""; proxy_set_header X-Variant $variant_of_canary;
                      proxy_pass http://stable_of_canary; }}
        location /said {{ return 200 "$share_of_canary $variant_of_canary"; }}
        """, *(ask("/said", fields=[("X-Client", f"client-{number}")]) for number in range(20)),
         ask("/", fields=[("X-Client", "client-1")]),
         ask("/said", fields=[("Cookie", "variant=next")]),
         ask("/said", fields=[("Cookie", "variant=stable"), ("X-Client", "client-3")]),
         http="""
         split_clients "${http_x_client}salt" $share_of_canary { 25% next; 0.5% odd; * stable; }
         map $cookie_variant $variant_of_canary { default $share_of_canary; next next;
                                                   stable stable; }
         upstream stable_of_canary { server {origin}; }
         """),
    # Websockets beside plain requests.
    case("websockets", """
        location /ws/ { proxy_pass http://{origin}; proxy_http_version 1.1;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection $connection_of_websockets;
                        proxy_set_header Host $host; proxy_read_timeout 3600s; }
        location /plain/ { proxy_pass http://{origin}; proxy_http_version 1.1;
                           proxy_set_header Connection ""; }
        """, upgrading("/ws/chat", (b"hello", (5,))), upgrading("/ws/refused"),
         upgrading("/plain/x"), "/ws/plain",
         http="map $http_upgrade $connection_of_websockets { default upgrade; '' close; }",
         answers={"/ws/chat": websocket, "/ws/refused": response(403, b"no")}),
    # Large uploads.
    case("uploads", f"""
        {KEPT}
        client_body_buffer_size 16k;
        location /small/ {{ client_max_body_size 1k; proxy_pass http://{{origin}}; }}
        location /large/ {{ client_max_body_size 10m; proxy_pass http://{{origin}}; }}
        location /streamed/ {{ client_max_body_size 0; proxy_request_buffering off;
                               proxy_pass http://{{origin}}; }}
        location /page/ {{ client_max_body_size 1k; error_page 413 =413 @large;
                           proxy_pass http://{{origin}}; }}
        location @large {{ return 413 '{{"too":"large"}}'; }}
        """, *(ask(place, method, body=body) for place in
               ("/small/x", "/large/x", "/streamed/x", "/page/x")
               for method, body in (("POST", b"x" * 1024), ("PUT", b"x" * 1025), ("PUT", LARGE))),
         *(raw(request(place, "POST", fields=[("Transfer-Encoding", "chunked")])
               + chunked([LARGE[:70_000]] * 3)) for place in ("/large/x", "/streamed/x")),
         on_one_connection(ask("/large/x", "POST", body=LARGE), "/large/y",
                           ask("/streamed/x", "PUT", body=LARGE), "/large/z")),
    # TLS in front, several names on one port.
    case("names_over_tls", None, *(over_tls(ask("/", host=host), sni=sni) for sni, host in
                                   (("www.test", "www.test"), ("www.test", "other.test"),
                                    ("other.test", "other.test"), ("nobody.test", "nobody.test"))),
         "/",
         http="""
         server { listen 127.0.0.1:{port} ssl; server_name www.test;
                  ssl_certificate {cert}; ssl_certificate_key {key};
                  location / { return 200 "www $host $ssl_server_name $https"; } }
         server { listen 127.0.0.1:{port} ssl; server_name other.test;
                  ssl_certificate {cert}; ssl_certificate_key {key};
                  location / { return 200 "other $host $ssl_server_name $https"; } }
         """),
]
