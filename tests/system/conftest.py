"""Fixtures of the system tests. See README.md beside this file for how to run a part of them."""
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# pylint: disable=wrong-import-position
import certs  # noqa: E402
import client  # noqa: E402
import origin as origins  # noqa: E402
import ringway  # noqa: E402


KEPT = []  # folders of logs


def pytest_terminal_summary(terminalreporter):
    for path in KEPT:
        terminalreporter.write_line(f"logs are kept in {path}")


@pytest.fixture(scope="session")
def folder(request):
    """A temporary folder that other users can read too; kept when a test failed."""
    path = Path(tempfile.mkdtemp(prefix="ringway-system-"))
    path.chmod(0o755)
    yield path
    if request.session.testsfailed and not os.environ.get("RINGWAY_DISCARD"):
        KEPT.append(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def pki(folder):
    """certs.Pki: the root, and makers of everything else."""
    return certs.Pki(folder / "pki")


def starter(base, stack):
    """A function that starts a Ringway in its own folder; the stack stops and judges it."""
    count = iter(range(1000))

    def start(configuration="", **more):
        own = base / f"{next(count):03}"
        return stack.enter_context(ringway.Ringway(own, configuration, **more))
    return start


@pytest.fixture(scope="module")
def start_shared(folder, request):
    """start_shared(configuration, ...) -> Ringway that lives as long as the test file."""
    with ExitStack() as stack:
        yield starter(folder / request.module.__name__, stack)


@pytest.fixture
def start(folder, request):
    """start(configuration, ...) -> Ringway that lives as long as the test."""
    name = "".join(c if c.isalnum() or c in "_-" else "_" for c in request.node.name)[:80]
    with ExitStack() as stack:
        yield starter(folder / request.module.__name__ / name, stack)


@pytest.fixture(scope="module")
def shared_origin():
    """shared_origin(script, tls=...) -> Origin that lives as long as the test file."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(origins.Origin(*args, **more))


@pytest.fixture
def make_origin():
    """make_origin(script, tls=...) -> Origin that lives as long as the test."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(origins.Origin(*args, **more))


@pytest.fixture
def connect():
    """connect(port, ...) -> Client that is closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(client.Client(*args, **more))


@pytest.fixture
def conf_file(tmp_path):
    """conf_file(text) -> path of a configuration file, in a folder that can be a prefix."""
    (tmp_path / "logs").mkdir()

    def write(text, name="edge.conf"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write
