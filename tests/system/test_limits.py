"""How often and how many may come: limit_req and limit_conn, over workers and reloads."""
import concurrent.futures
import re
import time

import pytest

import client
import ringway
import wire
from edge import Edge
from origin import serve
from wire import response

ZONES = """
limit_req_zone $arg_k zone=slow:32k rate=1r/m;
limit_req_zone $arg_k zone=ten:1m rate=10r/s;
limit_req_zone $arg_j zone=second:1m rate=1r/m;
limit_req_zone $http_x_key zone=long:1m rate=1r/m;
limit_conn_zone $arg_k zone=many:1m;
limit_conn_zone $arg_j zone=others:32k;
limit_conn_zone $http_x_key zone=longconn:1m;
log_format limits '$uri $status [$limit_req_status] [$limit_conn_status]';
"""
LOCATIONS = """
access_log $LOG limits;
proxy_read_timeout 8s;
root $ROOT;
location /slow/ { limit_req zone=slow; }
location /burst/ { limit_req zone=slow burst=2 nodelay; limit_req_status 429; }
location /delayed/ { limit_req zone=ten burst=3; limit_req_log_level warn; }
location /late/ { limit_req zone=ten burst=5 delay=3; }
location /two/ { limit_req zone=slow burst=9 nodelay; limit_req zone=second burst=1 nodelay; }
location /dry/ { limit_req zone=slow; limit_req_dry_run on; limit_req_log_level info; }
location /dry-delay/ { limit_req zone=ten burst=5; limit_req_dry_run on; }
location /long/ { limit_req zone=long; }
location /page/ { limit_req zone=slow; error_page 503 /slow/sorry; }
location /after/ { limit_req zone=slow; deny all; }
location /satisfied/ { satisfy any; allow all; limit_req zone=slow; limit_req_status 403; }
location /returned { limit_req zone=slow; return 200 "not limited"; }
location /conn/ { limit_conn many 2; proxy_pass http://origin; }
location /conns/ { limit_conn many 3; limit_conn others 1; limit_conn_status 429;
    limit_conn_log_level notice; proxy_pass http://origin; }
location /conn-dry/ { limit_conn many 1; limit_conn_dry_run on; proxy_pass http://origin; }
location /conn-long/ { limit_conn longconn 1; proxy_pass http://origin; }
"""
NAMES = ("slow", "burst", "delayed", "late", "two", "dry", "dry-delay", "long", "after",
         "satisfied", "page")


@pytest.fixture(scope="module", name="root")
def fixture_root(folder):
    root = folder / "limits-www"
    for name in NAMES:
        (root / name).mkdir(parents=True)
        (root / name / "x").write_text("x")
    (root / "slow" / "sorry").write_text("sorry")
    return root


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki, root, folder):
    return Edge(start_shared, shared_origin, pki, workers=2, settings=ZONES,
                body=LOCATIONS.replace("$ROOT", str(root)).replace("$LOG",
                                                                   str(folder / "limits.log")))


def statuses(site, target, count):
    return [site.get(target).status for _ in range(count)]


def all_at_once(count, ask):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(lambda _: ask(), range(count)))


def test_more_than_the_rate_is_refused(site):
    mark = site.ringway.mark()
    assert statuses(site, "/slow/x?k=a", 3) == [200, 503, 503]
    assert statuses(site, "/slow/x?k=b", 1) == [200]
    line = site.ringway.wait_log(
        r'\[error\].* limiting requests, excess: (\d)\.(\d{3}) by zone "slow", client: 127.0.0.1, '
        r'server: www.test, request: "GET /slow/x\?k=a HTTP/1.1"', mark)
    assert 990 <= int(line[1] + line[2]) <= 1000


def test_an_empty_key_is_not_counted(site):
    assert statuses(site, "/slow/x", 4) == [200] * 4
    assert statuses(site, "/slow/x?k=", 4) == [200] * 4


def test_a_burst_is_shared_by_all_workers(site):
    for _ in range(3):
        assert all_at_once(8, lambda: site.get("/burst/x?k=shared").status) in (
            [200] * 3 + [429] * 5, [429] * 8)


