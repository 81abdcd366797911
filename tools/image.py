#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write quire.img: a GPT disk of one partition, without root or loop devices.

--efi: an EFI system partition with /EFI/BOOT/BOOTX64.EFI (the loader with the kernel inside), the
licence, the notices of what is linked in, and /EFI/quire/cmdline.txt, which has the loader write
its report unless --cmdline says otherwise. It boots as USB stick and as disk. --s390x: the kernel behind a boot map (tools/zipl.py), then the notices;
it boots by IPL from virtio-blk. --edit puts --cmdline into an image of either kind.
The same inputs give the same bytes: identifiers are fixed and times are those of
SOURCE_DATE_EPOCH, or of the last commit.
"""
import argparse
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib

import zipl
from zipl import ImageError

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEWLIB_NOTICE = "build/deps/newlib-{}/COPYING.NEWLIB"
GNU_EFI_NOTICE = pathlib.Path("/usr/share/doc/gnu-efi/copyright")
SECTOR = 512
FIRST = 2048                      # sectors before the partition: 1 MiB, as tools expect
ENTRIES, ENTRY_SIZE = 128, 128    # of the partition table
STICK_COMMAND_LINE = "report=stick"  # whoever boots a stick to learn why types nothing
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # UEFI specification 5.3.3
KERNEL_TYPE = uuid.UUID("5155495f-5245-4449-8053-4b0000000003")  # our own
DISK_ID = uuid.UUID("5155495f-5245-4449-8053-4b0000000001")
PARTITION_ID = uuid.UUID("5155495f-5245-4449-8053-4b0000000002")


def notices(port: str) -> str:
    """The licence texts of Quire and of what is linked into the image."""
    sources = [("Quire", ROOT / "LICENSE"), ("newlib", ROOT / NEWLIB_NOTICE.format(port))]
    sources += [("GNU-EFI", GNU_EFI_NOTICE)] if port == "x86_64" else []
    parts = []
    for title, path in sources:
        if not path.exists():
            raise ImageError(f"the notice of {title} is missing: {path}; "
                             "`make deps` and `tools/setup` provide it")
        parts.append(f"==== {title} ====\n\n{path.read_text(errors='replace')}\n")
    return "\n".join(parts)


def timestamp() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        epoch = subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%ct"],
                               capture_output=True, text=True, check=False).stdout.strip()
    return epoch or "946684800"


def mtools(partition: str | pathlib.Path, *command: str) -> None:
    # mtools takes file times from the host file; SOURCE_DATE_EPOCH pins the volume's own.
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", SOURCE_DATE_EPOCH=timestamp())
    done = subprocess.run([command[0], "-i", str(partition), *command[1:]], env=environment,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def make_partition(path: pathlib.Path, size_mib: int, files: dict[str, pathlib.Path]) -> None:
    with open(path, "wb") as partition:
        partition.truncate(size_mib << 20)
    mtools(path, "mformat", "-F", "-v", "QUIRE", "-N", "51554952", "::")
    made = set()
    for target in files:
        folder = ""
        for part in target.split("/")[1:-1]:
            folder += f"/{part}"
            if folder not in made:
                mtools(path, "mmd", f"::{folder}")
                made.add(folder)
    for target, source in files.items():
        os.utime(source, (int(timestamp()),) * 2)
        mtools(path, "mcopy", "-m", str(source), f"::{target}")


def gpt_header(own: int, other: int, table: int, sectors: int, table_crc: int) -> bytes:
    def pack(crc: int) -> bytes:
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, own, other,
                           2 + TABLE_SECTORS, sectors - TABLE_SECTORS - 2, DISK_ID.bytes_le, table,
                           ENTRIES, ENTRY_SIZE, table_crc)
    return pack(zlib.crc32(pack(0)))


def write_disk(path: pathlib.Path, kind: uuid.UUID, name: str, content: bytes,
               head: bytes = b"") -> None:
    """Protective MBR, primary and backup GPT (UEFI specification 5.2, 5.3), one partition; the
    first bytes of the disk, which the MBR leaves to boot code, are `head`."""
    length = -(-len(content) // SECTOR)
    sectors = FIRST + length + FIRST
    entry = struct.pack("<16s16sQQQ72s", kind.bytes_le, PARTITION_ID.bytes_le, FIRST,
                        FIRST + length - 1, 0, name.encode("utf-16-le"))
    table = entry.ljust(ENTRIES * ENTRY_SIZE, b"\0")
    crc = zlib.crc32(table)
    mbr = bytearray(head.ljust(SECTOR, b"\0"))
    mbr[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff\xff\xff", 1, sectors - 1)
    mbr[510:512] = b"\x55\xaa"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with open(new, "wb") as disk:
        disk.write(mbr)
        disk.write(gpt_header(1, sectors - 1, 2, sectors, crc).ljust(SECTOR, b"\0"))
        disk.write(table)
        disk.seek(FIRST * SECTOR)
        disk.write(content)
        disk.seek((sectors - 1 - TABLE_SECTORS) * SECTOR)
        disk.write(table)
        disk.write(gpt_header(sectors - 1, 1, sectors - 1 - TABLE_SECTORS, sectors, crc)
                   .ljust(SECTOR, b"\0"))
    new.replace(path)


def write_efi(loader: pathlib.Path, output: pathlib.Path, size_mib: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = {"/EFI/BOOT/BOOTX64.EFI": folder / "loader", "/EFI/quire/LICENSE.TXT":
                 folder / "licence", "/EFI/quire/NOTICES.TXT": folder / "notices"}
        files["/EFI/BOOT/BOOTX64.EFI"].write_bytes(loader.read_bytes())
        files["/EFI/quire/LICENSE.TXT"].write_bytes((ROOT / "LICENSE").read_bytes())
        files["/EFI/quire/NOTICES.TXT"].write_text(notices("x86_64"))
        make_partition(folder / "esp", size_mib, files)
        write_disk(output, ESP_TYPE, "EFI system partition", (folder / "esp").read_bytes())


def write_s390x(kernel: pathlib.Path, output: pathlib.Path) -> None:
    content = zipl.boot_map(zipl.flat(kernel.read_bytes()), FIRST)
    content += notices("s390x").encode()
    write_disk(output, KERNEL_TYPE, "Quire for s390x", content, zipl.head(FIRST))


def set_command_line(path: pathlib.Path, text: str) -> None:
    """Put a command line into an image, in place of the one it has."""
    with open(path, "r+b") as disk:
        if disk.read(len(zipl.MAGIC)) == zipl.MAGIC:
            start = (FIRST + zipl.MAP_BLOCKS) * SECTOR
            disk.seek(start)
            kernel = zipl.with_command_line(disk.read(), text)
            disk.seek(start)
            disk.write(kernel)
            return
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name, "cmdline")
        file.write_text(text + "\n")
        os.utime(file, (int(timestamp()),) * 2)
        mtools(f"{path}@@{FIRST * SECTOR}", "mcopy", "-o", "-m", str(file),
               "::/EFI/quire/cmdline.txt")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--efi", type=pathlib.Path, help="the x86-64 loader")
    what.add_argument("--s390x", type=pathlib.Path, help="the s390x kernel, an ELF")
    what.add_argument("--edit", action="store_true", help="only put --cmdline into --output")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--cmdline", help="kernel command line to put into the image")
    parser.add_argument("--size", type=int, default=34, help="of the EFI partition in MiB (FAT32)")
    arguments = parser.parse_args()
    if arguments.edit and arguments.cmdline is None:
        parser.error("--edit without --cmdline")
    try:
        if arguments.efi:
            write_efi(arguments.efi, arguments.output, arguments.size)
        elif arguments.s390x:
            write_s390x(arguments.s390x, arguments.output)
        if not arguments.edit:
            text = notices("s390x" if arguments.s390x else "x86_64")
            (arguments.output.parent / "NOTICES.txt").write_text(text)
        text = STICK_COMMAND_LINE if arguments.efi else None
        text = text if arguments.cmdline is None else arguments.cmdline
        if text is not None:
            set_command_line(arguments.output, text)
    except FileNotFoundError as error:
        print(f"image: there is no {error.filename}; `make` builds it", file=sys.stderr)
        return 1
    except (ImageError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
