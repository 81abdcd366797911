#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the guest's PCI tree with the monitor's `info pci`, bus by bus.

Boots tests/machines/fabric.conf directly and under UEFI firmware; every function, its ids, and
the bus numbers behind every bridge must agree. Prints KTAP for tools/verdict.py. Exit status: 0
all equal, 1 not.
"""
import argparse
import collections
import pathlib
import re
import sys

import guest
import ktap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = re.compile(r"^  Bus +(\d+), device +(\d+), function (\d+):")
IDENTITY = re.compile(r"PCI device ([0-9a-f]{4}):([0-9a-f]{4})")
BEHIND = re.compile(r"^ +(secondary|subordinate) bus (\d+)\.")
# fabric.conf must give these, whatever else: a comparison of two empty lists proves nothing.
ROOT_PORTS = 8
LEAST_FUNCTIONS = 22
SECOND_ROOT = 0x40


def monitor_tree(text: str) -> dict[str, dict]:
    """`info pci` as a record per address."""
    tree, record = {}, {}
    for line in text.splitlines():
        if place := PLACE.match(line):
            bus, device, function = map(int, place.groups())
            record = tree[f"{bus:02x}:{device:02x}.{function}"] = {}
        elif identity := IDENTITY.search(line):
            # A subsystem line has the word `subsystem` in the place of `device`.
            record.update(vendor=identity.group(1), device=identity.group(2))
        elif behind := BEHIND.match(line):
            record[behind.group(1)] = int(behind.group(2))
    return tree


def guest_tree(report: dict) -> dict[str, dict]:
    """`lspci -j` in the same form; segment 0 only, as QEMU has one."""
    tree = {}
    for function in report["functions"]:
        segment, _, address = function["address"].partition(":")
        if int(segment, 16):
            raise ValueError(f"{function['address']}: QEMU has only segment 0")
        keep = ("vendor", "device", "secondary", "subordinate")
        tree[address] = {key: function[key] for key in keep if key in function}
    return tree


def by_bus(tree: dict[str, dict]) -> dict[int, list[str]]:
    buses = collections.defaultdict(list)
    for address in sorted(tree):
        buses[int(address[:2], 16)].append(address)
    return buses


def compare(test: ktap.Ktap, ours: dict[str, dict], theirs: dict[str, dict]) -> None:
    """One check for each bus, one for each function."""
    our_buses, their_buses = by_bus(ours), by_bus(theirs)
    for bus in sorted(set(our_buses) | set(their_buses)):
        test.equal(our_buses.get(bus, []), their_buses.get(bus, []), f"bus {bus:02x}")
    for address in sorted(set(ours) & set(theirs)):
        test.equal(ours[address], theirs[address], address)


def boot_and_compare(test: ktap.Ktap, *words: str) -> None:
    with guest.Guest("--machine", "fabric", "--memory", "512M", *words) as machine:
        machine.wait_shell()
        report = machine.report("lspci")
        theirs = monitor_tree(machine.qmp.monitor("info pci"))
    ours = guest_tree(report)
    types = collections.Counter(function["type"] for function in report["functions"])
    test.check(len(theirs) >= LEAST_FUNCTIONS, f"the monitor lists only {len(theirs)} functions")
    test.check(SECOND_ROOT in by_bus(theirs), "the monitor lists no second root")
    test.equal(types["root port"], ROOT_PORTS, "root ports")
    compare(test, ours, theirs)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"))
    arguments = parser.parse_args()
    test = ktap.Ktap(2)
    for name, how in (("direct", "--direct"), ("uefi", "--uefi")):
        test.run(
            f"fabric.tree_equals_info_pci_{name}", boot_and_compare, how, "--build", arguments.build
        )
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
