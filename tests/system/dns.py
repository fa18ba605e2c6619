"""dns - a name server of a test's own: UDP and TCP on 127.0.0.1, answers from a table.

    server = dns.Server()
    server.zone["a.test"] = dns.Answer(["127.0.0.1"], ttl=5)

What is not in the table does not exist. Questions are recorded.
"""
import contextlib
import ipaddress
import socket
import struct
import threading
from dataclasses import dataclass, field

import ports

A, CNAME, AAAA = 1, 5, 28
NXDOMAIN = 3


@dataclass
class Answer:
    """addresses of both kinds; code: of the whole answer; alias: a name that has the addresses."""
    addresses: list = field(default_factory=list)
    ttl: int = 60
    code: int = 0
    alias: str = None
    is_silent: bool = False
    is_too_long: bool = False  # over UDP: asks for TCP


class Server:
    def __init__(self, address="127.0.0.1"):
        self.zone, self.questions = {}, []
        self.port = ports.free()
        self.address = f"{address}:{self.port}"
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        self.tcp = socket.create_server((address, self.port))
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def close(self):
        # shutdown wakes the threads; it fails on a socket that is not connected, and wakes all
        # the same.
        for sock in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def asked(self, name, kind=A):
        return self.questions.count((name, kind))

    def _serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                question, peer = self.udp.recvfrom(4096)
                answer = question and self._answer(question, is_tcp=False)
                if answer:
                    self.udp.sendto(answer, peer)

    def _serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.tcp.accept()
                with sock, sock.makefile("rb") as stream:
                    size, = struct.unpack("!H", stream.read(2))
                    answer = self._answer(stream.read(size), is_tcp=True)
                    sock.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, question, is_tcp):
        name, kind, end = parse_question(question)
        self.questions.append((name, kind))
        said = self.zone.get(name, Answer(code=NXDOMAIN))
        if said.is_silent:
            return None
        records, pointer = [], b"\xc0\x0c"
        if said.alias:
            data = b"".join(bytes([len(part)]) + part.encode() for part in said.alias.split("."))
            records.append(record(pointer, CNAME, said.ttl, data + b"\0"))
            pointer = struct.pack("!H", 0xc000 | end + 12)
        for address in map(ipaddress.ip_address, said.addresses):
            if kind == (A if address.version == 4 else AAAA):
                records.append(record(pointer, kind, said.ttl, address.packed))
        is_cut = said.is_too_long and not is_tcp
        flags = 0x8180 | said.code | (0x200 if is_cut else 0)
        count = 0 if said.code or is_cut else len(records)
        return (question[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question[12:end]
                + b"".join(records[:count]))


def parse_question(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1").lower())
        at += data[at] + 1
    return ".".join(labels), struct.unpack("!H", data[at + 1:at + 3])[0], at + 5


def record(pointer, kind, ttl, data):
    return pointer + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
