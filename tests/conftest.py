"""Fixtures that many tests use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", deadline=None, print_blob=True)
settings.load_profile("ci")

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
DATA = ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """122 real event files and what TensorBoard reads from them. They are not ours to copy."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real logs is not on this machine")
    return CORPUS


@pytest.fixture(autouse=True)
def nothing_complains(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """A destructor that fails only prints; so does a leak that nanobind finds."""
    yield
    printed = capfd.readouterr().err
    assert "Exception ignored" not in printed
    assert "leaked" not in printed


class Cli:
    """The command line in a process of its own, as people run it."""

    def __call__(
        self, *arguments: object, code: int = 0, stdin: str | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, and see that it ends with ``code``."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tbtools", *map(str, arguments)],
            capture_output=True,
            text=True,
            input=stdin,
            cwd=cwd,
            env={**os.environ, "PYTHONWARNINGS": "error", "TZ": "UTC"},
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def cli() -> Cli:
    """Runs ``tbtools`` and checks its exit code."""
    return Cli()
