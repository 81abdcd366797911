# SPDX-License-Identifier: MIT
"""build/hosted/atomics as people use it: files and standard input, good and bad.

Built by the step `tools` of tools/test; SKIP where it is not.
"""
import json
import pathlib
import random
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/hosted/atomics"
LIMIT_S = 120
FUNCTIONS = 10_000
PORT, ENDPOINT = 4, 0  # types of PCI Express functions


def row(offset: int, values: bytes) -> str:
    return f"{offset:02x}: {values.hex(' ')}"


def function(address: str, kind: int, secondary: int = 0, completers: int = 0,
             size: int = 256) -> str:
    """What `lspci -xxx` prints of one function: its first line and its bytes."""
    data = bytearray(256)
    data[0:4] = (0x1F01 if kind == PORT else 0x1F02).to_bytes(2, "little") + b"\x01\x00"
    data[0x06], data[0x34] = 0x10, 0x40
    data[0x0A:0x0C] = b"\x04\x06" if kind == PORT else b"\x00\x02"
    data[0x40], data[0x42] = 0x10, kind << 4 | 2
    data[0x64:0x68] = completers.to_bytes(4, "little")
    if kind == PORT:
        data[0x0E], data[0x19], data[0x1A] = 1, secondary, secondary
    rows = [row(at, bytes(data[at:at + 16])) for at in range(0, size, 16)]
    return "\n".join([f"{address} Some device", *rows, ""])


SMALL = "\n".join([function("00:01.0", PORT, 1, 0x180), function("01:00.0", ENDPOINT), ""])


def many() -> str:
    """Ten thousand functions in segments of a root port for each of 125 buses with one endpoint."""
    blocks = []
    for segment in range(FUNCTIONS // 250):
        for bus in range(1, 126):
            port = f"{segment:04x}:00:{bus // 8 + 1:02x}.{bus % 8}"
            blocks.append(function(port, PORT, bus, 0x180))
            blocks.append(function(f"{segment:04x}:{bus:02x}:00.0", ENDPOINT))
    return "\n".join(blocks)


def run(text: str | bytes, *words: str) -> subprocess.CompletedProcess:
    data = text if isinstance(text, bytes) else text.encode()
    return subprocess.run([str(PROGRAM), *words, "-"], input=data, capture_output=True,
                          timeout=LIMIT_S, check=False)


def lines(done: subprocess.CompletedProcess) -> list[str]:
    return [line for line in done.stdout.decode().splitlines() if line.startswith("LINE ")]


@unittest.skipUnless(PROGRAM.exists(), "build/hosted/atomics is not built: make atomics")
class Atomics(unittest.TestCase):
    def test_standard_input_reads_as_a_file_does(self):
        done = run(SMALL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lines(done), ["LINE     v=1 dev=0000:01:00.0 r32=YES r64=YES r128=NO "
                                       "why=ROOT_NO_128@0000:00:01.0"])
        path = ROOT / "build/test-atomics.txt"
        path.write_text(SMALL)
        named = subprocess.run([str(PROGRAM), str(path)], capture_output=True, check=False)
        path.unlink()
        self.assertEqual(lines(named), lines(done))

    def test_one_function_and_json(self):
        report = json.loads(run(SMALL, "-j", "01:00.0").stdout)
        self.assertIn("0000:01:00.0", json.dumps(report))

    def test_mail_does_not_change_the_verdicts(self):
        quoted = "".join(f"> {line}\r\n" for line in SMALL.splitlines())
        tabs = SMALL.replace(" ", "\t")
        self.assertEqual(lines(run(quoted)), lines(run(SMALL)))
        self.assertEqual(lines(run(tabs)), lines(run(SMALL)))

    def test_short_dump_is_unknown_and_says_so(self):
        text = "\n".join([function("00:01.0", PORT, 1, 0x180, 64),
                          function("01:00.0", ENDPOINT, size=64)])
        done = run(text)
        self.assertEqual(done.returncode, 0)
        self.assertIn("r32=UNKNOWN r64=UNKNOWN r128=UNKNOWN", lines(done)[0])
        self.assertIn("0000:01:00.0", done.stderr.decode())

    def test_every_truncation_is_an_answer_or_an_error(self):
        for end in range(0, len(SMALL), 97):
            done = run(SMALL[:end])
            self.assertIn(done.returncode, (0, 1), SMALL[:end])
            self.assertTrue(done.stdout or done.stderr)

    def test_rubbish_is_an_error(self):
        source = random.Random(1)
        for size in (0, 1, 4096, 100_000):
            done = run(source.randbytes(size))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"no line begins with the address of a function", done.stderr)

    def test_ten_thousand_functions(self):
        done = run(many())
        self.assertEqual(done.returncode, 0, done.stderr[-300:])
        found = lines(done)
        self.assertEqual(len(found), FUNCTIONS // 2)
        self.assertTrue(all("r32=YES r64=YES r128=NO" in line for line in found))

    def test_wrong_use_is_told(self):
        self.assertEqual(subprocess.run([str(PROGRAM)], capture_output=True,
                                        check=False).returncode, 2)
        self.assertEqual(run(SMALL, "--nonsense").returncode, 2)
        missing = subprocess.run([str(PROGRAM), "/nonexistent"], capture_output=True, check=False)
        self.assertEqual(missing.returncode, 1)
        self.assertIn(b"/nonexistent", missing.stderr)


if __name__ == "__main__":
    unittest.main()
