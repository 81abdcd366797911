#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Free memory that a balloon of single pages fragmented becomes contiguous: with a real QEMU.

The guest holds half of its memory in single pages at random places, the host asks for nearly all
of the rest, which the balloon can only give in single pages, and the guest lets go. Then it asks
for more 2 MiB folios than there are whole free blocks. Checked: it gets all of them by moving
ballooned pages; the guest's counters are exact; QEMU's own trace of what it was told, replayed,
has no page inflated twice or deflated without being inflated, and ends with as many as the guest
says. Prints KTAP. Exit status: 0 passed, 1 failed.
"""
import argparse
import os
import re
import sys
import tempfile
import time

import guest
import ktap

FULL, SMALL = 1 << 30, 560 << 20
PAGE = 4096
SHARE = 50
FOLIOS = 100
PATIENCE = 120
TOLD = re.compile(r"virtio_balloon_handle_output section name: \S+ gpa: (0x[0-9a-f]+)")


def ask(machine: guest.Guest, test: ktap.Ktap, size: int) -> None:
    """Set the balloon's target and wait until query-balloon has it."""
    machine.qmp.execute("balloon", value=size)
    deadline = time.monotonic() + PATIENCE
    while machine.qmp.execute("query-balloon")["actual"] != size and time.monotonic() < deadline:
        time.sleep(0.05)
    test.equal(machine.qmp.execute("query-balloon")["actual"], size, "query-balloon")


def check_told(path: str, test: ktap.Ktap, lent: int, balloon: dict) -> None:
    """What QEMU was told; it does not say on which queue, so a page's turns alternate."""
    turns: dict[str, int] = {}
    with open(path, encoding="utf-8") as log:
        for match in TOLD.finditer(log.read()):
            turns[match[1]] = turns.get(match[1], 0) + 1
    test.equal(sum(count % 2 for count in turns.values()), lent, "pages that QEMU holds")
    test.equal(sum(turns.values()), balloon["inflate"] + balloon["deflate"]
               + 2 * balloon["migrate"], "pages that QEMU was told of")


def check_counters(machine: guest.Guest, test: ktap.Ktap, lent: int, before: dict) -> dict:
    balloon, memory = machine.balloon_at(lent, PATIENCE), machine.report("mem")
    for name in ("size", "actual", "held"):
        test.equal(balloon["devices"][0][name], lent, f"balloon {name}")
    test.equal(balloon["inflate"] - balloon["deflate"], lent, "inflated less deflated")
    test.equal(sum(balloon["nodes"]), lent, "pages lent by all nodes")
    test.equal(balloon["devices"][0]["resets"], 0, "balloon resets")
    test.equal(memory["managed_pages"], before["managed_pages"] - lent, "managed pages")
    return balloon


def run(machine: guest.Guest, test: ktap.Ktap, trace: str) -> None:
    lent = (FULL - SMALL) // PAGE
    before = machine.report("mem")
    machine.command(f"fragment {SHARE}", PATIENCE)
    ask(machine, test, SMALL)
    machine.command("fragment 0", PATIENCE)
    check_counters(machine, test, lent, before)
    start = time.monotonic()
    result = machine.report(f"compact 9 {FOLIOS}", PATIENCE)
    took = time.monotonic() - start
    test.equal(result["taken"], FOLIOS, "folios of 2 MiB taken")
    test.check(result["blocks_made"] > 0, f"{result['blocks_made']} blocks made by moving")
    test.equal(result["isolated"], result["moved"] + result["put_back"], "isolations ended")
    balloon = check_counters(machine, test, lent, before)
    check_told(trace, test, lent, balloon)
    test.equal(balloon["migrate"], result["moved"], "pages migrated")
    print(f"# report: {result['moved']} pages moved for {result['blocks_made']} blocks, "
          f"{result['given_up']} given up, in {took:.1f} s")
    ask(machine, test, FULL)
    check_counters(machine, test, 0, before)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    guest.add_arguments(parser)
    arguments = parser.parse_args()
    test = ktap.Ktap(1)
    words = guest.boot_words(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            trace = os.path.join(scratch, "trace")
            options = ("-D", trace, "-trace", "virtio_balloon_handle_output")
            with guest.Guest(*words, options=options) as vm:
                vm.wait_shell()
                test.run("compaction_host.folios_by_moving_ballooned_pages",
                         lambda test: run(vm, test, trace))
    except guest.GuestError as error:
        print(f"# {error}")
        return 1
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
