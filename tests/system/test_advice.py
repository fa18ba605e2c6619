"""What -t warns of beyond mistakes, and what -T says of a configuration as it was understood."""
import itertools
import re
from pathlib import Path

import pytest

import ringway
from certs import DAY

ROOT = Path(__file__).resolve().parents[2]
HTTP = "events {}\nhttp {\n%s\n}\n"
SERVER = HTTP % "server {\nlisten 127.0.0.1:1;\n%s\n}"
UNDERSTOOD = "# the configuration as understood:\n"


def warnings_of(conf_file, text):
    """The lines of -t about a good file, without level and file."""
    path = conf_file(text)
    done = ringway.run_file(path, "-t")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"\[warn\] (.*) in " + re.escape(path) + r":(\d+)", done.stderr)
    return [(text, int(line)) for text, line in found]


def warns(conf_file, text, message, line):
    found = warnings_of(conf_file, text)
    assert len(found) == 1, found
    assert re.search(message, found[0][0]), found
    assert found[0][1] == line, found


# --- what is unsafe -------------------------------------------------------------------------------

@pytest.mark.parametrize("location, alias, message", [
    ("/i", "/srv/i/", r'also serves files beside that folder, as for "/i\.\./"'),
    ("^~ /i", "/srv/i/", "also serves files beside"),
    ("/i/", "/srv/i", "what follows is put right behind it"),
])
def test_an_alias_ends_as_its_location_does(conf_file, location, alias, message):
    warns(conf_file, SERVER % f"location {location} {{\nalias {alias};\n}}", message, 6)


@pytest.mark.parametrize("location, alias", [
    ("/i/", "/srv/i/"), ("/i", "/srv/i"), ("= /i", "/srv/i/index.html"),
    ("~ ^/i/(.*)$", "/srv/i/$1"),
])
def test_an_alias_that_is_as_usual_is_not_warned_of(conf_file, location, alias):
    assert warnings_of(conf_file, SERVER % f"location {location} {{ alias {alias}; }}") == []


def test_add_header_that_loses_others_names_them(conf_file):
    text = HTTP % """add_header X-Frame-Options DENY;
        add_header X-A a;
        server { listen 127.0.0.1:1; add_header X-A b;
        location / { add_header X-C c; return 200; } }"""
    found = warnings_of(conf_file, text)
    assert [line for _, line in found] == [5, 6]
    assert "lose \"add_header X-Frame-Options\" of line 3" in found[0][0]
    assert "lose \"add_header X-A\" of line 5" in found[1][0]


def test_add_header_that_repeats_others_is_not_warned_of(conf_file):
    assert warnings_of(conf_file, HTTP % """add_header X-A a;
        server { listen 127.0.0.1:1; location / { add_header x-a b; add_header X-B b; } }""") == []


@pytest.mark.parametrize("said", ["merge", "off"])
def test_add_header_whose_inheritance_is_told_is_not_warned_of(conf_file, said):
    assert warnings_of(conf_file, HTTP % f"""add_header_inherit {said}; add_header X-A a;
        server {{ listen 127.0.0.1:1; add_header X-B b; location / {{ add_header X-C c; }} }}
        """) == []


def test_add_header_that_loses_one_of_another_file_names_the_file(conf_file):
    inner = conf_file("add_header X-A a;\n", "inner.conf")
    warns(conf_file, HTTP % f"""include {inner};
        server {{ listen 127.0.0.1:1; add_header X-B b; }}""", f"of {re.escape(inner)}:1", 4)


def test_passwords_that_nobody_is_asked_for_are_warned_of(conf_file):
    warns(conf_file, SERVER % "location / {\nauth_basic realm;\n}", "asks nobody", 6)
    users = conf_file("a:b\n", "users")
    assert warnings_of(conf_file, SERVER % f"""auth_basic_user_file {users};
        location / {{ auth_basic realm; }} location /b {{ auth_basic off; }}""") == []


def test_if_beside_a_proxy_pass_is_warned_of(conf_file):
    warns(conf_file, SERVER % """location / {
        proxy_pass http://127.0.0.1:1;
        if ($arg_a) {
            add_header X-A a;
        } }""", '"add_header" inside "if" beside "proxy_pass"', 8)


def test_if_that_decides_is_not_warned_of(conf_file):
    assert warnings_of(conf_file, SERVER % """location / { proxy_pass http://127.0.0.1:1;
        if ($arg_a) { return 403; } if ($arg_b) { rewrite ^ /b last; }
        if ($request_method = OPTIONS) { add_header X-A a; return 204; } }
        location /c { if ($arg_c) { add_header X-C c; } }""") == []


