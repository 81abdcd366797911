# SPDX-License-Identifier: MIT
"""A libvirt of its own: libvirtd as a session, with every file and socket below one new folder.

`qemu:///session` of a user, never the machine's: root becomes `nobody` for it. The daemon finds
one emulator only, as it asks each that it finds for its abilities. tools/reaper.py runs it, so that
daemon, virtual machines and folder go when this process does.
"""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import qmp

TOOLS = pathlib.Path(__file__).resolve().parent
DAEMON, CLIENT, EMULATOR = "libvirtd", "virsh", "qemu-system-x86_64"
# Debian keeps daemons where the PATH of a user does not lead.
PLACES = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
START_PATIENCE = 30
COMMAND_PATIENCE = 30
FOLDERS = {"XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache",
           "XDG_DATA_HOME": "data"}  # fmt: skip
DAEMON_CONFIG = 'auth_unix_rw = "none"\nlog_outputs = "3:stderr"\n'
# No second daemon for logs, and nothing that a container may lack.
DRIVER_CONFIG = """stdio_handler = "file"
security_driver = "none"
cgroup_controllers = []
seccomp_sandbox = 0
"""
# Nothing of ours: if this cannot start, no guest can.
PROBE = """<domain type='qemu'><name>probe</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


class LibvirtError(RuntimeError):
    """virsh refused a command; the text is what it said."""


class Unavailable(RuntimeError):
    """libvirt cannot run on this machine; the text says why."""


def identity() -> dict:
    """For Popen: who the daemon is. Root would be the machine's libvirt, so it is nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Libvirt:
    """The running daemon. A context manager; everything ends with it.

    `deadline` (of time.monotonic()) bounds every wait. Raises Unavailable.
    """

    def __init__(self, deadline: float):
        self.deadline = deadline
        programs = {name: shutil.which(name, path=PLACES) for name in (DAEMON, CLIENT, EMULATOR)}
        for name, path in programs.items():
            if not path:
                raise Unavailable(f"{name} is missing; `tools/setup run libvirt` installs it")
        self._client = programs[CLIENT]
        self._who = identity()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quire-libvirt-"))
        self._socket = self.folder / "run/libvirt/libvirt-sock"
        self.uri = f"qemu:///session?socket={self._socket}"
        self.environment = {"HOME": str(self.folder), "LC_ALL": "C", "TERM": "dumb"}
        self.environment |= {name: str(self.folder / part) for name, part in FOLDERS.items()}
        self._process = None
        try:
            self._prepare(programs[EMULATOR])
            self._start(programs[DAEMON])
        except (OSError, LibvirtError) as error:
            self.close()
            raise Unavailable(str(error)) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Libvirt":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, path: pathlib.Path) -> pathlib.Path:
        """Let the daemon's user have that file or folder."""
        if self._who:
            os.chown(path, self._who["user"], self._who["group"])
        return path

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text)
        return self.own(path)

    def copy(self, source: pathlib.Path) -> pathlib.Path:
        """A copy where the daemon may read it."""
        return self.own(pathlib.Path(shutil.copy(source, self.folder)))

    def _prepare(self, emulator: str) -> None:
        self.own(self.folder)
        for name in ("bin", *FOLDERS.values(), "config/libvirt"):
            (self.folder / name).mkdir(mode=0o700)
            self.own(self.folder / name)
        (self.folder / "bin" / EMULATOR).symlink_to(emulator)
        self.write("libvirtd.conf", DAEMON_CONFIG)
        self.write("config/libvirt/qemu.conf", DRIVER_CONFIG)
        self.log = self.write("libvirtd.log", "")

    def _start(self, daemon: str) -> None:
        reaper = [sys.executable, str(TOOLS / "reaper.py"), str(os.getpid()), str(self.folder)]
        command = [daemon, "--config", str(self.folder / "libvirtd.conf"),
                   "--pid-file", str(self.folder / "libvirtd.pid")]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                reaper + command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment | {"PATH": str(self.folder / "bin")},
                preexec_fn=qmp.without_huge_pages)  # fmt: skip
        self.wait(self._answers, START_PATIENCE, f"{DAEMON} to listen")
        probe = self.write("probe.xml", PROBE)
        self.virsh("create", "--paused", str(probe))
        self.virsh("destroy", "probe")

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            said = self.log.read_text(errors="replace") if self.log.exists() else ""
            raise LibvirtError(f"{DAEMON} ended at once; it said: {said.strip()[-300:]}")
        return self._socket.exists()

    def wait(self, condition, patience: float, what: str) -> None:
        """Until condition() holds; LibvirtError after `patience` seconds or at the deadline."""
        limit = min(time.monotonic() + patience, self.deadline)
        while not condition():
            if time.monotonic() > limit:
                raise LibvirtError(f"waited in vain for {what}")
            time.sleep(0.1)

    def command(self, *words: str) -> list[str]:
        """virsh connected to this daemon, for those who start it themselves."""
        return [self._client, "--connect", self.uri, *words]

    def started(self, *words: str, **streams) -> subprocess.Popen:
        """virsh running beside, with these streams."""
        return subprocess.Popen(self.command(*words), env=self.environment, cwd=self.folder,
                                start_new_session=True, **streams, **self._who)

    def virsh(self, *words: str) -> str:
        """Run one command; what it printed."""
        left = min(COMMAND_PATIENCE, self.deadline - time.monotonic())
        try:
            done = subprocess.run(self.command(*words), env=self.environment, cwd=self.folder,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=max(left, 0.1), check=False, **self._who)
        except subprocess.TimeoutExpired as error:
            raise LibvirtError(f"virsh {' '.join(words)}: no end within {left:.0f} s") from error
        if done.returncode:
            raise LibvirtError(f"virsh {' '.join(words)}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def statistics(self, name: str) -> dict[str, int]:
        """What dommemstat shows, by name; KiB but for counts and last_update (seconds)."""
        lines = self.virsh("dommemstat", name).split("\n")
        return {key: int(value) for key, value in (line.split() for line in lines if line.strip())}

    def live(self, name: str) -> ElementTree.Element:
        """dumpxml of a domain."""
        return ElementTree.fromstring(self.virsh("dumpxml", name))
