# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What the guest's storage tests share: a real berthd, the real command line, a runner that counts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

BIN = os.environ["BERTH_BIN"]
PATIENCE = 90


def run(*argv, check=True, **more):
    """A program of the guest; its standard output."""
    result = subprocess.run(argv, stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False, **more)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: status {result.returncode}: {result.stderr.strip()[:2000]}")
    return result.stdout.strip()


class Refused(Exception):
    """A command of `berth` that failed."""

    def __init__(self, arguments, status, text):
        super().__init__(f"berth {' '.join(arguments)}: status {status}: {text.strip()[:2000]}")
        self.status, self.text = status, text


class Host:
    """A daemon with a state of its own."""

    def __init__(self, name, plugins="/berth/plugins"):
        self.directory, self.plugins = f"/berth/{name}", plugins
        os.makedirs(self.directory, exist_ok=True)
        self.environment = {**os.environ, "BERTH_SOCKET": f"{self.directory}/run/berth.sock"}
        self.log = f"{self.directory}/berthd.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [f"{BIN}/berthd", "--state-dir", f"{self.directory}/state", "--run-dir", f"{self.directory}/run",
                 "--plugin-dir", self.plugins, "--grace", "5"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if self.ask("daemon", "status")[0] == 0:
                return
            time.sleep(0.2)
        raise AssertionError(f"berthd does not answer:\n{self.tail()}")

    def ask(self, *arguments, **more):
        result = subprocess.run([f"{BIN}/berth", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, timeout=PATIENCE, env=self.environment, check=False,
                                **more)
        return result.returncode, result.stdout.strip(), result.stderr

    def berth(self, *arguments):
        status, out, errors = self.ask(*arguments)
        if status != 0:
            raise Refused(arguments, status, errors)
        return out

    def items(self, *arguments):
        return [json.loads(line) for line in self.berth(*arguments, "--json").splitlines()]

    def volumes(self, storage):
        return sorted(item["volid"] for item in self.items("volume", "list", storage))

    def bundle(self, name):
        """Adds a plugin of the tests' own to those that the daemon has."""
        with open("/berth/root", encoding="utf-8") as file:
            root = file.read().strip()
        run("python3", f"{root}/scripts/bundle", f"{root}/Tests/SamplePlugins/{name}", "/berth/plugins")

    def told(self):
        """What a hostile plugin logged of the answers it got: [call, kind, answer]."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return [json.loads(text.replace('\\"', '"')) for text in re.findall(r"told (\[.*?\])", file.read())]

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]


def why(result):
    """What the last failed test failed with: told at once, in case the guest does not get to the end."""
    return "\n".join(text for _, text in result.errors[-1:] + result.failures[-1:])


class StorageTest(unittest.TestCase):
    """Tests that share one host, which its class sets up; its log is shown when one fails."""
    host = None

    @classmethod
    def tearDownClass(cls):
        if cls.host is not None:
            cls.host.stop()

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if self.host is not None and len(result.errors) + len(result.failures) > before:
            print(f"--- {why(result)}\nberthd's log after {self.id()}:\n{self.host.tail()}\n---", file=sys.stderr)

    def refused(self, *arguments):
        with self.assertRaises(Refused) as caught:
            self.host.berth(*arguments)
        return caught.exception.text


def tests(suite):
    """Every test in a suite of suites."""
    for one in suite:
        yield from tests(one) if isinstance(one, unittest.TestSuite) else (one,)


def main(only=()):
    """Runs the tests of the program, or those of them that have these names."""
    suite = unittest.TestLoader().loadTestsFromModule(sys.modules["__main__"])
    if only:
        suite = unittest.TestSuite(test for test in tests(suite) if test.id().rsplit(".", 1)[1] in only)
        assert suite.countTestCases() == len(only), f"not all of {only} are there"
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stderr).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    # A class that could not be set up fails without having run a test.
    started = sum(not isinstance(test, unittest.TestCase) for test, _ in result.errors)
    print(f"{max(0, result.testsRun - (failed - started) - skipped)} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(0 if failed == 0 and result.testsRun > skipped else 1)
