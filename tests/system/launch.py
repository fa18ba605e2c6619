#!/usr/bin/python3
"""launch - runs a program in a poorer world, to see what it says there.

    launch.py [--deny SYSCALL=ERRNO] [--memlock BYTES] [--nofile N] [--user NAME] -- PROGRAM ARGS

--deny makes a system call fail by seccomp, as containers do; the limits hold for soft and hard.
"""
import argparse
import ctypes
import errno
import os
import platform
import pwd
import resource
import struct

CALLS = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


class Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def deny(call, error):
    """From now on the call fails with the error, here and in what is executed."""
    steps = [
        (LOAD, 0, 0, 4),  # the architecture
        (JUMP_IF_EQUAL, 0, 3, ARCHITECTURES[platform.machine()]),
        (LOAD, 0, 0, 0),  # the number
        (JUMP_IF_EQUAL, 0, 1, CALLS[call]),
        (RETURN, 0, 0, RET_ERRNO | error),
        (RETURN, 0, 0, RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = Program(len(steps), ctypes.cast(code, ctypes.c_void_p).value)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


def become(name):
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--deny", action="append", default=[])
    parser.add_argument("--memlock", type=int)
    parser.add_argument("--nofile", type=int)
    parser.add_argument("--user")
    parser.add_argument("program", nargs="+")
    given = parser.parse_args()
    if given.memlock is not None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (given.memlock, given.memlock))
    if given.nofile is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (given.nofile, given.nofile))
    # Opened by who we are: the tree may lie where the other user cannot go.
    program = os.open(given.program[0], os.O_PATH | os.O_CLOEXEC)
    if given.user:
        become(given.user)
    for rule in given.deny:
        call, _, name = rule.partition("=")
        deny(call, getattr(errno, name or "EPERM"))
    os.execve(program, given.program, os.environ)


if __name__ == "__main__":
    main()
