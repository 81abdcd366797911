#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the benches of the release kernel under -icount and compare with the stored baseline.

Figures are guest instructions per operation (one CPU, `-accel tcg,thread=single -icount
shift=0,sleep=off`), so they repeat whatever else this machine does. --store writes the baseline
tests/bench/baseline.json. Exit status: 0, or 1 when the kernel did not finish its benches.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tests/bench/baseline.json"
# Where others published the same work (issue 4), and what we want.
PUBLIC = {
    "mm.folio_order_0_pair": "goal 200, Linux 6.1 704",
    "mm.folio_order_9_pair": "goal 300, Linux 6.1 14594",
}
COMMAND = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=single",
           "-icount", "shift=0,sleep=off", "-cpu", "max", "-m", "1G", "-nodefaults", "-nographic",
           "-serial", "stdio", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


def measure(kernel: pathlib.Path, timeout: int) -> dict[str, float]:
    """Boot the kernel with run=bench; figures by name."""
    command = COMMAND + ["-kernel", str(kernel), "-append", 'loglevel=0 run="bench; cpus -j"']
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout, check=False)
    if done.returncode != 33:
        sys.exit(f"bench: QEMU ended with {done.returncode}, 33 was expected; it printed:\n"
                 f"{done.stdout[-2000:]}{done.stderr}")
    figures = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            if "value" in record:
                figures[record["name"]] = float(record["value"])
            elif "boot_instructions" in record:
                figures["boot.instructions"] = float(record["boot_instructions"])
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", type=pathlib.Path, default=ROOT / "build/x86_64/quire.elf")
    parser.add_argument("--timeout", type=int, default=300, help="seconds")
    parser.add_argument("--store", action="store_true", help="make these figures the baseline")
    parser.add_argument("-j", "--json", action="store_true", help="one line of JSON")
    arguments = parser.parse_args()
    figures = measure(arguments.kernel, arguments.timeout)
    if not figures:
        sys.exit("bench: the kernel printed no figure")
    if arguments.store:
        BASELINE.parent.mkdir(parents=True, exist_ok=True)
        BASELINE.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if arguments.json:
        print(json.dumps(figures, sort_keys=True))
        return 0
    print(f"{'figure':40} {'instructions':>14} {'baseline':>14} {'ratio':>7}  public")
    for name, value in sorted(figures.items()):
        base = baseline.get(name)
        ratio = f"{value / base:7.3f}" if base else "    new"
        print(f"{name:40} {value:14.2f} {base if base else '-':>14} {ratio}  "
              f"{PUBLIC.get(name, '')}".rstrip())
    print("repeat: " + " ".join(COMMAND) + f" -kernel {arguments.kernel} "
          "-append 'loglevel=0 run=\"bench; cpus -j\"'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
