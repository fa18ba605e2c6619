"""Whose request it is, where proxies before this one say so."""
import pytest

import ringway
from edge import Edge

SAYS = '"$remote_addr|$remote_port|$realip_remote_addr|$proxy_add_x_forwarded_for"'
LOCATIONS = f"""
set_real_ip_from 127.0.0.0/8;
set_real_ip_from 10.0.0.0/8;
location / {{ return 200 {SAYS}; }}
location /list/ {{ real_ip_header X-Forwarded-For; root /nowhere; error_page 404 = @says; }}
location /deep/ {{ real_ip_header X-Forwarded-For; real_ip_recursive on; root /nowhere;
    error_page 404 = @says; }}
location @says {{ return 200 {SAYS}; }}
location /rules/ {{ allow 192.0.2.0/24; deny all; root /nowhere; }}
location /limited/ {{ limit_req zone=z; root /nowhere; }}
location /binary/ {{ root /nowhere; error_page 404 = @binary; }}
location @binary {{ proxy_pass http://origin; proxy_set_header X-Client $remote_addr; }}
"""
OTHERS = """
server { listen 127.0.0.1:%d; set_real_ip_from 192.0.2.1; real_ip_header X-Client;
    location / { return 200 %s; }
    location /late/ { set_real_ip_from 127.0.0.1; root /nowhere; error_page 404 = @says; }
    location @says { return 200 %s; } }
server { listen 127.0.0.1:%d; set_real_ip_from localhost; real_ip_header X-Client;
    location / { return 200 %s; } }
server { listen 127.0.0.1:%d; set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
    real_ip_recursive on; location / { return 200 %s; } }
"""


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki):
    ports = ringway.free_ports(3)
    site = Edge(start_shared, shared_origin, pki, body=LOCATIONS,
                settings="limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m;",
                blocks=OTHERS % (ports[0], SAYS, SAYS, ports[1], SAYS, ports[2], SAYS))
    site.untrusting, site.by_name, site.deep = ports
    return site


def said(answer):
    return answer.body.decode().split("|")


@pytest.mark.parametrize("fields, addr, port", [
    ([("X-Real-IP", "192.0.2.7")], "192.0.2.7", ""),
    ([("X-Real-IP", "192.0.2.7:1234")], "192.0.2.7", "1234"),
    ([("X-Real-IP", "[2001:db8::7]:99")], "2001:db8::7", "99"),
    ([("x-real-ip", "2001:db8::7")], "2001:db8::7", ""),
    ([("X-Real-IP", "192.0.2.7"), ("X-Real-IP", "192.0.2.8")], "192.0.2.7", ""),
    ([], "127.0.0.1", None), ([("X-Real-IP", "")], "127.0.0.1", None),
    ([("X-Real-IP", "nobody")], "127.0.0.1", None),
    ([("X-Real-IP", "192.0.2.7:99999")], "127.0.0.1", None),
    ([("X-Real-IP", "unix:/x")], "127.0.0.1", None),
    ([("X-Real-IP", "192.0.2.7\x80")], "127.0.0.1", None),
    ([("X-Forwarded-For", "192.0.2.7")], "127.0.0.1", None),
])
def test_the_field_of_a_trusted_proxy_counts(site, fields, addr, port):
    found = said(site.get("/", fields=fields))
    assert found[0] == addr and found[2] == "127.0.0.1"
    assert found[1].isdigit() if port is None else found[1] == port
    assert found[3].split(", ")[-1] == addr


@pytest.mark.parametrize("fields, addr", [
    (["192.0.2.1, 192.0.2.2"], "192.0.2.2"), (["192.0.2.1", "192.0.2.2"], "192.0.2.2"),
    (["192.0.2.1, 10.0.0.5"], "192.0.2.1"), (["192.0.2.1", "10.0.0.5"], "192.0.2.1"),
    (["192.0.2.1, 192.0.2.2, 127.0.0.1, 127.0.0.1"], "192.0.2.2"), (["10.0.0.5"], "10.0.0.5"),
    (["x, 10.0.0.5"], "10.0.0.5"), ([], "127.0.0.1"),
])
def test_of_a_list_the_last_that_is_no_proxy_counts(site, fields, addr):
    fields = [("X-Forwarded-For", value) for value in fields]
    from_server = said(site.get("/", fields=fields))[0]
    assert from_server == "127.0.0.1"  # the server's level looks at another field
    assert said(site.get("/deep/", fields=fields))[0] == addr


