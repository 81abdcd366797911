#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do large folios survive a balloon? The guest, in a real QEMU, holds 40 % of its memory in
scattered single pages; the host inflates a balloon of 25 % of memory, then deflates it.

Two cases on 1 GiB and one CPU, the same on Linux in large_folios_linux.py:

  random   90 % of memory is taken in single pages, then random ones are given back until 40 %
           are held: chance alone chose the places
  churn    then 100 times a random tenth of what is held is given back, and as many pages are
           taken again: the allocator had a say

and with --long `churn` once more on 16 GiB with 1,000 folios of 2 MiB in use, each page stamped.

Said at three points (before, held, after): free pages; 2 MiB blocks that are wholly free; the
best possible, which is free pages / 512 rounded down; the percentage. At each point at least 95 %
after churn; after deflation as many whole blocks as before; and the folios have the frame, order
and contents they had. Prints KTAP, or with -j one line of JSON per point. Exit status 1 on a miss.
"""
import argparse
import contextlib
import io
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import guest  # noqa: E402  pylint: disable=wrong-import-position
import ktap  # noqa: E402  pylint: disable=wrong-import-position
from ports import PORTS  # noqa: E402  pylint: disable=wrong-import-position

HELD = 40
BLOCK_PAGES = 512
BOUND = 95.0
FOLIOS = 1000
PATIENCE = 300


def ask(machine: guest.Guest, test: ktap.Ktap, size: int) -> None:
    """Set the balloon's target and wait until query-balloon has it."""
    machine.qmp.execute("balloon", value=size)
    deadline = time.monotonic() + PATIENCE
    while (actual := machine.qmp.execute("query-balloon")["actual"]) != size:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    test.equal(actual, size, "query-balloon")


class Case:
    """One boot; its rows are kept for -j."""

    def __init__(self, name: str, words: list[str], folios: int):
        self.name, self.words, self.folios = name, words, folios
        self.title = f"{name}+{folios}" if folios else name
        self.rows: list[dict] = []

    def look(self, machine: guest.Guest, test: ktap.Ktap, point: str, line: str) -> int:
        """Run that line of `scatter`; whole blocks."""
        seen = machine.report(line, PATIENCE)
        free, whole = seen["free_pages"], seen["whole_blocks"]
        percent = 100.0 * whole / max(free // BLOCK_PAGES, 1)
        row = {"system": "quire", "case": self.title, "point": point, "free": free,
               "whole": whole, "best": free // BLOCK_PAGES, "percent": round(percent, 1)}
        self.rows.append(row)
        print("# report: LARGE " + " ".join(f"{key}={value}" for key, value in row.items()))
        if self.name == "churn":
            test.check(percent >= BOUND, f"{point}: {percent:.1f} % whole, {BOUND} % wanted")
        test.equal(seen["folios"], self.folios, "folios in use")
        test.equal(seen["wrong_folios"], 0, f"{point}: folios that are not as they were")
        return whole

    def run(self, test: ktap.Ktap) -> None:
        with guest.Guest(*self.words) as machine:
            machine.wait_shell()
            held = machine.report(f"scatter {self.name} {HELD}", PATIENCE)
            test.check(100 * held["held_pages"] >= (HELD - 1) * held["managed_pages"],
                       f"{held['held_pages']} of {held['managed_pages']} pages are held")
            before = self.look(machine, test, "before", f"scatter folios {self.folios}")
            ask(machine, test, machine.memory * 3 // 4)
            self.look(machine, test, "held", "scatter")
            ask(machine, test, machine.memory)
            after = self.look(machine, test, "after", "scatter")
            test.check(after >= before, f"{before} whole blocks before, {after} after")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")
    parser.add_argument("--long", action="store_true", help="the case with 1,000 folios too")
    parser.add_argument("-j", "--json", action="store_true", help="figures as lines of JSON only")
    arguments = parser.parse_args()
    words = ["--direct", "--arch", arguments.arch]
    words += ["--build", arguments.build] if arguments.build else []
    small, large = words + ["--memory", "1G", "--cpus", "1"], words + ["--memory", "16G"]
    cases = [Case("random", small, 0), Case("churn", small, 0)]
    cases += [Case("churn", large, FOLIOS)] if arguments.long else []
    with contextlib.redirect_stdout(io.StringIO() if arguments.json else sys.stdout):
        test = ktap.Ktap(len(cases))
        for case in cases:
            test.run(f"large_folios_bench.{case.title.replace('+', '_and_')}", case.run)
        status = test.finish()
    if arguments.json:
        for case in cases:
            for row in case.rows:
                print(json.dumps(row))
    return status


if __name__ == "__main__":
    sys.exit(main())
