#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random load on the memory of a guest, while its host moves the balloon at random.

In rounds the guest's `load` takes, cuts, moves and gives back memory on all CPUs, every page
stamped; meanwhile the host asks for any size, for all there is and more, for nothing, changes its
mind every millisecond, switches statistics on and off, and stops the machine. Free page reporting
and deflate-on-oom are on. Between two rounds everybody is at rest and every counter is compared:
stamps, the load's ledger by order, mm_check_all(), `balloon -j`, `mem -j`, query-balloon, QEMU's
trace of the pages it was told of, and its resident memory, which must have neither lent nor
reported pages. At the end everything is given back. The seed is printed; the order in which CPUs
meet is not in it.

Prints KTAP. Exit status: 0 passed, 1 failed.
"""
import argparse
import os
import random
import re
import sys
import tempfile
import threading
import time

import guest
import ktap

FULL = 1 << 30
PAGE = 4096
BLOCK_PAGES = 512
SPARE = 20_000  # pages above a target that can be reached: reserve and watermarks
PATIENCE = 240
DEVICE = "/machine/peripheral/balloon0"
TOLD = re.compile(rb"virtio_balloon_handle_output section name: \S+ gpa: 0x([0-9a-f]+)")
OPTIONS = ("-global", "virtio-balloon-device.free-page-reporting=on",
           "-global", "virtio-balloon-device.deflate-on-oom=on",
           "-trace", "virtio_balloon_handle_output")  # fmt: skip


class Books:
    """What QEMU was told, read from its trace as it comes. The trace does not say on which queue:
    a page's turns alternate."""

    def __init__(self, scratch: str):
        self.path = os.path.join(scratch, "trace")
        os.mkfifo(self.path)
        # Open for writing too: the end of QEMU is no end of file, and opening waits for nobody.
        self._descriptor = os.open(self.path, os.O_RDWR)
        self.held = bytearray(FULL // PAGE)
        self.told = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while True:
            text = rest + os.read(self._descriptor, 1 << 16)
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            for address in TOLD.findall(text[:end]):
                self.held[int(address, 16) // PAGE] ^= 1
                self.told += 1

    def wait(self, told: int) -> None:
        """Until that many are read, or no more come."""
        deadline = time.monotonic() + 10
        while self.told < told and time.monotonic() < deadline:
            time.sleep(0.05)


class Host:
    """The host's side of a round: actions at random, counted."""

    def __init__(self, machine: guest.Guest, seed: int):
        self.qmp = machine.qmp
        self.random = random.Random(seed)
        self.done: dict[str, int] = {}
        self.wanted = FULL

    def ask(self, size: int) -> None:
        self.qmp.execute("balloon", value=size)
        self.wanted = size

    def any_size(self) -> None:
        self.ask(self.random.randrange(FULL // PAGE) * PAGE + PAGE)

    def all_and_more(self) -> None:
        self.ask(PAGE)

    def nothing(self) -> None:
        self.ask(FULL)

    def oscillate(self) -> None:
        low = self.random.randrange(FULL // PAGE // 2) + 1
        for _ in range(self.random.randrange(10, 60)):
            self.ask(low * PAGE)
            time.sleep(0.001)
            self.ask(2 * low * PAGE)
            time.sleep(0.001)

    def pause(self) -> None:
        self.qmp.execute("stop")
        time.sleep(self.random.random() / 20)
        self.qmp.execute("cont")

    def statistics(self) -> None:
        self.qmp.execute("qom-set", path=DEVICE, property="guest-stats-polling-interval",
                         value=self.random.randrange(3))
        self.qmp.execute("qom-get", path=DEVICE, property="guest-stats")

    def query(self) -> None:
        self.qmp.execute("query-balloon")

    ACTIONS = (any_size, any_size, all_and_more, nothing, oscillate, pause, statistics, query)

    def act(self) -> None:
        action = self.random.choice(self.ACTIONS)
        action(self)
        self.done[action.__name__] = self.done.get(action.__name__, 0) + 1


class Run:
    """What is compared at rest: nothing that belongs to anybody may change but by its account."""

    def __init__(self, machine: guest.Guest, books: Books, seed: int, seconds: int):
        self.machine, self.books, self.seed, self.seconds = machine, books, seed, seconds
        self.host = Host(machine, seed)
        self.load = machine.report("load end", PATIENCE)
        self.before = machine.report("mem")
        self.adjusts = "DEFLATE_ON_OOM" not in str(machine.qmp.execute(
            "x-query-virtio-status", path=f"{DEVICE}/virtio-backend")["guest-features"])
        self.rounds = 0

    def play(self, test: ktap.Ktap) -> None:
        """One round: both sides at once, then rest, then the comparison."""
        self.rounds += 1
        line = f"load -j seed={self.seed + self.rounds} seconds={self.seconds}"
        self.machine.begin(line)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.host.act()
            time.sleep(self.host.random.random() ** 3 / 2)
        self.load = self.machine.end_report(line, self.seconds * 20 + PATIENCE)
        if self.load["wrong"]:
            print("".join(f"# {text}\n" for text in self.machine.output.splitlines()
                          if "load:" in text), end="")
        self.rest(test)
        self.check(test)

    def actual(self) -> int:
        return self.machine.qmp.execute("query-balloon")["actual"]

    def rest(self, test: ktap.Ktap) -> None:
        """The host stops where the balloon can get, or, one time in four, wherever it is."""
        if self.host.random.randrange(4):
            self.host.ask(FULL - PAGE * self.host.random.randrange(max(self.lendable(), 1)))
            self.wait_actual(test, self.host.wanted)

    def lendable(self) -> int:
        """Pages that the balloon can have in all. From what stands still while the load rests: the
        balloon may still be on its way, so its size and what is free are of different moments."""
        before, now = self.before, self.machine.report("mem")
        return (before["free_pages"] + guest.slab_pages(before) - guest.slab_pages(now)
                - self.load["held_pages"] - self.load["own_pages"] - SPARE)

    def wait_still(self, deadline: float) -> tuple:
        """Until nothing moves any more: a balloon short of memory, reporting. Where it rests."""
        seen, since = None, time.monotonic()
        while time.monotonic() - since < 0.5 and time.monotonic() < deadline:
            now = self.still()
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.1)
        return seen

    def reports_at_rest(self, test: ktap.Ktap) -> dict:
        """Both sides' view of one moment. Looking takes memory, too, and where it is short the
        balloon gives some back: then it was no moment of rest, and is taken again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = self.wait_still(deadline)
            reports = {line: self.machine.report(line, PATIENCE)
                       for line in ("load", "balloon", "mem")}
            reports["actual"], reports["resident"] = self.actual(), self.machine.resident()
            if self.still() == seen or time.monotonic() > deadline:
                test.check(time.monotonic() <= deadline, "somebody does not come to rest")
                return reports

    def still(self) -> tuple:
        balloon = self.machine.report("balloon")
        reporting = balloon["reporting"]
        return (self.actual(), balloon["inflate"], balloon["deflate"], balloon["migrate"],
                reporting["reported"], reporting["batches"])

    def wait_actual(self, test: ktap.Ktap, size: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.actual() != size and time.monotonic() < deadline:
            time.sleep(0.05)
        if not test.equal(self.actual(), size, "query-balloon"):
            print(f"# {self.machine.report('balloon')['devices']}, free "
                  f"{self.machine.report('mem')['free_pages']}, held {self.load['held_pages']}")

    def check(self, test: ktap.Ktap) -> None:
        reports = self.reports_at_rest(test)
        load, balloon, resident = reports["load"], reports["balloon"], reports["resident"]
        device = balloon["devices"][0]
        lent = (FULL - reports["actual"]) // PAGE
        self.check_load(test, load)
        for name in ("size", "actual", "held"):
            test.equal(device[name], lent, f"balloon {name}")
        test.equal(device["wanted"], (FULL - self.host.wanted) // PAGE, "pages wanted")
        for name in ("isolated", "resets"):
            test.equal(device[name], 0, f"balloon {name}")
        test.equal(balloon["inflate"] - balloon["deflate"], lent, "inflated less deflated")
        test.equal(sum(balloon["nodes"]), lent, "pages lent by all nodes")
        self.check_memory(test, reports["mem"], load, lent)
        self.check_told(test, balloon, lent)
        reported = balloon["reporting"]["reported"] - balloon["reporting"]["taken_back"]
        most = FULL - PAGE * (lent + reported * BLOCK_PAGES)
        test.check(resident <= most, f"resident {resident}: of {FULL} bytes {lent} pages are "
                   f"lent, {reported} blocks reported")

    def check_load(self, test: ktap.Ktap, load: dict) -> None:
        test.equal(load["wrong"], 0, "wrong stamps or records")
        test.equal(load["uneven_order"], -1, "order whose ledger is uneven")
        test.equal(load["problem"], None, "mm_check_all()")
        for name in ("got", "made", "cut", "put", "held_pages", "operations"):
            test.equal(load[name], self.load[name], f"load's {name} at rest")

    def check_memory(self, test: ktap.Ktap, memory: dict, load: dict, lent: int) -> None:
        def taken(report: dict) -> int:
            return sum(cpu["pages_got"] - cpu["pages_put"] for cpu in report["cpus"])

        before = self.before
        for name in ("reserved_pages", "withheld_pages", "bad_page_reports"):
            test.equal(memory[name], before[name], name)
        test.equal(memory["managed_pages"], before["managed_pages"] - lent * self.adjusts,
                   "managed_pages")
        held = lent + load["held_pages"] + load["own_pages"]
        test.equal(memory["free_pages"] + guest.slab_pages(memory) + held,
                   before["free_pages"] + guest.slab_pages(before),
                   "pages free, in slabs, held, and lent")
        test.equal(taken(memory) - taken(before), before["free_pages"] - memory["free_pages"],
                   "pages got less pages put")

    def check_told(self, test: ktap.Ktap, balloon: dict, lent: int) -> None:
        told = balloon["inflate"] + balloon["deflate"] + 2 * balloon["migrate"]
        self.books.wait(told)
        test.equal(self.books.told, told, "pages that QEMU was told of")
        test.equal(sum(self.books.held), lent, "pages that QEMU holds")

    def finish(self, test: ktap.Ktap) -> dict:
        """Everything is given back, and all is as it was; what the load did in all."""
        self.host.nothing()
        self.wait_actual(test, FULL)
        end = self.machine.report("load end", PATIENCE)
        test.equal(end["held_pages"] + end["held_objects"], 0, "pages and objects held")
        test.equal(end["wrong"], 0, "wrong stamps or records")
        test.equal(end["uneven_order"], -1, "order whose ledger is uneven")
        for name, got, made, cut, put in zip(range(len(end["got"])), end["got"], end["made"],
                                             end["cut"], end["put"]):
            test.equal(put, got + made - cut, f"blocks of order {name} put")
        self.load = self.machine.report("load", PATIENCE)
        self.check(test)
        for now, then in zip(self.machine.report("mem")["slab"], self.before["slab"]):
            test.equal(now["in_use"], then["in_use"], f"objects of {now['name']}")
        return end

    def totals(self, load: dict) -> str:
        balloon = self.machine.report("balloon")
        kinds = ", ".join(f"{name} {count}" for name, count in load["done"].items())
        host = ", ".join(f"{name} {count}" for name, count in sorted(self.host.done.items()))
        told = balloon["reporting"]
        return (f"seed {self.seed}, {self.rounds} rounds, {load['operations']} operations: "
                f"{kinds}; refused {sum(load['refused'].values())}; host: {host}; pages "
                f"inflated {balloon['inflate']}, deflated {balloon['deflate']}, of those in need "
                f"{balloon['devices'][0]['given_in_need']}, migrated {balloon['migrate']}; blocks "
                f"reported {told['reported']}, used again {told['taken_back']}")


def watch_map(test: ktap.Ktap, vm: guest.Guest) -> None:
    """`mem -m -w` draws until a key comes, and the shell goes on."""
    picture = r"MiB: \d+ free(.*\n){4}"
    for line in ("mem -m -w", "mem -m -w -p"):
        vm.type(line)
        for _ in range(3):
            test.check("a character is" in vm.wait_for(picture, PATIENCE), "a picture")
        vm.type("")
        vm.wait_for(r"(?m)^quire> ", PATIENCE)
    cells = "".join(row["cells"] for row in vm.report("mem -m")["rows"])
    test.equal(set(cells) - set(" .-r123456789#bBlL"), set(), "cells without a meaning")


def play_all(test: ktap.Ktap, vm: guest.Guest, books: Books, arguments) -> None:
    run = Run(vm, books, arguments.seed, arguments.round)
    start = told = time.monotonic()
    while time.monotonic() - start < arguments.seconds and not test.reasons:
        run.play(test)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"# {told - start:.0f} s, {run.rounds} rounds, "
                  f"{run.load['operations']} operations", flush=True)
    done = run.load if test.reasons else run.finish(test)
    test.check(done["operations"] >= arguments.least, f"{done['operations']} operations")
    print(f"# report: load: {run.totals(done)}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    parser.add_argument("--seconds", type=int, default=120, help="of all rounds, wall")
    parser.add_argument("--round", type=int, default=10, help="seconds of one")
    parser.add_argument("--least", type=int, default=0, help="operations of the guest")
    guest.add_arguments(parser)
    arguments = parser.parse_args()
    arguments.seed = arguments.seed or random.SystemRandom().randrange(1, 1 << 32)
    test = ktap.Ktap(2)
    print(f"# seed {arguments.seed}", flush=True)
    # What the host does is logged, and must not come between the characters that are typed.
    words = [*guest.boot_words(arguments), "--cmdline", "loglevel=error"]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            books = Books(scratch)
            with guest.Guest(*words, options=(*OPTIONS, "-D", books.path)) as vm:
                vm.wait_shell()
                test.run("load_host.counters_and_stamps_hold",
                         lambda test: play_all(test, vm, books, arguments))
                test.run("load_host.map_is_watched_until_a_key_comes",
                         lambda test: watch_map(test, vm))
    except guest.GuestError as error:
        print(f"# {error}")
        return 1
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
