#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a boot costs: guest instructions from kernel entry to the shell, and resident memory.

The release kernel is booted directly with 256 MiB, 4 GiB and 64 GiB that the host only promises. The plugin of tools/icount counts executed instructions under `-accel
tcg,thread=single -icount shift=0,sleep=off`, one CPU; resident memory is that of the guest's RAM,
without huge pages. Beside it stands what the guest itself measured (`cpus -j`).

On s390x the four instructions that ask for each MiB of storage are not counted as growth.

Prints one line of JSON for each size and KTAP for tools/verdict.py, with the wall time of a boot
without the plugin and the memory the guest has in use. Bounds: the sizes differ by less than 2 %
(s390x: 5 %) and 4 MiB; a boot stays below 16 MiB and costs on x86-64 at most 1/50 of the instructions of a
Debian 6.1 cloud kernel (1.58 billion), on s390x at most 5 million. Exit status: 0 within them, 1
not.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

import guest
import ktap
from ports import PORTS, Port

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "build/icount.so"
PAGE = 4096
SIZES = ("256M", "4G", "64G")
LIMIT_INSTRUCTIONS = {"x86_64": 1_580_000_000 // 50, "s390x": 5_000_000}
LIMIT_RESIDENT = 16 << 20
# Two more zones cost some 16,000 instructions on both: a larger share of the shorter boot.
LIMIT_SPREAD = {"x86_64": 0.02, "s390x": 0.05}
# An s390x machine says how far its storage reaches, not what is missing: every increment, 1 MiB
# in QEMU, is asked, by a loop of so many instructions.
PROBE = {"x86_64": 0, "s390x": 4}
LIMIT_SPREAD_RESIDENT = 4 << 20
SHELL = "shell_interactive"


def build_plugin() -> None:
    source = ROOT / "tools/icount/icount.c"
    if not PLUGIN.exists() or PLUGIN.stat().st_mtime < source.stat().st_mtime:
        PLUGIN.parent.mkdir(exist_ok=True)
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(PLUGIN), str(source)]
        subprocess.run(command, check=True)


def symbols(port: Port, elf: pathlib.Path) -> dict[str, int]:
    done = subprocess.run([f"{port.cross}nm", str(elf)], capture_output=True, text=True, check=True)
    words = (line.split() for line in done.stdout.splitlines())
    return {word[2]: int(word[0], 16) for word in words if len(word) == 3}


def marks_of(text: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"^mark (\w+) (\d+)$", text, re.M)}


def wall_time(words: tuple[str, ...]) -> float:
    """Seconds from the start of QEMU to the prompt."""
    start = time.monotonic()
    with guest.Guest(*words) as machine:
        machine.wait_shell(120)
        return time.monotonic() - start


def measure(port: Port, build: str, size: str) -> dict:
    """Boot to the shell; instructions, resident bytes, memory in use and wall time."""
    table = symbols(port, pathlib.Path(build, "quire.elf"))
    counts = ROOT / f"build/icount-{port.name}-{size}.txt"
    counts.unlink(missing_ok=True)
    plugin = f"{PLUGIN},mark=entry:{table[port.entry]:#x},mark=shell:{table[SHELL]:#x},out={counts}"
    # The battery clock, too, goes by instructions: the host's may be in the middle of an update,
    # and whoever reads it waits for the end.
    options = ("-icount", "shift=0,sleep=off", "-rtc", "clock=vm", "-plugin", plugin)
    words = ("--arch", port.name, "--memory", size, "--cpus", "1", "--build", build)
    with guest.Guest(*words, "--accel", "tcg-single", options=options) as machine:
        machine.wait_shell(120)
        time.sleep(0.5)
        resident = machine.resident()
        told = machine.report("cpus")["boot_instructions"]
        memory = machine.report("mem")
    marks = marks_of(counts.read_text())
    if set(marks) != {"entry", "shell"}:
        raise ValueError(f"the plugin saw only {sorted(marks)}")
    return {
        "name": "boot", "port": port.name, "memory": size,
        "instructions": marks["shell"] - marks["entry"], "boot_instructions": told,
        "resident": resident, "seconds": round(wall_time(words), 3),
        "used": (memory["managed_pages"] - memory["free_pages"]) * PAGE,
    }  # fmt: skip


def boot(test: ktap.Ktap, port: Port, build: str, size: str, figures: list[dict]) -> None:
    figure = measure(port, build, size)
    figures.append(figure)
    print(json.dumps(figure))
    print(f"# report: {size}: {figure['instructions']} instructions, {figure['seconds']} s to the "
          f"shell, {figure['used'] >> 10} KiB in use, {figure['resident'] >> 10} KiB resident")
    count, resident = figure["instructions"], figure["resident"]
    test.check(0 < count <= LIMIT_INSTRUCTIONS[port.name], f"{count} instructions to the shell")
    test.check(resident < LIMIT_RESIDENT, f"{resident >> 10} KiB resident at the shell")


def spread(test: ktap.Ktap, port: Port, figures: list[dict]) -> None:
    if not test.equal(len(figures), len(SIZES), "sizes that booted"):
        return
    counts = [figure["instructions"] for figure in figures]
    residents = [figure["resident"] for figure in figures]
    probes = PROBE[port.name] * (guest.memory_bytes(SIZES[-1]) - guest.memory_bytes(SIZES[0])) >> 20
    share = (max(counts) - min(counts) - probes) / min(counts)
    test.check(share < LIMIT_SPREAD[port.name], f"instructions differ by {100 * share:.1f} %")
    difference = max(residents) - min(residents)
    test.check(difference < LIMIT_SPREAD_RESIDENT, f"resident differs by {difference >> 10} KiB")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH-release-gcc)")
    arguments = parser.parse_args()
    port = PORTS[arguments.arch]
    build = arguments.build or str(ROOT / port.folder("release", "gcc"))
    build_plugin()
    test, figures = ktap.Ktap(len(SIZES) + 1), []
    for size in SIZES:
        test.run(f"boot_cost.within_bounds_{size}", boot, port, build, size, figures)
    test.run("boot_cost.does_not_grow_with_memory", spread, port, figures)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
