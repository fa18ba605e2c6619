"""What is made once, for all cases: a folder, the origin, certificates."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host import BUILD, Certificates, Failure, build_origin, make_certificates


@dataclass(frozen=True)
class Kit:
    directory: Path
    origin_binary: Path
    certificates: Certificates


@contextmanager
def only_one_run() -> Iterator[None]:
    """Two at once would measure each other."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / 'lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure('another bench/run or bench/profile is at work') from None
        yield


def make_kit() -> Kit:
    origin = build_origin()
    directory = BUILD / 'run'
    shutil.rmtree(directory, ignore_errors=True)
    (directory / 'temp').mkdir(parents=True)
    return Kit(directory, origin, make_certificates(directory))
