"""Restart policies, against TensorBoard's rules written down by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from event_writing import EventFile

import tbtools


def kept(logdir: Path, policy: str) -> list[tuple[str, int, float]]:
    """Tag, step and value of the scalars that a policy keeps."""
    table = tbtools.open(logdir, restarts=policy).scalars.to_table()
    columns = (table[name].to_pylist() for name in ("tag", "step", "value"))
    return list(zip(*columns, strict=True))


def dropped(logdir: Path) -> tuple[int, int, int]:
    """Segments, and the rows that `latest` and `tensorboard` drop, as `runs` tells."""
    (run,) = tbtools.open(logdir).runs.to_table().to_pylist()
    return run["segments"], run["restarted_rows"], run["purged_rows"]


def write(path: Path, steps: range, value: float, tag: str = "loss", start: bool = False) -> None:
    """A file of one segment."""
    file = EventFile(path).version()
    if start:
        file.session_start(steps.start)
    for step in steps:
        file.scalar(tag, step, value)


def test_two_files_overlap(tmp_path: Path) -> None:
    write(tmp_path / "tfevents.1", range(5), 1.0)
    write(tmp_path / "tfevents.2", range(3, 7), 2.0)
    assert len(kept(tmp_path, "keep")) == 9
    assert kept(tmp_path, "latest") == [
        *(("loss", step, 1.0) for step in range(3)),
        *(("loss", step, 2.0) for step in range(3, 7)),
    ]
    # Without a START, TensorBoard purges nothing of a version 2 file.
    assert len(kept(tmp_path, "tensorboard")) == 9
    assert dropped(tmp_path) == (2, 2, 0)


def test_tensorboard_ignores_the_first_start_of_a_run(tmp_path: Path) -> None:
    write(tmp_path / "tfevents.1", range(5), 1.0)
    write(tmp_path / "tfevents.2", range(3, 7), 2.0, start=True)
    assert len(kept(tmp_path, "tensorboard")) == 9
    write(tmp_path / "tfevents.3", range(2, 4), 3.0, start=True)
    assert kept(tmp_path, "tensorboard") == [
        ("loss", 0, 1.0),
        ("loss", 1, 1.0),
        ("loss", 2, 3.0),
        ("loss", 3, 3.0),
    ]
    assert dropped(tmp_path) == (3, 7, 7)


def test_a_start_inside_a_file_begins_a_segment(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version().session_start(0)
    for step in range(4):
        file.scalar("loss", step, 1.0).scalar("lr", step, 1.0)
    file.session_start(2).scalar("loss", 2, 2.0).scalar("loss", 3, 2.0)
    found = kept(tmp_path, "latest")
    assert [row for row in found if row[0] == "loss"] == [
        ("loss", 0, 1.0),
        ("loss", 1, 1.0),
        ("loss", 2, 2.0),
        ("loss", 3, 2.0),
    ]
    # A tag that the later segment does not have stays for `latest`, and goes for TensorBoard.
    assert [row for row in found if row[0] == "lr"] == [("lr", step, 1.0) for step in range(4)]
    assert [row for row in kept(tmp_path, "tensorboard") if row[0] == "lr"] == [
        ("lr", 0, 1.0),
        ("lr", 1, 1.0),
    ]
    assert dropped(tmp_path) == (2, 2, 4)


def test_repeated_steps_inside_a_segment_stay(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version()
    for value in range(3):
        file.scalar("x", 5, value)
    assert len(kept(tmp_path, "latest")) == 3
    assert dropped(tmp_path) == (1, 0, 0)


def test_version_1_files_are_purged_where_steps_go_back(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version("brain.Event:1")
    file.scalars(1, {"a": 1, "b": 1}).scalars(2, {"a": 1, "b": 1}).scalars(3, {"a": 1, "b": 1})
    file.scalars(2, {"a": 2}).scalars(3, {"a": 2, "b": 2})
    # Only the tags of the event that goes back are purged, at its step and above.
    assert kept(tmp_path, "tensorboard") == [
        ("a", 1, 1.0),
        ("b", 1, 1.0),
        ("b", 2, 1.0),
        ("b", 3, 1.0),
        ("a", 2, 2.0),
        ("a", 3, 2.0),
        ("b", 3, 2.0),
    ]
    assert dropped(tmp_path) == (1, 0, 2)


def test_a_file_without_a_version_is_one_of_version_1(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents")
    for step in (1, 2, 3, 1):
        file.scalar("x", step, step)
    assert kept(tmp_path, "tensorboard") == [("x", 1, 1.0)]


@pytest.mark.parametrize("policy", ["latest", "tensorboard"])
def test_the_numbers_in_runs_are_those_that_are_dropped(tmp_path: Path, policy: str) -> None:
    for number in range(4):
        write(tmp_path / f"tfevents.{number}", range(number * 3, 20), number, start=number > 0)
    column = {"latest": "restarted_rows", "tensorboard": "purged_rows"}[policy]
    (run,) = tbtools.open(tmp_path).runs.to_table().to_pylist()
    all_rows = len(kept(tmp_path, "keep"))
    assert run[column] == all_rows - len(kept(tmp_path, policy)) > 0
