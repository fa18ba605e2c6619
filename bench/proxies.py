"""The proxies of the bench: one row says how to find one, configure it and start it.

The configurations mean the same: one worker, verified TLS 1.3 to the origin, HTTP/1.1 kept alive
on both sides unless the case says otherwise, no access log, nothing that ends a connection during
a run. ringway reads nginx's text; what nginx alone needs is marked.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cases
from cases import Case
from host import ORIGIN_NAME, PROXY_NAME, ROOT, Certificates, Failure

SUBJECT = 'ringway'  # the one that the others are held against
FLOOR = 'relay'      # relay.c: bytes from socket to socket, with neither TLS nor HTTP
CONNECTIONS_SPARE = 1024  # of a worker, for connections to the origin and for listening


@dataclass(frozen=True)
class Setup:
    """What a configuration is written for."""
    case: Case  # or another with client_tls, upstream and body_bytes
    directory: Path
    port: int
    origin_port: int
    certificates: Certificates
    name: str = SUBJECT     # of the files that the proxy writes
    workers: int = 1
    clients_max: int = 3072  # at the same time
    groups: tuple[str, ...] = ()  # names of hosts that have a group of upstreams each
    only_ringway: str = ''        # lines for its "events"


@dataclass(frozen=True)
class Kind:
    """What a binary understands."""
    config: Callable[[Setup], str]
    arguments: tuple[str, ...]  # {config}, {directory}, {name} and the two ports are replaced
    version: tuple[str, ...]    # arguments that print the version; none: it has none


@dataclass(frozen=True)
class Proxy:
    name: str
    kind: str
    binary: str
    cases: tuple[str, ...] = () # where it takes part; none: in all

    def takes_part(self, name: str) -> bool:
        return not self.cases or name in self.cases

    def found(self) -> str | None:
        return shutil.which(self.binary)

    def command(self, setup: Setup) -> list[str]:
        kind = KINDS[self.kind]
        path = setup.directory / f'{setup.name}.conf'
        path.write_text(kind.config(setup))
        values = {'config': path, 'directory': setup.directory, 'name': setup.name,
                  'port': setup.port, 'origin_port': setup.origin_port}
        return [self.found() or self.binary, *(a.format(**values) for a in kind.arguments)]

    def version_text(self) -> str:
        if not KINDS[self.kind].version:
            return ''
        result = subprocess.run([self.found() or self.binary, *KINDS[self.kind].version],
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        number = re.search(r'\d+\.\d+[\w.+~-]*', result.stdout)
        return number[0] if number else 'unknown'


# --- nginx's language -------------------------------------------------------------------------

def nginx_config(setup: Setup) -> str:
    # nginx alone: it would change to a user who may not write its folders, and would spill to disk
    # what a slow client has not read yet. Buffers as large as this halve its CPU for 1 MB and cost
    # nothing for small bodies; without buffering it is the slowest.
    folders = ''.join(f'    {kind}_temp_path {setup.directory}/temp;\n' for kind in
                      ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    return nginx_language(setup, '', folders + '''
    proxy_max_temp_file_size 0;
    proxy_buffer_size 64k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 192k;
''')


def ringway_config(setup: Setup) -> str:
    return nginx_language(setup, setup.only_ringway, '')


def nginx_language(setup: Setup, events: str, only_here: str) -> str:
    affinity = '\nworker_cpu_affinity 1;' if setup.workers == 1 else ''
    hosts = ''.join(nginx_host(setup, host) for host in setup.groups or (PROXY_NAME,))
    return f'''daemon off;
worker_processes {setup.workers};{affinity}
pid {setup.directory}/{setup.name}.pid;
error_log {setup.directory}/{setup.name}.log warn;

events {{
    worker_connections {setup.clients_max + CONNECTIONS_SPARE};{events}
}}

http {{
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
{only_here}{hosts}}}
'''


def nginx_host(setup: Setup, host: str) -> str:
    """A server, and the group of upstreams that it alone passes its requests to."""
    case, files = setup.case, setup.certificates
    pooled = case.upstream == cases.POOLED
    keepalive = '''
        keepalive 512;
        keepalive_requests 1000000000;
        keepalive_timeout 600s;''' if pooled else ''
    listen_tls = f'''
        ssl_certificate {files.proxy_cert};
        ssl_certificate_key {files.proxy_key};
        ssl_protocols TLSv1.3;''' if case.client_tls else ''
    name = f'\n        server_name {host};' if setup.groups else ''
    return f'''
    upstream origin.{host} {{
        server 127.0.0.1:{setup.origin_port};{keepalive}
    }}

    server {{
        listen 127.0.0.1:{setup.port}{' ssl' if case.client_tls else ''};{listen_tls}{name}

        location / {{
            proxy_pass https://origin.{host};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Connection "{'' if pooled else 'close'}";
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_trusted_certificate {files.ca};
            proxy_ssl_verify on;
            proxy_ssl_name {ORIGIN_NAME};
            proxy_ssl_server_name on;
            proxy_ssl_session_reuse {'off' if case.upstream == cases.FULL else 'on'};
        }}
    }}
'''


# --- HAProxy's language -----------------------------------------------------------------------

def haproxy_config(setup: Setup) -> str:
    case, files = setup.case, setup.certificates
    pooled = case.upstream == cases.POOLED
    listen_tls = f' ssl crt {files.proxy_both} ssl-min-ver TLSv1.3' if case.client_tls else ''
    # A third less CPU for large bodies than with its own 16 KB, two percent more for small ones.
    buffers = '\n    tune.bufsize 65536' if case.body_bytes >= 16384 else ''
    # The name given as "sni" is also the one that the origin's certificate must have.
    server = f'''    server origin 127.0.0.1:{setup.origin_port} pool-purge-delay 600s \
ssl ssl-min-ver TLSv1.3 verify required ca-file {files.ca} \
sni str({ORIGIN_NAME})\
{' no-ssl-reuse' if case.upstream == cases.FULL else ''}
'''
    hosts = setup.groups or (PROXY_NAME,)
    backends = ''.join(f'\nbackend origin.{host}\n{server}' for host in hosts)
    choice = 'origin.%[req.hdr(host)]' if setup.groups else f'origin.{PROXY_NAME}'
    # It counts two descriptors for each client, and would end where the limit is lower; and where
    # a quarter of them is in use, it would no longer keep connections to the origin.
    return f'''global
    nbthread {setup.workers}
    no strict-limits
    tune.pool-high-fd-ratio 100
    tune.pool-low-fd-ratio 100
    maxconn {setup.clients_max + CONNECTIONS_SPARE}{buffers}

defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    option {'http-keep-alive' if pooled else 'http-server-close'}
    http-reuse {'always' if pooled else 'never'}

frontend in
    bind 127.0.0.1:{setup.port}{listen_tls}
    use_backend {choice}
{backends}'''


KINDS = {
    'nginx': Kind(nginx_config, ('-p', '{directory}', '-e', '{directory}/{name}.log',
                                 '-c', '{config}'), ('-v',)),
    'haproxy': Kind(haproxy_config, ('-db', '-f', '{config}'), ('-v',)),
    SUBJECT: Kind(ringway_config, ('-p', '{directory}', '-c', '{config}'), ('-v',)),
    FLOOR: Kind(lambda setup: '', ('{port}', '{origin_port}'), ()),
}

PROXIES = (
    Proxy('nginx', 'nginx', 'nginx'),
    Proxy('haproxy', 'haproxy', 'haproxy'),
    Proxy(SUBJECT, SUBJECT, str(ROOT / 'build/release/ringway')),
    Proxy(FLOOR, FLOOR, str(ROOT / 'build/release/relay'), ('small', 'small-few', '16k', '1m')),
)
PEER_KINDS = tuple(kind for kind in KINDS if kind != FLOOR)


def peer_of(text: str) -> Proxy:
    """NAME=KIND:BINARY, as --peer wants it: "nginx-1.28=nginx:/opt/nginx/sbin/nginx"."""
    found = re.fullmatch(r'([\w.-]+)=(\w+):(.+)', text)
    if not found or found[2] not in PEER_KINDS:
        raise Failure(f"--peer wants NAME=KIND:BINARY, KIND of {', '.join(PEER_KINDS)};"
                      f' not "{text}"')
    proxy = Proxy(*found.groups())
    if proxy.name in (each.name for each in PROXIES):
        raise Failure(f'--peer {proxy.name}: that is the name of another')
    if not proxy.found():
        raise Failure(f'--peer {proxy.name}: there is no program {proxy.binary}')
    return proxy
