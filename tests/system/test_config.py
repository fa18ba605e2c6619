"""The command line and the language: one clear line for every mistake, exit status 1."""
import re
import subprocess

import pytest

import client
import ringway
from certs import server_context

HTTP = "events {}\nhttp {\n%s\n}\n"
SERVER = HTTP % "server {\nlisten 127.0.0.1:1;\n%s\n}"


def check(conf_file, text, *flags):
    path = conf_file(text)
    return path, ringway.run_file(path, "-t", *flags)


def refuse(conf_file, text, message, line=None):
    """The text is refused by -t with this message (a regular expression) at this line."""
    path, done = check(conf_file, text)
    assert done.returncode == 1, done.stderr
    emerg = [entry for entry in done.stderr.splitlines() if "[emerg]" in entry]
    assert len(emerg) == 1, done.stderr
    assert re.search(message, emerg[0]), emerg[0]
    if line:
        assert f"{path}:{line}" in emerg[0], emerg[0]
    assert re.search(r"configuration file .* test failed", done.stderr)
    return emerg[0]


# --- flags --------------------------------------------------------------------------------------

def test_t_says_that_a_good_file_is_good(conf_file):
    path, done = check(conf_file, SERVER % "return 200 ok;")
    assert done.returncode == 0, done.stderr
    assert f"the configuration file {path} syntax is ok" in done.stderr
    assert f"configuration file {path} test is successful" in done.stderr


def test_q_says_nothing_about_a_good_file(conf_file):
    _, done = check(conf_file, SERVER % "return 200 ok;", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_capital_t_prints_all_files(conf_file):
    inner = conf_file("default_type text/x-inner;\n", "inner.conf")
    path = conf_file(HTTP % f"include {inner};\nserver {{ listen 127.0.0.1:1; }}")
    done = ringway.run_file(path, "-T")
    assert done.returncode == 0
    assert f"# configuration file {path}:" in done.stdout
    assert f"# configuration file {inner}:" in done.stdout
    assert "default_type text/x-inner;" in done.stdout


def test_capital_t_names_differences_and_suites(conf_file, pki):
    path = conf_file(HTTP % f"""upstream u {{ server 127.0.0.1:1; }}
        server {{ listen 127.0.0.1:1; location / {{ proxy_pass https://u;
            proxy_ssl_trusted_certificate {pki.root.cert_file};
            proxy_ssl_ciphers ECDHE+AESGCM; }} }}""")
    text = ringway.run_file(path, "-T")
    text = text.stdout + text.stderr
    assert "proxy_ssl_verify" in text and "ECDHE-RSA-AES128-GCM-SHA256" in text


def test_v_prints_the_version():
    done = ringway.run("-v")
    text = done.stdout + done.stderr
    assert done.returncode == 0 and re.search(r"ringway version: ringway/\d+\.\d+\.\d+", text)


def test_capital_v_prints_the_libraries():
    done = ringway.run("-V")
    text = (done.stdout + done.stderr).lower()
    assert done.returncode == 0
    for word in "ringway/", "liburing", "wolfssl", "llhttp":
        assert word in text


@pytest.mark.parametrize("flag", ["-h", "--help", "-?"])
def test_help_names_every_flag(flag):
    done = ringway.run(flag)
    text = done.stdout + done.stderr
    assert done.returncode == 0
    for word in ("-c", "-e", "-g", "-h", "-p", "-q", "-s", "-t", "-T", "-v", "-V", "--listen",
                 "--upstream", "--ca", "--cert", "--key", "--balance"):
        assert word in text, word


def test_help_of_a_directive_prints_its_row():
    done = ringway.run("help", "proxy_pass")
    assert done.returncode == 0
    assert "proxy_pass" in done.stdout and "location" in done.stdout


def test_help_of_an_unknown_directive_says_so():
    done = ringway.run("help", "no_such_directive")
    assert done.returncode == 1 and "no_such_directive" in done.stderr


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["-V", "-h"], ["help", "proxy_pass"]])
def test_help_that_cannot_be_written_is_a_failure(args):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ringway.binary(), *args], stdout=full, stderr=subprocess.PIPE,
                              timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(b"ringway: standard output cannot be written\n")


@pytest.mark.parametrize("flag", ["-v", "-V"])
def test_version_that_cannot_be_written_is_a_failure(flag):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ringway.binary(), flag], stderr=full, timeout=20, check=False)
    assert done.returncode == 1


