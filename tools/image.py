#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write quire.img: a GPT disk with an EFI system partition, without root or loop devices.

The partition holds /EFI/BOOT/BOOTX64.EFI (the loader with the kernel inside), the licence, the
notices of what is linked in, and, with --cmdline, /EFI/quire/cmdline.txt. The image boots as USB
stick and as disk. The same inputs give the same bytes: identifiers are fixed and times are those
of SOURCE_DATE_EPOCH, or of the last commit.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEWLIB_NOTICE = ROOT / "build/deps/newlib-x86_64/COPYING.NEWLIB"
GNU_EFI_NOTICE = pathlib.Path("/usr/share/doc/gnu-efi/copyright")
SECTOR = 512
FIRST = 2048                      # sectors before the partition: 1 MiB, as tools expect
ENTRIES, ENTRY_SIZE = 128, 128    # of the partition table
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # UEFI specification 5.3.3
DISK_ID = uuid.UUID("5155495f-5245-4449-8053-4b0000000001")
PARTITION_ID = uuid.UUID("5155495f-5245-4449-8053-4b0000000002")


def notices() -> str:
    """The licence texts of Quire and of the two packages linked into the image."""
    parts = []
    for title, path in (("Quire", ROOT / "LICENSE"), ("newlib", NEWLIB_NOTICE),
                        ("GNU-EFI", GNU_EFI_NOTICE)):
        if not path.exists():
            sys.exit(f"image: the notice of {title} is missing: {path}; "
                     "`make deps` and `tools/setup` provide it")
        parts.append(f"==== {title} ====\n\n{path.read_text(errors='replace')}\n")
    return "\n".join(parts)


def timestamp() -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        epoch = subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%ct"],
                               capture_output=True, text=True, check=False).stdout.strip()
    return epoch or "946684800"


def mtools(partition: pathlib.Path, *command: str) -> None:
    # mtools takes file times from the host file; SOURCE_DATE_EPOCH pins the volume's own.
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", SOURCE_DATE_EPOCH=timestamp())
    done = subprocess.run([command[0], "-i", str(partition), *command[1:]], env=environment,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"image: {' '.join(command)} failed: {done.stderr.strip()}")


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


def write_disk(path: pathlib.Path, partition: pathlib.Path) -> None:
    """Protective MBR, primary and backup GPT (UEFI specification 5.2, 5.3), the partition."""
    length = partition.stat().st_size // SECTOR
    sectors = FIRST + length + FIRST
    entry = struct.pack("<16s16sQQQ72s", ESP_TYPE.bytes_le, PARTITION_ID.bytes_le, FIRST,
                        FIRST + length - 1, 0, "EFI system partition".encode("utf-16-le"))
    table = entry.ljust(ENTRIES * ENTRY_SIZE, b"\0")
    crc = zlib.crc32(table)
    mbr = bytearray(SECTOR)
    mbr[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff\xff\xff", 1, sectors - 1)
    mbr[510:512] = b"\x55\xaa"
    new = path.with_suffix(".new")
    with open(new, "wb") as disk:
        disk.write(mbr)
        disk.write(gpt_header(1, sectors - 1, 2, sectors, crc).ljust(SECTOR, b"\0"))
        disk.write(table)
        disk.seek(FIRST * SECTOR)
        disk.write(partition.read_bytes())
        disk.seek((sectors - 1 - TABLE_SECTORS) * SECTOR)
        disk.write(table)
        disk.write(gpt_header(sectors - 1, 1, sectors - 1 - TABLE_SECTORS, sectors, crc)
                   .ljust(SECTOR, b"\0"))
    new.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--efi", type=pathlib.Path, required=True, help="the loader")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--cmdline", help="kernel command line to put on the partition")
    parser.add_argument("--size", type=int, default=34, help="of the partition in MiB (FAT32)")
    arguments = parser.parse_args()
    if not arguments.efi.exists():
        sys.exit(f"image: there is no {arguments.efi}; `make` builds it")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = {"/EFI/BOOT/BOOTX64.EFI": folder / "loader", "/EFI/quire/LICENSE.TXT":
                 folder / "licence", "/EFI/quire/NOTICES.TXT": folder / "notices"}
        files["/EFI/BOOT/BOOTX64.EFI"].write_bytes(arguments.efi.read_bytes())
        files["/EFI/quire/LICENSE.TXT"].write_bytes((ROOT / "LICENSE").read_bytes())
        files["/EFI/quire/NOTICES.TXT"].write_text(notices())
        if arguments.cmdline is not None:
            files["/EFI/quire/cmdline.txt"] = folder / "cmdline"
            files["/EFI/quire/cmdline.txt"].write_text(arguments.cmdline + "\n")
        make_partition(folder / "esp", arguments.size, files)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_disk(arguments.output, folder / "esp")
        (arguments.output.parent / "NOTICES.txt").write_text(notices())
    return 0


if __name__ == "__main__":
    sys.exit(main())
