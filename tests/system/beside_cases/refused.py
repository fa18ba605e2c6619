"""Configurations that are wrong: the message and its line."""


def main(text):
    return f"events {{ }}\n{text}\nhttp {{ }}\n"


def http(text):
    return f"events {{ }}\nhttp {{\n{text}\n}}\n"


def server(text):
    return http(f"server {{\nlisten 127.0.0.1:80;\n{text}\n}}")


def location(text):
    return server(f"location / {{\n{text}\n}}")


def each(put, **texts):
    return {name: put(text) for name, text in texts.items()}


REFUSED = {
    **each(
        str,
        empty="", nothing="# only a comment\n", no_events="http { }\n",
        events_twice="events { }\nevents { }\n", http_twice="events { }\nhttp { }\nhttp { }\n",
        no_semicolon="events { }\nuser nobody\nhttp { }\n", end_in_word="events { }\nuser",
        end_in_block="events { }\nhttp {\n server {\n", brace_too_many="events { }\n}\n",
        open_quote='events { }\nuser "nobody;\n', after_quote='events { }\nuser "a"b;\n',
        no_block="events;\n", block_for_none="user x {\n}\n", brace_alone="{\n}\n",
        semicolon_alone="events { }\n;\n", unknown="events { }\nfoo bar;\n",
        unknown_block="events { }\nfoo {\n}\n", wrong_place="events { }\nserver { }\n",
        wrong_place_deep="events { }\nhttp {\nuser x;\n}\n", include_none="include none.conf;\n",
        variable_in_main="events { }\n$x y;\n", too_many_words="events { }\nuser a b c;\n",
        too_few_words="events { }\nuser;\n", long_word="events { }\nuser " + "x" * 5000 + ";\n",
        events_text="events x { }\n", carriage="events { }\r\nfoo;\r\n"),
    **each(
        main,
        processes="worker_processes 0;", processes_text="worker_processes many;",
        processes_twice="worker_processes 1;\nworker_processes 2;", daemon="daemon maybe;",
        user_none="user no-such-user-here;", group_none="user root no-such-group-here;",
        rlimit="worker_rlimit_nofile x;", shutdown="worker_shutdown_timeout x;",
        affinity="worker_cpu_affinity 2;", error_level="error_log x.log loud;",
        pid_twice="daemon on;\ndaemon off;", error_log_words="error_log;",
        error_log_more="error_log a b c d;"),
    **each(
        lambda text: f"events {{\n{text}\n}}\nhttp {{ }}\n",
        connections="worker_connections x;", connections_none="worker_connections;",
        accept="multi_accept maybe;", use="use kqueue9;", use_twice="use epoll;\nuse epoll;",
        events_unknown="foo;"),
    **each(
        http,
        server_words="server x { }", listen_in_http="listen 80;", location_in_http="location / { }",
        keepalive_unit="keepalive_timeout 5x;", keepalive_words="keepalive_timeout 1 2 3;",
        keepalive_twice="keepalive_timeout 5;\nkeepalive_timeout 6;",
        size_unit="client_max_body_size 5x;", size_negative="client_max_body_size -1;",
        size_twice="client_max_body_size 1m;\nclient_max_body_size 2m;",
        size_large="client_max_body_size 99999999999999999999;",
        buffers="large_client_header_buffers 4;", buffers_zero="large_client_header_buffers 0 8k;",
        buffers_text="large_client_header_buffers x 8k;",
        flag="tcp_nodelay yes;", flag_twice="tcp_nodelay on;\ntcp_nodelay off;",
        flag_words="tcp_nodelay;", requests="keepalive_requests x;",
        tokens="server_tokens maybe;", merge="merge_slashes 1;",
        types_words="types { text/html; }", types_twice="types { a/b c; }\ntypes { d/e f; }\n",
        log_format_words="log_format x;", log_format_unknown='log_format x "$nothing_such";',
        log_format_twice='log_format x "a";\nlog_format x "b";',
        log_format_escape='log_format x escape=what "a";', log_format_brace='log_format x "${a";',
        log_format_combined='log_format combined "a";',
        log_format_dollar='log_format x "a $";',
        access_log_none="access_log x.log none_such;", access_log_words="access_log;",
        access_log_off="access_log off x;", access_log_option="access_log x.log combined foo=1;",
        access_log_buffer="access_log x.log combined buffer=x;",
        access_log_flush="access_log x.log combined flush=1s;",
        error_log_level="error_log x.log none;", upstream_empty="upstream u { }",
        upstream_words="upstream { server a; }",
        upstream_twice="upstream u { server 127.0.0.1; }\nupstream u { server 127.0.0.1; }",
        upstream_server="upstream u { server; }", upstream_port="upstream u { server a:99999; }",
        upstream_weight="upstream u { server 127.0.0.1 weight=0; }",
        upstream_weight_text="upstream u { server 127.0.0.1 weight=x; }",
        upstream_fails="upstream u { server 127.0.0.1 max_fails=x; }",
        upstream_fail_timeout="upstream u { server 127.0.0.1 fail_timeout=x; }",
        upstream_conns="upstream u { server 127.0.0.1 max_conns=x; }",
        upstream_option="upstream u { server 127.0.0.1 foo; }",
        upstream_directive="upstream u { listen 80; }",
        upstream_keepalive="upstream u { server 127.0.0.1; keepalive 0; }",
        upstream_keepalive_text="upstream u { server 127.0.0.1; keepalive x; }",
        upstream_keepalive_twice="upstream u { server 127.0.0.1; keepalive 1; keepalive 2; }",
        upstream_all_backup="upstream u { server 127.0.0.1 backup; }",
        upstream_zone="upstream u { zone z 1k; server 127.0.0.1; }",
        upstream_zone_text="upstream u { zone z x; server 127.0.0.1; }",
        upstream_method="upstream u { server 127.0.0.1; least_conn x; }",
        error_page_words="error_page 404;", error_page_code="error_page 200 /x;",
        error_page_text="error_page x /x;", error_page_answer="error_page 404 =x /x;",
        error_page_high="error_page 600 /x;", error_page_499="error_page 499 /x;",
        default_type="default_type;", add_header="add_header X;",
        add_header_option="add_header X y z;", root_twice="root /a;\nroot /b;", root_words="root;",
        index_words="index;", proxy_pass="proxy_pass http://a;",
        proxy_header="proxy_set_header X;", proxy_version="proxy_http_version 2;",
        proxy_next="proxy_next_upstream sometimes;", proxy_timeout="proxy_read_timeout x;",
        proxy_timeout_twice="proxy_read_timeout 1;\nproxy_read_timeout 2;",
        proxy_tries="proxy_next_upstream_tries x;",
        ssl_protocols="proxy_ssl_protocols TLSv9;", ssl_verify="proxy_ssl_verify maybe;",
        ssl_depth="proxy_ssl_verify_depth x;", hash_size="types_hash_max_size x;",
        names_hash="server_names_hash_bucket_size x;"),
    **each(
        server,
        listen_port="listen 127.0.0.1:99999;", listen_zero="listen 127.0.0.1:0;",
        listen_option="listen 127.0.0.1:81 foo;", listen_twice="listen 127.0.0.1:80;",
        listen_words="listen;", listen_host="listen no-such-host.invalid:80;",
        listen_backlog="listen 127.0.0.1:81 backlog=x;", listen_text="listen 127.0.0.1:x;",
        listen_unix="listen unix:;", listen_ipv6="listen [::1:80;",
        listen_defaults="listen 127.0.0.1:81 default_server;\n}\nserver {\n"
                        "listen 127.0.0.1:81 default_server;",
        listen_rcvbuf="listen 127.0.0.1:81 rcvbuf=x;", listen_keep="listen 127.0.0.1:81 "
        "so_keepalive=x;", name_words="server_name;", name_star="server_name a.*.b;",
        name_star_word="server_name *a.b;", name_regex="server_name ~(;",
        name_regex_empty="server_name ~;", name_wild="server_name *;",
        location_words="location { }", location_none="location / x { }",
        location_modifier="location !~ x { }", location_regex="location ~ ( { }",
        location_twice="location /a { }\nlocation /a { }",
        location_exact_twice="location = /a { }\nlocation = /a { }",
        location_named_twice="location @a { }\nlocation @a { }",
        location_final="location ^~ /a { }\nlocation /a { }",
        location_named_words="location = @a { }", location_nested_out="location /a {\n"
        "location /b { }\n}", location_in_exact="location = /a {\nlocation /a/b { }\n}",
        location_in_named="location @a {\nlocation /a/b { }\n}",
        location_named_inner="location /a {\nlocation @b { }\n}",
        return_words="return;", return_three="return 200 a b;", return_code="return 1000;",
        return_text="return abc;", return_variable="return 200 $none_such;",
        return_brace="return 200 ${x;", server_in_server="server { }",
        server_unknown="foo bar;", cert_none="listen 127.0.0.1:81 ssl;",
        cert_missing="ssl_certificate none.pem;\nssl_certificate_key none.key;\n"
                     "listen 127.0.0.1:81 ssl;",
        cert_no_key="ssl_certificate none.pem;\nlisten 127.0.0.1:81 ssl;"),
    **each(
        location,
        pass_words="proxy_pass;", pass_scheme="proxy_pass foo://a;", pass_none="proxy_pass a;",
        pass_empty="proxy_pass http://;", pass_port="proxy_pass http://127.0.0.1:99999;",
        pass_port_text="proxy_pass http://127.0.0.1:x;",
        pass_twice="proxy_pass http://127.0.0.1;\nproxy_pass http://127.0.0.1;",
        pass_host="proxy_pass http://no-such-host.invalid;",
        pass_uri_in_named="}\nlocation @x {\nproxy_pass http://127.0.0.1/x;",
        pass_uri_in_regex="}\nlocation ~ x {\nproxy_pass http://127.0.0.1/x;",
        listen_here="listen 80;", name_here="server_name x;", unknown_here="foo;",
        cert="proxy_ssl_certificate none.pem;\nproxy_ssl_certificate_key none.key;\n"
             "proxy_pass https://127.0.0.1;",
        cert_alone="proxy_ssl_certificate none.pem;\nproxy_pass https://127.0.0.1;",
        trusted="proxy_ssl_trusted_certificate none.pem;\nproxy_ssl_verify on;\n"
                "proxy_pass https://127.0.0.1;",
        crl="proxy_ssl_crl none.pem;\nproxy_pass https://127.0.0.1;",
        ciphers="proxy_ssl_ciphers NONE_SUCH;\nproxy_pass https://127.0.0.1;"),
}