@pytest.mark.parametrize("args, word", [
    (["-x"], "x"), (["--no-such-flag"], "no-such-flag"), (["-c"], "c"), (["-s"], "s"),
    (["-s", "dance"], "dance"), (["stray"], "stray"), (["-p"], "p"), (["-e"], "e"), (["-g"], "g"),
    (["--listen"], "listen"), (["--listen", "127.0.0.1:1"], "upstream"),
    (["--upstream", "https://a.test"], "listen"),
    (["--listen", "nonsense:port", "--upstream", "https://127.0.0.1:1"], "nonsense"),
    (["--listen", "127.0.0.1:1", "--upstream", "ftp://a.test"], "ftp"),
    (["--listen", "127.0.0.1:1", "--upstream", "https://127.0.0.1:1", "--balance", "magic"],
     "magic"),
    (["--listen", "127.0.0.1:1", "--upstream", "https://127.0.0.1:1", "--ca", "/no/such/file"],
     "/no/such/file"),
    (["--listen", "127.0.0.1:1", "--upstream", "https://127.0.0.1:1", "--cert", "/no/such/crt",
      "--key", "/no/such/key"], "/no/such"),
    (["-c", "/no/such/file.conf"], "/no/such/file.conf"),
    (["-t", "-c", "/no/such/file.conf"], "/no/such/file.conf"),
])
def test_wrong_flag_is_one_clear_line(args, word):
    done = ringway.run(*args)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert lines and word in lines[0], done.stderr
    assert len([line for line in lines if "[emerg]" in line or line.startswith("ringway:")]) >= 1
    assert len(lines) <= 2


def test_g_adds_directives_of_the_main_context(conf_file, tmp_path):
    path = conf_file(SERVER % "return 200 ok;")
    assert ringway.run_file(path, "-t", "-g", f"pid {tmp_path}/x.pid;").returncode == 0
    done = ringway.run_file(path, "-t", "-g", "nonsense on;")
    assert done.returncode == 1 and 'unknown directive "nonsense"' in done.stderr


def test_p_is_where_relative_paths_start(conf_file, tmp_path):
    conf_file("default_type text/inner;\n", "inner.conf")
    conf_file(HTTP % "include inner.conf;\nserver { listen 127.0.0.1:1; }")
    done = ringway.run("-t", "-p", str(tmp_path), "-c", "edge.conf")
    assert done.returncode == 0, done.stderr


def test_e_is_the_log_before_the_file_names_one(start, folder):
    port = ringway.free_ports()
    log = folder / "from-e.log"
    (folder / "e.conf").write_text(
        "daemon off;\n" + ringway.http(ringway.server(port, "return 200 ok;")))
    edge = start(args=["-p", str(folder), "-e", str(log), "-c", str(folder / "e.conf"),
                       "-g", f"pid {folder}/e.pid;"], listens=[port])
    assert client.get(port).body == b"ok"
    assert edge.is_running() and log.exists()


# --- the file -----------------------------------------------------------------------------------

