# SPDX-License-Identifier: MIT
"""The fuzz replayer finds a planted fault, keeps its input, and repeats itself."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Dies on one byte at one place; otherwise prints a sum that tells the inputs apart.
TARGET = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	unsigned sum = 0;
	for (size_t i = 0; i < length; i++)
		sum = sum * 31 + bytes[i];
	printf("%u\\n", sum);
	if (length > 3 && bytes[3] == LETHAL)
		abort();
	return 0;
}
"""


class FuzzMain(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "corpus").write_bytes(b"quire")
        (self.path / "target.c").write_text(TARGET)

    def run_fuzzer(self, lethal, *options):
        program = str(self.path / "fuzz")
        command = ["gcc", "-O1", "-fsanitize=address", f"-DLETHAL={lethal}", "-o", program]
        sources = [str(self.path / "target.c"), str(ROOT / "tests/fuzz/fuzz_main.c")]
        subprocess.run([*command, *sources], check=True)
        words = [program, f"-keep={self.path}/kept", *options, str(self.path / "corpus")]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def test_planted_fault_is_found_and_its_input_kept(self):
        done = self.run_fuzzer(0xA5, "-runs=200000")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((self.path / "kept").read_bytes()[3], 0xA5)

    def test_same_seed_gives_the_same_inputs_and_another_does_not(self):
        outputs = [self.run_fuzzer(256, "-runs=500", f"-seed={seed}").stdout for seed in (1, 1, 2)]
        self.assertEqual(outputs[0].count("\n"), 501)
        self.assertEqual(outputs[0], outputs[1])
        self.assertNotEqual(outputs[0], outputs[2])

    def test_missing_corpus_is_refused(self):
        (self.path / "corpus").unlink()
        self.assertEqual(self.run_fuzzer(256).returncode, 2)


if __name__ == "__main__":
    unittest.main()
