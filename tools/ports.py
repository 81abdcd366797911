# SPDX-License-Identifier: MIT
"""What the host programs must know of each target; what the compiler must is in
platform/<port>/build.mk."""
import pathlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Port:
    """One target as QEMU and binutils see it."""

    name: str
    qemu: str
    cross: str  # prefix of binutils
    gdb: str
    machine: str  # tests/machines/NAME.conf unless another is asked for
    firmware: str  # how quire.img is booted: the option of tools/qemu.py
    ends: tuple[str, ...]  # options that make the guest's verdict QEMU's exit status
    status: dict[int, int]  # those statuses as 0 passed, 1 failed; others are QEMU's own
    entry: str  # symbol of the first instruction, at the address it runs at

    def folder(self, build: str, toolchain: str) -> str:
        return f"build/{self.name}-{build}-{toolchain}"

    def status_of(self, verdict: int) -> int:
        """QEMU's exit status for a verdict of the guest."""
        return next(status for status, meaning in self.status.items() if meaning == verdict)


PORTS = {
    port.name: port
    for port in (
        Port(
            name="x86_64",
            qemu="qemu-system-x86_64",
            cross="",
            gdb="gdb",
            machine="default",
            firmware="uefi",
            # What isa-debug-exit makes of the kernel's 0x10 and 0x11.
            ends=("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
            status={33: 0, 35: 1},
            entry="pvh_start_phys",
        ),
        Port(
            name="s390x",
            qemu="qemu-system-s390x",
            cross="s390x-linux-gnu-",
            gdb="gdb-multiarch",
            machine="s390x",
            firmware="ipl",
            # A disabled wait for 0xfff is the good end, any other a panic.
            ends=("-action", "panic=exit-failure"),
            status={0: 0, 1: 1},
            entry="ipl_start",
        ),
    )
}
