#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do runner and judge notice a test that fails, checks nothing, leaks, crashes or hangs?

Runs each canary of tests/canary_test.c alone, hosted under ASan or on a target by direct boot, and
asks the judge (tools/verdict.py): it must name the canary and say what became of it. Prints KTAP.
Exit status: 0 all were seen for what they are, 1 one was not.
"""
import argparse
import pathlib
import subprocess
import sys

import ktap
import verdict
from ports import PORTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
HANG_LIMIT, LIMIT = 15, 120
# The outcome, and a word of the explanation.
EXPECTED = {
    "leaking_in_the_call_that_fails": ("not ok", "faults=3: mm: the call that failed kept"),
    "failing": ("not ok", "!yes"),
    "empty": ("not ok", "no CHECK ran"),
    "leaking": ("not ok", "leaked"),
    "crashing": ("CRASH", ""),
    "hanging": ("HANG", ""),
}


# The 41 allocations of a test that passes otherwise.
OPTIONS = {"leaking_in_the_call_that_fails": " faults=each"}


def command_of(arch: str, build: str, canary: str, limit: int) -> list[str]:
    words = f"tests=canary.{canary}{OPTIONS.get(canary, '')}"
    if arch == "hosted":
        return [f"{build}/quire-tests", *words.split()]
    return [
        sys.executable, str(ROOT / "tools/qemu.py"), "boot", "--direct", "--arch", arch,
        "--build", build, "--cpus", "2", "--cmdline", words, "--timeout", str(limit),
    ]  # fmt: skip


def run(command: list[str], limit: int) -> tuple[str, int]:
    """Output and status; a hosted program is ended at the limit, as qemu.py does for QEMU."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            return process.communicate(timeout=limit)[0], process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0], verdict.STATUS_TIME_LIMIT


def check(test: ktap.Ktap, arch: str, build: str, canary: str) -> None:
    outcome, words = EXPECTED[canary]
    # A busy machine may not come to the canary within the short limit: then it gets the long one.
    for limit in (HANG_LIMIT, LIMIT) if outcome == "HANG" else (LIMIT,):
        # The guest's own limit comes first, so that it is qemu.py that tells of the hang.
        text, status = run(command_of(arch, build, canary, limit),
                           limit if arch == "hosted" else limit + 30)
        if f"# running canary.{canary}" in text:
            break
    judged = verdict.judge(text.splitlines(True), status=status)
    seen = {result.name: result for result in judged.results}.get(f"canary.{canary}")
    test.check(judged.count()[1] > 0, f"the judge lets it pass; the log ends: {text[-300:]}")
    if test.check(seen is not None, f"the judge does not name it: {judged.failures()}"):
        test.equal(seen.outcome, outcome, "outcome")
        test.check(words in seen.detail, f"the detail is {seen.detail}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=["hosted", *PORTS], required=True)
    parser.add_argument("--build", required=True, help="folder with a debug build")
    arguments = parser.parse_args()
    test = ktap.Ktap(len(EXPECTED))
    for canary in EXPECTED:
        test.run(f"canaries.{canary}_is_seen_{arguments.arch}", check, arguments.arch,
                 arguments.build, canary)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
