#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print a log with a source line beside each kernel address of its back traces.

Addresses are those of a back trace (`#2 0x1a2b4`) and, of x86-64, any in the kernel half;
addr2line reads the ELF that made the log (--elf, build/ARCH/quire.elf). The build id in the log's banner should be that of
the ELF. Reads stdin when no file is named. Exit status: 0, or 2 when a file cannot be read.
"""
import argparse
import pathlib
import re
import subprocess
import sys

from ports import PORTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"(?:\b(?:0x)?(?=ffffffff[89a-f][0-9a-f]{7}\b)|#\d+ 0x)([0-9a-f]+)\b")


def look_up(elf: str, addresses: list[str], cross: str) -> dict[str, str]:
    """`function at file:line` by address; addresses outside the code are left out."""
    if not addresses:
        return {}
    done = subprocess.run(
        [f"{cross}addr2line", "-f", "-e", elf, *addresses], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    places = {}
    for address, function, place in zip(addresses, lines[::2], lines[1::2]):
        if not place.startswith("??"):
            file, _, line = place.partition(":")
            if pathlib.Path(file).is_relative_to(ROOT):
                file = str(pathlib.Path(file).relative_to(ROOT))
            places[address] = f"{function} at {file}:{line}"
    return places


def symbolise(text: str, elf: str, cross: str = "") -> str:
    """The log with the places added at the ends of its lines."""
    places = look_up(elf, sorted(set(ADDRESS.findall(text))), cross)
    result = []
    for line in text.splitlines():
        found = [places[address] for address in ADDRESS.findall(line) if address in places]
        result.append(line + ("  <- " + ", ".join(found) if found else "") + "\n")
    return "".join(result)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", nargs="?", default="/dev/stdin")
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--elf")
    arguments = parser.parse_args()
    elf = arguments.elf or str(ROOT / "build" / arguments.arch / "quire.elf")
    try:
        with open(arguments.log, encoding="utf-8", errors="replace") as file:
            sys.stdout.write(symbolise(file.read(), elf, PORTS[arguments.arch].cross))
    except OSError as error:
        print(f"symbolise: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"symbolise: addr2line {elf}: {error.stderr.strip()}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
