# SPDX-License-Identifier: MIT
"""QEMU seen from outside: its control socket (QMP) and its resident memory.

Used by the tests that must look at the real QEMU process. `Qmp` speaks JSON over a unix socket;
`resident_memory` reads how much of the guest's RAM the host holds; `without_huge_pages` is a
preexec function that keeps the host from rounding that figure up to 2 MiB pages.
"""
import ctypes
import json
import re
import socket
import time

PR_SET_THP_DISABLE = 41
# How a monitor that was not asked for its capabilities since its last greeting answers a command.
NOT_NEGOTIATED = "Expecting capabilities negotiation"
MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)")


class QmpError(RuntimeError):
    """QEMU refused a command, or the connection ended."""


class Qmp:
    """One control connection. Events are kept until somebody asks for them."""

    def __init__(self, path: str, timeout: float = 20):
        deadline = time.monotonic() + timeout
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(path)
                break
            except OSError as error:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise QmpError(f"no QMP socket at {path}: {error}") from error
                time.sleep(0.05)
        self._file = self._socket.makefile("r", encoding="utf-8")
        self.events: list[dict] = []
        try:
            self._receive(timeout)
            self.execute("qmp_capabilities")
        except QmpError:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _receive(self, timeout: float) -> dict:
        self._socket.settimeout(timeout)
        try:
            line = self._file.readline()
        except TimeoutError as error:
            raise QmpError(f"no answer within {timeout:g} s") from error
        except OSError as error:
            raise QmpError(f"QEMU is gone: {error}") from error
        if not line:
            raise QmpError("QEMU closed the control connection")
        return json.loads(line)

    def _ask(self, request: dict, timeout: float) -> dict:
        """The answer, `return` or `error`."""
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"{request['execute']}: QEMU is gone: {error}") from error
        while True:
            answer = self._receive(timeout)
            if "return" in answer or "error" in answer:
                return answer
            # Else a greeting: who connects while QEMU sets its monitor up is greeted twice.
            if "event" in answer:
                self.events.append(answer)

    def execute(self, command: str, timeout: float = 30, **arguments):
        """The command's return value."""
        request = {"execute": command}
        if arguments:
            request["arguments"] = {key.replace("_", "-"): v for key, v in arguments.items()}
        answer = self._ask(request, timeout)
        # The second greeting may come after the capabilities were accepted, and takes that back.
        if answer.get("error", {}).get("desc", "").startswith(NOT_NEGOTIATED):
            self._ask({"execute": "qmp_capabilities"}, timeout)
            answer = self._ask(request, timeout)
        if "error" in answer:
            raise QmpError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def monitor(self, line: str) -> str:
        """What the human monitor answers to a line such as `info pci`."""
        return self.execute("human-monitor-command", command_line=line).replace("\r", "")


def without_huge_pages() -> None:
    """For Popen(preexec_fn=): no transparent huge pages in the child."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_THP_DISABLE)")


def parse_resident(smaps: str, size: int) -> int:
    """Bytes resident of the private anonymous mapping of exactly that size."""
    found, inside = [], False
    for line in smaps.splitlines():
        match = MAPPING.match(line)
        if match:
            start, end = int(match.group(1), 16), int(match.group(2), 16)
            inside = (end - start, match.group(3), match.group(4)) == (size, "rw-p", "0")
        elif inside and line.startswith("Rss:"):
            found.append(int(line.split()[1]) << 10)
    if len(found) != 1:
        raise QmpError(f"{len(found)} mappings of {size} bytes: which one is the guest's RAM?")
    return found[0]


def resident_memory(pid: int, size: int) -> int:
    """Bytes of the guest's RAM (`memory-backend-ram` of that size) that the host holds."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        return parse_resident(file.read(), size)
