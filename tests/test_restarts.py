"""Restart policies, against TensorBoard's rules written down by hand and purging_oracle.py."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import purging_oracle
import pytest
from event_writing import EventFile, bytes_field, summary, value_message, varint_field
from hypothesis import given, settings
from hypothesis import strategies as st

import tbtools
from tbtools.files import scans
from tbtools.files.storage import LocalStorage


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


@pytest.mark.parametrize("version", [None, "brain.Event:1", "brain.Event:two", "brain.Event:nan"])
def test_an_event_with_an_empty_summary_is_the_one_before(
    tmp_path: Path, version: str | None
) -> None:
    file = EventFile(tmp_path / "tfevents")
    if version is not None:
        file.version(version)
    file.scalar("a", 9, 1.0).event(summary(), 7).scalar("a", 8, 2.0)
    assert kept(tmp_path, "tensorboard") == [("a", 9, 1.0), ("a", 8, 2.0)]
    assert dropped(tmp_path) == (1, 0, 0)
    # It drops nothing itself, but what follows falls from its step.
    file.event(summary(), 12).scalar("a", 9, 3.0)
    assert kept(tmp_path, "tensorboard") == [("a", 8, 2.0), ("a", 9, 3.0)]


def test_an_empty_summary_at_the_end_of_a_file_is_the_one_before(tmp_path: Path) -> None:
    EventFile(tmp_path / "tfevents.1").scalar("a", 9, 1.0).event(summary(), 7)
    EventFile(tmp_path / "tfevents.2").scalar("a", 8, 2.0)
    assert kept(tmp_path, "tensorboard") == [("a", 9, 1.0), ("a", 8, 2.0)]


def test_an_event_that_is_no_summary_is_not_the_one_before(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").scalar("a", 9, 1.0)
    file.what("log_message", b"", 3).what("session_log", varint_field(1, 3), 3).event(b"", 3)
    file.scalar("a", 8, 2.0)
    assert kept(tmp_path, "tensorboard") == [("a", 8, 2.0)]


def test_starts_count_only_where_the_version_is_2(tmp_path: Path) -> None:
    EventFile(tmp_path / "tfevents.1").session_start(0).scalar("a", 5, 1.0)
    EventFile(tmp_path / "tfevents.2").version().session_start(3).scalar("a", 3, 2.0)
    assert kept(tmp_path, "tensorboard") == [("a", 5, 1.0), ("a", 3, 2.0)]
    EventFile(tmp_path / "tfevents.3").version().session_start(4).scalar("a", 4, 3.0)
    assert kept(tmp_path, "tensorboard") == [("a", 3, 2.0), ("a", 4, 3.0)]


def test_a_version_holds_from_its_event_on(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents.1").version("brain.Event:1")
    file.scalar("a", 5, 1.0).scalar("a", 4, 2.0)  # falls: drops 5
    file.version("brain.Event:2").scalar("a", 3, 3.0)  # falls, but only STARTs count now
    assert kept(tmp_path, "tensorboard") == [("a", 4, 2.0), ("a", 3, 3.0)]
    # And beyond the file: the next gives no version.
    file = EventFile(tmp_path / "tfevents.2").session_start(9).scalar("a", 2, 4.0)
    assert [step for _, step, _ in kept(tmp_path, "tensorboard")] == [4, 3, 2]
    file.session_start(3)
    assert [step for _, step, _ in kept(tmp_path, "tensorboard")] == [2]


def test_a_graph_is_the_one_before(tmp_path: Path) -> None:
    # TensorBoard makes a Summary of it when it reads the file.
    file = EventFile(tmp_path / "tfevents").scalar("a", 9, 1.0).what("graph_def", b"", 7)
    file.scalar("a", 8, 2.0)
    assert kept(tmp_path, "tensorboard") == [("a", 9, 1.0), ("a", 8, 2.0)]


def test_run_metadata_drops_values_of_its_tag(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").scalar("a", 8, 1.0).scalar("b", 9, 1.0)
    file.what("tagged_run_metadata", bytes_field(1, "a"), 7)
    assert kept(tmp_path, "tensorboard") == [("b", 9, 1.0)]


def test_a_value_without_a_member_drops_others_of_its_tag(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").scalars(9, {"a": 1.0, "b": 1.0})
    file.event(summary(value_message("b")), 7)
    assert kept(tmp_path, "tensorboard") == [("a", 9, 1.0)]


@settings(max_examples=50)
@given(st.randoms(use_true_random=False), st.sampled_from([64, 300, scans.WINDOW]))
def test_what_tensorboard_drops_is_what_its_rules_say(random: Random, window: int) -> None:
    run = purging_oracle.random_run(random)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "WINDOW", window)
        purging_oracle.write(run, Path(name) / "run")
        expected = purging_oracle.kept(run)
        found = purging_oracle.kept_by_tbtools(Path(name))
        assert found.get("run", []) == sorted(value[:3] for value in expected)
        _, _, purged = dropped(Path(name))
        assert purged == len(purging_oracle.values_of(run)) - len(expected)


@pytest.mark.parametrize("policy", ["latest", "tensorboard"])
def test_the_numbers_in_runs_are_those_that_are_dropped(tmp_path: Path, policy: str) -> None:
    for number in range(4):
        write(tmp_path / f"tfevents.{number}", range(number * 3, 20), number, start=number > 0)
    column = {"latest": "restarted_rows", "tensorboard": "purged_rows"}[policy]
    (run,) = tbtools.open(tmp_path).runs.to_table().to_pylist()
    all_rows = len(kept(tmp_path, "keep"))
    assert run[column] == all_rows - len(kept(tmp_path, policy)) > 0


regular = st.builds(
    lambda first, stride, count: [first + stride * number for number in range(count)],
    st.integers(-5, 60),
    st.integers(-4, 7),
    st.integers(0, 30),
)
irregular = st.lists(st.one_of(st.integers(0, 60), st.integers(-(2**63), 2**63 - 1)), max_size=40)


@given(st.lists(st.lists(st.one_of(regular, regular, irregular), max_size=3), max_size=4))
def test_what_policies_drop_is_counted_as_it_is_dropped(
    segments: list[list[list[int]]],
) -> None:
    """From sequences of steps where the survey has them, by reading again where it does not."""
    with tempfile.TemporaryDirectory() as name:
        rows = 0
        for number, segment in enumerate(segments):
            file = EventFile(Path(name) / f"tfevents.{number // 2}.{number}").version()
            if number % 2:
                file.session_start()
            for tag, steps in enumerate(segment):
                rows += len(steps)
                for step in steps:
                    file.scalar(f"tag{tag % 2}", step, 0.0)
        if not rows:
            return
        _, latest, purged = dropped(Path(name))
        assert latest == rows - len(kept(Path(name), "latest"))
        assert purged == rows - len(kept(Path(name), "tensorboard"))


def test_regular_steps_are_counted_without_reading_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tfevents.1", range(0, 1000, 10), 1.0)
    write(tmp_path / "tfevents.2", range(505, 2000, 5), 2.0, start=True)
    read = []
    many = LocalStorage.read_many

    def spy(self: LocalStorage, files: list[tuple[str, int]], buffer: bytearray) -> list[bool]:
        read.extend(path for path, _ in files)
        return many(self, files, buffer)

    monkeypatch.setattr(LocalStorage, "read_many", spy)
    monkeypatch.delattr(LocalStorage, "open")
    logs = tbtools.open(tmp_path)
    (run,) = logs.runs.to_table().to_pylist()
    assert (run["points"], run["restarted_rows"]) == (399, 49)
    assert logs.tags.to_table().num_rows == 1
    assert logs.files.to_table().num_rows == 2
    assert len(read) == 2
