#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No C function above 60 lines, no source file above 800, no folder above its limit.

Functions are found by their braces at the left margin, which clang-format guarantees. One line
per fault; exit status 1 if there is any. With --count FOLDER...: the lines of C of each folder,
without blank lines and comments, which is what FOLDER_MAX limits.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_MAX, FILE_MAX = 60, 800
FOLDER_MAX = {"pci": 2500}
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')', re.S)


def function_faults(name: str, lines: list[str]) -> list[str]:
    faults, start = [], None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            length = number - start - 1
            if length > FUNCTION_MAX:
                faults.append(f"{name}:{start - 1}: a function of {length} lines, "
                              f"{FUNCTION_MAX} at most")
            start = None
    return faults


def lines_of_code(folder: str) -> int:
    """Of every *.c and *.h right in the folder: neither blank nor comment."""
    texts = [COMMENT_OR_STRING.sub(lambda found: found.group(1) or "", path.read_text())
             for path in sorted((ROOT / folder).glob("*.[ch]"))]
    return sum(1 for text in texts for line in text.splitlines() if line.strip())


def main() -> int:
    if sys.argv[1:2] == ["--count"]:
        for folder in sys.argv[2:]:
            print(f"{lines_of_code(folder)} {folder}")
        return 0
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "*.c", "*.h", "*.S", "*.py",
                           "tools/*"], capture_output=True, text=True, check=True)
    faults = []
    for name in sorted(set(done.stdout.splitlines())):
        if not (ROOT / name).is_file():
            continue
        lines = (ROOT / name).read_text().splitlines()
        if len(lines) > FILE_MAX:
            faults.append(f"{name}: {len(lines)} lines, {FILE_MAX} at most")
        if name.endswith((".c", ".h")):
            faults += function_faults(name, lines)
    for folder, most in FOLDER_MAX.items():
        if (count := lines_of_code(folder)) > most:
            faults.append(f"{folder}/: {count} lines of code, {most} at most")
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
