"""The fuzzers of tests/fuzz over what they begin with: they build, and find nothing there."""
import subprocess
import sys
from pathlib import Path

import pytest

import ringway

FUZZ = ringway.TREE / "tests" / "fuzz"
PROGRAMS = Path(ringway.binary()).parent / "tests" / "fuzz"
NAMES = sorted(path.stem for path in FUZZ.glob("*.c"))
EVERY = 4  # one seed of so many: a run of scripts/fuzz takes the rest
SECONDS_MAX = 120


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """A folder for each fuzzer that has seeds, beside the files that configurations name."""
    folder = tmp_path_factory.mktemp("seeds")
    subprocess.run([sys.executable, FUZZ / "seeds.py", folder, str(EVERY)], check=True)
    for name in NAMES:
        (folder / name).mkdir(exist_ok=True)
    return folder


def words():
    """Those of the dictionaries, as inputs of their own."""
    text = "".join(path.read_text() for path in sorted(FUZZ.glob("*.dict")))
    quoted = [line[line.index('"') + 1:line.rindex('"')] for line in text.splitlines()
              if line.count('"') > 1 and not line.startswith("#")]
    return [word.encode().decode("unicode_escape").encode("latin-1") for word in quoted]


@pytest.mark.skipif(not PROGRAMS.is_dir(), reason="a build without tests")
@pytest.mark.parametrize("name", NAMES)
def test_a_fuzzer_finds_nothing_where_it_begins(name, seeds):
    folder = seeds / name
    (folder / "empty").write_bytes(b"")
    for i, word in enumerate(words()):
        (folder / f"word{i}").write_bytes(word)
    done = subprocess.run([PROGRAMS / f"replay_{name}", name], cwd=seeds, text=True,
                          capture_output=True, timeout=SECONDS_MAX, check=False,
                          env=ringway.SANITIZER_OPTIONS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{len(list(folder.iterdir()))} inputs\n")
