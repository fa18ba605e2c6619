"""Whole sites as operators write them: files, what is behind them, and a package's own skeleton."""
from beside import ask, case, on_one_connection
from beside_cases.sites import HOSTILE, JSON, LARGE, site
from beside_cases.sites_edge import PROXY_PARAMS
from wire import response

XML = ("Content-Type", "application/xml")
SKELETON = """
# user www-data;
worker_processes 1; # auto
pid {prefix}/ringway.pid;
error_log error.log;
include {prefix}/modules-enabled/*.conf;
daemon off;

events {
\tworker_connections 768;
\t# multi_accept on;
}

http {
\t{folders}
\t##
\t# Basic Settings
\t##

\tsendfile on;
\ttcp_nopush on;
\ttypes_hash_max_size 2048;
\t# server_tokens off;

\t# server_names_hash_bucket_size 64;
\t# server_name_in_redirect off;

\tinclude {prefix}/mime.types;
\tdefault_type application/octet-stream;

\t##
\t# SSL Settings
\t##

\tssl_protocols TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
\tssl_prefer_server_ciphers on;

\t##
\t# Logging Settings
\t##

\taccess_log logs/packaged.log;

\t##
\t# Gzip Settings
\t##

\t# gzip on;

\t##
\t# Virtual Host Configs
\t##

\tinclude {prefix}/conf.d/*.conf;
\tinclude {prefix}/sites-enabled/*;
}

#mail {
#\tserver {
#\t\tlisten     localhost:110;
#\t}
#}
"""
MIME_TYPES = """
types {
    text/html                             html htm shtml;
    text/css                              css;
    text/xml                              xml;
    application/javascript                js;
    text/plain                            txt;
    image/png                             png;
    application/vnd.ms-fontobject         eot;
    application/vnd.openxmlformats-officedocument.wordprocessingml.document    docx;
}
"""


