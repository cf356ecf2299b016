"""``aggregate``: statistics over runs, against numpy; groups, alignment, event files, mistakes."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Cli
from event_writing import EventFile
from hypothesis import given, settings
from hypothesis import strategies as st

import tbtools
from tbtools.errors import NothingFoundError, TargetExistsError, UnknownNameError, UsageError
from tbtools.verbs.aggregate import points
from tbtools.verbs.aggregate.statistics import STATISTICS

Points = dict[str, dict[int, float]]  # by run and step

SEEDS = {f"lr_{lr}/seed_{seed}": (lr, seed) for lr in ("0.1", "0.01") for seed in range(4)}


def write(logdir: Path, runs: Points, tag: str = "loss") -> Path:
    """Runs of one tag, as float64."""
    for run, values in runs.items():
        file = EventFile(logdir / run / "events.tfevents").version()
        for step, value in values.items():
            file.tensor_scalar(tag, step, value, "float64")
    return logdir


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Four seeds of two learning rates; the first seeds have no ``acc``."""
    draw = random.Random(1)
    for run, (_, seed) in SEEDS.items():
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(0, 20, 2):
            file.tensor_scalar("loss", step, draw.random(), "float64")
        if seed:
            file.scalar("acc", 3, seed)
    return tmp_path / "logs"


def rows(logdir: Path, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tbtools.aggregate(logdir, **options).to_pylist()
    return found


def by_step(logdir: Path, column: str, **options: Any) -> dict[int, float]:
    return {row["step"]: row[column] for row in rows(logdir, **options)}


def reference(values: list[float]) -> dict[str, float | None]:
    """The statistics as numpy has them."""
    some = np.sort(np.array(values))
    count, cut = len(some), len(some) // 4
    std = float(np.std(some, ddof=1)) if count > 1 else None
    return {
        "count": count,
        "mean": float(np.mean(some)),
        "std": std,
        "sem": None if std is None else std / math.sqrt(count),
        "median": float(np.median(some)),
        "min": float(some[0]),
        "max": float(some[-1]),
        "iqm": float(np.mean(some[cut : count - cut])),
        "q0.1": float(np.quantile(some, 0.1)),
        "q0.75": float(np.quantile(some, 0.75)),
    }


def test_every_statistic_is_that_of_numpy(tmp_path: Path) -> None:
    draw = random.Random(7)
    runs = {
        f"s{run}": {step: draw.gauss(0, 10**run) for step in range(30) if draw.random() < 0.7}
        for run in range(9)
    }
    found = rows(write(tmp_path / "l", runs), quantile=[0.1, 0.75])
    steps = sorted({step for values in runs.values() for step in values})
    assert [row["step"] for row in found] == steps
    for row in found:
        values = [values[row["step"]] for values in runs.values() if row["step"] in values]
        for name, expected in reference(values).items():
            assert row[name] == pytest.approx(expected, rel=1e-12), (name, row["step"])


@given(st.lists(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=12), min_size=1))
@settings(max_examples=25)
def test_order_and_bounds_hold(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[float]]
) -> None:
    """The values of each step, one of a run."""
    runs: Points = {}
    for step, values in enumerate(steps):
        for place, value in enumerate(values):
            runs.setdefault(f"s{place}", {})[step] = value
    found = rows(write(tmp_path_factory.mktemp("p") / "l", runs), ci=0.9, bootstrap=20)
    assert [row["step"] for row in found] == [*range(len(steps))]
    for row, values in zip(found, steps, strict=True):
        low, high = min(values), max(values)
        margin = 1e-9 * max(abs(low), abs(high))
        assert (row["min"], row["max"], row["count"]) == (low, high, len(values))
        for name in ("mean", "median", "iqm"):
            assert low - margin <= row[name] <= high + margin
        if len(values) > 1:
            assert low <= row["ci_low"] <= row["ci_high"] <= high
        else:
            assert row["ci_low"] is row["ci_high"] is row["std"] is row["sem"] is None


def test_of_equal_values_the_mean_is_that_value(tmp_path: Path) -> None:
    runs = {f"s{run}": {0: 0.1} for run in range(3)}
    (row,) = rows(write(tmp_path / "l", runs), ci=0.95)
    assert [row[name] for name in ("mean", "median", "iqm", "ci_low", "ci_high")] == [0.1] * 5
    assert row["std"] == row["sem"] == 0.0


