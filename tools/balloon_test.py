#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drive the balloon of a real QEMU process: does the host get its memory back, and all of it?

Each cycle: the guest touches and frees all its memory (`mem -t`, every page stamped and read
back), the host asks by QMP for 256 MiB, the guest touches what it has left, the host gives back
1 GiB, the guest touches all again. Checked: the size is reached, QEMU's resident memory falls by
at least 90 % of what was asked, and every counter of the guest and of query-balloon is exact.
Then the device is removed and probed again with pages lent, and gets them all again. The
statistics that QEMU asks the guest for (guest-stats) are compared with the guest's own
figures, before, while and after pages are lent.
Then, with free page reporting: what the guest touched and freed goes back by itself.

Boots quire.img of --build by firmware, or the ELF with --direct. Prints KTAP for tools/verdict.py
and, with each cycle, what was measured. Exit status: 0 passed, 1 failed.
"""
import argparse
import sys
import time

import guest
import ktap

FULL, SMALL = 1 << 30, 256 << 20
PAGE = 4096
ASKED = FULL - SMALL
SHARE_BACK = 0.90
KEPT_BACK = 12 << 20  # what `mem -t` leaves for others while it runs
PATIENCE = 60
BALLOON = "/machine/peripheral/balloon0"
STATS_NONE = ("swap-in", "swap-out", "major-faults", "minor-faults", "disk-caches")
STATS_DRIFT = 1 << 20  # what the shell takes and frees between two looks
REPORTING = ("-global", "virtio-balloon-device.free-page-reporting=on")


class Cycle:
    """What every cycle compares with, taken before the first."""

    def __init__(self, machine: guest.Guest):
        self.machine = machine
        self.memory = machine.report("mem")
        self.generation = 0

    def touch(self, test: ktap.Ktap, managed: int) -> int:
        """The guest touches and checks what it has; resident bytes afterwards."""
        result = self.machine.report("mem -t", PATIENCE * 4)
        self.generation += 1
        test.equal(result["wrong_pages"], 0, "pages with a wrong stamp")
        test.equal(result["generation"], self.generation, "generation of the stamps")
        touched = result["touched_bytes"]
        test.check(
            managed * PAGE - KEPT_BACK <= touched <= managed * PAGE,
            f"{touched} bytes touched of {managed * PAGE}",
        )
        return self.machine.resident()

    def ask(self, test: ktap.Ktap, size: int) -> float:
        """Set the balloon's target; seconds until query-balloon has it."""
        start = time.monotonic()
        self.machine.qmp.execute("balloon", value=size)
        while True:
            actual = self.machine.qmp.execute("query-balloon")["actual"]
            passed = time.monotonic() - start
            if actual == size or passed > PATIENCE:
                test.equal(actual, size, "query-balloon")
                return passed
            time.sleep(0.01)

    def wait_resident(self, limit: int) -> int:
        """Resident bytes, as soon as they are at most the limit, else after some seconds."""
        deadline = time.monotonic() + 10
        while (resident := self.machine.resident()) > limit and time.monotonic() < deadline:
            time.sleep(0.05)
        return resident

    def check_counters(self, test: ktap.Ktap, lent: int) -> None:
        """Every counter of the guest, with `lent` pages at the host."""
        balloon, memory = self.machine.balloon_at(lent, PATIENCE), self.machine.report("mem")
        test.equal(len(balloon["devices"]), 1, "balloon devices")
        device = balloon["devices"][0]
        for name in ("wanted", "target", "size", "actual", "held"):
            test.equal(device[name], lent, f"balloon {name}")
        test.equal(device["state"], "idle", "balloon state")
        test.equal(device["resets"], 0, "balloon resets")
        test.equal(balloon["inflate"] - balloon["deflate"], lent, "inflated less deflated")
        test.equal(sum(balloon["nodes"]), lent, "pages lent by all nodes")
        test.equal(memory["managed_pages"], self.memory["managed_pages"] - lent, "managed_pages")
        # A guest that is short of memory gives back slabs that nobody uses.
        test.equal(memory["free_pages"] + guest.slab_pages(memory),
                   self.memory["free_pages"] + guest.slab_pages(self.memory) - lent,
                   "pages free or in slabs")
        for name in ("reserved_pages", "withheld_pages", "bad_page_reports"):
            test.equal(memory[name], self.memory[name], name)

    def run(self, test: ktap.Ktap) -> None:
        managed = self.memory["managed_pages"]
        full = self.touch(test, managed)
        inflating = self.ask(test, SMALL)
        small = self.wait_resident(full - ASKED)
        test.check(
            full - small >= SHARE_BACK * ASKED,
            f"resident {full >> 20} MiB fell to {small >> 20}, {ASKED >> 20} were asked for",
        )
        self.check_counters(test, ASKED // PAGE)
        self.touch(test, managed - ASKED // PAGE)
        deflating = self.ask(test, FULL)
        self.check_counters(test, 0)
        again = self.touch(test, managed)
        self.check_counters(test, 0)
        print(
            f"# report: resident {full >> 20} -> {small >> 20} -> {again >> 20} MiB, "
            f"{100 * (full - small) / ASKED:.1f} % of what was asked; inflated in "
            f"{inflating:.2f} s, deflated in {deflating:.2f} s"
        )


def reprobe(test: ktap.Ktap, cycle: Cycle) -> None:
    """As around a suspend: all pages come back before the device goes, and go again after."""
    machine, lent = cycle.machine, ASKED // PAGE
    # Once for the slabs of what a probe makes, which stay.
    test.check("probed again" in machine.command("reprobe"), "a first removal")
    cycle.ask(test, FULL)
    cycle.memory = machine.report("mem")
    cycle.ask(test, SMALL)
    for turn in range(1, 4):
        before = machine.report("balloon")
        test.check("probed again" in machine.command("reprobe"), f"turn {turn} of removal")
        cycle.ask(test, SMALL)
        after = machine.report("balloon")
        test.check(after["deflate"] - before["deflate"] >= lent, "pages back on removal")
        cycle.check_counters(test, lent)
    cycle.ask(test, FULL)
    cycle.check_counters(test, 0)
    test.equal(machine.report("mem -t", PATIENCE * 4)["wrong_pages"], 0, "wrong stamps")


def guest_stats(machine: guest.Guest) -> dict:
    """The statistics, asked for after this call began."""
    start = int(time.time())
    deadline = time.monotonic() + PATIENCE
    while True:
        found = machine.qmp.execute("qom-get", path=BALLOON, property="guest-stats")
        # Seconds: only the one after next is surely later.
        if found["last-update"] > start + 1 or time.monotonic() > deadline:
            return {name.removeprefix("stat-"): value for name, value in found["stats"].items()}
        time.sleep(0.2)


def compare_stats(test: ktap.Ktap, machine: guest.Guest, size: int) -> None:
    found, memory = guest_stats(machine), machine.report("mem")
    test.equal(found["total-memory"], memory["managed_pages"] * PAGE, f"total, size {size >> 20}")
    free = memory["free_pages"] * PAGE
    # What the guest keeps when the host asks for all.
    reserve = min(max((memory["managed_pages"] * PAGE + FULL - size) // 32, 4 << 20), 64 << 20)
    for name, own in (("free-memory", free), ("available-memory", free - reserve)):
        drift = abs(found[name] - own)
        test.check(drift <= STATS_DRIFT, f"{name} is {drift} bytes from the guest's")
    for name in STATS_NONE:
        test.equal(found[name], 0, name)
    for name in ("htlb-pgalloc", "htlb-pgfail"):
        test.check(found[name] < 1 << 32, f"{name} is {found[name]}")


def statistics(test: ktap.Ktap, cycle: Cycle) -> None:
    machine = cycle.machine
    machine.qmp.execute("qom-set", path=BALLOON, property="guest-stats-polling-interval", value=1)
    for size in (FULL, SMALL, FULL):
        cycle.ask(test, size)
        compare_stats(test, machine, size)
    machine.qmp.execute("qom-set", path=BALLOON, property="guest-stats-polling-interval", value=0)


def reporting(test: ktap.Ktap, words: list[str]) -> None:
    """Nobody asks, and 90 % of what was touched and freed is the host's again."""
    with guest.Guest(*words, options=REPORTING) as machine:
        machine.wait_shell()
        touched = machine.report("mem -t", PATIENCE * 4)["touched_bytes"]
        start = time.monotonic()
        while True:
            resident, passed = machine.resident(), time.monotonic() - start
            if resident <= (1 - SHARE_BACK) * touched or passed > PATIENCE:
                break
            time.sleep(0.05)
        # Blocks are the host's before the guest has counted them.
        while True:
            told = machine.report("balloon")["reporting"]
            back = told["reported"] * told["block_size"]
            if back >= SHARE_BACK * touched or time.monotonic() - start > 2 * PATIENCE:
                break
    test.check(touched >= SHARE_BACK * FULL, f"{touched >> 20} MiB touched")
    test.check(resident <= (1 - SHARE_BACK) * touched, f"{resident >> 20} MiB still resident")
    test.check(back >= SHARE_BACK * touched, f"{told['reported']} blocks reported")
    test.equal((told["refused"], told["lost"]), (0, 0), "blocks refused and lost")
    print(f"# report: {touched >> 20} MiB touched and freed, {resident >> 20} MiB resident after "
          f"{passed:.2f} s, {told['reported']} blocks in {told['batches']} reports")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=5)
    guest.add_arguments(parser)
    arguments = parser.parse_args()
    test = ktap.Ktap(arguments.cycles + 3)
    words = guest.boot_words(arguments)
    try:
        with guest.Guest(*words) as vm:
            vm.wait_shell()
            cycle = Cycle(vm)
            for number in range(1, arguments.cycles + 1):
                test.run(f"balloon_host.cycle_{number}", cycle.run)
            test.run("balloon_host.removal_and_probe_with_pages_lent", reprobe, cycle)
            test.run("balloon_host.V_T9_statistics_are_the_guests", statistics, cycle)
        test.run("balloon_host.freed_memory_goes_back_by_reporting", reporting, words)
    except guest.GuestError as error:
        print(f"# {error}")
        return 1
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
