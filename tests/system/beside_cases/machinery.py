"""What is not about answers: processes, connections to upstreams and name servers, own folders."""
from beside import ask, case, on_one_connection, over_tls, resumed
from wire import response

KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
PROCESS = """
daemon off; master_process on; user root; pid {prefix}/ringway.pid; error_log error.log info;
working_directory {prefix};
worker_processes 1; worker_cpu_affinity 1; worker_priority 0; worker_rlimit_nofile 1024;
worker_rlimit_core 0; worker_shutdown_timeout 5s;
timer_resolution 100ms; pcre_jit on; lock_file logs/lock; env NONE_SUCH=1; debug_points stop;
thread_pool own threads=2 max_queue=16;
events {
    use epoll; worker_connections 64; multi_accept on; accept_mutex on; accept_mutex_delay 100ms;
    worker_aio_requests 16; debug_connection 192.0.2.1;
}
http {
    {folders}
    aio threads=own; aio_write off; directio 8m; directio_alignment 512; send_lowat 0;
    msie_padding off; msie_refresh off; subrequest_output_buffer_size 8k;
    proxy_send_lowat 0; proxy_no_cache $cookie_none; proxy_cache_bypass $cookie_none;
    types_hash_max_size 2048; server_names_hash_bucket_size 128;
    open_log_file_cache max=8 inactive=10s valid=10s min_uses=1;
    log_format line '$request $status';
    server {
        listen 127.0.0.1:{port};
        access_log logs/$host_of_log.log line;
        set $host_of_log process;
        root {root};
        location /origin/ { proxy_pass http://{origin}; }
        location /said { return 200 "$realpath_root $document_root"; }
        location /linked/ { root {root}/deep/../deep/er/..; return 200 "$realpath_root"; }
    }
}
"""


CASES = [
    case("process", None, "/a.txt", "/origin/x", "/said", "/linked/", "/big.bin",
         on_one_connection("/a.txt", "/origin/x"), whole=PROCESS),
    case("upstreams", f"""
        {KEPT}
        rewrite_log on; uninitialized_variable_warn off;
        location /bound/ {{ proxy_bind 127.0.0.1; proxy_pass http://{{origin}}; }}
        location /from/ {{ proxy_bind 127.0.0.2; proxy_pass http://{{origin}}; }}
        location /from-variable/ {{ proxy_bind $arg_from; proxy_pass http://{{origin}}; }}
        location /bound/off/ {{ proxy_bind off; proxy_pass http://{{origin}}; }}
        location /probed/ {{ proxy_socket_keepalive on; proxy_pass http://{{origin}}; }}
        location /patient/ {{ proxy_ignore_client_abort on; proxy_pass http://{{origin}}; }}
        location /tries/ {{ proxy_next_upstream_tries 2; proxy_pass http://of_machinery; }}
        location /most/ {{ proxy_next_upstream_tries 3; proxy_pass http://of_machinery; }}
        location /unset/ {{ if ($arg_a) {{ set $unset_of_machinery x; }}
                            return 200 "[$unset_of_machinery]"; }}
        """, "/bound/x", "/from/x", "/from-variable/x?from=127.0.0.3", "/from-variable/x",
         "/from-variable/x?from=rubbish", "/from-variable/x?from=192.0.2.1", "/bound/off/x",
         "/probed/x", "/patient/x", "/tries/x", "/most/x", "/unset/x", "/unset/x?a=1",
         http="upstream of_machinery { zone of_machinery 64k; least_conn;"
              "server {closed} max_fails=0; server {closed} max_fails=0; server {origin} backup; }",
         answers={f"/{place}/x": lambda c, _: response(200, c.peer[0].encode())
                  for place in ("bound", "from", "from-variable", "bound/off")}),
    case("names", f"""
        {KEPT}
        resolver {{dns}} ipv6=off valid=5s; resolver_timeout 2s;
        access_log logs/machinery_names.log of_names;
        location / {{ set $to $arg_host; proxy_pass http://$to:$port_of_names; }}
        location /uri/ {{ proxy_pass http://$arg_host:$port_of_names/put$uri; }}
        location /page/ {{ error_page 502 =200 /said; proxy_pass http://$arg_host:$port_of_names; }}
        location /said {{ return 200 "$upstream_addr|$upstream_status|$proxy_host|$proxy_port"; }}
        """,
         *(f"{place}?host={name}&port={port}" for place in ("/", "/uri/x", "/page/")
           for name, port in (("known.test", "origin"), ("KNOWN.test", "origin"),
                              ("none.test", "80"), ("127.0.0.1", "origin"),
                              ("known.test", "1"), ("", ""), ("bad..name", "80"), ("[::1]", "1"))),
         http="map $arg_port $port_of_names { origin {origin_port}; default $arg_port; }\n"
              "log_format of_names '$request_uri $status $upstream_addr $upstream_status "
              "$proxy_host';"),
    case("own_folders", f"""
        client_body_temp_path own_bodies 1 2; proxy_temp_path own_answers 1;
        proxy_max_temp_file_size 1m; proxy_temp_file_write_size 16k;
        client_body_buffer_size 1k; {KEPT}
        location / {{ proxy_pass http://{{origin}}; }}
        """, ask("/x", "POST", body=b"x" * 40_000), "/large",
         answers={"/large": response(200, b"0123456789" * 30_000)}),
    case("early_data", """
        ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_early_data on; ssl_stapling off; ssl_stapling_responder http://127.0.0.1:1/;
        location / { proxy_pass http://{origin}; proxy_set_header Early-Data $ssl_early_data; }
        """, over_tls("/"), resumed("/"), over_tls(on_one_connection("/", "/x")), listen=" ssl"),
]
