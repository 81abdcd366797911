#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the guest's PCI tree with the monitor's `info pci`, bus by bus, and use it.

Boots tests/machines/fabric.conf directly (SeaBIOS), under UEFI firmware, under qboot, which
places nothing, and with the key pci=wipe: every function, its ids, and the bus numbers behind
every bridge must agree, and the tree must be the same each time. Where the kernel placed BARs,
each lies in all windows above it and in no other. Then tests/machines/deep.conf: what is below
two levels of switches works. Prints KTAP for tools/verdict.py. Exit status: 0 all well, 1 not.
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
QBOOT = "/usr/share/qemu/qboot.rom"
RANGE = re.compile(r"^ +(IO|memory|prefetchable memory) range \[(0x\w+), (0x\w+)\]")
BAR = re.compile(r"^ +BAR\d: (I/O|(?:32|64) bit (?:prefetchable )?memory) at (0x\w+) \[(0x\w+)\]")
NOWHERE = 0xFFFFFFFFFFFFFFFF
# fabric.conf must give these, whatever else: a comparison of two empty lists proves nothing.
ROOT_PORTS = 8
LEAST_FUNCTIONS = 22
SECOND_ROOT = 0x40
BOOT_DISK = "1001"


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


def monitor_spans(text: str) -> tuple[dict, dict]:
    """`info pci` again: windows of each bus, by kind, and the BARs of each bus that decode."""
    windows, bars, bus, behind = {}, collections.defaultdict(list), 0, {}
    for line in text.splitlines():
        if place := PLACE.match(line):
            bus, behind = int(place.group(1)), {}
        elif number := BEHIND.match(line):
            if number.group(1) == "secondary":
                behind = windows[int(number.group(2))] = {"above": bus}
        elif found := RANGE.match(line):
            behind[found.group(1)] = (int(found.group(2), 16), int(found.group(3), 16))
        elif (found := BAR.match(line)) and int(found.group(2), 16) != NOWHERE:
            bars[bus].append((found.group(1), int(found.group(2), 16), int(found.group(3), 16)))
    return windows, bars


def check_places(test: ktap.Ktap, text: str, least: int) -> None:
    """Each BAR inside a window of every bridge above, and apart from every other BAR."""
    windows, bars = monitor_spans(text)
    spans = sorted((first, last, f"{kind} on bus {bus:02x}") for bus, found in bars.items()
                   for kind, first, last in found if kind != "I/O")
    test.check(len(spans) >= least, f"only {len(spans)} memory BARs decode, {least} wanted")
    for before, after in zip(spans, spans[1:]):
        test.check(before[1] < after[0], f"{before[2]} and {after[2]} overlap at {after[0]:#x}")
    for bus, found in bars.items():
        for kind, first, last in found:
            kinds = ("IO",) if kind == "I/O" else ("memory", "prefetchable memory")
            while bus in windows:
                fits = any(windows[bus][name][0] <= first and last <= windows[bus][name][1]
                           for name in kinds)
                test.check(fits, f"{kind} at {first:#x} is in no window to bus {bus:02x}")
                bus = windows[bus]["above"]


def boot_and_compare(test: ktap.Ktap, seen: list, options: tuple, placed: bool, *words: str) -> None:
    with guest.Guest("--machine", "fabric", "--memory", "512M", *words, options=options) as machine:
        machine.wait_shell()
        report = machine.report("lspci")
        text = machine.qmp.monitor("info pci")
    theirs = monitor_tree(text)
    ours = guest_tree(report)
    types = collections.Counter(function["type"] for function in report["functions"])
    test.check(len(theirs) >= LEAST_FUNCTIONS, f"the monitor lists only {len(theirs)} functions")
    test.check(SECOND_ROOT in by_bus(theirs), "the monitor lists no second root")
    test.equal(types["root port"], ROOT_PORTS, "root ports")
    compare(test, ours, theirs)
    # Under UEFI there is the disk to boot from, on a root bus, and nothing else.
    seen.append({at: one for at, one in ours.items() if one["device"] != BOOT_DISK})
    test.check(seen[0] == seen[-1], f"not the tree of the first boot: {ours}")
    test.equal(report["renumbered"], placed, "bus numbers given afresh")
    if placed:
        check_places(test, text, 4)


def boot_and_use(test: ktap.Ktap, options: tuple, *words: str) -> None:
    """What is below two levels of switches works after we placed its BARs: balloon and entropy
    source here, disk controller, network card and virtual functions in the suite pci_deep."""
    queue = {"path": "/machine/peripheral/rng0/virtio-backend", "queue": 0}
    with guest.Guest("--machine", "deep", "--memory", "512M", *words, options=options) as machine:
        machine.wait_shell()
        check_places(test, machine.qmp.monitor("info pci"), 6)
        depth, functions = 0, {one["address"]: one for one in machine.report("lspci")["functions"]}
        parent = functions["0000:05:00.0"]["parent"]
        while parent:
            depth, parent = depth + 1, functions[parent].get("parent")
        test.equal(depth, 5, "bridges above the balloon")
        used = guest.read_until(
            lambda used: used > 0,
            lambda: machine.qmp.execute("x-query-virtio-queue-status", **queue)["used-idx"], 60)
        test.check(used > 0, f"the entropy source was used {used} times")
        machine.qmp.execute("balloon", value=256 << 20)
        actual = guest.read_until(lambda actual: actual == 256 << 20,
                                  lambda: machine.qmp.execute("query-balloon")["actual"], 60)
        test.equal(actual, 256 << 20, "query-balloon")
        suite = machine.command("test pci_deep")
        test.check("quire: PASS" in suite and "SKIP" not in suite, suite[-1500:])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"))
    arguments = parser.parse_args()
    test = ktap.Ktap(6)
    seen: list = []
    build = ("--build", arguments.build)
    wipe = ("--direct", "--cmdline", "pci=wipe")
    for name, options, placed, how in (
        ("direct", (), False, ("--direct",)),
        ("uefi", (), False, ("--uefi",)),
        ("qboot", ("-bios", QBOOT), True, ("--direct",)),
        ("wiped", (), True, wipe),
    ):
        test.run(f"fabric.A_T47_tree_equals_info_pci_{name}", boot_and_compare, seen, options,
                 placed, *how, *build)
    test.run("fabric.below_two_switches_wiped", boot_and_use, (), *wipe, *build)
    test.run("fabric.below_two_switches_qboot", boot_and_use, ("-bios", QBOOT), "--direct", *build)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
