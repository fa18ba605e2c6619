"""Location, Refresh and Set-Cookie of upstreams by proxy_redirect and proxy_cookie_*, where nginx
is no measure: hostile values, and what becomes of them. The rest is in beside_cases/field_rules.py.
"""
import pytest

from edge import Edge
from origin import serve
from wire import response

BODY = """
proxy_buffer_size 64k; proxy_buffers 4 32k; proxy_busy_buffers_size 64k;
location /plain/ { proxy_pass $S://origin; }
location /inject/ {
    proxy_pass $S://origin;
    proxy_redirect http://x/ http://y$uri;
    proxy_cookie_path / $uri;
    proxy_cookie_domain a.test $uri;
}
location /runaway/ { proxy_pass $S://origin; proxy_redirect ~^(a+)+$ /b; }
location /stays/ { proxy_pass $S://origin; proxy_redirect ~^http://x/(.*) /$1;
                   proxy_cookie_path ~*^/old/(?<rest>.*) /new/$rest;
                   proxy_cookie_flags ~ secure; }
"""


@pytest.fixture(scope="module", name="site")
def fixture_site(start_shared, shared_origin, pki):
    return Edge(start_shared, shared_origin, pki, is_tls=True, body=BODY.replace("$S", "https"))


@pytest.fixture(autouse=True)
def unharmed(site):
    with site.unharmed():
        yield


def answer_with(site, *fields):
    site.origin.script = serve(lambda request: response(200, b"body", list(fields)))


@pytest.mark.parametrize("name, value, directive", [
    ("Location", "http://x/", "proxy_redirect"),
    ("Refresh", "5;url=http://x/", "proxy_redirect"),
    ("Set-Cookie", "a=1; Path=/", r"proxy_cookie_\*"),
    ("Set-Cookie", "a=1; Domain=a.test", r"proxy_cookie_\*"),
])
@pytest.mark.parametrize("escape", ["%0d%0aX-Evil:%201", "%0aX-Evil:%201", "%0d", "%01", "%7f"])
def test_a_variable_injects_no_field(site, name, value, directive, escape):
    answer_with(site, (name, value))
    mark = site.ringway.mark()
    answer = site.get(f"/inject/{escape}")
    assert (answer.status, answer.body) == (200, b"body")
    assert answer.get("X-Evil") is None and answer.get(name) is None
    site.ringway.wait_log(
        rf'\[error\].* a value of "{directive}" with control bytes was left out, client', mark)


def test_values_that_no_rule_changes_pass_byte_for_byte(site):
    values = ["a=1;  b ;;Path=/x", "caf\xe9=1", ";", "x" * 5000]
    answer_with(site, *[("Set-Cookie", value) for value in values], ("Location", "a\tb"),
                ("Refresh", "url=\xe9"))
    answer = site.get("/plain/")
    assert answer.all("Set-Cookie") == values
    assert answer.get("Location") == "a\tb" and answer.get("Refresh") == "url=\xe9"


def test_each_of_many_cookies_is_made_anew(site):
    answer_with(site, *[("Set-Cookie", f"c{i}=1; Path=/old/{i}") for i in range(50)])
    assert site.get("/stays/").all("Set-Cookie") == [
        f"c{i}=1; Path=/new/{i}; Secure" for i in range(50)]


def test_a_cookie_of_many_attributes_is_borne(site):
    answer_with(site, ("Set-Cookie", "a=1" + ";" * 6000))
    assert site.get("/stays/").get("Set-Cookie") == "a=1" + "; " * 6000 + "; Secure"


def test_a_regex_that_runs_away_on_an_answer_is_500(site):
    answer_with(site, ("Location", "a" * 5000 + "b"))
    mark = site.ringway.mark()
    assert site.get("/runaway/").status == 500
    site.ringway.wait_log("ran away on a field of the answer", mark)
    answer_with(site, ("Location", "aaa"))
    assert site.get("/runaway/").get("Location") == f"http://www.test:{site.port}/b"


def test_an_answer_that_rewriting_makes_too_large_is_502(site):
    answer_with(site, *[("Set-Cookie", "a=1; Path=/old/" + "x" * 6000) for _ in range(10)],
                ("Set-Cookie", "b" * 5500))
    assert site.get("/stays/").status in (200, 502)
