#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot Quire in QEMU.

  run    with the shell in this terminal (Ctrl-A X ends QEMU); with --run COMMANDS nothing is
         read: the commands run, the machine powers off
  boot   the same without a shell: output to stdout, for the test runner
  debug  stopped before the first instruction, waiting for gdb; prints the line to type

The machine is tests/machines/NAME.conf: QEMU options, one a line, `include other.conf`, `#`.
Exit status: 0 every command (or test) succeeded, 1 one failed, 124 the time limit passed,
2 wrong use, otherwise QEMU's own.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading

import image
from ports import PORTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
MACHINES = ROOT / "tests/machines"
OVMF = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
VARIABLES = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
TIME_LIMIT = 124
ESCAPES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\r")
INCLUDE_DEPTH_MAX = 4
# Never guessed: a KVM node that opens may still be nested and slower than TCG, or broken.
ACCELERATORS = {"tcg": "tcg,thread=multi", "tcg-single": "tcg,thread=single", "kvm": "kvm"}


class UsageError(Exception):
    """The arguments or the machine file are wrong; the text says how."""


def read_machine(path: pathlib.Path, depth: int = 0) -> list[str]:
    """The QEMU options of a machine file."""
    if depth > INCLUDE_DEPTH_MAX:
        raise UsageError(f"{path}: includes go round in a circle")
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in MACHINES.glob("*.conf")))
        raise UsageError(f"no machine file {path}; in tests/machines: {known}")
    options = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "include" and len(words) == 2:
            options += read_machine(path.parent / words[1], depth + 1)
        elif words[0].startswith("-"):
            options += words
        else:
            raise UsageError(f"{path}:{number}: neither a QEMU option nor an include: {line}")
    return options


# How the image is attached: what a virtual machine has, and what a board has.
DISKS = {
    "virtio": ["-device", "virtio-blk-pci,bus=pcie.0,drive=disk0,bootindex=0,romfile="],
    "usb": ["-device", "qemu-xhci,bus=pcie.0,id=xhci0",
            "-device", "usb-storage,bus=xhci0.0,drive=disk0,bootindex=0"],
}  # fmt: skip

# What becomes of what the guest writes to it.
WRITES = {"forget": "snapshot=on", "keep": "snapshot=off", "refuse": "readonly=on"}


def machine_path(name: str) -> pathlib.Path:
    return pathlib.Path(name) if "/" in name else MACHINES / f"{name}.conf"


def command_line(arguments: argparse.Namespace) -> str:
    """The kernel's command line, run= included."""
    words = [arguments.cmdline.strip()] if arguments.cmdline.strip() else []
    if arguments.run:
        if '"' in arguments.run:
            raise UsageError("--run: the commands must not contain a double quote")
        words.append(f'run="{arguments.run}"')
    return " ".join(words)


def boot_options(arguments: argparse.Namespace, scratch: pathlib.Path) -> list[str]:
    """How the kernel gets in: firmware and disk, or directly."""
    build = pathlib.Path(arguments.build)
    text = command_line(arguments)
    if not arguments.firmware:
        return ["-kernel", str(build / "quire.elf"), "-append", text]
    if arguments.firmware == "ipl":
        return ipl_options(build / "quire.img", text, scratch, arguments.dry_run)
    variables = scratch / "vars.fd"
    if not arguments.dry_run:
        shutil.copy(VARIABLES, variables)
    options = [
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}",
        "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
        "-drive", f"if=none,id=disk0,format=raw,{WRITES[arguments.writes]},"
                  f"file={build / 'quire.img'}",
        *DISKS[arguments.disk],
    ]  # fmt: skip
    if text:
        options += ["-fw_cfg", "name=opt/quire/cmdline,string=" + text.replace(",", ",,")]
    return options


