"""Processes of the bench: started on one core, ended by pid, their CPU read from the scheduler."""

import mmap
import os
import re
import signal
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from host import Failure

TICKS_PER_SECOND = os.sysconf('SC_CLK_TCK')


class Process:
    """One that we started, with its children; it also ends when we die without stopping it."""

    def __init__(self, name: str, cores: str, command: list, log: Path, goes_first: bool = False):
        """One that goes first is not kept waiting by ordinary processes; that takes root."""
        self.name = name
        self.log = log
        if goes_first and os.geteuid() == 0:
            command = ['nice', '-n', '-20', *command]
        with open(log, 'wb') as output:
            self.child = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'TERM', 'taskset', '-c', cores,
                 *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=log.parent, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def check(self) -> None:
        """A process that has ended by itself is a failure."""
        if self.child.poll() is not None:
            tail = self.log.read_text(errors='replace').strip().splitlines()[-5:]
            raise Failure('\n  '.join([f'{self.name} ended with {self.child.returncode}', *tail]))

    def pids(self) -> list[int]:
        """Its own and its descendants'."""
        found, waiting = [], [self.child.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for task in tasks_of(pid):
                try:
                    waiting += map(int, (task / 'children').read_text().split())
                except OSError:
                    pass
        return found

    def stop(self) -> None:
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(3)
        except subprocess.TimeoutExpired:
            pass
        try:
            # The group is its own: what is left of it when the time is up was ours as well.
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()


def tasks_of(pid: int) -> list[Path]:
    try:
        return list(Path(f'/proc/{pid}/task').iterdir())
    except OSError:
        return []


@dataclass(frozen=True)
class Cpu:
    """CPU that processes used: exact in sum, and sampled by the timer tick as user and system."""
    total_ns: int
    user_ticks: int
    system_ticks: int

    def __sub__(self, other: 'Cpu') -> 'Cpu':
        return Cpu(self.total_ns - other.total_ns, self.user_ticks - other.user_ticks,
                   self.system_ticks - other.system_ticks)

    def user_share(self) -> float:
        return self.user_ticks / max(1, self.user_ticks + self.system_ticks)


def cpu_of(*processes: Process) -> Cpu:
    """Of all their threads, those of io_uring in the kernel among them."""
    total = user = system = 0
    for pid in (pid for process in processes for pid in process.pids()):
        for task in tasks_of(pid):
            try:
                total += int((task / 'schedstat').read_text().split()[0])
                # The name in brackets may hold spaces; utime and stime are fields 14 and 15.
                fields = (task / 'stat').read_text().rpartition(')')[2].split()
            except OSError:
                continue  # ended just now
            user += int(fields[11])
            system += int(fields[12])
    return Cpu(total, user, system)


def cpu_of_tasks(process: Process) -> dict[int, int]:
    """Nanoseconds of CPU of each thread."""
    found = {}
    for task in (task for pid in process.pids() for task in tasks_of(pid)):
        try:
            found[int(task.name)] = int((task / 'schedstat').read_text().split()[0])
        except OSError:
            continue  # ended just now
    return found


def memory_bytes(process: Process) -> int:
    """Of user space: anonymous pages and those shared without a file, each counted once."""
    total = 0
    for pid in process.pids():
        text = Path(f'/proc/{pid}/smaps_rollup').read_text()
        total += sum(int(number) for number in
                     re.findall(r'^Pss_(?:Anon|Shmem): +(\d+) kB', text, re.MULTILINE))
    return total * 1024


def others_seconds(ours: set[int]) -> float:
    """CPU that all processes but these ever used, with the children that they waited for, and what
    the hypervisor took. Not what was idle instead: waking up from that, many times a second,
    takes time that is nobody's."""
    ticks = int(Path('/proc/stat').read_text().split('\n', 1)[0].split()[8])
    for path in Path('/proc').glob('[0-9]*'):
        if int(path.name) in ours:
            continue
        try:
            fields = (path / 'stat').read_text().rpartition(')')[2].split()
        except OSError:
            continue  # ended just now: who waited for it has its ticks
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS_PER_SECOND


@dataclass(frozen=True)
class Counters:
    """The origin's own count of its work: struct counters of origin.c."""
    connections: int
    handshakes_full: int
    handshakes_resumed: int
    handshakes_failed: int
    requests: int
    body_bytes: int

    def __sub__(self, other: 'Counters') -> 'Counters':
        mine, theirs = vars(self), vars(other)
        return Counters(**{name: mine[name] - theirs[name] for name in mine})


COUNTERS = struct.Struct('6Q')


class Origin(Process):
    def __init__(self, cores: str, binary: Path, port: int, cert: Path, key: Path,
                 directory: Path, goes_first: bool = False):
        path = directory / 'origin.counters'
        path.write_bytes(bytes(COUNTERS.size))
        with open(path, 'rb') as file:
            self.map = mmap.mmap(file.fileno(), COUNTERS.size, access=mmap.ACCESS_READ)
        super().__init__('origin', cores, [binary, port, cert, key, path],
                         directory / 'origin.log', goes_first)

    def counters(self) -> Counters:
        return Counters(*COUNTERS.unpack_from(self.map))
