# SPDX-License-Identifier: MIT
"""The disk image: a valid GPT, the files a firmware looks for, the same bytes each time."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
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


if __name__ == "__main__":
    unittest.main()
