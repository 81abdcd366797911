# SPDX-License-Identifier: MIT
"""Tests of tools/faults.py with a program that answers as the hosted tests do: each allocation of
each test fails, whatever becomes of the process, and what is wrong is named."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Test: allocations, points where it gives up (the process ends), where it crashes, where it is wrong.
PROGRAM = """#!/usr/bin/env python3
import os
import sys
assert sys.argv[1:] == ["serve"]
for line in sys.stdin:
    sys.argv[1:] = line.split()
    if os.fork() == 0:
        break
    print(f"\\n# served {os.waitstatus_to_exitcode(os.wait()[1])}", flush=True)
else:
    sys.exit(0)
TESTS = {"a.none": (0, (), (), ()), "a.many": (100, (), (), ()),
         "b.gives_up": (50, range(3, 60), (), ()), "c.crashes": (6, (), (4,), ()),
         "c.wrong": (45, (), (), (2, 41))}
words = dict(word.split("=") for word in sys.argv[1:])
with open(sys.argv[0] + ".log", "a") as log:
    print(" ".join(sys.argv[1:]), file=log)
wanted = words.get("tests", "")
names = [name for name in TESTS if wanted in ("", name, name.split(".")[0])]
print("KTAP version 1")
for name in names:
    print("# running", name)
    if words["faults"] == "list":
        print("ok 1", name, "# 0 checks")
        continue
    count, gives_up, crashes, wrong = TESTS[name]
    first, last = map(int, words["faults"].split("-"))
    most = int(words["faults-most"]) or count
    print(f"# faults {name}: {count} allocations, {min(count, most)} points, seed 1, window 8")
    for point in range(first, min(last, count, most) + 1):
        print("# faults point", point, flush=True)
        if point in crashes:
            sys.exit(print("panic: slab: bad") or 1)
        if point in wrong:
            sys.exit(print("not ok 1", name, f"# faults={point}: 1 pages leaked") or 1)
        if point in gives_up:
            break
    print("ok 1", name, "# 1 checks")
sys.exit(0 if names else 1)
"""


class FaultsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quire-faults-")
        self.addCleanup(folder.cleanup)
        self.program = pathlib.Path(folder.name, "tests")
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)

    def run_faults(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, str(ROOT / "tools/faults.py"), "--program",
                               str(self.program), "--jobs", "2", *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_every_point_is_tried_once_even_if_the_test_gives_up(self):
        status, text = self.run_faults("--tests", "b")
        self.assertEqual(status, 0, text)
        self.assertIn("ok 1 faults.b.gives_up # 50 checks", text)
        log = pathlib.Path(str(self.program) + ".log").read_text()
        firsts = [int(first) for first in re.findall(r"faults=(\d+)-", log)]
        self.assertEqual(sorted(firsts), [1] + list(range(4, 51)))
        self.assertEqual(log.count("faults-count=50 faults-window=8"), 47)  # all but the first know it

    def test_tests_without_an_allocation_are_run_and_long_ones_go_on(self):
        status, text = self.run_faults("--tests", "a")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"ok \d faults.a.none # 1 checks")
        self.assertRegex(text, r"ok \d faults.a.many # 100 checks")
        self.assertIn("# report: 2 tests, 100 allocations failed, seed 1", text)

    def test_what_is_wrong_is_named_and_the_rest_is_tried(self):
        status, text = self.run_faults()
        self.assertEqual(status, 1)
        self.assertIn("# failed c.crashes: point 4: panic: slab: bad", text)
        self.assertRegex(text, r"not ok \d faults.c.wrong # 2 points, first faults=2: 1 pages")
        self.assertIn("# failed c.wrong: faults=41: 1 pages leaked", text)
        self.assertIn("# report: 5 tests, 201 allocations failed", text)
        self.assertIn("# quire: FAIL, 2 of 5 failed", text)

    def test_suites_are_left_out_on_request(self):
        status, text = self.run_faults("--without", "a,c")
        self.assertEqual(status, 0, text)
        self.assertIn("# report: 1 tests, 50 allocations failed", text)

    def test_fewer_points_on_request_and_no_test_is_an_error(self):
        status, text = self.run_faults("--tests", "a.many", "--points", "8")
        self.assertEqual(status, 0, text)
        self.assertIn("ok 1 faults.a.many # 8 checks", text)
        status, text = self.run_faults("--tests", "z")
        self.assertEqual(status, 1)
        self.assertIn("the list of tests ended with status 1", text)


if __name__ == "__main__":
    unittest.main()