CASES = [
    site("page_app", """
        {line}
        map $sent_http_content_type $life {
            default                 off;
            text/html               epoch;
            text/css                max;
            application/javascript  max;
            ~image/                 30d;
        }
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            root {root}/app;
            index index.html;
            include mime_of_page_app.types;
            expires $life;
            etag on;
            charset_types text/css;
            location / { try_files $uri $uri/ /index.html; }
            location /api { proxy_pass http://{origin}; proxy_set_header Host $host; }
            location = /index.html { add_header Cache-Control "no-store"; etag off; }
            location ~* \\.(?:js|css)$ { add_header Cache-Control "public, immutable";
                try_files $uri =404; }
            location /images/ { root {root}; }
        }
        """.replace("charset_types text/css;", ""),
         "/", "/index.html", "/main.js", "/style.css", "/x.JS", "/none.js", "/route/deep?x=y",
         "/images/x.png", "/images/x.tar.gz", "/images/", "/images", "/api", "/api/x?y", "/apix",
         ask("/main.js", fields=[("If-None-Match", '"5f5e1000-6"')]),
         ask("/main.js", fields=[("If-Modified-Since", "Sun, 13 Sep 2020 12:26:40 GMT")]),
         ask("/main.js", fields=[("Range", "bytes=0-1")]), ask("/route", "HEAD"),
         ask("/route", "POST", body=b"x"), files={"mime_of_page_app.types": MIME_TYPES},
         answers={"/api": response(200, b"{}", [JSON])}),
    site("objects", """
        {line}
        server {
            listen 127.0.0.1:{port};
            server_name objects.test www.test;
            {log}
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            location = / { return 403; }
            location / {
                limit_except GET HEAD { deny all; }
                if ($request_uri ~ ^/([^?]*)) { set $object $1; }
                proxy_set_header Host bucket.s3.test;
                proxy_set_header Authorization "";
                proxy_set_header Cookie "";
                proxy_hide_header x-amz-id-2;
                proxy_hide_header x-amz-request-id;
                proxy_hide_header x-amz-meta-server-side-encryption;
                proxy_hide_header Set-Cookie;
                proxy_ignore_headers Set-Cookie Cache-Control Expires;
                proxy_intercept_errors on;
                error_page 403 404 =404 /missing;
                error_page 500 502 503 504 = @backup;
                add_header X-Object $object;
                proxy_pass http://{origin}/bucket/;
            }
            location /list/ { proxy_method GET; proxy_pass_request_body off;
                              proxy_set_header Content-Length "";
                              proxy_pass http://{origin}/bucket/?list-type=2&prefix=; }
            location /purge/ { proxy_method DELETE; proxy_set_body $uri;
                               proxy_pass http://{origin}; }
            location @backup { proxy_pass http://{other}; proxy_hide_header X-Origin; }
            location = /missing { internal; root {root}; try_files /404.html =404; }
        }
        """, "/", "/a/b%20c.png?versionId=3", "/secret", "/none", "/broken?x=y", "/kept", "/list/x",
         "/purge/a%20b?x=y", ask("/a", "PUT", body=b"x"), ask("/a", "HEAD"), ask("/none", "HEAD"),
         ask("/kept", fields=[("Cookie", "a=b"), ("Authorization", "AWS x"), ("Range",
             "bytes=0-3")]),
         ask("/list/x", "POST", body=b"abc"), "/missing",
         answers={"/bucket/kept": response(200, b"0123456789", [
             ("x-amz-id-2", "x"), ("x-amz-request-id", "y"), ("X-Amz-Meta-A", "kept"),
             ("Set-Cookie", "a=b"), ("Cache-Control", "private"), ("ETag", '"e"'),
             ("Last-Modified", "Sun, 13 Sep 2020 12:26:40 GMT"), ("Accept-Ranges", "bytes")]),
                  "/bucket/secret": response(403, b"<Error/>", [XML, ("x-amz-id-2", "x")]),
                  "/bucket/none": response(404, b"<Error/>", [XML]),
                  "/bucket/broken": response(503, b"<Error>SlowDown</Error>", [XML])}),
    site("downloads", """
        {line}
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            location / { proxy_pass http://{origin}; proxy_set_header Host $host;
                         proxy_set_header X-Sendfile-Type X-Accel-Redirect;
                         proxy_set_header X-Accel-Mapping {root}/=/protected/; }
            location /protected/ { internal; alias {root}/; etag on; limit_rate_after 1m;
                                   limit_rate 8m; add_header X-Protected yes; }
            location ~ ^/remote/(.*) { internal; set $download_uri $1$is_args$args;
                                       proxy_set_header Authorization $upstream_http_x_token;
                                       proxy_pass http://{other}/$download_uri;
                                       proxy_intercept_errors on; error_page 404 = @gone; }
            location @gone { return 410 "gone: $uri\\n"; }
            location @named { return 200 "named $uri\\n"; }
        }
        """, "/file", "/file/none", "/file/range", "/file/type", "/remote", "/remote/missing",
         "/named", "/outside", "/protected/a.txt", "/remote/x", "/file/odd", "/file/limits",
         ask("/file", "HEAD"), ask("/file", "POST", body=b"x"),
         ask("/file/range", fields=[("Range", "bytes=5-7")]),
         ask("/file", fields=[("If-None-Match", '"5f5e1000-14"')]),
         answers={
             "/file": response(200, b"ignored", [("X-Accel-Redirect", "/protected/a.txt"),
                                                 ("Content-Disposition", "attachment"),
                                                 ("Set-Cookie", "seen=1"), ("X-Powered-By", "e")]),
             "/file/none": response(200, b"", [("X-Accel-Redirect", "/protected/none")]),
             "/file/range": response(200, b"", [("X-Accel-Redirect", "/protected/a.txt"),
                                                ("Content-Type", "video/mp4"),
                                                ("Accept-Ranges", "none")]),
             "/file/type": response(200, b"", [("X-Accel-Redirect", "/protected/b.html"),
                                               ("Content-Type", "text/x-own; charset=utf-8"),
                                               ("Cache-Control", "private"), ("Expires", "0"),
                                               ("Last-Modified", "x"), ("ETag", '"own"')]),
             "/file/odd": response(200, b"", [("X-Accel-Redirect", "/protected/with%20space.txt")]),
             "/file/limits": response(200, b"", [("X-Accel-Redirect", "/protected/big.bin"),
                                                 ("X-Accel-Limit-Rate", "16777216"),
                                                 ("X-Accel-Buffering", "no")]),
             "/remote": response(200, b"", [("X-Accel-Redirect", "/remote/files/1?sig=x%20y"),
                                            ("X-Token", "secret")]),
             "/remote/missing": response(200, b"", [("X-Accel-Redirect", "/remote/missing")]),
             "/missing": response(404, b"no"),
             "/named": response(200, b"", [("X-Accel-Redirect", "@named")]),
             "/outside": response(200, b"", [("X-Accel-Redirect", "/protected/../../etc/passwd")]),
         }),
    site("cloud", """
        {line}
        upstream cloud_app { server {origin}; }
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            root {root};
            client_max_body_size 512M;
            client_body_timeout 300s;
            fastcgi_hide_header X-Powered-By;
            add_header Referrer-Policy "no-referrer" always;
            add_header X-Content-Type-Options "nosniff" always;
            add_header X-Robots-Tag "noindex, nofollow" always;
            index index.html /index.php$request_uri;
            location = / { if ( $http_user_agent ~ ^DavClnt ) {
                return 302 /remote.php/webdav/$is_args$args; } }
            location = /robots.txt { allow all; log_not_found off; access_log off; }
            location ^~ /.well-known {
                location = /.well-known/carddav { return 301 /remote.php/dav/; }
                location = /.well-known/caldav  { return 301 /remote.php/dav/; }
                location /.well-known/acme-challenge { try_files $uri $uri/ =404; }
                return 301 /index.php$request_uri;
            }
            location ~ ^/(?:build|tests|config|lib|3rdparty|templates|data)(?:$|/) { return 404; }
            location ~ ^/(?:\\.|autotest|occ|issue|indie|db_|console) { return 404; }
            location ~ \\.php(?:$|/) {
                rewrite ^/(?!index|remote|public|cron|status) /index.php$request_uri;
                proxy_set_header X-Script $uri;
                proxy_set_header Host $http_host;
                proxy_request_buffering off;
                proxy_max_temp_file_size 0;
                proxy_pass http://cloud_app;
            }
            location ~ \\.(?:css|js|png|txt)$ {
                try_files $uri /index.php$request_uri;
                expires 6M;
                location ~ \\.txt$ { default_type text/x-plain; }
            }
            location ~ ^(/deep/er)$ { return 301 $1/?$args; }
            location /remote { return 301 /remote.php$request_uri; }
            location / { try_files $uri $uri/ /index.php$request_uri; }
        }
        """.replace("            fastcgi_hide_header X-Powered-By;\n", ""),
         "/", ask("/", fields=[("User-Agent", "DavClnt")]), ask("/?a=b", fields=[("User-Agent",
             "DavClnt")]),
         "/.well-known/carddav", "/.well-known/x?y=z", "/.well-known/acme-challenge/x",
             "/config/x.php",
         "/lib", "/library", "/.ocdata", "/occ", "/index.php/apps/files?dir=a%20b",
             "/apps/x.php/y?z",
         "/remote.php/dav/files/me/a%20b", "/remote/dav", "/a.txt", "/none.css?x=y", "/deep/er",
         "/deep/er?x=y", "/app/main.js", "/route/a%20b?c=d", "/void/", "/deep/",
             "/with%20space.txt",
         *(ask("/remote.php/dav/files/me/x", method, **more) for method, more in (
             ("PROPFIND", {"body": b"<x/>", "fields": [("Depth", "1")]}), ("MKCOL", {}),
             ("MOVE", {"fields": [("Destination", "http://www.test/remote.php/dav/y"),
                                  ("Overwrite", "F")]}),
             ("PUT", {"body": LARGE}), ("LOCK", {"body": b"<x/>"}), ("DELETE", {}), ("REPORT",
                 {})))),
    site("moved_pages", """
        {line}
        map $request_uri $moved_to { include moved.map; default ""; }
        map $arg_id $article { default ""; "~^(?<n>\\d{1,6})$" /articles/$n; }
        map $http_accept_language $language { default en; ~*^de de; ~*^fr fr; }
        map "$scheme:$http_x_forwarded_proto" $is_plain { default 0; http:http 1; }
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            if ($moved_to) { return 301 $moved_to; }
            if ($is_plain) { return 308 https://$host$request_uri; }
            if ($request_method !~ ^(GET|HEAD|POST)$) { return 405; }
            if ($args ~* "(union|select).*(from|where)") { return 403; }
            if ($http_referer ~* (casino|pills)) { return 444; }
            location = /article.php { if ($article) { return 301 $article; } return 404; }
            location = /language { return 302 /$language/; }
            location /en/ { rewrite ^/en/(.*)/$ /en/$1 permanent; proxy_pass http://{origin}; }
            location /blog { rewrite "^/blog/(\\d{4})/(\\d\\d)/(.+)$" /posts/$3?y=$1&m=$2 last;
                             rewrite ^/blog/?$ /posts/ redirect; return 410; }
            location /posts { proxy_pass http://{origin}; }
            location ~* ^/(?<section>news|sport)/(?<slug>[^/]+)/?$ {
                rewrite ^ /content?section=$section&slug=$slug? break;
                proxy_pass http://{origin};
            }
            location / { rewrite ^(.+)/+$ $1 permanent; rewrite ^/index\\.html?$ / permanent;
                         proxy_pass http://{origin};
                             proxy_redirect ~^http://[^/]+(/.*)$ https://www.test$1;
                         proxy_redirect / /; proxy_cookie_path / "/; SameSite=Lax"; }
        }
        """, "/", "/old/page.html", "/old/page.html?x=y", "/old/a%20b", "/article.php?id=12",
         "/article.php?id=12345678", "/article.php", "/language",
         ask("/language", fields=[("Accept-Language", "de-AT,de;q=0.9")]), "/en/x/y/", "/en/x",
             "/en/",
         "/blog/2024/05/a-post?utm=1", "/blog", "/blog/", "/blog/x", "/blogger", "/news/a%20b/?x=1",
         "/sport/%C3%BC", "/News/x", "/a/b//", "/index.html", "/index.htm?x", "/moves",
             "/moves-rel",
         "/?a=1%20UNION%20SELECT%20x%20FROM%20y", "/?q=union+select+from", ask("/x", "PUT",
             body=b"x"),
         ask("/", fields=[("Referer", "http://casino.test/")]),
         ask("/a?b", fields=[("X-Forwarded-Proto", "http")]),
         ask("/a?b", fields=[("X-Forwarded-Proto", "https")]),
         files={"moved.map": "/old/page.html /new/page;\n~^/old/(?<rest>[^?]+) /archive/$rest;\n"
                             "# nothing more\n"},
         answers={"/moves": response(302, b"", [("Location", "http://10.0.0.1:8080/in?x=y"),
                                                ("Set-Cookie", "a=b; Path=/; HttpOnly"),
                                                ("Set-Cookie", "c=d; Path=/sub")]),
                  "/moves-rel": response(302, b"", [("Location", "/in"),
                                                   ("Refresh", "3; url=/x")])}),
    site("media", """
        {line}
        upstream media_server { server {origin}; keepalive 4; }
        server {
            listen 127.0.0.1:{port};
            server_name www.test;
            {log}
            send_timeout 100m;
            client_max_body_size 100M;
            proxy_set_header Host $host;
            proxy_set_header Range $http_range;
            proxy_set_header If-Range $http_if_range;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            location / { proxy_pass http://media_server; }
            location ~ ^/videos/\\d+/stream$ { proxy_force_ranges on;
                proxy_pass http://media_server; }
            location ~* /(?:items|users)/(\\d+)/images { proxy_pass http://media_server;
                 proxy_ignore_headers Cache-Control; expires 1h; }
            location /slow/ { proxy_pass http://media_server; limit_rate 4m; proxy_limit_rate 8m; }
        }
        """, *(ask(target, fields=[("Range", wanted)]) for target in
               ("/videos/1/stream", "/videos/raw", "/slow/x")
               for wanted in ("bytes=0-99", "bytes=100-", "bytes=-100", "bytes=0-",
                   "bytes=90000-")),
         ask("/videos/1/stream", fields=[("Range", "bytes=0-1"), ("If-Range", '"other"')]),
         "/items/7/images", "/events", on_one_connection("/videos/raw", "/events", "/slow/x"),
         answers={"/videos/1/stream": response(200, LARGE, [("ETag", '"v"'), ("Content-Type",
             "video/mp4")]),
                  "/videos/raw": response(200, LARGE, [("Accept-Ranges", "bytes")]),
                  "/slow/x": response(200, LARGE),
                  "/events": response(200, b"data: 1\n\ndata: 2\n\n", [
                      ("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")],
                                      framing="chunked")}),
    case("packaged", None, "/", "/app/", "/app", "/a.txt", "/deep/", "/none", "/images/x.png",
         "/intern/x", ask("/", host="shop.test"), ask("/a?b", host="shop.test"),
         ask("/", host="proxied.test"), *HOSTILE, *(ask(target, host="shop.test") for target in
                                                    ("/api/x?y=z", "/api", "/assets/a.txt")),
         whole=SKELETON, files={
             "mime.types": MIME_TYPES, "proxy_params": PROXY_PARAMS,
             "modules-enabled/50-nothing.conf": "# no module\n",
             "conf.d/10-upstreams.conf": "upstream shop { server {origin}; keepalive 8; }\n",
             "conf.d/20-maps.conf":
                 "map $host $kind { hostnames; .shop.test shop; default other; }\n",
             "conf.d/ignored.conf.bak": "this is not read",
             "snippets/own.conf": "add_header X-Kind $kind;\nlocation ~ /\\.ht { deny all; }\n",
             "sites-enabled/default": """
server {
\tlisten 127.0.0.1:{port} default_server;
\t# listen [::]:80 default_server;

\troot {root};

\t# Add index.php to the list if you are using PHP
\tindex index.html index.htm index.nginx-debian.html;

\tserver_name _;

\tlocation / {
\t\t# First attempt to serve request as file, then
\t\t# as directory, then fall back to displaying a 404.
\t\ttry_files $uri $uri/ =404;
\t}

\tlocation /intern/ { proxy_pass http://{other}/; include proxy_params; }

\t# deny access to .htaccess files, if Apache's document root
\t# concurs with nginx's one
\t#
\t#location ~ /\\.ht {
\t#\tdeny all;
\t#}
}
""", "sites-enabled/shop": """
server {
  listen 127.0.0.1:{port};
  server_name shop.test *.shop.test;
  access_log logs/packaged.log combined;
  include snippets/*.conf;
  location / { include proxy_params; proxy_pass http://shop; }
  location /api/ { include /none/there/*.conf; include proxy_params; proxy_pass http://shop/v1/; }
  location /assets/ { alias {root}/; }
}
"""}),
]
