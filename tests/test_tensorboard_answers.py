"""TensorBoard over tbtools answers what TensorBoard over its own loader answers.

compare_with_tensorboard_answers.py does the same with many more logs; that a comparison finds what
differs is seen by test_tensorboard_alterations.py.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of bleach, which TensorBoard has in it
    from compare_with_tensorboard_answers import golden
    from dashboard_logs import random_log
    from purging_oracle import random_run, write
    from tensorboard_answers import ours, stock
    from tensorboard_questions import compared

# Of werkzeug's test client, and of numpy in TensorBoard's own code.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def logged_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard tells of every purge, and of every question that it does not understand."""
    monkeypatch.setattr("logging.root.manager.disable", 50)


def test_every_answer_about_golden_logs_is_that_of_tensorboard(tmp_path: Path) -> None:
    logdir = golden(tmp_path)
    done = compared(stock("--logdir", str(logdir)), ours("--logdir", str(logdir)))
    assert done.differences == []
    assert done.asked.total() > 1000


@pytest.mark.parametrize("purges", ["true", "false"])
def test_every_answer_about_random_logs_is_that_of_tensorboard(tmp_path: Path, purges: str) -> None:
    for number in range(1, 4):
        logdir = random_log(Random(number), tmp_path / str(number))
        arguments = ("--logdir", str(logdir), "--purge_orphaned_data", purges)
        assert compared(stock(*arguments), ours(*arguments)).differences == []


def test_every_answer_about_restarts_is_that_of_tensorboard(tmp_path: Path) -> None:
    for number in range(15):
        write(random_run(Random(number)), tmp_path / f"{number:02}")
    arguments = ("--logdir", str(tmp_path), "--purge_orphaned_data", "true")
    done = compared(stock(*arguments), ours(*arguments))
    assert done.differences == []


def test_runs_have_the_names_of_a_spec(tmp_path: Path) -> None:
    logdir = golden(tmp_path)
    spec = f"a:{logdir / 'torch'},b:{logdir / 'tf2'},{logdir / 'tf1'}"
    done = compared(stock("--logdir_spec", spec), ours("--logdir_spec", spec))
    assert done.differences == []
