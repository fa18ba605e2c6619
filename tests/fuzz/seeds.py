#!/usr/bin/python3
"""seeds - what the fuzzers begin with, made of the cases that nginx and ringway are compared by.

    tests/fuzz/seeds.py FOLDER [EVERY]

FOLDER/<fuzzer>/ gets files named by what is in them, and FOLDER/files the tree that configurations
serve; the fuzzers run there. EVERY: one seed of so many (1).
"""
import collections
import hashlib
import importlib
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "system"))
import beside  # noqa: E402  it lies beside the system tests

WORDS = {"port": "8080", "port2": "8081", "root": "files", "origin": "127.0.0.1:9001",
         "other": "127.0.0.1:9002", "tls_origin": "127.0.0.1:9003", "closed": "127.0.0.1:9004",
         "stuck": "127.0.0.1:9005", "cert": "none.crt", "key": "none.key", "ca": "none.ca",
         "tls": ""}
ASKS_PER_SEED = 3
BYTES_MAX = 8192  # what is larger is slow, and says little more
SENT_BYTES_MAX = 2048  # in one connection


def text(of):
    """Upstreams are plain: those of the fuzzers know no TLS."""
    of = re.sub(r"\{([a-z_]+\d?)\}", lambda found: WORDS.get(found[1], found[0]), of)
    return of.replace("proxy_pass https://", "proxy_pass http://")


def cases():
    for path in sorted((TESTS / "system" / "beside_cases").glob("[!_]*.py")):
        yield from getattr(importlib.import_module(f"beside_cases.{path.stem}"), "CASES", ())


def answers_of(case):
    """Those that the case's origins have for some target, and the usual one."""
    return [one for one in case.answers.values() if isinstance(one, bytes)] or [b""]


def scripts_of(case, sent):
    """What proxy_rewrite reads: the http block's text, the server's, an answer, connections."""
    answers = answers_of(case)
    for i in range(0, len(sent), ASKS_PER_SEED):
        parts = [text(case.http).encode(), text(case.server or "").encode(),
                 answers[i // ASKS_PER_SEED % len(answers)], *sent[i:i + ASKS_PER_SEED]]
        yield b"\0".join(part.replace(b"\0", b"") for part in parts)


def whole(case):
    server = f"server {{ listen 8080; server_name {beside.HOST};\n{text(case.server or '')} }}"
    return f"events {{}}\nhttp {{\n{text(case.http)}\n{server}\n}}\n".encode()


def seeds_of(case):
    """(fuzzer, bytes) of one case."""
    sent = [b"".join(data for data, _ in ask.parts) for ask in case.asks]
    sent = [data for data in sent if len(data) <= SENT_BYTES_MAX]
    for script in scripts_of(case, sent):
        yield "proxy_rewrite", script
    for fuzzer in "conf_build", "conf_understood":
        yield fuzzer, whole(case)
    for word in re.findall(r'"([^"]*\$[^"]*)"|([^\s;"]*\$[^\s;"]*)', text(case.server or "")):
        yield "conf_template", "".join(word).encode()
    for target in re.findall(rb"^[A-Z]+ (/[^\s?]*)(\S*)", b"\n".join(sent), re.M):
        for kind in b"\0", b"\1", b"\2":
            yield "http_escape", kind + b"".join(target)
            yield "http_path", kind + target[0]


def main(folder, every):
    if not (folder / "files").exists():
        beside.make_files(folder / "files")
    counts = collections.Counter()
    for case in cases():
        for fuzzer, seed in seeds_of(case):
            counts[fuzzer] += 1
            if len(seed) > BYTES_MAX or counts[fuzzer] % every:
                continue
            path = folder / fuzzer / hashlib.sha256(seed).hexdigest()[:16]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
