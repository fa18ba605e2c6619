"""beside - nginx and ringway on the same configuration text: both are asked the same requests.

A Case is data: text for the configuration, and what is asked of it. World.compare(cases) starts
nginx with all cases in one file, each of them a server on a port of its own, asks everything and
stops it; then the same with ringway, on the same ports with the same origins, so that nothing has
to be translated. What differs comes back as a list of Difference; beside_allowed.py says which of
them are meant.
"""
import contextlib
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from itertools import zip_longest
from pathlib import Path

import beside_tls
import certs
import client
import dns
import origin as origins
import ports
import ringway
import wire
from test_stapling import Responder
from worlds import full_listener

HOST = "www.test"  # of most requests, and the name of each case's server
ANSWER_SECONDS = 4.0
SETTLE_SECONDS = 0.03  # until a server has taken what another connection sent
FILES_MODIFIED = 1_600_000_000  # so that Last-Modified and ETag say the same
# In one line, so that what follows has the same number for both.
NGINX_FOLDERS = " ".join(f"{kind}_temp_path temp/{kind};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
SERVER_NAMES = re.compile(rb"(?:nginx|ringway)/[\d.]+|(?<=<center>)(?:nginx|ringway)(?=</center>)")
BOUNDARIES = re.compile(rb"\r\n--\d{20}")
PAGE_SIZE = re.compile(r"( [345]\d\d )(\d+)(?![\d.])")
TIMES = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}(?::\d\d){3} [+-]\d{4}"
                   r"|\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d\d:\d\d|\b\d+\.\d{3}\b")


# --- what is asked ------------------------------------------------------------------------------

@dataclass(frozen=True)
class Ask:
    """One connection: each part is sent, then as many responses are read as it has methods. A
    number for a method is so many bytes that are no response: of a tunnel; "1xx" awaits no more
    than an interim response."""
    parts: tuple
    is_tls: bool = False
    sni: str = HOST
    shows: str = None    # which client certificate: Papers.clients
    begins: bytes = b""  # before anything else, TLS included
    is_resumed: bool = False  # a connection like it was there before, whose session it offers
    beside: bytes = b""  # what another connection has sent meanwhile
    flags: tuple = None  # no request: a handshake of openssl's client

    def __str__(self):
        if self.flags is not None:
            return f"handshake {self.sni} {' '.join(self.flags)}"
        more = [f"behind {self.begins!r}"] * bool(self.begins) + ["resumed"] * self.is_resumed
        return " + ".join([shown_request(data) for data, _ in self.parts] + more)


def shown_request(data):
    """Its line and its fields, but for the Host that most have."""
    lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return " | ".join(line[:70] for line in lines[:5] if line != f"Host: {HOST}")


def ask(target="/", method="GET", **more):
    """A request that is well formed; more: host, fields, body, version as in wire.request()."""
    return Ask(((wire.request(target, method, **more), (method,)),))


def raw(data, *methods):
    """Exact bytes, and the methods of the responses that are awaited: one, if none is named."""
    return Ask(((data, methods or ("GET",)),))


def on_one_connection(*asks):
    """What several asks say, each after the answer to the one before."""
    return Ask(tuple(part for one in asks for part in as_ask(one).parts))


def over_tls(one, sni=HOST, shows=None):
    return replace(as_ask(one), is_tls=True, sni=sni, shows=shows)


def behind(header, one):
    """The same behind a header of the PROXY protocol."""
    return replace(as_ask(one), begins=header)


def resumed(one, **more):
    return replace(over_tls(one, **more), is_resumed=True)


def beside(data, one):
    """The same while another connection has sent data, which leads to no answer yet."""
    return replace(as_ask(one), beside=data)


def handshake(*flags, sni=HOST):
    return Ask((), True, sni, flags=flags)


def as_ask(one):
    """A text is the target of a GET, bytes are raw()."""
    if isinstance(one, Ask):
        return one
    return raw(one) if isinstance(one, bytes) else ask(one)


