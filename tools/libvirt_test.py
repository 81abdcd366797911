#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quire as a virtual machine of libvirt: setmem, dommemstat, dumpxml, console and the ways out.

First tests/machines/libvirt.xml as a person takes it, only with the place of the image filled in:
by firmware, with reporting. Then the same booted by <kernel>, with less current memory than it may have
and without reporting, so that what the host holds follows setmem alone. The daemon is our own
(libvirt_session.py). KTAP for tools/verdict.py; SKIP with a reason where libvirt cannot run.
Exit status: 0 passed, 1 failed.
"""
import argparse
import os
import pathlib
import re
import sys
import time
import xml.etree.ElementTree as ElementTree

import guest
import ktap
import libvirt_session

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tests/machines/libvirt.xml"
NAME = "quire"
LIMIT = 160  # seconds for everything; the step of tools/test has 180
PATIENCE = 30
KIB_PER_PAGE = 4
FULL, HALF, SMALL = 1 << 20, 512 << 10, 256 << 10  # KiB, as libvirt counts
SHARE = 0.90
SLACK = 16 << 10  # what a guest at its shell may take or give between two looks
STATISTICS = sorted(
    "actual available disk_caches hugetlb_pgalloc hugetlb_pgfail last_update major_fault "
    "minor_fault rss swap_in swap_out unused usable".split())


class Domain(guest.Shell):
    """A running domain with `virsh console` at its shell. A context manager; destroyed with it."""

    def __init__(self, session: libvirt_session.Libvirt, definition: str):
        self.session = session
        session.virsh("create", "--paused", str(session.write(f"{NAME}.xml", definition)))
        terminal, other = os.openpty()
        self._terminal = os.fdopen(terminal, "r+b", buffering=0)
        super().__init__(terminal, self._terminal)
        try:
            self._console = session.started("console", NAME, stdin=other, stdout=other,
                                            stderr=other)
        finally:
            os.close(other)
        # What it prints before somebody listens is lost: let it begin afterwards.
        self.wait_for("Escape character is", PATIENCE)
        session.virsh("resume", NAME)

    def __enter__(self) -> "Domain":
        return self

    def __exit__(self, *_) -> None:
        try:
            self.session.virsh("destroy", NAME)
        except libvirt_session.LibvirtError:
            pass  # it has ended by itself
        self._console.terminate()
        self._console.wait()
        self._terminal.close()

    def runs(self) -> bool:
        return NAME in self.session.virsh("list", "--name").split()

    def wait_end(self) -> None:
        self.session.wait(lambda: not self.runs(), PATIENCE, "the domain to end")

    def boot(self) -> None:
        self.wait_shell(max(self.session.deadline - time.monotonic(), 1))

    def statistic(self, key: str) -> int:
        return self.session.statistics(NAME)[key]

    def setmem(self, kib: int) -> None:
        self.session.virsh("setmem", NAME, f"{kib}K")
        self.wait_actual(kib)

    def wait_actual(self, kib: int) -> None:
        self.session.wait(lambda: self.statistic("actual") == kib, PATIENCE,
                          f"actual to be {kib} KiB")

    def wait_current(self, kib: int) -> None:
        """dumpxml follows QEMU's events, of which there is at most one per second."""
        self.session.wait(
            lambda: self.session.live(NAME).find("currentMemory").text == str(kib), PATIENCE,
            f"currentMemory to be {kib} KiB")

    def wait_resident(self, kib: int) -> int:
        """Resident KiB of QEMU, at the latest when patience ends; at most `kib` if all is well."""
        try:
            self.session.wait(lambda: self.statistic("rss") <= kib, 10, "")
        except libvirt_session.LibvirtError:
            pass  # the caller judges the figure
        return self.statistic("rss")

    def touch(self) -> int:
        """The guest touches all its memory; resident KiB of QEMU afterwards."""
        self.report("mem -t", PATIENCE * 2)
        return self.statistic("rss")


def template(image: pathlib.Path) -> ElementTree.Element:
    """The machine as in tests/machines, with its disk."""
    root = ElementTree.parse(TEMPLATE).getroot()
    root.find("devices/disk/source").set("file", str(image))
    return root


def direct(kernel: pathlib.Path, current: int) -> ElementTree.Element:
    """The same machine without firmware, disk, reporting and a period for statistics."""
    root = ElementTree.parse(TEMPLATE).getroot()
    devices, how = root.find("devices"), root.find("os")
    devices.remove(devices.find("disk"))
    devices.find("memballoon").set("freePageReporting", "off")
    devices.find("memballoon").remove(devices.find("memballoon/stats"))
    root.find("currentMemory").set("unit", "KiB")
    root.find("currentMemory").text = str(current)
    how.attrib.clear()
    how.remove(how.find("firmware"))
    ElementTree.SubElement(how, "kernel").text = str(kernel)
    return root


