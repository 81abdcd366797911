# SPDX-License-Identifier: MIT
"""The checkers of the house: each fault they promise to find is found, good code passes."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import check_layers  # noqa: E402
import check_no_fpu  # noqa: E402
import check_size  # noqa: E402
import spec_coverage  # noqa: E402

SPDX = "// SPDX-License-Identifier: MIT\n"
VECTOR = """
int integer(int a) { return a * 3; }
double sum(double *p) { return p[0] + p[1]; }
long double extended(long double a) { return a * a; }
"""
FLOATING_S390X = """
int integer(int a) { return a * 3; }
double sum(double *p) { return p[0] + p[1]; }
void unknown(void) { __asm__ volatile(".insn rxy,0xe300000000d0,%r2,0x20000"); }
void control(void *p) { __asm__ volatile("stfpc 0(%0)" : : "a"(p) : "memory"); }
"""


class Layers(unittest.TestCase):
    def test_include_upwards_is_found(self):
        for name, target in (
            ("mm/a.c", "pci/device.h"),
            ("pci/a.c", "drivers/driver.h"),
            ("kernel/a.c", "mm/page.h"),
            ("platform/cpu.h", "kernel/lock.h"),
            ("platform/x86_64/a.c", "mm/page.h"),
        ):
            self.assertTrue(check_layers.include_faults(name, f"#include <{target}>\n"), name)

    def test_include_downwards_is_allowed(self):
        for name, target in (
            ("mm/a.c", "kernel/lock.h"),
            ("drivers/a.c", "pci/device.h"),
            ("kernel/main.c", "drivers/driver.h"),
            ("tests/mm/a.c", "mm/page.h"),
            ("mm/a.c", "string.h"),
        ):
            self.assertEqual(check_layers.include_faults(name, f"#include <{target}>\n"), [], name)

    def test_platform_conditional_is_found_in_portable_folders_only(self):
        text = SPDX + "#if defined(__x86_64__)\n#endif\n"
        self.assertTrue(check_layers.rule_faults("mm/a.c", text, "mm/a.c"))
        self.assertFalse(check_layers.rule_faults("boot/a.c", text, "boot/a.c"))

    def test_missing_licence_unlisted_source_and_white_space_are_found(self):
        for text, listed in (("int a;\n", "mm/a.c"), (SPDX, ""), (SPDX + "int a; \n", "mm/a.c")):
            self.assertEqual(len(check_layers.rule_faults("mm/a.c", text, listed)), 1)


class Sizes(unittest.TestCase):
    def function(self, lines):
        return ["void f(void)", "{", *["\tg();"] * lines, "}"]

    def test_sixty_lines_are_allowed_and_one_more_is_not(self):
        self.assertEqual(check_size.function_faults("a.c", self.function(60)), [])
        self.assertEqual(len(check_size.function_faults("a.c", self.function(61))), 1)


class NoFpu(unittest.TestCase):
    def compile(self, folder, text=VECTOR, compiler="gcc"):
        source, elf = pathlib.Path(folder, "a.c"), f"{folder}/a.o"
        source.write_text(text)
        subprocess.run([compiler, "-O2", "-c", "-o", elf, str(source)], check=True)
        return elf

    def test_vector_and_x87_functions_are_found_and_integer_ones_are_not(self):
        with tempfile.TemporaryDirectory() as folder:
            users, seen = check_no_fpu.scan(self.compile(folder), "x86_64")
        self.assertEqual(set(users), {"sum", "extended"})
        self.assertEqual(seen, {"integer", "sum", "extended"})

    @unittest.skipUnless(shutil.which("s390x-linux-gnu-gcc"), "no package of the group s390x")
    def test_floating_point_functions_of_s390x_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            elf = self.compile(folder, FLOATING_S390X, "s390x-linux-gnu-gcc")
            users, seen = check_no_fpu.scan(elf, "s390x")
        self.assertEqual(set(users), {"sum", "control"})
        self.assertEqual(seen, {"integer", "unknown", "sum", "control"})

    def test_program_obeys_the_allow_list(self):
        with tempfile.TemporaryDirectory() as folder:
            elf, allow = self.compile(folder), pathlib.Path(folder, "allow")
            command = [sys.executable, str(ROOT / "tools/check_no_fpu.py"), "--port", "x86_64", elf]
            for text, status in (("sum\next*  # x87\n", 0), ("sum\n", 1)):
                allow.write_text(text)
                done = subprocess.run(
                    [*command, "--allow", str(allow)], capture_output=True, check=False
                )
                self.assertEqual(done.returncode, status)


class SpecRows(unittest.TestCase):
    def test_ids_are_whole_words(self):
        find = spec_coverage.IDENTITY.findall
        self.assertEqual(find("list_lru.L_T13_del_walk"), [("L", "13")])
        self.assertEqual(find("pci.A_T2"), [("A", "2")])
        self.assertEqual(find("x.both_F_T1_B_T5"), [("F", "1"), ("B", "5")])
        self.assertEqual(find("x.XF_T1 x.F_T1x"), [])

    def test_every_row_of_the_list_is_well_formed_and_once(self):
        rows = [identity for identity, _, _ in spec_coverage.read_rows()]
        self.assertEqual(len(rows), len(set(rows)))
        for identity in rows:
            self.assertRegex(identity, r"^[FMLSDBVWCAP]-T\d+$")


if __name__ == "__main__":
    unittest.main()
