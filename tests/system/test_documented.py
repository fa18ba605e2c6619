"""What nginx's documentation says of directives and variables that Debian's nginx is too old for,
where no other test of the feature does."""
import re

import pytest

import certs
import client
import ringway
from wire import request

HTTP = "events {{ }}\nhttp {{\n{}\n}}\n"
REFUSED = {
    "max_headers;": 'invalid number of arguments in "max_headers" directive',
    "max_headers 1 2;": 'invalid number of arguments in "max_headers" directive',
    "max_headers many;": "invalid number",
    "max_headers 1;\nmax_headers 2;": '"max_headers" directive is duplicate',
    "early_hints;": 'invalid number of arguments in "early_hints" directive',
    "early_hints $none_such;": 'unknown "none_such" variable',
    "proxy_allow_upstream;": 'invalid number of arguments in "proxy_allow_upstream" directive',
    "proxy_allow_upstream $none_such;": 'unknown "none_such" variable',
    "proxy_pass_trailers;": 'invalid number of arguments in "proxy_pass_trailers" directive',
    "proxy_pass_trailers yes;": 'invalid value "yes" in "proxy_pass_trailers" directive, '
                                'it must be "on" or "off"',
    "proxy_pass_trailers on;\nproxy_pass_trailers on;":
        '"proxy_pass_trailers" directive is duplicate',
    "keepalive_min_timeout x;": '"keepalive_min_timeout" directive invalid value',
    "keepalive_min_timeout 1;\nkeepalive_min_timeout 1;":
        '"keepalive_min_timeout" directive is duplicate',
    "add_header_inherit maybe;": 'invalid value "maybe" in ',
    "add_trailer_inherit maybe;": 'invalid value "maybe" in ',
    "server { location / { max_headers 5; } }": '"max_headers" directive is not allowed here',
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_use_is_refused(conf_file, text):
    done = ringway.run_file(conf_file(HTTP.format(text)), "-t")
    assert done.returncode == 1
    line = 2 + len(text.splitlines())
    assert re.search(rf"\[emerg\] .*{re.escape(REFUSED[text])}.*:{line}\b", done.stderr), \
        done.stderr


def test_max_headers_counts_fields_and_their_default_is_1000(start):
    port, other = ringway.free_ports(2)
    start(ringway.http(ringway.server(port, "max_headers 3; return 204;"),
                       ringway.server(other, "large_client_header_buffers 32 32k; return 204;")))
    for at, most in (port, 3), (other, 1000):
        for count, status in (most, 204), (most + 1, 431):  # Host is one of them
            with client.Client(at) as c:
                c.send(request("/", fields=[("X", "y")] * (count - 1)))
                assert c.response().status == status


def test_last_server_name_may_be_the_name_for_tls(start, make_origin, pki):
    origin = make_origin(tls=certs.server_context(pki.leaf("localhost")))
    port = ringway.free_ports()
    start(ringway.http(
        f"upstream group {{ server localhost:{origin.port}; }}",
        ringway.server(port, f"""proxy_ssl_trusted_certificate {pki.root.cert_file};
            proxy_ssl_name $upstream_last_server_name;
            location / {{ proxy_pass https://group; add_header X-Name $upstream_last_server_name; }}
            """)))
    answer = client.get(port)
    assert (answer.status, answer.get("X-Name")) == (200, "localhost")
    assert origin.connections[-1].sni == "localhost"


def test_nginx_version_is_that_of_the_program(start):
    port = ringway.free_ports()
    start(ringway.http(ringway.server(port, 'return 200 "$nginx_version";')))
    version = ringway.run("-v").stderr.rpartition("/")[2].strip()
    assert client.get(port).body.decode() == version


def test_port_that_a_client_names_is_passed_on(start):
    port = ringway.free_ports()
    start(ringway.http(ringway.server(
        port, 'return 200 "$host$is_request_port$request_port|$http3";')))
    for host in "a.test", "a.test:81", "[::1]:82", "a.test:":
        with client.Client(port) as c:
            c.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert c.response().body.decode() == host.rstrip(":") + "|"