def test_what_exceeds_the_rate_within_the_burst_is_delayed(site):
    mark = site.ringway.mark()
    began = time.monotonic()
    times = []

    def ask():
        status = site.get("/delayed/x?k=d").status
        times.append(time.monotonic() - began)
        return status
    assert all_at_once(6, ask) in ([200] * 4 + [503] * 2, [200] * 5 + [503])
    assert 0.25 < max(times) < 2
    assert site.ringway.wait_log(
        r'\[notice\].* delaying request, excess: \d\.\d{3}, by zone "ten", client', mark)
    assert site.ringway.wait_log(r'\[warn\].* limiting requests, excess: \d\.\d{3} by zone', mark)


def test_delay_says_how_much_is_not_delayed(site):
    began = time.monotonic()
    assert all_at_once(4, lambda: site.get("/late/x?k=l").status) == [200] * 4
    assert time.monotonic() - began < 0.09
    assert site.get("/late/x?k=l").status == 200
    assert time.monotonic() - began > 0.02


def test_a_client_that_leaves_while_it_is_delayed_is_noticed(site, connect):
    mark = site.ringway.mark()
    assert site.get("/delayed/x?k=gone").status == 200
    clients = [connect(site.port) for _ in range(2)]
    for c in clients:
        c.send(wire.request("/delayed/x?k=gone"))
    site.ringway.wait_log("delaying request", mark)
    clients[0].reset()
    clients[1].half_close()
    wire.wait_until(lambda: len(re.findall("client prematurely closed connection",
                                           site.ringway.log_since(mark))) == 2)


def test_each_of_several_limits_refuses(site):
    assert statuses(site, "/two/x?k=t&j=1", 3) == [200, 200, 503]
    # What the second refused was not counted by the first: 10 in all of its key.
    assert [site.get(f"/two/x?k=t&j={j}").status for j in range(2, 11)] == [200] * 8 + [503]


@pytest.mark.parametrize("target, count, states", [
    ("/dry/x?k=dry", 2, ["PASSED", "REJECTED_DRY_RUN"]),
    ("/dry-delay/x?k=dry", 2, ["PASSED", "DELAYED_DRY_RUN"]),
    ("/slow/x?k=states", 2, ["PASSED", "REJECTED"]), ("/slow/x", 1, [""]),
    ("/delayed/x?k=states", 2, ["PASSED", "DELAYED"]),
])
def test_what_became_of_it_is_a_variable(site, folder, target, count, states):
    log = folder / "limits.log"
    before = len(log.read_text()) if log.exists() else 0
    statuses(site, target, count)
    wire.wait_until(lambda: log.exists() and log.read_text()[before:].count("\n") == count)
    found = re.findall(r" \[(.*)\] \[.*\]", log.read_text()[before:])
    assert found == [state or "-" for state in states]


def test_a_dry_run_lets_in_and_logs(site):
    mark = site.ringway.mark()
    assert statuses(site, "/dry/x?k=dry2", 3) == [200] * 3
    assert site.ringway.wait_log(
        r'\[info\].* limiting requests, dry run, excess: 0\.99\d by zone|'
        r'\[info\].* limiting requests, dry run, excess: 1\.000 by zone', mark)


@pytest.mark.parametrize("size, states", [(65535, [200, 503]), (65536, [200, 200])])
def test_a_longer_key_is_not_counted(start, root, size, states, folder):
    port = ringway.free_ports()
    body = LOCATIONS.replace("$ROOT", str(root)).replace("$LOG", str(folder / "long.log"))
    body = re.sub(r"location /conn.*?}\n", "", body, flags=re.S)
    proxy = start(ringway.http(ringway.server(port, body), settings=ZONES
                               + "large_client_header_buffers 4 128k;\n"))
    fields = [("X-Key", "k" * size)]
    assert [client.get(port, "/long/x", fields=fields).status for _ in states] == states
    assert ("is more than 65535 bytes" in proxy.log()) == (size > 65535)


def test_a_page_for_a_refusal_is_not_limited_again(site):
    assert site.get("/page/x?k=p").status == 200
    answer = site.get("/page/x?k=p")
    assert (answer.status, answer.body) == (503, b"sorry")


def test_limits_come_before_addresses_and_behind_a_return(site):
    assert statuses(site, "/after/x?k=after", 2) == [403, 503]
    assert statuses(site, "/satisfied/x?k=satisfied", 2) == [200, 403]
    assert statuses(site, "/returned?k=returned", 2) == [200, 200]


# --- how many -----------------------------------------------------------------------------------

