#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest whose memory is nearly all in the host's balloon needs some of it: with a real QEMU.

With deflate-on-oom=on, malloc() in the guest gets what it asks for: `query-balloon` moves by as
much, the balloon does not take it back until the host moves its target, and then it does. Without
the feature malloc() fails cleanly and the balloon keeps every page. Prints KTAP. Exit status: 0
passed, 1 failed.
"""
import argparse
import re
import sys
import time

import guest
import ktap

FULL, LEAST = 1 << 30, 80 << 20
PAGE = 4096
BATCH = 256  # pages a request that would fail gets back at most
NEEDED = 192 << 20
# Size of a piece in KiB; bytes in all; pages an object may cost at most, as a share of its size:
# objects of 1 KiB lie in slabs of 2 KiB, between red zones in a debug build.
PIECES = ((60, NEEDED, 1.1), (1, NEEDED // 3, 5))
PATIENCE = 60
SETTLE = 1.0  # five times what a balloon waits that is only short of memory
BALLOON = {"x86_64": "virtio-balloon-pci", "s390x": "virtio-balloon-ccw"}
EATEN = re.compile(r"malloc: (\d+) of (\d+) pieces of (\d+) bytes, (\d+) wrong")


def actual(machine: guest.Guest) -> int:
    return machine.qmp.execute("query-balloon")["actual"]


def wait_until(condition) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def device(machine: guest.Guest) -> dict:
    return machine.report("balloon")["devices"][0]


def is_full(found: dict) -> bool:
    """Of one moment: it was idle before it heard of the target, too."""
    return found["state"] == "idle" and found["actual"] == found["size"] > 0


def check_actual(machine: guest.Guest, test: ktap.Ktap, pages: int, what: str) -> None:
    """So many are lent. The device's thread tells the host, after who was in need went on."""
    wait_until(lambda: actual(machine) == FULL - pages * PAGE)
    test.equal(actual(machine), FULL - pages * PAGE, what)


def fill(machine: guest.Guest, test: ktap.Ktap) -> dict:
    """The host asks for all but a little; the guest gives what it can."""
    machine.qmp.execute("balloon", value=LEAST)
    test.check(wait_until(lambda: is_full(device(machine))), "the balloon is full")
    lent = device(machine)
    test.check(lent["size"] * PAGE > FULL * 9 // 10, f"{lent['size']} pages lent")
    check_actual(machine, test, lent["size"], "query-balloon")
    return lent


def eat(machine: guest.Guest, size: int, kib: int) -> tuple[int, int, int]:
    """malloc() in the guest: bytes got, bytes asked, pieces with wrong contents."""
    output = machine.command(f"malloc {size >> 20} {kib}", PATIENCE * 4)
    match = EATEN.search(output)
    if not match:
        raise guest.GuestError(f"malloc printed {output[-600:]}")
    got, asked, piece, wrong = map(int, match.groups())
    return got * piece, asked * piece, wrong


def satisfied(machine: guest.Guest, test: ktap.Ktap, kib: int, needed: int, cost: float) -> None:
    before = machine.report("mem")
    lent = fill(machine, test)
    memory = machine.report("mem")
    test.equal(memory["managed_pages"], before["managed_pages"], "pages the guest counts")
    got, asked, wrong = eat(machine, needed, kib)
    test.equal(got, asked, "bytes that malloc() gave")
    test.equal(wrong, 0, "pieces with wrong contents")
    left = device(machine)
    given = left["given_in_need"]
    test.equal(lent["size"] - left["size"], given, "pages given in need")
    test.equal(given % BATCH, 0, "pages given beyond whole batches")
    missing = needed // PAGE - memory["free_pages"]
    test.check(missing <= given <= needed // PAGE * cost, f"{given} pages, {missing} missing")
    check_actual(machine, test, left["size"], "query-balloon")
    inflated = machine.report("balloon")["inflate"]
    time.sleep(SETTLE)
    test.equal(machine.report("balloon")["inflate"], inflated, "pages inflated again")
    test.equal(device(machine)["state"], "gave way", "balloon state")
    check_actual(machine, test, left["size"], "query-balloon later")
    print(f"# report: {got >> 20} MiB by malloc() in pieces of {kib} KiB with "
          f"{memory['free_pages'] * PAGE >> 20} MiB free: {given} pages back from the host")
    machine.qmp.execute("balloon", value=FULL // 2)
    test.check(wait_until(lambda: actual(machine) == FULL // 2), "a new target is followed")
    machine.qmp.execute("balloon", value=FULL)
    test.check(wait_until(lambda: actual(machine) == FULL), "all memory comes back")
    after = machine.report("mem")
    for name in ("managed_pages", "bad_page_reports", "withheld_pages"):
        test.equal(after[name], before[name], name)


def refused(machine: guest.Guest, test: ktap.Ktap) -> None:
    lent = fill(machine, test)
    memory = machine.report("mem")
    got, asked, wrong = eat(machine, NEEDED, 60)
    test.check(0 < got < asked, f"malloc() gave {got} bytes of {asked}")
    test.check(got <= memory["free_pages"] * PAGE, "malloc() gave what was free at most")
    test.equal(wrong, 0, "pieces with wrong contents")
    for name in ("size", "actual", "held", "target"):
        test.equal(device(machine)[name], lent[name], f"balloon {name}")
    test.equal(device(machine)["given_in_need"], 0, "pages given in need")
    test.equal(machine.report("balloon")["deflate"], 0, "pages deflated")
    check_actual(machine, test, lent["size"], "query-balloon")
    machine.qmp.execute("balloon", value=FULL)
    test.check(wait_until(lambda: actual(machine) == FULL), "all memory comes back")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    guest.add_arguments(parser)
    arguments = parser.parse_args()
    test = ktap.Ktap(3)
    words = guest.boot_words(arguments)
    give_way = ("-global", f"{BALLOON[arguments.arch]}.deflate-on-oom=on")
    try:
        for row in PIECES:
            with guest.Guest(*words, options=give_way) as vm:
                vm.wait_shell()
                test.run(f"oom_host.V_T7_malloc_of_{row[0]}_KiB_is_satisfied_by_the_balloon",
                         lambda test, vm=vm, row=row: satisfied(vm, test, *row))
        with guest.Guest(*words) as vm:
            vm.wait_shell()
            test.run("oom_host.V_T8_without_the_feature_nothing_is_taken",
                     lambda test, vm=vm: refused(vm, test))
    except guest.GuestError as error:
        print(f"# {error}")
        return 1
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
