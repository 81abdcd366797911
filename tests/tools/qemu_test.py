# SPDX-License-Identifier: MIT
"""The QEMU runner: machine files, command lines, exit statuses and the time limit."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import qemu  # noqa: E402


def build(*words):
    arguments = qemu.parse([*words, "--dry-run"])
    return qemu.build_command(arguments, pathlib.Path("/nowhere"))


class MachineFiles(unittest.TestCase):
    def write(self, folder, name, text):
        path = pathlib.Path(folder, name)
        path.write_text(text)
        return path

    def test_options_comments_and_includes(self):
        with tempfile.TemporaryDirectory() as folder:
            self.write(folder, "base.conf", "# base\n-machine q35\n")
            path = self.write(folder, "top.conf", "include base.conf\n-device a,b=c # why\n\n")
            self.assertEqual(qemu.read_machine(path), ["-machine", "q35", "-device", "a,b=c"])

    def test_circle_of_includes_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "a.conf", "include a.conf\n")
            with self.assertRaises(qemu.UsageError):
                qemu.read_machine(path)

    def test_stray_line_and_missing_file_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.write(folder, "a.conf", "device x\n")
            for wrong in (path, pathlib.Path(folder, "none.conf")):
                with self.assertRaises(qemu.UsageError):
                    qemu.read_machine(wrong)

    def test_every_machine_of_the_tree_can_be_read(self):
        for path in sorted((ROOT / "tests/machines").glob("*.conf")):
            self.assertIn("-machine", qemu.read_machine(path), path.name)


class Commands(unittest.TestCase):
    def test_commas_of_the_command_line_are_doubled_for_fw_cfg_only(self):
        uefi = build("run", "--uefi", "--cmdline", "tests=a,b")
        self.assertIn("name=opt/quire/cmdline,string=tests=a,,b", uefi)
        direct = build("run", "--direct", "--cmdline", "tests=a,b")
        self.assertEqual(direct[direct.index("-append") + 1], "tests=a,b")

    def test_run_becomes_a_quoted_key_and_takes_no_input(self):
        command = build("run", "--run", "mem; cpus", "--cmdline", "seed=1")
        self.assertEqual(command[command.index("-append") + 1], 'seed=1 run="mem; cpus"')
        self.assertEqual(command[command.index("-serial") + 1], "stdio")

    def test_quote_in_run_is_refused(self):
        with self.assertRaises(qemu.UsageError):
            build("run", "--run", 'log "x"')

    def test_shell_gets_the_terminal_and_debug_waits_for_gdb(self):
        self.assertIn("mon:stdio", build("run"))
        self.assertIn("tcp:127.0.0.1:4321", build("debug", "--gdb-port", "4321"))

    def test_s390x_has_its_own_emulator_machine_and_way_out(self):
        command = build("run", "--arch", "s390x", "--cmdline", "tests=a,b")
        self.assertEqual(command[0], "qemu-system-s390x")
        self.assertIn("s390-ccw-virtio", command)
        self.assertIn("panic=exit-failure", command)
        self.assertIn(str(ROOT / "build/s390x/quire.elf"), command)
        self.assertEqual(command[command.index("-append") + 1], "tests=a,b")

    def test_machine_with_a_console_of_its_own_gets_no_other(self):
        command = build("run", "--arch", "s390x", "--machine", "s390x-line")
        self.assertIn("sclplmconsole,chardev=console0", command)
        self.assertNotIn("-serial", command)

    def test_each_architecture_has_its_own_firmware(self):
        disk = build("run", "--arch", "s390x", "--ipl")
        self.assertIn("virtio-blk-ccw,drive=disk0,bootindex=0", disk)
        self.assertNotIn("-kernel", disk)
        for words in (("--arch", "s390x", "--uefi"), ("--ipl",)):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                build("run", *words)

    def test_command_line_for_ipl_goes_into_a_copy_of_the_disk(self):
        plain = build("run", "--arch", "s390x", "--ipl", "--build", "/b")
        self.assertIn("if=none,id=disk0,format=raw,snapshot=on,file=/b/quire.img", plain)
        changed = build("run", "--arch", "s390x", "--ipl", "--build", "/b", "--cmdline", "seed=1")
        self.assertIn("if=none,id=disk0,format=raw,snapshot=on,file=/nowhere/quire.img", changed)

    def test_unknown_machine_is_refused(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools/qemu.py"), "boot", "--uefi", "--machine", "nosuch"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 2)
        self.assertIn("nosuch", done.stderr)


class Ends(unittest.TestCase):
    def execute(self, script, *words, limit="60"):
        arguments = qemu.parse(["boot", "--timeout", limit, *words])
        text = io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
            status = qemu.execute(arguments, ["/bin/sh", "-c", script])
        return status, text.buffer.getvalue()

    def test_status_of_the_guest_becomes_zero_or_one(self):
        self.assertEqual(self.execute("exit 33")[0], 0)
        self.assertEqual(self.execute("exit 35")[0], 1)
        self.assertEqual(self.execute("exit 7")[0], 7)

    def test_status_of_an_s390x_guest_is_qemus_own(self):
        for status in (0, 1, 7):
            self.assertEqual(self.execute(f"exit {status}", "--arch", "s390x")[0], status)

    def test_time_limit_is_124_and_keeps_the_output(self):
        for limit in ("0.5", "5", "30"):  # a busy machine does not begin in half a second
            status, output = self.execute("echo begun; exec sleep 60", limit=limit)
            self.assertEqual(status, 124)
            if output:
                break
        self.assertEqual(output, b"begun\n")

    def test_escapes_of_the_firmware_are_dropped(self):
        self.assertEqual(self.execute(r"printf 'a\033[2J\033[01;01Hb\r\n'")[1], b"ab\n")


if __name__ == "__main__":
    unittest.main()
