#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which rows of which specification passed where in the last run of `make test`.

A row's id stands in the name of its test with `_` for `-` (F-T12: `folio.F_T12_...`), as a whole
word. tests/spec_rows.txt lists the ids, the ports each must pass on and the issue it is due in;
results are those tools/verdict.py kept in build/results. --due N counts only rows due up to
issue N. Prints a line per specification, then each due row that is missing. Exit status 1 if a due
row failed or did not run on a port it must run on.
"""
import argparse
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build/results"
NAMES = {"F": "folio", "M": "mapping-dma", "L": "list-lru", "S": "shrinker",
         "D": "deferred-split", "B": "balloon core", "V": "balloon virtio", "W": "balloon VMware",
         "C": "balloon CMM", "A": "pci-atomicops", "P": "pt-shadow"}
IDENTITY = re.compile(r"(?<![A-Za-z0-9])([FMLSDBVWCAP])_T(\d+)(?![A-Za-z0-9])")


def read_rows() -> list[tuple[str, set[str], int]]:
    rows = []
    for line in (ROOT / "tests/spec_rows.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            identity, ports, issue = line.split()[:3]
            rows.append((identity, set(ports.split(",")), int(issue)))
    return rows


def read_results() -> tuple[dict[str, set[str]], set[str]]:
    """Ports on which a test of each id passed everywhere it ran; ids with a failure."""
    passed: dict[str, set[str]] = collections.defaultdict(set)
    failed = set()
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text())
        for name, outcome in record["results"].items():
            for letter, number in IDENTITY.findall(name):
                identity = f"{letter}-T{number}"
                if outcome == "ok":
                    passed[identity].add(record["port"])
                elif outcome != "SKIP":
                    failed.add(identity)
    return passed, failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--due", type=int, default=2, help="issue up to which rows are due")
    arguments = parser.parse_args()
    rows = read_rows()
    passed, failed = read_results()
    known = {identity for identity, _, _ in rows}
    missing = [f"{identity}: {'failed' if identity in failed else 'did not pass on ' + ', '.join(sorted(ports - passed[identity]))}"
               for identity, ports, issue in rows
               if issue <= arguments.due and (identity in failed or ports - passed[identity])]
    unknown = sorted((set(passed) | failed) - known)
    print(f"{'specification':18} {'rows':>5} {'tested':>7} {'hosted only':>12} {'failed':>7}")
    for letter, name in NAMES.items():
        ids = [identity for identity, _, _ in rows if identity.startswith(letter + "-")]
        tested = [identity for identity in ids if passed[identity] and identity not in failed]
        alone = [identity for identity in tested if passed[identity] == {"hosted"}]
        print(f"{name:18} {len(ids):5} {len(tested):7} {len(alone):12} "
              f"{sum(identity in failed for identity in ids):7}")
    print("".join(f"{line}\n" for line in missing), end="")
    print("".join(f"{identity}: no such row in tests/spec_rows.txt\n" for identity in unknown),
          end="")
    return 1 if missing or unknown or failed else 0


if __name__ == "__main__":
    sys.exit(main())
