#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judge test logs: the only judge, for QEMU, for hosted runs and for a board's serial line.

Reads KTAP from files, or from stdin when none is named: the plan `1..N`, `# running NAME` before
each test, one result line per test, and the end line `# quire: PASS, 0 of N failed`. Text is the
first witness; --status, the exit status of what ran, is the second.

What counts as failed: `not ok`, ERROR, a test that checked nothing, a SKIP that tests/skips.txt
does not list for the port, a test that never ended (CRASH, or HANG when the status is 124), a
missing plan, end line or result, a panic, a sanitizer's report, a status that disagrees.

Results go to build/results/CONFIG.json for `make spec-coverage`. The last line printed is
`N passed, N failed, N skipped`; several logs are added up. Exit status: 0 nothing failed,
1 something failed, 2 a file cannot be read.
"""
import argparse
import fnmatch
import json
import pathlib
import re
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPS = ROOT / "tests/skips.txt"
RESULTS = ROOT / "build/results"
STATUS_PASS = (0, 33)
STATUS_TIME_LIMIT = 124
CONTEXT_LINES = 12
REPORT_LINES = 40

PLAN = re.compile(r"^1\.\.(\d+)\s*$")
RUNNING = re.compile(r"^# running (\S+)\s*$")
RESULT = re.compile(r"^(ok|not ok) (\d+) (\S+)(?: # ?(.*))?$")
CHECKS = re.compile(r"^(\d+) checks?\b")
END = re.compile(r"^# quire: (PASS|FAIL), (\d+) of (\d+) failed\s*$")
PANIC = re.compile(r"\bpanic: ")
SANITIZER = re.compile(r"==\d+==ERROR: |WARNING: ThreadSanitizer|\bruntime error: ")
CONTROL = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\r")


@dataclass
class Result:
    """What became of one test: ok, not ok, SKIP, ERROR, CRASH or HANG."""

    name: str
    outcome: str
    detail: str = ""
    context: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.outcome not in ("ok", "SKIP")


def read_skips(path: pathlib.Path, port: str) -> list[str]:
    """Name patterns whose SKIP is allowed on the port; lines are `port pattern reason`."""
    patterns = []
    if not path.exists():
        return patterns
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split(None, 2)
        if words and len(words) < 3:
            raise ValueError(f"{path}:{number}: port, test name and reason wanted")
        if words and words[0] in (port, "*"):
            patterns.append(words[1])
    return patterns


def is_listed(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


class Verdict:
    """Reads one log line by line and says what it proves."""

    def __init__(self, skips: list[str] | None = None, status: int | None = None):
        self.skips = skips or []
        self.status = status
        self.results: list[Result] = []
        self.planned: int | None = None
        self.running: str | None = None
        self.ended: re.Match | None = None
        self.troubles: list[str] = []
        self.reports: dict[int, list[str]] = {}  # what follows a trouble, by its number
        self.report: list[str] = [""] * REPORT_LINES  # full: none is being collected
        self.recent: list[str] = []

    def feed(self, raw: str) -> None:
        """Take one line of the log."""
        line = CONTROL.sub("", raw.rstrip("\n"))
        for pattern, action in (
            (PLAN, self._plan),
            (RUNNING, self._running),
            (RESULT, self._result),
            (END, self._end),
        ):
            match = pattern.match(line)
            if match:
                action(match)
                return
        self.recent = (self.recent + [line])[-CONTEXT_LINES:]
        # A panic inside a test is judged by that test's result: it may be the expected one.
        if SANITIZER.search(line) or (PANIC.search(line) and not self.running):
            where = f" (in {self.running})" if self.running else ""
            self.troubles.append(line.strip() + where)
            self.report = self.reports[len(self.troubles) - 1] = []
        elif len(self.report) < REPORT_LINES:
            self.report.append(line)

    def _plan(self, match: re.Match) -> None:
        if self.planned is not None:
            self.troubles.append("a second plan: the guest started again")
        self.planned = int(match.group(1))

    def _running(self, match: re.Match) -> None:
        if self.running:
            self._lost("no result line")
        self.running = match.group(1)
        self.recent = []

    def _result(self, match: re.Match) -> None:
        word, number, name, detail = match.groups()
        detail = detail or ""
        self.running = None
        if int(number) != len(self.results) + 1:
            self.troubles.append(
                f"result {number} of {name} comes where {len(self.results) + 1} was due"
            )
        self.results.append(self._classify(word, name, detail))
        self.recent = []

    def _classify(self, word: str, name: str, detail: str) -> Result:
        if any(name == result.name for result in self.results):
            return Result(name, "ERROR", "a second result of the same name", self.recent)
        if detail.startswith("SKIP"):
            if word == "ok" and is_listed(name, self.skips):
                return Result(name, "SKIP", detail[4:].strip())
            return Result(name, "ERROR", f"SKIP not listed in tests/skips.txt:{detail[4:]}")
        if detail.startswith("ERROR"):
            return Result(name, "ERROR", detail[5:].strip(), self.recent)
        if word == "not ok":
            return Result(name, "not ok", detail, self.recent)
        checks = CHECKS.match(detail)
        if not checks or int(checks.group(1)) == 0:
            return Result(name, "not ok", "no check ran", self.recent)
        return Result(name, "ok", detail)

    def _end(self, match: re.Match) -> None:
        if self.ended:
            self.troubles.append("a second end line")
        self.ended = match

    def _lost(self, why: str) -> None:
        """The running test never gave a result."""
        outcome = "HANG" if self.status == STATUS_TIME_LIMIT else "CRASH"
        self.results.append(Result(self.running, outcome, why, self.recent))
        self.running = None

    def _add(self, name: str, outcome: str, why: str) -> None:
        self.results.append(Result(name, outcome, why, self.recent))

    def finish(self) -> None:
        """The log is over: what is missing, and does the status agree?"""
        if self.running:
            self._lost("the log ends while it runs")
        elif not self.ended and not any(result.failed for result in self.results):
            self._add("end", "CRASH", "no end line `# quire: PASS|FAIL`")
        if self.planned is None:
            self._add("plan", "ERROR", "no plan line `1..N`")
        elif self.planned == 0:
            self._add("plan", "ERROR", "no test ran")
        elif self.planned > len(self.results):
            missing = self.planned - len(self.results)
            self._add("plan", "ERROR", f"{missing} of {self.planned} planned tests have no result")
        for number, trouble in enumerate(self.troubles):
            context = self.reports.get(number, self.recent)
            self.results.append(Result("log", "ERROR", trouble, context))
        self._witness()

    def _witness(self) -> None:
        said_fail = bool(self.ended) and self.ended.group(1) == "FAIL"
        failed = any(result.failed for result in self.results)
        if said_fail and not failed:
            self._add("end", "ERROR", "the end line says FAIL, no result does")
        elif self.status not in (None, *STATUS_PASS) and not failed:
            what = "the time limit" if self.status == STATUS_TIME_LIMIT else "a failure"
            self._add("status", "ERROR", f"exit status {self.status} means {what}")

    def count(self) -> tuple[int, int, int]:
        """Passed, failed, skipped."""
        failed = sum(result.failed for result in self.results)
        skipped = sum(result.outcome == "SKIP" for result in self.results)
        return len(self.results) - failed - skipped, failed, skipped

    def failures(self) -> str:
        """The failures as text, with what the log said before each."""
        text = []
        for result in self.results:
            if result.failed:
                text.append(f"{result.outcome}: {result.name}: {result.detail}".rstrip(": "))
                text += [f"    {line}" for line in result.context if line.strip()]
        return "".join(line + "\n" for line in text)


def judge(lines, skips: list[str] | None = None, status: int | None = None) -> Verdict:
    """The verdict on a whole log."""
    verdict = Verdict(skips, status)
    for line in lines:
        verdict.feed(line)
    verdict.finish()
    return verdict


def store(verdict: Verdict, port: str, config: str) -> None:
    """Keep the results for spec_coverage.py."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    record = {
        "port": port,
        "config": config,
        "results": {result.name: result.outcome for result in verdict.results},
    }
    (RESULTS / f"{config}.json").write_text(json.dumps(record, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", help="files; stdin when none is named")
    parser.add_argument("--port", default="x86_64", help="for tests/skips.txt (x86_64)")
    parser.add_argument("--config", help="name under which the results are kept")
    parser.add_argument("--status", type=int, help="exit status of what wrote the log")
    arguments = parser.parse_args()
    total = [0, 0, 0]
    try:
        skips = read_skips(SKIPS, arguments.port)
        for log in arguments.logs or ["/dev/stdin"]:
            with open(log, encoding="utf-8", errors="replace") as file:
                verdict = judge(file, skips, arguments.status)
            if arguments.config:
                store(verdict, arguments.port, arguments.config)
            sys.stdout.write(verdict.failures())
            total = [a + b for a, b in zip(total, verdict.count())]
    except (OSError, ValueError) as error:
        print(f"verdict: {error}", file=sys.stderr)
        return 2
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
