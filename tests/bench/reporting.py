#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What free page reporting gives the host and what it costs the guest, against a real QEMU.

One CPU, the release kernel, `-icount shift=0`: guest time is counted in instructions. The device
answers inside the kick, so the host's own time is no part of the figures, and they
repeat whatever else this machine does.

  latency  1 GiB is used and freed once, by 2 MiB and by 4 KiB: how long blocks waited until the
           host had heard of them, kicks and interrupts per GiB
  cost     instructions per GiB, by the plugin of tools/icount: all of the boot in which 1 GiB is
           used and freed less one in which nothing is, with reporting less without
  churn    512 MiB are used and freed in a loop, by folios of several orders, with reporting on
           and off: instructions lost, bytes reported, bytes of them used again within 100 ms
  pauses   the same with 70 ms in which the memory stays free: told, not bounded; with --long

Kicks, interrupts and discards are those that QEMU traces (virtio_queue_notify, virtio_notify,
ram_block_discard_range); what the guest counted must be the same. Prints KTAP for
tools/verdict.py; -j prints a line of JSON for each part instead. Exit status: 0 within the bounds,
1 not.
"""
import argparse
import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import boot_cost  # noqa: E402
import ktap  # noqa: E402

GIB, BLOCK = 1 << 30, 2 << 20
EVENTS = ("virtio_queue_notify", "virtio_notify", "ram_block_discard_range")
COMMAND = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single",
           "-icount", "shift=0,sleep=off", "-cpu", "max", "-m", "2G", "-nodefaults", "-nographic",
           "-serial", "stdio", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
           *(word for event in EVENTS for word in ("-trace", f"enable={event}"))]
QUEUE = "3"  # of reporting, in QEMU, where there is no hinting
NOTIFY = re.compile(r"virtio_queue_notify .* n (\d+) vq (\S+)")
INTERRUPT = re.compile(r"virtio_notify .* vq (\S+)")
DISCARD = re.compile(r"ram_block_discard_range \S+ \+ 0x([0-9a-f]+):")
LOSS_MAX, EARLY_MAX, LATENCY_MAX_MS, KICKS_MAX, COST_MAX = 0.02, 0.01, 100, 8, 300_000
LATENCY_ORDERS = (9, 0)
# Order and rounds: a second of guest time or so, and some tenths.
CHURNS = {True: ((0, 12), (4, 48), (9, 200)), False: ((0, 5), (4, 24), (9, 60))}
PAUSE_MS = 70
TIMEOUT = 300


class Run:
    """One boot: what the commands reported, what QEMU traced of the reporting queue."""

    def __init__(self, kernel: pathlib.Path, commands: str, reporting: bool, counted: bool = False):
        switch = "on" if reporting else "off"
        device = f"virtio-balloon-pci,disable-legacy=on,free-page-reporting={switch}"
        with tempfile.TemporaryDirectory(prefix="quire-bench-") as folder:
            trace, total = pathlib.Path(folder, "trace"), pathlib.Path(folder, "total")
            command = COMMAND + ["-D", str(trace), "-device", device, "-kernel", str(kernel),
                                 "-append", f'loglevel=1 run="{commands}"']
            if counted:
                command += ["-plugin", f"{boot_cost.PLUGIN},out={total}"]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=TIMEOUT, check=False)
            self.executed = int(total.read_text().split()[-1]) if counted else 0
            traced = trace.read_text() if trace.exists() else ""
        if done.returncode != 33:
            raise ValueError(f"QEMU ended with {done.returncode}, 33 was expected: "
                             f"{done.stdout[-1000:]}{done.stderr[-1000:]}")
        self.reports = [json.loads(line) for line in done.stdout.splitlines()
                        if line.startswith("{")]
        notified = NOTIFY.findall(traced)
        queues = {pointer for number, pointer in notified if number == QUEUE}
        self.kicks = sum(number == QUEUE for number, _ in notified)
        self.interrupts = sum(pointer in queues for pointer in INTERRUPT.findall(traced))
        self.discarded = sum(int(size, 16) for size in DISCARD.findall(traced))

    def counters(self, test: ktap.Ktap) -> dict:
        """The guest's, which must agree with what QEMU traced."""
        counted = self.reports[-1]["reporting"]
        test.equal(self.kicks, counted["batches"], "kicks in QEMU's trace, batches in the guest")
        test.equal(self.discarded, counted["reported"] * BLOCK, "bytes discarded, reported")
        test.equal(sum(counted["waited_10ms"]), counted["reported"], "blocks in the histogram")
        test.equal((counted["refused"], counted["lost"]), (0, 0), "blocks refused and lost")
        return counted

    def cycles(self, test: ktap.Ktap) -> int:
        """Of the loop, which must have had its memory and found what it wrote."""
        loops = [report for report in self.reports if "cycles" in report]
        test.equal({(loop["short"], loop["wrong_pages"]) for loop in loops}, {(0, 0)},
                   "folios missing and pages wrong")
        return loops[0]["cycles"]


