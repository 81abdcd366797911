#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What finding all PCI functions costs: guest instructions and configuration accesses.

The release kernel enumerates tests/machines/fabric.conf again, eight times, under `-accel
tcg,thread=single -icount shift=0` (bench pci.enumerate_this_machine: no output, no drivers), then
machines of 8 to 256 functions, half of them root ports, each with one device below. A Linux 6.1
guest spends 13.9 million instructions and 3,642 accesses on 22 functions: a tenth per function is
the limit. Prints KTAP for tools/verdict.py. Exit status: 0 within the limit, 1 not.
"""
import argparse
import json
import pathlib
import re
import sys

import guest
import ktap

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 13_900_000 / 22 / 10
SIZES = (8, 32, 128, 256)
BARE = 3  # half of the six functions that default.conf has anyway


def ports(count: int) -> tuple[str, ...]:
    """Options for so many root ports, eight to a slot, with an endpoint each."""
    options: list[str] = []
    for port in range(count):
        options += ["-device", f"pcie-root-port,id=p{port},bus=pcie.0,addr={port // 8 + 4:x}."
                    f"{port % 8},multifunction=on,chassis={port + 1},io-reserve=0,mem-reserve=1M,"
                    "pref64-reserve=0",
                    "-device", f"virtio-rng-pci,bus=p{port},disable-legacy=on"]
    return tuple(options)


def measure(test: ktap.Ktap, name: str, words: tuple, options: tuple) -> None:
    icount = ("-icount", "shift=0,sleep=off")
    with guest.Guest("--direct", "--accel", "tcg-single", "--cpus", "1", *words,
                     options=icount + options) as machine:
        machine.wait_shell()
        functions = len(machine.report("lspci")["functions"])
        reads = re.search(r"pci: (\d+) functions through .* (\d+) reads, (\d+) writes",
                          machine.command("log"))
        output = machine.command("bench pci.enumerate_this_machine")
    figure = [json.loads(line) for line in output.splitlines() if line.startswith("{")][0]
    accesses = int(reads.group(2)) + int(reads.group(3))
    print(f"# report: {name}: {functions} functions, {figure['value']} instructions, "
          f"{figure['value'] / functions:.0f} each; {accesses} accesses, "
          f"{accesses / functions:.1f} each")
    test.check(0 < figure["value"] <= LIMIT * functions,
               f"{figure['value']} instructions for {functions} functions")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build/x86_64-release-gcc"))
    build = ("--build", parser.parse_args().build)
    test = ktap.Ktap(1 + len(SIZES))
    test.run("pci_cost.fabric", measure, "fabric.conf", ("--machine", "fabric", *build), ())
    for size in SIZES:
        test.run(f"pci_cost.{size}_functions", measure, f"{size} functions",
                 ("--machine", "default", *build), ports(size // 2 - BARE))
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
