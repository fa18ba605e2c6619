"""Which peer a request goes to: policies, weights, failures, limits."""
import collections
import threading
import time

import pytest

import client
import ringway
from origin import one_answer_each, play, serve
from wire import response


@pytest.fixture
def peers(make_origin):
    """Three origins that answer with their names: a, b, c."""
    return [make_origin(one_answer_each(response(200, name))) for name in (b"a", b"b", b"c")]


def balanced(start, peers, *more, lines=None, policy="", location="", workers=1):
    """Starts a proxy for these peers, each with its words from `more`; returns its port."""
    port = ringway.free_ports()
    words = [*more, *[""] * len(peers)]
    servers = lines or "".join(f"server {p.address} {w};\n" for p, w in zip(peers, words))
    start(ringway.http(f"upstream u {{ {policy} {servers} }}", ringway.server(
        port, f"location / {{ proxy_pass http://u; proxy_connect_timeout 900ms;"
        f" proxy_read_timeout 3s; {location} }}")), workers=workers)
    return port


def answers(port, count):
    return "".join(client.get(port).body.decode() for _ in range(count))


def test_requests_go_round(start, peers):
    seen = answers(balanced(start, peers), 9)
    assert collections.Counter(seen) == {"a": 3, "b": 3, "c": 3}
    assert seen[:3] == seen[3:6] == seen[6:]


def test_weights_share_smoothly(start, peers):
    seen = answers(balanced(start, peers, "weight=5"), 14)
    assert seen[:7] == seen[7:] == "aabacaa"  # nginx's smooth order


def test_down_peer_gets_nothing(start, peers):
    assert set(answers(balanced(start, peers, "", "down"), 6)) == {"a", "c"}


def test_backup_serves_only_when_the_others_fail(start, peers):
    port = balanced(start, peers, "max_fails=1 fail_timeout=1s", "max_fails=1 fail_timeout=1s",
                    "backup")
    assert set(answers(port, 6)) == {"a", "b"}
    for peer in peers[:2]:
        peer.forget()
        peer.script = play(end="close")
    time.sleep(0.05)
    assert set(answers(port, 4)[1:]) == {"c"}


def test_failed_peer_is_left_alone_for_a_while(start, peers):
    port = balanced(start, peers[:2], "max_fails=1 fail_timeout=1s")
    peers[0].script = play(end="close")
    assert answers(port, 6) == "bbbbbb"
    assert len(peers[0].connections) == 1
    peers[0].script = one_answer_each(response(200, b"a"))
    time.sleep(2.2)
    assert "a" in answers(port, 4)


def test_all_peers_down_is_502(start, peers):
    port = balanced(start, peers[:2], "down", "down")
    assert client.get(port).status == 502


def slow(name, seconds):
    def answer(_):
        time.sleep(seconds)
        return response(200, name)
    return serve(answer)


def many(port, count):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(client.get(port).body))
               for _ in range(count)]
    for t in threads:
        t.start()
        time.sleep(0.01)
    for t in threads:
        t.join()
    return seen


def test_least_conn_goes_where_least_is_open(start, peers):
    peers[0].script = slow(b"a", 1.2)
    port = balanced(start, peers[:2], policy="least_conn;")
    seen = collections.Counter(many(port, 12))
    assert seen[b"a"] <= 3 and seen[b"b"] >= 9


def test_max_conns_is_held(start, peers):
    for peer, name in zip(peers, (b"a", b"b")):
        peer.script = slow(name, 0.6)
    port = balanced(start, peers[:2], "max_conns=1", "max_conns=2")
    seen = collections.Counter(client_body[:1] for client_body in many(port, 6))
    assert seen[b"a"] == 1 and seen[b"b"] == 2 and seen[b"<"] == 3


def test_two_workers_share_what_is_known_of_a_failed_peer(start, peers):
    port = balanced(start, peers[:2], "max_fails=1 fail_timeout=5s", workers=2)
    peers[0].script = play(end="close")
    assert set(answers(port, 20)) == {"b"}
    assert len(peers[0].connections) <= 2


@pytest.mark.parametrize("count", [1, 3])
def test_connections_are_kept_up_to_keepalive(start, peers, count):
    port = ringway.free_ports()
    peers[0].script = slow(b"a", 0.2)
    start(ringway.http(f"upstream u {{ server {peers[0].address}; keepalive {count}; }}",
                       ringway.server(port, "location / { proxy_pass http://u; }")))
    many(port, 6)
    time.sleep(0.2)
    assert sum(not c.is_done for c in peers[0].connections) == count