@dataclass(frozen=True)
class Case:
    """A piece of configuration and what is asked of it.

    server is the text of a server block that listens on {port}; http stands before it, and may
    hold whole servers, maps and groups. Both may say {root}, {origin} and so on: World.words().
    answers: what the origins say, by target: bytes, or a function of (connection, request). A case
    files stand beside the configuration, and may say {root}, too. A case that is_alone has a
    configuration of its own, as its http text would change other cases; whole is the text of all
    of it.
    """
    name: str
    asks: tuple
    server: str = None
    http: str = ""
    listen: str = ""
    answers: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    is_alone: bool = False
    main: str = ""
    whole: str = ""


def case(name, server, *asks, **more):
    return Case(name, tuple(as_ask(one) for one in asks), server, **more)


@dataclass(frozen=True)
class Difference:
    case: str   # "topic/name"
    ask: str    # which of its requests
    what: str   # "status line", "field Location", "upstream 0 field Host", "log 2", ...
    nginx: str
    ringway: str

    def __str__(self):
        return (f"{self.case}: {self.ask}\n    {self.what}\n        nginx    {self.nginx}\n"
                f"        ringway  {self.ringway}")


# --- the world ----------------------------------------------------------------------------------

class World:
    """Origins, files and certificates that both programs use, and the folders of their own."""

    def __init__(self, folder, pki, nginx):
        self.folder, self.pki, self.nginx = Path(folder), pki, nginx
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pair = pki.leaf(certs.NAME)
        self.recorder = Recorder()
        self.origin = origins.Origin(self.recorder.script)
        self.other = origins.Origin(self.recorder.script)
        self.tls_origin = origins.Origin(self.recorder.script,
                                         tls=certs.server_context(self.pair))
        self.dns = dns.Server()
        self.dns.zone["known.test"] = dns.Answer(["127.0.0.1"])
        self.stuck, self.stuck_port = full_listener()
        self.closed_port = ports.free()
        self.root = self.folder / "root"
        make_files(self.root)
        self.papers = beside_tls.Papers(self.folder, pki, self.pair)
        self.staple = self.folder / "staple.der"
        with contextlib.closing(Responder(pki)) as responder:
            self.staple.write_bytes(responder.make(self.pair))
        self.prefix = self.folder / "prefix"  # the same for both, as variables tell it
        self.ports = {}
        self.starts = 0

    def close(self):
        for origin in self.origin, self.other, self.tls_origin, self.dns:
            origin.close()
        for sock in self.stuck[1] + [self.stuck[0]]:
            sock.close()

    def words(self, one):
        """What {word} in a case's text stands for."""
        mine = self.ports.setdefault(one.name, ports.free(2))
        return {
            "port": mine[0], "port2": mine[1], "root": self.root, "prefix": self.prefix,
            "origin": self.origin.address, "other": self.other.address,
            "tls_origin": self.tls_origin.address,
            "closed": f"127.0.0.1:{self.closed_port}", "stuck": f"127.0.0.1:{self.stuck_port}",
            "cert": self.pair.chain_file, "key": self.pair.key_file,
            "origin_port": self.origin.port, "dns": self.dns.address,
            "ca": self.pki.root.cert_file, "staple": self.staple, **self.papers.words,
            "tls": f"proxy_ssl_trusted_certificate {self.pki.root.cert_file}; proxy_ssl_verify on;"
                   f" proxy_ssl_name {certs.NAME}; proxy_ssl_server_name on;"
                   " proxy_ssl_verify_depth 2;",
        }

    def text(self, one, text):
        words = self.words(one)
        return re.sub(r"\{([a-z_]+\d?)\}", lambda m: str(words.get(m[1], m[0])), text)

    def configuration(self, cases, is_nginx):
        # What several cases share, such as formats of logs, stands there once.
        http = "".join(text + "\n" for text in
                       dict.fromkeys(self.text(one, one.http) for one in cases))
        servers = "".join(
            ringway.server(self.words(one)["port"],
                           f"server_name {HOST};\n{self.text(one, one.server)}", one.listen)
            for one in cases if one.server is not None)
        main = "".join(self.text(one, one.main) + "\n" for one in cases)
        folders = NGINX_FOLDERS if is_nginx else ""
        if cases[0].whole:
            return self.text(cases[0], cases[0].whole).replace("{folders}", folders)
        return (f"daemon off;\npid {self.prefix}/ringway.pid;\nerror_log error.log info;\n{main}"
                "events { worker_connections 512; }\n"
                f"http {{ {folders}\naccess_log off;\n{http}{servers}}}\n")

    def compare(self, topic, cases):
        """What differs, by the name of the case."""
        found = {one.name: [] for one in cases}
        groups = [[one for one in cases if not (one.is_alone or one.whole)]]
        groups += [[one] for one in cases if one.is_alone or one.whole]
        for group in filter(None, groups):
            seen = [self.observe(group, is_nginx) for is_nginx in (True, False)]
            for one in group:
                found[one.name] = compare(f"{topic}/{one.name}", one,
                                          *(each[one.name] for each in seen))
        return found

    def observe(self, cases, is_nginx):
        """{name of a case: what was seen}; one that cannot be started does not harm others."""
        try:
            return self.ask_all(cases, is_nginx)
        except NotStarted as error:
            if len(cases) == 1:
                return {cases[0].name: Seen(started=str(error))}
        seen = {}
        for one in cases:
            seen.update(self.observe([one], is_nginx))
        return seen

    def ask_all(self, cases, is_nginx):
        self.starts += 1
        own = self.prefix
        for part in "logs", "temp":
            (own / part).mkdir(parents=True)
        for one in cases:
            for file, text in one.files.items():
                (own / file).parent.mkdir(parents=True, exist_ok=True)
                (own / file).write_text(self.text(one, text), encoding="utf-8")
        try:
            return self.ask_cases(own, cases, is_nginx)
        finally:
            own.rename(self.folder / f"{'nginx' if is_nginx else 'ringway'}{self.starts}")

    def ask_cases(self, own, cases, is_nginx):
        program = self.start(own, self.configuration(cases, is_nginx), is_nginx)
        seen = {}
        with program:
            for one in cases:
                seen[one.name] = self.ask_case(one)
        for one in cases:
            log = own / "logs" / f"{one.name}.log"
            seen[one.name].log = [TIMES.sub("TIME", line)
                                  for line in ringway.read_text(log).splitlines()]
        return seen

    def start(self, own, configuration, is_nginx):
        try:
            return ringway.Ringway(own, configuration, path=self.nginx if is_nginx else None)
        except AssertionError as error:
            raise NotStarted(first_emerg(str(error))) from error

    def ask_case(self, one):
        port = self.words(one)["port"]
        seen = Seen()
        for each in one.asks:
            self.recorder.begin(one.answers)
            answers = self.ask_one(each, port)
            seen.asks.append((answers, self.recorder.end()))
        return seen

    def context(self, each):
        if not each.is_tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the system's authorities
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if each.shows:
            pair = self.papers.clients[each.shows]
            context.load_cert_chain(pair.chain_file, pair.key_file)
        return context

    def ask_one(self, each, port):
        """The answers of one connection, as dicts."""
        if each.flags is not None:
            return [beside_tls.handshake(port, each.sni, each.flags)]
        context = self.context(each)
        session = self.session_of(each, port, context) if each.is_resumed else None
        with contextlib.ExitStack() as stack:
            if each.beside:
                stack.enter_context(client.Client(port)).send(each.beside)
                time.sleep(SETTLE_SECONDS)
            try:
                opened = stack.enter_context(client.Client(
                    port, tls=context, sni=each.sni, timeout=ANSWER_SECONDS, session=session,
                    begins=each.begins))
            except OSError as error:
                # Without an alert it does not matter how the connection ended.
                return [{"end": f"handshake failed: {getattr(error, 'reason', None)}"}]
            return answers_of(opened, each.parts)

    def session_of(self, each, port, context):
        with client.Client(port, tls=context, sni=each.sni, timeout=ANSWER_SECONDS) as first:
            answers_of(first, each.parts)
            return first.sock.session


