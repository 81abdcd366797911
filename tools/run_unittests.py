#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the tests of the host tools (tests/tools/*_test.py); ends with `N passed, N failed`."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    sys.path.insert(0, str(ROOT / "tools"))
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tests/tools"), pattern="*_test.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, "
          f"{len(result.skipped)} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
