"""ringway - the binary under test: started with a configuration, watched, stopped, judged.

Environment: RINGWAY names the binary (default: build/asan/ringway, else build/release/ringway);
RINGWAY_RELEASE the one for tests of memory and speed (default: build/release/ringway).
"""
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import ports
import wire

TREE = Path(__file__).resolve().parents[2]
SANITIZER_WORDS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:|"
    r"Assertion|assertion failed|stack smashing|double free|SUMMARY: ")
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": "exitcode=99",
}


def binary():
    if given := os.environ.get("RINGWAY"):
        return str(Path(given).resolve())
    for kind in "asan", "release":
        if (path := TREE / "build" / kind / "ringway").exists():
            return str(path)
    return str(TREE / "build" / "asan" / "ringway")


def release_binary():
    """The binary without sanitizers, or None."""
    path = Path(os.environ.get("RINGWAY_RELEASE", TREE / "build" / "release" / "ringway"))
    return str(path) if path.exists() else None


def is_nginx(path):
    """True when the tests themselves are tried against nginx."""
    return "nginx" in Path(path).name


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NGINX")}
    return {**clean, **SANITIZER_OPTIONS, **more}


def run(*args, timeout=20.0, path=None, prefix=(), **more):
    """Runs the binary to its end: CompletedProcess with text."""
    return subprocess.run([*prefix, path or binary(), *args], capture_output=True, text=True,
                          timeout=timeout, env=environment(), check=False, **more)


def run_file(path, *flags, **more):
    """Runs the binary with a file, in whose folder relative paths start."""
    return run("-p", str(Path(path).parent), "-c", str(path), *flags, **more)


