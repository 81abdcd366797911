# SPDX-License-Identifier: MIT
"""A Linux guest to compare with: Debian's own kernel, an initial RAM disk made here, one script.

The kernel package is fetched with apt-get (no root, nothing installed) and only its vmlinuz and the
modules of the virtio balloon are kept, in the cache that tools/deps uses. The RAM disk holds Debian's
busybox, the programs asked for with their libraries, and an /init that runs the script between two
marks and powers off.
"""
import fcntl
import glob
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import guest
import qemu

BEGIN, END = "quire-linux-begin", "quire-linux-end"
METAPACKAGE = "linux-image-amd64"
WORDS = "console=ttyS0 quiet loglevel=3 panic=-1"
BUSYBOX = pathlib.Path("/bin/busybox")
# In the order they are loaded in.
BALLOON_MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                   "virtio_pci", "virtio_balloon")
LOAD_BALLOON = "\n".join(f"insmod /lib/{name}.ko" for name in BALLOON_MODULES)
MODE_DIRECTORY, MODE_LINK, MODE_FILE = 0o040755, 0o120777, 0o100755


class LinuxError(RuntimeError):
    """No Linux to compare with, or it did not do what was asked; the text says why."""


def run(*words: str, cwd: str | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LinuxError(f"{' '.join(words)}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def cache_folder() -> pathlib.Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("QUIRE_CACHE") or os.path.join(home, "quire"))


def kernel_package() -> str:
    """The newest kernel of Debian 12; its version changes with every security update."""
    match = re.search(r"Depends: (linux-image-6\.1\.\S+-amd64)", run("apt-cache", "depends",
                                                                   METAPACKAGE))
    if not match:
        raise LinuxError(f"apt knows no {METAPACKAGE} of series 6.1: run apt-get update")
    return match.group(1)


def fetch_kernel(package: str, target: pathlib.Path) -> None:
    """The folder `target` with vmlinuz and NAME.ko."""
    with tempfile.TemporaryDirectory(prefix="quire-linux-") as folder:
        run("apt-get", "-q", "-o", "Acquire::Retries=3", "download", package, cwd=folder)
        (deb,) = glob.glob(f"{folder}/{glob.escape(package)}_*.deb")
        run("dpkg-deb", "--extract", deb, f"{folder}/x")
        new = pathlib.Path(tempfile.mkdtemp(prefix=f"{package}.", dir=target.parent))
        (found,) = glob.glob(f"{folder}/x/boot/vmlinuz-*")
        shutil.copy(found, new / "vmlinuz")
        for name in BALLOON_MODULES:
            (found,) = glob.glob(f"{folder}/x/lib/modules/*/kernel/drivers/virtio/{name}.ko")
            shutil.copy(found, new)
        new.chmod(0o755)
        os.rename(new, target)


def kernel_folder() -> pathlib.Path:
    """Where a Linux 6.1 is: the cached one, fetched when there is none."""
    cache = cache_folder() / "linux"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = sorted(cache.glob("linux-image-6.1.*-amd64"))
        if kept:
            return kept[-1]
        package = kernel_package()
        fetch_kernel(package, cache / package)
        return cache / package


def kernel() -> pathlib.Path:
    return kernel_folder() / "vmlinuz"


def balloon_files() -> dict[str, bytes]:
    """What LOAD_BALLOON loads, for the RAM disk."""
    return {f"/lib/{name}.ko": (kernel_folder() / f"{name}.ko").read_bytes()
            for name in BALLOON_MODULES}


def libraries(program: str) -> list[str]:
    """What the program loads, its loader included."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


def entry(number: int, name: str, mode: int, data: bytes = b"") -> bytes:
    """One member of a cpio archive in the `newc` form: 13 fields of 8 hex digits."""
    encoded = name.lstrip("/").encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def ram_disk(programs: list[str], script: str, files: dict[str, bytes]) -> bytes:
    """The initial RAM disk: busybox, programs, their libraries, files by path, /init."""
    init = ("#!/bin/sh\n/bin/busybox --install -s /bin\nmount -t proc proc /proc\n"
            f"mount -t sysfs sysfs /sys\necho {BEGIN}\n{script}\necho {END}\npoweroff -f\n")
    if not BUSYBOX.exists():
        raise LinuxError(f"{BUSYBOX} is missing; tools/setup installs it")
    files = {**files, "/bin/busybox": BUSYBOX.read_bytes(), "/init": init.encode()}
    for program in programs:
        path = shutil.which(program)
        if not path:
            raise LinuxError(f"{program} is missing; tools/setup installs it")
        for file in [path, *libraries(path)]:
            files[file] = pathlib.Path(file).read_bytes()
    folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
    folders = sorted((folders | {"/proc", "/sys", "/dev"}) - {"/"})
    members = [(name, MODE_DIRECTORY, b"") for name in folders]
    members += [("/bin/sh", MODE_LINK, b"busybox")]
    members += [(name, MODE_FILE, data) for name, data in files.items()]
    archive = b"".join(entry(n, *member) for n, member in enumerate(members, 1))
    return archive + entry(0, "TRAILER!!!", 0)


def output_of(script: str, programs: list[str], files: dict[str, bytes], *words: str,
              limit: float = 240) -> str:
    """Boot Linux in the place of Quire on the machine that these words of tools/qemu.py describe,
    by direct boot, run the script, return what it printed."""
    arguments = qemu.make_parser().parse_args(["boot", "--direct", *words])
    qemu.check_files(arguments)
    with tempfile.TemporaryDirectory(prefix="quire-linux-") as folder:
        disk = pathlib.Path(folder) / "initrd"
        disk.write_bytes(ram_disk(programs, script, files))
        command = qemu.build_command(arguments, pathlib.Path(folder))
        for option, value in (("-kernel", str(kernel())), ("-append", WORDS)):
            command[command.index(option) + 1] = value
        command += ["-initrd", str(disk)]
        try:
            text = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=limit, check=False).stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as error:
            raise LinuxError(f"Linux did not end within {limit:g} s: "
                             f"{(error.stdout or b'')[-400:]!r}") from error
    match = re.search(f"{BEGIN}\n(.*?)^{END}", guest.NOISE.sub("", text), re.M | re.S)
    if not match:
        raise LinuxError(f"Linux did not reach its script; the end: {text[-400:]}")
    return match.group(1)
