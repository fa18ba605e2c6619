"""Whole sites as operators write them: applications behind a proxy."""
from base64 import b64encode

from beside import Ask, ask, case, on_one_connection, raw
from wire import chunked, request, response

LARGE = b"0123456789abcdef" * 5_000
JSON = ("Content-Type", "application/json")
# What is asked of every site besides its own: what scanners and odd clients send.
HOSTILE = (
    "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//evil.test//%2e%2e", "/a%00b",
    "/%zz", "/x%0d%0aSet-Cookie:a=b?c=%0d%0a", "/.git/config", "/index.php?x=../../etc/passwd",
    "/?q=<script>'\"", "/" + "x" * 3000, ask("/", "HEAD"), ask("/", "TRACE"),
    ask("/", "OPTIONS"), ask("/", version="HTTP/1.0"), ask("/", host="evil.test"),
    ask("/", host="www.test:8080"), ask("http://www.test/absolute?x=y"),
    ask("/", fields=[("X-Forwarded-For", "1.2.3.4, 5.6.7.8"), ("X-Forwarded-Proto", "https"),
                     ("X-Real-IP", "9.9.9.9"), ("Forwarded", "for=1.2.3.4")]),
    ask("/", "POST", body=b"a=b", fields=[("Content-Type", "application/x-www-form-urlencoded")]),
    raw(b"GET / HTTP/1.1\r\nHost: www.test\r\nHost: evil.test\r\n\r\n"),
)
LINE = ("'$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent '\n"
        "'\"$http_referer\" \"$http_user_agent\" $host $upstream_addr $upstream_status '\n"
        "'$request_length $upstream_response_length';\n")


def site(name, text, *asks, is_attacked=True, **more):
    """text: all that stands in http; {line} is a format of log that the site names after itself."""
    text = text.replace("{line}", f"log_format of_{name}\n{LINE}"
                        ).replace("{log}", f"access_log logs/{name}.log of_{name};")
    return case(name, None, *asks, *(HOSTILE if is_attacked else ()), http=text, **more)


def upgrading(target, *more):
    return Ask(((request(target, fields=[("Upgrade", "websocket"), ("Connection", "Upgrade"),
                                         ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                                         ("Sec-WebSocket-Version", "13"),
                                         ("Origin", "https://www.test")]), ("GET",)), *more))


def websocket(connection, _):
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                    b"\r\n")
    connection.send(connection.take(7)[::-1])


def agent(target, name, method="GET", **more):
    return ask(target, method, fields=[("User-Agent", name), *more.pop("fields", ())], **more)


