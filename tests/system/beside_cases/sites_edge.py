"""Whole sites as operators write them: names, TLS, and who comes in."""
from beside import ask, on_one_connection, over_tls
from beside_cases.sites import HOSTILE, site

PROXY_PARAMS = """
proxy_set_header Host $host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
"""
INTERMEDIATE = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305")
# RFC 7919, ffdhe2048.
DHPARAM = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


def over_tls_each(*asks, **more):
    return [over_tls(one, **more) for one in asks]


def tenant(name, *targets):
    return [ask(target, host=name) for target in targets or ("/", "/a%20b?c=d")]


CASES = [
    site("names", """
        {line}
        map $host $canonical { default www.names.test; ~^(www\\.)?(?<bare>names\\.test)$ $bare; }
        server {
            listen 127.0.0.1:{port} default_server;
            server_name _;
            {log}
            location ^~ /.well-known/acme-challenge/ {
                default_type "text/plain";
                root {root};
                allow all;
            }
            location = /.well-known/acme-challenge/ { return 404; }
            location / { return 444; }
        }
        server {
            listen 127.0.0.1:{port};
            server_name names.test www.names.test;
            {log}
            location ^~ /.well-known/acme-challenge/ { default_type text/plain; root {root}; }
            location / { return 301 https://names.test$request_uri; }
        }
        server {
            listen 127.0.0.1:{port};
            server_name *.old-names.test old-names.test;
            {log}
            rewrite ^/shop/item-(\\d+)\\.html$ https://$canonical/items/$1? permanent;
            rewrite ^ https://$canonical$request_uri? permanent;
        }
        server {
            listen 127.0.0.1:{port2} ssl;
            server_name www.names.test;
            ssl_certificate {cert}; ssl_certificate_key {key};
            return 301 https://names.test$request_uri;
        }
        server {
            listen 127.0.0.1:{port2} ssl;
            server_name names.test;
            ssl_certificate {cert}; ssl_certificate_key {key};
            {log}
            location / { proxy_pass http://{origin}; proxy_set_header Host $host; }
        }
        """, *(ask(target, host=host) for host in
               ("names.test", "www.names.test", "WWW.Names.Test.", "old-names.test",
                "a.b.old-names.test", "names.test:8080", "evil.test", "127.0.0.1")
               for target in ("/", "/a%20b?c=%2F", "/.well-known/acme-challenge/token",
                              "/.well-known/acme-challenge/",
                                  "/.well-known/acme-challenge/../../a.txt",
                              "/shop/item-7.html?x=y"))),
    site("secured", f"""
        {{line}}
        ssl_certificate {{cert}};
        ssl_certificate_key {{key}};
        ssl_session_timeout 1d;
        ssl_session_cache shared:MozSSL:1m;
        ssl_session_tickets off;
        ssl_dhparam dhparam.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers {INTERMEDIATE};
        ssl_prefer_server_ciphers off;
        ssl_ecdh_curve X25519:prime256v1:secp384r1;
        """ """
        server {
            listen 127.0.0.1:{port} ssl;
            server_name www.test;
            {log}
            error_page 497 301 =307 https://$host$request_uri;
            ssl_stapling on;
            ssl_stapling_verify on;
            ssl_stapling_file {staple};
            ssl_trusted_certificate {ca};
            resolver 127.0.0.1 valid=60s;
            resolver_timeout 2s;
            add_header Strict-Transport-Security "max-age=63072000" always;
            add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
            add_header Referrer-Policy "no-referrer-when-downgrade";
            location / { proxy_pass http://{origin}; include proxy_params; }
            location /tls { return 200 "$ssl_protocol $ssl_server_name $ssl_session_reused $https";
                }
            location /static/ { alias {root}/; add_header Cache-Control public; }
            location = /old { return 301 /new; }
        }
        """, *over_tls_each("/", "/tls", "/static/a.txt", "/static/none", "/old", *HOSTILE),
            "/plain?x=y",
         over_tls(on_one_connection("/", "/tls", "/static/big.bin", "/")), is_attacked=False,
         files={"proxy_params": PROXY_PARAMS, "dhparam.pem": DHPARAM}),
    site("tenants", """
        {line}
        server {
            listen 127.0.0.1:{port};
            server_name ~^(?<tenant>[a-z0-9-]+)\\.(?<stage>staging\\.)?tenants\\.test$;
            {log}
            set $backend {origin};
            if ($stage) { set $backend {other}; }
            if ($tenant ~ ^(www|mail)$) { return 301 http://tenants.test$request_uri; }
            root {root}/$tenant;
            add_header X-Tenant $tenant always;
            location / { proxy_set_header X-Tenant $tenant; proxy_set_header Host $host;
                         proxy_pass http://$backend; }
            location /files/ { rewrite ^/files/(.*)$ /$1 break; try_files $uri =404; }
            location ~ ^/users/(?<user>\\w+)/(.*)$ { proxy_pass http://$backend/$tenant/$user/$2; }
        }
        server {
            listen 127.0.0.1:{port};
            server_name tenants.test ~^tenant(\\d+)\\.test$ *.wild-tenants.test wild.*;
            {log}
            return 200 "$server_name|$host|$1|$tenant";
        }
        server { listen 127.0.0.1:{port} default_server; server_name ""; {log}
                 return 421 "nobody\\n"; }
        """, *(one for name in (
            "alpha.tenants.test", "b-2.staging.tenants.test", "www.tenants.test", "tenants.test",
            "ALPHA.tenants.test", "a_b.tenants.test", "tenant7.test", "x.wild-tenants.test",
            "wild.anything", "a.b.tenants.test", "-.tenants.test", "..tenants.test")
            for one in tenant(name)),
         *tenant("deep.tenants.test", "/files/a.txt", "/files/../a.txt", "/files/%2e%2e/a.txt",
                 "/files/none", "/users/eve/a%20b?c=d", "/users/eve/"),
         ask("/", host=None, version="HTTP/1.0"), ask("/", host="")),
    site("mutual", """
        {line}
        map $ssl_client_s_dn $client_is_known {
            default 0;
            "~(^|,)CN=known client(,|$)" 1;
        }
        map $ssl_client_s_dn $client_name { default ""; "~CN=(?<cn>[^,]+)" $cn; }
        server {
            listen 127.0.0.1:{port} ssl;
            server_name www.test;
            {log}
            ssl_certificate {cert}; ssl_certificate_key {key};
            ssl_client_certificate {ca};
            ssl_verify_client optional;
            ssl_verify_depth 2;
            ssl_session_tickets off;
            error_page 495 496 =403 /certificate;
            location = /certificate { internal;
                return 403 "show a certificate: $ssl_client_verify\\n"; }
            location / {
                if ($ssl_client_verify != SUCCESS) { return 403 "verify: $ssl_client_verify\\n"; }
                proxy_set_header X-Client-Verify $ssl_client_verify;
                proxy_set_header X-Client-DN $ssl_client_s_dn;
                proxy_set_header X-Client-Name $client_name;
                proxy_set_header X-Client-Issuer $ssl_client_i_dn;
                proxy_set_header X-Client-Serial $ssl_client_serial;
                proxy_set_header X-Client-Fingerprint $ssl_client_fingerprint;
                proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
                proxy_pass https://{tls_origin};
                {tls}
            }
            location /open/ { proxy_set_header X-Client-Verify $ssl_client_verify;
                              proxy_set_header X-Client-DN ""; proxy_pass http://{origin}; }
            location /admin/ { if ($client_is_known = 0) { return 403;
                } proxy_pass http://{origin}; }
        }
        """, *(one for shows in (None, "known", "stranger")
               for one in over_tls_each("/", "/open/x", "/admin/x", "/certificate", ask(
                   "/open/", fields=[("X-Client-Verify", "SUCCESS"), ("X-Client-DN", "CN=root")]),
                                        shows=shows)), "/plain", is_attacked=False),
]
