# SPDX-License-Identifier: MIT
"""KTAP from host programs that test a guest from outside, in the form tools/verdict.py reads."""
import subprocess


class Ktap:
    """Prints one plan, then each test's name, result and end line."""

    def __init__(self, planned: int):
        self.planned = planned
        self.done = 0
        self.failed = 0
        self.checks = 0
        self.reasons: list[str] = []
        print(f"KTAP version 1\n1..{planned}", flush=True)

    def check(self, good: bool, what: str) -> bool:
        """Counts one check of the running test; says what was wrong."""
        self.checks += 1
        if not good:
            print(f"# failed {what}", flush=True)
            self.reasons.append(what)
        return good

    def equal(self, found, wanted, what: str) -> bool:
        return self.check(found == wanted, f"{what}: {found}, not {wanted}")

    def run(self, name: str, function, *arguments) -> None:
        """One test. An exception means that the test could not test."""
        print(f"# running {name}", flush=True)
        self.checks, self.reasons, self.done = 0, [], self.done + 1
        try:
            function(self, *arguments)
            trouble = None
        except (OSError, ValueError, KeyError, RuntimeError, subprocess.SubprocessError) as error:
            trouble = f"{type(error).__name__}: {error}".replace("\n", " | ")
        if trouble:
            print(f"not ok {self.done} {name} # ERROR {trouble}")
        elif self.reasons or not self.checks:
            print(f"not ok {self.done} {name} # {(self.reasons or ['no check ran'])[0]}")
        else:
            print(f"ok {self.done} {name} # {self.checks} checks")
        self.failed += bool(trouble or self.reasons or not self.checks)

    def skip(self, name: str, reason: str) -> None:
        """A test that cannot run here; tests/skips.txt must allow it."""
        self.done += 1
        print(f"# running {name}\nok {self.done} {name} # SKIP {reason}")

    def finish(self) -> int:
        """The end line; the exit status."""
        word = "FAIL" if self.failed else "PASS"
        print(f"# quire: {word}, {self.failed} of {self.planned} failed", flush=True)
        return 1 if self.failed else 0
