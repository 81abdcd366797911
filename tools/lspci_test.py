#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Our lspci and atomics beside what pciutils prints in a Linux 6.1 guest on the same machine.

`lspci -x` must be equal byte for byte, `lspci -t` character for character. From Linux's `lspci -vvv` and `lspci -xxxx`, build/hosted/
atomics must draw the verdicts that our kernel draws from the registers. Both boot directly on tests/machines/windows.conf; Linux loads no module and knows the class names
of Debian's pci.ids but no vendor's. Only Command, Status and Interrupt Line may differ. Prints KTAP for
tools/verdict.py; SKIP when no Linux kernel can be fetched. Exit status: 0 equal, 1 not.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import guest
import ktap
import linux_guest

ROOT = pathlib.Path(__file__).resolve().parent.parent
IDS = pathlib.Path("/usr/share/misc/pci.ids")
FUNCTION = re.compile(r"^(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] ")
ROW = re.compile(r"^([0-9a-f]{2}):((?: [0-9a-f]{2}){16})$")
# What a running system changes for its own purposes: Command and Status, Interrupt Line.
LOOSE = {0x04, 0x05, 0x06, 0x07, 0x3C}
LEAST_FUNCTIONS = 20
LEAST_REQUESTERS = 5
LEAST_LINES = 12
CUT = "quire-cut"
ATOMICS = ROOT / "build/hosted/atomics"


def class_names() -> bytes:
    """The part of pci.ids that names classes."""
    text = IDS.read_text(encoding="utf-8")
    return text[re.search(r"^C 00 ", text, re.M).start():].encode()


def machine(build: str) -> list[str]:
    return ["--build", build, "--machine", "windows", "--memory", "512M", "--cpus", "1", "--direct"]


def linux_listings(build: str) -> list[str]:
    """What lspci prints with -x, -vvv, -xxxx and -t."""
    script = f"; echo {CUT}; ".join(f"lspci {option}" for option in ("-x", "-vvv", "-xxxx", "-t"))
    text = linux_guest.output_of(script, ["lspci"], {str(IDS): class_names()}, *machine(build))
    return text.split(CUT)


def quire_listings(build: str) -> list[str]:
    """What our lspci -x, atomics and lspci -t print."""
    with guest.Guest(*machine(build)) as quire:
        quire.wait_shell()
        return [quire.command(line) for line in ("lspci -x", "atomics", "lspci -t")]


def verdicts(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith("LINE ")]


def host_report(text: str) -> str:
    return subprocess.run([str(ATOMICS), "-"], input=text, capture_output=True, text=True,
                          check=True).stdout


def functions(text: str) -> dict[str, list[str]]:
    """The lines of each function by its first line's address, loose bytes as `..`."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if FUNCTION.match(line):
            lines = found.setdefault(line.split()[0], [line])
        elif row := ROW.match(line):
            start = int(row.group(1), 16)
            bytes_ = [".." if start + n in LOOSE else byte
                      for n, byte in enumerate(row.group(2).split())]
            lines.append(f"{row.group(1)}: {' '.join(bytes_)}")
        elif line.strip():
            raise ValueError(f"neither a function nor a row of its registers: {line!r}")
    return found


def compare_bytes(test: ktap.Ktap, ours_text: str, theirs_text: str) -> None:
    ours, theirs = functions(ours_text), functions(theirs_text)
    test.check(len(theirs) >= LEAST_FUNCTIONS, f"Linux lists only {len(theirs)} functions")
    test.equal(list(ours), list(theirs), "addresses in their order")
    for address, lines in theirs.items():
        for mine, line in zip(ours.get(address, []), lines):
            test.equal(mine, line, address)
        test.equal(len(ours.get(address, [])), len(lines), f"{address}: lines")


def compare_trees(test: ktap.Ktap, ours: str, theirs: str) -> None:
    ours_lines, lines = ([line.rstrip() for line in text.splitlines() if line.strip()]
                         for text in (ours, theirs))
    test.check(len(lines) >= LEAST_LINES, f"Linux's tree has only {len(lines)} lines")
    test.equal(ours_lines, lines, "the tree")


def compare_verdicts(test: ktap.Ktap, report: str, text: str) -> None:
    ours = verdicts(report)
    test.check(len(ours) >= LEAST_REQUESTERS, f"only {len(ours)} requesters: {ours}")
    test.equal(verdicts(host_report(text)), ours, "LINEs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"))
    arguments = parser.parse_args()
    names = ("lspci.equals_pciutils", "lspci.atomics_from_text", "lspci.atomics_from_bytes",
             "lspci.tree_equals_pciutils")
    tests = ktap.Ktap(len(names))
    try:
        linux_guest.kernel()
    except (linux_guest.LinuxError, OSError) as error:
        for name in names:
            tests.skip(name, str(error))
        return tests.finish()
    header, details, everything, linux_tree = linux_listings(arguments.build)
    listing, report, tree = quire_listings(arguments.build)
    tests.run(names[0], compare_bytes, listing, header)
    tests.run(names[1], compare_verdicts, report, details)
    tests.run(names[2], compare_verdicts, report, everything)
    tests.run(names[3], compare_trees, tree, linux_tree)
    return tests.finish()


if __name__ == "__main__":
    sys.exit(main())