def answers_of(connection, parts):
    answers = []
    for data, methods in parts:
        connection.send(data)
        for method in methods:
            answers.append(read_answer(connection, method))
            if answers[-1].get("end"):
                return answers
    return answers


class NotStarted(Exception):
    """str() is the message."""


@dataclass
class Seen:
    """What was seen of one case: for each ask the answers, and the requests that origins got."""
    started: str = ""  # the message, if it did not start
    asks: list = field(default_factory=list)
    log: list = field(default_factory=list)


class Recorder:
    """What the origins say, and what they heard since begin()."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers, self.heard = {}, []

    def begin(self, answers):
        with self.lock:
            self.answers, self.heard = answers, []

    def end(self):
        with self.lock:
            return self.heard

    def script(self, connection):
        while request := connection.read_request():
            with self.lock:
                self.heard.append(upstream_facts(connection, request))
                answer = self.answers.get(request.target)
            if answer is None:
                answer = self.answers.get(request.target.partition("?")[0], echo)
            if callable(answer):
                answer = answer(connection, request)
            if answer is None:
                return
            if request.method == "HEAD":
                answer = answer[:answer.index(b"\r\n\r\n") + 4]
            connection.send(answer)
            if re.search(rb"\r\nConnection: close\r\n", answer):
                return


def echo(_, request):
    body = f"{request.method} {request.target} {len(request.body)}".encode()
    return wire.response(200, body, [("Content-Type", "text/plain"), ("X-Origin", "one")])


def upstream_facts(connection, request):
    return {"request line": request.start, **field_facts(request.fields),
            "body": show(request.body), "framing": request.framing,
            "trailers": request.trailers, "sni": connection.sni}


# --- what came ----------------------------------------------------------------------------------

def read_answer(connection, method):
    """A dict of facts of the next response; "end" is set when the connection ended after it."""
    begin = connection.used
    try:
        if isinstance(method, int):
            return {"bytes": show(connection.take(method))}
        message = connection.response(method, skips_interim=method != "1xx")
    except (wire.Cut, wire.Malformed, ValueError) as error:
        return {"end": str(error), "bytes": show(bytes(connection.received[begin:]))}
    body = SERVER_NAMES.sub(b"SERVER", message.body)
    longer = len(body) - len(message.body)
    body = BOUNDARIES.sub(b"\\r\\n--BOUNDARY", body)
    fields = [(name, own_value(message, name, value, longer))
              for name, value in message.fields]
    facts = {"status line": message.start, **field_facts(fields), "body": show(body),
             "framing": message.framing, "cut": message.cut, "trailers": message.trailers,
             "interim": [(i.start, i.fields) for i in message.interim]}
    if message.get("Connection", "").lower() == "close" or message.cut:
        facts["end"] = "closed" if connection.is_closed(ANSWER_SECONDS) else "open"
        facts["after"] = show(connection.rest())
    return facts


def own_value(message, name, value, longer):
    """What tells of the time or of the program is blanked; a length as if both had one name."""
    if name.lower() == "expires":
        with contextlib.suppress(TypeError, ValueError):
            seconds = (parsedate_to_datetime(value)
                       - parsedate_to_datetime(message.get("Date"))).total_seconds()
            return f"Date + {seconds} s" if abs(seconds) < 400 * 86400 else value
    if name.lower() in ("date", "server"):
        return "..."
    if value.startswith("multipart/byteranges"):
        return value.partition("=")[0]
    if name.lower() == "content-length" and longer:
        return str(int(value) + longer)
    return value


def field_facts(fields):
    """One fact for each name: its values in order, with the name as it was written."""
    facts = {}
    for name, value in fields:
        facts.setdefault(f"field {name.lower()}", []).append(f"{name}: {value}")
    return facts


def show(data):
    """Bytes for a report: short ones as they are, of long ones the length and the ends."""
    if len(data) <= 600:
        return repr(data)
    return f"{len(data)} bytes, hash {hash(data):x}: {data[:40]!r} ... {data[-40:]!r}"


def first_emerg(text):
    """The first [emerg] without the program's name and its process id."""
    found = re.search(r"\[emerg\] (?:\d+#\d+: )?(.*)", text)
    return found[1] if found else text[:1000]


