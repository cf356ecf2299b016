"""``verify``: what it finds, and that its numbers are those of the table ``files``."""

from __future__ import annotations

import errno
import gc
import gzip
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import hostile
import oracle
import pyarrow.dataset as pads
import pytest
from conftest import DATA, Cli
from event_writing import EventFile, bytes_field, event_message, record, tensor
from hypothesis import given
from hypothesis import strategies as st
from process_memory import is_told, resident
from strategies import files
from test_terminal import Screen

import tbtools
from tbtools import _core
from tbtools.files.storage import LocalStorage
from tbtools.runs import stretches
from tbtools.runs.survey import TagStats

Finding = tuple[Any, ...]


def findings(logdir: Path, *names: str) -> list[Finding]:
    """Columns of the findings as tuples; by default where and what they are."""
    table = tbtools.verify(logdir, threads=1).to_table()
    columns = names or ("offset", "size", "what", "damage")
    return list(zip(*(table[name].to_pylist() for name in columns), strict=True))


@pytest.fixture
def log(tmp_path: Path) -> EventFile:
    """A log of twenty records, as the only one of its logdir."""
    file = EventFile(tmp_path / "logs" / "events.tfevents.1").version()
    for step in range(19):
        file.scalar("loss", step, 1.0)
    return file


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Where that log is."""
    return tmp_path / "logs"


def test_nothing_is_found_in_a_good_log(log: EventFile, logdir: Path) -> None:
    assert findings(logdir) == []


def test_wrong_crcs_of_data_and_of_length(log: EventFile, logdir: Path) -> None:
    first, second, third = log.offsets[5:8]
    log.flip(first + 20)
    found = [(first, second - first, "wrong data CRC", True)]
    assert findings(logdir) == found
    log.flip(second)
    found.append((second, third - second, "wrong length CRC", True))
    # Where the header behind a record is wrong, its own length is not confirmed either.
    assert findings(logdir) == [(first, third - first, "wrong data CRC", True)]
    log.flip(first + 20)
    assert findings(logdir) == found[1:]


def test_damages_that_adjoin_are_one_finding(log: EventFile, logdir: Path) -> None:
    for number in (4, 5, 6, 9):
        log.flip(log.offsets[number] + 20)
    begin, end = log.offsets[4], log.offsets[7]
    assert findings(logdir, "offset", "size", "records", "detail") == [
        (begin, end - begin, 3, "3 in a row"),
        (log.offsets[9], log.offsets[10] - log.offsets[9], 1, None),
    ]


def test_a_record_that_is_no_event(log: EventFile, logdir: Path) -> None:
    log.record(b"\x07")
    at = log.offsets[-1]
    assert findings(logdir) == [(at, len(log) - at, "not an Event", True)]


def test_zeros_are_told_with_their_extent(log: EventFile, logdir: Path) -> None:
    begin, end = log.offsets[3], log.offsets[12]
    log.zero(begin + 50, end - 4)
    ((offset, size, what, detail),) = findings(logdir, "offset", "size", "what", "detail")
    first = len(log.bytes[: begin + 50].rstrip(b"\0"))
    zeros = len(log.bytes[first:]) - len(log.bytes[first:].lstrip(b"\0"))
    assert log.offsets[3] <= offset <= first
    assert first + zeros <= offset + size == end
    assert detail.startswith(f"{zeros:,} zeros at offset {first};")
    assert what == "zero-filled"


def test_what_follows_the_last_record(log: EventFile, logdir: Path) -> None:
    end = len(log)
    log.junk(b"junk" * 10)
    assert findings(logdir) == [(end, 40, "trailing junk", True)]
    log.cut(end).junk(bytes(4096))
    assert findings(logdir, "what", "detail") == [
        ("zero-filled", f"4,096 zeros at offset {end}; wrong length CRC")
    ]
    log.cut(end)
    last = log.offsets[-1]
    log.cut(-3)
    assert findings(logdir) == [(last, end - 3 - last, "torn tail", False)]


def test_what_is_no_log_at_all(tmp_path: Path) -> None:
    (tmp_path / "tfevents").write_bytes(b"<html>" * 10)
    assert findings(tmp_path) == [(0, 60, "not a record", True)]


def test_an_empty_file(tmp_path: Path) -> None:
    EventFile(tmp_path / "tfevents")
    assert findings(tmp_path) == [(None, 0, "empty file", False)]


def test_a_compressed_copy_that_breaks_off(tmp_path: Path, log: EventFile) -> None:
    (tmp_path / "tfevents.gz").write_bytes(gzip.compress(log.bytes)[:-9])
    assert ("broken compression", True) in findings(tmp_path / "tfevents.gz", "what", "damage")


def test_a_file_that_cannot_be_opened(log: EventFile, logdir: Path) -> None:
    logs = tbtools.open(logdir)
    (logdir / "events.tfevents.1").unlink()
    (row,) = logs.verify().to_table().to_pylist()
    told = (row["what"], row["damage"], row["offset"], row["detail"])
    assert told == ("unreadable", True, None, "No such file or directory")


def test_steps_that_go_back_in_a_segment(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "a" / "tfevents").version()
    for step in (0, 1, 5, 3, 4, 2):
        file.scalar("loss", step, 1.0).scalar("lr", step // 5, 1.0)
    # A restart is none: `ls` tells of those.
    EventFile(tmp_path / "b" / "tfevents.1").scalar("x", 5, 1.0).session_start(2).scalar("x", 2, 1)
    EventFile(tmp_path / "b" / "tfevents.2").scalar("x", 0, 1.0)
    assert findings(tmp_path, "run", "offset", "what", "damage", "detail") == [
        ("a", file.offsets[7], "steps go back", False, "tag 'loss': 2 below the step before"),
        ("a", file.offsets[8], "steps go back", False, "tag 'lr': 1 below the step before"),
    ]


steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3)), max_size=40)


@given(steps, st.booleans())
def test_steps_that_go_back_are_counted(values: list[tuple[str, int]], tensors: bool) -> None:
    file = EventFile()
    for tag, step in values:
        if tensors:
            file.value(tag, step, "image", b"")
        else:
            file.scalar(tag, step, 1.0)
    counter = _core.Survey()
    counter.add(_core.scan(file.bytes, at_end=True, offsets=True))
    (found,) = counter.files()
    for count in (TagStats(*each) for each in found.counts):
        own = [number for number, (tag, _) in enumerate(values) if tag == count.tag]
        falls = [b for a, b in pairwise(own) if values[b][1] < values[a][1]]
        assert count.falls == len(falls)
        assert not falls or count.first_fall == file.offsets[falls[0]]


def test_times_that_are_none(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents").version()
    file.scalar("loss", 1, 1.0, float("nan")).scalar("loss", 2, 1.0, float("inf"))
    file.what("graph_def", b"", 0, float("-inf"))
    assert findings(tmp_path, "offset", "what", "damage", "detail") == [
        (file.offsets[1], "wall_time not finite", False, "tag 'loss': 2 NaN or infinite"),
        (
            file.offsets[3],
            "wall_time not finite",
            False,
            "events without a tag: 1 NaN or infinite",
        ),
    ]


def test_tags_that_contradict_themselves(tmp_path: Path) -> None:
    text = tensor("string", [b"x"], [])
    EventFile(tmp_path / "tfevents.1").value("a", 1, "tensor", text, plugin="text")
    EventFile(tmp_path / "tfevents.2").value("a", 2, "tensor", text, plugin="other")
    file = EventFile(tmp_path / "tfevents.3").scalar("b", 1, 1.0)
    file.value("b", 2, "tensor", text, plugin="text")
    EventFile(tmp_path / "tfevents.4").value("c", 1, "tensor", text)
    told = findings(tmp_path, "path", "what", "damage", "detail")
    assert [(path[-1], *rest) for path, *rest in told] == [
        ("2", "contradictory metadata", False, "tag 'a': plugins text, other"),
        ("3", "contradictory metadata", False, "tag 'b': values scalars, text"),
        ("4", "metadata missing", False, "tag 'c': tensors of which nothing names a plugin: 1"),
    ]


def test_findings_are_a_lazy_table(log: EventFile, logdir: Path) -> None:
    log.flip(log.offsets[2] + 20)
    found = tbtools.open(logdir).verify()
    damaged = pads.field("damage")
    assert found.count_rows(damaged) == 1
    assert found.to_table(["what"], ~damaged).num_rows == 0
    assert found.to_polars()["run"].to_list() == ["."]


@pytest.mark.usefixtures("log")
def test_an_exported_dataset_has_no_event_files(logdir: Path, tmp_path: Path, cli: Cli) -> None:
    tbtools.export(logdir, tmp_path / "out")
    with pytest.raises(tbtools.UsageError, match="is an exported dataset"):
        tbtools.verify(tmp_path / "out")
    assert "the table files says" in cli("verify", tmp_path / "out", code=2).stderr


@pytest.mark.parametrize("threads", [1, 3])
def test_findings_come_run_by_run_whatever_the_threads(tmp_path: Path, threads: int) -> None:
    for run in range(40):
        file = EventFile(tmp_path / f"{run:02}" / "tfevents.1").scalar("x", 2, 1.0)
        file.scalar("x", 1, 1.0)
        if run % 3 == 0:
            path = tmp_path / f"{run:02}" / "tfevents.2"
            path.write_bytes(file.bytes[:-1] + b"?")
    rows = tbtools.verify(tmp_path, threads=threads).to_table().to_pylist()
    told = [(row["run"], row["what"]) for row in rows]
    assert told == sorted(told, key=lambda each: each[0])
    assert sum(what == "wrong data CRC" for _, what in told) == 14
    assert sum(what == "steps go back" for _, what in told) == 40


# --- agreement ----------------------------------------------------------------------------------


def agrees(logdir: Path) -> None:
    """The findings add up to what the table ``files`` tells of each file."""
    table = tbtools.verify(logdir).to_table().to_pylist()
    for file in tbtools.open(logdir)["files"].to_table().to_pylist():
        rows = [row for row in table if row["path"] == file["path"]]
        damage = [row for row in rows if row["damage"] and row["what"] != "unreadable"]
        assert sum(row["records"] for row in damage) == file["damaged_records"]
        assert sum(row["size"] for row in damage) == file["skipped_bytes"]
        tails = [row["size"] for row in rows if row["what"] == "torn tail"]
        assert tails == [file["pending_bytes"]] * bool(file["pending_bytes"])
        assert (file["status"] == "empty") == any(row["what"] == "empty file" for row in rows)
        ends = [(row["offset"], row["offset"] + row["size"]) for row in damage]
        assert all(end <= begin for (_, end), (begin, _) in pairwise(ends))


@given(files(), st.data())
def test_findings_agree_with_the_table_files(
    tmp_path_factory: pytest.TempPathFactory, file: EventFile, data: st.DataObject
) -> None:
    log = bytearray(file.bytes)
    for _ in range(data.draw(st.integers(0, 3))):
        begin = data.draw(st.integers(0, len(log)))
        end = data.draw(st.integers(begin, min(len(log), begin + 200)))
        log[begin:end] = data.draw(st.sampled_from([b"", bytes(end - begin), bytes(100), b"?"]))
    logdir = tmp_path_factory.mktemp("log")
    (logdir / "tfevents.1").write_bytes(log)
    agrees(logdir)
    reading = oracle.read(bytes(log))
    rows = tbtools.verify(logdir).to_table().to_pylist()
    assert sum(row["records"] for row in rows) == len(reading.damages)


@pytest.mark.parametrize("log", sorted(path.name for path in DATA.iterdir() if path.is_dir()))
@pytest.mark.parametrize("what", ["as it is", "flipped", "zeroed", "cut"])
def test_damaged_golden_logs_agree_with_the_table_files(
    log: str, what: str, tmp_path: Path
) -> None:
    for path in (DATA / log).rglob("*tfevents*"):
        data = bytearray(path.read_bytes())
        if what == "flipped":
            for at in range(100, len(data), 1000):
                data[at] ^= 16
        elif what == "zeroed":
            middle = data[len(data) // 3 : len(data) // 2]
            data[len(data) // 3 : len(data) // 2] = bytes(len(middle))
        elif what == "cut":
            del data[-5:]
        copy = tmp_path / path.relative_to(DATA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    agrees(tmp_path)


@pytest.mark.parametrize("name", sorted(hostile.FILES))
def test_hostile_files_have_findings_that_agree(name: str, tmp_path: Path) -> None:
    hostile.write(tmp_path, name, 100_000)
    agrees(tmp_path / name)


# --- zeros --------------------------------------------------------------------------------------


def longest_by_hand(data: bytes) -> int:
    """The size of the longest run of zeros, if it counts."""
    longest = max(map(len, data.translate(bytes([0] + [1] * 255)).split(b"\1")), default=0)
    return longest if longest >= _core.least_zeros else 0


pieces = st.lists(
    st.one_of(st.integers(0, 200).map(bytes), st.binary(max_size=40), st.just(b"\1" * 31)),
    max_size=8,
).map(b"".join)


@given(pieces)
def test_the_longest_run_of_zeros_is_found(data: bytes) -> None:
    leading, trailing, begin, size = _core.zeros_in(data)
    assert leading == len(data) - len(data.lstrip(b"\0"))
    assert trailing == len(data) - len(data.rstrip(b"\0"))
    assert size == longest_by_hand(data)
    assert data[begin : begin + size] == bytes(size)


@given(pieces, st.integers(1, 5), st.data())
def test_zeros_are_found_across_blocks(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, times: int, more: st.DataObject
) -> None:
    data *= times
    cuts = sorted(more.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    extents = [(a, b - a) for a, b in pairwise(cuts)]
    path = tmp_path_factory.mktemp("zeros") / "tfevents"
    path.write_bytes(gzip.compress(data) if more.draw(st.booleans()) else data)
    file = stretches.EventFile("tfevents", str(path), path.stat().st_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "BLOCK", more.draw(st.sampled_from([64, 100, 1 << 20])))
        zeros = stretches.Zeros(file)
        found = {number: (begin, size) for number, begin, size in zeros.filled(extents)}
        zeros.close()
    for number, (offset, size) in enumerate(extents):
        longest = longest_by_hand(data[offset : offset + size])
        if longest and 2 * longest >= size:
            begin, count = found[number]
            assert count == longest
            assert offset <= begin
            assert begin + count <= offset + size
            assert not any(data[begin : begin + count])
        else:
            assert number not in found


def test_extents_lie_in_the_buffer() -> None:
    with pytest.raises(ValueError, match="beyond the buffer"):
        _core.zero_filled(b"", [(0, 1)])


# --- the command --------------------------------------------------------------------------------


def test_exit_codes(log: EventFile, logdir: Path, tmp_path: Path, cli: Cli) -> None:
    assert "no damage in 1 file, 20 records" in cli("verify", logdir).stderr
    log.cut(-3)
    torn = cli("verify", logdir)
    assert "torn tail,false" in torn.stdout
    assert "no damage in 1 file, 19 records, 0.0 MB; 1 remark" in torn.stderr
    log.flip(30)
    damaged = cli("verify", logdir, "-f", "json", code=1)
    row, tail = json.loads(damaged.stdout)
    assert (row["what"], row["damage"], row["records"]) == ("wrong data CRC", True, 1)
    assert "damage in 1 of 1 file: 1 damaged record, " in damaged.stderr
    assert tail["what"] == "torn tail"
    (tmp_path / "nothing").mkdir()
    cli("verify", tmp_path / "nothing", code=4)
    cli("verify", logdir, "--run", "nobody", code=4)


def test_findings_fit_a_terminal(log: EventFile, logdir: Path) -> None:
    clean = Screen("verify", logdir, columns=80)
    assert (clean.own, clean.code) == ([], 0)
    begin, end = log.offsets[3:5]
    log.flip(begin + 20)
    screen = Screen("verify", logdir, columns=80)
    screen.fits()
    assert screen.code == 1
    names, row, *_ = screen.table
    assert names == ["run", "path", "offset", "size", "what", "damage"]
    assert row[2:] == [str(begin), str(end - begin), "wrong data CRC", "yes"]


def test_thousands_of_findings_are_not_collected(tmp_path: Path) -> None:
    bad = bytearray(record(event_message(1, 1.0, bytes_field(9, b"x"))))
    bad[-1] ^= 1
    good = record(event_message(1, 1.0))
    (tmp_path / "tfevents").write_bytes((bytes(bad) + good) * 200_000)
    rows = 0
    for batch in tbtools.verify(tmp_path).to_batches():
        assert batch.num_rows <= 1 << 16
        rows += batch.num_rows
    assert rows == 200_000


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("name", ["empty_values", "nested", "wrong_data", "zeros", "gzip_cut"])
def test_hostile_files_are_verified_in_bounded_memory(name: str, tmp_path: Path) -> None:
    path = hostile.write(tmp_path, name, 16_000_000)
    tbtools.verify(path.parent).count_rows()
    gc.collect()
    before = resident()
    grown = 0
    for _ in tbtools.verify(path.parent).to_batches():
        grown = max(grown, resident() - before)
    assert max(grown, resident() - before) < 100_000_000


def test_a_folder_that_cannot_be_listed_is_damage(
    log: EventFile, logdir: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    EventFile(logdir / "closed" / "tfevents").scalar("x", 1, 1.0)
    entries = LocalStorage.entries

    def some(self: LocalStorage, path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return entries(self, path)

    monkeypatch.setattr(LocalStorage, "entries", some)
    done = cli("verify", logdir, "-f", "json", code=1)
    (row,) = json.loads(done.stdout)
    assert (row["run"], row["what"], row["detail"]) == ("", "unreadable", "Permission denied")
    assert row["path"].endswith("closed")
    assert "damage in 0 of 1 file, 1 could not be read" in done.stderr
