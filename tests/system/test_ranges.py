"""Parts of files, and files that did not change: ranges and conditions."""
import os
import re

import pytest

import wire
from edge import Edge

DATE = "Sun, 13 Sep 2020 12:26:40 GMT"
BEFORE, AFTER = DATE.replace(":40", ":39"), DATE.replace(":40", ":41")
DIGITS, BIG = b"0123456789", wire.pattern(300_000)
ETAG = '"5f5e1000-a"'
BODY = """
root $ROOT;
location / { }
location /plain/ { etag off; alias $ROOT/; }
location /one/ { max_ranges 1; alias $ROOT/; }
location /no/ { max_ranges 0; alias $ROOT/; }
location /never/ { if_modified_since off; alias $ROOT/; }
location /before/ { if_modified_since before; alias $ROOT/; }
location /typeless/ { types { } default_type ""; alias $ROOT/; }
location /trailer/ { add_trailer X-T a; alias $ROOT/; }
location /error/ { error_page 416 =404 /none; alias $ROOT/; }
"""


@pytest.fixture(scope="module")
def edge(start_shared, shared_origin, pki, folder):
    root = folder / "ranges"
    root.mkdir()
    for name, content in ("digits.txt", DIGITS), ("empty.txt", b""), ("big.bin", BIG):
        (root / name).write_bytes(content)
        (root / name).chmod(0o644)
        os.utime(root / name, (1_600_000_000, 1_600_000_000))
    root.chmod(0o755)
    return Edge(start_shared, shared_origin, pki, body=BODY.replace("$ROOT", str(root)))


@pytest.fixture(autouse=True)
def unharmed(edge):
    with edge.unharmed():
        yield


def ask(edge, target, **fields):
    return edge.get(target, fields=[(name.replace("_", "-"), value)
                                    for name, value in fields.items()])


def parts_of(answer):
    """The parts of an answer of several: type, range, content."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\d{20})",
                            answer.get("Content-Type"))[1].encode()
    pieces = answer.body.split(b"\r\n--" + boundary)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n"
    parts = []
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ") for line in head.split(b"\r\n")[1:])
        parts.append((fields.get(b"Content-Type"), fields[b"Content-Range"].decode(), content))
    return parts


@pytest.mark.parametrize("value, wanted, content", [
    ("bytes=0-1", "bytes 0-1/10", b"01"), ("bytes=8-", "bytes 8-9/10", b"89"),
    ("bytes=-3", "bytes 7-9/10", b"789"), ("bytes=9-99", "bytes 9-9/10", b"9"),
    ("BYTES= 2 - 3", "bytes 2-3/10", b"23"), ("bytes=2-2,20-", "bytes 2-2/10", b"2")])
def test_one_range_is_a_part(edge, value, wanted, content):
    answer = ask(edge, "/digits.txt", Range=value)
    assert (answer.status, answer.get("Content-Range")) == (206, wanted)
    assert answer.body == content and answer.get("Content-Type") == "text/plain"
    assert answer.get("ETag") == ETAG and answer.get("Last-Modified") == DATE
    assert answer.get("Accept-Ranges") is None


@pytest.mark.parametrize("value, ranges", [
    ("bytes=0-1,3-4", [(0, 1), (3, 4)]), ("bytes=-1,0-0, 5-6", [(9, 9), (0, 0), (5, 6)]),
    ("bytes=0-0,20-,2-2", [(0, 0), (2, 2)]), ("bytes=0-4,0-4", [(0, 4), (0, 4)])])
@pytest.mark.parametrize("place", ["", "/typeless", "/trailer"])
def test_several_ranges_are_several_parts(edge, value, ranges, place):
    answer = ask(edge, f"{place}/digits.txt", Range=value)
    kind = None if place == "/typeless" else b"text/plain"
    assert answer.status == 206 and answer.get("Content-Range") is None
    assert parts_of(answer) == [(kind, f"bytes {a}-{b}/10", DIGITS[a:b + 1]) for a, b in ranges]
    assert (answer.framing == "chunked") == (place == "/trailer")


def test_parts_of_a_large_file_are_whole(edge):
    ranges = [(0, 99_999), (200_000, 200_000), (150_000, 299_999)]
    answer = ask(edge, "/big.bin", Range="bytes=" + ",".join(f"{a}-{b}" for a, b in ranges))
    assert [(r, c) for _, r, c in parts_of(answer)] == [
        (f"bytes {a}-{b}/300000", BIG[a:b + 1]) for a, b in ranges]


def test_very_many_ranges_are_answered(edge):
    answer = ask(edge, "/big.bin", Range="bytes=" + ",".join(f"{i}-{i}" for i in range(900)))
    assert [c for _, _, c in parts_of(answer)] == [BIG[i:i + 1] for i in range(900)]


def test_each_answer_has_a_boundary_of_its_own(edge):
    types = {ask(edge, "/digits.txt", Range="bytes=0-1,3-4").get("Content-Type")
             for _ in range(3)}
    assert len(types) == 3


@pytest.mark.parametrize("target, value", [
    ("/digits.txt", "bytes=0-5,0-5"), ("/digits.txt", "bytes="), ("/digits.txt", "lines=0-1"),
    ("/one/digits.txt", "bytes=0-1,3-4"), ("/no/digits.txt", "bytes=0-1"),
    ("/empty.txt", "bytes=0-"), ("/empty.txt", "bytes=-1")])
def test_what_is_not_obeyed_is_the_whole(edge, target, value):
    answer = ask(edge, target, Range=value)
    assert answer.status == 200 and answer.body == (b"" if "empty" in target else DIGITS)
    assert answer.get("Accept-Ranges") == (None if "/no/" in target else "bytes")


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=x", "bytes=0-1,x", "bytes=-0",
                                   "bytes=20-,30-", "bytes=2-1"])
def test_what_is_not_there_is_refused(edge, value):
    answer = ask(edge, "/digits.txt", Range=value)
    assert (answer.status, answer.get("Content-Range")) == (416, "bytes */10")


def test_refusal_may_have_an_error_page(edge):
    assert ask(edge, "/error/digits.txt", Range="bytes=20-").status == 404


@pytest.mark.parametrize("value, status", [
    (ETAG, 206), ('"x"', 200), ("W/" + ETAG, 200), (DATE, 206), (BEFORE, 200), (AFTER, 200),
    ("x", 200)])
def test_range_is_for_the_version_that_is_known(edge, value, status):
    assert ask(edge, "/digits.txt", Range="bytes=0-1", If_Range=value).status == status


def test_files_without_etag_have_a_date(edge):
    answer = edge.get("/plain/digits.txt")
    assert answer.get("ETag") is None and answer.get("Last-Modified") == DATE
    assert ask(edge, "/plain/digits.txt", Range="bytes=0-1", If_Range=ETAG).status == 200
    assert ask(edge, "/plain/digits.txt", If_None_Match=ETAG).status == 200
    assert ask(edge, "/plain/digits.txt", If_None_Match="*").status == 304


@pytest.mark.parametrize("place, statuses", [
    ("", (200, 304, 200)), ("/never", (200, 200, 200)), ("/before", (200, 304, 304))])
def test_date_is_compared_as_is_said(edge, place, statuses):
    assert tuple(ask(edge, f"{place}/digits.txt", If_Modified_Since=date).status
                 for date in (BEFORE, DATE, AFTER)) == statuses