def test_nan_is_counted_and_no_number(tmp_path: Path) -> None:
    runs = {"a": {0: 1.0, 1: math.nan}, "b": {0: math.nan, 1: math.nan}, "c": {0: 3.0}}
    first, second = rows(write(tmp_path / "l", runs))
    assert (first["mean"], first["count"], first["nans"]) == (2.0, 2, 1)
    assert (second["mean"], second["max"], second["count"], second["nans"]) == (None, None, 0, 2)


def test_infinity_is_a_number(tmp_path: Path) -> None:
    runs = {"a": {0: math.inf}, "b": {0: 1.0}, "c": {0: math.inf}}
    (row,) = rows(write(tmp_path / "l", runs), quantile=0.9)
    assert row["mean"] == row["max"] == row["median"] == row["q0.9"] == math.inf
    assert (row["min"], row["count"], row["nans"]) == (1.0, 3, 0)
    assert math.isnan(row["std"])


@pytest.mark.parametrize(("policy", "expected"), [("last", 5.0), ("first", 1.0), ("mean", 3.0)])
def test_one_value_of_a_run_at_a_step(tmp_path: Path, policy: str, expected: float) -> None:
    file = EventFile(tmp_path / "l" / "a" / "events.tfevents").version()
    for value in (1.0, 3.0, 5.0):
        file.scalar("loss", 0, value)
    write(tmp_path / "l", {"b": {0: expected}})
    (row,) = rows(tmp_path / "l", duplicates=policy)
    assert (row["mean"], row["count"], row["std"]) == (expected, 2, 0.0)
    with pytest.raises(UsageError, match="2 values share run, tag and step"):
        rows(tmp_path / "l", duplicates="error")


def test_restarts_come_before_duplicates(tmp_path: Path) -> None:
    for place, value in enumerate((1.0, 2.0)):
        EventFile(tmp_path / "l" / "a" / f"events.tfevents.{place}").version().scalar(
            "loss", 0, value
        )
    (row,) = rows(tmp_path / "l", restarts="latest", duplicates="error")
    assert row["mean"] == 2.0


# --- groups --------------------------------------------------------------------------------------


def test_named_groups_become_columns(logdir: Path) -> None:
    found = tbtools.aggregate(logdir, group=r"lr_(?P<lr>[^/]+)/seed_.*", tag="loss")
    assert found.column_names[:5] == ["group", "lr", "tag", "step", "wall_time"]
    about = {(row["group"], row["lr"], row["count"]) for row in found.to_pylist()}
    assert about == {("lr=0.1", "0.1", 4), ("lr=0.01", "0.01", 4)}
    order = [(row["group"], row["tag"], row["step"]) for row in found.to_pylist()]
    assert order == sorted(order)


def test_globs_and_runs_that_are_in_no_group(logdir: Path, cli: Cli) -> None:
    found = rows(logdir, group=["lr_0.1/*", "lr_0.01/seed_[12]"], tag="loss")
    assert {(row["group"], row["count"]) for row in found} == {
        ("lr_0.1/*", 4),
        ("lr_0.01/seed_[12]", 2),
    }
    said = cli("aggregate", logdir, "--group", "lr_0.1/*").stderr
    assert "4 runs in no group: lr_0.01/seed_0, lr_0.01/seed_1, lr_0.01/seed_2 and 1 more" in said


def test_groups_by_hyperparameter(tmp_path: Path) -> None:
    hparams = [("a", 0.5), ("b", 0.5), ("c", 2.0)]
    tbtools.write(
        {
            "hparams": {
                "run": [run for run, _ in hparams],
                "name": ["lr"] * 3,
                "type": ["float64"] * 3,
                "number": [lr for _, lr in hparams],
                "text": [f"{lr:g}" for _, lr in hparams],
            },
            "scalars": {
                "run": ["a", "b/train", "c", "d"],
                "tag": ["loss"] * 4,
                "step": [0] * 4,
                "wall_time": [1.0] * 4,
                "value": [1.0, 3.0, 7.0, 9.0],
            },
        },
        tmp_path / "l",
    )
    found = [(r["group"], r["lr"], r["mean"], r["count"]) for r in rows(tmp_path / "l", by="lr")]
    assert found == [("lr=0.5", 0.5, 2.0, 2), ("lr=2", 2.0, 7.0, 1)]
    with pytest.raises(UnknownNameError, match="no hyperparameter is called 'lt'; nearest: lr"):
        rows(tmp_path / "l", by="lt")


