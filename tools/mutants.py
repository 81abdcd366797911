#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each one-line mutant of tests/mutants must turn its test red.

A mutant is a file NAME.mutant with four lines `file:`, `from:`, `to:` and `test:`; `from` must
stand exactly once in the file. The tree is copied to build/mutants, built there for the hosted
port, and the named test (suite.name, or a suite; explore.SCENARIO) is run: it must fail. Prints a line per mutant
and `N passed, N failed`; exit status 1 if a mutant survived.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build/mutants"
PROGRAM = "build/hosted-asan-gcc/quire-tests"
EXPLORER = "build/hosted-release-gcc/quire-explore"
# Dumps of real machines lie beside the tree, if anywhere: the copy must find them too.
FIXTURES = {"QUIRE_PCI_FIXTURES": str(ROOT.parent / "shared/fixtures/pci"), **os.environ}
FIELDS = ("file", "from", "to", "test")


def read_mutant(path: pathlib.Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    mutant = dict(line.split(": ", 1) for line in lines if ": " in line)
    if sorted(mutant) != sorted(FIELDS):
        sys.exit(f"mutants: {path.name} needs exactly the lines {', '.join(FIELDS)}")
    return mutant


def copy_tree() -> None:
    """The tracked files, as they are in the work tree; unchanged ones keep their objects."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def build(explore: bool = False) -> bool:
    kind, target = ("release", "explore") if explore else ("asan", "tests")
    return subprocess.run(["make", "-s", "-j2", "-f", "tools/build.mk", "PORT=hosted",
                           f"BUILD={kind}", "TOOLCHAIN=gcc", target], cwd=COPY,
                          capture_output=True, check=False).returncode == 0


def command_of(test: str) -> list[str]:
    if test.startswith("explore."):
        return [EXPLORER, test.removeprefix("explore.")]
    return [PROGRAM, f"tests={test}"]


def survives(mutant: dict[str, str]) -> str:
    """What went wrong, or an empty string when the test turned red."""
    path = COPY / mutant["file"]
    text = path.read_text()
    if text.count(mutant["from"]) != 1:
        return f"`{mutant['from']}` stands {text.count(mutant['from'])} times in {mutant['file']}"
    path.write_text(text.replace(mutant["from"], mutant["to"]))
    try:
        if not build(mutant["test"].startswith("explore.")):
            return "the mutant does not compile"
        done = subprocess.run(command_of(mutant["test"]), cwd=COPY, capture_output=True,
                              text=True, errors="replace", timeout=300, check=False, env=FIXTURES)
        if "no test matches" in done.stdout:
            return f"there is no test {mutant['test']}"
        if "# SKIP" in done.stdout:
            return f"{mutant['test']} was skipped"
        return "survived" if done.returncode == 0 else ""
    except subprocess.TimeoutExpired:
        return ""
    finally:
        path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="mutants to run (default: all)")
    arguments = parser.parse_args()
    paths = sorted((ROOT / "tests/mutants").glob("*.mutant"))
    if arguments.name:
        paths = [path for path in paths if path.stem in arguments.name]
    COPY.mkdir(parents=True, exist_ok=True)
    copy_tree()
    if not build():
        sys.exit("mutants: the tree itself does not build")
    failed = 0
    for path in paths:
        problem = survives(read_mutant(path))
        failed += bool(problem)
        print(f"{'not ok' if problem else 'ok'} {path.stem}{': ' + problem if problem else ''}",
              flush=True)
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
