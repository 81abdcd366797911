#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run fuzzers by time: each of build/hosted-fuzz-clang/fuzz-*, or the one named.

New inputs go to build/fuzz/NAME; the corpus in tests/fuzz/corpus/NAME is only read (copy what is
worth keeping). Exit status: 0, or 1 when a fuzzer found something; its input is then named.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARIES = ROOT / "build/hosted-fuzz-clang"


def fuzz(name: str, seconds: int) -> bool:
    """True when the fuzzer ran its time and found nothing."""
    found = ROOT / "build/fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [str(BINARIES / f"fuzz-{name}"), f"-max_total_time={seconds}", "-timeout=10",
               f"-artifact_prefix={found}/", "-print_final_stats=1", str(found)]
    corpus = ROOT / "tests/fuzz/corpus" / name
    if corpus.is_dir():
        command.append(str(corpus))
    print(f"fuzz {name}: {seconds} s", flush=True)
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="one fuzzer (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="time for each")
    arguments = parser.parse_args()
    names = [arguments.name] if arguments.name else sorted(
        path.name.removeprefix("fuzz-") for path in BINARIES.glob("fuzz-*") if path.is_file())
    if not names or not all((BINARIES / f"fuzz-{name}").exists() for name in names):
        sys.exit(f"fuzz: no such fuzzer in {BINARIES}; `make fuzz` builds those that there are")
    failed = [name for name in names if not fuzz(name, arguments.seconds)]
    if failed:
        print(f"fuzz: failed: {', '.join(failed)}; the inputs are in build/fuzz/NAME/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
