"""Tries ``serve --tensorboard`` with several releases of TensorBoard, each in a venv of its own.

    python tests/try_tensorboard_versions.py 2.17 2.19 2.21

Of each, every answer about the golden logs is compared with its own loader's
(compare_with_tensorboard_answers.py), and a server is started and asked for its runs. Ends with
exit code 1 if any fails. Takes some minutes, and installs from the package index.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
PATIENCE = 60.0  # seconds

#: What releases import and do not ask for: pkg_resources, six.
BESIDE = ("setuptools<81", "six")
#: What the comparison needs.
TESTS = ("hypothesis", "pytest", "pandas")


def main() -> int:
    """Try each, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=["2.17", "2.19", "2.21"])
    options = parser.parse_args()
    failed = False
    for version in options.versions:
        with tempfile.TemporaryDirectory() as folder:
            told, is_good = tried(version, Path(folder))
        print(f"{version}: {told}", flush=True)
        failed |= not is_good
    return int(failed)


def tried(version: str, folder: Path) -> tuple[str, bool]:
    """What came of a release, and whether that is good."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    wanted = [f"tensorboard=={version}.*", *BESIDE, *TESTS]
    done = run(python, "-m", "pip", "install", "--quiet", str(ROOT), *wanted)
    if done.returncode:
        return f"cannot be installed: {done.stderr.strip().splitlines()[-1]}", False
    code = "from tensorboard.version import VERSION; print(VERSION)"
    found = run(python, "-c", code).stdout.strip()
    script = ROOT / "tests" / "compare_with_tensorboard_answers.py"
    compared = run(python, script, "--logs", "golden", "--shown", "3")
    summary = (compared.stdout.strip().splitlines() or compared.stderr.strip().splitlines())[-1]
    served = runs_of_server(python)
    return f"{found}: {summary}; {served} runs served", not compared.returncode and served > 0


def run(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A call of a venv's Python that sees no other tbtools."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python, *arguments], capture_output=True, text=True, env=environment, cwd="/", check=False
    )


def runs_of_server(python: Path) -> int:
    """How many runs a server of golden logs lists; 0 if it does not answer."""
    command = [python, "-m", "tbtools", "serve", "--tensorboard", DATA, "--", "--port=0"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, cwd="/"
    ) as server:
        try:
            assert server.stderr is not None
            for line in server.stderr:
                if found := re.search(r"at (http://\S+)", line):
                    return asked(f"{found[1]}data/runs")
            return 0
        finally:
            server.terminate()


def asked(url: str) -> int:
    """How many runs are listed as soon as there are any."""
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            if runs := json.loads(response.read()):
                return len(runs)
        time.sleep(0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
