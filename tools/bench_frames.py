#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure the frame allocator as a library beside the best public figures.

Builds libquire_mm.a and tests/bench/frames_workloads.c with clang -O2 -march=x86-64-v3, and again
with -mgeneral-regs-only as for the kernel, and counts host instructions by callgrind (fixed
caches). A figure is instructions per operation; a pair is one. To repeat one:
  valgrind --tool=callgrind --toggle-collect='measured_*' PROGRAM WORKLOAD ORDER [GIB]
Folios are measured on the target (tools/bench.py). The public figures are from callgrind runs of the same work on other allocators: issue 4 names them.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALLGRIND = ["valgrind", "--tool=callgrind", "--toggle-collect=measured_*", "--cache-sim=yes",
             "--D1=32768,8,64", "--LL=33554432,16,64"]
# name, workload, order, GiB, best public figure, goal
INSTRUCTIONS = [
    ("order 0, repeated pair, empty", "repeat-empty", 0, "LLFree-c 625", 125),
    ("order 0, repeated pair, half full", "repeat-half", 0, "LLFree-c 625", 125),
    ("order 0, repeated pair, two threads", "repeat-threads", 0, "LLFree-c 625", 125),
    ("order 0, take all", "take", 0, "unlocked buddy 132", 120),
    ("order 0, free in the same order", "free-same", 0, "unlocked buddy 157", 120),
    ("order 0, free in reverse", "free-reverse", 0, "unlocked buddy 157", 120),
    ("order 0, free at random", "free-random", 0, "unlocked buddy 157", 120),
    ("order 9, repeated pair", "repeat-empty", 9, "LLFree-c 491", 200),
    ("order 9, take all, 512 rounds", "take", 9, "unlocked buddy 153", 150),
    ("order 9, free all, 512 rounds", "free-same", 9, "unlocked buddy 180", 150),
]
CHURN = [(16, "LLFree-c 96.5", 97), (4, "LLFree-c 86.9", 93), (1, "LLFree-c 49.6", 85)]


def build(kind: str) -> pathlib.Path:
    subprocess.run(["make", "-s", "-j2", "-C", str(ROOT), "-f", "tools/build.mk", "PORT=hosted",
                    f"BUILD={kind}", "TOOLCHAIN=clang", "workloads"], check=True)
    return ROOT / f"build/hosted-{kind}-clang/frames_workloads"


def field(text: str, name: str) -> float:
    found = re.search(rf"^{name} ([\d.]+)$", text, re.M)
    if not found:
        sys.exit(f"bench_frames: the program did not print {name}:\n{text}")
    return float(found.group(1))


def count(program: pathlib.Path, workload: str, order: int) -> tuple[float, float]:
    """Instructions and first-level data cache misses per operation."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind"
        done = subprocess.run([*CALLGRIND, f"--callgrind-out-file={out}", str(program), workload,
                               str(order)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench_frames: {workload} {order} failed:\n{done.stderr[-2000:]}")
        text = out.read_text()
    events = re.search(r"^events: (.*)$", text, re.M).group(1).split()
    totals = re.search(r"^(?:summary|totals): (.*)$", text, re.M).group(1).split()
    sums = dict(zip(events, map(int, totals + ["0"] * len(events))))
    operations = field(done.stdout, "operations")
    return sums["Ir"] / operations, (sums["D1mr"] + sums["D1mw"]) / operations


def plain(program: pathlib.Path, *arguments: str) -> str:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench_frames: {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def measure() -> list[dict]:
    kernel = build("library-general")
    library = build("library")
    rows = []
    for name, workload, order, public, goal in INSTRUCTIONS:
        instructions, misses = count(library, workload, order)
        rows.append({"name": name, "how": f"{workload} {order}", "value": instructions, "general": count(kernel, workload,
                     order)[0], "misses": misses, "public": public, "goal": goal, "most": True})
    for gib, public, goal in CHURN:
        text = plain(library, "churn", "0", str(gib))
        rows.append({"name": f"whole 2 MiB free after churn, {gib} GiB, %",
                     "how": f"churn 0 {gib}", "value":
                     field(text, "percent"), "public": public, "goal": goal, "most": False})
    state = field(plain(library, "take", "9"), "state_bytes")
    rows.append({"name": "state per frame of 1 GiB, CPUs apart, bytes", "how": "take 9",
                 "value": state / 2 ** 18,
                 "public": "0.14", "goal": 0.25, "most": True})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", "--json", action="store_true", help="one line of JSON")
    arguments = parser.parse_args()
    rows = measure()
    if arguments.json:
        print(json.dumps(rows))
        return 0
    print(f"{'host instructions per operation':44} {'Quire':>8} {'general':>8} {'D1 miss':>8} "
          f"{'goal':>6}  {'best public':20} WORKLOAD")
    for row in rows:
        met = row["value"] <= row["goal"] if row["most"] else row["value"] >= row["goal"]
        second = f"{row['general']:8.2f} {row['misses']:8.3f}" if "general" in row else " " * 17
        print(f"{row['name']:44} {row['value']:8.2f} {second} {row['goal']:6}  {row['public']:20} "
              f"{row['how']}{'' if met else '  (goal missed)'}")
    print("repeat: " + " ".join(CALLGRIND[:3]).replace("measured_*", "'measured_*'") +
          " build/hosted-library-clang/frames_workloads WORKLOAD")
    return 0


if __name__ == "__main__":
    sys.exit(main())
