#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run each fuzzer built for gcc (build/hosted-asan-gcc/fuzz-*) a fixed number of times.

Inputs are its corpus and mutations from a fixed seed, so that a run repeats. An input that fails is kept
in build/fuzz/NAME-crash. Prints a line per fuzzer and ends with `N passed, N failed`.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = ROOT / "build/hosted-asan-gcc"
KEPT = ROOT / "build/fuzz"
# An input of these is a program of a thousand operations: so many runs at most.
LONG = {"frames": 3000, "mm_objects": 5000}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    binaries = sorted(path for path in BINARIES.glob("fuzz-*") if path.is_file())
    KEPT.mkdir(parents=True, exist_ok=True)
    failed = 0
    for binary in binaries:
        name = binary.name.removeprefix("fuzz-")
        corpus = sorted(str(path) for path in (ROOT / "tests/fuzz/corpus" / name).glob("*"))
        kept = KEPT / f"{name}-crash"
        runs = min(arguments.runs, LONG.get(name, arguments.runs))
        done = subprocess.run([str(binary), f"-runs={runs}", f"-seed={arguments.seed}",
                               f"-keep={kept}", *corpus], capture_output=True, text=True,
                              errors="replace", check=False)
        good = done.returncode == 0 and corpus
        failed += not good
        print(f"{'ok' if good else 'not ok'} fuzz {name}: {runs} runs, seed "
              f"{arguments.seed}, {len(corpus)} corpus files")
        if not good:
            print(done.stdout[-2000:] + done.stderr[-4000:])
    print(f"{len(binaries) - failed} passed, {failed} failed")
    return 1 if failed or not binaries else 0


if __name__ == "__main__":
    sys.exit(main())