# --- alignment -----------------------------------------------------------------------------------


def test_interpolation_is_that_of_numpy_within_each_run(tmp_path: Path) -> None:
    draw = random.Random(3)
    runs = {
        f"s{run}": {step: draw.random() for step in sorted(draw.sample(range(-20, 80), 15))}
        for run in range(5)
    }
    found = rows(write(tmp_path / "l", runs), align="interpolate")
    steps = sorted({step for values in runs.values() for step in values})
    assert [row["step"] for row in found] == steps
    for row in found:
        at = [
            float(np.interp(row["step"], list(values), list(values.values())))
            for values in runs.values()
            if min(values) <= row["step"] <= max(values)
        ]
        assert row["count"] == len(at)
        assert row["mean"] == pytest.approx(np.mean(at), rel=1e-12)
        assert row["max"] == pytest.approx(max(at), rel=1e-12)


def test_points_of_a_grid(tmp_path: Path) -> None:
    logdir = write(tmp_path / "l", {"a": {0: 0.0, 10: 10.0}, "b": {5: 5.0, 9: 9.0}})
    assert by_step(logdir, "mean", align="interpolate", bin_size=4) == {0: 0, 4: 4, 8: 8}
    assert by_step(logdir, "count", align="interpolate", bin_size=4) == {0: 1, 4: 1, 8: 2}
    assert by_step(logdir, "mean", align="interpolate", bins=3) == {0: 0, 5: 5, 10: 10}


def test_bins_weigh_runs_not_points(tmp_path: Path) -> None:
    runs = {"a": {0: 0.0, 1: 1.0, 2: 2.0, 3: math.nan}, "b": {-1: 8.0, 2: 9.0, 7: math.nan}}
    logdir = write(tmp_path / "l", runs)
    assert by_step(logdir, "mean", align="bin", bin_size=4) == {-4: 8.0, 0: 5.0, 4: None}
    assert by_step(logdir, "count", align="bin", bin_size=4) == {-4: 1, 0: 2, 4: 0}
    assert by_step(logdir, "nans", align="bin", bin_size=4) == {-4: 0, 0: 0, 4: 1}
    # Nine steps from -1 to 7 in three bins.
    assert by_step(logdir, "count", align="bin", bins=3) == {-1: 2, 2: 2, 5: 0}


def test_steps_too_far_apart_are_refused(tmp_path: Path) -> None:
    logdir = write(tmp_path / "l", {"a": {-(2**62): 0.0, 2**62: 1.0}})
    assert len(rows(logdir)) == 2
    with pytest.raises(UsageError, match="too far apart"):
        rows(logdir, align="bin", bins=2)


