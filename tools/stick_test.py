#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report that the loader leaves on the stick it was started from.

Boots copies of quire.img as USB stick under OVMF on tests/machines/fabric.conf and reads the
files back with mtools: the report is what the kernel's `atomics` prints in the same boot, the
dump has every function and, read by build/hosted/atomics and by pciutils' lspci, says the same.
A stick that is full, read-only or has used up all numbers is said to be so, and the boot goes on.
Prints KTAP for tools/verdict.py. Exit status: 0 all well, 1 not.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import guest
import ktap

ROOT = pathlib.Path(__file__).resolve().parent.parent
ATOMICS = ROOT / "build/hosted/atomics"
PARTITION = "@@1M"
FOLDER = "::/EFI/quire/reports"
FUNCTION = re.compile(r"^((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", re.M)
ROW = re.compile(r"^[0-9a-f]{2,3}:(?: [0-9a-f]{2}){16}$", re.M)
LEAST_FUNCTIONS = 22
LEAST_REQUESTERS = 5
NUMBERS = 99
ROOM_LEFT = 160 << 10  # enough for the report, not for the dump
# The kernel's drivers and firmware's switch mastering on and off.
LOOSE = re.compile(r"BusMaster=[01]")


class Stick:
    """A copy of quire.img."""

    def __init__(self, folder: str, build: str):
        self.folder = pathlib.Path(folder)
        self.image = self.folder / "quire.img"
        shutil.copy(pathlib.Path(build) / "quire.img", self.image)

    def mtools(self, program: str, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([program, "-i", f"{self.image}{PARTITION}", *words], text=True,
                              capture_output=True, check=False)

    def read(self, name: str) -> str:
        return self.mtools("mtype", f"{FOLDER}/{name}").stdout

    def names(self) -> list[str]:
        return sorted(self.mtools("mdir", "-b", FOLDER).stdout.replace(FOLDER + "/", "").split())

    def put(self, name: str, size: int) -> None:
        file = self.folder / "file"
        with open(file, "wb") as empty:
            empty.truncate(size)
        self.mtools("mcopy", str(file), f"::{name}")

    def free(self) -> int:
        text = self.mtools("mdir", "::").stdout
        return int(re.search(r"([\d ]+) bytes free", text).group(1).replace(" ", ""))

    def boot(self, *words: str) -> guest.Guest:
        return guest.Guest("--uefi", "--disk", "usb", "--machine", "fabric", "--memory", "512M",
                           "--cpus", "1", "--build", str(self.folder), *words)


def with_stick(run):
    """A test of (test, build) that gets a fresh stick."""
    def started(test: ktap.Ktap, build: str) -> None:
        with tempfile.TemporaryDirectory(prefix="quire-stick-") as folder:
            run(test, Stick(folder, build))
    return started


def loader_note(text: str) -> str:
    """The kernel's log line on what the loader did."""
    found = re.search(r"boot: loader: (.*)", text)
    return found.group(1) if found else ""


def without_loose(text: str) -> list[str]:
    return LOOSE.sub("BusMaster=?", text).strip().splitlines()


def verdicts(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith("LINE ")]


def output_of(*command: str, text: str) -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def check_dump(test: ktap.Ktap, stick: Stick, dump: str, report: str) -> None:
    functions = FUNCTION.findall(dump)
    test.check(len(functions) >= LEAST_FUNCTIONS, f"only {len(functions)} functions in the dump")
    test.equal(len(ROW.findall(dump)), len(functions) * 256, "rows of 16 bytes")
    test.check(" 0 functions read otherwise" in dump, f"firmware disagrees: {dump[:600]}")
    test.check(" 0 defects" in dump, f"defects: {dump[:600]}")
    test.equal(verdicts(output_of(str(ATOMICS), "-", text=dump)), verdicts(report),
               "verdicts that build/hosted/atomics draws from the dump")
    lspci = shutil.which("lspci")
    test.check(bool(lspci), "no lspci: tools/setup installs pciutils")
    if not lspci:
        return
    file = stick.folder / "dump"
    file.write_text(dump)
    theirs = output_of(lspci, "-D", "-n", "-F", str(file), text="")
    test.equal([f"0000:{name}" for name in functions], FUNCTION.findall(theirs), "lspci -F")
    details = output_of(lspci, "-vvv", "-F", str(file), text="")
    serials = re.findall(r"Device Serial Number (\S+)", details)
    test.check(bool(serials), "no function with a serial number: nothing was tested")
    test.equal(set(serials), {"00-00-00-00-00-00-00-00"}, "serial numbers")


@with_stick
def writes_and_keeps(test: ktap.Ktap, stick: Stick) -> None:
    """Nothing typed, nothing configured: what `make image` makes."""
    with stick.boot("--writes", "keep") as machine:
        note = loader_note(machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240))
        report = machine.command("atomics")
    test.equal(stick.names(), ["ATOMIC01.TXT", "LSPCI01.TXT"], "files")
    for name in stick.names():
        test.check(rf"wrote \EFI\quire\reports\{name}" in note, f"{name} is not in: {note}")
    test.equal(without_loose(stick.read("ATOMIC01.TXT")), without_loose(report), "the report")
    test.check(len(verdicts(report)) >= LEAST_REQUESTERS, "too few requesters")
    first = stick.read("LSPCI01.TXT")
    check_dump(test, stick, first, report)
    with stick.boot("--writes", "keep") as machine:
        machine.wait_shell()
    test.equal(stick.names(), ["ATOMIC01.TXT", "ATOMIC02.TXT", "LSPCI01.TXT", "LSPCI02.TXT"],
               "files after the second boot")
    test.check(stick.read("LSPCI01.TXT") == first, "the second boot changed the first dump")
    test.equal(verdicts(stick.read("ATOMIC02.TXT")), verdicts(report), "second report")


