# SPDX-License-Identifier: MIT
"""The QMP client against a small fake QEMU, and the reading of smaps."""
import json
import pathlib
import socket
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import qmp  # noqa: E402

SMAPS = """7f0000000000-7f0010000000 rw-p 00000000 00:00 0
Size: 262144 kB
Rss:            1092 kB
7f0020000000-7f0060000000 rwxp 00000000 00:00 0
Rss:            4096 kB
7f0060000000-7f0060001000 rw-p 00000000 08:01 77 /usr/lib/x
Rss:               4 kB
"""


def fake_qemu(listener, answers):
    """Greets, then gives the lists of answers one by one, whatever was asked."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rw") as file:
        file.write('{"QMP": {}}\n')
        file.flush()
        for group in [[{"return": {}}], *answers]:
            file.readline()
            for answer in group:
                file.write(json.dumps(answer) + "\n")
            file.flush()


class Client(unittest.TestCase):
    def talk(self, *answers):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(f"{self.folder.name}/q")
        listener.listen()
        thread = threading.Thread(target=fake_qemu, args=(listener, answers))
        thread.start()
        self.addCleanup(thread.join)
        client = qmp.Qmp(f"{self.folder.name}/q")
        self.addCleanup(client.close)
        return client

    def test_answer_is_found_behind_events_which_are_kept(self):
        client = self.talk([{"event": "STOP"}, {"return": {"actual": 5}}])
        self.assertEqual(client.execute("query-balloon"), {"actual": 5})
        self.assertEqual(client.events, [{"event": "STOP"}])

    def test_second_greeting_is_no_answer(self):
        client = self.talk([{"QMP": {}}, {"return": {"actual": 5}}])
        self.assertEqual(client.execute("query-balloon"), {"actual": 5})

    def test_greeting_that_takes_the_capabilities_back_is_answered(self):
        again = {"desc": "Expecting capabilities negotiation with 'qmp_capabilities'"}
        client = self.talk([{"QMP": {}}, {"error": again}], [{"return": {}}],
                           [{"return": {"actual": 5}}])
        self.assertEqual(client.execute("query-balloon"), {"actual": 5})

    def test_refusal_and_end_of_connection_raise(self):
        client = self.talk([{"error": {"desc": "no balloon"}}])
        with self.assertRaisesRegex(qmp.QmpError, "no balloon"):
            client.execute("balloon", value=1)
        with self.assertRaises(qmp.QmpError):
            client.execute("query-status")

    def test_missing_socket_is_reported(self):
        with self.assertRaisesRegex(qmp.QmpError, "no QMP socket"):
            qmp.Qmp("/nonexistent/socket", timeout=0.1)


class Smaps(unittest.TestCase):
    def test_only_the_anonymous_writable_mapping_of_that_size_counts(self):
        self.assertEqual(qmp.parse_resident(SMAPS, 256 << 20), 1092 << 10)

    def test_none_or_several_such_mappings_are_refused(self):
        for text, size in ((SMAPS, 1 << 30), (SMAPS * 2, 256 << 20)):
            with self.assertRaises(qmp.QmpError):
                qmp.parse_resident(text, size)


if __name__ == "__main__":
    unittest.main()