def test_without_recursion_the_last_of_the_list_counts(site):
    fields = [("X-Forwarded-For", "192.0.2.1, 10.0.0.5")]
    assert said(site.get("/list/", fields=fields))[0] == "10.0.0.5"


def test_whoever_is_not_trusted_is_not_asked(site, connect):
    fields = [("X-Client", "192.0.2.7")]
    assert said(connect(site.untrusting).ask("/", fields=fields))[0] == "127.0.0.1"
    assert said(connect(site.untrusting).ask("/late/", fields=fields))[0] == "192.0.2.7"
    assert said(connect(site.by_name).ask("/", fields=fields))[0] == "192.0.2.7"


def test_each_request_of_a_connection_is_its_own(site, connect):
    c = connect(site.port)
    assert said(c.ask("/", fields=[("X-Real-IP", "192.0.2.7")]))[0] == "192.0.2.7"
    assert said(c.ask("/"))[0] == "127.0.0.1"
    assert said(c.ask("/", fields=[("X-Real-IP", "192.0.2.8")]))[0] == "192.0.2.8"


def test_rules_limits_and_logs_go_by_it(site):
    mark = site.ringway.mark()
    assert site.get("/rules/x").status == 403
    assert site.get("/rules/x", fields=[("X-Real-IP", "192.0.2.7")]).status == 404
    assert site.get("/rules/x", fields=[("X-Real-IP", "198.51.100.7")]).status == 403
    assert site.ringway.wait_log("access forbidden by rule, client: 198.51.100.7, ", mark)
    for address, status in (("192.0.2.1", 404), ("192.0.2.1", 503), ("192.0.2.2", 404)):
        assert site.get("/limited/x", fields=[("X-Real-IP", address)]).status == status


def test_the_origin_is_told(site):
    site.origin.forget()
    assert site.get("/binary/x", fields=[("X-Real-IP", "192.0.2.7")]).status == 200
    assert site.origin.requests[-1].get("X-Client") == "192.0.2.7"


def test_a_long_list_is_walked_to_its_begin(site, connect):
    fields = [("X-Forwarded-For", ", ".join(["192.0.2.9"] + ["127.0.0.1"] * 300))]
    assert said(connect(site.deep).ask("/", fields=fields))[0] == "192.0.2.9"


@pytest.mark.parametrize("header, trusted, addr, port", [
    ("PROXY TCP4 192.0.2.7 10.0.0.1 4321 80", "127.0.0.1", "192.0.2.7", "4321"),
    ("PROXY TCP6 2001:db8::7 2001:db8::1 4321 80", "127.0.0.1", "2001:db8::7", "4321"),
    ("PROXY UNKNOWN", "127.0.0.1", "127.0.0.1", None),
    ("PROXY TCP4 192.0.2.7 10.0.0.1 4321 80", "192.0.2.0/24", "127.0.0.1", None),
])
def test_a_proxy_header_says_it_too(start, connect, header, trusted, addr, port):
    listens = ringway.free_ports()
    start(ringway.http(f"server {{ listen 127.0.0.1:{listens} proxy_protocol; "
                       f"set_real_ip_from {trusted}; real_ip_header proxy_protocol; "
                       f"location / {{ return 200 {SAYS}; }} }}"), listens=[listens])
    c = connect(listens)
    c.send(header.encode() + b"\r\n")
    for _ in range(2):
        found = said(c.ask("/", fields=[("X-Real-IP", "198.51.100.1")]))
        assert found[0] == addr and found[2] == "127.0.0.1"
        assert found[1].isdigit() if port is None else found[1] == port


def test_a_mistake_is_told_with_its_line(conf_file):
    path = conf_file("events { }\nhttp { server {\nset_real_ip_from no-such-host.invalid; } }\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f'host not found in set_real_ip_from "no-such-host.invalid" in {path}:3' in done.stderr
