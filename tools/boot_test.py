#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots that the suites inside the guest cannot test: sizes, media, consoles, bad machines.

Prints KTAP for tools/verdict.py. Exit status: 0 all passed, 1 not.
"""
import argparse
import collections
import functools
import pathlib
import re
import sys
import tempfile
import time

import guest
import ktap
from ports import PORTS

Start = functools.partial  # guest.Guest for the architecture and kernel under test
PATIENCE = 240
CELL_ROWS = 16  # of a character of the framebuffer console


def smallest_and_largest(test: ktap.Ktap, start: Start) -> None:
    for memory in ("64M", "64G"):
        with start("--memory", memory) as machine:
            machine.wait_shell()
            report = machine.report("mem")
            size = machine.memory >> 12
            managed = report["managed_pages"]
            test.check(size * 9 // 10 < managed < size, f"{memory}: {managed} of {size} pages managed")


def too_little_memory(test: ktap.Ktap, start: Start) -> None:
    with start("--memory", "5M") as machine:
        machine.wait_for("panic: .*memory.*\n", PATIENCE)
        failed = PORTS[machine.arch].status_of(1)
        test.equal(machine.process.wait(PATIENCE), failed, "status")


def failure_is_the_status(test: ktap.Ktap, start: Start) -> None:
    """Also when other CPUs have not come to their stop yet as the last one waits for ever."""
    with start("--cpus", "8", "--cmdline", "run=nonsense") as machine:
        machine.wait_for("no such command", 120)
        failed = PORTS[machine.arch].status_of(1)
        test.equal(machine.process.wait(60), failed, "status")


def no_acpi(test: ktap.Ktap, start: Start) -> None:
    with start("--machine", "no-acpi") as machine:
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", PATIENCE)
        test.check("acpi" in text, "no word about the missing tables")
        functions = machine.report("lspci")["functions"]
        test.check(any(one["address"] == "0000:00:00.0" for one in functions), "no host bridge")


def unknown_key(test: ktap.Ktap, start: Start) -> None:
    with start("--cmdline", "nonsense=1 loglevel=2") as machine:
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", PATIENCE)
        test.check("nonsense" in text, "the unknown key is not named")


def usb_stick(test: ktap.Ktap, start: Start) -> None:
    with start("--uefi", "--disk", "usb") as machine:
        machine.wait_shell()
        test.check(bool(machine.report("mem")["managed_pages"]), "mem -j")


def lit_pixels(path: pathlib.Path) -> tuple[int, int]:
    """Rows of a PPM picture, and pixels of another colour than most."""
    _, size, _, pixels = path.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    colours = collections.Counter(pixels[at : at + 3] for at in range(0, len(pixels), 3))
    return height, width * height - colours.most_common(1)[0][1]


def screen_and_keyboard(test: ktap.Ktap, start: Start) -> None:
    with start("--uefi", options=("-device", "VGA")) as machine:
        machine.wait_shell()
        picture = machine.scratch / "screen.ppm"
        machine.qmp.execute("screendump", filename=str(picture))
        rows, before = lit_pixels(picture)
        test.check(rows >= 20 * CELL_ROWS, f"{rows} rows")
        test.check(before > 1000, f"only {before} pixels are lit: no text on the screen")
        for key in ("h", "e", "l", "p", "ret"):
            machine.qmp.execute("send-key", keys=[{"type": "qcode", "data": key}])
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", PATIENCE)
        test.check("lspci" in text, f"help typed on the keyboard printed: {text}")
        machine.qmp.execute("screendump", filename=str(picture))
        test.check(lit_pixels(picture)[1] != before, "the screen did not change")


def reset_after_touching(test: ktap.Ktap, start: Start) -> None:
    """Memory survives a reset: the next boot must not take it for its own records."""
    with start("--memory", "256M") as machine:
        machine.wait_shell()
        machine.command("mem -t")
        machine.qmp.execute("set-action", reboot="reset")
        machine.process.stdin.write(b"reboot\n")
        machine.process.stdin.flush()
        machine.wait_for("reboot", PATIENCE)
        machine.wait_shell()
        text = machine.command("test frames,folio,slab")
        test.check("# quire: PASS" in text, f"after the reset: {text[-300:]}")
        machine.command("mem -t")
        test.check("# quire: PASS" in machine.command("test frames"), "after touching again")


def told_balloon(path: pathlib.Path) -> list[str]:
    """What QEMU traced of balloon and status: `actual N` in pages, `status N`, in order."""
    found = re.findall(r"virtio_balloon_(set_config) \w+: (\d+)|virtio_(set_status) \S+ \S+ \S+ (\d+)",
                       path.read_text())
    return [f"actual {row[1]}" if row[0] else f"status {row[3]}" for row in found]


def ends_in_order(told: list[str]) -> bool:
    """The balloon's size goes to 0, then its device is reset; other devices were just before."""
    words = [word for word in told if word != "status 0"]
    at = told.index("actual 0") if "actual 0" in told else len(told)
    return words[:1] == ["actual 0"] and told[at : at + 2] == ["actual 0", "status 0"]


