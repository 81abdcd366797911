#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the portable tests have the same names and the same results wherever they ran?

A test is portable when its source stands in `tests` of a files.mk. The results are those that
tools/verdict.py kept in build/results/CONFIG.json; every CONFIG named must have every portable
test, with the same outcome. A SKIP may differ where tests/skips.txt gives the port a reason.
Prints the count for each CONFIG and KTAP for tools/verdict.py. Exit status: 0 equal, 1 not.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

import ktap
import verdict

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFINITION = re.compile(r"^TEST(?:_PANICS)?\(\s*(\w+)\s*,\s*(\w+)", re.M)
# Run one by one by tools/canary_test.py: they fail on purpose.
APART = "canary."


def portable_names() -> set[str]:
    """The names of all portable tests, from their sources."""
    done = subprocess.run(
        ["make", "-s", "-f", "tools/build.mk", "PORT=hosted", "BUILD=asan", "TOOLCHAIN=gcc",
         "list-tests"], cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = set()
    for source in done.stdout.split():
        found = DEFINITION.findall((ROOT / source).read_text())
        names |= {f"{suite}.{fact}" for suite, fact in found}
    return {name for name in names if not name.startswith(APART)}


def read_results(config: str) -> tuple[str, dict[str, str]]:
    """The port of a configuration, and the outcome of each of its tests."""
    path = verdict.RESULTS / f"{config}.json"
    if not path.exists():
        raise ValueError(f"{config} left no results: {path} is missing")
    record = json.loads(path.read_text())
    return record["port"], record["results"]


def missing(names: set[str], results: dict[str, dict[str, str]]) -> list[str]:
    """A line for each portable test that a configuration lacks."""
    return [f"{name} did not run in {config}"
            for config, outcomes in sorted(results.items()) for name in sorted(names - set(outcomes))]


def differing(names: set[str], results: dict[str, dict[str, str]],
              excused: dict[str, list[str]]) -> list[str]:
    """A line for each test whose outcomes differ without an excuse for the port."""
    lines = []
    for name in sorted(names):
        outcomes = {config: found[name] for config, found in results.items() if name in found}
        judged = {config: outcome for config, outcome in outcomes.items()
                  if outcome != "SKIP" or not verdict.is_listed(name, excused[config])}
        if len(set(judged.values())) > 1 or "SKIP" in judged.values():
            each = ", ".join(f"{config}: {outcome}" for config, outcome in sorted(outcomes.items()))
            lines.append(f"{name} differs: {each}")
    return lines


def check_lines(test: ktap.Ktap, lines: list[str]) -> None:
    test.check(not lines, f"{len(lines)} differences")
    for line in lines:
        test.check(False, line)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="+", help="names of steps of tools/test")
    arguments = parser.parse_args()
    try:
        names = portable_names()
        read = {config: read_results(config) for config in arguments.config}
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        print(f"compare_ports: {error}", file=sys.stderr)
        return 1
    results = {config: outcomes for config, (_, outcomes) in read.items()}
    excused = {config: verdict.read_skips(verdict.SKIPS, port)
               for config, (port, _) in read.items()}
    for config, outcomes in results.items():
        count = collections.Counter(outcomes[name] for name in names if name in outcomes)
        said = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items()))
        print(f"# report: {config} ({read[config][0]}): {len(names)} portable tests: {said}; "
              f"{len(set(outcomes) - names)} of its own")
    test = ktap.Ktap(2)
    test.run("ports.same_names", check_lines, missing(names, results))
    test.run("ports.same_results", check_lines, differing(names, results, excused))
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
