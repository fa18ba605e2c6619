"""The complete example of a guide on securing upstream traffic, as operators have it in use.

Only ports, paths and names are exchanged for local ones. As it is printed there it lacks a brace.
"""
import os
import re
import subprocess
import time

import pytest

import client
import ringway
from origin import one_answer_each
from wire import response

EXAMPLE = """\
http {
    #...
    upstream backend.example.com {
        server backend1.example.com:443;
        server backend2.example.com:443;
    }

    server {
        listen      80;
        server_name www.example.com;
        #...

        location /upstream {
            proxy_pass                    https://backend.example.com;
            proxy_ssl_certificate         /etc/nginx/client.pem;
            proxy_ssl_certificate_key     /etc/nginx/client.key;
            proxy_ssl_protocols           TLSv1 TLSv1.1 TLSv1.2;
            proxy_ssl_ciphers             HIGH:!aNULL:!MD5;
            proxy_ssl_trusted_certificate /etc/nginx/trusted_ca_cert.crt;

            proxy_ssl_verify        on;
            proxy_ssl_verify_depth  2;
            proxy_ssl_session_reuse on;
        }
    }

    server {
        listen      443 ssl;
        server_name backend1.example.com;

        ssl_certificate        /etc/ssl/certs/server.crt;
        ssl_certificate_key    /etc/ssl/certs/server.key;
        ssl_client_certificate /etc/ssl/certs/ca.crt;
        ssl_verify_client      optional;

        location /yourapp {
            proxy_pass http://url_to_app.com;
        #...
        }

    server {
        listen      443 ssl;
        server_name backend2.example.com;

        ssl_certificate        /etc/ssl/certs/server.crt;
        ssl_certificate_key    /etc/ssl/certs/server.key;
        ssl_client_certificate /etc/ssl/certs/ca.crt;
        ssl_verify_client      optional;

        location /yourapp {
            proxy_pass http://url_to_app.com;
        #...
        }
    }
}
"""
# Where the guide has "#...": what the test needs to see, in a backend's location.
RECORDING = """\
            proxy_set_header X-Backend $ssl_server_name;
            proxy_set_header X-Verify $ssl_client_verify;
            proxy_set_header X-Subject $ssl_client_s_dn;
            proxy_set_header X-Reused $ssl_session_reused;
            proxy_set_header X-Protocol $ssl_protocol;
            proxy_set_header X-Cipher $ssl_cipher;
            keepalive_requests 1;
"""
HOSTS = "127.0.0.1 localhost\n127.0.0.2 backend1.example.com\n127.0.0.3 backend2.example.com\n"
NEVER_CLOSED = "    server {\n        listen      443 ssl;\n        server_name backend1"
MISSING = "        #...\n        }\n\n    server {\n        listen      443 ssl;\n" \
          "        server_name backend2"


class World:
    """The example's files, ports and application."""

    def __init__(self, pki, folder, application):
        self.folder = folder / "seed"
        self.folder.mkdir()
        self.front, self.back = ringway.free_ports(2)
        self.application = application
        above = pki.authority("Backends CA", pki.root)
        middle = pki.authority("Backends issuing CA", above)
        self.server_pair = pki.leaf("backend1.example.com", "backend2.example.com", issuer=middle,
                                    sends=[middle, above])
        self.client_ca = pki.authority("Edges CA")
        self.client_pair = pki.client("edge.example.com", self.client_ca, organization="Edges")
        self.trusted = pki.root.cert_file
        self.hosts = self.folder / "hosts"
        self.hosts.write_text(HOSTS)

    def configuration(self, with_brace=True):
        text = EXAMPLE
        if with_brace:
            assert text.count(MISSING) == 1
            text = text.replace(MISSING, MISSING.replace("}\n\n", "}\n    }\n\n"))
        text = text.replace("        #...\n        }", RECORDING + "        }")
        for old, new in {
                ".com:443": f".com:{self.back}", "443 ssl": f"{self.back} ssl",
                "listen      80": f"listen      127.0.0.1:{self.front}",
                "/yourapp": "/upstream", "url_to_app.com": self.application.address,
                "/etc/nginx/client.pem": self.client_pair.chain_file,
                "/etc/nginx/client.key": self.client_pair.key_file,
                "/etc/nginx/trusted_ca_cert.crt": self.trusted,
                "/etc/ssl/certs/server.crt": self.server_pair.chain_file,
                "/etc/ssl/certs/server.key": self.server_pair.key_file,
                "/etc/ssl/certs/ca.crt": self.client_ca.cert_file}.items():
            assert old in text
            text = text.replace(old, new)
        return "events {}\n" + text

    def prefix(self):
        """Gives a command a hosts file of its own."""
        return ["unshare", "-m", "sh", "-c",
                f'mount --bind {self.hosts} /etc/hosts && exec "$@"', "sh"]


