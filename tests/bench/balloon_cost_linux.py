#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the virtio balloon of Linux 6.1 costs: the figures that balloon_cost.py prints beside ours.

The same machine, the same resize, the same counters, with Debian's kernel. Prints kicks, interrupts
and uses of the configuration per GiB, and instructions per 4 KiB page. Debian's kernel clears every
page it takes, for the balloon too; here it is told not to (init_on_alloc=0), --clear leaves it at
that. Run by hand; two to three minutes.
"""
import argparse
import sys
import tempfile

import balloon_cost

sys.path.insert(0, str(balloon_cost.ROOT / "tools"))

import linux_guest  # noqa: E402

READY = "quire-linux-ready"
SCRIPT = f"{linux_guest.LOAD_BALLOON}\necho {READY}\nsleep 10000"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(balloon_cost.ROOT / "build/x86_64-release-gcc"),
                        help="folder of quire.elf")
    parser.add_argument("--clear", action="store_true", help="pages are cleared, as by default")
    arguments = parser.parse_args()
    words = linux_guest.WORDS + ("" if arguments.clear else " init_on_alloc=0")
    with tempfile.NamedTemporaryFile(prefix="quire-initrd-") as disk:
        disk.write(linux_guest.ram_disk([], SCRIPT, linux_guest.balloon_files()))
        disk.flush()
        options = ("-kernel", str(linux_guest.kernel()), "-append", words, "-initrd", disk.name)
        with balloon_cost.machine(arguments.build, options) as measured:
            measured.vm.wait_for(READY, balloon_cost.PATIENCE)
            for direction, size in (("inflating", balloon_cost.SMALL),
                                    ("deflating", balloon_cost.FULL)):
                result = measured.resize(size)
                pages = len(result.pop("told"))
                for name, value in result.items():
                    share = value / (pages if name == "instructions" else balloon_cost.MOVED)
                    print(f"{direction}.{name} {share:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
