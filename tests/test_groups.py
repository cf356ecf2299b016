"""Groups of small files give what each file gives by itself, however they are put together."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from event_writing import EventFile, event_message, record
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import events, files

import tbtools
from tbtools import _core
from tbtools.files import groups
from tbtools.files.declared import Declared
from tbtools.files.storage import LOCAL, read_each

TABLES = ("scalars", "tensors", "histograms", "hparams", "messages", "events", "tags", "runs",
          "files")  # fmt: skip
ALONE = {"GROUP": 0, "MOST_FILES": 1}
SPLITS = [ALONE, {"MOST_FILES": 2}, {"MOST_FILES": 3}, {"MOST_FILES": 100}]


def tables_of(logdir: Path, split: dict[str, int], **options: Any) -> dict[str, list[str]]:
    """The rows of every table, with NaN equal to itself, when files are grouped like this."""
    with patch.multiple(groups, **split):
        logs = tbtools.open(logdir, **options)
        found = {name: list(map(repr, logs[name].to_table().to_pylist())) for name in TABLES}
        found["health"] = list(map(repr, logs.health))
    return found


logdirs = st.lists(st.lists(files(), min_size=1, max_size=4), min_size=1, max_size=4)


def write(folder: Path, logdir: list[list[EventFile]]) -> None:
    """Runs a, b, … of these files."""
    for run, of_run in enumerate(logdir):
        (folder / "abcd"[run]).mkdir()
        for number, file in enumerate(of_run):
            (folder / "abcd"[run] / f"tfevents.{number}").write_bytes(file.bytes)


@given(
    logdirs,
    st.sampled_from(["keep", "latest", "tensorboard"]),
    st.sampled_from([1, 2]),
    st.sampled_from(["a*", "*/*", "b"]),
    st.booleans(),
)
@settings(max_examples=30)
def test_any_grouping_gives_the_same(
    logdir: list[list[EventFile]], restarts: str, threads: int, glob: str, excluded: bool
) -> None:
    """All tables, the rows that are selected, and what passes a filter of run and tag."""
    whole: dict[str, Any] = {"restarts": restarts, "threads": threads}
    some: dict[str, Any] = {"exclude_tag" if excluded else "tag": glob, "steps": (0, 500)}
    sql = (
        "SELECT run, tag, step, value::VARCHAR FROM scalars "
        "WHERE (run = 'a' AND tag = 'a') OR (run = 'b' AND tag <> 'b') OR step > 100"
    )
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), logdir)
        for options in (whole, some):
            alone = tables_of(Path(name), ALONE, **options)
            for split in SPLITS[1:]:
                assert tables_of(Path(name), split, **options) == alone
        found = []
        for split in SPLITS:
            with patch.multiple(groups, **split):
                found.append(tbtools.open(name).query(sql).fetchall())
        assert found == [found[0]] * len(SPLITS)


one_kind = st.lists(
    st.builds(
        lambda number, step, tag: (step, tag, number),
        st.floats(width=32, allow_nan=False),
        st.integers(0, 50),
        st.sampled_from("xyz"),
    ),
    max_size=30,
)


@given(one_kind, st.lists(st.integers(0, 30), max_size=3), st.sampled_from(SPLITS))
@settings(max_examples=30)
def test_records_may_be_split_over_files(
    records: list[tuple[int, str, float]], cuts: list[int], split: dict[str, int]
) -> None:
    expected = [(tag, step, value) for step, tag, value in records]
    bounds = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    with tempfile.TemporaryDirectory() as name:
        for number, (begin, end) in enumerate(pairwise(bounds)):
            file = EventFile(Path(name) / f"tfevents.{number}").version()
            for place, (step, tag, value) in enumerate(records[begin:end], begin):
                if tag == "x":
                    file.scalar(tag, step, value)
                else:  # metadata comes with the first value of the run only
                    is_first = all(each[1] != tag for each in records[:place])
                    file.tensor_scalar(tag, step, value, plugin="scalars" if is_first else "")
        with patch.multiple(groups, **split):
            table = tbtools.open(name).scalars.to_table()
    columns = (table[column].to_pylist() for column in ("tag", "step", "value"))
    assert list(zip(*columns, strict=True)) == expected


@given(st.lists(files(), max_size=5), st.booleans())
@settings(max_examples=50)
@example([EventFile(), EventFile()], False)
def test_scan_many_is_scan_of_each(found: list[EventFile], offsets: bool) -> None:
    data = b"".join(file.bytes for file in found)
    extents, begin = [], 0
    for file in found:
        extents.append((begin, len(file.bytes)))
        begin += len(file.bytes)
    group = _core.scan_many(data, extents, offsets=offsets)
    points, rows, tags = (
        pa.Table.from_batches([pa.record_batch(part)])
        for part in (group.points, group.rows, group.tags)
    )
    begin_points = begin_rows = 0
    for number, (file, facts) in enumerate(zip(found, group.files, strict=True)):
        is_whole, records, end_points, end_rows, version, source = facts
        scan = _core.scan(file.bytes, at_end=True, offsets=offsets, may_skip=False)
        assert is_whole == (scan.stop == _core.Stop.end)
        own_points = points.slice(begin_points, end_points - begin_points)
        own_rows = rows.slice(begin_rows, end_rows - begin_rows)
        assert set(own_points["file"].to_pylist()) <= {number}
        assert set(own_rows["file"].to_pylist()) <= {number}
        if is_whole:
            assert records == scan.records
            assert (version, source or b"") == (scan.file_version, scan.source_metadata)
            assert plain(own_points.drop_columns("file")) == plain(scan.points)
            before = [row - begin_points for row in own_rows["points_before"].to_pylist()]
            assert before == pa.record_batch(scan.rows)["points_before"].to_pylist()
            assert plain(own_rows.drop_columns(["file", "points_before"])) == plain(
                scan.rows, "points_before"
            )
            mine = [each for each in tags.to_pylist() if each.pop("file") == number]
            assert mine == pa.record_batch(scan.tags).to_pylist()
        else:
            assert not own_points.num_rows + own_rows.num_rows + records
        begin_points, begin_rows = end_points, end_rows


def plain(table: Any, *dropped: str) -> list[str]:
    """Its rows, with NaN equal to itself."""
    table = table if isinstance(table, pa.Table) else pa.record_batch(table)
    return list(map(repr, table.drop_columns(list(dropped)).to_pylist()))


@given(st.lists(events(), max_size=12), st.integers(0, 12))
def test_a_survey_of_windows_is_that_of_the_file(records: list[bytes], cut: int) -> None:
    begin, end = EventFile(), EventFile()
    for number, each in enumerate(records):
        (begin if number < cut else end).record(each)
    data = begin.bytes + end.bytes
    whole = _core.scan(data, at_end=True, offsets=True)
    if whole.stop != _core.Stop.end:
        return
    by_window = _core.Survey()
    first = _core.scan(data[: len(begin.bytes)], at_end=True, offsets=True)
    by_window.add(first)
    declared = Declared()
    if first.has_metadata:
        declared.note(pa.record_batch(first.tags))
    rest = {"declared": declared.tags, "scalars": declared.scalars}
    by_window.add(_core.scan(data, len(begin.bytes), at_end=True, offsets=True, **rest))
    grouped = _core.Survey()
    grouped.add_group(_core.scan_many(data, [(0, len(data))], offsets=True))
    (one,), (other,) = by_window.files(), grouped.files()
    for part in ("counts", "starts", "marks", "last_step"):
        assert repr(getattr(one, part)) == repr(getattr(other, part))


def test_a_survey_needs_offsets() -> None:
    with pytest.raises(ValueError, match="offsets"):
        _core.Survey().add(_core.scan(b""))
    with pytest.raises(ValueError, match="offsets"):
        _core.Survey().add_group(_core.scan_many(b"", []))


@pytest.mark.parametrize("extent", [(0, 5), (5, 0), (2, 3), (2**63, 2**63)])
def test_an_extent_lies_in_the_buffer(extent: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="beyond the buffer"):
        _core.scan_many(b"abcd", [extent])


@pytest.mark.parametrize("read", [LOCAL.read_many, lambda *args: read_each(LOCAL, *args)])
def test_many_files_are_read_as_far_as_they_were_listed(tmp_path: Path, read: Any) -> None:
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "ü").write_bytes(b"second, grown")
    (tmp_path / "short").write_bytes(b"xy")
    wanted = [("a", 5), ("missing", 3), ("ü", 6), ("short", 4), ("a", 0)]
    buffer = bytearray(b"." * 20)
    paths = [(os.fspath(tmp_path / name), size) for name, size in wanted]
    assert read(paths, buffer) == [True, False, True, False, True]
    assert (buffer[:5], buffer[8:14], buffer[18:]) == (b"first", b"second", b"..")


def test_reading_many_files_needs_room(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    path = os.fsencode(tmp_path / "a")
    with pytest.raises(ValueError, match="too small"):
        _core.read_files([(path, 5)], bytearray(4))
    with pytest.raises((BufferError, TypeError)):
        _core.read_files([(path, 5)], bytes(5))
    with pytest.raises(ValueError, match="2 GiB"):
        _core.read_files([(path, 2**31)], bytearray(4))


def test_a_file_that_cannot_be_read_costs_its_group_nothing(tmp_path: Path) -> None:
    for name in "abc":
        EventFile(tmp_path / name / "tfevents").version().scalar("x", 1, 1.0)
    logs = tbtools.open(tmp_path)
    (tmp_path / "b" / "tfevents").unlink()
    assert logs.scalars.to_table()["run"].to_pylist() == ["a", "c"]
    assert {health.path.split("/")[-2]: health.status for health in logs.health} == {
        "a": "ok", "b": "unreadable", "c": "ok"
    }  # fmt: skip


def test_a_group_ends_where_its_batch_is_full() -> None:
    data = record(event_message(1, 1.0)) * (1 << 17)
    group = _core.scan_many(data * 3, [(part * len(data), len(data)) for part in range(3)])
    assert [facts[0] for facts in group.files] == [True, True, False]
    assert len(group.rows) == 1 << 18
