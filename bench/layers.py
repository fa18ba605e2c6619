"""Where the CPU of a request goes, layer by layer: samples of ringway under load, by perf.

The machine's clock takes them (cpu-clock), as virtual machines often have no counters of their own:
good for shares, not for single instructions. A sample in the kernel belongs to the first layer of
the table that one of its frames names; one in user space to the library that its function is of.
"""

import re
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cases import Case
from host import BUILD, ROOT, Failure
from kit import Kit
from load import start_load
from measure import start_origin, start_proxy
from processes import cpu_of
from proxies import Proxy

SAMPLES_PER_SECOND = 5000
SAMPLES_MIN = 100  # fewer say nothing

# The kernel's layers, from the innermost: a send over loopback runs the receiver's softirq.
KERNEL_LAYERS = (
    ('softirq', r'handle_softirqs|__do_softirq|do_softirq.*'),
    ('send', r'io_send\w*|tcp_sendmsg\w*|sock_sendmsg|__sock_sendmsg'),
    ('receive', r'io_recv\w*|tcp_recvmsg\w*|sock_recvmsg'),
    ('io_uring', r'io_\w+|__io_\w+|\w*io_uring\w*'),
)
OTHER_KERNEL = 'other kernel'
OURS = 'ours'
LAYERS = (*(name for name, _ in KERNEL_LAYERS), OTHER_KERNEL, 'TLS', 'parser', 'libc', OURS)


@dataclass(frozen=True)
class Profile:
    cpu_us: float  # for each request
    samples: int
    shares: dict[str, float]


def profile(case: Case, proxy: Proxy, kit: Kit, seconds: float) -> Profile:
    functions = functions_of_libraries()
    recording = kit.directory / 'perf.data'
    with ExitStack() as stack:
        origin, port = start_origin(stack, case, kit)
        running = start_proxy(stack, proxy, case, kit, port)
        load = stack.enter_context(start_load(case, running.port, case.connections,
                                              kit.directory))
        time.sleep(case.settle_seconds)
        before = cpu_of(running.process), origin.counters()
        record(running.process.pids(), seconds, recording)
        after = cpu_of(running.process), origin.counters()
        load.finish()
    requests = (after[1] - before[1]).body_bytes / case.body_bytes
    if not requests:
        raise Failure('no request was answered')
    counts = Counter(layer_of(frames, functions) for frames in stacks(recording))
    samples = sum(counts.values())
    if samples < SAMPLES_MIN:
        raise Failure(f'perf took only {samples} samples')
    return Profile((after[0] - before[0]).total_ns / 1000 / requests, samples,
                   {layer: counts[layer] / samples for layer in LAYERS})


def record(pids: list[int], seconds: float, path: Path) -> None:
    command = ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', str(SAMPLES_PER_SECOND), '-g',
               '-p', ','.join(map(str, pids)), '-o', path, '--', 'sleep', str(seconds)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise Failure(f'perf record: {result.stdout.strip()}')


# A frame: the function, and the file that it is of.
Frame = tuple[str, str]


def stacks(recording: Path) -> list[list[Frame]]:
    """The frames of each sample, from the innermost."""
    result = subprocess.run(['perf', 'script', '-i', recording, '-F', 'ip,sym,dso'],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: list[list[Frame]] = []
    for block in result.stdout.split('\n\n'):
        frames = re.findall(r'^\s*[0-9a-f]+ (\S+)(?:\+0x[0-9a-f]+)? \((.*)\)$', block, re.MULTILINE)
        if frames:
            found.append(frames)
    return found


def layer_of(frames: list[Frame], functions: dict[str, str]) -> str:
    name, file = frames[0]
    if not file.startswith('[') or file == '[vdso]':
        if 'libIPSec_MB' in file:
            return 'TLS'
        plain = re.sub(r'\.(lto_priv|constprop|isra|part|cold)\b.*', '', name)
        return functions.get(plain, 'libc' if 'libc' in file or file == '[vdso]' else OURS)
    inside = [name for name, file in frames if file.startswith('[')]
    for layer, pattern in KERNEL_LAYERS:
        if any(re.fullmatch(pattern, name) for name in inside):
            return layer
    return OTHER_KERNEL


def functions_of_libraries() -> dict[str, str]:
    """The layer of each function that is of a library, or of the http floor."""
    sources = (('TLS', sorted(ROOT.glob('.deps/wolfssl/lib/*.a'))),
               ('parser', sorted(ROOT.glob('.deps/llhttp/lib/*.a'))),
               ('parser', sorted((BUILD.parent / 'release').glob('src/*.p/http_*.c.o'))))
    found = {}
    for layer, files in sources:
        for file in files:
            symbols = subprocess.run(['objdump', '--syms', file], stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True).stdout
            for name in re.findall(r'^[0-9a-f]+ .{7} \.text\S*\t[0-9a-f]+ (?:\.hidden )?(\w+)$',
                                   symbols, re.MULTILINE):
                found.setdefault(name, layer)
    return found
