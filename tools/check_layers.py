#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the layers of the design, and rules of the house that no compiler knows.

An include points down or stays on its floor (table FLOORS). mm/, pci/, drivers/ and kernel/ hold
no conditional on a platform. Every source is in a files.mk, starts with its SPDX line, and every
folder of sources has a README.md. One line per fault; exit status 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Longest prefix wins. Floor of the file, highest floor it may include.
FLOORS = [
    ("platform/x86_64/", 1, 1), ("platform/s390x/", 1, 1), ("platform/paging/", 1, 1),
    ("platform/hosted/", 1, 5),
    ("platform/", 0, 0),
    ("kernel/main.c", 5, 5), ("kernel/user/", 5, 5), ("kernel/", 1, 1), ("mm/", 2, 2),
    ("pci/", 3, 3), ("drivers/", 4, 4), ("tests/", 5, 5), ("boot/", 5, 5), ("tools/", 5, 5),
    ("apps/", 5, 5),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([a-z_0-9]+/[^>"]+)[>"]', re.M)
CONDITIONAL = re.compile(r"^\s*#\s*(?:el)?if.*\b(__x86_64__|__s390x?__|__aarch64__|QUIRE_HOSTED|"
                         r"__linux__|__BYTE_ORDER__)", re.M)
PORTABLE = ("mm/", "pci/", "drivers/", "kernel/")
OURS = ("boot", "kernel", "mm", "pci", "drivers", "platform", "tests", "tools", "apps", "linker")


def floor(path: str) -> tuple[int, int]:
    for prefix, own, most in sorted(FLOORS, key=lambda row: -len(row[0])):
        if path.startswith(prefix):
            return own, most
    return 5, 5


def tracked() -> list[str]:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others",
                           "--exclude-standard"], capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def include_faults(name: str, text: str) -> list[str]:
    most = floor(name)[1]
    faults = []
    for target in INCLUDE.findall(text):
        folder = target.split("/")[0]
        if folder not in OURS or floor(target)[0] <= most:
            continue
        faults.append(f"{name}: includes {target}, which lies above floor {most}")
    return faults


def rule_faults(name: str, text: str, listed: str) -> list[str]:
    faults = []
    if "SPDX-License-Identifier: MIT" not in text[:300]:
        faults.append(f"{name}: no line `SPDX-License-Identifier: MIT` at its head")
    if name.startswith(PORTABLE) and CONDITIONAL.search(text):
        faults.append(f"{name}: conditional on a platform; put it behind platform/*.h")
    compiled = name.endswith((".c", ".S")) and not name.startswith(("tools/", "apps/"))
    stem = pathlib.Path(name).name
    if compiled and name not in listed and stem.removesuffix("_fuzz.c") not in listed:
        faults.append(f"{name}: stands in no files.mk")
    if re.search(r"[ \t]+$", text, re.M):
        faults.append(f"{name}: trailing white space")
    return faults


def main() -> int:
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    names = [name for name in tracked() if name.endswith((".c", ".h", ".S", ".py", ".mk", ".lds"))]
    listed = "\n".join((ROOT / name).read_text() for name in names if name.endswith(".mk"))
    faults = []
    for name in names:
        text = (ROOT / name).read_text()
        faults += rule_faults(name, text, listed)
        if name.endswith((".c", ".h", ".S")):
            faults += include_faults(name, text)
    folders = {name.split("/")[0] for name in names if "/" in name}
    folders |= {"/".join(name.split("/")[:2]) for name in names if name.startswith("platform/")
                and name.count("/") == 2}
    faults += [f"{folder}: no README.md" for folder in sorted(folders)
               if not (ROOT / folder / "README.md").exists()]
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
