"""What stands before a request: the header of the PROXY protocol."""
import socket
import struct

from beside import ask, behind, case, on_one_connection, over_tls, raw
from wire import request

V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 8080\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
SAID = ("$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|"
        "$proxy_protocol_server_port|$remote_addr|$port_of_preludes|$realip_remote_addr|"
        "$own_of_preludes|$proxy_add_x_forwarded_for")


# Those of connections, in place of a header's, differ from run to run.
PORTS = """
map $remote_port $port_of_preludes { default $remote_port; "~^[3-6]\\d{4}$" any; }
map $realip_remote_port $own_of_preludes { default $realip_remote_port; "~^[3-6]\\d{4}$" any; }
"""


def v2(family, addresses, command=0x21, length=None):
    return SIGNATURE + bytes([command, family]) + struct.pack(
        "!H", len(addresses) if length is None else length) + addresses


def pair(family, one, other, ports=(5000, 443)):
    return (socket.inet_pton(family, one) + socket.inet_pton(family, other)
            + struct.pack("!HH", *ports))


IP4 = pair(socket.AF_INET, "192.0.2.3", "192.0.2.4")
IP6 = pair(socket.AF_INET6, "2001:db8::1", "2001:db8::2")
GOOD = (
    V1, b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff:f::1 ffff::2 65535 65535\r\n", v2(0x11, IP4), v2(0x21, IP6),
    v2(0x11, IP4 + b"\x04\x00\x03abc"), v2(0x00, b"", 0x20), v2(0x11, IP4, 0x20),
    v2(0x12, IP4), v2(0x31, bytes(216)), v2(0x00, b""), v2(0x41, IP4),
    b"PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 1\r\n",
)
BROKEN = (
    b"PROXY TCP4 192.0.2.1 192.0.2.2 5000\r\n", b"PROXY TCP4 192.0.2.1\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 65536\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 a 1\r\n",
    b"PROXY TCP4 300.0.2.1 192.0.2.2 1 1\r\n", b"PROXY TCP4 2001:db8::1 2001:db8::2 1 1\r\n",
    b"PROXY TCP6 192.0.2.1 192.0.2.2 1 1\r\n", b"PROXY TCP5 192.0.2.1 192.0.2.2 1 1\r\n",
    b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 1\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 1 \r\n",
    b"proxy TCP4 192.0.2.1 192.0.2.2 1 1\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 1\n",
    b"PROXY TCP4 " + b"1" * 120 + b"\r\n", b"PROXY\r\n", b"PROX", V1 + V1,
    v2(0x11, IP4[:11]), v2(0x21, IP6[:35]), v2(0x11, IP4, 0x31), v2(0x11, IP4, 0x22),
    v2(0x11, IP4, length=4081), v2(0x11, IP4 + b"\x04\xff\xffabc"),
    SIGNATURE[:-1] + b"\r" + bytes(4),
    b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n", b"\x16\x03\x01\x00\x05hello",
)


def odd(header):
    """In one piece: what is not read when a connection is closed resets it."""
    return raw(header + b"\r\n" + request("/"))


CASES = [
    case("proxy_protocol", f"""
        access_log logs/proxy_protocol.log of_preludes;
        location / {{ return 200 "{SAID}"; }}
        location /up {{ proxy_pass http://{{origin}}; proxy_set_header X-Real $proxy_protocol_addr;
                        proxy_set_header X-For $proxy_add_x_forwarded_for; }}
        """, *(behind(header, one) for header in GOOD for one in ("/", "/up")),
         behind(V1, on_one_connection("/", "/up", "/")),
         behind(V1, raw(b"rubbish\r\n\r\n")), listen=" proxy_protocol",
         http=PORTS + "log_format of_preludes "
                      "'$remote_addr $proxy_protocol_addr $status $request';"),
    case("proxy_protocol_broken", f'location / {{ return 200 "{SAID}"; }}',
         *(odd(header) for header in BROKEN), listen=" proxy_protocol", http=PORTS),
    case("proxy_protocol_real_ip", f"""
        set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
        access_log logs/proxy_protocol_real_ip.log of_preludes_2;
        location / {{ return 200 "{SAID}"; }}
        location /up {{ proxy_pass http://{{origin}}; proxy_set_header X-Real $remote_addr;
                        proxy_set_header X-For $proxy_add_x_forwarded_for; }}
        location /only {{ allow 192.0.2.0/29; deny all; proxy_pass http://{{origin}}; }}
        location /by-list {{ real_ip_header X-Forwarded-For; proxy_pass http://{{origin}};
                             proxy_set_header X-Said "{SAID}"; }}
        """, *(behind(header, one) for header in GOOD for one in ("/", "/up", "/only")),
         behind(V1, ask("/by-list", fields=[("X-Forwarded-For", "203.0.113.9")])),
         behind(V1, ask("/", fields=[("X-Forwarded-For", "203.0.113.9")])),
         behind(V1, on_one_connection("/", "/up", "/")), listen=" proxy_protocol",
         http=PORTS + "log_format of_preludes_2 "
                      "'$remote_addr $realip_remote_addr $proxy_protocol_addr';"),
    case("proxy_protocol_untrusted", f"""
        set_real_ip_from 192.0.2.0/24; real_ip_header proxy_protocol;
        location / {{ return 200 "{SAID}"; }}
        """, behind(V1, "/"), behind(v2(0x11, IP4), "/"), listen=" proxy_protocol",
         http=PORTS),
    case("proxy_protocol_over_tls", f"""
        ssl_certificate {{cert}}; ssl_certificate_key {{key}};
        ssl_protocols TLSv1.2 TLSv1.3;
        set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
        location / {{ return 200 "{SAID}|$ssl_protocol"; }}
        """, *(behind(header, over_tls("/")) for header in GOOD),
         behind(V1, "/"), over_tls("/"),
         listen=" ssl proxy_protocol",
         http=PORTS),
    case("no_proxy_protocol", f'location / {{ return 200 "{SAID}"; }}',
         behind(V1, "/"), behind(v2(0x11, IP4), "/"), "/", http=PORTS),
]
