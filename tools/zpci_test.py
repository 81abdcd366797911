#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCI functions of s390x, seen from outside: what QEMU was given and what the guest makes of it.

Boots tests/machines/s390x-zpci.conf: two virtio functions with UIDs of their own, one of them
behind a bridge that QEMU really builds and the guest must not see. Then a driver over zPCI, and a
machine that says it has no PCI. Prints KTAP for tools/verdict.py. Exit status: 0 all right, 1 not.
"""
import argparse
import pathlib
import re
import sys

import guest
import ktap

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORDS = ("--direct", "--arch", "s390x", "--memory", "256M", "--cpus", "1")
FUNCTIONS = ["0005:00:00.0", "0006:00:00.0"]
IDENTITY = ("1af4", "1000")
RNG = ("-device", "zpci,uid=9,fid=0x44,target=virtio2", "-device", "virtio-rng-pci,id=virtio2")
# A translated device: its memory accesses need tables that this kernel does not make.
TRANSLATED = ("-device", "zpci,uid=9,fid=0x44,target=virtio2", "-device",
              "virtio-rng-pci,id=virtio2,iommu_platform=on,disable-legacy=on")  # fmt: skip
LIMIT_S = 30


def boot(arguments, machine: str = "s390x-zpci", options: tuple[str, ...] = ()) -> guest.Guest:
    return guest.Guest(*WORDS, "--build", arguments.build, "--machine", machine, options=options)


def functions_are_listed(test: ktap.Ktap, arguments) -> None:
    with boot(arguments) as machine:
        machine.wait_shell()
        report = machine.report("lspci")
        theirs = machine.qmp.monitor("info pci")
        log = machine.command("log")
    test.equal([f["address"] for f in report["functions"]], FUNCTIONS, "addresses")
    for function in report["functions"]:
        found = (function["vendor"], function["device"])
        test.equal(found, IDENTITY, f"{function['address']}: ids")
    test.equal(report["defects"], 0, "defects")
    # The bridge is there, and a function behind it, or this proves nothing.
    test.check("PCI bridge" in theirs, "QEMU built no bridge")
    test.equal(len(re.findall("Ethernet controller", theirs)), 2, "network functions of QEMU")
    test.check("bridge" not in str(report["functions"]), "the guest sees a bridge")
    handles = re.findall(r"UID (0x[0-9a-f]+), handle (0x[0-9a-f]+)", log)
    test.equal([uid for uid, _ in handles], ["0x5", "0x6"], "UIDs")
    for uid, handle in handles:
        test.check(int(handle, 16) >> 31 == 1, f"UID {uid}: handle {handle} is not enabled")


def verdicts_end_as_specified(test: ktap.Ktap, arguments) -> None:
    with boot(arguments) as machine:
        machine.wait_shell()
        for address in FUNCTIONS:
            text = machine.command(f"atomics {address}")
            line = f"dev={address} r32=NO r64=NO r128=NO why=REQ_NOT_PCIE@{address}"
            test.check(line in text, f"{address}: {text[-300:]}")
            refused = machine.command(f"atomics --enable {address} --sizes 32,64")
            test.check("enabled: no" in refused, f"{address}: {refused[-300:]}")


def queue_of(machine: guest.Guest) -> dict:
    """State of the entropy source's queue as QEMU has it."""
    paths = [d["path"] for d in machine.qmp.execute("x-query-virtio") if "virtio2" in d["path"]]
    return machine.qmp.execute("x-query-virtio-queue-status", path=paths[0], queue=0)


def driver_works_over_instructions(test: ktap.Ktap, arguments) -> None:
    with boot(arguments, options=RNG) as machine:
        machine.wait_shell()
        text = machine.command("lspci -v")
        queue = guest.read_until(lambda queue: queue["used-idx"] > 0,
                                 lambda: queue_of(machine), LIMIT_S)
        suite = machine.command("test zpci_machine")
    rng = text[text.find("0009:00:00.0") :]
    test.check("bus master" in rng and "Kernel driver in use: virtio_pci" in rng, rng[:600])
    test.check("MSI-X: Enable+" in rng, rng[:600])
    test.equal(queue["used-idx"], 1, "buffers the device has used")
    test.check("PASS, 0 of " in suite and "SKIP" not in suite, suite[-600:])


def translated_device_is_refused(test: ktap.Ktap, arguments) -> None:
    with boot(arguments, options=TRANSLATED) as machine:
        machine.wait_shell()
        text = machine.command("lspci -v")
        log = machine.command("log")
    rng = text[text.find("0009:00:00.0") :]
    test.check("Kernel driver" not in rng and "bus master" not in rng, rng[:600])
    test.check("address translation" in log, log[-600:])


def machine_without_the_facility_has_no_pci(test: ktap.Ktap, arguments) -> None:
    with boot(arguments, machine="s390x", options=("-cpu", "max,zpci=off")) as machine:
        machine.wait_shell()
        report = machine.report("lspci")
        log = machine.command("log")
    test.equal(report["functions"], [], "functions")
    test.check("this machine has no PCI" in log and "zpci:" not in log, log[-600:])


TESTS = (
    functions_are_listed,
    verdicts_end_as_specified,
    driver_works_over_instructions,
    translated_device_is_refused,
    machine_without_the_facility_has_no_pci,
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", choices=("s390x",), default="s390x")
    parser.add_argument("--build", default=str(ROOT / "build/s390x"))
    arguments = parser.parse_args()
    test = ktap.Ktap(len(TESTS))
    for function in TESTS:
        test.run(f"zpci.{function.__name__}", function, arguments)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