@pytest.mark.parametrize("text, message, line", [
    ("foo on;\n", 'unknown directive "foo"', 1),
    ("events {}\nhttp {\nserver {\n  frobnicate;\n}\n}\n", 'unknown directive "frobnicate"', 4),
    ("events {}\nhttp {\n", "unexpected end of file|is still open", 3),
    ("events {}\nhttp {}\n}\n", 'unexpected "}"', 3),
    ("events {}\nhttp { server { listen 80 } }\n", 'unexpected "}"|not terminated', 2),
    ("events {}\nhttp { server { listen 127.0.0.1:1; listen 127.0.0.1:1; } }\n",
     "duplicate listen", 2),
    ("server { listen 80; }\n", '"server" directive is not allowed here', 1),
    ("events {}\nhttp { proxy_pass http://a; }\n", '"proxy_pass" directive is not allowed here', 2),
    ("events {}\nevents {}\n", "duplicate", 2),
    ("worker_processes 1;\nworker_processes 2;\n", '"worker_processes" directive is duplicate', 2),
    ("worker_processes many;\n", "worker_processes|invalid", 1),
    ("worker_processes;\n", 'invalid number of arguments in "worker_processes"', 1),
    ("daemon maybe;\n", 'invalid value "maybe" in "daemon" directive', 1),
    ("events { worker_connections x; }\n", "invalid|worker_connections", 1),
    ("error_log stderr loud;\n", "loud", 1),
    ("include /no/such/file.conf;\n", "/no/such/file.conf", None),
    ('events {}\nhttp { server { return 200 "open; } }\n', "unexpected end of file", None),
    (SERVER % "return 200 $nothing;", 'unknown "nothing" variable', 5),
    (SERVER % "return;", "invalid number of arguments", 5),
    (SERVER % "return abc def;", "return code", 5),
    (SERVER % "location ~ ( { }", "regex|pcre", 5),
    (SERVER % "location / { }\nlocation / { }", 'duplicate location "/"', 6),
    (SERVER % "location /a { location /b { } }", 'is outside location', 5),
    (SERVER % "location / { proxy_pass ftp://x; }", "invalid URL prefix", 5),
    (SERVER % "location ~ x { proxy_pass http://127.0.0.1:1/uri; }", "proxy_pass", 5),
    (SERVER % "location / { proxy_pass http://127.0.0.1:99999; }", "port", 5),
    (SERVER % "client_max_body_size lots;", "invalid|value", 5),
    (SERVER % "client_body_timeout 5parsecs;", "invalid|value", 5),
    (SERVER % "keepalive_timeout;", "invalid number of arguments", 5),
    (SERVER % "root a b;", "invalid number of arguments", 5),
    (SERVER % "server_name ~(;", "regex|pcre", 5),
    (SERVER % "error_page 200 /x;", "value", 5),
    (SERVER % "ssl_protocols TLSv1;", "TLSv1|no.*protocol", 5),
    (SERVER % "ssl_protocols TLSv9;", "TLSv9", 5),
    (SERVER % "ssl_verify_client maybe;", "maybe", 5),
    (SERVER % "ssl_ciphers NOTHING-LIKE-THIS;", "NOTHING-LIKE-THIS|cipher", 5),
    (HTTP % "upstream u { }", "no servers are inside upstream", None),
    (HTTP % "upstream u { server 127.0.0.1:1 weight=x; }", "weight", 3),
    (HTTP % "upstream u { server 127.0.0.1:1 sideways; }", "sideways", 3),
    (HTTP % "upstream u { server 127.0.0.1:1; }\nupstream u { server 127.0.0.1:2; }",
     'duplicate upstream "u"', 4),
    (HTTP % "log_format a $status;\nlog_format a $status;", "duplicate", 4),
    (HTTP % "server { listen 127.0.0.1:1; access_log x.log nothing; }", "nothing", 3),
    (HTTP % "server { listen nowhere:at:all; }", "listen|port|host", 3),
    (HTTP % "server { listen 127.0.0.1:1 sometimes; }", "sometimes", 3),
    (HTTP % "server { listen 127.0.0.1:1 default_server; }\n"
     "server { listen 127.0.0.1:1 default_server; }", "default server", 4),
    (HTTP % "server { listen 127.0.0.1:1 ssl; }", "ssl_certificate", None),
    (HTTP % "types { text/html html; text/plain }", "invalid|number|unexpected", 3),
])
def test_mistake_is_told_with_file_and_line(conf_file, text, message, line):
    refuse(conf_file, text, message, line)


def test_mistake_in_an_included_file_names_that_file(conf_file):
    inner = conf_file("\n\nnonsense;\n", "inner.conf")
    path = conf_file(HTTP % f"include {inner};")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1 and f'unknown directive "nonsense" in {inner}:3' in done.stderr


def test_missing_brace_names_the_block_that_is_open(conf_file):
    text = ("events {}\nhttp {\nserver {\nlisten 127.0.0.1:1;\nlocation / {\nreturn 200 ok;\n}\n"
            "server {\nlisten 127.0.0.1:2;\n}\n}\n")
    said = refuse(conf_file, text, '"server" directive is not allowed here', 8)
    assert re.search(r'"server".*:3\b', said.replace('"server" directive is not allowed here', ""))


@pytest.mark.parametrize("defect, word", [
    ("missing", "no-such-file"), ("empty", "empty.pem"), ("garbage", "garbage.pem"),
    ("key_of_another", "key"), ("key_missing", "no-such-key"), ("encrypted", "password|key"),
    ("wrong_password", "password|key")])