class Bench:
    """The parts; `figures` is what each measured."""

    def __init__(self, kernel: pathlib.Path):
        self.kernel = kernel
        self.figures: dict[str, dict] = {}
        self.used_and_freed = {}

    def note(self, name: str, **figures) -> None:
        self.figures[name] = figures
        text = ", ".join(f"{key} {value}" for key, value in figures.items())
        print(f"# report: {name}: {text}", flush=True)

    def once(self, size: int, order: int, reporting: bool) -> Run:
        """`size` MiB used and freed once, then a second of rest."""
        key = (size, order, reporting)
        if key not in self.used_and_freed:
            commands = f"churn -j {size} 1 {order} 1000; balloon -j"
            self.used_and_freed[key] = Run(self.kernel, commands, reporting, True)
        return self.used_and_freed[key]

    def latency(self, test: ktap.Ktap, order: int) -> None:
        run = self.once(1024, order, True)
        counted = run.counters(test)
        run.cycles(test)
        gib = counted["reported"] * BLOCK / GIB
        if not test.check(gib >= 0.99, f"{gib:.3f} GiB reported, 1 was freed"):
            return
        waited = {f"waited_{name}_ms": counted[f"waited_{name}_ns"] / 1e6
                  for name in ("p50", "p99", "max")}
        kicks, interrupts = run.kicks / gib, run.interrupts / gib
        self.note(f"latency_order_{order}", gib_reported=round(gib, 3), **waited,
                  kicks_per_gib=round(kicks, 2), interrupts_per_gib=round(interrupts, 2),
                  looks=counted["looks"])
        test.check(waited["waited_p99_ms"] < LATENCY_MAX_MS, f"p99 is {waited['waited_p99_ms']} ms")
        test.check(kicks <= KICKS_MAX, f"{kicks:.2f} kicks per GiB")
        test.check(interrupts <= KICKS_MAX, f"{interrupts:.2f} interrupts per GiB")

    def cost(self, test: ktap.Ktap) -> None:
        with_it, idle_with, without, idle_without = (
            self.once(size, 9, reporting) for reporting in (True, False) for size in (1024, 0))
        gib = with_it.counters(test)["reported"] * BLOCK / GIB
        value = (with_it.executed - idle_with.executed - without.executed
                 + idle_without.executed) / gib
        self.note("cost", instructions_per_gib=round(value))
        # Less than one per block is no measurement.
        test.check(GIB // BLOCK < value <= COST_MAX,
                   f"{value:.0f} instructions per GiB, {COST_MAX} allowed")

    def loop(self, test: ktap.Ktap, order: int, rounds: int, pause: int) -> tuple[float, float]:
        """The loss, and the share of what was reported that was used again early."""
        # The loop, then a second of rest in which all is reported.
        commands = f"churn -j 512 {rounds} {order} {pause}; churn -j 0 1 0 1000; balloon -j"
        on = Run(self.kernel, commands, True)
        off = Run(self.kernel, commands, False)
        counted = on.counters(test)
        test.equal((off.kicks, off.discarded), (0, 0), "kicks and bytes without reporting")
        test.check(on.discarded >= 0.99 * GIB / 2, f"{on.discarded >> 20} MiB discarded after it")
        loss = on.cycles(test) / off.cycles(test) - 1
        early = counted["early"] * BLOCK / max(on.discarded, 1)
        self.note(f"{'pauses' if pause else 'churn'}_order_{order}",
                  instructions=off.cycles(test), loss=round(loss, 5),
                  mib_discarded=on.discarded >> 20, used_again=counted["taken_back"],
                  early_share=round(early, 4), looks=counted["looks"])
        return loss, early

    def churn(self, test: ktap.Ktap, order: int, rounds: int) -> None:
        loss, early = self.loop(test, order, rounds, 0)
        test.check(loss <= LOSS_MAX, f"{100 * loss:.2f} % of the instructions lost")
        test.check(early <= EARLY_MAX, f"{100 * early:.2f} % of the bytes used again early")

    def pauses(self, test: ktap.Ktap, order: int, rounds: int) -> None:
        self.loop(test, order, rounds, PAUSE_MS)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/x86_64-release-gcc",
                        help="folder to boot from")
    parser.add_argument("--long", action="store_true", help="longer loops, and those with pauses")
    parser.add_argument("-j", "--json", action="store_true", help="figures as lines of JSON only")
    arguments = parser.parse_args()
    bench, churns = Bench(arguments.build / "quire.elf"), CHURNS[arguments.long]
    boot_cost.build_plugin()
    with contextlib.redirect_stdout(io.StringIO() if arguments.json else sys.stdout):
        test = ktap.Ktap(3 + len(churns) * (2 if arguments.long else 1))
        for order in LATENCY_ORDERS:
            test.run(f"reporting_bench.latency_order_{order}", bench.latency, order)
        test.run("reporting_bench.cost", bench.cost)
        for order, rounds in churns:
            test.run(f"reporting_bench.churn_order_{order}", bench.churn, order, rounds)
        for order, rounds in churns if arguments.long else ():
            test.run(f"reporting_bench.pauses_order_{order}", bench.pauses, order, rounds)
        status = test.finish()
    if arguments.json:
        for name, figures in bench.figures.items():
            print(json.dumps({"name": f"reporting.{name}", **figures}))
    return status


if __name__ == "__main__":
    sys.exit(main())