@pytest.mark.parametrize("inside, warned", [
    ("set $a 1;", True), ("", True), ("rewrite ^ /b break;", True), ("break;", True),
    ("return 403;", False), ("rewrite ^ /b last;", False), ("rewrite ^ /b;", False),
])
def test_if_that_goes_on_loses_try_files(conf_file, inside, warned):
    found = warnings_of(conf_file, SERVER % f"""location / {{ try_files $uri @a;
        if ($arg_a) {{ {inside} }} }} location @a {{ return 404; }}""")
    assert len(found) == warned, found
    assert not found or "no \"try_files\" of the location where it holds" in found[0][0], found


@pytest.mark.parametrize("before, url", [
    ("", "http://$host"),
    ("", "http://${http_host}:80/a"),
    ("", "$scheme://$arg_to/"),
    ("set $to $cookie_to;", "http://$to"),
    ("set $to a.$middle; set $middle $http_x;", "http://$to$request_uri"),
    ("", "http://$ssl_server_name"),
    ("", "http://$request_method"),
    ("", "http://$proxy_add_x_forwarded_for"),
    ("server_name ~^(?<sub>.+)[.]test$;", "http://$sub.internal"),
    ("if ($http_x ~ ^(?P<x>a+)) { set $y 1; }", "http://$x"),
    ("rewrite ^/(?'x'[^/]+) /b last;", "http://$x"),
    ("set $to a; if ($arg_a) { set $to $arg_a; }", "http://$to"),
])
def test_a_host_that_a_client_chooses_is_warned_of(conf_file, before, url):
    text = SERVER % f"resolver 127.0.0.1; {before} location / {{\nproxy_pass {url};\n}}"
    warns(conf_file, text, "lets a client choose the host", 6)


def test_a_host_out_of_a_map_is_warned_of_where_its_values_are_a_clients(conf_file):
    text = HTTP % """map $http_x $to { default 127.0.0.1:1; b $http_b; }
        server { listen 127.0.0.1:1; location / { proxy_pass http://$to; } }"""
    warns(conf_file, text, "lets a client choose the host", 4)


@pytest.mark.parametrize("uri, url", [
    ("~ ^/(?<h>[^/]+)/", "http://$h"), ("~* ^/([^/]+)/(.*)$", "http://$1/$2"),
    ("~ ^/a(.*)$", "http://127.0.0.1:1$1"), (r"~ ^/[(](?:/)\((/.*)(.*)", "http://127.0.0.1:1$2"),
    ("~^/(?<h>[^/]+)/", "http://$h"),
])
def test_a_host_out_of_a_locations_regex_is_warned_of(conf_file, uri, url):
    warns(conf_file, SERVER % f"resolver 127.0.0.1; location {uri} {{\nproxy_pass {url};\n}}",
          "lets a client choose the host", 6)


@pytest.mark.parametrize("uri, url", [
    ("~ ^/a(/.*)$", "http://127.0.0.1:1$1"), ("~ ^/a(?<rest>/.*)$", "http://127.0.0.1:1$rest"),
    (r"~ ^/([]/(]+)\((?:/a)(?=/)(/.*)$", "http://127.0.0.1:1$2"),
])
def test_a_path_out_of_a_locations_regex_is_not_warned_of(conf_file, uri, url):
    assert warnings_of(conf_file, SERVER % f"location {uri} {{ proxy_pass {url}; }}") == []


def test_a_path_that_a_rewrite_may_change_is_warned_of(conf_file):
    warns(conf_file, SERVER % """location ~ ^/a(/.*)$ { rewrite ^/(b.*) /c break;
        proxy_pass http://127.0.0.1:1$1; }""", "lets a client choose the host", 6)


@pytest.mark.parametrize("row, warned", [
    ("map $http_x $to { ~^(.*)$ $1; }", True),
    ("map $http_x $to { ~^(?<n>.*)$ $n; }", True),
    ("map $server_port $to { ~^(.*)$ 127.0.0.$1; }", False),
    ("map $server_port $to { ~^(?<n>.*)$ 127.0.0.$n; }", False),
    ("geo $to { default 127.0.0.1; }", False),
    ("split_clients $arg_x $to { * 127.0.0.1; }", False),
])
def test_groups_of_a_map_are_a_clients_where_its_string_is(conf_file, row, warned):
    found = warnings_of(conf_file, HTTP % f"""{row} resolver 127.0.0.1;
        server {{ listen 127.0.0.1:1; location / {{ proxy_pass http://$to; }} }}""")
    assert len(found) == warned, found


