"""Directives that tune: they are taken, and change no answer that they should not."""
from beside import ask, case, on_one_connection, over_tls, raw
from wire import request, response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
# What differs from run to run, by its form.
FORMS = """
map $msec $msec_of_knobs { default bad; "~^\\d{10}\\.\\d{3}$" good; }
map $time_iso8601 $iso_of_knobs { default bad; "~^\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}[+-]" good; }
map $time_local $local_of_knobs { default bad; "~^\\d\\d/[A-Z][a-z]{2}/\\d{4}(:\\d\\d){3} " good; }
map $request_id $id_of_knobs { default bad; "~^[0-9a-f]{32}$" good; }
map $remote_port $port_of_knobs { default bad; ~^\\d+$ good; }
map $pid $pid_of_knobs { default bad; ~^\\d+$ good; }
map $connection $connection_of_knobs { default bad; ~^\\d+$ good; }
map $connection_time $since_of_knobs { default bad; "~^0\\.\\d{3}$" good; }
map $tcpinfo_rtt $rtt_of_knobs { default bad; ~^\\d+$ good; }
map $tcpinfo_rttvar $rttvar_of_knobs { default bad; ~^\\d+$ good; }
map $tcpinfo_snd_cwnd $cwnd_of_knobs { default bad; ~^\\d+$ good; }
map $tcpinfo_rcv_space $space_of_knobs { default bad; ~^\\d+$ good; }
map $request_time $took_of_knobs { default bad; "~^\\d\\.\\d{3}$" good; }
map $binary_remote_addr $binary_of_knobs { default bad; "~^.{4}$" good; }
map $ssl_session_id $session_of_knobs { default bad; "" none; "~^[0-9a-f]{64}$" good; }
"""


