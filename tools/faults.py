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


def run(program: str, *words: str) -> tuple[int, str]:
    """Exit status (124: it hung) and output."""
    try:
        done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=LIMIT, check=False)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace")


def try_test(program: str, name: str, words: list[str]) -> tuple[int, list[str]]:
    """Points tried, and what was wrong at which."""
    point, tried, wrong = 1, 0, []
    while True:
        status, text = run(program, f"tests={name}", f"faults={point}+", *words)
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
        if not points or not seen or seen[-1] >= int(points.group(1)):
            return tried, wrong
        point = seen[-1] + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/hosted-asan-gcc/quire-tests"))
    parser.add_argument("--tests", default="", help="suite,suite.test (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=0, help="per test at most")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    words = [f"seed={arguments.seed}", f"faults-most={arguments.points}"]
    selected = [f"tests={arguments.tests}"] if arguments.tests else []
    status, text = run(arguments.program, "faults=0", *words, *selected)
    names = sorted(name for name, count in COUNTED.findall(text) if count != "0")
    if status or not names:
        sys.exit(f"faults: the run that counts ended with status {status}:\n{text[-2000:]}")
    print(f"KTAP version 1\n# faults seed={arguments.seed}\n1..{len(names)}", flush=True)
    failures = total = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda name: try_test(arguments.program, name, words), names)
        for number, (name, (tried, wrong)) in enumerate(zip(names, results), 1):
            print(f"# running faults.{name}")
            for what in wrong:
                print(f"# failed {name}: {what}")
            tail = f"{len(wrong)} points, first {wrong[0]}" if wrong else f"{tried} checks"
            print(f"{'not ok' if wrong else 'ok'} {number} faults.{name} # {tail}", flush=True)
            failures += bool(wrong)
            total += tried
    print(f"# report: {len(names)} tests, {total} allocations failed, seed {arguments.seed}")
    print(f"# quire: {'FAIL' if failures else 'PASS'}, {failures} of {len(names)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