def test_variables_of_other_servers_do_not_count(conf_file):
    assert warnings_of(conf_file, HTTP % """
        server { listen 127.0.0.1:1; set $to $arg_x; return 200 $to; }
        server { listen 127.0.0.1:2; set $to 127.0.0.1; location / { proxy_pass http://$to; } }
        """) == []


def test_variables_that_are_made_of_each_other_are_followed_once(conf_file):
    ifs = "".join(f"if ($request_time = {n}) {{ set $to '${{to}}{n}'; }}" for n in range(9))
    assert warnings_of(conf_file, SERVER % f"""resolver 127.0.0.1; set $to a; {ifs}
        location / {{ proxy_pass http://$to; }}""") == []


@pytest.mark.parametrize("names, first, warned", [
    ("server_name a.test *.b.test;", "listen 127.0.0.1:1 default_server;", False),
    ("server_name a.test;", "listen 127.0.0.1:1;", False),
    ("server_name a.test;", "listen 127.0.0.1:2;", True),
    ("server_name ~a;", "listen 127.0.0.1:1;", True),
    ("", "listen 127.0.0.1:1; server_name b.test;", True),
])
def test_a_host_that_server_name_bounds_is_not_a_clients(conf_file, names, first, warned):
    found = warnings_of(conf_file, HTTP % f"""resolver 127.0.0.1;
        server {{ {first} return 444; }}
        server {{ listen 127.0.0.1:1; {names} location / {{ proxy_pass http://$host:81; }} }}""")
    assert len(found) == warned, found


@pytest.mark.parametrize("before, url", [
    ("", "http://127.0.0.1:1$request_uri"),
    ("", "http://127.0.0.1:1$is_args$args"),
    ("set $to 127.0.0.1;", "http://$to:1/$arg_a"),
    ("set $to $to;", "http://$to"),
])
def test_a_host_of_the_files_is_not_warned_of(conf_file, before, url):
    text = SERVER % f"resolver 127.0.0.1; {before} location / {{ proxy_pass {url}; }}"
    assert warnings_of(conf_file, text) == []


def test_a_map_of_the_files_values_is_not_warned_of(conf_file):
    assert warnings_of(conf_file, HTTP % """map $http_x $to { default 127.0.0.1:1; b c:2; }
        server { listen 127.0.0.1:1; location / { proxy_pass http://$to; } }""") == []


# --- certificates ---------------------------------------------------------------------------------

def certificate_text(pair):
    return SERVER % f"ssl_certificate {pair.cert_file};\nssl_certificate_key {pair.key_file};"


@pytest.mark.parametrize("not_before, not_after, message", [
    (-DAY, 5.5 * DAY, r'certificate "CN=.*" in ".*" expires in 5 days, on '),
    (-DAY, 29.9 * DAY, "expires in 29 days"),
    (-2 * DAY, -DAY, "has expired on"),
    (DAY, 90 * DAY, "is not valid before"),
])
def test_a_certificate_that_expires_is_named(conf_file, pki, not_before, not_after, message):
    pair = pki.leaf("expiring.test", not_before=not_before, not_after=not_after)
    warns(conf_file, certificate_text(pair), message, 5)


def test_a_certificate_in_the_file_itself_is_looked_at(conf_file, pki):
    pair = pki.leaf("expiring.test", not_after=5.5 * DAY)
    text = SERVER % """ssl_certificate "data:%s"; ssl_certificate_key "data:%s";""" % (
        Path(pair.cert_file).read_text(), Path(pair.key_file).read_text())
    found = warnings_of(conf_file, text)
    assert len(found) == 1 and 'in "data:" expires in 5 days' in found[0][0], found


def test_a_certificate_with_time_left_is_not_warned_of(conf_file, pki):
    pair = pki.leaf("lasting.test", not_after=30.1 * DAY)
    assert warnings_of(conf_file, certificate_text(pair)) == []


def test_client_certificates_and_authorities_are_looked_at(conf_file, pki):
    ca = pki.authority("Ending CA", not_after=3.5 * DAY)
    pair = pki.client("ending client", not_after=4.5 * DAY)
    found = warnings_of(conf_file, SERVER % f"""location / {{ proxy_pass https://127.0.0.1:1;
        proxy_ssl_trusted_certificate {ca.cert_file}; proxy_ssl_certificate {pair.cert_file};
        proxy_ssl_certificate_key {pair.key_file}; }}""")
    assert [re.search(r"in \d days", text)[0] for text, _ in found] == ["in 3 days", "in 4 days"]