def ipl_options(disk: pathlib.Path, text: str, scratch: pathlib.Path, dry_run: bool) -> list[str]:
    """From the disk; another command line goes into a copy, as the machine has no way in for it."""
    if text:
        copy = scratch / "quire.img"
        if not dry_run and disk.exists():
            shutil.copy(disk, copy)
            try:
                image.set_command_line(copy, text)
            except image.ImageError as error:
                raise UsageError(str(error)) from error
        disk = copy
    return ["-drive", f"if=none,id=disk0,format=raw,snapshot=on,file={disk}",
            "-device", "virtio-blk-ccw,drive=disk0,bootindex=0"]


# Of a machine of four nodes: the nearest one is not the next one, and the first CPU is not of the
# first node. Node 3 has no CPU; node 4 has one and no memory, and node 3 is nearest to it.
DISTANCES = {(0, 1): 30, (0, 2): 20, (0, 3): 40, (1, 2): 25, (1, 3): 15, (2, 3): 35,
             (0, 4): 50, (1, 4): 50, (2, 4): 50, (3, 4): 45}
CPU_NODES = (1, 0, 4, 2)


def memory_options(memory: str, nodes: int, cpus: int) -> list[str]:
    """RAM that is promised, not set aside: 64 GiB run on a laptop. On several NUMA nodes each
    has an equal share, in whole units of the last letter of `memory`. Four nodes have a fifth
    without memory, distances, and CPUs that are told to be on them by turns."""
    def cpus_of(node: int) -> str:
        return "".join(f",cpus={cpu}" for cpu in range(cpus)
                       if nodes == 4 and CPU_NODES[cpu % len(CPU_NODES)] == node)

    share = f"{int(memory[:-1]) // nodes}{memory[-1]}"
    options = []
    for node in range(nodes):
        options += ["-object", f"memory-backend-ram,id=ram{node},size={share},reserve=off"]
        if nodes > 1:
            options += ["-numa", f"node,nodeid={node},memdev=ram{node}{cpus_of(node)}"]
    if nodes == 4:
        options += ["-numa", f"node,nodeid=4{cpus_of(4)}"]
        for (one, other), distance in DISTANCES.items():
            options += ["-numa", f"dist,src={one},dst={other},val={distance}"]
    return options if nodes > 1 else [*options, "-machine", "memory-backend=ram0"]


def build_command(arguments: argparse.Namespace, scratch: pathlib.Path) -> list[str]:
    """The whole QEMU command; files it needs of its own go into scratch."""
    port = PORTS[arguments.arch]
    interactive = arguments.mode != "boot" and not arguments.run
    machine = read_machine(machine_path(arguments.machine))
    own_console = any("id=console0" in option for option in machine)
    return [
        port.qemu, "-nodefaults", "-no-user-config", "-no-reboot",
        "-display", "none",
        *([] if own_console else ["-serial", "mon:stdio" if interactive else "stdio"]),
        *port.ends,
        "-accel", ACCELERATORS[arguments.accel], "-cpu", "max", "-smp", str(arguments.cpus),
        "-m", arguments.memory, *machine,
        *memory_options(arguments.memory, arguments.nodes, arguments.cpus),
        *boot_options(arguments, scratch),
        *(["-S", "-gdb", f"tcp:127.0.0.1:{arguments.gdb_port}"]
          if arguments.mode == "debug" else []),
        *shlex.split(arguments.qemu),
    ]  # fmt: skip


def check_files(arguments: argparse.Namespace) -> None:
    build, port = pathlib.Path(arguments.build), PORTS[arguments.arch]
    needed = [build / ("quire.img" if arguments.firmware else "quire.elf")]
    needed += [OVMF] if arguments.firmware == "uefi" else []
    for path in needed:
        if not path.exists():
            raise UsageError(f"{path} is missing; `make image` builds it, tools/setup installs")
    if not shutil.which(port.qemu):
        raise UsageError(f"{port.qemu} is missing; tools/setup installs it")
    if arguments.firmware == "uefi" and "microvm" in " ".join(read_machine(machine_path(arguments.machine))):
        raise UsageError("microvm has no UEFI firmware; use --direct")


