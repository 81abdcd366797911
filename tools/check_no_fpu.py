#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail if a function outside the allow list touches vector or floating-point state.

Kernel code runs with the vector registers of the interrupted thread still
live in the CPU; one stray instruction corrupts an application. Our own
objects are compiled without them (platform/PORT/build.mk); this looks at what was linked
with them. The ELF (or archive) is disassembled by objdump.

The allow list has one shell pattern a line, `#` starts a comment. Save and
restore instructions (fxsave, xsave, std, lfpc ...) count too, so the
functions that switch the state are named there.

Exit status: 0 clean, 1 a function uses such a register, 2 objdump failed.
"""

import argparse
import fnmatch
import re
import subprocess
import sys


class Machine:
    """The disassembler of a port, and what its floating-point code looks like."""

    def __init__(self, objdump: list[str], register: str, mnemonic: str):
        self.objdump = objdump
        self.register, self.mnemonic = re.compile(register), re.compile(mnemonic)


MACHINES = {
    "x86_64": Machine(
        ["objdump"],
        r"%[xyz]mm\d|%st\b|%mm\d|%k[0-7]\b",
        r"^(f(?!s:)[a-z0-9]+|v[a-z0-9]*(?:ps|pd|ss|sd|dqu|dqa)[a-z0-9]*|"
        r"emms|ldmxcsr|stmxcsr|xsave\w*|xrstor\w*)\b",
    ),
    # Every floating-point instruction names a register but those of the control register.
    "s390x": Machine(
        # An unknown instruction must not be taken for several short ones.
        ["s390x-linux-gnu-objdump", "-M", "insnlength"],
        r"%[fv]\d",
        r"^(l?fas|[ls]fpc|stfpc|efpc|sfasr|srnm[bt]?)\b",
    ),
}
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:")


def scan(path, port, only=()):
    """Functions of path that use such registers, and all functions seen.

    Returns a dictionary of name to first offending instruction, and the
    set of names. `only` limits the look to these names (faster on an
    archive); empty means all.
    """
    machine = MACHINES[port]
    command = [*machine.objdump, "-d", "--no-show-raw-insn", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    users, seen, name = {}, set(), None
    for line in process.stdout:
        match = FUNCTION.match(line)
        if match:
            name = match.group(1)
            if only and name not in only:
                name = None
            elif name:
                seen.add(name)
            continue
        if name is None or name in users or "\t" not in line:
            continue
        text = line.split("\t", 1)[1].strip()
        if machine.register.search(text) or machine.mnemonic.match(text):
            users[name] = text
    if process.wait() != 0:
        raise OSError("%s -d %s failed" % (machine.objdump[0], path))
    return users, seen


def read_allow(path):
    """The patterns of an allow list."""
    with open(path, encoding="utf-8") as file:
        lines = (line.split("#")[0].strip() for line in file)
        return [line for line in lines if line]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", choices=list(MACHINES), required=True)
    parser.add_argument("elf", help="file to disassemble")
    parser.add_argument("--allow", help="file with allowed names")
    arguments = parser.parse_args()
    try:
        allow = read_allow(arguments.allow) if arguments.allow else []
        users, seen = scan(arguments.elf, arguments.port)
    except OSError as error:
        sys.stderr.write("check_no_fpu: %s\n" % error)
        return 2
    if not seen:
        sys.stderr.write("check_no_fpu: %s: no function found\n" % arguments.elf)
        return 2
    bad = {
        name: text
        for name, text in users.items()
        if not any(fnmatch.fnmatch(name, p) for p in allow)
    }
    for name, text in sorted(bad.items()):
        print("%s: %s uses vector or floating-point state: %s" % (arguments.elf, name, text))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
