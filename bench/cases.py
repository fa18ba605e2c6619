"""The cases of the bench: one row is one kind of traffic that every proxy is put through."""

from dataclasses import dataclass

POOLED = 'pooled'    # connections to the origin are kept and used again
RESUMED = 'resumed'  # a new connection to the origin for each request, its TLS session resumed
FULL = 'full'        # the same, with a full handshake each time


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    body_bytes: int
    client_tls: bool = False
    upstream: str = POOLED
    connections: int = 32  # that wrk keeps busy
    ratio_max: float | None = None  # ringway's CPU per request against the better of the others
    floor_ratio_max: float | None = None  # the same against the bare relay


CASES = {case.name: case for case in (
    # So many that wrk and the origin, which share a core, always have work waiting at the proxy.
    Case('small', '128 B, kept alive, plain client, TLS upstream', 128, connections=128,
         ratio_max=0.7, floor_ratio_max=1.15),
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
)}
