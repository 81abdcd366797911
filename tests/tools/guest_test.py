# SPDX-License-Identifier: MIT
"""The client of a guest's shell: output in any pieces, and a QEMU that ends at once."""
import io
import json
import os
import pathlib
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import guest  # noqa: E402

# Prints what ended it, closes its control socket, and takes its time to be gone.
ENDS_AT_ONCE = """
import os, socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[-1].removeprefix("unix:").partition(",")[0])
listener.listen()
connection, _ = listener.accept()
print("panic: too little memory", flush=True)
connection.close()
time.sleep(0.5)
os._exit(35)
"""
# The state of a balloon, from report to report.
STATES = ('{"state":"deflating","actual":9}', '{"state":"idle","actual":9}',
          '{"state":"idle","actual":5}')  # fmt: skip


class Shell(unittest.TestCase):
    def setUp(self):
        output, self.guest_side = os.pipe()
        self.addCleanup(os.close, output)
        self.addCleanup(os.close, self.guest_side)
        self.shell = guest.Shell(output, io.BytesIO())

    def print_pieces(self, *pieces):
        """Each is read for itself."""
        for piece in pieces:
            os.write(self.guest_side, piece)
            self.shell._read(1)

    def test_escape_sequences_are_dropped_wherever_a_block_ends(self):
        whole = b"\x1b[2J\r\x1b[01;01Hquire> \x1b[K"
        for cut in range(1, len(whole)):
            self.print_pieces(whole[:cut], whole[cut:], b"\r\n")
            self.shell.wait_shell(1)
            self.assertEqual(self.shell.wait_for("\n", 1), "\n")

    def test_characters_are_whole_wherever_a_block_ends(self):
        self.print_pieces(b"\xc2", b"\xb5s\n")
        self.assertEqual(self.shell.wait_for("\n", 1), "\u00b5s\n")

    def test_line_is_typed_while_the_guest_logs(self):
        """The balloon's thread says that memory is short while somebody asks for a report."""
        logged = b"\r\n[    5.000001] balloon: memory is short\r\n[   15.000001] more\r\n"
        line = "balloon -j"
        for cut in range(1, len(line) + 1):
            typed, rest = line[:cut].encode(), line[cut:].encode()
            for again in (b"", b"\r\x1b[Kquire> " + typed):
                self.print_pieces(b"quire> " + typed + logged + again + rest + b"\r\n{\"a\":1}\r\n")
                self.print_pieces(b"quire> ")
                self.assertEqual(self.shell.report("balloon", 1), {"a": 1}, (cut, again))

    def test_balloon_is_waited_for_until_it_rests(self):
        with mock.patch.object(self.shell, "report") as report:
            report.side_effect = [{"devices": [json.loads(text)]} for text in STATES]
            self.assertEqual(self.shell.balloon_at(5)["devices"][0]["actual"], 5)
            report.side_effect = [{"devices": [json.loads(STATES[1])]}]
            self.assertEqual(self.shell.balloon_at(5, -1)["devices"][0]["actual"], 9)


class Start(unittest.TestCase):
    def test_guest_that_ended_at_once_is_asked_why(self):
        command = [sys.executable, "-c", ENDS_AT_ONCE]
        with mock.patch.object(guest.qemu, "build_command", return_value=command), \
                mock.patch.object(guest.qemu, "check_files"), guest.Guest("--direct") as machine:
            self.assertIn("memory", machine.wait_for("panic: .*\n", 10))
            self.assertEqual(machine.process.wait(10), 35)


if __name__ == "__main__":
    unittest.main()