def run_interactive(command: list[str]) -> int:
    """QEMU owns the terminal; Ctrl-C goes to the guest; the terminal is put back afterwards."""
    saved = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        if saved:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


def copy_text(source, sink) -> None:
    """Bytes as they come, without the firmware's cursor movements."""
    pending = b""
    while block := os.read(source.fileno(), 65536):
        text = ESCAPES.sub(b"", pending + block)
        # An escape sequence may be cut in two by the block's end.
        cut = text.rfind(b"\x1b", max(0, len(text) - 16))
        text, pending = (text[:cut], text[cut:]) if cut >= 0 else (text, b"")
        sink.write(text)
        sink.flush()
    sink.write(pending)
    sink.flush()


def run_batch(command: list[str], limit: float) -> int:
    """QEMU's output to stdout; ends it at the time limit or on Ctrl-C."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        copier = threading.Thread(
            target=copy_text, args=(process.stdout, sys.stdout.buffer), daemon=True
        )
        copier.start()
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return TIME_LIMIT
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
        finally:
            process.kill()
            process.wait()
            copier.join(5)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", choices=["run", "boot", "debug"])
    how = parser.add_mutually_exclusive_group()
    for port in PORTS.values():
        how.add_argument(f"--{port.firmware}", dest="firmware", action="store_const",
                         const=port.firmware, help=f"BUILD/quire.img as disk, {port.name} only")
    how.add_argument("--direct", action="store_true", help="QEMU loads BUILD/quire.elf (default)")
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")
    parser.add_argument("--machine", help="tests/machines/NAME.conf, or a path")
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--nodes", type=int, default=1, help="NUMA nodes that share the memory")
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--accel", choices=list(ACCELERATORS), default="tcg")
    parser.add_argument("--cmdline", default="", help="the kernel's command line")
    parser.add_argument("--disk", choices=sorted(DISKS), default="virtio", help="with --uefi")
    parser.add_argument("--writes", choices=list(WRITES), default="forget",
                        help="with --uefi: to the image")
    parser.add_argument("--run", default="", help="shell commands, with `;` between them")
    parser.add_argument("--timeout", type=float, default=300, help="seconds, run --run and boot")
    parser.add_argument("--gdb-port", type=int, default=1234)
    parser.add_argument("--qemu", default="", help="further QEMU options")
    parser.add_argument("-n", "--dry-run", action="store_true", help="print the command only")
    return parser


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The arguments, with what depends on the architecture filled in."""
    parser = make_parser()
    arguments = parser.parse_args(words)
    port = PORTS[arguments.arch]
    if arguments.firmware not in (None, port.firmware):
        parser.error(f"{port.name} boots its disk by --{port.firmware}")
    arguments.build = arguments.build or str(ROOT / "build" / port.name)
    arguments.machine = arguments.machine or port.machine
    return arguments


def execute(arguments: argparse.Namespace, command: list[str]) -> int:
    port = PORTS[arguments.arch]
    if arguments.mode == "debug":
        elf = pathlib.Path(arguments.build) / "quire.elf"
        print(
            # A hardware breakpoint: the address is not mapped yet.
            f"Stopped. In another terminal:\n  {port.gdb} -q -ex 'target remote 127.0.0.1:"
            f"{arguments.gdb_port}' -ex 'hbreak kmain' -ex continue {elf}",
            flush=True,
        )
    if arguments.mode == "boot" or arguments.run:
        status = run_batch(command, arguments.timeout)
    else:
        status = run_interactive(command)
    if status == TIME_LIMIT:
        print(f"\nqemu: the time limit of {arguments.timeout:g} s passed", file=sys.stderr)
    return port.status.get(status, status if status >= 0 else 128 - status)


def main() -> int:
    arguments = parse()
    try:
        with tempfile.TemporaryDirectory(prefix="quire-") as scratch:
            command = build_command(arguments, pathlib.Path(scratch))
            if arguments.dry_run:
                print(shlex.join(command))
                return 0
            check_files(arguments)
            return execute(arguments, command)
    except UsageError as error:
        print(f"qemu: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