@pytest.fixture(scope="module")
def world(pki, folder, shared_origin):
    return World(pki, folder, shared_origin(one_answer_each(response(200, b"application"))))


def can_have_names():
    """True for root, unless mounts are forbidden, as in a container."""
    return os.getuid() == 0 and not subprocess.run(
        ["unshare", "-m", "mount", "--bind", "/etc/hosts", "/etc/hosts"], capture_output=True,
        check=False).returncode


HAS_NAMES = can_have_names()
needs_names = pytest.mark.skipif(
    not HAS_NAMES, reason="needs root, mounts and an /etc/hosts, to have names of its own")


@pytest.fixture
def edge(world, start):
    world.application.forget()
    return start(world.configuration(), prefix=world.prefix(), listens=[world.front, world.back])


def test_as_printed_the_error_names_the_block_that_is_open(world, conf_file):
    text = world.configuration(with_brace=False)
    path = conf_file(text)
    done = ringway.run_file(path, "-t", prefix=world.prefix() if HAS_NAMES else ())
    assert done.returncode == 1
    opened = text[:text.index(NEVER_CLOSED.replace("443", str(world.back)))].count("\n") + 1
    second = text[:text.rindex("    server {")].count("\n") + 1
    assert f'"server" directive is not allowed here in {path}:{second}' in done.stderr
    assert re.search(rf'"server"[^\n]*opened[^\n]*:{opened}\b|:{opened}\b[^\n]*open',
                     done.stderr), done.stderr


@needs_names
def test_with_the_brace_it_is_accepted_and_old_protocols_are_warned_about(world, conf_file):
    done = ringway.run_file(conf_file(world.configuration()), "-t", prefix=world.prefix())
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[warn\].*TLSv1\b.*", done.stderr) and "TLSv1.1" in done.stderr


@needs_names
def test_requests_alternate_and_both_backends_know_the_client(world, edge):
    for _ in range(4):
        answer = client.get(world.front, "/upstream", host="www.example.com")
        assert (answer.status, answer.body) == (200, b"application")
        time.sleep(0.05)
    seen = world.application.requests
    names = [r.get("X-Backend") for r in seen]
    assert sorted(names[:2]) == sorted(names[2:]) == ["backend1.example.com",
                                                      "backend2.example.com"]
    assert names[0] == names[2] and names[1] == names[3]
    for r in seen:
        assert r.get("X-Verify") == "SUCCESS"
        assert r.get("X-Subject") == world.client_pair.subject
        assert r.get("X-Protocol") == "TLSv1.2"
    assert edge.is_running()


@needs_names
def test_the_second_handshake_with_each_backend_is_resumed(world, edge):
    for _ in range(4):
        assert client.get(world.front, "/upstream", host="www.example.com").status == 200
        time.sleep(0.05)
    reused = [(r.get("X-Backend"), r.get("X-Reused")) for r in world.application.requests]
    assert [state for _, state in reused] == [".", ".", "r", "r"], reused
    assert edge.is_running()


@needs_names
def test_high_selects_suites_without_anonymous_ones(world, conf_file):
    done = ringway.run_file(conf_file(world.configuration()), "-T", prefix=world.prefix())
    assert done.returncode == 0
    text = done.stdout + done.stderr
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in text
    assert not re.search(r"\bA(ECDH|DH)-|NULL-|RC4|DES-CBC", text)


@needs_names
def test_backend_of_another_ca_is_refused(world, start, pki):
    world.application.forget()
    good, world.trusted = world.trusted, pki.other_root.cert_file
    try:
        edge = start(world.configuration(), prefix=world.prefix(),
                     listens=[world.front, world.back])
    finally:
        world.trusted = good
    answer = client.get(world.front, "/upstream", host="www.example.com")
    assert answer.status == 502 and not world.application.requests
    edge.wait_log(r"backend1\.example\.com")


@needs_names
def test_chain_deeper_than_the_example_allows_is_refused(world, start, pki):
    world.application.forget()
    good = world.server_pair
    world.server_pair = pki.chain(3, "backend1.example.com", "backend2.example.com")[0]
    try:
        start(world.configuration(), prefix=world.prefix(), listens=[world.front, world.back])
    finally:
        world.server_pair = good
    assert client.get(world.front, "/upstream", host="www.example.com").status == 502
    assert not world.application.requests
