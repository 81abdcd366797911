#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the corpus of each fuzzer reach 80 % of the lines of its parser?

tests/fuzz/parsers.txt names each fuzzer's sources. The fuzzers of build/hosted-coverage-gcc run
their corpus once, without mutations; gcov counts. Prints a line per fuzzer and ends with `N
passed, N failed`; exit status 1 if one reaches less, or has no line in that file.
"""
import argparse
import pathlib
import subprocess
import sys

import coverage

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = ROOT / "build/hosted-coverage-gcc"
LEAST = 0.80


def read_parsers() -> dict[str, list[str]]:
    lines = (ROOT / "tests/fuzz/parsers.txt").read_text().splitlines()
    words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {word[0]: word[1:] for word in words}


def judge(name: str, sources: list[str]) -> tuple[bool, str]:
    """Good or not, and the line that says why."""
    if not sources:
        return False, "no line in tests/fuzz/parsers.txt names its sources"
    for counts in BINARIES.rglob("*.gcda"):
        counts.unlink()
    corpus = sorted(str(path) for path in (ROOT / "tests/fuzz/corpus" / name).glob("*"))
    done = subprocess.run(
        [str(BINARIES / f"fuzz-{name}"), "-runs=0", *corpus],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        return False, f"its corpus ends with {done.returncode}: {done.stderr[-400:]}"
    counts = coverage.read_counts()
    missing = [source for source in sources if source not in counts]
    if missing:
        return False, f"gcov knows no {', '.join(missing)}"
    run = sum(counts[source][0] for source in sources)
    total = sum(counts[source][1] for source in sources)
    text = f"{len(corpus)} corpus files reach {run} of {total} lines, {100 * run / total:.1f} %"
    return run >= LEAST * total, text


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    parsers = read_parsers()
    names = [path.name.removeprefix("fuzz-") for path in sorted(BINARIES.glob("fuzz-*"))]
    failed = 0
    for name in names:
        good, text = judge(name, parsers.get(name, []))
        failed += not good
        print(f"{'ok' if good else 'not ok'} corpus of {name}: {text}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