def test_what_is_left_in_a_bundle_of_authorities_is_not_warned_of(conf_file, pki, tmp_path):
    gone = pki.authority("Gone CA", not_before=-2 * DAY, not_after=-DAY)
    good = pki.authority("Good CA", not_after=90 * DAY)
    text = SERVER % """location / { proxy_pass https://127.0.0.1:1;
        proxy_ssl_trusted_certificate %s; }"""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(Path(ca.cert_file).read_text() for ca in (gone, good)))
    assert warnings_of(conf_file, text % bundle) == []
    warns(conf_file, text % gone.cert_file, "has expired on", 6)


@pytest.mark.parametrize("url, message", [
    ("http://none-such.invalid/x", "host not found in OCSP responder"),
    ("http://a_b:x/", "invalid port in OCSP responder"),
    ("http:///x", "no host in OCSP responder"),
])
def test_a_responder_that_cannot_be_asked_is_warned_of(conf_file, pki, url, message):
    pair = pki.leaf("stapled.test", not_after=90 * DAY)
    text = SERVER % f"""ssl_certificate {pair.cert_file};
        ssl_certificate_key {pair.key_file}; ssl_trusted_certificate {pki.root.cert_file};
        ssl_stapling on; ssl_stapling_responder %s;"""
    found = [one for one in warnings_of(conf_file, text % url) if "OCSP" in one[0]]
    assert len(found) == 1 and message in found[0][0], found
    assert not [one for one in warnings_of(conf_file, text % "http://127.0.0.1:1/")
                if "OCSP" in one[0]]


# --- as understood --------------------------------------------------------------------------------

def understood(path):
    done = ringway.run_file(path, "-T")
    assert done.returncode == 0, done.stderr
    text = done.stdout.partition(UNDERSTOOD)[2]
    return text.partition("\n# where ringway differs")[0]


def without_remarks(text):
    return [line.partition(" # ")[0] for line in text.splitlines()
            if not line.lstrip().startswith("#")]


def test_inherited_values_are_marked_with_their_place(conf_file):
    path = conf_file(HTTP % """proxy_read_timeout 7s; proxy_connect_timeout 60s;
        server { listen 127.0.0.1:1; proxy_set_header X-A "a b";
        location / { proxy_pass http://127.0.0.1:1; proxy_read_timeout 8s; }
        location /b { proxy_pass http://127.0.0.1:1; } }""")
    first, second = understood(path).split("location /b")
    assert f'# inherited: proxy_set_header X-A "a b"; # {path}:4' in first
    assert f"# inherited: proxy_read_timeout 7s; # {path}:3" in second
    assert "# inherited: proxy_read_timeout" not in first.partition("location / ")[2]
    assert "# inherited: proxy_connect_timeout" not in second  # as nginx has it by default


def test_defaults_that_are_not_nginxs_are_marked(conf_file):
    text = understood(conf_file(HTTP % """upstream u { server 127.0.0.1:1; }
        server { listen 127.0.0.1:1; proxy_ssl_server_name off; }"""))
    for remark in ("proxy_ssl_verify on; # nginx: off", "proxy_ssl_verify_depth 9; # nginx: 1",
                   "keepalive 32; # nginx: none"):
        assert f"# by default: {remark}" in text
    http, server = text.split("server {")
    assert "# by default: proxy_ssl_server_name on; # nginx: off" in http
    assert "proxy_ssl_server_name off; # " in server


WORDS = ["", "a b", "a;b", "{", 'say "x"', "it's", "a\\\\b", "#x", "a\tb", "${host}",
         "back\\\\"]


def test_what_is_understood_reads_as_the_same(conf_file):
    counter = itertools.count()
    inner = conf_file("types { text/html html htm; 'a b/c' \"d e\"; }\n", "inner.conf")
    lines = "\n".join('add_header X-%d "%s";' % (next(counter), word.replace('"', '\\"'))
                      for word in WORDS)
    once = understood(conf_file(HTTP % f"include {inner};\n{lines}\nserver {{ listen 127.0.0.1:1;"
                                "location ~ \"^/a{2} \\.php$\" { return 200 'x'; } }"))
    twice = understood(conf_file(once, "again.conf"))
    assert len(without_remarks(once)) > 15
    assert without_remarks(once) == without_remarks(twice)
