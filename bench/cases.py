"""The cases of traffic: one row is one kind of it that every proxy is put through. Those of memory
and of balance have their own tables, beside what measures them."""

from dataclasses import dataclass

POOLED = 'pooled'    # connections to the origin are kept and used again
RESUMED = 'resumed'  # a new connection for each request, its TLS session resumed
FULL = 'full'        # the same, with a full handshake each time

# What sends the requests: wrk, knock.c with a new client connection for each, or pace.c.
KEPT = 'kept'
PACED = 'paced'


@dataclass(frozen=True)
class Beside:
    """A second instance of each proxy in the same rounds, to be held against the first."""
    label: str
    workers: int = 1
    idle_clients: bool = False  # it holds as many as the machine permits


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    body_bytes: int
    client_tls: bool = False
    upstream: str = POOLED
    clients: str = KEPT      # or PACED, or RESUMED or FULL over TLS
    connections: int = 32    # that are kept busy
    figure: str = 'cpu_us'   # the field of a turn that proxies are compared by
    workers: int = 1
    settle_seconds: float = 0.3
    beside: Beside | None = None


CASES = {case.name: case for case in (
    # So many that wrk and the origin, which share a core, always have work waiting at the proxy.
    Case('small', '128 B, kept alive, plain client, TLS upstream', 128, connections=128),
    Case('small-few', 'the same with few connections: the proxy often waits for the load', 128),
    Case('small-tls', '128 B, kept alive, TLS on both sides', 128, client_tls=True,
         connections=128),
    Case('16k', '16 KB, kept alive, plain client, TLS upstream', 16 << 10),
    Case('1m', '1 MB, kept alive, plain client, TLS upstream', 1 << 20),
    Case('1m-tls', '1 MB, kept alive, TLS on both sides', 1 << 20, client_tls=True),
    Case('fresh-resumed', '128 B, a new resumed TLS connection upstream for each request', 128,
         upstream=RESUMED),
    Case('fresh-full', '128 B, a new full TLS handshake upstream for each request', 128,
         upstream=FULL),
    Case('client-resumed', '128 B, a new resumed TLS connection of a client for each request', 128,
         client_tls=True, clients=RESUMED),
    Case('client-full', '128 B, a new full TLS handshake with a client for each request', 128,
         client_tls=True, clients=FULL),
    Case('half-load', '128 B at half of the rate that saturates the slowest', 128, clients=PACED,
         connections=64, figure='p99_us'),
    Case('churn', '128 B, 4 workers, a new TLS connection upstream for each, from second 1 on', 128,
         upstream=RESUMED, figure='resumed_share', workers=4, settle_seconds=1.0),
    Case('idle', '128 B, beside idle connections of clients', 128, connections=128,
         beside=Beside('idle', idle_clients=True)),
    Case('workers', '128 B, two workers against one', 128, connections=128,
         beside=Beside('2nd', workers=2)),
)}
