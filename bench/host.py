"""What the bench needs of the host: packages, two cores, free ports, certificates, the origin."""

import os
import resource
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / 'bench'
BUILD = ROOT / 'build/bench'
RELEASE = ROOT / 'build/release'

# As taskset wants them. One core for the proxy, so that one worker is all that is measured; the
# rest of the machine, without the load's, where several workers may have one each.
PROXY_CORE = '0'
LOAD_CORE = '1'

ORIGIN_NAME = 'origin.bench.test'
PROXY_NAME = 'proxy.bench.test'

LOAD_PACKAGES = ('wrk', 'gcc', 'libc6-dev', 'libssl-dev', 'openssl', 'util-linux')
PROXY_PACKAGES = ('nginx', 'haproxy')


class Failure(Exception):
    """Something that makes the bench's numbers wrong or impossible: told in one line, exit 1."""


def install_packages(*names: str) -> None:
    command = ['bash', '-c', '. scripts/lib.sh; servers_are_installed "$@"', 'bench', *names]
    if subprocess.run(command, cwd=ROOT).returncode:
        raise Failure('the packages of the bench cannot be installed')


def build(*targets: str) -> None:
    """Of the release build."""
    if subprocess.run(['scripts/build', 'release', *targets], cwd=ROOT).returncode:
        raise Failure(f"{', '.join(targets)}: not built")


def check_cores() -> None:
    missing = {int(PROXY_CORE), int(LOAD_CORE)} - os.sched_getaffinity(0)
    if missing:
        raise Failure(f'the bench needs cores {PROXY_CORE} and {LOAD_CORE}')


def worker_cores() -> str:
    return ','.join(str(core) for core in sorted(os.sched_getaffinity(0) - {int(LOAD_CORE)}))


def raise_descriptors() -> int:
    """To the most that this user may have; all processes of the bench inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


# Below the range that the kernel takes ports of outgoing connections from.
_next_port = 23100


def free_port() -> int:
    global _next_port
    while _next_port < 32768:
        _next_port += 1
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', _next_port))
                return _next_port
            except OSError:
                continue
    raise Failure('no free port')


def build_origin() -> Path:
    source, binary = BENCH / 'origin.c', BUILD / 'origin'
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        command = ['gcc', '-std=gnu17', '-O2', '-g', '-D_GNU_SOURCE', '-Wall', '-Wextra',
                   '-o', binary, source, '-lssl', '-lcrypto']
        if subprocess.run(command).returncode:
            raise Failure('bench/origin.c does not compile')
    return binary


@dataclass(frozen=True)
class Certificates:
    ca: Path
    origin_cert: Path
    origin_key: Path
    proxy_cert: Path
    proxy_key: Path
    proxy_both: Path  # certificate and key in one file, as HAProxy wants them


OPENSSL_CONFIG = '''[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
'''


def make_certificates(directory: Path) -> Certificates:
    """A CA and two servers' certificates, all of P-256, fresh for each run."""
    config = directory / 'openssl.cnf'

    def make(stem: str, name: str, section: str, *more: str) -> tuple[Path, Path]:
        cert, key = directory / f'{stem}.pem', directory / f'{stem}.key'
        command = ['openssl', 'req', '-x509', '-config', config, '-extensions', section,
                   '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256',
                   '-days', '30', '-subj', f'/CN={name}', '-keyout', key, '-out', cert, *more]
        result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if result.returncode:
            raise Failure(f'openssl cannot make a certificate:\n{result.stderr}')
        return cert, key

    config.write_text(OPENSSL_CONFIG)
    ca, ca_key = make('ca', 'ringway bench CA', 'ca')
    leaves = {}
    for stem, name in (('origin', ORIGIN_NAME), ('proxy', PROXY_NAME)):
        config.write_text(f'{OPENSSL_CONFIG}subjectAltName = DNS:{name}\n')
        leaves[stem] = make(stem, name, 'leaf', '-CA', str(ca), '-CAkey', str(ca_key))
    both = directory / 'proxy.both.pem'
    both.write_text(''.join(path.read_text() for path in leaves['proxy']))
    return Certificates(ca, *leaves['origin'], *leaves['proxy'], both)
