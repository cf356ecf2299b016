"""The comparison of answers sees what is wrong: one that finds nothing proves nothing."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import DATA

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of bleach, which TensorBoard has in it
    from tensorboard.data.provider import (
        BlobSequenceDatum,
        BlobSequenceTimeSeries,
        Run,
        ScalarDatum,
        ScalarTimeSeries,
        TensorDatum,
    )
    from tensorboard_answers import stock
    from tensorboard_questions import compared

pytestmark = pytest.mark.filterwarnings("ignore")  # of numpy and html5lib, within TensorBoard


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """TensorBoard warns of every purge."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


class Altered:
    """A provider of which one method answers something else."""

    def __init__(self, provider: Any, method: str, change: Callable[[Any], Any]) -> None:
        self._provider, self._method, self._change = provider, method, change

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._provider, name)
        if name != self._method:
            return called
        return lambda *arguments, **named: self._change(called(*arguments, **named))

    def __str__(self) -> str:
        return "altered"


def _each(change: Callable[[list[Any]], list[Any]]) -> Callable[[Any], Any]:
    """Something else made of every series."""
    return lambda data: {
        run: {tag: change(each) for tag, each in tags.items()} for run, tags in data.items()
    }


def _scalar(point: ScalarDatum, **changed: Any) -> ScalarDatum:
    return ScalarDatum(
        **{"step": point.step, "wall_time": point.wall_time, "value": point.value} | changed
    )


def _swapped(data: dict[str, Any]) -> dict[str, Any]:
    runs = [*data]
    return dict(zip(runs, [data[run] for run in reversed(runs)], strict=True))


def _without(**lost: Any) -> Callable[[Any], Any]:
    """Series of which something is not told."""

    def change(series: Any) -> Any:
        told = {
            name: getattr(series, name)
            for name in (
                "max_step", "max_wall_time", "plugin_content", "description", "display_name",
                *(["max_length"] if isinstance(series, BlobSequenceTimeSeries) else []),
            )
        }  # fmt: skip
        return type(series)(**told | lost)

    return _each(change)  # type: ignore[arg-type]


def _one_ulp(points: list[ScalarDatum]) -> list[ScalarDatum]:
    return [*points[:-1], *(_scalar(each, value=each.value * (1 + 2**-52)) for each in points[-1:])]


ALTERATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a value is off by one bit": ("read_scalars", _each(_one_ulp)),
    "a point is missing": ("read_scalars", _each(lambda points: points[:1] + points[2:])),
    "the last point is missing": ("read_scalars", _each(lambda points: points[:-1])),
    "the points stand in another order": ("read_scalars", _each(lambda points: points[::-1])),
    "a time is rounded": (
        "read_scalars",
        _each(lambda points: [_scalar(each, wall_time=round(each.wall_time)) for each in points]),
    ),
    "two runs are swapped": ("read_scalars", _swapped),
    "another last scalar": (
        "read_last_scalars",
        lambda data: {
            run: {tag: _scalar(each, step=each.step - 1) for tag, each in tags.items()}
            for run, tags in data.items()
        },
    ),
    "other display names": ("list_scalars", _without(display_name="other")),
    "no descriptions": ("list_scalars", _without(description="")),
    "another greatest step": ("list_scalars", _without(max_step=0)),
    "no content of a plugin": ("list_tensors", _without(plugin_content=b"")),
    "the first run of hparams is another": (
        "list_tensors",
        lambda data: {run: data[run] for run in reversed(data)},
    ),
    "more images at a step than there are": ("list_blob_sequences", _without(max_length=9)),
    "a repeated step is shown twice": (
        "read_blob_sequences",
        _each(lambda points: points[:1] + points),
    ),
    "a blob less": (
        "read_blob_sequences",
        _each(
            lambda points: [
                BlobSequenceDatum(step=each.step, wall_time=each.wall_time, values=each.values[:-1])
                for each in points
            ]
        ),
    ),
    "a byte of a blob": ("read_blob", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "tensors of another type": (
        "read_tensors",
        _each(
            lambda points: [
                TensorDatum(
                    step=each.step, wall_time=each.wall_time, numpy=each.numpy.astype("float32")
                )
                if each.numpy.dtype == "float64"
                else each
                for each in points
            ]
        ),
    ),
    "a plugin less": ("list_plugins", lambda names: sorted(names)[1:]),
    "a run less": ("list_runs", lambda runs: runs[1:]),
    "runs begin at other times": (
        "list_runs",
        lambda runs: [
            Run(run_id=run.run_id, run_name=run.run_name, start_time=-(run.start_time or 0))
            for run in runs
        ],
    ),
    "another folder": ("experiment_metadata", lambda metadata: Wrong()),
}


class Wrong:
    """Metadata of another experiment."""

    data_location = "elsewhere"
    experiment_name = experiment_description = creation_time = None


@pytest.mark.parametrize("name", ALTERATIONS)
def test_alterations_are_found(name: str) -> None:
    method, change = ALTERATIONS[name]
    arguments = ("--logdir", str(DATA / "tf2"))
    altered = stock(*arguments, altered=lambda provider: Altered(provider, method, change))
    assert compared(stock(*arguments), altered).differences


def test_tensorboard_equals_itself() -> None:
    arguments = ("--logdir", str(DATA / "tf2"))
    done = compared(stock(*arguments), stock(*arguments))
    assert done.differences == []
    assert done.equal == done.asked
    assert not done.known


def test_a_series_is_listed_as_it_is() -> None:
    """What the alterations are made of has the attributes that they change."""
    series = ScalarTimeSeries(
        max_step=1, max_wall_time=2.0, plugin_content=b"", description="", display_name=""
    )
    assert _without(max_step=0)({"run": {"tag": series}})["run"]["tag"].max_step == 0
