#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How whole Linux's free memory stays beside a balloon: the other side of large_folios.py.

A Linux 6.1 guest holds 40 % of its memory in single pages, then a balloon of 25 % of its memory is
held, then given back. Two cases: `random`, random pages of nearly all memory were freed, so the
allocator had no say; `churn`, afterwards a tenth of the held pages was given back and taken again
twenty times. Printed at each point: free pages, whole free 2 MiB blocks, as many as those pages
could make, and the share in percent. Run by hand; about two minutes.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import guest  # noqa: E402
import linux_guest  # noqa: E402

SOURCE = ROOT / "tests/bench/large_folios_linux.c"
HELD = 40  # percent
CASES = {"random": 0, "churn": 20}
BLOCK_PAGES = 512
PATIENCE = 300


def ask(machine: guest.Guest, size: int) -> None:
    """Set the balloon's target and wait until query-balloon has it."""
    machine.qmp.execute("balloon", value=size)
    deadline = time.monotonic() + PATIENCE
    while machine.qmp.execute("query-balloon")["actual"] != size:
        if time.monotonic() > deadline:
            raise guest.GuestError(f"the balloon did not reach {size} bytes")
        time.sleep(0.1)


def figures(machine: guest.Guest, case: str, point: str) -> None:
    machine.type("")
    text = machine.wait_for(r"figures \d+ \d+ \d+", PATIENCE)
    free, whole, wrong = map(int, re.findall(r"\d+", text.rpartition("figures")[2]))
    if wrong:
        raise guest.GuestError(f"{wrong} pages lost what they held")
    best = free // BLOCK_PAGES
    print(f"LARGE system=linux case={case} point={point} free={free} whole={whole} best={best} "
          f"percent={100 * whole / best:.1f}", flush=True)


def measure(case: str, program: bytes, arguments: argparse.Namespace) -> None:
    script = f"{linux_guest.LOAD_BALLOON}\n/large_folios {HELD} {CASES[case]}"
    files = {"/large_folios": program, **linux_guest.balloon_files()}
    with tempfile.NamedTemporaryFile(prefix="quire-initrd-") as disk:
        disk.write(linux_guest.ram_disk([], script, files))
        disk.flush()
        # The last of several -kernel options holds.
        options = ("-kernel", str(linux_guest.kernel()), "-append", linux_guest.WORDS,
                   "-initrd", disk.name)
        with guest.Guest("--direct", "--build", arguments.build, "--memory", arguments.memory,
                         "--cpus", arguments.cpus, options=options) as machine:
            machine.wait_for(r"holding \d+", PATIENCE)
            figures(machine, case, "before")
            ask(machine, machine.memory * 3 // 4)
            figures(machine, case, "held")
            ask(machine, machine.memory)
            figures(machine, case, "after")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"), help="folder of quire.elf")
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--cpus", default="1")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="quire-large-") as folder:
            program = pathlib.Path(folder, "large_folios")
            subprocess.run(["gcc", "-O2", "-Wall", "-static", "-o", str(program), str(SOURCE)],
                           check=True)
            for case in CASES:
                measure(case, program.read_bytes(), arguments)
    except (guest.GuestError, linux_guest.LinuxError, subprocess.CalledProcessError) as error:
        print(f"large_folios_linux: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
