# SPDX-License-Identifier: MIT
"""A running guest for the tests that look at QEMU from outside: shell, QMP, resident memory."""
import argparse
import codecs
import json
import os
import pathlib
import re
import selectors
import subprocess
import tempfile
import time

import qemu
import qmp
from ports import PORTS

PROMPT = "quire> "
NOISE = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\r")
LOGGED = r"(?:\[ *\d+\.\d{6}\] .*\n)+"
CUT = re.compile(r"\x1b(?:\[[0-9;?=]*)?\Z")  # an escape sequence that goes on in the next block
END_PATIENCE = 10  # seconds a process may take to end when its sockets are closed already
SCALE = {"M": 20, "G": 30}


class GuestError(RuntimeError):
    """The guest did not do what was asked; the text ends with what it printed last."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to boot, for programs that test one guest."""
    parser.add_argument("--direct", action="store_true", help="boot the ELF, without firmware")
    parser.add_argument("--arch", choices=list(PORTS), default="x86_64")
    parser.add_argument("--build", help="folder to boot from (build/ARCH)")


def boot_words(arguments: argparse.Namespace) -> list[str]:
    """tools/qemu.py's, for the machine that these tests count in: 1 GiB, four CPUs."""
    words = ["--direct" if arguments.direct else f"--{PORTS[arguments.arch].firmware}"]
    words += ["--arch", arguments.arch, "--memory", "1G", "--cpus", "4"]
    return words + (["--build", arguments.build] if arguments.build else [])


def memory_bytes(text: str) -> int:
    return int(text[:-1]) << SCALE[text[-1]]


def slab_pages(memory: dict) -> int:
    """Of a report of `mem`: those that small objects lie on, free ones among them."""
    return sum(cache["pages"] for cache in memory["slab"])


def read_until(enough, read, patience: float):
    """What is read, once it is enough; what was read last when the time is up."""
    deadline = time.monotonic() + patience
    while not enough(value := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def echo_of(line: str) -> str:
    """Pattern of a line that is typed. What is logged comes between any two characters; after a
    while the editor then shows again what it has."""
    pattern = ""
    for length, character in enumerate(line, 1):
        again = re.escape(PROMPT + line[:length])
        pattern += f"{re.escape(character)}(?:\n{LOGGED}(?:{again})?)*"
    return pattern + r"[ \t]*\n"


class Shell:
    """Quire's shell, over what it prints (a file descriptor) and what it reads (a binary file)."""

    def __init__(self, output: int, keys):
        self.text = ""
        self.output = ""  # of the last report, with what was logged meanwhile
        self._output, self._keys = output, keys
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut = ""
        self._selector = selectors.DefaultSelector()
        self._selector.register(output, selectors.EVENT_READ)

    def _read(self, timeout: float) -> bool:
        """Take what the guest printed; False at the end of the output."""
        if self._selector.select(max(timeout, 0)):
            try:
                block = os.read(self._output, 65536)
            except OSError:  # what a terminal says when nobody has its other side any more
                block = b""
            self._take(block)
            return bool(block)
        return True

    def _take(self, block: bytes) -> None:
        """Blocks end anywhere, inside a character or an escape sequence, too."""
        text = NOISE.sub("", self._cut + self._decoder.decode(block))
        cut = CUT.search(text)
        self._cut = cut.group() if cut else ""
        self.text += text.removesuffix(self._cut)

    def ending(self) -> str:
        """Why there will be no more output."""
        return "the output ended"

    def wait_for(self, pattern: str, timeout: float) -> str:
        """The text up to and with the pattern, which is then taken away."""
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.text)):
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError(f"no {pattern!r} within {timeout:g} s; last: {self.text[-600:]}")
            if not self._read(left):
                raise GuestError(
                    f"{self.ending()}, before {pattern!r}; last: {self.text[-600:]}"
                )
        found, self.text = self.text[: match.end()], self.text[match.end() :]
        return found

    def wait_shell(self, timeout: float = 240) -> None:
        self.wait_for(f"(?m)^{re.escape(PROMPT)}", timeout)

    def type(self, line: str) -> None:
        self._keys.write(line.encode() + b"\n")
        self._keys.flush()

    def begin(self, line: str, timeout: float = 240) -> None:
        """Give the shell a line, and go on while it runs."""
        self.type(line)
        self.wait_for(echo_of(line), timeout)

    def end(self, timeout: float = 240) -> str:
        """Wait for the end of a line that was begun; what it printed."""
        return self.wait_for(f"(?m)^{re.escape(PROMPT)}", timeout)[: -len(PROMPT)]

    def end_report(self, line: str, timeout: float = 60) -> dict:
        """The same for a report command with -j; its one line of JSON."""
        self.output = output = self.end(timeout)
        lines = [text for text in output.splitlines() if text.startswith("{")]
        if len(lines) != 1:
            raise GuestError(f"{line} printed {len(lines)} lines of JSON: {output[-600:]}")
        return json.loads(lines[0])

    def command(self, line: str, timeout: float = 240) -> str:
        """Run one line of the shell; what it printed."""
        self.begin(line, timeout)
        return self.end(timeout)

    def report(self, line: str, timeout: float = 60) -> dict:
        """Run a report command with -j; its one line of JSON."""
        self.begin(f"{line} -j", timeout)
        return self.end_report(f"{line} -j", timeout)

    def balloon_at(self, pages: int, timeout: float = 60) -> dict:
        """Report of `balloon`, as soon as its only device rests with so many pages at the host:
        the host knows its size a moment before the guest notes that it does."""
        deadline = time.monotonic() + timeout
        while True:
            report = self.report("balloon")
            rests = [(one["state"], one["actual"]) for one in report["devices"]]
            if rests == [("idle", pages)] or time.monotonic() > deadline:
                return report


class Guest(Shell):
    """QEMU with Quire at its shell. A context manager; QEMU is ended with it.

    Takes the words of tools/qemu.py (`--uefi`, `--memory`, ...) and further QEMU options.
    """

    def __init__(self, *words: str, options: tuple[str, ...] = ()):
        arguments = qemu.parse(["boot", *words])
        qemu.check_files(arguments)
        self.arch = arguments.arch
        self.memory = memory_bytes(arguments.memory)
        self._folder = tempfile.TemporaryDirectory(prefix="quire-guest-")
        self.scratch = pathlib.Path(self._folder.name)
        socket = self.scratch / "qmp"
        command = qemu.build_command(arguments, self.scratch)
        command += ["-qmp", f"unix:{socket},server=on,wait=off", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=qmp.without_huge_pages,
        )  # fmt: skip
        super().__init__(self.process.stdout.fileno(), self.process.stdin)
        self.qmp = None
        try:
            self.qmp = qmp.Qmp(str(socket))
        except qmp.QmpError as error:
            self._read(1)
            # A guest that ended at once has said why: whoever waits for that will find it.
            if not self.text or not self._ends():
                self.close()
                raise GuestError(f"QEMU did not start: {error}; it printed: {self.text}") from error

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_) -> None:
        if self.qmp:
            self.qmp.close()
        self.close()

    def _ends(self) -> bool:
        """A process closes its sockets before it has ended."""
        try:
            self.process.wait(END_PATIENCE)
            return True
        except subprocess.TimeoutExpired:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self._folder.cleanup()

    def ending(self) -> str:
        return f"QEMU ended, status {self.process.wait()}"

    def resident(self) -> int:
        """Bytes of the guest's memory that the host holds."""
        return qmp.resident_memory(self.process.pid, self.memory)
