# SPDX-License-Identifier: MIT
"""Tests of tools/reaper.py: nothing that a program started outlives it, nor its folder."""
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

REAPER = str(pathlib.Path(__file__).resolve().parents[2] / "tools/reaper.py")
# Writes the number of a process that detached itself, as a virtual machine does.
DETACHED = 'setsid sleep 600 & echo $! >"$0/pid.new"; mv "$0/pid.new" "$0/pid"; '


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class ReaperTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="quire-reaper-")

    def command(self, script: str, parent: str) -> list[str]:
        return [sys.executable, REAPER, parent, self.folder, "sh", "-c", script, self.folder]

    def detached(self) -> int:
        path = pathlib.Path(self.folder, "pid")
        deadline = time.monotonic() + 30
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return int(path.read_text())

    def wait_gone(self, pid: int) -> None:
        deadline = time.monotonic() + 30
        while (is_alive(pid) or os.path.exists(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(is_alive(pid))
        self.assertFalse(os.path.exists(self.folder))

    def test_end_of_the_program(self):
        script = DETACHED + 'cat "$0/pid"; exit 7'
        done = subprocess.run(self.command(script, str(os.getpid())), capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 7)
        self.wait_gone(int(done.stdout))

    def test_signal(self):
        process = subprocess.Popen(self.command(DETACHED + "sleep 600", str(os.getpid())))
        pid = self.detached()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        self.wait_gone(pid)

    def test_caller_is_killed(self):
        words = shlex.join(self.command(DETACHED + "sleep 600", "@")).replace(" @ ", " $$ ")
        caller = subprocess.Popen(["sh", "-c", f"{words} & wait"])
        pid = self.detached()
        caller.kill()
        caller.wait()
        self.wait_gone(pid)

    def test_caller_is_gone_already(self):
        done = subprocess.run(self.command("echo ran", "1"), capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertFalse(os.path.exists(self.folder))