def compare(name, one, nginx, own):
    """The differences of one case."""
    if nginx.started or own.started:
        return [Difference(name, "start", "started", nginx.started or "started",
                           own.started or "started")]
    found = []
    for each, (nginx_answers, nginx_heard), (own_answers, own_heard) in zip(
            one.asks, nginx.asks, own.asks):
        pairs = pair_facts("", nginx_answers, own_answers)
        pairs += pair_facts("upstream ", nginx_heard, own_heard)
        found += [Difference(name, str(each), *pair) for pair in pairs]
    pairs = pair_facts("log ", [{"line": line} for line in nginx.log],
                       [{"line": own_line(*both)} for both in
                        zip_longest(own.log, nginx.log) if both[0] is not None])
    return found + [Difference(name, "log", *pair) for pair in pairs]


def own_line(line, theirs):
    """A line of a log; theirs, when only the size of a page differs by what the name is longer:
    by one letter with a version, by two without."""
    shorter = (PAGE_SIZE.sub(lambda m, n=n: f"{m[1]}{int(m[2]) - n}", line) for n in (1, 2))
    return theirs if theirs in shorter else line


def pair_facts(prefix, theirs, ours):
    """(what, nginx, ringway) of each fact that is not the same in two lists of dicts."""
    found = []
    for number in range(max(len(theirs), len(ours))):
        name = prefix + (f"{number} " if number or prefix else "")
        a, b = ((each[number] if number < len(each) else {}) for each in (theirs, ours))
        if not a or not b:
            found.append((name + "whole", str(a or "none"), str(b or "none")))
            continue
        if a.get("status line") != b.get("status line"):
            # What follows from another status need not be told one by one.
            found.append((name + "status line", *(told(each) for each in (a, b))))
            continue
        for key in [*a, *(k for k in b if k not in a)]:
            if a.get(key) != b.get(key):
                found.append((name + key, str(a.get(key)), str(b.get(key))))
    return found