def test_bad_certificate_is_told_with_its_file(conf_file, pki, tmp_path, defect, word):
    pair, other = pki.leaf("a.test"), pki.leaf("b.test")
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                          "-----END CERTIFICATE-----\n")
    (tmp_path / "wrong").write_text("not this one\n")
    encrypted, _ = pki.encrypted_key(pair, "sesame")
    crt, key, more = pair.chain_file, pair.key_file, ""
    if defect in ("missing", "empty", "garbage"):
        crt = str(tmp_path / {"missing": "no-such-file", "empty": "empty.pem",
                              "garbage": "garbage.pem"}[defect])
    elif defect == "key_of_another":
        key = other.key_file
    elif defect == "key_missing":
        key = str(tmp_path / "no-such-key")
    else:
        key = encrypted
        more = f"password_file {tmp_path}/wrong;" if defect == "wrong_password" else ""
    listener = (f"server {{ listen 127.0.0.1:1 ssl; ssl_certificate {crt};\n"
                f"ssl_certificate_key {key}; {'ssl_' + more if more else ''} }}")
    refuse(conf_file, HTTP % listener, word)
    upstream = ("server { listen 127.0.0.1:1; location / { proxy_pass https://127.0.0.1:1;\n"
                f"proxy_ssl_certificate {crt}; proxy_ssl_certificate_key {key};"
                f"{'proxy_ssl_' + more if more else ''} }} }}")
    refuse(conf_file, HTTP % upstream, word)


@pytest.mark.parametrize("directive", ["proxy_ssl_trusted_certificate", "proxy_ssl_crl"])
def test_bad_trust_file_is_told_with_its_name(conf_file, directive, tmp_path):
    (tmp_path / "garbage.pem").write_text("no PEM at all\n")
    for name in "no-such-file", "garbage.pem":
        refuse(conf_file, SERVER % "location / { proxy_pass https://127.0.0.1:1;\n"
               f"{directive} {tmp_path}/{name}; }}", name)


def test_old_protocols_in_a_list_are_dropped_with_a_warning(conf_file):
    path, done = check(conf_file, SERVER % "location / { proxy_pass https://127.0.0.1:1;\n"
                       "proxy_ssl_protocols TLSv1 TLSv1.1 TLSv1.2; }")
    assert done.returncode == 0, done.stderr
    warning = [line for line in done.stderr.splitlines() if "[warn]" in line]
    assert warning and "TLSv1.1" in "".join(warning) and f"{path}:6" in "".join(warning)


def test_switched_off_verification_is_warned_about(conf_file):
    path, done = check(conf_file, SERVER % "location / { proxy_pass https://127.0.0.1:1;\n"
                       "proxy_ssl_verify off; }")
    assert done.returncode == 0
    assert re.search(rf"\[warn\].*proxy_ssl_verify.*{re.escape(path)}:\d", done.stderr)


@pytest.mark.parametrize("text", ["sendfile on;", "tcp_nopush on;"])
def test_directives_without_meaning_are_accepted_and_named(conf_file, text):
    _, done = check(conf_file, HTTP % (text + "\nserver { listen 127.0.0.1:1; }"))
    assert done.returncode == 0, done.stderr
    assert text.split(" ", maxsplit=1)[0] in done.stderr  # at notice level
    _, done = check(conf_file, HTTP % (text.replace("on", "nonsense") + "\n"))
    assert done.returncode == 1


@pytest.mark.parametrize("text", [
    "# only a comment\n" + HTTP % "", HTTP % "server { listen 127.0.0.1:1; } # end",
    SERVER % "return 200 'single \"quoted\"';", SERVER % 'return 200 "a\\"b;{}#c";',
    SERVER % "return 200 a\\;b;", SERVER % 'server_name "" *.a.test b.* ~^c\\d+\\.test$ .d.test;',
    SERVER % "location / { return 200 ${uri}x$args; }", "user root;\n" + HTTP % "",
    HTTP % "server { listen 127.0.0.1:1; listen [::1]:1; listen unix:/tmp/ringway-test.sock; }",
    SERVER % "keepalive_timeout 1m 30s;\nclient_max_body_size 1g;\nclient_body_timeout 1h30m;",
    "events { use epoll; multi_accept on; worker_connections 16; }\nhttp {}\n",
    "worker_processes auto;\nworker_cpu_affinity auto;\n" + HTTP % "",
])
def test_good_files_are_accepted(conf_file, text):
    _, done = check(conf_file, text)
    assert done.returncode == 0, done.stderr


def test_include_takes_masks_and_relative_paths(conf_file, tmp_path):
    (tmp_path / "conf.d").mkdir()
    for name in "a", "b":
        (tmp_path / "conf.d" / f"{name}.conf").write_text(
            f"server {{ listen 127.0.0.1:1; server_name {name}.test; }}\n")
    path = conf_file(HTTP % "include conf.d/*.conf;\ninclude none.d/*.conf;")
    assert ringway.run_file(path, "-t").returncode == 0


