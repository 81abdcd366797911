#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every allocation of every test fails once, on the developer's machine under sanitizers.

Tests with more than 2000 allocations are tried at 500 points chosen by the seed, with --points N
all tests at N points. A point passes when nothing crashes, leaks or hangs and mm_check_all() is
clean, whatever the test's own checks say (tests/faults.c). A test that gives up is continued in a
fresh process. Prints KTAP for tools/verdict.py, each test when it is through; what is wrong is
printed at once, and `build/hosted-asan-gcc/quire-tests tests=NAME faults=N seed=S` repeats it.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"^# running (\S+)$", re.M)
POINT = re.compile(r"^# faults point (\d+)$", re.M)
POINTS = re.compile(r"^# faults \S+: (\d+) allocations, (\d+) points, .*window (\d+)$", re.M)
FAILED = re.compile(r"^not ok \d+ \S+ # (.*)$", re.M)
REPORT = re.compile(r"panic: .*|ERROR: \w+Sanitizer.*|runtime error: .*")
SERVED = re.compile(r"# served (\d+)$")
KILLED_BY_ALARM = 128 + signal.SIGALRM
CHUNK = 40


@dataclass
class Test:
    """What is known of a test so far; the main thread's."""

    name: str
    tasks: int = 1  # still to come
    tried: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Tried:
    """What a task found in some points of a test."""

    test: Test
    known: list[str] = field(default_factory=list)  # what a run that counted has found
    points: int = 0
    tried: int = 0
    wrong: list[str] = field(default_factory=list)


class Machines:
    """Starts machines by a copy of one process that waits for command lines (`quire-tests serve`)."""

    def __init__(self, program: str):
        # The host's own leaks: a kernel has none, and to look for them is half of a short run.
        self.process = subprocess.Popen(
            [program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def run(self, *words: str) -> tuple[int, str]:
        """Exit status (124: it hung) and output."""
        lines = []
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            served = SERVED.match(line)
            if served:
                status = int(served.group(1))
                return 124 if status == KILLED_BY_ALARM else status, "".join(lines)
            lines.append(line)
        sys.exit(f"faults: what starts the machines ended:\n{''.join(lines)[-2000:]}")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def try_points(machines: Machines, found: Tried, first: int, words: list[str]) -> Tried:
    """A chunk of points from the first, in as many processes as it takes."""
    point, last = first, first + CHUNK - 1
    while True:
        status, text = machines.run(f"tests={found.test.name}", f"faults={point}-{last}", *words,
                                    *found.known)
        counted = POINTS.search(text)
        if counted:
            found.known = [f"faults-count={counted.group(1)}", f"faults-window={counted.group(3)}"]
            found.points = int(counted.group(2))
        seen = [int(number) for number in POINT.findall(text)]
        found.tried += len(seen)
        failed = FAILED.search(text)
        if status == 124 and len(seen) > 1:
            found.tried -= 1
            point = seen[-1]  # the time was up, not that point's
            continue
        if failed:
            found.wrong.append(failed.group(1))
        elif status:
            report = REPORT.search(text)
            what = "hangs" if status == 124 else report.group(0) if report else f"status {status}"
            found.wrong.append(f"point {seen[-1] if seen else 0}: {what}")
        if not seen or seen[-1] >= min(last, found.points):
            return found
        point = seen[-1] + 1


class Runner:
    """Gives chunks of points to processes and says what became of each test."""

    def __init__(self, program: str, jobs: int, words: list[str]):
        self.words = words
        self.machines = [Machines(program) for _ in range(jobs)]
        self.idle: queue.SimpleQueue[Machines] = queue.SimpleQueue()
        for machines in self.machines:
            self.idle.put(machines)
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.done: queue.Queue[concurrent.futures.Future[Tried]] = queue.Queue()
        self.number = self.failures = self.total = 0

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
        for machines in self.machines:
            machines.close()

    def names(self, tests: str, without: list[str]) -> list[str]:
        status, text = self.machines[0].run("faults=list", f"tests={tests}" if tests else "")
        names = sorted(name for name in NAME.findall(text)
                       if name.split(".")[0] not in without)
        if status or not names:
            sys.exit(f"faults: the list of tests ended with status {status}:\n{text[-2000:]}")
        return names

    def chunk(self, test: Test, first: int, known: list[str]) -> Tried:
        machines = self.idle.get()
        try:
            return try_points(machines, Tried(test, known), first, self.words)
        finally:
            self.idle.put(machines)

    def submit(self, test: Test, first: int, known: list[str]) -> None:
        self.pool.submit(self.chunk, test, first, known).add_done_callback(self.done.put)

    def take(self) -> None:
        """The next chunk that is done; a test's first says how many more it has."""
        found = self.done.get().result()
        test = found.test
        for what in found.wrong:
            print(f"# failed {test.name}: {what}", flush=True)
        if test.tasks == 1 and not test.tried:
            firsts = range(CHUNK + 1, found.points + 1, CHUNK)
            test.tasks += len(firsts)
            for first in firsts:
                self.submit(test, first, found.known)
        test.tasks -= 1
        test.tried += found.tried
        test.wrong += found.wrong
        if not test.tasks:
            self.report(test)

    def report(self, test: Test) -> None:
        self.number += 1
        self.failures += bool(test.wrong)
        self.total += test.tried
        wrong, first = len(test.wrong), test.wrong[0] if test.wrong else ""
        # Who asks for no memory was run once without a failure: that is the check.
        tail = f"{wrong} points, first {first}" if wrong else f"{test.tried or 1} checks"
        print(f"# running faults.{test.name}\n{'not ok' if wrong else 'ok'} {self.number} "
              f"faults.{test.name} # {tail}", flush=True)


def try_all(runner: Runner, arguments: argparse.Namespace) -> int:
    names = runner.names(arguments.tests, arguments.without.split(","))
    print(f"KTAP version 1\n# faults seed={arguments.seed}\n1..{len(names)}", flush=True)
    begin = time.monotonic()
    for name in names:
        runner.submit(Test(name), 1, [])
    while runner.number < len(names):
        runner.take()
    print(f"# report: {len(names)} tests, {runner.total} allocations failed, "
          f"seed {arguments.seed}, {time.monotonic() - begin:.0f} s")
    print(f"# quire: {'FAIL' if runner.failures else 'PASS'}, "
          f"{runner.failures} of {len(names)} failed")
    return 1 if runner.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/hosted-asan-gcc/quire-tests"))
    parser.add_argument("--tests", default="", help="suite,suite.test (default: all)")
    parser.add_argument("--without", default="", help="suite,suite that are left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=0, help="per test at most")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    words = [f"seed={arguments.seed}", f"faults-most={arguments.points}"]
    runner = Runner(arguments.program, arguments.jobs, words)
    try:
        return try_all(runner, arguments)
    finally:
        runner.close()


if __name__ == "__main__":
    sys.exit(main())
