# SPDX-License-Identifier: MIT
"""libquire_mm.a: the example of its documentation builds and runs, and nothing else is global."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build/hosted-library-clang"


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "-j2", "-C", str(ROOT), "-f", "tools/build.mk", "PORT=hosted",
                        "BUILD=library", "TOOLCHAIN=clang", "library"], check=True,
                       stdout=subprocess.DEVNULL)

    def test_example_runs(self):
        done = subprocess.run([str(OUT / "quire_mm_example")], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("frames: 65536 of 65536 taken\nfolios: fine\n", done.stdout)

    def test_only_what_the_header_declares_is_global(self):
        header = (ROOT / "platform/hosted/quire_mm.h").read_text()
        declared = set(re.findall(r"^[a-z].*?[ *](\w+)\(.*\);$", header, re.M))
        listed = subprocess.run(["nm", "-g", "--defined-only", str(OUT / "libquire_mm.a")],
                                capture_output=True, text=True, check=True).stdout
        self.assertEqual(set(re.findall(r" [A-Z] (\w+)$", listed, re.M)), declared)


if __name__ == "__main__":
    unittest.main()
