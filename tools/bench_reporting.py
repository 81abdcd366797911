#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What free page reporting gives the host and what it costs the guest, against a real QEMU.

One CPU, the release kernel, `-icount shift=0`: guest time is counted in instructions. The device
answers inside the kick, so the host's own time is no part of the figures, and they
repeat whatever else this machine does.

  latency  1 GiB is used and freed once: how long blocks waited until the host had heard of them
           (bounds, by the guest's counters), kicks and instructions per GiB
  churn    512 MiB are used and freed in a loop, by folios of several orders, with reporting on
           and off: instructions lost, bytes reported, bytes of them used again within 100 ms
  slow     the same with pauses in which the memory stays free

Kicks and discards are those that QEMU traces. Prints one line of JSON per part and what is out of
bounds; exit status 1 if anything is. `slow` is reported, not bounded.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import boot_cost

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = 2 << 20
COMMAND = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single",
           "-icount", "shift=0,sleep=off", "-cpu", "max", "-m", "2G", "-nodefaults", "-nographic",
           "-serial", "stdio", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
           "-trace", "enable=virtio_queue_notify", "-trace", "enable=ram_block_discard_range"]
NOTIFY = re.compile(r"virtio_queue_notify .* n (\d+) ")
DISCARD = re.compile(r"ram_block_discard_range \S+ \+ 0x([0-9a-f]+):")
LOSS_MAX, EARLY_MAX, LATENCY_MAX_MS, KICKS_MAX, COST_MAX = 0.02, 0.01, 100, 8, 300e3


class Run:
    """One boot: what the commands reported, kicks of the reporting queue, bytes discarded."""

    def __init__(self, kernel: pathlib.Path, commands: str, reporting: bool, timeout: int,
                 counted: bool = False):
        switch = "on" if reporting else "off"
        device = f"virtio-balloon-pci,disable-legacy=on,free-page-reporting={switch}"
        with tempfile.TemporaryDirectory(prefix="quire-bench-") as folder:
            trace = pathlib.Path(folder) / "trace"
            command = COMMAND + ["-D", str(trace), "-device", device, "-kernel", str(kernel),
                                 "-append", f'loglevel=1 run="{commands}"']
            total = pathlib.Path(folder) / "total"
            if counted:
                command += ["-plugin", f"{boot_cost.PLUGIN},out={total}"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=timeout, check=False)
            self.executed = int(total.read_text().split()[-1]) if counted else 0
            traced = trace.read_text() if trace.exists() else ""
        if done.returncode != 33:
            sys.exit(f"bench_reporting: QEMU ended with {done.returncode}, 33 was expected:\n"
                     f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        self.reports = [json.loads(line) for line in done.stdout.splitlines()
                        if line.startswith("{")]
        notified = collections.Counter(NOTIFY.findall(traced))
        self.kicks = notified["3"]
        self.discarded = sum(int(size, 16) for size in DISCARD.findall(traced))

    def reporting(self) -> dict:
        return self.reports[-1]["reporting"]

    def cycles(self) -> int:
        wrong = [report for report in self.reports if report.get("wrong_pages")]
        if wrong:
            sys.exit(f"bench_reporting: pages lost what was written: {wrong}")
        return sum(report.get("cycles", 0) for report in self.reports)


def latency(arguments) -> dict:
    """1 GiB freed once, then a second of rest."""
    commands = "churn -j 1024 1 {0} 1000; balloon -j"
    figures = {}
    for order in (9, 0):
        on = Run(arguments.kernel, commands.format(order), True, arguments.timeout)
        counted = on.reporting()
        gib = counted["reported"] * BLOCK / (1 << 30)
        figures[f"order_{order}"] = {
            "gib_reported": round(gib, 3),
            "gib_discarded": round(on.discarded / (1 << 30), 3),
            "waited_p50_ms": counted["waited_p50_ns"] / 1e6,
            "waited_p99_ms": counted["waited_p99_ns"] / 1e6,
            "waited_max_ms": counted["waited_max_ns"] / 1e6,
            "kicks_per_gib": round(on.kicks / gib, 2) if gib else None,
            "looks": counted["looks"],
        }
    return figures


def cost(arguments) -> float:
    """Instructions per GiB reported: all that were executed, of a boot in which 1 GiB is used and
    freed less one in which nothing is, with reporting less without."""
    boot_cost.build_plugin()
    executed, gib = [], 0.0
    for reporting in (True, False):
        for size in (1024, 0):
            commands = f"churn -j {size} 1 9 1000; balloon -j"
            run = Run(arguments.kernel, commands, reporting, arguments.timeout, True)
            executed.append(run.executed)
            gib = max(gib, run.reporting()["reported"] * BLOCK / (1 << 30))
    return (executed[0] - executed[1] - executed[2] + executed[3]) / gib


def churn(arguments, pause: int) -> dict:
    figures = {}
    for order, rounds in ((0, 12), (4, 12), (9, 200)):
        commands = f"churn -j 512 {rounds} {order} {pause}; balloon -j"
        on = Run(arguments.kernel, commands, True, arguments.timeout)
        off = Run(arguments.kernel, commands, False, arguments.timeout)
        counted = on.reporting()
        figures[f"order_{order}"] = {
            "instructions": off.cycles(),
            "loss": round(on.cycles() / off.cycles() - 1, 5),
            "reported": counted["reported"],
            "early": counted["early"],
            "early_share": round(counted["early"] / max(counted["reported"], 1), 4),
            "mib_discarded": on.discarded >> 20,
            "looks": counted["looks"],
        }
    return figures


def out_of_bounds(figures: dict) -> list[str]:
    wrong = []
    for name, one in figures["latency"].items():
        if not one["gib_reported"] or one["waited_p99_ms"] > LATENCY_MAX_MS:
            wrong.append(f"latency {name}: {one}")
        elif one["kicks_per_gib"] > KICKS_MAX or one["gib_discarded"] != one["gib_reported"]:
            wrong.append(f"kicks or discards {name}: {one}")
    if figures["cost_per_gib"] > COST_MAX:
        wrong.append(f"cost: {figures['cost_per_gib']:.0f} instructions per GiB")
    for name, one in figures["churn"].items():
        if one["loss"] > LOSS_MAX or one["early_share"] > EARLY_MAX:
            wrong.append(f"churn {name}: {one}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernel", type=pathlib.Path,
                        default=ROOT / "build/x86_64-release-gcc/quire.elf")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one boot")
    arguments = parser.parse_args()
    figures = {"latency": latency(arguments), "cost_per_gib": cost(arguments),
               "churn": churn(arguments, 0), "slow": churn(arguments, 70)}
    for name, value in figures.items():
        print(json.dumps({name: value}))
    wrong = out_of_bounds(figures)
    for text in wrong:
        print(f"out of bounds: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