class Held:
    """Requests that the origin holds until they are let go. One for all tests, as the connections
    to the origin are kept."""

    def __init__(self, site):
        self.site, self.may_go, self.connect = site, True, None
        site.origin.script = serve(self.answer)

    def answer(self, request):
        wire.wait_until(lambda: self.may_go, 8)
        return response(200, b"held")

    def begin(self, target, **more):
        c = self.connect(self.site.port)
        before = len(self.site.origin.requests)
        c.send(wire.request(target, **more))
        wire.wait_until(lambda: len(self.site.origin.requests) > before, what=target)
        return c

    def let_go(self, *clients):
        self.may_go = True
        for c in clients:
            assert c.response().status == 200


@pytest.fixture(scope="module", name="shared_held")
def fixture_shared_held(site):
    return Held(site)


@pytest.fixture(name="held")
def fixture_held(shared_held, connect):
    shared_held.connect, shared_held.may_go = connect, False
    yield shared_held
    shared_held.may_go = True


def test_so_many_may_be_there_at_once(site, held):
    mark = site.ringway.mark()
    first, second = held.begin("/conn/?k=a"), held.begin("/conn/?k=a")
    assert statuses(site, "/conn/?k=a", 4) == [503] * 4
    other = held.begin("/conn/?k=b")
    assert site.ringway.wait_log(
        r'\[error\].* limiting connections by zone "many", client: 127.0.0.1', mark)
    held.let_go(first, second, other)
    # Idle connections are not counted.
    assert statuses(site, "/conn/?k=a", 4) == [200] * 4


def test_a_client_that_leaves_makes_room(site, held):
    clients = [held.begin("/conn/?k=leaves") for _ in range(2)]
    assert site.get("/conn/?k=leaves").status == 503
    clients[0].reset()
    held.may_go = True
    wire.wait_until(lambda: site.get("/conn/?k=leaves").status == 200)
    held.let_go(clients[1])


def test_whom_one_limit_refuses_the_others_do_not_count(site, held):
    mark = site.ringway.mark()
    first = held.begin("/conns/?k=c&j=1")
    assert statuses(site, "/conns/?k=c&j=1", 5) == [429] * 5
    more = [held.begin("/conns/?k=c&j=2"), held.begin("/conns/?k=c&j=3")]
    assert site.get("/conns/?k=c&j=4").status == 429
    assert site.ringway.wait_log(r'\[notice\].* limiting connections by zone "others"', mark)
    assert site.ringway.wait_log(r'\[notice\].* limiting connections by zone "many"', mark)
    held.let_go(first, *more)


def test_a_dry_run_counts_and_lets_in(site, held):
    mark = site.ringway.mark()
    clients = [held.begin("/conn-dry/?k=dry") for _ in range(3)]
    assert site.ringway.wait_log(
        r'\[error\].* limiting connections, dry run by zone "many"', mark)
    held.let_go(*clients)


@pytest.mark.parametrize("size, second", [(255, 503), (256, 200)])
def test_a_key_of_connections_has_255_bytes(site, held, size, second):
    fields = [("X-Key", "k" * size)]
    first = held.begin("/conn-long/", fields=fields)
    if second == 503:
        assert site.get("/conn-long/", fields=fields).status == 503
    else:
        held.let_go(first, held.begin("/conn-long/", fields=fields))


# --- reloads ------------------------------------------------------------------------------------

def zone_conf(port, size="1m", key="$arg_k", rate="1r/m"):
    return ringway.http(ringway.server(port, "location /x { limit_req zone=z; root /nowhere; }"),
                        settings=f"limit_req_zone {key} zone=z:{size} rate={rate};")


@pytest.mark.parametrize("change, status", [
    ({}, 503), ({"rate": "2r/m"}, 503), ({"size": "2m"}, 404), ({"key": "$arg_k$arg_j"}, 404)])
def test_a_zone_that_stays_the_same_outlives_a_reload(start, change, status):
    port = ringway.free_ports()
    proxy = start(zone_conf(port), workers=2)
    assert client.get(port, "/x?k=a").status == 404
    proxy.reload(zone_conf(port, **change))
    assert client.get(port, "/x?k=a").status == status


def test_a_limit_without_a_zone_is_refused(conf_file):
    path = conf_file("events { }\nhttp { server {\nlimit_req zone=none; } }\n")
    done = ringway.run_file(path, "-t")
    assert done.returncode == 1
    assert f'[emerg] zero size shared memory zone "none" in {path}:3' in done.stderr