def wait_balloon(machine: guest.Guest, size: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while machine.qmp.execute("query-balloon")["actual"] != size and time.monotonic() < deadline:
        time.sleep(0.05)
    return machine.qmp.execute("query-balloon")["actual"] == size


def end_resets_the_balloon(test: ktap.Ktap, start: Start) -> None:
    """Before the machine starts again, or ends, the balloon holds nothing and is reset."""
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace"
        options = ("-D", str(trace), "-trace", "virtio_balloon_set_config", "-trace",
                   "virtio_set_status")
        with start("--memory", "512M", options=options) as machine:
            machine.wait_shell()
            machine.qmp.execute("balloon", value=256 << 20)
            test.check(wait_balloon(machine, 256 << 20), "the balloon follows")
            test.check(told_balloon(trace)[-1].startswith("actual "), "the last word is its size")
            before = len(told_balloon(trace))
            machine.qmp.execute("set-action", reboot="reset")
            machine.process.stdin.write(b"reboot\n")
            machine.process.stdin.flush()
            machine.wait_for("reboot", PATIENCE)
            machine.wait_shell()
            test.check(ends_in_order(told_balloon(trace)[before:]), "after `reboot`")
            test.check(wait_balloon(machine, 256 << 20), "the next boot follows")
            before = len(told_balloon(trace))
            machine.process.stdin.write(b"poweroff\n")
            machine.process.stdin.flush()
            machine.process.wait(PATIENCE)
            test.check(ends_in_order(told_balloon(trace)[before:]), "after `poweroff`")


def two_nodes(test: ktap.Ktap, start: Start) -> None:
    """Memory is split where the SRAT says; a few pages of each node are the kernel's own."""
    with start("--memory", "512M", "--nodes", "2") as machine:
        machine.wait_shell()
        managed = collections.Counter()
        for zone in machine.report("mem")["zones"]:
            managed[zone["node"]] += zone["managed_pages"]
        test.equal(sorted(managed), [0, 1], "nodes")
        share = machine.memory // 2 >> 12
        for node, pages in managed.items():
            test.check(share * 9 // 10 < pages <= share, f"node {node}: {pages} of {share} pages")
        test.check("# quire: PASS" in machine.command("test frames,folio,zone,model"), "suites")
        machine.command("mem -t")


def ipl_from_the_disk(test: ktap.Ktap, start: Start) -> None:
    with start("--ipl", "--cmdline", "nonsense=1") as machine:
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", PATIENCE)
        test.check("nonsense" in text, "the command line of the disk is not read")
        test.check(bool(machine.report("mem")["managed_pages"]), "mem -j")


def line_mode_console(test: ktap.Ktap, start: Start) -> None:
    """What a partition of a real machine has: EBCDIC lines instead of an ASCII terminal."""
    with start("--machine", "s390x-line") as machine:
        machine.wait_for(re.escape(guest.PROMPT), PATIENCE)
        machine.process.stdin.write(b"help\n")
        machine.process.stdin.flush()
        text = machine.wait_for("(?s)lspci.*" + re.escape(guest.PROMPT), PATIENCE)
        test.check("atomics" in text, f"help printed: {text}")


def more_cpus_than_supported(test: ktap.Ktap, start: Start) -> None:
    with start("--cpus", "70") as machine:
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 3 * PATIENCE)
        test.check("6 CPUs more than" in text, "not said")
        test.check("# quire: PASS" in machine.command("test ipi"), "suite ipi")


# Test, and the architectures that have what it is about.
TESTS = {
    "smallest_and_largest_memory": (smallest_and_largest, "x86_64 s390x"),
    "too_little_memory_is_said": (too_little_memory, "x86_64 s390x"),
    "failure_is_the_status": (failure_is_the_status, "x86_64 s390x"),
    "unknown_key_is_named": (unknown_key, "x86_64 s390x"),
    "reset_after_touching_memory": (reset_after_touching, "x86_64 s390x"),
    "end_resets_the_balloon": (end_resets_the_balloon, "x86_64 s390x"),
    "no_acpi_is_survived": (no_acpi, "x86_64"),
    "two_nodes_from_the_srat": (two_nodes, "x86_64"),
    "usb_stick_boots_uefi": (usb_stick, "x86_64"),
    "screen_and_keyboard_uefi": (screen_and_keyboard, "x86_64"),
    "ipl_from_the_disk": (ipl_from_the_disk, "s390x"),
    "line_mode_console": (line_mode_console, "s390x"),
    "more_cpus_than_supported": (more_cpus_than_supported, "s390x"),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")
    parser.add_argument("name", nargs="*", help=f"tests to run (default: all): {', '.join(TESTS)}")
    arguments = parser.parse_args()
    known = [name for name, (_, ports) in TESTS.items() if arguments.arch in ports.split()]
    unknown = set(arguments.name) - set(known)
    if unknown:
        parser.error(f"no such test on {arguments.arch}: {', '.join(sorted(unknown))}")
    words = ["--arch", arguments.arch]
    words += ["--build", arguments.build] if arguments.build else []
    start = functools.partial(guest.Guest, *words)
    chosen = {name: TESTS[name][0] for name in arguments.name or known}
    test = ktap.Ktap(len(chosen))
    for name, run in chosen.items():
        test.run(f"boot.{name}", run, start)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
