#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every allocation of every test fails once, on the developer's machine under sanitizers.

Tests with more than 2000 allocations are tried at 500 points chosen by the seed, with --points N all
tests at N points. A point passes when nothing crashes, leaks or hangs and mm_check_all() is clean, whatever
the test's own checks say (tests/faults.c). A test that gives up is continued in a fresh process. Prints KTAP
for tools/verdict.py; `build/hosted-asan-gcc/quire-tests tests=NAME faults=N seed=S` repeats one allocation.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNTED = re.compile(r"^# faults (\S+): (\d+) allocations, none failed", re.M)
POINT = re.compile(r"^# faults point (\d+)$", re.M)
POINTS = re.compile(r"^# faults \S+: \d+ allocations, (\d+) points", re.M)
FAILED = re.compile(r"^not ok \d+ \S+ # (.*)$", re.M)
REPORT = re.compile(r"panic: .*|ERROR: \w+Sanitizer.*|runtime error: .*")
LIMIT = 120
# As in tests/faults.c: tests with more allocations are tried at so many.
EACH_MAX, CHOSEN = 2000, 500
CHUNK, END = 40, 1 << 40


def run(program: str, *words: str, limit: int = LIMIT) -> tuple[int, str]:
    """Exit status (124: it hung) and output."""
    try:
        done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=limit, check=False)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace")


def try_points(program: str, name: str, first: int, last: int,
               words: list[str]) -> tuple[int, list[str]]:
    """Points tried, and what was wrong at which."""
    point, tried, wrong = first, 0, []
    while True:
        status, text = run(program, f"tests={name}", f"faults={point}-{last}", *words)
        points = POINTS.search(text)
        seen = [int(number) for number in POINT.findall(text)]
        tried += len(seen)
        failed = FAILED.search(text)
        if status == 124 and len(seen) > 1:
            tried -= 1
            point = seen[-1]  # the time was up, not that point's
            continue
        if failed:
            wrong.append(failed.group(1))
        elif status:
            report = REPORT.search(text)
            what = "hangs" if status == 124 else report.group(0) if report else f"status {status}"
            wrong.append(f"point {seen[-1] if seen else 0}: {what}")
        if not points or not seen or seen[-1] >= min(last, int(points.group(1))):
            return tried, wrong
        point = seen[-1] + 1


def try_test(pool: concurrent.futures.Executor, program: str, name: str, count: int,
             words: list[str]) -> list[concurrent.futures.Future]:
    """A test's points, a few in each task: most of a short process's time is waiting."""
    firsts = range(1, count + 1, CHUNK)
    lasts = [first + CHUNK - 1 for first in firsts[:-1]] + [END]
    return [pool.submit(try_points, program, name, first, last, words)
            for first, last in zip(firsts, lasts)]


def read_counts(arguments: argparse.Namespace, words: list[str]) -> dict[str, int]:
    """How many points each test has, about: threads may ask more or less often."""
    selected = [f"tests={arguments.tests}"] if arguments.tests else []
    status, text = run(arguments.program, "faults=0", *words, *selected, limit=10 * LIMIT)
    counts = {name: int(count) for name, count in COUNTED.findall(text) if count != "0"}
    if status or not counts:
        sys.exit(f"faults: the run that counts ended with status {status}:\n{text[-2000:]}")
    if arguments.points:
        return {name: min(count, arguments.points) for name, count in counts.items()}
    return {name: count if count <= EACH_MAX else CHOSEN for name, count in counts.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/hosted-asan-gcc/quire-tests"))
    parser.add_argument("--tests", default="", help="suite,suite.test (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=0, help="per test at most")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    words = [f"seed={arguments.seed}", f"faults-most={arguments.points}"]
    counts = read_counts(arguments, words)
    names = sorted(counts)
    print(f"KTAP version 1\n# faults seed={arguments.seed}\n1..{len(names)}", flush=True)
    failures = total = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = {name: try_test(pool, arguments.program, name, counts[name], words)
                 for name in names}
        for number, name in enumerate(names, 1):
            results = [task.result() for task in tasks[name]]
            tried = sum(result[0] for result in results)
            wrong = [what for result in results for what in result[1]]
            print(f"# running faults.{name}")
            for what in wrong:
                print(f"# failed {name}: {what}")
            # What asked for memory behind others may ask for none alone: that run is the check.
            tail = f"{len(wrong)} points, first {wrong[0]}" if wrong else f"{tried or 1} checks"
            print(f"{'not ok' if wrong else 'ok'} {number} faults.{name} # {tail}", flush=True)
            failures += bool(wrong)
            total += tried
    print(f"# report: {len(names)} tests, {total} allocations failed, seed {arguments.seed}")
    print(f"# quire: {'FAIL' if failures else 'PASS'}, {failures} of {len(names)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