def text_of(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")


def console(test: ktap.Ktap, domain: Domain) -> None:
    domain.boot()
    test.equal(domain.report("balloon")["devices"][0]["state"], "idle", "state of the balloon")
    information = domain.session.virsh("dominfo", NAME)
    test.check(re.search(r"(?m)^State: +running$", information), f"dominfo: {information}")


def dumpxml(test: ktap.Ktap, domain: Domain) -> None:
    for kib in (FULL, HALF, FULL):
        domain.setmem(kib)
        domain.wait_current(kib)
    live = domain.session.live(NAME)
    test.equal(live.find("memory").text, str(FULL), "memory")
    test.equal(live.find("currentMemory").text, str(FULL), "currentMemory")
    balloon = live.find("devices/memballoon")
    wanted = {"model": "virtio", "autodeflate": "on", "freePageReporting": "on"}
    test.equal(balloon.attrib, wanted, "memballoon")
    test.equal(balloon.find("stats").get("period"), "1", "period of statistics")


def reporting(test: ktap.Ktap, domain: Domain) -> None:
    """Memory that the guest has touched and freed is not the host's to pay for."""
    touched = domain.report("mem -t", PATIENCE * 2)["touched_bytes"] >> 10
    test.check(touched >= SHARE * FULL, f"{touched} KiB touched of {FULL}")
    resident = domain.wait_resident(FULL // 2)
    test.check(resident <= FULL // 2, f"{resident} KiB resident after {touched} were freed")
    print(f"# report: libvirt: touched and freed {touched >> 10} MiB, resident then "
          f"{resident >> 10} MiB")


def start_size(test: ktap.Ktap, domain: Domain) -> None:
    """currentMemory of the definition holds from the start."""
    domain.boot()
    domain.wait_actual(HALF)
    test.equal(domain.report("balloon")["devices"][0]["size"], (FULL - HALF) // KIB_PER_PAGE,
               "pages at the host")


def dommemstat(test: ktap.Ktap, domain: Domain) -> None:
    """The names a Linux guest has, values that fit the guest's own, anew every second."""
    domain.session.virsh("dommemstat", NAME, "--period", "1", "--live")
    for _ in range(3):
        last = domain.statistic("last_update")
        domain.session.wait(lambda last=last: domain.statistic("last_update") > last, PATIENCE,
                            f"last_update to be later than {last}")
    found = domain.session.statistics(NAME)
    test.equal(sorted(found), STATISTICS, "names")
    test.equal(found["actual"], HALF, "actual")
    memory = domain.report("mem")
    free = memory["free_pages"] * KIB_PER_PAGE
    test.check(abs(found["unused"] - free) <= SLACK, f"unused {found['unused']}, free {free}")
    test.check(found["unused"] <= found["available"] <= FULL, f"available: {found}")
    test.check(0 < found["usable"] <= found["available"], f"usable: {found}")
    domain.setmem(SMALL)
    wanted = found["unused"] - (HALF - SMALL)
    domain.session.wait(lambda: abs(domain.statistic("unused") - wanted) <= SLACK, PATIENCE,
                        f"unused to be {wanted} KiB")
    domain.setmem(HALF)
    for name in ("hugetlb_pgalloc", "hugetlb_pgfail"):
        test.equal(domain.statistic(name), found[name], f"{name}, which is not the balloon's")


def setmem(test: ktap.Ktap, domain: Domain) -> None:
    half = domain.touch()
    domain.setmem(FULL)
    full = domain.touch()
    test.check(full - half >= SHARE * HALF, f"resident {half} KiB rose to {full} only")
    domain.setmem(SMALL)
    asked = FULL - SMALL
    small = domain.wait_resident(full - asked)
    test.check(full - small >= SHARE * asked, f"resident {full} KiB fell to {small} only")
    balloon = domain.report("balloon")["devices"][0]
    test.equal(balloon["size"], asked // KIB_PER_PAGE, "pages at the host")
    domain.wait_current(SMALL)
    domain.touch()
    domain.setmem(FULL)
    again = domain.touch()
    test.check(again - small >= SHARE * asked, f"resident {small} KiB rose to {again} only")
    test.equal(domain.report("balloon")["devices"][0]["size"], 0, "pages at the host")
    print(f"# report: libvirt: setmem {HALF >> 10}, {FULL >> 10}, {SMALL >> 10}, {FULL >> 10} "
          f"MiB: resident {half >> 10}, {full >> 10}, {small >> 10}, {again >> 10} MiB")


def shutdown(test: ktap.Ktap, domain: Domain) -> None:
    domain.session.virsh("shutdown", NAME)
    domain.wait_for("power: the power button was pressed", PATIENCE)
    domain.wait_end()
    test.check(not domain.runs(), "the domain is there after shutdown")


def reboot(test: ktap.Ktap, domain: Domain) -> None:
    """libvirt presses the power button and resets the machine when the guest has ended."""
    domain.session.virsh("reboot", NAME)
    domain.wait_for("power: the power button was pressed", PATIENCE)
    domain.boot()
    test.check(domain.runs(), "the domain ended")
    domain.setmem(HALF)
    test.equal(domain.report("balloon")["devices"][0]["size"], (FULL - HALF) // KIB_PER_PAGE,
               "pages at the host")


def power_off(test: ktap.Ktap, domain: Domain) -> None:
    domain.type("poweroff")
    domain.wait_end()
    test.check(not domain.runs(), "the domain is there after poweroff")


TEMPLATE_TESTS = (console, dumpxml, reporting, shutdown)
DIRECT_TESTS = (start_size, dommemstat, setmem, reboot, power_off)


def play(tests: ktap.Ktap, session: libvirt_session.Libvirt, root: ElementTree.Element,
         functions: tuple) -> None:
    with Domain(session, text_of(root)) as domain:
        for function in functions:
            tests.run(f"libvirt.{function.__name__}", function, domain)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"), help="folder of the image")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build)
    everything = TEMPLATE_TESTS + DIRECT_TESTS
    tests = ktap.Ktap(len(everything))
    try:
        with libvirt_session.Libvirt(time.monotonic() + LIMIT) as session:
            play(tests, session, template(session.copy(build / "quire.img")), TEMPLATE_TESTS)
            play(tests, session, direct(session.copy(build / "quire.elf"), HALF), DIRECT_TESTS)
    except libvirt_session.Unavailable as error:
        for function in everything:
            tests.skip(f"libvirt.{function.__name__}", str(error).replace("\n", " | "))
    except (libvirt_session.LibvirtError, guest.GuestError, OSError) as error:
        print(f"# {type(error).__name__}: {error}")
        return 1
    return tests.finish()


if __name__ == "__main__":
    sys.exit(main())