class Ringway:
    """One running binary.

    `configuration` may say {port}, {folder} and so on: nothing is replaced here, tests format it.
    A configuration without "daemon" gets the preamble() before it. stop() judges: exit status 0,
    nothing from a sanitizer, no assertion.
    """

    def __init__(self, folder, configuration="", *, args=None, flags=(), listens=None, workers=1,
                 path=None, prefix=(), user=None, preexec=None, log_level="info", waits=True):
        self.path = path or binary()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf_file = self.folder / "edge.conf"
        self.log_file = self.folder / "error.log"
        self.access_file = self.folder / "access.log"
        self.stderr_file = self.folder / "stderr"
        self.pid_file = self.folder / "ringway.pid"
        self.workers, self.log_level, self.user = workers, log_level, user
        self.prefix, self.preexec, self.waits = list(prefix), preexec, waits
        self.args = args if args is not None else [*self._file_args(), *flags]
        self.listens = listens
        self.process = None
        self.baseline = None
        if configuration:
            self.write(configuration)
        self.start()

    def _file_args(self):
        return ["-p", str(self.folder), "-c", str(self.conf_file)]

    def preamble(self):
        return (f"daemon off;\nworker_processes {self.workers};\npid {self.pid_file};\n"
                f"error_log {self.log_file} {self.log_level};\n"
                + (f"user {self.user};\n" if self.user else ""))

    def write(self, configuration):
        """Puts a configuration in place; reload() makes it count."""
        if not re.search(r"^\s*daemon\s", configuration, re.M):
            configuration = self.preamble() + configuration
        if self.listens is None:
            self.listens = [int(p) for p in re.findall(
                r"^\s*listen\s+(?:[\d.*]+:|\[[\da-f:]+\]:)?(\d+)", configuration, re.M)]
        self.conf_file.write_text(configuration)

    # --- life ---------------------------------------------------------------------------------

    def start(self):
        self.pid_file.unlink(missing_ok=True)
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                [*self.prefix, self.path, *self.args], stdin=subprocess.DEVNULL, stdout=stderr,
                stderr=stderr, env=environment(), cwd=self.folder, preexec_fn=self.preexec)
        if self.waits:
            self.wait_listening()
        return self

    def wait_listening(self, seconds=15.0):
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"ended at start with {self.process.returncode}:\n"
                                     + self.stderr() + self.log())
            assert time.monotonic() < deadline, "does not listen:\n" + self.stderr() + self.log()
            time.sleep(0.01)

    def _is_ready(self):
        """It listens; and it has its pid file, as signals are only taken from then on."""
        return set(self.listens or ()) <= listening_ports() and (
            not self.conf_file.exists() or self.pid_file.exists()
            or str(self.pid_file) not in self.conf_file.read_text())

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, configuration=None, seconds=10.0):
        """HUP; returns once the log says that the configuration changed or was refused."""
        if configuration:
            self.write(configuration)
        mark = self.mark()
        self.signal(signal.SIGHUP)
        wire.wait_until(lambda: re.search(r"reconfiguring|reloaded:|not reloaded",
                                          self.log_since(mark)), seconds, "reload is logged")
        time.sleep(0.1)  # a line is written a moment before or after what it tells
        return self.log_since(mark)

    def quit(self, seconds=15.0):
        """QUIT, and waits for the end: the exit status."""
        return self._end(signal.SIGQUIT, seconds)

    def term(self, seconds=15.0):
        return self._end(signal.SIGTERM, seconds)

    def _end(self, number, seconds):
        if self.is_running():
            self.signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise AssertionError(
                f"{signal.Signals(number).name} did not end it in {seconds} s") from error

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """TERM, then the judgement."""
        status = self.term()
        self.check_reports()
        assert status == 0, f"exit status {status}:\n{self.stderr()}"

    def check_reports(self):
        if is_nginx(self.path):
            return  # its alerts are its own affair
        text = self.stderr()
        found = SANITIZER_WORDS.search(text)
        assert not found, f"a report on stderr:\n{text[max(0, found.start() - 500):][:6000]}"
        assert not re.search(r"\[alert\]|assertion", self.log()), "an alert in the error log:\n" + \
            "\n".join(line for line in self.log().splitlines() if re.search("alert|assert", line))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        elif self.is_running():
            self.kill()
        self.pid_file.unlink(missing_ok=True)

    # --- what it says ---------------------------------------------------------------------------

    def stderr(self):
        return read_text(self.stderr_file)

    def log(self):
        return read_text(self.log_file)

    def access(self):
        return read_text(self.access_file)

    def mark(self):
        """Where the error log ends now, for log_since()."""
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def log_since(self, mark):
        if not self.log_file.exists():
            return ""
        with open(self.log_file, "rb") as file:
            file.seek(mark)
            return file.read().decode("utf-8", "backslashreplace")

    def errors_since(self, mark):
        """The lines of level error and above."""
        return [line for line in self.log_since(mark).splitlines()
                if re.search(r"\[(error|crit|alert|emerg)\]", line)]

    def wait_log(self, pattern, mark=0, seconds=5.0):
        """Waits for a line that matches; returns the match."""
        return wire.wait_until(lambda: re.search(pattern, self.log_since(mark)), seconds,
                               f"log says {pattern}; it says:\n{self.log_since(mark)[-3000:]}")

    def wait_access(self, pattern, seconds=5.0):
        return wire.wait_until(lambda: re.search(pattern, self.access()), seconds,
                               f"access log says {pattern}")

    # --- what it takes ------------------------------------------------------------------------

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self, is_peak=False):
        word = "VmHWM" if is_peak else "VmRSS"
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{word}:\s+(\d+)", status)[1]) * 1024

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # --- faults ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def stays_unharmed(self, canary, origins=()):
        """Around one test: it is alive before and after, the canary gets its answer, and the
        descriptors come back to where they were. canary() makes a request on a new connection and
        asserts its answer; origins are asked to forget() so that no idle connection stays."""
        if not self.is_running():
            self.start()
            self.baseline = None
        self._rest(origins)
        if self.baseline is None:
            canary()
            self._rest(origins)
            time.sleep(0.1)
            self.baseline = self.descriptors()
        yield
        self._rest(origins)
        if not self.is_running():
            raise AssertionError(f"died with {self.process.returncode}:\n{self.stderr()[-6000:]}")
        canary()
        self._rest(origins)
        if not is_nginx(self.path):
            wire.wait_until(lambda: self.descriptors() <= self.baseline, 10,
                            f"descriptors return to {self.baseline} from {self.descriptors()}:\n"
                            + self.open_files())

    @staticmethod
    def _rest(origins):
        for origin in origins:
            origin.forget()

    def open_files(self):
        folder = f"/proc/{self.pid}/fd"
        names = []
        for number in os.listdir(folder):
            with contextlib.suppress(OSError):
                names.append(f"{number} -> {os.readlink(f'{folder}/{number}')}")
        return "\n".join(names)


def read_text(path):
    return path.read_text("utf-8", "backslashreplace") if path.exists() else ""


def listening_ports():
    found = set()
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    found.add(int(fields[1].rpartition(":")[2], 16))
    return found


def http(*servers, settings=""):
    """A whole http block; servers are texts of server blocks or upstream blocks."""
    body = "\n".join(servers)
    return ("events { worker_connections 1024; }\n"
            f"http {{\naccess_log off;\n{settings}\n{body}\n}}\n")


def server(port, body, listen=""):
    return f"server {{\nlisten 127.0.0.1:{port}{listen};\n{body}\n}}\n"


def free_ports(count=1):
    return ports.free(count)
