#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Free page hinting of the balloon in live migrations of a real QEMU, to a file and from there.

Two guests use and free all their memory; one has `free-page-hint=on`. Both are migrated at rest:
with hints at most 15 % of the bytes go out. Then, with hints:

  pressure    while a slow migration runs, 2 MiB folios are asked for that only hinted blocks can
              give; the migration is cancelled, and every block is free again
  under load  the guest is migrated to a file while `load` takes, cuts and frees stamped memory on
              all CPUs; the source goes on, and a second QEMU goes on from the file: in both all
              stamps are right and nothing is wrong with memory

Prints KTAP and, as reports, what was sent. Exit status: 0 passed, 1 failed.
"""
import argparse
import re
import sys
import time

import guest
import ktap
from ports import PORTS

MEMORY = 1 << 30
PAGE = 4096
SHARE_SENT = 0.15  # of what goes out without hints: the reserve, the kernel, what is in use
FOLIOS = 64  # of 2 MiB, more than the reserve that hinting leaves
ANSWERED = 0.9  # of all memory, at rest
# Bytes per second. SLOW goes on for minutes, if what is left need not be small enough for a pause.
FAST, SLOW = 1 << 40, 64 << 10
PAUSE_LONG, PAUSE_SHORT = 20_000, 1  # milliseconds that the machine may stand at the end
PATIENCE = 120
LOAD = "load seed=6 seconds=10"
# The balloon's queue of hints, the fourth when the device has no other feature with a queue.
HINT_QUEUE = {"path": "/machine/peripheral/balloon0/virtio-backend", "queue": 3}
HINTS = ("-object", "iothread,id=hints0", "-global", "virtio-balloon-device.free-page-hint=on",
         "-global", "virtio-balloon-device.iothread=hints0")  # fmt: skip


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise guest.GuestError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)


def set_speed(machine: guest.Guest, speed: int, pause: int) -> None:
    machine.qmp.execute("migrate-set-parameters", max_bandwidth=speed, downtime_limit=pause)


def start_slowly(machine: guest.Guest, target: str) -> None:
    set_speed(machine, SLOW, PAUSE_SHORT)
    machine.qmp.execute("migrate", uri=target)


def migrate(machine: guest.Guest, target: str, answered=lambda: True) -> dict:
    """Migrate to the end, slowly until the guest has answered: a fast migration leaves it a tenth
    of a second. What QEMU says of the memory. The machine stands still then."""
    start_slowly(machine, target)
    wait_until(answered, "the guest answers")
    set_speed(machine, FAST, PAUSE_LONG)
    ends = ("completed", "failed", "cancelled")
    wait_until(lambda: machine.qmp.execute("query-migrate")["status"] in ends, "a migration ends")
    state = machine.qmp.execute("query-migrate")
    if state["status"] != "completed":
        raise guest.GuestError(f"the migration {state['status']}: {state.get('error-desc')}")
    return state["ram"]


def hinting(machine: guest.Guest) -> dict:
    return machine.report("balloon")["devices"][0]["hinting"]


def check_all_back(machine: guest.Guest, test: ktap.Ktap, managed: int) -> dict:
    """No block is held, none is lost: all memory can be used."""
    wait_until(lambda: hinting(machine)["held"] == 0, "hinted blocks come back")
    touched = machine.report("mem -t", PATIENCE)
    test.equal(touched["wrong_pages"], 0, "pages with a wrong stamp")
    test.check(touched["touched_bytes"] >= 0.97 * managed * PAGE,
               f"{touched['touched_bytes']} bytes could be used of {managed * PAGE}")
    test.equal(machine.report("mem")["managed_pages"], managed, "managed pages")
    return hinting(machine)


def at_rest(test: ktap.Ktap, machine: guest.Guest, words: list[str]) -> None:
    with guest.Guest(*words) as other:
        other.wait_shell()
        other.report("mem -t", PATIENCE)
        plain = migrate(other, "exec:cat > /dev/null")
    managed = machine.report("mem")["managed_pages"]
    machine.report("mem -t", PATIENCE)
    ram = migrate(machine, "exec:cat > /dev/null",
                  lambda: hinting(machine)["held"] * PAGE >= ANSWERED * MEMORY)
    machine.qmp.execute("cont")
    hints = check_all_back(machine, test, managed)
    test.check(hints["runs"] >= 1, "the guest never answered")
    test.equal(hints["returned"], 0, "pages taken back for want of memory")
    saved = plain["normal"] - ram["normal"]
    test.check(hints["hinted"] >= saved, f"{hints['hinted']} pages hinted, {saved} not sent")
    share = ram["transferred"] / plain["transferred"]
    test.check(share <= SHARE_SENT, f"{100 * share:.1f} % of the bytes went out")
    print(f"# report: migration at rest sent {plain['transferred']} bytes ({plain['normal']} pages) "
          f"without hints, {ram['transferred']} ({ram['normal']}) with, {100 * share:.1f} %")


def pressure(test: ktap.Ktap, machine: guest.Guest) -> None:
    before, managed = hinting(machine), machine.report("mem")["managed_pages"]
    start_slowly(machine, "exec:cat > /dev/null")
    wait_until(lambda: hinting(machine)["held"] * PAGE > MEMORY // 2, "half of memory is hinted")
    result = machine.report(f"compact 9 {FOLIOS}", PATIENCE)
    after = hinting(machine)
    test.equal(result["taken"], FOLIOS, "folios of 2 MiB taken")
    test.check(after["returned"] > before["returned"], "no hinted block was taken back")
    test.check(after["held"] > 0, "more was taken back than was asked for")
    status = machine.qmp.execute("query-migrate")["status"]
    test.equal(status, "active", "the migration meanwhile")
    machine.qmp.execute("migrate_cancel")
    check_all_back(machine, test, managed)
    print(f"# report: {after['returned'] - before['returned']} pages taken back in whole blocks for "
          f"{FOLIOS} folios, {after['held']} stayed hinted")


def check_load(machine: guest.Guest, test: ktap.Ktap) -> None:
    """What the load counted and holds, and once more with all given back."""
    for line in ("load", "load end"):
        result = machine.report(line, PATIENCE)
        test.equal(result["wrong"], 0, "wrong stamps")
        test.equal(result["uneven_order"], -1, "order whose ledger is uneven")
        test.equal(result["problem"], None, "mm_check_all()")
        test.check(result["operations"] > 0, "the load did nothing")


def at_prompt(machine: guest.Guest, patience: float) -> bool:
    """Does the line that was typed end within that time?"""
    try:
        machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", patience)
        return True
    except guest.GuestError:
        return False


def hints_used(machine: guest.Guest) -> int:
    """How far QEMU has come in the queue of hints: the shell is busy."""
    return machine.qmp.execute("x-query-virtio-queue-status", **HINT_QUEUE)["used-idx"]


def under_load(test: ktap.Ktap, machine: guest.Guest, words: list[str], path: str) -> None:
    managed, before = machine.report("mem")["managed_pages"], hinting(machine)
    machine.type(f"{LOAD} -j")
    time.sleep(1)
    used = hints_used(machine)
    ram = migrate(machine, f"exec:cat > {path}", lambda: hints_used(machine) != used)
    # It stands still: a load that ended by now says nothing in the second machine.
    ended = at_prompt(machine, 1)
    machine.qmp.execute("cont")
    test.check(ended or at_prompt(machine, PATIENCE), "the load does not end in the source")
    check_load(machine, test)
    after = check_all_back(machine, test, managed)
    test.check(after["runs"] > before["runs"], "the guest did not answer")
    print(f"# report: migration under load sent {ram['transferred']} bytes ({ram['normal']} pages), "
          f"{after['hinted'] - before['hinted']} pages hinted in "
          f"{after['runs'] - before['runs']} runs")
    with guest.Guest(*words, options=(*HINTS, "-incoming", f"exec:cat {path}")) as second:
        wait_until(lambda: second.qmp.execute("query-status")["running"], "the file is loaded")
        test.check(ended or at_prompt(second, PATIENCE), "the load does not end in the second")
        check_load(second, test)
        check_all_back(second, test, managed)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")
    arguments = parser.parse_args()
    test = ktap.Ktap(3)
    words = ["--direct", "--arch", arguments.arch, "--memory", "1G", "--cpus", "4"]
    words += ["--build", arguments.build] if arguments.build else []
    try:
        with guest.Guest(*words, options=HINTS) as machine:
            machine.wait_shell()
            path = str(machine.scratch / "migration")
            test.run("hinting_host.free_memory_is_not_sent", at_rest, machine, words)
            test.run("hinting_host.V_T13_pressure_takes_hinted_blocks_back", pressure, machine)
            test.run("hinting_host.stamps_are_right_in_source_and_destination", under_load,
                     machine, words, path)
    except guest.GuestError as error:
        print(f"# {error}")
        return 1
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
