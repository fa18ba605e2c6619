"""All features at once, over time: reloads and many requests leave nothing behind."""
import signal

import pytest

import certs
import client
import ringway
import wire
from everything import ASKED, Everything

ROUNDS = 150


@pytest.fixture
def everything(folder, pki, request):
    made = Everything(folder / "everything" / request.node.name, pki)
    yield made
    made.close()


def ask_each(everything, tls=None):
    with client.Client(everything.port if tls else everything.plain_port, tls=tls,
                       sni=certs.NAME) as c:
        wrong = [everything.ask(c, row) for row in ASKED]
    assert not any(wrong), wrong


def test_reloads_with_every_feature_leak_nothing(start, pki, everything):
    edge = start(everything.rewrite(0), workers=2, path=ringway.release_binary())
    tls = certs.client_context(pki.root)

    def turn(generation):
        assert "reloaded:" in edge.reload(everything.rewrite(generation))
        edge.signal(signal.SIGUSR1)
        ask_each(everything, tls)

    for generation in range(6):
        turn(generation)
    before, files = edge.resident_bytes(), edge.descriptors()
    for generation in range(6, 36):
        turn(generation)
    wire.wait_until(lambda: edge.descriptors() <= files + 4, 5,
                    f"descriptors return to {files}:\n" + edge.open_files())
    assert edge.resident_bytes() - before < 4 * 1024 * 1024
    assert not everything.left_files()


@pytest.mark.parametrize("row", ASKED, ids=lambda row: row[0])
def test_many_requests_of_a_kind_leak_nothing(start, everything, row):
    edge = start(everything.rewrite(0), path=ringway.release_binary())

    def ask_often(times):
        with client.Client(everything.plain_port) as c:
            for i in range(times):
                if i % 100 == 99:
                    c.close()
                    c.__init__(everything.plain_port)
                assert not everything.ask(c, row)

    ask_often(ROUNDS)
    before, files = edge.resident_bytes(), edge.descriptors()
    ask_often(3 * ROUNDS)
    wire.wait_until(lambda: edge.descriptors() <= files, 5,
                    f"descriptors return to {files}:\n" + edge.open_files())
    assert edge.resident_bytes() - before < 1024 * 1024
    assert not everything.left_files()