CASES = [
    site("chat", """
        {line}
        map $http_upgrade $connection_upgrade {
            default upgrade;
            ''      close;
        }
        upstream chat_backend {
            server {origin} max_fails=3 fail_timeout=30s;
            server {other} backup;
            keepalive 32;
        }
        server {
            listen 127.0.0.1:{port};
            server_name chat.test www.test;
            {log}
            root {root};
            client_max_body_size 4m;
            location / {
                proxy_pass http://chat_backend;
                proxy_http_version 1.1;
                proxy_set_header Host $http_host;
                proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header X-NginX-Proxy true;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                proxy_redirect off;
                proxy_connect_timeout 90s;
                proxy_send_timeout 90s;
                proxy_read_timeout 90s;
                proxy_buffering off;
            }
            location ~* ^/assets/.+\\.(?:css|js|png|jpe?g|gif|ico|svg|woff2?)$ {
                expires 7d;
                access_log off;
                add_header Cache-Control "public";
                rewrite ^/assets/(.*)$ /app/$1 break;
            }
            location = /robots.txt { access_log off; log_not_found off;
                                     add_header Content-Type text/plain;
                                     return 200 "User-agent: *\\nDisallow: /\\n"; }
        }
        """, "/", "/room/1?x=y", upgrading("/socket", (b"message", (7,))),
         upgrading("/denied"), "/assets/main.js", "/assets/none.js", "/assets/x.JS",
         "/assets/../../etc/passwd.js", "/assets/%2e%2e/a.css", "/robots.txt", "/redirects",
         ask("/upload", "POST", body=LARGE), ask("/socket", fields=[("Upgrade", "h2c")]),
         ask("/", fields=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                          ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")]),
         on_one_connection("/", "/robots.txt", "/assets/main.js", "/"),
         answers={"/socket": websocket, "/denied": response(403, b"no"),
                  "/redirects": response(302, b"", [("Location", "http://chat_backend/in")])}),
    site("monitoring", """
        {line}
        upstream dashboards { server {origin}; }
        server {
            listen 127.0.0.1:{port};
            server_name monitoring.test www.test;
            {log}
            proxy_set_header Host $host;
            location = / { return 302 /grafana/; }
            location = /grafana { return 301 $scheme://$http_host/grafana/; }
            location /grafana/ {
                rewrite ^/grafana/(.*) /$1 break;
                proxy_set_header Host $http_host;
                proxy_pass http://dashboards;
            }
            location /grafana/api/live/ {
                rewrite ^/grafana/(.*) /$1 break;
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection "Upgrade";
                proxy_set_header Host $http_host;
                proxy_pass http://dashboards;
            }
            location /prometheus/ { proxy_pass http://{other}/; }
            location /alerts/ { proxy_pass http://{other}/alertmanager/v2/; }
            location ~ ^/node/(?<node>[a-z]+)/metrics$ {
                proxy_set_header X-Node $node;
                proxy_pass http://{other}/metrics/$node?$args;
            }
            location /nagios {
                auth_basic "Monitoring";
                auth_basic_user_file users_of_monitoring;
                proxy_set_header Authorization "";
                proxy_set_header X-WEBAUTH-USER $remote_user;
                proxy_pass http://{other};
            }
        }
        """, "/", "/grafana", "/grafana/", "/grafana/d/abc?orgId=1&var=a%20b", "/grafana/a%20b%2Fc",
         "/grafana/%C3%BC?x", "/grafana//double", "/grafana/login", "/prometheus/graph?g0.expr=up",
         "/prometheus", "/prometheus/", "/prometheus/a%20b%2Fc", "/prometheus/moved",
         "/alerts/x/../y", "/node/a/metrics?x=y", "/node/a/metrics", "/node/a1/metrics",
         upgrading("/grafana/api/live/ws", (b"message", (7,))), "/grafana/api/live/poll?a",
         "/nagios", ask("/nagios", fields=[("Authorization", "Basic "
                                            + b64encode(b"ops:secret").decode())]),
         ask("/nagios/x", "POST", body=b"x", fields=[
             ("Authorization", "Basic " + b64encode(b"ops:wrong").decode())]),
         ask("/grafana/api/query", "POST", body=b'{"q":1}', fields=[JSON]),
         answers={"/api/live/ws": websocket,
                  "/login": response(302, b"", [("Location", "/login/next")]),
                  "/moved": response(301, b"", [("Location", "/graph")])},
         files={"users_of_monitoring": "ops:{PLAIN}secret\n"}),
    site("registry", """
        {line}
        upstream docker-registry { server {origin}; }
        map $upstream_http_docker_distribution_api_version $registry_version {
            '' 'registry/2.0';
        }
        server {
            listen 127.0.0.1:{port};
            server_name registry.test www.test;
            {log}
            client_max_body_size 0;
            chunked_transfer_encoding on;
            proxy_http_version 1.1;
            location / { return 404; }
            location /v2/ {
                if ($http_user_agent ~ "^(docker\\/1\\.(3|4|5(?!\\.[0-9]-dev))|Go ).*$") {
                    return 404;
                }
                auth_basic "Registry realm";
                auth_basic_user_file users_of_registry;
                add_header 'Docker-Distribution-Api-Version' $registry_version always;
                proxy_pass http://docker-registry;
                proxy_set_header Host $http_host;
                proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_read_timeout 900;
                proxy_request_buffering off;
            }
        }
        """, "/v2/", "/v2", *(agent("/v2/", name) for name in (
            "docker/1.5.0", "docker/1.5.0-dev", "docker/1.9.1 go/go1.4.2", "Go 1.1 package http",
            "Go-http-client/1.1")),
         *(ask(target, method, fields=[("Authorization", "Basic " + b64encode(b"ci:ci").decode())],
               **more) for target, method, more in (
                   ("/v2/", "GET", {}), ("/v2/_catalog?n=10", "GET", {}), ("/v2/versioned", "GET",
                       {}),
                   ("/v2/app/blobs/sha256:abc", "HEAD", {}), ("/v2/none", "GET", {}),
                   ("/v2/app/blobs/uploads/", "POST", {"body": b""}),
                   ("/v2/app/blobs/uploads/1?digest=sha256:abc", "PUT", {"body": LARGE}),
                   ("/v2/app/manifests/1", "DELETE", {}))),
         raw(request("/v2/app/blobs/uploads/1", "PATCH", fields=[
             ("Authorization", "Basic " + b64encode(b"ci:ci").decode()),
             ("Transfer-Encoding", "chunked")]) + chunked([LARGE[:30_000]] * 3), "PATCH"),
         files={"users_of_registry": "ci:{PLAIN}ci\n"},
         answers={"/v2/versioned": response(200, b"{}", [
             JSON, ("Docker-Distribution-Api-Version", "registry/2.1")]),
                  "/v2/none": response(404, b'{"errors":[]}', [JSON]),
                  "/v2/app/blobs/uploads/": response(202, b"", [
                      ("Location", "http://www.test/v2/app/blobs/uploads/1?_state=x")])}),
    site("blog", """
        {line}
        upstream blog_app { server {origin} fail_timeout=0; }
        server {
            listen 127.0.0.1:{port};
            server_name blog.test www.blog.test www.test;
            {log}
            root {root};
            index index.html index.htm;
            types { text/html html; text/plain txt; text/css css; application/javascript js;
                    image/png png; }
            location = /favicon.ico { log_not_found off; access_log off; }
            location = /robots.txt { allow all; log_not_found off; access_log off; }
            location ~ /\\. { deny all; access_log off; log_not_found off; }
            location ~* /(?:uploads|files)/.*\\.php$ { deny all; }
            location = /xmlrpc.php { deny all; }
            location / { try_files $uri $uri/ @app; }
            location @app {
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header Host $http_host;
                proxy_redirect off;
                proxy_next_upstream error timeout;
                proxy_pass http://blog_app;
            }
            location ~* \\.(js|css|png|jpg|jpeg|gif|ico)$ {
                expires max;
                log_not_found off;
                try_files $uri @app;
            }
            location ^~ /wp-admin/ { satisfy any; allow 10.0.0.0/8; deny all;
                                     auth_basic admin; auth_basic_user_file users_of_blog;
                                     try_files $uri @app; }
            if ($request_uri ~* "[?&]p=(\\d+)$") { return 301 /archives/$1; }
            if ($http_user_agent ~* (nikto|sqlmap)) { return 403; }
            rewrite ^/sitemap(-+([a-zA-Z0-9_-]+))?\\.xml$ "/index.php?xml_sitemap=params=$2" last;
            rewrite ^/old/(.*)\\.html$ /$1/ permanent;
            error_page 404 /404.html;
            error_page 500 502 503 504 /50x.html;
        }
        """, "/", "/a.txt", "/deep/", "/deep", "/2024/01/a-post/?replytocom=3", "/app/style.css",
         "/none.css", "/images/x.png", "/favicon.ico", "/robots.txt", "/.htaccess",
         "/wp-content/uploads/shell.php", "/uploads/x.PHP", "/xmlrpc.php", "/?p=12", "/?a=b&p=12",
         "/sitemap.xml", "/sitemap-news.xml?x=y", "/old/about/us.html?x=y", "/wp-admin/",
         "/wp-admin/x.css", "/void/", "/secret.txt", agent("/", "sqlmap/1.0"),
         ask("/wp-login.php", "POST", body=b"log=admin&pwd=x"), ask("/a.txt", "POST", body=b"x"),
         ask("/a.txt", fields=[("Range", "bytes=2-4")]), "/broken", "/none-there",
         files={"users_of_blog": "admin:{PLAIN}admin\n"},
         answers={"/broken": response(500, b"trace"), "/none-there": response(404, b"not here")}),
    site("forge", """
        {line}
        upstream forge-workhorse { server {origin} fail_timeout=0; }
        map $http_upgrade $connection_upgrade_forge { default upgrade; '' close; }
        map $request_uri $forge_temp_request_uri_1 {
            default $request_uri;
            ~(?i)^(?<start>.*)(?<temp>[\\?&]private[\\-_]token)=[^&]*(?<rest>.*)$
                "$start$temp=[FILTERED]$rest";
        }
        map $forge_temp_request_uri_1 $forge_temp_request_uri_2 {
            default $forge_temp_request_uri_1;
            ~(?i)^(?<start>.*)(?<temp>[\\?&]feed_token)=[^&]*(?<rest>.*)$
                "$start$temp=[FILTERED]$rest";
        }
        log_format forge_access '$remote_addr - $remote_user [$time_local] '
            '"$request_method $forge_temp_request_uri_2 $server_protocol" $status $body_bytes_sent';
        server {
            listen 127.0.0.1:{port} default_server;
            server_name forge.test;
            server_tokens off;
            access_log logs/forge.log forge_access;
            set $static_root {root};
            location / {
                client_max_body_size 0;
                proxy_read_timeout 3600;
                proxy_connect_timeout 300;
                proxy_redirect off;
                proxy_http_version 1.1;
                proxy_request_buffering off;
                proxy_set_header Host $http_host;
                proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade_forge;
                proxy_pass http://forge-workhorse;
            }
            location /down/ { proxy_pass http://{closed}; proxy_intercept_errors on; }
            location ~ (?<repo>/[\\w./-]+\\.git)/(?:info/refs|git-upload-pack)$ {
                proxy_buffering off;
                proxy_set_header X-Repo $repo;
                proxy_pass http://forge-workhorse;
            }
            error_page 404 /404.html;
            error_page 422 /422.html;
            error_page 500 /50x.html;
            error_page 502 /502.html;
            error_page 503 /503.html;
            location ~ ^/(404|422|50x|502|503)\\.html$ {
                root $static_root;
                internal;
            }
        }
        """, "/", "/group/project?private_token=abc&x=y", "/x?a=b&feed_token=q",
         "/api/v4/projects/group%2Fproject", "/down/x", "/down/502", "/502.html", "/404.html",
         "/none", "/group/project.git/info/refs?service=git-upload-pack",
         ask("/group/project.git/git-upload-pack", "POST", body=LARGE),
         raw(request("/group/project.git/git-receive-pack", "POST", fields=[
             ("Transfer-Encoding", "chunked")]) + chunked([LARGE[:20_000]] * 2), "POST"),
         upgrading("/-/cable", (b"message", (7,))),
         ask("/upload", "POST", body=LARGE, fields=[("Expect", "100-continue")]),
         answers={"/-/cable": websocket, "/none": response(404, b"no"),
                  "/api/v4/projects/group%2Fproject": response(200, b"{}", [
                      JSON, ("X-Request-Id", "1"), ("Set-Cookie", "a=b"), ("Link", "<x>")])}),
    site("api", """
        {line}
        map $http_x_api_key $api_client {
            default 0;
            include keys_of_api.map;
        }
        map $api_client $limit_key { 0 $binary_remote_addr; default ""; }
        limit_req_zone $limit_key zone=anonymous_of_api:1m rate=1r/m;
        limit_req_zone $api_client zone=known_of_api:1m rate=2r/m;
        upstream api_v1 { server {origin}; keepalive 16; }
        map $http_origin $cors_origin { default "";
            "~^https://([a-z]+\\.)?shop\\.test$" $http_origin; }
        server {
            listen 127.0.0.1:{port};
            server_name api.test www.test;
            {log}
            default_type application/json;
            proxy_intercept_errors on;
            error_page 400 /errors/400;
            error_page 401 /errors/401;
            error_page 403 = @403;
            error_page 404 =404 /errors/404;
            error_page 429 /errors/429;
            error_page 500 502 503 504 /errors/5xx;
            location ~ ^/errors/(?<code>.+)$ { internal;
                return 200 '{"code":"$code","was":"$status"}\\n'; }
            location @403 { return 403 '{"message":"Forbidden"}\\n'; }
            location / { return 404; }
            location /v1/ {
                if ($request_method = OPTIONS) {
                    add_header Access-Control-Allow-Origin $cors_origin always;
                    add_header Access-Control-Allow-Methods "GET, POST, OPTIONS" always;
                    add_header Access-Control-Max-Age 1728000;
                    add_header Content-Type "text/plain; charset=utf-8";
                    add_header Content-Length 0;
                    return 204;
                }
                add_header Access-Control-Allow-Origin $cors_origin always;
                add_header Access-Control-Expose-Headers "Content-Length,Content-Range" always;
                add_header Vary Origin always;
                auth_request /_validate;
                auth_request_set $auth_user $upstream_http_x_user;
                limit_req_status 429;
                proxy_set_header X-User $auth_user;
                proxy_set_header Connection "";
                proxy_http_version 1.1;
                proxy_pass http://api_v1/;
            }
            location /v1/limited/ {
                limit_req zone=anonymous_of_api burst=1 nodelay;
                limit_req_status 429;
                proxy_pass http://api_v1;
            }
            location = /_validate {
                internal;
                proxy_pass http://{other}/validate;
                proxy_pass_request_body off;
                proxy_set_header Content-Length "";
                proxy_set_header X-Original-URI $request_uri;
                proxy_set_header X-Original-Method $request_method;
            }
        }
        """, "/v1/items", "/v1/items?page=2", "/v2/items", "/v1/broken", "/v1/missing",
            "/_validate",
         "/errors/404", *["/v1/limited/x"] * 4, *(
             ask(target, method, fields=[("Origin", origin), ("X-Api-Key", "key-alpha"), JSON],
                 **more)
             for origin in ("https://shop.test", "https://www.shop.test", "https://evil.test")
             for target, method, more in (
                 ("/v1/items", "OPTIONS", {}), ("/v1/items", "GET", {}),
                 ("/v1/items", "POST", {"body": b'{"a":1}'}), ("/v1/missing", "GET", {}))),
         *[ask("/v1/limited/y", fields=[("X-Api-Key", "key-alpha")])] * 3,
         ask("/v1/denied", fields=[("Authorization", "Bearer none")]),
         ask("/v1/items", fields=[("Authorization", "Bearer bad")]),
         on_one_connection("/v1/items", ask("/v1/x", "OPTIONS"), "/v1/missing", "/v1/items"),
         files={"keys_of_api.map": "key-alpha 1;\nkey-beta 2; # second\n"},
         answers={"/validate": lambda _, r: response(
             {"Bearer bad": 401, "Bearer none": 403}.get(r.get("Authorization"), 200), b"",
             [("X-User", "u-" + (r.get("X-Api-Key") or "none"))]),
                  "/broken": response(500, b"trace"), "/missing": response(404, b"no"),
                  "/items": response(200, b"[]", [JSON, ("Vary", "Accept")])}),
    site("shop", """
        {line}
        split_clients "${remote_addr}${http_user_agent}" $colour_by_chance { 30% green; * blue; }
        map $cookie_colour $colour { default $colour_by_chance; blue blue; green green; }
        upstream shop_blue { server {origin}; }
        upstream shop_green { server {other}; }
        server {
            listen 127.0.0.1:{port};
            server_name shop.test www.test;
            {log}
            add_header X-Colour $colour;
            location / {
                add_header Set-Cookie "colour=$colour; Path=/; Max-Age=3600";
                proxy_set_header Host $host;
                proxy_pass http://shop_$colour;
            }
            location /static/ { proxy_pass http://shop_$colour/assets/; }
            location /api/ { rewrite ^/api/(.*)$ /internal/$1 break;
                             proxy_pass http://shop_$colour; }
            location ~ ^/img/(.+)$ { proxy_pass http://shop_$colour/images/$1$is_args$args; }
            location /pinned/ { set $colour_here green; proxy_pass http://shop_$colour_here$uri; }
        }
        """, *(agent("/", f"browser {number}") for number in range(6)),
         *(ask(target, fields=[("Cookie", f"colour={colour}")]) for colour in ("blue", "green",
             "red")
           for target in ("/cart?x=y", "/static/a%20b.css", "/api/a%20b?c=d", "/img/a%20b.png?x=y",
                          "/pinned/a%20b?x=y"))),
    site("regions", """
        {line}
        geo $realip_remote_addr $from_cdn { default 0; 127.0.0.0/8 1; 173.245.48.0/20 1; }
        geo $country_is_blocked {
            ranges;
            default 0;
            203.0.113.0-203.0.113.127 1;
            198.51.100.0-198.51.100.255 1;
        }
        geo $office { default 0; 192.0.2.0/24 1; 2001:db8::/32 1; }
        map $country_is_blocked$office $is_shut { default 0; 10 1; }
        server {
            listen 127.0.0.1:{port};
            server_name regions.test www.test;
            {log}
            set_real_ip_from 173.245.48.0/20; set_real_ip_from 103.21.244.0/22;
            set_real_ip_from 103.22.200.0/22; set_real_ip_from 141.101.64.0/18;
            set_real_ip_from 2400:cb00::/32; set_real_ip_from 2606:4700::/32;
            set_real_ip_from 127.0.0.1;
            real_ip_header CF-Connecting-IP;
            if ($from_cdn = 0) { return 444; }
            if ($is_shut) { return 403; }
            error_page 403 @shut;
            location @shut { return 403 "not here: $remote_addr\\n"; }
            location / {
                proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Edge $realip_remote_addr;
                proxy_pass http://{origin};
            }
            location /admin/ { allow 192.0.2.0/24; allow 2001:db8::/32; deny all;
                               proxy_pass http://{origin}; }
        }
        """, *(ask(target, fields=[("CF-Connecting-IP", address)])
               for address in ("203.0.113.5", "203.0.113.128", "192.0.2.9", "2001:db8::9",
                               "198.51.100.255", "127.0.0.1", "rubbish", "",
                               "203.0.113.5, 192.0.2.9")
               for target in ("/x", "/admin/")),
         "/", ask("/x", fields=[("CF-Connecting-IP", "203.0.113.5"),
                                ("CF-Connecting-IP", "192.0.2.9")])),
    site("closed_for_now", """
        {line}
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            root {root};
            set $maintenance 0;
            if (-f $document_root/maintenance.html) { set $maintenance 1; }
            if ($remote_addr = 192.0.2.1) { set $maintenance 0; }
            if ($cookie_preview = "yes") { set $maintenance 0; }
            if ($uri ~ ^/(images|maintenance\\.html)) { set $maintenance 0; }
            if ($maintenance) { return 503; }
            error_page 503 @maintenance;
            location @maintenance {
                add_header Retry-After 3600 always;
                rewrite ^(.*)$ /maintenance.html break;
            }
            location /images/ { types { image/png png; } }
            location / { if (!-e $request_filename) { proxy_pass http://{origin}; }
                         if (-d $request_filename) { return 403; } }
        }
        """, "/", "/a.txt", "/images/x.png", "/maintenance.html", "/images/none.png",
         *(ask(target, fields=[("Cookie", "preview=yes")]) for target in
           ("/", "/a.txt", "/none?x=y", "/deep", "/deep/", "/deep/none")),
         ask("/x", "POST", body=b"abc"), ask("/x", "HEAD")),
]
