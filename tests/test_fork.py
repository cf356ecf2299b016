"""A process that forks while other threads scan: the child scans, too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# The window gives nothing, but room is made for the points that it could hold: the threads do
# little but take memory and give it back. A child that hangs is ended by its alarm.
SCRIPT = """
import os, signal, threading, warnings
from tbtools import _core

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads: that is what is tried
window = bytes(20) + b"x" * (1 << 19)
done = threading.Event()

def scan_on():
    while not done.is_set():
        _core.scan(window)

threads = [threading.Thread(target=scan_on) for _ in range(3)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(200):
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        for _ in range(20):
            _core.scan(window)
        os._exit(0)
    failed = os.waitpid(child, 0)[1]
    if failed:
        break
done.set()
for thread in threads:
    thread.join()
print(f"a child ended with {failed}")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_was_forked_while_others_scanned_can_scan() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("a child ended with 0\n", "")