CASES = [
    case("forms", """
        location / { return 200 "$msec_of_knobs $iso_of_knobs $local_of_knobs $id_of_knobs
                     $port_of_knobs $pid_of_knobs $connection_of_knobs $since_of_knobs
                     $rtt_of_knobs $rttvar_of_knobs $cwnd_of_knobs $space_of_knobs $took_of_knobs
                     $binary_of_knobs|$realip_remote_addr|$request_body_file|
                     $proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|
                     $proxy_protocol_server_port|$ssl_curve|$ssl_alpn_protocol|$ssl_session_id|"; }
        """, "/", http=FORMS),
    case("times_of_upstreams", """
        log_format_here;
        access_log logs/times_of_upstreams.log times_of_knobs;
        location / { proxy_pass http://{origin}; }
        location /closed { proxy_pass http://{closed}; }
        location /both { proxy_pass http://both_of_knobs; }
        location /none { return 204; }
        """.replace("log_format_here;", ""), "/", "/closed", "/both", "/none",
         http="log_format times_of_knobs '$upstream_connect_time $upstream_header_time "
              "$upstream_response_time $status';\n"
              "upstream both_of_knobs { server {closed}; server {origin} backup; }"),
    case("no_effect", f"""
        root {{root}};
        sendfile on; tcp_nopush on; sendfile_max_chunk 1m; tcp_nodelay off;
        connection_pool_size 256; request_pool_size 8k; types_hash_bucket_size 128;
        open_file_cache off; open_file_cache_valid 30s; open_file_cache_min_uses 2;
        open_file_cache_errors on; output_buffers 2 32k; postpone_output 0; directio off;
        aio off; read_ahead 0; log_subrequest on; reset_timedout_connection on;
        send_timeout 5s; client_body_timeout 5s; lingering_time 5s; lingering_timeout 1s;
        proxy_send_timeout 5s; proxy_next_upstream_timeout 5s; proxy_headers_hash_bucket_size 128;
        proxy_headers_hash_max_size 1024; proxy_store off; proxy_cache off; {KEPT}
        location /origin/ {{ proxy_pass http://{{origin}}; }}
        """, "/a.txt", "/big.bin", "/origin/x", ask("/a.txt", "HEAD"),
         on_one_connection("/a.txt", "/origin/x", "/b.html"),
         http="map_hash_max_size 4096; map_hash_bucket_size 128; variables_hash_max_size 2048;\n"
              "variables_hash_bucket_size 128; server_names_hash_max_size 1024;"),
    case("timeouts", """
        client_header_timeout 300ms; client_body_timeout 300ms; keepalive_timeout 300ms;
        location / { proxy_pass http://{origin}; }
        """, raw(b"GET / HTTP/1.1\r\nHost:"), raw(b"GET"),
         raw(request("/", "POST", fields=[("Content-Length", "5")]) + b"abc", "POST"),
         raw(request("/x"), "GET", "GET")),
    case("invalid_headers", """
        ignore_invalid_headers off;
        location / { return 200 "$http_x_a|$http_x_b"; }
        """, ask("/", fields=[("X-A", "1"), ("X.B", "2")]), ask("/", fields=[("X_A", "1")])),
    case("keepalive_disabled", """
        keepalive_disable msie6 safari;
        location / { return 200 x; }
        """, *(ask("/", method, body=body, fields=[("User-Agent", agent)]) for agent in (
            "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_5) AppleWebKit/525.13 Version/3.1 Safari/5",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_5) AppleWebKit Chrome/1 Safari/5",
            "Mozilla/4.0 (compatible; MSIE 9.0)") for method, body in (("GET", None),
                                                                       ("POST", b"x")))),
    case("keepalive_time", """
        keepalive_time 1h; keepalive_requests 3; lingering_close always;
        location / { return 200 $connection_requests; }
        """, on_one_connection("/", "/", "/", "/")),
    case("to_tls", f"""
        {KEPT}
        location /named/ {{ {{tls}} proxy_pass https://{{tls_origin}}; }}
        location /by-sni/ {{ {{tls}} proxy_ssl_session_reuse off; proxy_pass
                             https://{{tls_origin}}; }}
        location /wrong-name/ {{ proxy_ssl_trusted_certificate {{ca}}; proxy_ssl_verify on;
                                 proxy_ssl_name wrong.test; proxy_ssl_server_name on;
                                 proxy_ssl_verify_depth 2; proxy_pass https://{{tls_origin}}; }}
        location /versions/ {{ {{tls}} proxy_ssl_protocols TLSv1.3; proxy_pass
                               https://{{tls_origin}}; }}
        location /ciphers/ {{ {{tls}} proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers
                              ECDHE-ECDSA-AES128-GCM-SHA256; proxy_pass https://{{tls_origin}}; }}
        location /shows/ {{ {{tls}} proxy_ssl_certificate {{cert}};
                            proxy_ssl_certificate_key {{key}}; proxy_pass https://{{tls_origin}}; }}
        location /unverified/ {{ proxy_ssl_verify off; proxy_ssl_server_name on;
                                 proxy_ssl_name other.test; proxy_pass https://{{tls_origin}}; }}
        location /group/ {{ {{tls}} proxy_pass https://tls_of_knobs/g/; }}
        """, *(f"/{place}/x" for place in ("named", "by-sni", "wrong-name", "versions", "ciphers",
                                           "shows", "unverified", "group")),
         ask("/named/x", "POST", body=b"x" * 70_000), "/named/big",
         http="upstream tls_of_knobs { server {closed}; server {tls_origin}; }",
         answers={"/named/big": response(200, b"0123456789" * 20_000)}),
    case("over_tls", """
        ssl_certificate {cert}; ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve prime256v1;
        ssl_session_cache shared:of_knobs:1m; ssl_session_timeout 5m;
        location / { return 200 "$ssl_curve|$ssl_alpn_protocol|$ssl_protocol|$session_of_knobs"; }
        location /big.bin { root {root}; }
        """, over_tls("/"), over_tls("/big.bin"), over_tls(on_one_connection("/", "/big.bin", "/")),
         listen=" ssl", http=FORMS),
]
