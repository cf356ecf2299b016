"""Two logs agree, or the first step where they part is told."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from pathlib import Path

import pytest
from event_writing import EventFile
from hypothesis import given, settings
from hypothesis import strategies as st

import tbtools
from tbtools.cli import app

DATA = Path(__file__).parent / "data"
GOLDEN = ("torch", "tf1", "tf2", "tensorboardx", "iris")


def write(
    folder: Path,
    values: dict[int, float],
    tag: str = "loss",
    run: str = "run",
    file: str = "tfevents",
) -> Path:
    """A logdir of one run with these values of a tag by step."""
    events = EventFile(folder / run / file).version()
    for step, value in values.items():
        events.scalar(tag, step, value)
    return folder


def told(a: Path, b: Path, **options: object) -> list[dict[str, object]]:
    """What differs."""
    rows: list[dict[str, object]] = tbtools.diff(a, b, **options).differing.to_pylist()
    return rows


@pytest.mark.parametrize("name", GOLDEN)
def test_a_log_agrees_with_its_copy_and_its_export(tmp_path: Path, name: str) -> None:
    shutil.copytree(DATA / name, tmp_path / "copy")
    found = tbtools.diff(DATA / name, tmp_path / "copy")
    assert found.equal
    assert found.rows.num_rows
    tbtools.export(DATA / name, tmp_path / "dataset")
    assert tbtools.diff(tmp_path / "dataset", tmp_path / "copy").equal


def test_the_first_step_where_scalars_part(tmp_path: Path) -> None:
    a = write(tmp_path / "a", {0: 1.0, 1: 2.0, 2: 4.0, 3: 0.0, 5: 1.0})
    b = write(tmp_path / "b", {0: 1.0, 1: 2.5, 2: 3.0, 3: 0.0, 4: 9.0})
    (row,) = told(a, b)
    assert row == {
        "run": "run", "table": "scalars", "tag": "loss", "rows_a": 5, "rows_b": 5, "only_a": 1,
        "only_b": 1, "differing": 2, "largest_absolute": 1.0, "largest_relative": 0.25,
        "first_step": 1,
    }  # fmt: skip


def test_nan_is_nan_and_infinity_is_infinity(tmp_path: Path) -> None:
    a = write(tmp_path / "a", {0: math.nan, 1: math.inf, 2: -math.inf})
    assert not told(a, write(tmp_path / "b", {0: math.nan, 1: math.inf, 2: -math.inf}))
    (row,) = told(a, write(tmp_path / "c", {0: 1.0, 1: -math.inf, 2: 0.0}), rtol=0.5, atol=9.0)
    assert (row["differing"], row["largest_absolute"], row["first_step"]) == (3, None, 0)


@pytest.mark.parametrize(
    ("tolerance", "differ"),
    [({}, 2), ({"atol": 0.5}, 1), ({"rtol": 0.1}, 1), ({"rtol": 0.1, "atol": 0.5}, 0)],
)
def test_tolerances_are_those_of_numpy(
    tmp_path: Path, tolerance: dict[str, float], differ: int
) -> None:
    a = write(tmp_path / "a", {0: 1.0, 1: 100.0})
    b = write(tmp_path / "b", {0: 1.5, 1: 108.0})
    assert sum(int(str(row["differing"])) for row in told(a, b, **tolerance)) == differ


def test_runs_that_are_alone_need_not_have_one_name(tmp_path: Path) -> None:
    a = write(tmp_path / "a", {0: 1.0}, run="x")
    b = write(tmp_path / "b", {0: 1.0}, run="y")
    assert tbtools.diff(a, b).equal
    write(tmp_path / "b", {0: 1.0}, run="z")
    assert [(row["run"], row["only_a"], row["only_b"]) for row in told(a, b)] == [
        ("x", 1, 0), ("y", 0, 1), ("z", 0, 1)
    ]  # fmt: skip


def test_values_of_one_step_are_compared_in_their_order(tmp_path: Path) -> None:
    for name, values in (("a", (1.0, 2.0)), ("b", (2.0, 1.0)), ("c", (1.0,))):
        file = EventFile(tmp_path / name / "tfevents").version()
        for value in values:
            file.scalar("x", 7, value)
    (swapped,) = told(tmp_path / "a", tmp_path / "b")
    assert (swapped["differing"], swapped["first_step"]) == (2, 7)
    (shorter,) = told(tmp_path / "a", tmp_path / "c")
    assert (shorter["only_a"], shorter["differing"]) == (1, 0)


def test_other_tables_are_compared_whole(tmp_path: Path) -> None:
    for name, payload in (("a", b"one"), ("b", b"two")):
        file = EventFile(tmp_path / name / "tfevents").version()
        file.value("x", 3, "obsolete_old_style_histogram", b"same", wall_time=len(name))
        file.value("x", 4, "obsolete_old_style_histogram", payload)
    (row,) = told(tmp_path / "a", tmp_path / "b")
    assert (row["table"], row["tag"], row["rows_a"], row["only_a"], row["only_b"]) == (
        "events", "x", 2, 1, 1
    )  # fmt: skip
    assert row["first_step"] == 4
    assert not told(tmp_path / "a", tmp_path / "b", steps=(0, 4))


series = st.dictionaries(st.integers(0, 6), st.sampled_from([0.0, 1.0, math.nan, math.inf]))


@given(st.lists(st.tuples(series, series), min_size=1, max_size=6))
@settings(max_examples=8)
def test_what_differs_is_what_differs(
    pairs: list[tuple[dict[int, float], dict[int, float]]],
) -> None:
    """Of several tags, each of which both have."""
    series = {f"t{place}": pair for place, pair in enumerate(pairs) if all(pair)}
    if not series:
        return
    with tempfile.TemporaryDirectory() as name:
        a, b = Path(name) / "a", Path(name) / "b"
        for tag, pair in series.items():
            for folder, values in zip((a, b), pair, strict=True):
                write(folder, values, tag, file=f"tfevents.{tag}")
        found, back = tbtools.diff(a, b), tbtools.diff(b, a)
    others = {row["tag"]: row for row in back.rows.to_pylist()}
    rows = {row["tag"]: row for row in found.rows.to_pylist()}
    assert rows.keys() == others.keys() == series.keys()
    all_parted = set()
    for tag, (ours, theirs) in series.items():
        row, other = rows[tag], others[tag]
        shared = ours.keys() & theirs.keys()
        differing = {step for step in shared if repr(ours[step]) != repr(theirs[step])}
        parted = differing | (ours.keys() ^ theirs.keys())
        all_parted |= parted
        assert row["only_a"] == other["only_b"] == len(ours.keys() - theirs.keys())
        assert row["only_b"] == other["only_a"] == len(theirs.keys() - ours.keys())
        assert row["differing"] == other["differing"] == len(differing)
        assert row["first_step"] == min(parted, default=None)
    assert found.equal == (not all_parted)


def run(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        app(["diff", *arguments], prog_name="tbtools")
    return int(str(end.value.code))


def test_the_command_says_no_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    a = write(tmp_path / "a", {0: 1.0, 1: 2.0})
    b = write(tmp_path / "b", {0: 1.0, 1: 3.0})
    assert run(str(a), str(a)) == 0
    said = capfd.readouterr()
    assert said.err == "tbtools: all 1 tag or table agrees\n"
    assert len(said.out.splitlines()) == 1
    assert run(str(a), str(b), "-f", "json") == 1
    said = capfd.readouterr()
    (row,) = json.loads(said.out)
    assert (row["tag"], row["differing"], row["first_step"]) == ("loss", 1, 1)
    assert said.err == "tbtools: 1 of 1 tag or table differs\n"
    assert run(str(a), str(b), "--atol", "1") == 0
    with pytest.raises(tbtools.NothingFoundError, match="nothing to compare"):
        app(["diff", str(a), str(b), "--tag", "other"], prog_name="tbtools")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rtol", "-1"), "rtol is -1.0; a tolerance is 0 or more"),
        (("--table", "scalar"), "no table is called 'scalar'; nearest: scalars, custom_scalars"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, str], message: str) -> None:
    a = write(tmp_path / "a", {0: 1.0})
    with pytest.raises(tbtools.TbtoolsError) as error:
        app(["diff", str(a), str(a), *arguments], prog_name="tbtools")
    assert str(error.value) == message
    with pytest.raises(tbtools.NothingFoundError, match="there is no file or folder"):
        app(["diff", str(a), str(tmp_path / "missing")], prog_name="tbtools")
