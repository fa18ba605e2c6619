"""Client certificates for upstreams that each request chooses by variables."""
import base64
import itertools
import shutil
import threading
import time
from pathlib import Path

import pytest

import client
import ringway
from certs import NAME, server_context
from edge import tls_settings

FROM_HEADER = """
    proxy_ssl_certificate $http_x_client.crt;
    proxy_ssl_certificate_key $http_x_client.key;
"""
FOLDERS = itertools.count(1)


class Chooser:
    """A ringway whose requests choose among the pairs "one" and "two" by a header; the origin
    answers with the name in the certificate that it was shown."""

    def __init__(self, start, make_origin, pki, *, location=FROM_HEADER, script=None,
                 settings="", group="server {};", workers=1):
        self.folder = pki.folder / f"chosen-{next(FOLDERS):03}"
        self.folder.mkdir()
        self.pairs = {name: pki.client(name) for name in ("one", "two")}
        for name in self.pairs:
            self.put(name, name)
        self.origin = make_origin(script or name_the_client, tls=server_context(
            pki.leaf(NAME), pki.root))
        self.port = ringway.free_ports()
        location = location.replace("$http_x_client", f"{self.folder}/$http_x_client", 2)
        self.ringway = start(ringway.http(
            f"upstream u {{ {group.format(self.origin.address)} keepalive 8; }}",
            ringway.server(self.port, f"location / {{ proxy_pass https://u; {location} }}"
                           "location /fixed { proxy_pass https://u; }"),
            settings=tls_settings(pki) + settings), workers=workers)

    def put(self, name, pair):
        shutil.copy(self.pairs[pair].chain_file, self.folder / f"{name}.crt")
        shutil.copy(self.pairs[pair].key_file, self.folder / f"{name}.key")

    def get(self, name=None, target="/"):
        return client.get(self.port, target, fields=[("X-Client", name)] if name else [])

    def shown(self, name=None, target="/"):
        answer = self.get(name, target)
        assert answer.status == 200, answer
        return answer.body.decode()


def name_the_client(c):
    subject = c.client_subject or "CN=nobody"
    while c.read_request():
        c.respond(200, subject.split(",")[0].removeprefix("CN=").encode())


def name_once(c):
    """So that each request needs a connection of its own."""
    c.read_request()
    subject = c.client_subject or "CN=nobody"
    c.respond(200, subject.split(",")[0].removeprefix("CN=").encode(), [("Connection", "close")])


# --- who is shown -------------------------------------------------------------------------------

def test_request_chooses_the_certificate(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki)
    names = ["one", "two", "one", "one", "two", "two", "one"]
    assert [edge.shown(name) for name in names] == names


def test_kept_connections_are_not_mixed(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki)
    for _ in range(5):
        for name in "one", "two":
            assert edge.shown(name) == name
        assert edge.shown(target="/fixed") == "nobody"
    assert len(edge.origin.connections) == 3  # each was used again, by its own
    assert {len(c.requests) for c in edge.origin.connections} == {5}


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_sessions_are_resumed_with_their_own_certificate_only(start, make_origin, pki, version):
    edge = Chooser(start, make_origin, pki, script=name_once)
    edge.origin.tls = server_context(pki.leaf(NAME), pki.root, version=version)
    for name in "one", "two", None, "one", "two", None:
        target = "/" if name else "/fixed"
        assert edge.shown(name, target) == (name or "nobody")
        time.sleep(0.05)
    assert [c.was_resumed for c in edge.origin.connections] == [False] * 3 + [True] * 3
    assert [c.hello.offers_resumption for c in edge.origin.connections] == \
        [False] * 3 + [True] * 3


def test_requests_at_once_get_their_own_certificates(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki, workers=2,
                   settings="proxy_ssl_certificate_cache max=8;")
    answers = []

    def ask(name):
        for _ in range(10):
            answers.append((name, edge.shown(name)))
    threads = [threading.Thread(target=ask, args=(name,)) for name in ["one", "two"] * 4]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) == 80 and all(asked == shown for asked, shown in answers)


