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
from host import ORIGIN_NAME, ROOT, Certificates


@dataclass(frozen=True)
class Setup:
    """What a configuration is written for."""
    case: Case
    directory: Path
    port: int
    origin_port: int
    certificates: Certificates


@dataclass(frozen=True)
class Proxy:
    name: str
    binary: str
    config: Callable[[Setup], str]
    arguments: tuple[str, ...]  # {config}, {directory} and the two ports are replaced
    version: tuple[str, ...]    # arguments that print the version; none: it has none
    cases: tuple[str, ...] = () # where it takes part; none: in all

    def takes_part(self, case: Case) -> bool:
        return not self.cases or case.name in self.cases

    def found(self) -> str | None:
        return shutil.which(self.binary)

    def command(self, setup: Setup) -> list[str]:
        path = setup.directory / f'{self.name}.conf'
        path.write_text(self.config(setup))
        values = {'config': path, 'directory': setup.directory, 'port': setup.port,
                  'origin_port': setup.origin_port}
        return [self.found() or self.binary, *(a.format(**values) for a in self.arguments)]

    def version_text(self) -> str:
        if not self.version:
            return ''
        result = subprocess.run([self.found() or self.binary, *self.version], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        number = re.search(r'\d+\.\d+[\w.+~-]*', result.stdout)
        return number[0] if number else 'unknown'


# --- nginx's language -------------------------------------------------------------------------

def nginx_config(setup: Setup) -> str:
    # nginx alone: it would change to a user who may not write its folders, and would spill to disk
    # what a slow client has not read yet. Buffers as large as this halve its CPU for 1 MB and cost
    # nothing for small bodies; without buffering it is the slowest.
    folders = ''.join(f'    {kind}_temp_path {setup.directory}/temp;\n' for kind in
                      ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    return nginx_language(setup, 'nginx', folders + '''
    proxy_max_temp_file_size 0;
    proxy_buffer_size 64k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 192k;
''')


def ringway_config(setup: Setup) -> str:
    return nginx_language(setup, 'ringway', '')


def nginx_language(setup: Setup, name: str, only_here: str) -> str:
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
    return f'''daemon off;
worker_processes 1;
worker_cpu_affinity 1;
pid {setup.directory}/{name}.pid;
error_log {setup.directory}/{name}.log warn;

events {{
    worker_connections 4096;
}}

http {{
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
{only_here}
    upstream origin {{
        server 127.0.0.1:{setup.origin_port};{keepalive}
    }}

    server {{
        listen 127.0.0.1:{setup.port}{' ssl' if case.client_tls else ''};{listen_tls}

        location / {{
            proxy_pass https://origin;
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
    return f'''global
    nbthread 1
    maxconn 4096{buffers}

defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    option {'http-keep-alive' if pooled else 'http-server-close'}
    http-reuse {'always' if pooled else 'never'}

frontend in
    bind 127.0.0.1:{setup.port}{listen_tls}
    default_backend origin

backend origin
    server origin 127.0.0.1:{setup.origin_port} pool-purge-delay 600s \
ssl ssl-min-ver TLSv1.3 verify required ca-file {files.ca} \
sni str({ORIGIN_NAME})\
{' no-ssl-reuse' if case.upstream == cases.FULL else ''}
'''


SUBJECT = 'ringway'  # the one that the others are held against
FLOOR = 'relay'      # relay.c: bytes from socket to socket, with neither TLS nor HTTP

PROXIES = (
    Proxy('nginx', 'nginx', nginx_config,
          ('-p', '{directory}', '-e', '{directory}/nginx.log', '-c', '{config}'), ('-v',)),
    Proxy('haproxy', 'haproxy', haproxy_config, ('-db', '-f', '{config}'), ('-v',)),
    Proxy(SUBJECT, str(ROOT / 'build/release/ringway'), ringway_config,
          ('-p', '{directory}', '-c', '{config}'), ('-v',)),
    Proxy(FLOOR, str(ROOT / 'build/release/relay'), lambda setup: '', ('{port}', '{origin_port}'),
          (), ('small', 'small-few')),
)
