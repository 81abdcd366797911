#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn the commands that `make -n V=1` prints (standard input) into compile_commands.json."""
import json
import os
import re
import sys


def main() -> int:
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    entries = []
    for line in sys.stdin:
        match = re.search(r"((?:gcc|clang) .* -c (\S+\.[cS]) -o \S+)", line)
        if match:
            entries.append({"directory": os.getcwd(), "command": match[1], "file": match[2]})
    json.dump(entries, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
