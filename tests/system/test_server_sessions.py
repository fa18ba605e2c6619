"""Sessions of clients: kept in a cache or in tickets, with keys of files, over workers and time."""
import os
import re
import ssl
import time

import pytest

import client
import ringway
from certs import client_context

VERSIONS = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


class Server:
    """One running server with sessions as the text says; resumes() asks twice."""

    def __init__(self, start, pki, text, workers=2, **more):
        self.pki, self.port = pki, ringway.free_ports()
        self.pair = pki.leaf("www.test")
        self.text = text
        self.running = start(self.configuration(), workers=workers, **more)

    def configuration(self, text=None):
        return ringway.http(ringway.server(self.port, f"""ssl_certificate {self.pair.chain_file};
            ssl_certificate_key {self.pair.key_file}; {text or self.text}
            location / {{ return 200 "$ssl_session_reused $ssl_client_verify $ssl_session_id"; }}
            """, listen=" ssl"))

    def context(self, version, pair=None, has_tickets=True):
        context = client_context(self.pki.root, pair, version=version)
        if not has_tickets:
            context.options |= ssl.OP_NO_TICKET
        return context

    def ask(self, context, session=None, sni="www.test"):
        """(words of the answer, session for the next time)."""
        with client.Client(self.port, tls=context, session=session, sni=sni) as c:
            words = c.ask("/").body.decode().split(" ")
            assert (words[0] == "r") == c.sock.session_reused
            return words, c.sock.session

    def resumes(self, version, times=8, **more):
        """Whether a session is good for further connections, which fall to all workers."""
        context = self.context(version, **more)
        words, session = self.ask(context)
        assert words[0] == "."
        reused = set()
        for _ in range(times):
            words, session_after = self.ask(context, session)
            reused.add(words[0])
            if version == "TLSv1.3":
                session = session_after
        assert len(reused) == 1
        return reused == {"r"}


# --- which kinds of sessions there are ----------------------------------------------------------

@VERSIONS
@pytest.mark.parametrize("text, by_tickets, without_tickets", [
    ("", True, False),
    ("ssl_session_tickets off;", False, False),
    ("ssl_session_cache shared:S:1m;", True, True),
    ("ssl_session_cache shared:S:1m; ssl_session_tickets off;", True, True),
    ("ssl_session_cache builtin; ssl_session_tickets off;", True, True),
    ("ssl_session_cache builtin:1000 shared:S:1m; ssl_session_tickets off;", True, True),
    ("ssl_session_cache none; ssl_session_tickets off;", False, False),
    ("ssl_session_cache off; ssl_session_tickets off;", False, False),
    ("ssl_session_cache shared:S:1m; ssl_session_timeout 0;", False, False)])
def test_sessions_are_resumed_where_they_are_kept(start, pki, version, text, by_tickets,
                                                  without_tickets):
    server = Server(start, pki, text)
    assert server.resumes(version) is by_tickets
    if version == "TLSv1.2":
        assert server.resumes(version, has_tickets=False) is without_tickets


@VERSIONS
def test_kept_sessions_end_with_their_time(start, pki, version):
    server = Server(start, pki, """ssl_session_cache shared:S:1m; ssl_session_tickets off;
        ssl_session_timeout 2;""")
    context = server.context(version)
    _, session = server.ask(context)
    assert server.ask(context, session)[0][0] == "r"
    time.sleep(3.1)
    assert server.ask(context, session)[0][0] == "."


@VERSIONS
def test_kept_sessions_know_the_client(start, pki, version):
    ca = pki.authority("Client CA")
    server = Server(start, pki, f"""ssl_session_cache shared:S:1m; ssl_session_tickets off;
        ssl_verify_client optional; ssl_client_certificate {ca.cert_file};""")
    context = server.context(version, pki.client("a client", ca))
    words, session = server.ask(context)
    assert words[:2] == [".", "SUCCESS"]
    assert server.ask(context, session)[0][:2] == ["r", "SUCCESS"]
    assert server.ask(server.context(version))[0][:2] == [".", "NONE"]


@VERSIONS
def test_session_of_one_server_is_no_good_at_another_that_verifies(start, pki, version):
    """Both keep sessions in one cache."""
    ca, pair, ports = pki.authority("Client CA"), pki.leaf("www.test"), ringway.free_ports(2)
    lines = f"""ssl_certificate {pair.chain_file}; ssl_certificate_key {pair.key_file};
        ssl_session_cache shared:S:1m; ssl_session_tickets off;
        location / {{ return 200 $ssl_session_reused; }}"""
    start(ringway.http(
        ringway.server(ports[0], lines, listen=" ssl"),
        ringway.server(ports[1], lines + f"""ssl_verify_client optional; ssl_client_certificate
            {ca.cert_file};""", listen=" ssl")))
    context = client_context(pki.root, version=version)
    with client.Client(ports[0], tls=context) as c:
        assert c.ask("/").body == b"."
        session = c.sock.session
    for port, body in (ports[1], b"."), (ports[0], b"r"):
        with client.Client(port, tls=context, session=session) as c:
            assert c.ask("/").body == body


