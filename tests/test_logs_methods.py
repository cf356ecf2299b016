"""The verbs as methods of logs: what the functions of the same names do, for logs that are open."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from conftest import DATA

import tbtools

#: The verbs that are methods, too; of ``diff`` the second logs stay an argument.
METHODS = (
    "aggregate",
    "aggregate_events",
    "diff",
    "downsample",
    "export",
    "graph",
    "ls",
    "media",
    "verify",
)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_parameters_of_its_function(name: str) -> None:
    method, function = (getattr(each, name) for each in (tbtools.Logs, tbtools))
    of_method, of_function = (
        {
            parameter.name: parameter.default
            for parameter in inspect.signature(each).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        }
        for each in (method, function)
    )
    first = next(iter(of_function))
    assert of_method.pop("self") is of_function.pop(first)
    if name == "diff":
        of_function["other"] = of_function.pop("b")
    assert of_method == of_function
    assert f"``tbtools.{name}``" in inspect.getdoc(method)


def test_statistics_are_of_what_was_opened() -> None:
    logs = tbtools.open(DATA / "iris", tag="epoch_*", steps=":20")
    expected = tbtools.aggregate(DATA / "iris", tag="epoch_*", steps=":20", statistic="mean")
    assert logs.aggregate(statistic="mean").equals(expected)
    assert {*expected["tag"].to_pylist()} == {"epoch_accuracy", "epoch_loss", "epoch_learning_rate"}
    with pytest.raises(tbtools.UnknownNameError, match="nearest: mean"):
        logs.aggregate(statistic="meen")


def test_statistics_are_written(tmp_path: Path) -> None:
    logs = tbtools.open(DATA / "iris", tag="epoch_*")
    done = logs.aggregate_events(tmp_path / "out", group="*", statistic="mean", exact=True)
    assert done.rows == {"scalars": 180}
    assert tbtools.open(tmp_path / "out")["runs"].to_table()["run"].to_pylist() == [
        "*/count",
        "*/mean",
    ]
    with pytest.raises(tbtools.TargetExistsError):
        logs.aggregate_events(tmp_path / "out")
    logs.aggregate_events(tmp_path / "out", force=True)


def test_logs_are_compared_as_they_were_opened(tmp_path: Path) -> None:
    logs = tbtools.open(DATA / "iris", run="train")
    assert logs.diff(logs).equal
    assert logs.diff(tbtools.open(DATA / "iris", run="train", steps=":20")).equal is False
    found = logs.diff(DATA / "iris", tables=["scalars"], rtol=1e-9, atol=1e-9)
    assert {*found.differing["run"].to_pylist()} == {"validation"}
    assert found.rows.equals(tbtools.diff(logs, DATA / "iris", tables=["scalars"]).rows)
