# SPDX-License-Identifier: MIT
"""The judge on good logs and on every kind of bad one: each must be seen for what it is."""
import subprocess
import sys
import tempfile
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import verdict  # noqa: E402

HEAD = "KTAP version 1\n# quire v0 cpus=1 seed=0\n1..2\n"
ONE = "# running a.one\nok 1 a.one # 3 checks\n"
TWO = "# running a.two\nok 2 a.two # 1 checks\n"
PASS = "# quire: PASS, 0 of 2 failed\n"
FAIL = "# quire: FAIL, 1 of 2 failed\n"


def judge(text, skips=(), status=None):
    return verdict.judge(text.splitlines(True), list(skips), status)


def outcome(judged, name):
    return [result.outcome for result in judged.results if result.name == name]


class GoodLogs(unittest.TestCase):
    def test_passing_log_passes(self):
        self.assertEqual(judge(HEAD + ONE + TWO + PASS, status=33).count(), (2, 0, 0))

    def test_carriage_returns_and_colours_do_not_matter(self):
        text = (
            (HEAD + ONE + TWO + PASS).replace("\n", "\r\n").replace("# running", "\x1b[0m# running")
        )
        self.assertEqual(judge(text).count(), (2, 0, 0))

    def test_firmware_noise_before_the_plan_does_not_matter(self):
        self.assertEqual(judge("BdsDxe: loading\n" + HEAD + ONE + TWO + PASS).count(), (2, 0, 0))

    def test_listed_skip_is_counted_as_skipped(self):
        text = HEAD + ONE + "# running a.two\nok 2 a.two # SKIP no device\n" + PASS
        self.assertEqual(judge(text, ["a.t*"]).count(), (1, 0, 1))


class BadLogs(unittest.TestCase):
    def test_failing_test_is_reported_with_its_context(self):
        text = (
            HEAD + ONE + "# running a.two\n# failed x.c:1: n == 2\nnot ok 2 a.two # x.c:1\n" + FAIL
        )
        judged = judge(text, status=35)
        self.assertEqual(judged.count(), (1, 1, 0))
        self.assertIn("x.c:1: n == 2", judged.failures())

    def test_empty_test_fails(self):
        for detail in ("# 0 checks", ""):
            text = HEAD + ONE + f"# running a.two\nok 2 a.two {detail}".rstrip() + "\n" + PASS
            self.assertEqual(judge(text).count(), (1, 1, 0), detail)

    def test_leaking_test_fails_by_what_the_runner_says(self):
        text = HEAD + ONE + "# running a.two\n# failed mm: lost 3 pages\n"
        text += "not ok 2 a.two # mm: lost 3 pages\n" + FAIL
        judged = judge(text)
        self.assertIn("lost 3 pages", judged.failures())
        self.assertEqual(judged.count(), (1, 1, 0))

    def test_crash_is_put_on_the_test_that_ran(self):
        judged = judge(HEAD + ONE + "# running a.two\npanic: page fault at 0\n", status=35)
        self.assertEqual(outcome(judged, "a.two"), ["CRASH"])
        self.assertIn("page fault", judged.failures())

    def test_hang_is_told_from_crash_by_the_status(self):
        judged = judge(HEAD + ONE + "# running a.two\n", status=124)
        self.assertEqual(outcome(judged, "a.two"), ["HANG"])

    def test_missing_end_line_fails(self):
        self.assertEqual(judge(HEAD + ONE + TWO).count(), (2, 1, 0))

    def test_error_counts_as_failed(self):
        text = HEAD + ONE + "# running a.two\nnot ok 2 a.two # ERROR out of memory\n" + FAIL
        judged = judge(text)
        self.assertEqual(outcome(judged, "a.two"), ["ERROR"])
        self.assertEqual(judged.count(), (1, 1, 0))

    def test_unlisted_skip_fails(self):
        text = HEAD + ONE + "# running a.two\nok 2 a.two # SKIP lazy\n" + PASS
        self.assertEqual(judge(text, ["a.three"]).count(), (1, 1, 0))

    def test_fewer_results_than_planned_fail(self):
        self.assertEqual(judge(HEAD + ONE + PASS).count(), (1, 1, 0))

    def test_empty_log_fails(self):
        self.assertGreater(judge("").count()[1], 0)
        self.assertGreater(judge("1..0\n# quire: PASS, 0 of 0 failed\n").count()[1], 0)

    def test_status_that_disagrees_fails(self):
        self.assertEqual(judge(HEAD + ONE + TWO + PASS, status=35).count(), (2, 1, 0))
        self.assertEqual(judge(HEAD + ONE + TWO + PASS, status=124).count(), (2, 1, 0))

    def test_end_line_that_disagrees_fails(self):
        self.assertEqual(judge(HEAD + ONE + TWO + FAIL).count(), (2, 1, 0))

    def test_sanitizer_report_outside_a_test_fails(self):
        for line in (
            "==1==ERROR: AddressSanitizer: x",
            "WARNING: ThreadSanitizer: data race",
            "mm/a.c:3:4: runtime error: shift",
            "==9==ERROR: LeakSanitizer: leaks",
        ):
            self.assertEqual(judge(HEAD + ONE + TWO + PASS + line + "\n").count(), (2, 1, 0), line)

    def test_panic_between_tests_fails_and_an_expected_one_inside_does_not(self):
        text = HEAD + ONE + TWO.replace("\nok", "\npanic: a.c:1: wanted\nok") + PASS
        self.assertEqual(judge(text).count(), (2, 0, 0))
        text = HEAD + ONE + TWO + "panic: a.c:1: late\n" + PASS
        self.assertEqual(judge(text).count(), (2, 1, 0))

    def test_sanitizer_report_is_shown_with_what_follows_it(self):
        report = "WARNING: ThreadSanitizer: data race\n  Write of size 8\n    #0 f a.c:7\n"
        text = HEAD + ONE + "# running a.two\n" + report + "ok 2 a.two # 1 checks\n" + PASS
        self.assertIn("#0 f a.c:7", judge(text).failures())

    def test_restart_of_the_guest_fails(self):
        self.assertGreater(judge(HEAD + ONE + HEAD + ONE + TWO + PASS).count()[1], 0)


class Program(unittest.TestCase):
    def run_on(self, *texts):
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for number, text in enumerate(texts):
                path = pathlib.Path(folder, f"{number}.log")
                path.write_text(text)
                names.append(str(path))
            return subprocess.run(
                [sys.executable, str(ROOT / "tools/verdict.py"), *names],
                capture_output=True,
                text=True,
                check=False,
            )

    def test_last_line_and_status_for_several_logs(self):
        done = self.run_on(HEAD + ONE + TWO + PASS, HEAD + ONE + "# running a.two\n")
        self.assertEqual(done.stdout.splitlines()[-1], "3 passed, 1 failed, 0 skipped")
        self.assertEqual(done.returncode, 1)

    def test_status_zero_only_when_nothing_failed(self):
        self.assertEqual(self.run_on(HEAD + ONE + TWO + PASS).returncode, 0)

    def test_skip_list_line_without_reason_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "skips.txt")
            path.write_text("x86_64 a.b\n")
            with self.assertRaises(ValueError):
                verdict.read_skips(path, "x86_64")


if __name__ == "__main__":
    unittest.main()
