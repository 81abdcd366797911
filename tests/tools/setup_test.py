# SPDX-License-Identifier: MIT
"""Set-up and third-party sources: what they say and do when something is missing."""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
SETUP = str(ROOT / "tools/setup")
TOOLS = ("bash", "sed", "cut", "tr", "dirname", "readlink", "cat", "mktemp", "rm", "tail", "env")


def load_deps():
    loader = SourceFileLoader("deps", str(ROOT / "tools/deps"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("deps", loader))
    loader.exec_module(module)
    return module


def packages():
    lines = (ROOT / "tools/packages").read_text().splitlines()
    return [line.split(None, 2) for line in lines if line and not line.startswith("#")]


class Setup(unittest.TestCase):
    """The program with a faked dpkg and user: nothing is ever installed here."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool))

    def fake(self, name, script):
        (self.path / name).write_text(f"#!/bin/bash\n{script}\n")
        (self.path / name).chmod(0o755)

    def run_setup(self, installed, user, *groups, apt="true"):
        lines = "".join(f"echo installed {name}\n" for name in installed)
        self.fake("dpkg-query", lines or "true")
        self.fake("id", f"echo {user}")
        self.fake("sleep", "true")
        self.fake("apt-get", f'echo "$@" >> {self.path}/asked\n{apt}')
        return subprocess.run(
            ["bash", SETUP, *groups], env={"PATH": str(self.path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_silent_when_nothing_is_missing(self):
        done = self.run_setup([name for _, name, _ in packages()], 1000)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_without_root_the_one_command_to_type_is_printed(self):
        done = self.run_setup([name for group, name, _ in packages() if group != "run"], 1000)
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install -y --no-install-recommends qemu-system-x86", done.stderr)
        self.assertFalse((self.path / "asked").exists())

    def test_root_updates_installs_and_notices_when_that_did_not_help(self):
        done = self.run_setup([], 0, "lint")
        self.assertEqual(done.returncode, 1)
        asked = (self.path / "asked").read_text().splitlines()
        self.assertRegex(asked[0], "^-q .*update$")
        self.assertIn("codespell", asked[1])
        self.assertNotIn("qemu", asked[1])
        self.assertIn("still missing", done.stderr)

    def test_mirror_that_fails_for_a_moment_is_asked_again(self):
        once = f"[ -e {self.path}/failed ] || {{ echo x > {self.path}/failed; exit 100; }}"
        done = self.run_setup([], 0, "lint", apt=once)
        self.assertEqual(len((self.path / "asked").read_text().splitlines()), 3)
        self.assertIn("still missing", done.stderr)
        (self.path / "asked").unlink()
        done = self.run_setup([], 0, "lint", apt="exit 100")
        self.assertEqual(len((self.path / "asked").read_text().splitlines()), 3)
        self.assertIn("apt-get failed", done.stderr)

    def test_unknown_group_is_refused(self):
        self.assertEqual(self.run_setup([], 1000, "everything").returncode, 2)

    def test_every_package_has_a_known_group_and_a_reason(self):
        for line in packages():
            self.assertEqual(len(line), 3, line)
            self.assertIn(line[0], ("build", "run", "test", "lint", "s390x", "libvirt"))


class Deps(unittest.TestCase):
    def setUp(self):
        self.deps = load_deps()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.pin = self.deps.read_pins()["newlib-source"]

    def test_given_folder_without_the_file_is_named(self):
        with mock.patch.dict(os.environ, {"QUIRE_DEPS_CACHE": self.folder}):
            with self.assertRaisesRegex(self.deps.DepsError, self.folder):
                self.deps.fetch("newlib-source", self.pin, self.folder)

    def test_file_with_another_hash_is_refused(self):
        name = f"newlib-source_{self.pin[0]}_all.deb"
        pathlib.Path(self.folder, name).write_text("something else")
        with mock.patch.dict(os.environ, {"QUIRE_DEPS_CACHE": self.folder}):
            with self.assertRaisesRegex(self.deps.DepsError, "SHA-256"):
                self.deps.fetch("newlib-source", self.pin, self.folder)

    def test_result_depends_on_pin_flags_and_edits(self):
        target = self.deps.TARGETS["x86_64"]
        key = self.deps.key_of(self.pin, target)
        self.assertNotEqual(key, self.deps.key_of(["other", *self.pin[1:]], target))
        with mock.patch.object(self.deps, "CFLAGS", ["-O3"]):
            self.assertNotEqual(key, self.deps.key_of(self.pin, target))
        with mock.patch.object(target, "edits", (("a", "b", "c"),)):
            self.assertNotEqual(key, self.deps.key_of(self.pin, target))
        self.assertEqual(key, self.deps.key_of(self.pin, target))

    def test_edit_adds_before_the_one_place_and_refuses_another_source(self):
        path = pathlib.Path(self.folder, "file")
        for text, wanted in (("a\nb\n", "a\nnew\nb\n"), ("a\n", None), ("b\nb\n", None)):
            path.write_text(text)
            if wanted:
                self.deps.edit(self.folder, [("file", "b\n", "new\n")])
                self.assertEqual(path.read_text(), wanted)
            else:
                with self.assertRaisesRegex(self.deps.DepsError, str(path)):
                    self.deps.edit(self.folder, [("file", "b\n", "new\n")])

    def test_unknown_port_is_refused(self):
        done = subprocess.run([sys.executable, str(ROOT / "tools/deps"), "vax"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, "vax" in done.stderr), (2, True))


if __name__ == "__main__":
    unittest.main()
