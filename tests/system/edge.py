"""edge - the usual set-up of a test file: one ringway, an origin behind it, and a canary.

The origin's script is what a test changes; the canary has an origin of its own that always answers
well, so that a test can tell whether the proxy survived what the first one did.
"""
import itertools
import re

import certs
import client
import origin as origins
import ringway
import wire

TOKENS = itertools.count(1)
TIMEOUTS = """
proxy_connect_timeout 900ms; proxy_read_timeout 900ms; proxy_send_timeout 900ms;
client_header_timeout 1500ms; client_body_timeout 1500ms; send_timeout 1500ms;
"""
FOR_NGINX = """
proxy_http_version 1.1; proxy_set_header Connection ""; proxy_ssl_verify on;
proxy_ssl_server_name on; proxy_ssl_verify_depth 9;
proxy_ssl_protocols TLSv1.2 TLSv1.3; ssl_protocols TLSv1.2 TLSv1.3;
"""


def tls_settings(pki, name=certs.NAME, more=""):
    """What a location needs to verify the test's origins."""
    named = f"proxy_ssl_name {name};" if name else ""
    return f"proxy_ssl_trusted_certificate {pki.root.cert_file}; {named} {more}\n"


def canary_script():
    def answer(request):
        return wire.response(200, f"canary {request.target}".encode(), [("Connection", "close")])
    return origins.serve(answer, is_last=lambda request: True)


class Edge:
    """A ringway with `origin` behind location / and a canary behind location = /canary.

    body: more text for the server block; settings: for the http block; blocks: more server or
    upstream blocks; group: the server lines of upstream "origin" (default: the origin alone).
    """

    def __init__(self, start, make_origin, pki, *, is_tls=False, body="", settings="", blocks="",
                 group="", location="", keepalive=8, **more):
        self.pki, self.is_tls = pki, is_tls
        self.origin_pair = pki.leaf(certs.NAME)
        context = certs.server_context(self.origin_pair) if is_tls else None
        self.origin = make_origin(tls=context)
        self.canary_origin = make_origin(canary_script())
        self.port = ringway.free_ports()
        self.scheme = "https" if is_tls else "http"
        group = group or f"server {self.origin.address} max_fails=0;"
        default = ("" if re.search(r"location\s+/\s*{", body) else
                   f"location / {{ proxy_pass {self.scheme}://origin; {location} }}\n")
        self.configuration = ringway.http(
            f"upstream origin {{ {group} keepalive {keepalive}; }}",
            f"upstream canary {{ server {self.canary_origin.address} max_fails=0; }}",
            ringway.server(self.port, "server_name www.test;\n"
                           "location = /canary { proxy_pass http://canary; }\n" + default + body),
            blocks,
            settings=TIMEOUTS + (tls_settings(pki) if is_tls else "") + settings
            + (FOR_NGINX if ringway.is_nginx(ringway.binary()) else ""))
        self.ringway = start(self.configuration, **more)

    # --- verbs ----------------------------------------------------------------------------------

    def get(self, target="/", method="GET", **more):
        """One request on a connection of its own, with Connection: close."""
        return client.get(self.port, target, method, **more)

    def try_get(self, target="/", method="GET", **more):
        """As get(), but a connection that ends before the head is a Message with status 0."""
        try:
            return self.get(target, method, **more)
        except wire.Cut as cut:
            return wire.Message(start="HTTP/1.1 0 none", cut=str(cut))

    def connect(self, **more):
        return client.Client(self.port, **more)

    def canary(self):
        target = f"/canary?{next(TOKENS)}"
        answer = client.get(self.port, target)
        assert (answer.status, answer.body) == (200, f"canary {target}".encode()), answer
        return answer

    def unharmed(self):
        """Context around one test."""
        return self.ringway.stays_unharmed(self.canary, [self.origin, self.canary_origin])
