# SPDX-License-Identifier: MIT
"""The s390x kernel on a disk, as the firmware's boot map for SCSI disks wants it.

Firmware reads block 0, follows its pointer to the program table, from there to a script of one
LOAD and one EXEC component, and loads the blocks that the list of LOAD names. All numbers are
big-endian; a block has 512 bytes. The scheme is described in shared/feasibility.md, section 1,
and was found out by experiment with the s390-ccw firmware of QEMU.
"""
import struct

BLOCK = 512
MAGIC = b"zIPL"
MAP_BLOCKS = 3  # program table, script, block list; the kernel follows
POINTER_BLOCKS = 0x10000  # one pointer names at most that many
LOAD, EXEC = 2, 1
# A short PSW: 31-bit addressing, all interrupts masked, the address in the low half.
SHORT_PSW = 0x0008000080000000
# The parameter area of the kernel (platform/s390x/layout.h): real addresses.
COMMAND_LINE_SIZE, COMMAND_LINE = 0x10430, 0x10480
COMMAND_LINE_MOST = 0x1000
LOAD_ADDRESS = 0x10000
ELF_HEADER = struct.Struct(">4sBB10xHHIQQQ6xHH")
PROGRAM_HEADER = struct.Struct(">IIQQQQQQ")
CLASS_64, DATA_BIG, MACHINE_S390, PT_LOAD = 2, 2, 22, 1


class ImageError(ValueError):
    """The kernel or the image is not what it should be; the text says what to do."""


def flat(elf: bytes) -> bytes:
    """What the kernel ELF wants in memory from LOAD_ADDRESS on, without the end that is zero."""
    if len(elf) < ELF_HEADER.size:
        raise ImageError("the kernel is shorter than an ELF header")
    magic, width, order, _, machine, _, entry, headers, _, size, count = ELF_HEADER.unpack_from(elf)
    if (magic, width, order, machine) != (b"\x7fELF", CLASS_64, DATA_BIG, MACHINE_S390):
        raise ImageError("the kernel is no s390x ELF; `make ARCH=s390x` builds one")
    if entry != LOAD_ADDRESS:
        raise ImageError(f"the kernel starts at {entry:#x}, not at {LOAD_ADDRESS:#x}")
    memory = bytearray()
    for number in range(count):
        kind, _, offset, _, address, length, _, _ = PROGRAM_HEADER.unpack_from(
            elf, headers + number * size)
        if kind != PT_LOAD or not length:
            continue
        start = address - LOAD_ADDRESS
        if start < len(memory):
            raise ImageError(f"a segment at {address:#x} lies below the one before it")
        memory += bytes(start - len(memory)) + elf[offset : offset + length]
    return bytes(memory)


def with_command_line(kernel: bytes, text: str) -> bytes:
    """The flat kernel with the text in its parameter area."""
    at = COMMAND_LINE_SIZE - LOAD_ADDRESS
    size = int.from_bytes(kernel[at : at + 8], "big")
    line = text.encode("ascii", "replace") + b"\0"
    if not 0 < size <= COMMAND_LINE_MOST:
        raise ImageError(f"the kernel gives {size} bytes to its command line: not our kernel?")
    if len(line) > size:
        raise ImageError(f"the command line has {len(line) - 1} bytes, at most {size - 1} fit")
    at = COMMAND_LINE - LOAD_ADDRESS
    return kernel[:at] + line.ljust(size, b"\0") + kernel[at + size :]


def pointer(block: int, count: int = 1) -> bytes:
    return struct.pack(">QHH4x", block, BLOCK, count - 1)


def head(first: int) -> bytes:
    """The first 32 bytes of the disk; the map begins at block `first`."""
    return MAGIC + struct.pack(">I8x", 1) + pointer(first)


def boot_map(kernel: bytes, first: int) -> bytes:
    """Map and kernel as whole blocks, to be written from block `first` on."""
    count = -(-len(kernel) // BLOCK)
    if count > POINTER_BLOCKS:
        raise ImageError(f"the kernel has {len(kernel) >> 10} KiB, the boot map reaches "
                         f"{POINTER_BLOCKS * BLOCK >> 10}")
    table = MAGIC.ljust(16, b"\0") + pointer(first + 1)
    script = MAGIC.ljust(32, b"\0")
    script += pointer(first + 2) + struct.pack(">7xBQ", LOAD, LOAD_ADDRESS)
    script += bytes(16) + struct.pack(">7xBQ", EXEC, SHORT_PSW | LOAD_ADDRESS)
    blocks = pointer(first + MAP_BLOCKS, count)
    parts = [part.ljust(BLOCK, b"\0") for part in (table, script, blocks)]
    return b"".join(parts) + kernel.ljust(count * BLOCK, b"\0")