@pytest.mark.parametrize("options", [{}, {"align": "bin", "bin_size": 3}, {"align": "interpolate"}])
def test_files_on_the_way_change_nothing(
    logdir: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    whole = tbtools.aggregate(logdir, ci=0.5, bootstrap=10, **options)
    monkeypatch.setattr(points, "MOST_WAITING", 7)
    monkeypatch.setattr(points, "MOST_UNFILED", 7)
    monkeypatch.setattr(points, "MOST_ROWS", 5)
    pieces = tbtools.aggregate(logdir, ci=0.5, bootstrap=10, **options)
    assert pieces.to_pylist() == whole.to_pylist()


# --- the bootstrap -------------------------------------------------------------------------------


def test_an_interval_is_that_of_many_resamples(tmp_path: Path) -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    logdir = write(tmp_path / "l", {f"s{place}": {0: v} for place, v in enumerate(values)})
    (row,) = rows(logdir, ci=0.8, bootstrap=4000)
    draw = np.random.default_rng(0)
    means = draw.choice(values, (40000, len(values))).mean(axis=1)
    assert row["ci_low"] == pytest.approx(np.quantile(means, 0.1), rel=0.05)
    assert row["ci_high"] == pytest.approx(np.quantile(means, 0.9), rel=0.05)


def test_a_seed_says_what_is_drawn(logdir: Path) -> None:
    one, same, other = (
        tbtools.aggregate(logdir, ci=0.9, bootstrap=50, seed=seed) for seed in (1, 1, 2)
    )
    assert one.equals(same)
    assert not one.equals(other)


# --- outputs -------------------------------------------------------------------------------------


def test_statistics_are_chosen(logdir: Path) -> None:
    names = tbtools.aggregate(logdir, statistic=["std", "mean"], quantile=0.5).column_names
    assert names == ["group", "tag", "step", "wall_time", "count", "nans", "mean", "std", "q0.5"]


def test_event_files_have_a_run_per_statistic(logdir: Path, tmp_path: Path) -> None:
    done = tbtools.aggregate_events(
        logdir, tmp_path / "out", group=r"lr_(?P<lr>.*)/.*", exact=True, quantile=0.9
    )
    assert done.rounded == 0
    back = tbtools.open(tmp_path / "out").scalars.to_table().to_pylist()
    expected = {
        (f"{row['group']}/{name}", row["tag"], row["step"]): row[name]
        for row in rows(logdir, group=r"lr_(?P<lr>.*)/.*", quantile=0.9)
        for name in (*STATISTICS, "q0.9")
    }
    assert {(row["run"], row["tag"], row["step"]): row["value"] for row in back} == expected
    with pytest.raises(TargetExistsError):
        tbtools.aggregate_events(logdir, tmp_path / "out")
    with pytest.raises(UsageError, match="lies in the logdir"):
        tbtools.aggregate_events(logdir, logdir / "out")


def test_event_files_keep_nan_and_leave_out_null(tmp_path: Path) -> None:
    runs = {"a": {0: 1.0, 1: math.nan}}
    tbtools.aggregate_events(write(tmp_path / "l", runs), tmp_path / "out")
    logs = tbtools.open(tmp_path / "out")
    assert logs.query("SELECT count(*) FROM scalars WHERE run = 'std'").fetchall() == [(0,)]
    mean = logs.query("SELECT value FROM scalars WHERE run = 'mean' ORDER BY step").fetchall()
    assert mean[0] == (1.0,)
    assert math.isnan(mean[1][0])


def test_tables_by_their_ending_and_what_is_said(logdir: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("aggregate", logdir, "-o", tmp_path / "x.parquet", "--ci", "0.9", "--bootstrap", 9)
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 11
    assert done.stderr == "tags that some runs lack: acc (6 of 8 runs)\n"
    lines = cli("aggregate", logdir, "--tag", "acc", "--statistic", "mean").stdout.splitlines()
    assert lines == [
        "group,tag,step,wall_time,count,nans,mean",
        "all,acc,3,1700000005.5,6,0,2",
    ]
    cli("aggregate", logdir, "--events", "-o", tmp_path / "out")
    assert tbtools.open(tmp_path / "out").scalars.count_rows() == 11 * len(STATISTICS)


def test_a_dataset_is_aggregated_like_its_logdir(logdir: Path, tmp_path: Path) -> None:
    tbtools.export(logdir, tmp_path / "x")
    assert rows(tmp_path / "x") == rows(logdir)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"group": "x_(.*)"}, "--group matches no run with scalars; there are lr_0.01/seed_0"),
    ({"group": "x_(.*"}, "is no regular expression"),
    ({"group": "lr_(?P<step>.*)"}, "a column is called 'step' already"),
    ({"group": "*", "by": "lr"}, "--group and --by"),
    ({"by": "lr"}, "no hyperparameter is called 'lr'"),
    ({"statistic": "meen"}, "no statistic is called 'meen'; nearest: mean, median"),
    ({"quantile": 1.5}, "between 0 and 1, not 1.5"),
    ({"align": "bin"}, "needs --bins N or --bin-size STEPS"),
    ({"bins": 3}, "are for --align bin or interpolate"),
    ({"align": "bin", "bins": 0}, "--bins is at least 1"),
    ({"align": "bin", "bins": 1, "bin_size": 1}, "give one"),
    ({"align": "nearest"}, "no alignment is called 'nearest'"),
    ({"ci": 95.0}, "such as 0.95, not 95"),
    ({"duplicates": "middle"}, "no policy on duplicates is called 'middle'"),
    ({"tag": "nothing"}, "there are no scalars to aggregate"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_mistakes_are_one_line(logdir: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises((UsageError, NothingFoundError)) as caught:
        rows(logdir, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mistakes_of_the_command_line(logdir: Path, cli: Cli) -> None:
    assert "say where to" in cli("aggregate", logdir, "--events", code=2).stderr
    assert "--exact is for --events" in cli("aggregate", logdir, "--exact", code=2).stderr
    cli("aggregate", logdir, "--group", "x_(.*)", code=4)
