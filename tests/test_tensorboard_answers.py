"""TensorBoard over tbtools answers what TensorBoard over its own loader answers.

compare_with_tensorboard_answers.py does the same with many more logs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

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


class Altered:
    """A data provider of which one answer is another."""

    def __init__(self, provider: Any, method: str, how: Any) -> None:
        self._provider = provider
        self._method = method
        self._how = how

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        if name != self._method:
            return found
        return lambda *words, **options: self._how(found(*words, **options))


def one_point_less(answer: dict[str, dict[str, list[Any]]]) -> Any:
    return {
        run: {tag: points[:-1] if tag == "loss" else points for tag, points in tags.items()}
        for run, tags in answer.items()
    }


def of_the_first_run(answer: dict[str, Any]) -> Any:
    """The runs say what others do."""
    return dict(zip(answer, reversed(answer.values()), strict=True))


def without_words(answer: dict[str, dict[str, Any]]) -> Any:
    for tags in answer.values():
        for series in tags.values():
            series._display_name = ""
    return answer


def a_byte_more(answer: bytes) -> bytes:
    return answer + b"x"


@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("read_scalars", one_point_less),
        ("read_tensors", of_the_first_run),
        ("list_scalars", without_words),
        ("read_blob", a_byte_more),
        ("list_runs", lambda runs: runs[:-1]),
        ("read_blob_sequences", lambda answer: {**answer, **{key: {} for key in [*answer][:1]}}),
    ],
)
def test_what_differs_is_found(tmp_path: Path, method: str, how: Any) -> None:
    """A comparison that finds nothing proves nothing."""
    logdir = golden(tmp_path)
    for name in ("malformed", "tensorboardx", "tf1", "handmade"):
        for path in _files(logdir / name):
            path.unlink()
    arguments = ("--logdir", str(logdir))
    altered = stock(*arguments, altered=lambda provider: Altered(provider, method, how))
    assert compared(stock(*arguments), altered).differences


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
