"""map, geo and split_clients where they are used; what they look up is compared with nginx's in
beside_cases/maps.py."""
import pytest

import client
import ringway
from edge import Edge
from wire import request

MAPS = """
map $arg_k $known { include $FOLDER/maps/*.map; default other; }
map $arg_k $backend { one origin; default canary; }
map $arg_log $is_logged { yes 1; default 0; }
map $request_method $method_name { ~^(?<first>.) "begins with $first"; }
map $arg_k $now { volatile; default "$arg_k $connection_requests"; }
map $cookie_group $group { default $split; ~^[ab]$ $cookie_group; }
split_clients $arg_k $split { 50% a; * b; }
geo $where { include $FOLDER/maps/places.geo; default elsewhere; }
geo $arg_ip $place { include $FOLDER/maps/places.geo; default elsewhere; volatile; }
log_format maps "$known|$where|$method_name|$first|$group";
"""
LOCATIONS = """
access_log $FOLDER/maps.log maps if=$is_logged;
location /known { return 200 "$known"; }
location /by { proxy_pass http://$backend; }
location /method { return 200 "$method_name"; }
location /now { return 200 "$now"; }
location /group { add_header X-Group $group always; return 200 "$group"; }
location /geo { return 200 "$where $place"; }
location /if { if ($known = 1) { return 200 "is one"; } return 200 "is not"; }
location /redirected/ { set $seen $known; error_page 404 /after; return 404; }
location = /after { return 200 "$known $arg_k $uri"; }
location ~ ^/captured/(.)$ { return 200 "$1 $method_name $1"; }
"""


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki, folder):
    maps = folder / "maps"
    maps.mkdir()
    (maps / "a.map").write_text("one 1;\n# a comment\n\"two words\" 2;\n")
    (maps / "b.map").write_text("~^t(.*)$ \"t $1\";\n")
    (maps / "places.geo").write_text("127.0.0.0/8 here;\n10.0.0.0/8 there;\n")
    made = Edge(start_shared, shared_origin, pki,
                settings=MAPS.replace("$FOLDER", str(folder)),
                body=LOCATIONS.replace("$FOLDER", str(folder)))
    made.folder = folder
    return made


def body(edge, target, **more):
    return edge.get(target, **more).body.decode()


def test_included_files_hold_lines(edge):
    assert body(edge, "/known?k=one") == "1"
    assert body(edge, "/known?k=ONE") == "1"
    assert body(edge, "/known?k=three") == "t hree"
    assert body(edge, "/known?k=x") == body(edge, "/known") == "other"


def test_map_chooses_the_group_to_pass_to(edge):
    edge.origin.forget()
    assert body(edge, "/by?k=one").startswith("GET /by?k=one")
    assert body(edge, "/by?k=two") == "canary /by?k=two"
    assert len(edge.origin.requests) == 1


def test_groups_of_a_maps_regex_are_variables(edge):
    assert body(edge, "/method") == "begins with G"
    assert body(edge, "/method", method="OPTIONS") == "begins with O"


def test_map_that_matches_by_regex_sets_the_captures(edge):
    assert body(edge, "/captured/x") == "x begins with G G"


def test_value_is_each_requests_own(edge):
    with client.Client(edge.port) as c:
        assert c.ask("/now?k=a").body == b"a 1"
        assert c.ask("/now?k=b").body == b"b 2"
        assert c.ask("/known?k=one").body == b"1"
        assert c.ask("/known?k=two").body == b"t wo"


def test_value_survives_an_internal_redirect(edge):
    assert body(edge, "/redirected/x?k=one") == "1  /after"


def test_split_gives_one_client_the_same_part_each_time(edge):
    parts = {k: {body(edge, f"/group?k={k}") for _ in range(3)} for k in ("x", "y", "z", "foo")}
    assert all(len(part) == 1 for part in parts.values())
    assert set().union(*parts.values()) == {"a", "b"}
    answer = edge.get("/group?k=x", fields=[("Cookie", "group=a")])
    assert answer.body == b"a" and answer.get("X-Group") == "a"


def test_geo_is_by_the_client_or_by_a_variable(edge):
    assert body(edge, "/geo?ip=10.1.2.3") == "here there"
    assert body(edge, "/geo?ip=11.1.2.3") == "here elsewhere"
    assert body(edge, "/geo?ip=" + "1" * 5000) == "here elsewhere"


def test_map_decides_in_if_and_in_logs(edge):
    assert body(edge, "/if?k=one") == "is one"
    assert body(edge, "/if?k=two") == "is not"
    assert body(edge, "/known?k=one&log=yes") == "1"
    assert body(edge, "/known?k=one&log=no") == "1"
    edge.ringway.stop()
    lines = (edge.folder / "maps.log").read_text().splitlines()
    edge.ringway.start()
    assert [line.rpartition("|")[0] for line in lines] == ["1|here|begins with G|G"]


def test_hostile_text_is_only_a_key(edge):
    for text in ("%00", "%ff%fe", "~", "\\\\default", "$known", "${", "*", "a" * 7000):
        assert edge.get(f"/known?k={text}").status == 200
    raw = request("/known?k=x", fields=[("Cookie", "group=" + "\xff" * 100)])
    with client.Client(edge.port) as c:
        c.send(raw)
        assert c.response().status == 200


def test_mistake_in_an_included_file_is_named_by_its_line(conf_file, tmp_path):
    wrong = tmp_path / "wrong.map"
    wrong.write_text("a 1;\nb 2 3;\n")
    path = conf_file(ringway.http("", settings=f"map $host $x {{ include {wrong}; }}"))
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f"invalid number of the map parameters in {wrong}:2" in done.stderr


def test_reload_takes_new_maps(start, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text("a 1;")
    port = ringway.free_ports()
    running = start(ringway.http(ringway.server(port, 'return 200 "$x";'),
                                 settings=f"map $arg_k $x {{ include {lines}; }}"))
    assert client.get(port, "/?k=a").body == b"1"
    lines.write_text("a 2;")
    assert client.get(port, "/?k=a").body == b"1"
    running.reload()
    assert client.get(port, "/?k=a").body == b"2"


def test_large_maps_are_read_whole(start, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("".join(f"key-{i} value-{i};\n" for i in range(9000)))
    nets = tmp_path / "nets"
    nets.write_text("".join(f"{i >> 8 & 255}.{i & 255}.0.0/16 net-{i};\n" for i in range(9000)))
    port = ringway.free_ports()
    start(ringway.http(
        ringway.server(port, 'return 200 "$x $y";'),
        settings=f"map $arg_k $x {{ include {keys}; }}\ngeo $arg_ip $y {{ include {nets}; }}"))
    assert client.get(port, "/?k=KEY-8999&ip=35.39.1.2").body == b"value-8999 net-8999"
