"""The control thread: signals twice and in the wrong moment, logs opened again, who it is."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import client
import ringway
import wire
from certs import server_context
from origin import serve
from wire import request, response

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def answering(port, text, settings=""):
    return ringway.http(ringway.server(port, f'return 200 "{text}";'), settings=settings)


def logged(edge):
    """A log of requests, put on afterwards: ringway.http() says access_log off."""
    return edge.conf_file.read_text().replace("access_log off;", f"access_log {edge.access_file};")


# --- signals --------------------------------------------------------------------------------------

@pytest.mark.parametrize("second", [signal.SIGQUIT, signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_graceful_stop_at_once(start, make_origin, second):
    port, own = ringway.free_ports(), make_origin(lambda c: (c.read_request(), c.stall()))
    edge = start(ringway.http(ringway.server(
        port, f"location / {{ proxy_pass http://{own.address}; }}")))
    with client.Client(port) as c:
        c.send(request("/"))
        wire.wait_until(lambda: len(own.requests) == 1, 3)
        edge.signal(signal.SIGQUIT)
        edge.wait_log("gracefully shutting down")
        time.sleep(0.2)
        assert edge.is_running()
        begin = time.monotonic()
        edge.signal(second)
        assert edge.process.wait(5) == 0
        assert time.monotonic() - begin < 3
    edge.check_reports()


def test_many_signals_at_once_are_all_obeyed(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"))
    for _ in range(20):
        for number in signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH:
            edge.signal(number)
    edge.wait_log("reloaded: generation 2")
    edge.wait_log("log files are opened again")
    assert client.get(port).body == b"x"
    assert edge.quit() == 0
    edge.check_reports()


def test_reload_during_a_graceful_stop_changes_nothing(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    own.script = serve(lambda r: time.sleep(0.6) or response(200, b"slow"))
    edge = start(ringway.http(ringway.server(
        port, f"location / {{ proxy_pass http://{own.address}; }}")))
    with client.Client(port) as c:
        c.send(request("/"))
        wire.wait_until(lambda: len(own.requests) == 1, 3)
        edge.signal(signal.SIGQUIT)
        edge.signal(signal.SIGHUP)
        assert c.response().body == b"slow"
    assert edge.process.wait(5) == 0
    assert "reloaded" not in edge.log()
    edge.check_reports()


def test_s_sends_each_signal_by_the_pid_file(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"))
    for word, said in ("reload", "reloaded: generation 2"), ("reopen", "opened again"), \
            ("stop", "stopped"):
        done = ringway.run("-p", str(edge.folder), "-c", str(edge.conf_file), "-s", word)
        assert (done.returncode, done.stderr) == (0, "")
        edge.wait_log(said)
    assert edge.process.wait(5) == 0
    done = ringway.run("-p", str(edge.folder), "-c", str(edge.conf_file), "-s", "stop")
    assert done.returncode == 1
    assert re.fullmatch(rf'ringway: \[emerg\] open\(\) "{edge.pid_file}" failed .*\n', done.stderr)


def test_flags_are_read_again_at_reload(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    edge = start(args=["--listen", f"127.0.0.1:{port}", "--upstream", f"http://{own.address}"],
                 listens=[port])
    edge.signal(signal.SIGHUP)
    wire.wait_until(lambda: "reloaded: generation 2" in edge.stderr(), 5)
    assert client.get(port).status == 200


# --- reload ---------------------------------------------------------------------------------------

def test_number_of_workers_stays_and_the_restart_is_named(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"), workers=2)
    edge.workers = 3
    edge.conf_file.unlink()
    said = edge.reload(answering(port, "y"))
    assert re.search(r"\[warn\].*worker_processes 3 takes effect after a restart", said)
    assert len(os.listdir(f"/proc/{edge.pid}/task")) == 3  # control and two workers
    assert client.get(port).body == b"y"


def test_unix_socket_is_for_everybody_and_goes_with_its_address(start, folder):
    port, path = ringway.free_ports(), folder / "control.sock"
    edge = start(answering(port, "x").replace(
        f"listen 127.0.0.1:{port};", f"listen 127.0.0.1:{port};\nlisten unix:{path};"))
    assert path.is_socket() and path.stat().st_mode & 0o777 == 0o666
    edge.reload(answering(port, "x"))
    assert not path.exists()


# --- logs -----------------------------------------------------------------------------------------

def test_logs_are_opened_again(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"))
    edge.reload(logged(edge))
    assert client.get(port, "/before").status == 200
    edge.wait_access("/before")
    for file in edge.access_file, edge.log_file:
        file.rename(f"{file}.1")
    assert client.get(port, "/between").status == 200
    wire.wait_until(lambda: "/between" in Path(f"{edge.access_file}.1").read_text(), 3)
    edge.signal(signal.SIGUSR1)
    edge.wait_log("log files are opened again")
    assert client.get(port, "/after").status == 200
    edge.wait_access("/after")
    assert "/between" not in edge.access()
    assert "/after" not in Path(f"{edge.access_file}.1").read_text()


def test_handshakes_of_each_peer_are_counted_in_the_log(start, make_origin, pki):
    port, own = ringway.free_ports(), make_origin(tls=server_context(pki.leaf("ip:127.0.0.1")))
    edge = start(ringway.http(ringway.server(
        port, f"location / {{ proxy_pass https://{own.address}; }}\n"
              f"proxy_ssl_trusted_certificate {pki.root.cert_file};")))
    for _ in range(2):
        assert client.get(port).status == 200
        own.forget()
        time.sleep(0.1)
    edge.signal(signal.SIGUSR1)
    edge.wait_log(rf"peer {re.escape(own.address)}: requests 2, failures 0; "
                  r"TLS handshakes: full 1 \(cold 1\), resumed 1, failed 0")
    edge.wait_log(r"counted: .*\brequests 2, .*\bupstream_handshakes_resumed 1\b")
    edge.wait_log(r"requests ended: done 2\n")


# --- two of them, and who they are ----------------------------------------------------------------

def test_second_process_leaves_the_first_and_its_pid_file_alone(start):
    port = ringway.free_ports()
    edge = start(answering(port, "first"))
    done = ringway.run("-p", str(edge.folder), "-c", str(edge.conf_file))
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert int(edge.pid_file.read_text()) == edge.pid
    for _ in range(8):
        assert client.get(port).body == b"first"
    assert edge.quit() == 0
    assert not edge.pid_file.exists()


@needs_root
def test_workers_have_no_capability_and_control_has_those_of_a_reload(start):
    port, low = ringway.free_ports(), 87
    edge = start(answering(port, "x"), workers=2, user="nobody nogroup")
    effective = {}
    for task in Path(f"/proc/{edge.pid}/task").iterdir():
        status = (task / "status").read_text()
        assert set(re.search(r"Uid:\s+(.*)", status)[1].split()) == {"65534"}
        assert re.search(r"Groups:\s*(.*)", status)[1].split() == ["65534"]
        effective[int(task.name)] = int(re.search(r"CapEff:\s+(\S+)", status)[1], 16)
    assert effective.pop(edge.pid) == 1 << 1 | 1 << 2 | 1 << 10
    assert set(effective.values()) == {0} and len(effective) == 2
    edge.conf_file.unlink()
    edge.listens = None
    edge.reload(answering(low, "low"))
    assert client.get(low).body == b"low"


@needs_root
def test_root_without_a_user_becomes_nobody(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"))
    status = Path(f"/proc/{edge.pid}/status").read_text()
    assert set(re.search(r"Uid:\s+(.*)", status)[1].split()) == {"65534"}


@needs_root
def test_reload_with_the_same_user_warns_of_nothing(start):
    port = ringway.free_ports()
    edge = start(answering(port, "x"), user="nobody nogroup")
    assert "reloaded:" in edge.reload() and "[warn]" not in edge.log()


@needs_root
def test_root_without_anybody_to_become_does_not_start(folder):
    passwd = Path(folder) / "passwd"
    passwd.write_text("root:x:0:0:root:/root:/bin/sh\n")
    names = Path(folder) / "nsswitch.conf"  # systemd's module would make a nobody up
    names.write_text("passwd: files\ngroup: files\n")
    conf = Path(folder) / "x.conf"
    conf.write_text(f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
                    f"http {{ server {{ listen 127.0.0.1:{ringway.free_ports()}; }} }}\n")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/passwd && '
         'mount --bind "$2" /etc/nsswitch.conf && exec "$3" -c "$4"',
         "sh", passwd, names, ringway.binary(), conf],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    if "mount:" in done.stderr:
        pytest.skip("mounts are not allowed here: " + done.stderr.strip())
    assert done.returncode == 1
    assert 'no user "nobody"' in done.stderr and '"user" directive' in done.stderr


def test_the_process_goes_to_its_working_directory(start, folder):
    port = ringway.free_ports()
    text = f"working_directory {folder};\n" + answering(port, "here")
    edge = start(text)
    assert os.readlink(f"/proc/{edge.pid}/cwd") == str(folder)
    edge.reload(text.replace("here", "there"))
    assert client.get(port).body == b"there"


def test_a_working_directory_that_is_missing_is_a_failure(conf_file):
    port = ringway.free_ports()
    path = conf_file("daemon off; working_directory /nonexistent;\n" + answering(port, "x"))
    done = ringway.run_file(path)
    assert done.returncode == 1
    assert '[emerg] chdir("/nonexistent") failed (2: No such file or directory)' in done.stderr


LONG = "/".join(["x" * 200] * 4)  # longer than what messages were cut to


def test_messages_name_long_paths_whole(tmp_path):
    conf = tmp_path / "edge.conf"
    conf.write_text(f"pid {tmp_path}/{LONG}; events {{}}\nhttp {{ server {{ return 200; }} }}\n")
    done = ringway.run("-c", str(conf), "-s", "reload")
    assert done.returncode == 1
    assert done.stderr == (f'ringway: [emerg] open() "{tmp_path}/{LONG}" failed '
                           "(2: No such file or directory)\n")
    conf.write_text(f"error_log {tmp_path}/{LONG}; events {{}}\nhttp {{ access_log off;\n"
                    "server { return 200; } }\n")
    done = ringway.run("-t", "-q", "-c", str(conf))
    assert done.returncode == 1
    assert (f'ringway: [emerg] open() "{tmp_path}/{LONG}" failed (2: No such file or directory)\n'
            in done.stderr)
    done = ringway.run("-c", str(conf), "-g", "daemon off;")
    assert done.returncode == 1
    assert (f'open() "{tmp_path}/{LONG}" failed (2: No such file or directory)\n' in done.stderr)
