#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a program whose children detach themselves, and leave nothing of them behind.

usage: reaper.py PARENT FOLDER PROGRAM [ARGUMENT ...]

What the program starts, directly or not, becomes this process's child when its parent ends. When
the program ends, when SIGTERM or SIGINT comes, or when process PARENT (the caller, by its number)
dies in whatever way, all of them are killed and waited for, and FOLDER is removed. A container
needs no other init for such a program, and a test that is killed leaves no virtual machine.
Started by root, it becomes the user that FOLDER belongs to.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 10


class Told(Exception):
    """A signal asked for the end."""


def on_signal(*_) -> None:
    raise Told


def control(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def become_owner(folder: str) -> None:
    owner = os.stat(folder)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def children() -> list[int]:
    """Processes whose parent is this one."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text(errors="replace").rpartition(")")[2].split()[1]
        except OSError:  # it ended meanwhile
            continue
        if int(parent) == os.getpid():
            found.append(int(stat.parent.name))
    return found


def end_all() -> None:
    """Each round kills one generation; the next one is then ours."""
    deadline = time.monotonic() + PATIENCE
    while (pids := children()) and time.monotonic() < deadline:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def run(command: list[str]) -> int:
    """The program's exit status; orphans that end before it are collected on the way."""
    program = os.posix_spawnp(command[0], command, os.environ)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == program:
            return os.waitstatus_to_exitcode(status)


def main() -> int:
    if len(sys.argv) < 4 or not sys.argv[1].isdigit():
        print(__doc__)
        return 2
    parent, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        become_owner(folder)
        control(PR_SET_CHILD_SUBREAPER, 1)
        control(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            return 1
        return run(command) & 0xFF
    except Told:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        end_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