@with_stick
def not_asked(test: ktap.Ktap, stick: Stick) -> None:
    with stick.boot("--writes", "keep", "--cmdline", "loglevel=info") as machine:
        text = machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240)
    test.equal(loader_note(text), "", "the loader's note")
    test.equal(stick.names(), [], "files")


@with_stick
def read_only(test: ktap.Ktap, stick: Stick) -> None:
    with stick.boot("--writes", "refuse") as machine:
        note = loader_note(machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240))
        test.check(r"no report at \EFI\quire\reports" in note and "read-only" in note, note)
        test.check(len(verdicts(machine.command("atomics"))) >= LEAST_REQUESTERS, "no report")


@with_stick
def full(test: ktap.Ktap, stick: Stick) -> None:
    """Room for the report and not for the dump, then for nothing."""
    stick.put("FILL1", stick.free() - ROOM_LEFT)
    with stick.boot("--writes", "keep") as machine:
        note = loader_note(machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240))
        test.check(r"wrote \EFI\quire\reports\ATOMIC01.TXT" in note, note)
        test.check(r"no report at \EFI\quire\reports\LSPCI01.TXT: the volume is full" in note, note)
        report = machine.command("atomics")
    test.equal(stick.names(), ["ATOMIC01.TXT"], "files: nothing half written")
    test.equal(without_loose(stick.read("ATOMIC01.TXT")), without_loose(report), "the report")
    stick.put("FILL2", stick.free())
    with stick.boot("--writes", "keep") as machine:
        note = loader_note(machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240))
        test.check("ATOMIC02.TXT: the volume is full" in note, note)
    test.equal(stick.names(), ["ATOMIC01.TXT"], "files")


@with_stick
def all_numbers_taken(test: ktap.Ktap, stick: Stick) -> None:
    stick.mtools("mmd", FOLDER)
    names = [f"LSPCI{number:02}.TXT" for number in range(1, NUMBERS + 1)]
    for name in names:
        (stick.folder / name).write_text(name)
    stick.mtools("mcopy", *(str(stick.folder / name) for name in names), FOLDER)
    with stick.boot("--writes", "keep") as machine:
        note = loader_note(machine.wait_for(f"(?m)^{re.escape(guest.PROMPT)}", 240))
    test.check("numbers are taken" in note, note)
    test.equal(stick.names(), names, "files")


TESTS = {
    "report_and_dump_are_written_and_kept": writes_and_keeps,
    "nothing_is_written_unasked": not_asked,
    "read_only_stick_is_said": read_only,
    "full_stick_is_said": full,
    "all_numbers_taken_is_said": all_numbers_taken,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=str(ROOT / "build/x86_64"))
    parser.add_argument("name", nargs="*", help="tests (default: all)")
    arguments = parser.parse_args()
    chosen = arguments.name or list(TESTS)
    test = ktap.Ktap(len(chosen))
    for name in chosen:
        test.run(f"stick.{name}", TESTS[name], arguments.build)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