def test_empty_value_is_no_certificate(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki, location=(
        "proxy_ssl_certificate $http_x_path; proxy_ssl_certificate_key $http_x_path;"))
    assert edge.shown() == "nobody"
    assert edge.shown(target="/fixed") == "nobody"
    assert len(edge.origin.connections) == 1  # it is the same to the upstream


def test_one_of_the_two_may_be_fixed(start, make_origin, pki):
    pair = pki.client("fixed")
    both = Path(pair.key_file + ".both")
    both.write_bytes(Path(pair.chain_file).read_bytes() + Path(pair.key_file).read_bytes())
    edge = Chooser(start, make_origin, pki, location=(
        f"proxy_ssl_certificate {both}; proxy_ssl_certificate_key $http_x_key;"))
    answer = client.get(edge.port, fields=[("X-Key", str(both))])
    assert (answer.status, answer.body) == (200, b"fixed")


def test_relative_names_start_where_the_configuration_is(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki, location=(
        "proxy_ssl_certificate ./$http_x_name.crt; proxy_ssl_certificate_key $http_x_name.key;"))
    folder = Path(edge.ringway.conf_file).parent
    for ending in "crt", "key":
        shutil.copy(edge.folder / f"two.{ending}", folder / f"local.{ending}")
    answer = client.get(edge.port, fields=[("X-Name", "local")])
    assert (answer.status, answer.body) == (200, b"two")


def test_encrypted_key_is_opened_by_the_password_file(start, make_origin, pki):
    pair = pki.client("locked")
    key_file, password_file = pki.encrypted_key(pair, "opensesame")
    edge = Chooser(start, make_origin, pki, location=(
        f"proxy_ssl_certificate {pair.chain_file}; proxy_ssl_certificate_key $http_x_key;"
        f"proxy_ssl_password_file {password_file};"))
    answer = client.get(edge.port, fields=[("X-Key", key_file)])
    assert (answer.status, answer.body) == (200, b"locked")


def test_pem_may_stand_in_the_value(start, make_origin, pki):
    pem = r'"data:-----BEGIN {0}-----\n${1}\n-----END {0}-----\n"'
    edge = Chooser(start, make_origin, pki, location=(
        f"proxy_ssl_certificate {pem.format('CERTIFICATE', 'http_x_certificate')};"
        f"proxy_ssl_certificate_key {pem.format('PRIVATE KEY', 'http_x_key')};"))
    for name, pair in edge.pairs.items():
        fields = [(f"X-{word}", "".join(Path(file).read_text().splitlines()[1:-1]))
                  for word, file in (("Certificate", pair.cert_file), ("Key", pair.key_file))]
        answer = client.get(edge.port, fields=fields)
        assert (answer.status, answer.body) == (200, name.encode())
    mark = edge.ringway.mark()
    secret = base64.b64encode(b"no key at all, but who knows")
    fields[1] = ("X-Key", secret.decode())
    assert client.get(edge.port, fields=fields).status == 500
    assert len(edge.ringway.errors_since(mark)) == 1
    assert '"proxy_ssl_certificate_key" "data:"' in edge.ringway.log_since(mark)
    assert secret.decode() not in edge.ringway.log_since(mark)


# --- what cannot be loaded ----------------------------------------------------------------------

def test_failure_is_500_and_one_line_and_harms_nobody_else(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki)
    (edge.folder / "bad.crt").write_text("no PEM\n")
    shutil.copy(edge.folder / "one.key", edge.folder / "bad.key")
    shutil.copy(edge.folder / "one.crt", edge.folder / "mixed.crt")
    shutil.copy(edge.folder / "two.key", edge.folder / "mixed.key")
    shutil.copy(edge.folder / "one.crt", edge.folder / "keyless.crt")
    assert edge.shown("one") == "one"
    for name, file, reason in [("none", "none.crt", "No such file or directory"),
                               ("keyless", "keyless.key", "No such file or directory"),
                               ("bad", "bad.crt", "no PEM certificate found"),
                               ("mixed", "mixed.crt", "key does not match the certificate")]:
        mark = edge.ringway.mark()
        assert edge.get(name).status == 500
        lines = edge.ringway.errors_since(mark)
        assert len(lines) == 1 and f"{edge.folder}/{file}" in lines[0] and reason in lines[0]
        assert edge.shown("one") == "one"
    assert len(edge.origin.connections) == 1 and len(edge.origin.requests) == 5


