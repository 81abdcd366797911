# SPDX-License-Identifier: MIT
"""The comparison of ports: a missing name and another outcome are found, an excuse counts."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import compare_ports  # noqa: E402
import verdict  # noqa: E402

NAMES = {"a.one", "a.two"}
NO_EXCUSE = {"here": [], "there": []}


class Comparison(unittest.TestCase):
    def differing(self, here, there, excused=NO_EXCUSE):
        return compare_ports.differing(NAMES, {"here": here, "there": there}, excused)

    def test_equal_results_are_equal(self):
        same = {"a.one": "ok", "a.two": "ok", "port.own": "not ok"}
        self.assertEqual(compare_ports.missing(NAMES, {"here": same, "there": same}), [])
        self.assertEqual(self.differing(same, dict(same, other="ok")), [])

    def test_missing_name_is_found_where_it_is_missing(self):
        results = {"here": {"a.one": "ok", "a.two": "ok"}, "there": {"a.one": "ok"}}
        self.assertEqual(compare_ports.missing(NAMES, results), ["a.two did not run in there"])

    def test_another_outcome_is_found(self):
        both = {"a.one": "ok", "a.two": "ok"}
        lines = self.differing(both, dict(both, **{"a.two": "not ok"}))
        self.assertEqual(lines, ["a.two differs: here: ok, there: not ok"])

    def test_skip_is_a_difference_unless_the_port_is_excused(self):
        both = {"a.one": "ok", "a.two": "ok"}
        there = dict(both, **{"a.two": "SKIP"})
        self.assertEqual(len(self.differing(both, there)), 1)
        self.assertEqual(len(self.differing(both, there, {"here": ["a.*"], "there": []})), 1)
        self.assertEqual(self.differing(both, there, {"here": [], "there": ["a.*"]}), [])

    def test_skip_everywhere_needs_an_excuse_everywhere(self):
        both = {"a.one": "ok", "a.two": "SKIP"}
        self.assertEqual(len(self.differing(both, both, {"here": ["a.two"], "there": []})), 1)


class Program(unittest.TestCase):
    def test_names_come_from_the_portable_sources_without_the_canaries(self):
        names = compare_ports.portable_names()
        self.assertGreater(len(names), 300)
        self.assertFalse([name for name in names if name.startswith("canary.")])

    def run_main(self, *records):
        with tempfile.TemporaryDirectory() as folder:
            for record in records:
                path = pathlib.Path(folder, f"{record['config']}.json")
                path.write_text(json.dumps(record))
            text = io.StringIO()
            with mock.patch.object(verdict, "RESULTS", pathlib.Path(folder)), \
                    mock.patch.object(compare_ports, "portable_names", lambda: NAMES), \
                    mock.patch.object(sys, "argv", ["compare_ports", "one", "two"]), \
                    contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                return compare_ports.main(), text.getvalue()

    def test_counts_are_reported_and_the_status_tells(self):
        one = {"port": "hosted", "config": "one", "results": {"a.one": "ok", "a.two": "ok"}}
        two = dict(one, port="s390x", config="two")
        status, text = self.run_main(one, two)
        self.assertEqual(status, 0)
        self.assertIn("# report: two (s390x): 2 portable tests: 2 ok; 0 of its own", text)
        self.assertEqual(self.run_main(one, dict(two, results={"a.one": "ok"}))[0], 1)

    def test_configuration_without_results_is_an_error(self):
        one = {"port": "hosted", "config": "one", "results": {}}
        status, text = self.run_main(one)
        self.assertEqual((status, "two left no results" in text), (1, True))


if __name__ == "__main__":
    unittest.main()
