"""The view ``hparams_wide``: sessions side by side, as TensorBoard's HParams dashboard has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from event_writing import EventFile, summary_metadata
from google.protobuf.struct_pb2 import Value

import tbtools
from tbtools.proto.plugins_pb2 import (
    Experiment,
    HParamsPluginData,
    MetricInfo,
    MetricName,
    SessionEndInfo,
    SessionStartInfo,
)

FIXED = ["run", "group_name", "status", "start_time", "end_time"]


def tell(file: EventFile, tag: str, **data: Any) -> None:
    content = HParamsPluginData(**data).SerializeToString()
    file.value(f"_hparams_/{tag}", 0, metadata=summary_metadata("hparams", content))


class Runs:
    """Writes the runs of a logdir."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, run: str) -> EventFile:
        number = len(list((self.folder / run).glob("*tfevents*")))
        return EventFile(self.folder / run / f"{number}.tfevents").version()

    def session(self, run: str, /, **hparams: object) -> EventFile:
        """A run that says when it started."""
        file = self.file(run)
        values = {name: _value(value) for name, value in hparams.items()}
        tell(file, "session_start_info", session_start_info=SessionStartInfo(hparams=values))
        return file

    def experiment(self, run: str, *metrics: tuple[str, str]) -> None:
        """An experiment that declares these metrics: group and tag."""
        infos = [MetricInfo(name=MetricName(group=group, tag=tag)) for group, tag in metrics]
        tell(self.file(run), "experiment", experiment=Experiment(metric_infos=infos))

    def rows(self, **options: Any) -> dict[str, dict[str, Any]]:
        """The rows by run, without those columns that every session has."""
        with tbtools.open(self.folder, **options) as logs:
            rows = logs.view("hparams_wide").to_table().to_pylist()
        return {row["run"]: {name: row[name] for name in row if name not in FIXED} for row in rows}


def _value(value: object) -> Value:
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    return Value(number_value=float(str(value)))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "logs")


def test_each_session_is_a_row_and_each_hyperparameter_a_column(runs: Runs) -> None:
    runs.session("a", lr=0.1, layers=2, dropout=True, optimizer="adam", seed=1)
    runs.session("b", lr=0.2, dropout=False, optimizer="sgd", seed="fixed")
    runs.file("c").scalar("loss", 1, 1.0)
    assert runs.rows() == {
        "a": {"dropout": True, "layers": 2.0, "lr": 0.1, "optimizer": "adam", "seed": "1"},
        "b": {"dropout": False, "layers": None, "lr": 0.2, "optimizer": "sgd", "seed": "fixed"},
    }


def test_a_session_tells_when_it_began_and_how_it_ended(runs: Runs) -> None:
    file = runs.file("a")
    start = SessionStartInfo(group_name="same", start_time_secs=10)
    tell(file, "session_start_info", session_start_info=start)
    tell(file, "session_end_info", session_end_info=SessionEndInfo(status=1, end_time_secs=20))
    runs.session("b")
    with tbtools.open(runs.folder) as logs:
        rows = logs.query("FROM hparams_wide ORDER BY run").fetchall()
    assert rows == [("a", "same", "success", 10, 20), ("b", None, None, None, None)]


def test_metrics_have_their_last_smallest_largest_and_final_value(runs: Runs) -> None:
    file = runs.session("a", lr=0.1)
    for step, value in ((0, 3.0), (2, 0.5), (9, 2.0), (1, 1.0)):
        file.scalar("loss", step, value)
    assert runs.rows()["a"] == {
        "lr": 0.1, "loss_last": 1.0, "loss_min": 0.5, "loss_max": 3.0, "loss_final": 2.0,
    }  # fmt: skip


def test_metrics_are_those_that_any_experiment_declares(runs: Runs) -> None:
    runs.experiment("a", ("", "loss"), ("eval", "acc"))
    runs.experiment("elsewhere", ("", "loss"), ("", "never"))
    runs.session("a").scalar("loss", 1, 1.0).scalar("other", 1, 5.0)
    runs.file("a/eval").scalar("acc", 1, 0.25)
    runs.session("b").scalar("loss", 1, 2.0)
    rows = runs.rows()
    assert {name: rows["a"][name] for name in rows["a"] if name.endswith("_last")} == {
        "loss_last": 1.0, "eval/acc_last": 0.25, "never_last": None,
    }  # fmt: skip
    assert (rows["b"]["loss_last"], rows["b"]["eval/acc_last"]) == (2.0, None)