def told(answer):
    """The status line of an answer, and as much of its body as tells it from others."""
    place = answer.get("field location", "")
    return f"{answer.get('status line', answer.get('end'))} {place} {answer.get('body', '')[:60]}"


# --- files --------------------------------------------------------------------------------------

def make_files(root):
    """The tree of static files below {root}."""
    texts = {
        "index.html": "front page\n", "a.txt": "0123456789abcdefghij", "b.html": "<p>b</p>\n",
        "none": "no suffix", "empty.txt": "", "deep/index.html": "deep index\n",
        "deep/a.txt": "deep a", "deep/er/index.txt": "deeper", "bare/only.txt": "only",
        "big.bin": wire.pattern(300_000).decode(), "with space.txt": "space",
        "per%cent.txt": "percent", "50x.html": "own 50x\n", "404.html": "own 404\n",
        "q?mark.txt": "mark", "ü.txt": "umlaut", "a+b.txt": "plus", "app/index.html": "app\n",
        "app/main.js": "js();\n", "app/style.css": "p{}\n", "app/x.JS": "upper\n",
        "maintenance.html": "back soon\n", "images/x.png": "png", "images/x.tar.gz": "gz",
    }
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (FILES_MODIFIED, FILES_MODIFIED))
    (root / "void").mkdir()
    (root / "secret.txt").write_text("secret")
    (root / "secret.txt").chmod(0)
    (root / "link.txt").symlink_to("a.txt")
    (root / "loop.txt").symlink_to("loop.txt")
    (root / "gone.txt").symlink_to("nothing")


# --- configurations that are refused ------------------------------------------------------------

def nginx_binary():
    """nginx's path, or None: Debian's stands where not every user's path leads."""
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def nginx_version(path):
    text = subprocess.run([path, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in re.search(r"nginx/([\d.]+)", text)[1].split("."))


def refusals(nginx, folder, text):
    """Both programs' -t on one text: (exit status, [emerg] messages) of nginx, then of ringway."""
    folder = Path(folder)
    (folder / "temp").mkdir(exist_ok=True)
    # On nginx's side its folders stand in the line of the brace, so that lines keep their numbers.
    theirs = re.sub(r"(?m)^http \{", lambda m: m[0] + NGINX_FOLDERS, text, 1)
    file, flags = folder / "wrong.conf", ["-t", "-p", str(folder), "-c", str(folder / "wrong.conf")]
    return [outcome(file, theirs, [nginx, *flags, "-g", "pid wrong.pid;"]),
            outcome(file, text, [ringway.binary(), *flags])]


def outcome(file, text, command):
    file.write_text(text)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False,
                          stdin=subprocess.DEVNULL, env=ringway.environment())
    return done.returncode, re.findall(r"^.*?\[emerg\] (?:\d+#\d+: )?(.*)$", done.stderr, re.M)
