#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What virsh prints about Quire, or about Linux on the same machine: a transcript on this computer.

The same commands to both: statistics, half the memory, all of it again. The daemon is our own
(libvirt_session.py). Linux is Debian's 6.1 with a busybox and the balloon's module, fetched once; Quire
boots from --build. At the end Linux is destroyed: to hear `shutdown` it needs a program that is not
there. Exit status: 0 done, 1 not.
"""
import argparse
import pathlib
import sys
import time
import xml.etree.ElementTree as ElementTree

import guest
import libvirt_session
import libvirt_test
import linux_guest

READY = "quire-linux-ready"
NAME = libvirt_test.NAME
PERIOD = 1  # seconds between statistics
HALF, FULL = 512 << 10, 1 << 20
SHOWN = "//currentMemory|//memballoon"


def linux(session: libvirt_session.Libvirt) -> ElementTree.Element:
    script = f"{linux_guest.LOAD_BALLOON}\necho {READY}\nsleep 1000"
    disk = session.folder / "initrd"
    disk.write_bytes(linux_guest.ram_disk([], script, linux_guest.balloon_files()))
    root = libvirt_test.direct(session.copy(linux_guest.kernel()), FULL)
    root.find("devices/memballoon").set("freePageReporting", "on")
    ElementTree.SubElement(root.find("os"), "initrd").text = str(session.own(disk))
    ElementTree.SubElement(root.find("os"), "cmdline").text = linux_guest.WORDS
    return root


def show(session: libvirt_session.Libvirt, *words: str) -> None:
    line = " ".join(f"'{word}'" if "/" in word else word for word in words)
    print(f"$ virsh {line}\n{session.virsh(*words).strip()}\n", flush=True)


def play(domain: libvirt_test.Domain, quire: bool) -> None:
    session = domain.session
    if quire:
        print(f"$ virsh create {NAME}.xml\nDomain '{NAME}' created from {NAME}.xml\n\n"
              f"$ virsh console {NAME}\nquire> balloon\n{domain.command('balloon').strip()}\n")
    show(session, "dommemstat", NAME, "--period", str(PERIOD), "--live")
    time.sleep(2 * PERIOD)
    show(session, "dommemstat", NAME)
    for kib in (HALF, FULL):
        show(session, "setmem", NAME, f"{kib >> 10}M")
        domain.wait_actual(kib)
        domain.wait_current(kib)
        time.sleep(2 * PERIOD)
        show(session, "dommemstat", NAME)
    show(session, "dumpxml", NAME, "--xpath", SHOWN)
    show(session, "shutdown" if quire else "destroy", NAME)
    domain.wait_end()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", choices=["quire", "linux"], nargs="?", default="quire")
    parser.add_argument("--build", default=str(libvirt_test.ROOT / "build/x86_64"))
    arguments = parser.parse_args()
    quire = arguments.system == "quire"
    image = pathlib.Path(arguments.build) / "quire.img"
    try:
        with libvirt_session.Libvirt(time.monotonic() + libvirt_test.LIMIT) as session:
            root = libvirt_test.template(session.copy(image)) if quire else linux(session)
            with libvirt_test.Domain(session, libvirt_test.text_of(root)) as domain:
                if quire:
                    domain.boot()
                else:
                    domain.wait_for(READY, libvirt_test.LIMIT)
                play(domain, quire)
    except (libvirt_session.Unavailable, libvirt_session.LibvirtError, guest.GuestError,
            linux_guest.LinuxError, OSError) as error:
        print(f"libvirt_show: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
