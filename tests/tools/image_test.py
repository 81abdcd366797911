# SPDX-License-Identifier: MIT
"""The disk image: a valid GPT, the files a firmware looks for, the same bytes each time."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import image  # noqa: E402
import zipl  # noqa: E402

LOADER = b"not a loader, but bytes to find again\n"


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        (cls.path / "loader.efi").write_bytes(LOADER)
        for name in ("one", "two"):
            cls.write(f"{name}/quire.img", "--cmdline", "seed=7")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def write(cls, name, *options):
        subprocess.run(
            [sys.executable, str(ROOT / "tools/image.py"), "--efi", str(cls.path / "loader.efi"),
             "--output", str(cls.path / name), *options],
            env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"), check=True,
        )  # fmt: skip

    def content(self, name):
        command = ["mtype", "-i", f"{self.path}/one/quire.img@@1M", f"::{name}"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def test_partition_table_is_valid(self):
        done = subprocess.run(
            ["/usr/sbin/sgdisk", "-v", str(self.path / "one/quire.img")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.assertIn("No problems found", done.stdout)

    def test_partition_holds_loader_command_line_and_licences(self):
        self.assertEqual(self.content("/EFI/BOOT/BOOTX64.EFI"), LOADER)
        self.assertEqual(self.content("/EFI/quire/cmdline.txt"), b"seed=7\n")
        notices = self.content("/EFI/quire/NOTICES.TXT").decode(errors="replace")
        for title in ("Quire", "newlib", "GNU-EFI"):
            self.assertIn(f"==== {title} ====", notices)
        self.assertTrue((self.path / "one/NOTICES.txt").exists())

    def test_same_inputs_give_the_same_bytes(self):
        first, second = ((self.path / name / "quire.img").read_bytes() for name in ("one", "two"))
        self.assertTrue(first == second)

    def test_missing_loader_is_a_clear_error(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools/image.py"), "--efi", "/nowhere/x.efi",
             "--output", str(self.path / "three.img")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/x.efi", done.stderr)

    def test_edit_replaces_the_command_line(self):
        path = self.path / "edited.img"
        path.write_bytes((self.path / "one/quire.img").read_bytes())
        image.set_command_line(path, "seed=8")
        done = subprocess.run(["mtype", "-i", f"{path}@@1M", "::/EFI/quire/cmdline.txt"],
                              capture_output=True, check=True)
        self.assertEqual(done.stdout, b"seed=8\n")


AREA_SIZE = 64


def kernel_elf(code=b"code", size=AREA_SIZE, entry=zipl.LOAD_ADDRESS, machine=zipl.MACHINE_S390):
    """An ELF of two segments, the first with a parameter area of `size` bytes."""
    area = zipl.COMMAND_LINE - zipl.LOAD_ADDRESS
    text = bytearray(area + AREA_SIZE)
    at = zipl.COMMAND_LINE_SIZE - zipl.LOAD_ADDRESS
    text[at : at + 8] = size.to_bytes(8, "big")
    header = zipl.ELF_HEADER.pack(b"\x7fELF", zipl.CLASS_64, zipl.DATA_BIG, 2, machine, 1, entry,
                                  64, 0, zipl.PROGRAM_HEADER.size, 2)
    start = 64 + 2 * zipl.PROGRAM_HEADER.size
    programs = b"".join(
        zipl.PROGRAM_HEADER.pack(zipl.PT_LOAD, 5, offset, address, address, length, length, 4096)
        for offset, address, length in (
            (start, zipl.LOAD_ADDRESS, len(text)),
            (start + len(text), zipl.LOAD_ADDRESS + 0x1000, len(code))))
    return header.ljust(64, b"\0") + programs + bytes(text) + code


def read_map(disk):
    """What firmware would load, and where it would start: a reader of its own."""
    def block(number):
        return disk[number * 512 : number * 512 + 512]

    def follow(data, at):
        number, size, more = struct.unpack_from(">QHH", data, at)
        assert size == 512
        return number, more + 1

    assert block(0)[:8] == b"zIPL" + struct.pack(">I", 1)
    table = block(follow(block(0), 16)[0])
    script = block(follow(table, 16)[0])
    assert table[:4] == script[:4] == b"zIPL" and not any(table[32:])
    kinds = script[32 + 23], script[64 + 23]
    address, psw = struct.unpack_from(">Q", script, 56)[0], struct.unpack_from(">Q", script, 88)[0]
    assert kinds == (2, 1)
    blocks = block(follow(script, 32)[0])
    number, count = follow(blocks, 0)
    assert not any(blocks[16:])
    return disk[number * 512 : (number + count) * 512], address, psw


class S390xImage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.disk = self.path / "quire.img"

    def write(self, elf, *options):
        (self.path / "quire.elf").write_bytes(elf)
        return subprocess.run(
            [sys.executable, str(ROOT / "tools/image.py"), "--s390x",
             str(self.path / "quire.elf"), "--output", str(self.disk), *options],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_firmware_finds_the_whole_kernel_and_its_command_line(self):
        code = os.urandom(5000)
        done = self.write(kernel_elf(code), "--cmdline", "seed=7")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        kernel, address, psw = read_map(self.disk.read_bytes())
        self.assertEqual((address, psw), (0x10000, 0x0008000080010000))
        self.assertEqual(kernel[0x1000 : 0x1000 + len(code)], code)
        self.assertEqual(kernel[0x480 : 0x480 + AREA_SIZE], b"seed=7".ljust(AREA_SIZE, b"\0"))

    def test_partition_table_is_valid_and_the_notices_are_on_the_disk(self):
        self.assertEqual(self.write(kernel_elf()).returncode, 0)
        done = subprocess.run(["/usr/sbin/sgdisk", "-v", str(self.disk)], capture_output=True,
                              text=True, check=True)
        self.assertIn("No problems found", done.stdout)
        for text in (self.disk.read_bytes(), (self.path / "NOTICES.txt").read_bytes()):
            self.assertIn(b"==== newlib ====", text)
            self.assertNotIn(b"==== GNU-EFI ====", text)

    def test_edit_replaces_the_command_line_and_nothing_else(self):
        self.write(kernel_elf(), "--cmdline", "seed=7 and more")
        before = self.disk.read_bytes()
        image.set_command_line(self.disk, "seed=8")
        self.assertEqual(read_map(self.disk.read_bytes())[0][0x480:0x48f], b"seed=8".ljust(15, b"\0"))
        image.set_command_line(self.disk, "seed=7 and more")
        self.assertTrue(self.disk.read_bytes() == before)

    def test_longest_command_line_fits_and_one_byte_more_is_refused(self):
        self.assertEqual(self.write(kernel_elf(), "--cmdline", "x" * (AREA_SIZE - 1)).returncode, 0)
        done = self.write(kernel_elf(), "--cmdline", "x" * AREA_SIZE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"at most {AREA_SIZE - 1} fit", done.stderr)

    def test_largest_kernel_fits_and_one_block_more_is_refused(self):
        most = zipl.POINTER_BLOCKS * zipl.BLOCK
        content = zipl.boot_map(bytes(most), 2048)
        self.assertEqual(len(read_map(zipl.head(2048).ljust(2048 * 512, b"\0") + content)[0]), most)
        with self.assertRaisesRegex(zipl.ImageError, "the boot map reaches 32768"):
            zipl.boot_map(bytes(most + 1), 2048)

    def test_another_kernel_is_refused(self):
        for elf, words in (
            (b"\x7fELF", "shorter than an ELF header"),
            (kernel_elf(machine=62), "no s390x ELF"),
            (kernel_elf(entry=0x20000), "starts at 0x20000"),
        ):
            done = self.write(elf)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        for size in (0, zipl.COMMAND_LINE_MOST + 1):
            self.assertIn("not our kernel", self.write(kernel_elf(size=size), "--cmdline", "a").stderr)


if __name__ == "__main__":
    unittest.main()
