# SPDX-License-Identifier: MIT
"""Addresses of a log get the source line of the ELF they come from."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import symbolise  # noqa: E402

SOURCE = "void spin(void)\n{\n\tfor (;;)\n\t\t;\n}\n"


class Symbolise(unittest.TestCase):
    @unittest.skipUnless(shutil.which("s390x-linux-gnu-gcc"), "no package of the group s390x")
    def test_back_trace_of_s390x_is_read_with_its_own_tools(self):
        with tempfile.TemporaryDirectory() as folder:
            elf = f"{folder}/a.elf"
            pathlib.Path(folder, "a.c").write_text(SOURCE)
            subprocess.run(
                ["s390x-linux-gnu-gcc", "-g", "-ffreestanding", "-nostdlib", "-static",
                 "-no-pie", "-Wl,-Ttext=0x10000", "-Wl,-e,spin", "-o", elf, f"{folder}/a.c"],
                check=True,
            )  # fmt: skip
            log = "  #0 0x10000 spin+0\n  r0 0000000000010000\n"
            lines = symbolise.symbolise(log, elf, "s390x-linux-gnu-").splitlines()
        self.assertRegex(lines[0], r"<- spin at .*a\.c:[1-4]$")
        self.assertEqual(lines[1], "  r0 0000000000010000")

    def test_address_of_a_function_is_named_and_others_are_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            elf = f"{folder}/a.elf"
            pathlib.Path(folder, "a.c").write_text(SOURCE)
            subprocess.run(
                ["gcc", "-g", "-ffreestanding", "-nostdlib", "-static", "-mcmodel=kernel",
                 "-fno-pie", "-no-pie", "-Wl,-Ttext=0xffffffff80200000", "-Wl,-e,spin",
                 "-o", elf, f"{folder}/a.c"],
                check=True,
            )  # fmt: skip
            log = "panic\n  0xffffffff80200000 spin\n  0xffffffff90000000 data\n"
            lines = symbolise.symbolise(log, elf).splitlines()
        self.assertEqual(lines[0], "panic")
        self.assertRegex(lines[1], r"<- spin at .*a\.c:[1-4]$")
        self.assertEqual(lines[2], "  0xffffffff90000000 data")


if __name__ == "__main__":
    unittest.main()
