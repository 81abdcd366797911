#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of apps/hello, linked into the kernel of --build, runs to its end.

It uses what an application uses: printf with floating point, malloc, sorting, threads with vector
state of their own. Prints KTAP for tools/verdict.py. Exit status: 0 passed, 1 not.
"""
import argparse
import pathlib
import subprocess
import sys

import ktap
from ports import PORTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = ("hello from app", "-42 3.142 str 0xdeadbeef", "sorted: elastic is memory", "all is well")
THREADS = 4


def hello(test: ktap.Ktap, arch: str, build: str, cpus: int) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/qemu.py"), "run", "--direct", "--arch", arch,
         "--build", build, "--cpus", str(cpus), "--run", "app", "--timeout", "60"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    test.equal(done.returncode, 0, "status of run=app")
    for line in LINES:
        test.check(line in done.stdout, f"`{line}` is missing in: {done.stdout[-600:]}")
    for thread in range(1, THREADS + 1):
        line = f"thread {thread}: pi is about 3.14159"
        test.check(line in done.stdout, f"`{line}` is missing")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", required=True, help="folder of a kernel made with APP=hello")
    arguments = parser.parse_args()
    test = ktap.Ktap(2)
    for cpus in (1, 4):
        test.run(f"app.hello_runs_on_{cpus}_cpus", hello, arguments.arch, arguments.build, cpus)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
