#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Line coverage of the hosted suites (build/hosted-coverage-gcc): run them, read gcov, print.

One line per source file: lines run, lines there are, share. --under FOLDER narrows; -j prints one
line of JSON. Exit status: 0, or 1 when the suites could not be run.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build/hosted-coverage-gcc"


def run_suites() -> None:
    for counts in OUT.rglob("*.gcda"):
        counts.unlink()
    with open(OUT / "log", "wb") as log:
        status = subprocess.run([str(OUT / "quire-tests")], stdout=log, stderr=log,
                                check=False).returncode
    if status not in (0, 1):
        sys.exit(f"coverage: the suites ended with {status}; see {OUT / 'log'}")


def read_counts() -> dict[str, tuple[int, int]]:
    """(lines run, lines) by source, from gcov's JSON."""
    lines: dict[str, dict[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [str(path) for path in OUT.rglob("*.gcda")]
        subprocess.run(["gcov", "--json-format", "--preserve-paths", *files], cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        for path in pathlib.Path(folder).glob("*.gcov.json.gz"):
            for source in json.loads(gzip.decompress(path.read_bytes()))["files"]:
                table = lines.setdefault(source["file"], {})
                for line in source["lines"]:
                    number = line["line_number"]
                    table[number] = max(table.get(number, 0), line["count"])
    return {name: (sum(1 for count in table.values() if count), len(table))
            for name, table in lines.items() if table and not name.startswith("/")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--under", default="", help="only sources below this folder")
    parser.add_argument("-j", "--json", action="store_true", help="one line of JSON")
    arguments = parser.parse_args()
    run_suites()
    counts = {name: value for name, value in sorted(read_counts().items())
              if name.startswith(arguments.under)}
    if arguments.json:
        print(json.dumps(counts))
        return 0
    for name, (run, total) in counts.items():
        print(f"{name:48} {run:6} of {total:6}  {100 * run / total:6.1f} %")
    run = sum(value[0] for value in counts.values())
    total = sum(value[1] for value in counts.values()) or 1
    print(f"{'total':48} {run:6} of {total:6}  {100 * run / total:6.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