def test_full_cache_forgets_and_serves_on(start, pki):
    server = Server(start, pki, "ssl_session_cache shared:S:32k; ssl_session_tickets off;",
                    workers=1)
    context = server.context("TLSv1.2")
    first = server.ask(context)[1]
    assert server.ask(context, first)[0][0] == "r"
    for _ in range(400):  # 32k are 64 sessions
        last = server.ask(context)[1]
    assert server.ask(context, first)[0][0] == "."
    assert server.ask(context, last)[0][0] == "r"


def test_session_id_is_told(start, pki):
    server = Server(start, pki, "ssl_session_cache shared:S:1m; ssl_session_tickets off;")
    words, session = server.ask(server.context("TLSv1.2"))
    assert words[2] == session.id.hex() and len(session.id) == 32


# --- reloads ------------------------------------------------------------------------------------

@VERSIONS
@pytest.mark.parametrize("text", ["", "ssl_session_cache shared:S:1m; ssl_session_tickets off;"])
def test_sessions_outlive_a_reload(start, pki, version, text):
    server = Server(start, pki, text)
    context = server.context(version)
    _, session = server.ask(context)
    for _ in range(2):
        server.running.reload(server.configuration(text + "# changed"))
        words, session_after = server.ask(context, session)
        assert words[0] == "r"
        session = session_after if version == "TLSv1.3" else session


@VERSIONS
@pytest.mark.parametrize("text", ["", "ssl_session_cache shared:S:1m; ssl_session_tickets off;"])
def test_sessions_do_not_outlive_a_reload_that_changes_the_certificate(start, pki, version, text):
    server = Server(start, pki, text)
    context = server.context(version)
    _, session = server.ask(context)
    server.pair = pki.leaf("www.test")
    server.running.reload(server.configuration())
    assert server.ask(context, session)[0][0] == "."


# --- keys of files ------------------------------------------------------------------------------

def write_keys(folder, *sizes):
    paths = []
    for i, size in enumerate(sizes):
        path = folder / f"ticket-{i}-{time.monotonic_ns()}.key"
        path.write_bytes(os.urandom(size))
        paths.append(path)
    return paths


@VERSIONS
@pytest.mark.parametrize("size", [48, 80])
def test_tickets_of_key_files_outlive_the_process(start, pki, folder, version, size):
    key, = write_keys(folder, size)
    server = Server(start, pki, f"ssl_session_ticket_key {key};")
    context = server.context(version)
    _, session = server.ask(context)
    server.running.stop()
    server.running.start()
    words, session = server.ask(context, session)
    assert words[0] == "r"
    server.running.reload()
    assert server.ask(context, session)[0][0] == "r"


@VERSIONS
def test_ticket_keys_are_changed_one_after_the_other(start, pki, folder, version):
    old, new, next_one = write_keys(folder, 80, 80, 48)
    server = Server(start, pki, f"ssl_session_ticket_key {old};")
    context = server.context(version)
    _, first = server.ask(context)

    def reload(*keys):
        server.running.reload(server.configuration(
            "".join(f"ssl_session_ticket_key {k};" for k in keys)))
    reload(old, new)
    assert server.ask(context, first)[0][0] == "r"
    reload(new, old)
    words, second = server.ask(context, first)
    assert words[0] == "r"
    reload(next_one, new)
    assert server.ask(context, first)[0][0] == "."
    assert server.ask(context, second)[0][0] == "r"


@pytest.mark.parametrize("size", [0, 47, 49, 79, 81])
def test_ticket_keys_of_other_lengths_are_refused(pki, folder, size):
    pair, conf = pki.leaf("www.test"), folder / "keys.conf"
    key, = write_keys(folder, size)
    conf.write_text(ringway.http(ringway.server(8443, f"""ssl_certificate {pair.chain_file};
        ssl_certificate_key {pair.key_file}; ssl_session_ticket_key {key}; return 200 x;""",
                                                listen=" ssl")))
    done = ringway.run_file(conf, "-t")
    assert done.returncode
    assert re.search(rf'"ssl_session_ticket_key" "{key}" (must be 48 or 80 bytes|is empty) in \S+:',
                     done.stderr)
