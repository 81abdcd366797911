#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do large folios survive a balloon? The guest, in a real QEMU, holds 40 % of its memory in
scattered single pages; the host inflates a balloon of 25 % of memory, then deflates it.

Two cases, as in large_folios_linux.py, on 1 GiB and one CPU:

  random   90 % of memory is taken in single pages, then random ones are given back until 40 %
           are held: chance alone chose the places
  churn    then 100 times a random tenth of what is held is given back, and as many pages are
           taken again: the allocator had a say

and `churn` once more on 16 GiB with 1,000 folios of 2 MiB in use, each page of them stamped.

Printed at three points (before, held, after), one line each: free pages, 2 MiB blocks that are
wholly free, the best possible, which is free pages / 512 rounded down, and the percentage. Bounds,
churn only: at least 95 % at each point. Always: after deflation at least as many whole blocks as
before; all 1,000 folios with the frame, order and contents they had. Exit status 1 on a miss.
"""
import argparse
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import guest  # noqa: E402  pylint: disable=wrong-import-position
from ports import PORTS  # noqa: E402  pylint: disable=wrong-import-position

HELD = 40
BLOCK_PAGES = 512
BOUND = 95.0
FOLIOS = 1000
PATIENCE = 300


def percent(look: dict) -> float:
    return 100.0 * look["whole_blocks"] / max(look["free_pages"] // BLOCK_PAGES, 1)


def ask(machine: guest.Guest, size: int) -> None:
    """Set the balloon's target and wait until query-balloon has it."""
    machine.qmp.execute("balloon", value=size)
    deadline = time.monotonic() + PATIENCE
    while (actual := machine.qmp.execute("query-balloon")["actual"]) != size:
        if time.monotonic() > deadline:
            raise guest.GuestError(f"the balloon stays at {actual}, {size} was asked for")
        time.sleep(0.05)


class Case:
    """One boot; its lines, and what is out of bounds."""

    def __init__(self, name: str, words: list[str], folios: int, as_json: bool):
        self.name, self.folios, self.as_json = name, folios, as_json
        self.words = words
        self.misses: list[str] = []

    def say(self, point: str, look: dict) -> None:
        case = f"{self.name}+{self.folios}" if self.folios else self.name
        row = {"system": "quire", "case": case, "point": point, "free": look["free_pages"],
               "whole": look["whole_blocks"], "best": look["free_pages"] // BLOCK_PAGES,
               "percent": round(percent(look), 1)}
        if self.as_json:
            print(json.dumps(row), flush=True)
        else:
            print("LARGE " + " ".join(f"{key}={value}" for key, value in row.items()), flush=True)
        if self.name == "churn" and percent(look) < BOUND:
            self.misses.append(f"{case}, {point}: {percent(look):.1f} %, at least {BOUND} wanted")
        if look["folios"] != self.folios or look["wrong_folios"]:
            self.misses.append(f"{case}, {point}: {look['wrong_folios']} of {look['folios']} folios "
                               f"are not as they were, {self.folios} should be in use")

    def run(self) -> None:
        with guest.Guest(*self.words) as machine:
            machine.wait_shell()
            machine.report(f"scatter {self.name} {HELD}", PATIENCE)
            before = machine.report(f"scatter folios {self.folios}", PATIENCE)
            self.say("before", before)
            ask(machine, machine.memory * 3 // 4)
            self.say("held", machine.report("scatter", PATIENCE))
            ask(machine, machine.memory)
            after = machine.report("scatter", PATIENCE)
            self.say("after", after)
            if after["whole_blocks"] < before["whole_blocks"]:
                self.misses.append(f"{self.name}: {before['whole_blocks']} whole blocks before, "
                                   f"{after['whole_blocks']} after")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")
    parser.add_argument("--case", choices=["random", "churn", "folios"], help="only this one")
    parser.add_argument("-j", dest="as_json", action="store_true", help="one line of JSON each")
    arguments = parser.parse_args()
    words = ["--direct", "--arch", arguments.arch]
    words += ["--build", arguments.build] if arguments.build else []
    small, large = words + ["--memory", "1G", "--cpus", "1"], words + ["--memory", "16G"]
    cases = {"random": Case("random", small, 0, arguments.as_json),
             "churn": Case("churn", small, 0, arguments.as_json),
             "folios": Case("churn", large, FOLIOS, arguments.as_json)}  # fmt: skip
    misses: list[str] = []
    for name, case in cases.items():
        if arguments.case in (None, name):
            case.run()
            misses += case.misses
    print("".join(f"large_folios: {miss}\n" for miss in misses), end="", file=sys.stderr)
    return 1 if misses else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except guest.GuestError as error:
        sys.exit(f"large_folios: {error}")
