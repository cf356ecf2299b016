"""What a pass over a run finds beside the values: writers, when it began, Summaries of nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import oracle
import pytest
from event_writing import EventFile, bytes_field, float_field, summary, value_message
from hypothesis import given
from strategies import files

import tbtools
from tbtools import _core

SOURCE = bytes_field(10, bytes_field(1, "mine"))


def told(table: str, logdir: Path) -> dict[str, Any]:
    """The one row of a table."""
    (row,) = tbtools.open(logdir)[table].to_table().to_pylist()
    return dict(row)


@pytest.mark.parametrize(
    "what",
    [b"", summary(value_message("x", float_field(2, 1.0))), summary(), bytes_field(6, b"")],
    ids=["alone", "summary", "empty_summary", "log_message"],
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_writer_needs_no_file_version(tmp_path: Path, what: bytes, first: bool) -> None:
    file = EventFile(tmp_path / "tfevents")
    if not first:
        file.scalar("x", 0, 1.0)
    file.event(what + SOURCE)
    assert told("runs", tmp_path)["writer"] == "mine"
    row = told("files", tmp_path)
    assert (row["writer"], row["file_version"]) == ("mine", None)


def test_the_writer_may_stand_beside_another_event_than_the_version(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version()
    assert told("files", tmp_path)["writer"] is None
    file.event(SOURCE).version(writer="another")
    assert told("files", tmp_path)["writer"] == "mine"


def test_a_run_begins_with_the_event_of_its_version(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").event(bytes_field(3, "brain.Event:2"), 0, 100.0)
    row = told("runs", tmp_path)
    assert (row["first_time"], row["last_time"]) == (100.0, 100.0)
    file.scalar("x", 1, 1.0, 200.0)
    row = told("runs", tmp_path)
    assert (row["first_time"], row["last_time"]) == (100.0, 200.0)
    assert (row["first_step"], row["last_step"], row["points"]) == (1, 1, 1)
    assert row["tables"] == ["scalars"]


def test_an_event_of_no_values_has_its_time_and_nothing_else(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version().scalar("x", 1, 1.0, 200.0)
    file.event(summary(), 5, 50.0)
    row = told("runs", tmp_path)
    assert (row["first_time"], row["last_step"], row["points"]) == (50.0, 1, 1)
    assert (row["segments"], row["tables"]) == (1, ["scalars"])


@given(files())
def test_the_core_tells_of_summaries_without_values(file: EventFile) -> None:
    scan = _core.scan(file.bytes, at_end=True)  # up to the first record that is no event
    found = [(offset, step, repr(time)) for offset, step, time in scan.empty_summaries]
    assert found == [
        (event.offset, event.step, repr(event.wall_time))
        for event in oracle.read(file.bytes).events
        if not event.values and event.offset < scan.offset
    ]


def test_a_mark_names_each_tag_once() -> None:
    file = EventFile().event(summary(*[value_message(tag, float_field(2, 1.0)) for tag in "abab"]))
    file.scalar("b", -1, 1.0)
    survey = _core.Survey()
    survey.add(_core.scan(file.bytes, at_end=True, offsets=True))
    (found,) = survey.files()
    assert [mark[-1] for mark in found.marks] == [["a", "b"], ["b"]]
