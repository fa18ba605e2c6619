"""everything - one configuration that uses all that workers share, and what is asked of it.

Its upstreams are servers of the same binary. rewrite(generation) replaces the files it names and
returns the text that goes with them: zones, groups and certificates of another content each time.
"""
import base64
import os
import subprocess
from pathlib import Path

import certs
import dns
import ringway
import wire
from test_stapling import Responder

SIZE = 300_000  # of the large answer
CREDENTIALS = ("Authorization", "Basic " + base64.b64encode(b"user:word").decode())
LARGE_BODY = wire.pattern(20_000)
# target, status, method, body
ASKED = [
    ("/plain", 200, "GET", None),
    ("/map/?key=b", 200, "GET", None),
    ("/auth/", 200, "GET", None),
    ("/resolved/", 200, "GET", None),
    ("/body/", 200, "POST", LARGE_BODY),
    ("/asked/", 200, "GET", None),
    ("/zones/", 200, "GET", None),
    ("/full/", 503, "GET", None),
    ("/file/large", 200, "GET", None),
    ("/try/missing", 404, "GET", None),
    ("/spill/large", 200, "GET", None),
]


class Everything:
    def __init__(self, folder, pki):
        self.folder, self.pki = folder, pki
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.plain_port, self.first, self.second, self.log_port = ringway.free_ports(5)
        self.dns = dns.Server()
        self.dns.zone["host.test"] = dns.Answer(["127.0.0.1"], ttl=1)
        self.responder = Responder(pki)
        for name in "root", "logs", "temp":
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(0o777)
        (folder / "root/large").write_bytes(b"y" * SIZE)
        self.replace("ticket.key", os.urandom(80))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        folder / "rsa.key", "-out", folder / "rsa.pem", "-subj", "/CN=rsa"],
                       capture_output=True, check=True)

    def replace(self, name, data):
        """As an administrator does it: the old content or the new one, never a part."""
        (self.folder / "new").write_bytes(data)
        (self.folder / "new").rename(self.folder / name)

    def rewrite(self, generation):
        first, other = self.pki.leaf(certs.NAME), self.pki.leaf("other.test")
        for name, pair in ("first", first), ("other", other):
            self.replace(f"{name}.pem", pair.pem + self.pki.root.pem)
            self.replace(f"{name}.key", Path(pair.key_file).read_bytes())
        self.replace("staple.der", self.responder.make(first))
        self.replace("users", f"user:{{PLAIN}}word\nmore{generation}:{{PLAIN}}x\n".encode())
        return self.text(generation)

    def text(self, generation):
        at, zone, group = self.folder, f"zone{generation % 3}", f"group{generation % 4}"
        http = ringway.http(
            f"""upstream {group} {{ zone {group} 64k; server 127.0.0.1:{self.first} max_fails=0;
                server 127.0.0.1:{self.second} max_fails=0; keepalive 4; }}""",
            ringway.server(self.port, self.body(group, zone), " ssl")
            .replace("{\n", f"{{\nlisten 127.0.0.1:{self.plain_port};\n", 1),
            ringway.server(self.port, f"""server_name other.test;
                ssl_certificate {at}/other.pem; ssl_certificate_key {at}/other.key;
                return 200 other;""", " ssl"),
            *(ringway.server(port, f"""root {at}/root; location / {{ return 200 "{generation}"; }}
                location /large {{ }}""") for port in (self.first, self.second)),
            settings=f"""
            log_format line '$remote_addr "$request" $status $mapped $request_time $request_id';
            map $arg_key $mapped {{ default a{generation}; b b{generation}; ~^c c; }}
            limit_req_zone $binary_remote_addr zone={zone}:{64 + generation % 2 * 64}k rate=9000r/s;
            limit_req_zone $binary_remote_addr zone=full{generation % 2}:64k rate=1r/m;
            limit_conn_zone $server_name zone=conns{generation % 2}:64k;
            open_log_file_cache max=4 inactive=1s valid=1s;
            resolver {self.dns.address} ipv6=off valid=1s; resolver_timeout 2s;
            client_body_temp_path {at}/temp 1; client_body_buffer_size 1k;
            keepalive_timeout {50 + generation}s; proxy_temp_path {at}/temp;""")
        return http.replace("access_log off;", "", 1).replace("full0", f"full{generation % 2}")

    def body(self, group, zone):
        at, parity = self.folder, int(group[-1]) % 2
        return f"""
        ssl_certificate {at}/first.pem; ssl_certificate_key {at}/first.key;
        ssl_certificate {at}/rsa.pem; ssl_certificate_key {at}/rsa.key;
        ssl_session_cache shared:tls:1m; ssl_session_ticket_key {at}/ticket.key;
        ssl_stapling on; ssl_stapling_file {at}/staple.der;
        access_log {at}/logs/packed.gz line gzip=1 flush=100ms;
        access_log {at}/logs/$status.log line;
        access_log syslog:server=127.0.0.1:{self.log_port} line;
        root {at}/root;
        location /plain {{ proxy_pass http://{group}; }}
        location /map/ {{ proxy_set_header X-Mapped $mapped; proxy_pass http://{group}; }}
        location /auth/ {{ auth_basic all; auth_basic_user_file {at}/users;
            proxy_pass http://{group}; }}
        location /resolved/ {{ set $to host.test; proxy_pass http://$to:{self.first}; }}
        location /body/ {{ client_body_in_file_only clean; proxy_pass http://{group}; }}
        location /asked/ {{ auth_request /gate; proxy_pass http://{group}; }}
        location = /gate {{ internal; proxy_pass http://{group}; }}
        location /zones/ {{ limit_req zone={zone} burst=1000 nodelay;
            limit_conn conns{parity} 1000; proxy_pass http://{group}; }}
        location /full/ {{ limit_req zone=full{parity}; proxy_pass http://{group}; }}
        location /file/ {{ alias {at}/root/; }}
        location /try/ {{ try_files $uri /other$uri =404; }}
        location /spill/ {{ proxy_buffers 4 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 8k;
            proxy_max_temp_file_size 1m; proxy_pass http://{group}/; }}
        """

    def ask(self, connection, row):
        """Asks one of ASKED; returns what is wrong with the answer, or None."""
        target, status, method, body = row
        answer = connection.ask(target, method, body=body, fields=[CREDENTIALS])
        if answer.status != status and not (status == 503 and answer.status == 200):
            return target, answer.status, answer.body[:80]
        if target.endswith("large") and len(answer.body) != SIZE:
            return target, len(answer.body)
        return None

    def left_files(self):
        """Temporary files that nobody removed."""
        return [path for path in (self.folder / "temp").rglob("*") if path.is_file()]

    def close(self):
        self.dns.close()
        self.responder.close()