@pytest.mark.parametrize("value, word", [
    ("engine:x", "not supported"), ("store:x", "not supported"), ("/", "not a file"),
    ("/dev/zero", "not a file")])
def test_values_that_are_no_file_are_refused(start, make_origin, pki, value, word):
    edge = Chooser(start, make_origin, pki, location=(
        "proxy_ssl_certificate $http_x_path; proxy_ssl_certificate_key $http_x_path;"))
    mark = edge.ringway.mark()
    assert client.get(edge.port, fields=[("X-Path", value)]).status == 500
    assert word in edge.ringway.log_since(mark)
    assert not edge.origin.connections


# --- when files change --------------------------------------------------------------------------

@pytest.mark.parametrize("cache", ["", "proxy_ssl_certificate_cache off;"])
def test_changed_file_counts_at_once_without_cache(start, make_origin, pki, cache):
    edge = Chooser(start, make_origin, pki, settings=cache)
    assert edge.shown("one") == "one"
    edge.put("one", "two")
    assert edge.shown("one") == "two"  # neither over the connection nor by the session of before
    assert not edge.origin.connections[1].hello.offers_resumption
    assert edge.shown("two") == "two"  # by content it is the same certificate
    assert len(edge.origin.connections) == 2


def test_changed_file_counts_once_the_cache_holds_it_no_longer_valid(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki,
                   settings="proxy_ssl_certificate_cache max=2 valid=2s;")
    assert edge.shown("one") == "one"
    (edge.folder / "one.key").unlink()
    edge.put("one", "two")
    assert edge.shown("one") == "one"
    time.sleep(2.1)
    assert edge.shown("one") == "two"
    assert len(edge.origin.connections) == 2


def test_unused_entry_leaves_the_cache(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki,
                   settings="proxy_ssl_certificate_cache max=2 valid=1h inactive=1s;")
    assert edge.shown("one") == "one"
    edge.put("one", "two")
    assert edge.shown("one") == "one"
    time.sleep(1.1)
    assert edge.shown("one") == "two"


def test_cache_ends_with_the_configuration(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki,
                   settings="proxy_ssl_certificate_cache max=2 valid=1h inactive=1h;")
    assert edge.shown("one") == "one"
    edge.put("one", "two")
    edge.ringway.reload()
    assert edge.shown("one") == "two"


# --- bounds -------------------------------------------------------------------------------------

def test_many_certificates_leave_nothing_behind(start, make_origin, pki):
    edge = Chooser(start, make_origin, pki, script=name_once)
    edge.shown("one")
    before = edge.ringway.descriptors()
    text = (edge.folder / "one.crt").read_text()
    for i in range(300):  # more than there may be lanes
        (edge.folder / "many.crt").write_text(f"{i}\n{text}")
        shutil.copy(edge.folder / "one.key", edge.folder / "many.key")
        assert edge.shown("many") == "one"
    assert edge.shown("two") == "two"
    edge.origin.settled()
    time.sleep(0.2)
    assert edge.ringway.descriptors() <= before


def test_next_upstream_gets_the_same_certificate(start, make_origin, pki):
    def fail(c):
        c.read_request()
        c.respond(503, b"", [("Connection", "close")])
    bad = make_origin(fail, tls=server_context(pki.leaf(NAME), pki.root))
    edge = Chooser(start, make_origin, pki, settings="proxy_next_upstream http_503;",
                   group=f"server {bad.address} max_fails=0; server {{}} backup;")
    assert edge.shown("two") == "two"
    assert [c.client_subject.split(",")[0] for c in bad.connections] == ["CN=two"]
