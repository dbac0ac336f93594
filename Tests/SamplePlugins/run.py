# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the sample plugins and counts them on the last line."""

import sys
import unittest

loader = unittest.TestLoader()
names = sys.argv[1:]
suite = loader.loadTestsFromNames(names) if names else loader.discover(".", pattern="test_*.py")
result = unittest.TextTestRunner(verbosity=1, stream=sys.stderr).run(suite)
failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
             | {test.id() for test in result.unexpectedSuccesses})
skipped = len(result.skipped)
for test, reason in result.skipped:
    print(f"skipped: {test}: {reason}", file=sys.stderr)
print(f"{max(0, result.testsRun - failed - skipped)} passed, {failed} failed, {skipped} skipped")
sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
