"""What the README and the examples under configs/ say is what the binary does."""
import os
import re
import shutil
import subprocess

import pytest

import ringway

README = ringway.TREE / "README.md"
CONFIGS = sorted((ringway.TREE / "configs").glob("*.conf"))


def test_readme_lists_the_flags_as_the_binary_has_them():
    table = ringway.run("help", "--markdown").stdout
    assert table.startswith("| flag |")
    assert table in README.read_text(), "README.md: put in what `ringway help --markdown` prints"


def test_manual_page_is_complete():
    page = ringway.run("help", "--man").stdout
    for section in "NAME", "SYNOPSIS", "OPTIONS", "SIGNALS", "COUNTERS":
        assert f".SH {section}\n" in page
    assert r"\-\-upstream" in page


def test_manual_page_of_the_language_has_every_directive():
    page = ringway.run("help", "--man-conf").stdout
    names = {line.split()[0] for line in ringway.run("help").stdout.splitlines()}
    assert len(names) > 120
    assert names == set(re.findall(r"^\.SS (\S+)$", page, re.M))
    assert page.count("\nSyntax:") >= len(names)
    assert "$upstream_addr" in page and "$http_\\fIname" in page


@pytest.mark.skipif(not shutil.which("man"), reason="needs man-db")
@pytest.mark.parametrize("document", ["--man", "--man-conf"])
def test_manual_pages_are_good_roff(document, tmp_path):
    path = tmp_path / "page"
    path.write_text(ringway.run("help", document).stdout)
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(path)], timeout=30,
                          capture_output=True, check=False, env={**os.environ, "MANWIDTH": "120"})
    assert done.returncode == 0 and done.stderr == b""


@pytest.fixture(scope="module")
def demo(folder, pki):
    """A copy of configs/ with the certificates that scripts/demo would make."""
    home = folder / "configs"
    (home / "demo").mkdir(parents=True)
    (home / "demo" / "files").mkdir()
    pairs = {"ca": pki.root, "edge": pki.client("edge.demo")}
    for name in "one", "two", "front", "impostor":
        pairs[name] = pki.leaf("backend.demo", "localhost")
    for name, pair in pairs.items():
        shutil.copy(pair.chain_file, home / "demo" / f"{name}.pem")
        shutil.copy(pair.key_file, home / "demo" / f"{name}.key")
    for conf in CONFIGS:
        shutil.copy(conf, home)
    return home


@pytest.mark.parametrize("conf", CONFIGS, ids=lambda path: path.name)
def test_examples_are_accepted_without_a_word(demo, conf):
    done = ringway.run("-t", "-q", "-c", str(demo / conf.name))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_example_of_the_readme_is_accepted(demo):
    text = re.search(r"```nginx\n(.*?)```", README.read_text(), re.S)[1]
    for old, new in {"client.pem": "demo/edge.pem", "client.key": "demo/edge.key",
                     "trusted_ca_cert.crt": "demo/ca.pem", "backend1.example.com": "127.0.0.1",
                     "backend2.example.com": "127.0.0.2"}.items():
        assert old in text
        text = text.replace(old, new)
    (demo / "readme.conf").write_text("events {}\n" + text)
    done = ringway.run("-t", "-q", "-c", str(demo / "readme.conf"))
    assert (done.returncode, done.stderr) == (0, "")