def test_without_declarations_the_scalars_of_and_below_a_session_are_metrics(runs: Runs) -> None:
    runs.session("exp/one").scalar("loss", 1, 1.0)
    runs.file("exp/one/eval").scalar("acc", 1, 2.0)
    runs.session("exp/two").scalar("loss", 1, 3.0)
    runs.session("exp/two/inner").scalar("deep", 1, 4.0)
    runs.file("exp/none").scalar("elsewhere", 1, 5.0)
    runs.file("exp/one2").scalar("elsewhere", 1, 5.0)
    last = {
        run: {name: row[name] for name in row if name.endswith("_last")}
        for run, row in runs.rows().items()
    }
    names = ["eval/acc_last", "deep_last", "loss_last"]
    assert last == {
        run: dict(zip(names, values, strict=True))
        for run, values in {
            "exp/one": (2.0, None, 1.0),
            "exp/two": (None, None, 3.0),
            "exp/two/inner": (None, 4.0, None),
        }.items()
    }


def test_the_logdir_itself_may_be_the_session(runs: Runs) -> None:
    runs.session(".", lr=1).scalar("loss", 1, 1.0)
    runs.file("validation").scalar("loss", 1, 2.0)
    row = runs.rows()["."]
    assert (row["loss_last"], row["validation/loss_last"]) == (1.0, 2.0)


def test_names_that_are_taken_get_a_number(runs: Runs) -> None:
    odd = {"run": 1, "Status": 2, "": 3, "lr": 4, "LR": 5, "loss_last": 6, "a\0b": 7, 'say "no"': 8}
    runs.session("a", **odd).scalar("loss", 1, 9.0)
    with tbtools.open(runs.folder) as logs:
        table = logs.query("FROM hparams_wide").to_arrow_table()
    (row,) = table.to_pylist()
    assert len(table.schema.names) == 5 + len(odd) + 4
    found = {name: row[name] for name in row if name not in FIXED}
    assert found == {
        " (2)": 3, "LR": 5, "Status (2)": 2, "a\\0b": 7, "loss_last": 6, "lr (2)": 4,
        "run (2)": 1, 'say "no"': 8, "loss_last (2)": 9, "loss_min": 9, "loss_max": 9,
        "loss_final": 9,
    }  # fmt: skip


def test_a_run_that_starts_again_has_what_it_said_first(runs: Runs) -> None:
    runs.session("a", lr=1, only=1).scalar("loss", 1, 1.0)
    runs.session("a", lr=2).scalar("loss", 2, 2.0)
    row = runs.rows()["a"]
    assert (row["lr"], row["only"], row["loss_last"]) == (1, 1, 2.0)


def test_a_selection_of_tags_is_one_of_metrics(runs: Runs) -> None:
    runs.session("a", lr=1).scalar("loss", 1, 1.0).scalar("acc", 1, 2.0).scalar("loss", 2, 3.0)
    row = runs.rows(tag="loss", steps=":2")["a"]
    assert row == {
        "lr": 1, "loss_last": 1.0, "loss_min": 1.0, "loss_max": 1.0, "loss_final": 1.0,
    }  # fmt: skip


def test_an_exported_dataset_gives_the_same(runs: Runs, tmp_path: Path) -> None:
    runs.session("a", lr=1, name="x").scalar("loss", 1, 1.0)
    runs.session("b", lr=True).scalar("loss", 1, 1.0)
    tbtools.export(runs.folder, tmp_path / "x")
    assert "hparam_metrics" not in tbtools.open(tmp_path / "x").tables
    expected = tbtools.open(runs.folder).view("hparams_wide").to_table()
    assert tbtools.open(tmp_path / "x").view("hparams_wide").to_table() == expected