def test_address_in_use_is_one_clear_line(start, conf_file, tmp_path):
    port = ringway.free_ports()
    first = ringway.http(ringway.server(port, "return 200 first;"))
    start(first)
    path = conf_file(f"daemon off;\npid {tmp_path}/second.pid;\n" + first)
    done = ringway.run_file(path)
    assert done.returncode == 1 and f"127.0.0.1:{port}" in done.stderr
    assert "in use" in done.stderr.lower()
    assert client.get(port).body == b"first"


# --- without a file -----------------------------------------------------------------------------

@pytest.fixture
def two_origins(make_origin, pki):
    pair = pki.leaf("ip:127.0.0.1")
    return [make_origin(tls=server_context(pair, pki.root)) for _ in range(2)]


def test_it_runs_without_a_file(start, pki, two_origins):
    port = ringway.free_ports()
    upstreams = [word for o in two_origins for word in ("--upstream", f"https://{o.address}")]
    edge = start(args=["--listen", f"127.0.0.1:{port}", *upstreams, "--ca", pki.root.cert_file],
                 listens=[port])
    for i in range(4):
        assert client.get(port, f"/{i}").body == b"GET /%d 0" % i
    assert [len(o.requests) for o in two_origins] == [2, 2]
    assert edge.is_running()  # in the foreground


def test_verification_is_on_without_a_file(start, two_origins):
    port = ringway.free_ports()
    edge = start(args=["--listen", f"127.0.0.1:{port}",
                       "--upstream", f"https://{two_origins[0].address}"], listens=[port])
    assert client.get(port).status == 502  # the system's CAs do not know the test's
    assert not two_origins[0].requests
    assert two_origins[0].address in edge.stderr()


def test_client_certificate_and_balance_without_a_file(start, pki, two_origins):
    port = ringway.free_ports()
    pair = pki.client("flag client")
    upstreams = [word for o in two_origins for word in ("--upstream", f"https://{o.address}")]
    start(args=["--listen", f"127.0.0.1:{port}", *upstreams, "--ca", pki.root.cert_file,
                "--cert", pair.chain_file, "--key", pair.key_file, "--balance", "least_conn"],
          listens=[port])
    for _ in range(2):
        assert client.get(port).status == 200
    subjects = {c.client_subject for o in two_origins for c in o.handshaken}
    assert subjects == {pair.subject}


def test_plain_http_upstream_without_a_file(start, make_origin):
    port, own = ringway.free_ports(), make_origin()
    start(args=["--listen", f"127.0.0.1:{port}", "--upstream", f"http://{own.address}"],
          listens=[port])
    assert client.get(port, "/x").body == b"GET /x 0"


# --- -s -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("word", ["quit", "stop"])
def test_s_ends_the_running_process(start, word):
    port = ringway.free_ports()
    edge = start(ringway.http(ringway.server(port, "return 200 ok;")))
    done = ringway.run("-p", str(edge.folder), "-c", str(edge.conf_file), "-s", word)
    assert done.returncode == 0, done.stderr
    assert edge.process.wait(10) == 0


def test_s_reload_makes_the_new_file_count(start):
    port = ringway.free_ports()
    edge = start(ringway.http(ringway.server(port, "return 200 old;")))
    edge.write(ringway.http(ringway.server(port, "return 200 new;")))
    mark = edge.mark()
    done = ringway.run("-p", str(edge.folder), "-c", str(edge.conf_file), "-s", "reload")
    assert done.returncode == 0, done.stderr
    edge.wait_log("reloaded|reconfiguring", mark)
    assert client.get(port).body == b"new"


def test_s_without_a_running_process_says_so(conf_file, tmp_path):
    path = conf_file(f"pid {tmp_path}/none.pid;\n" + HTTP % "")
    done = ringway.run_file(path, "-s", "reload")
    assert done.returncode == 1 and "none.pid" in done.stderr


def test_s_with_a_stale_pid_says_so(conf_file, tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "stale.pid").write_text(f"{gone.pid}\n")
    path = conf_file(f"pid {tmp_path}/stale.pid;\n" + HTTP % "")
    done = ringway.run_file(path, "-s", "quit")
    assert done.returncode == 1 and str(gone.pid) in done.stderr
