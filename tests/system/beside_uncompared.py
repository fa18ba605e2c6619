"""beside_uncompared - directives and variables that no comparison with nginx uses, and why.

A name in a table of the program that no case of beside_cases/ holds stands here, or the test
fails; it fails as well when a name stands here without need.
"""
NEWER = "newer than Debian's nginx: its own test follows nginx's documentation"
OWN = "ringway's own"
ELSEWHERE = "it has no effect, and nginx has it only in some builds"

# Names, why, and the system test that each has instead; None: it has no effect.
UNCOMPARED = [
    (("add_header_inherit", "add_trailer_inherit"), NEWER, "test_expires.py"),
    (("early_hints", "proxy_allow_upstream", "proxy_pass_trailers", "$upstream_last_addr",
      "$upstream_trailer_"), NEWER, "test_proxy_request.py"),
    (("max_headers", "$http3", "$is_request_port", "$request_port",
      "$upstream_last_server_name"), NEWER, "test_documented.py"),
    (("keepalive_min_timeout",), NEWER, "test_lifecycle.py"),
    (("proxy_ssl_certificate_cache",), NEWER, "test_upstream_certificates.py"),
    (("ssl_certificate_cache",), NEWER, "test_server_certificates.py"),
    (("proxy_ssl_key_log",), NEWER, "test_upstream_sessions.py"),
    (("$proxy_protocol_tlv_",), NEWER, "test_proxy_protocol.py"),
    (("$nginx_version",), "each tells its own", "test_documented.py"),
    (("worker_balance",), OWN, "test_worker_balance.py"),
    (("busy_poll", "proxy_ssl_session_tickets", "receive_buffers", "ring_entries",
      "send_high_water", "send_zerocopy"), OWN, "test_tuning.py"),
    (("$upstream_ssl_cipher", "$upstream_ssl_protocol", "$upstream_ssl_session_reused"), OWN,
     "test_upstream_sessions.py"),
    (("load_module", "ssl_engine", "ssl_object_cache_inheritable"), ELSEWHERE, None),
]
