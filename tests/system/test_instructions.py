"""What a request costs in user space does not creep up: callgrind's count against the recorded."""

import subprocess

import ringway


def test_requests_cost_no_more_instructions_than_recorded():
    command = [ringway.TREE / "bench/profile", "instructions", "--check"]
    result = subprocess.run(command, timeout=400, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
