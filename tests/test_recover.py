"""What is intact is saved, byte for byte, and what is left behind is told to the last byte."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import oracle
import pyarrow as pa
import pytest
from conftest import DATA, Cli
from event_writing import EventFile
from hypothesis import given
from hypothesis import strategies as st
from strategies import damaged_files, files
from tensorboard_reading import by_loader, compared, told

import tbtools
from tbtools.errors import TargetExistsError, UsageError

NAME = "events.out.tfevents.1"
LOGS = ["iris", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed"]


def event_files(logdir: Path) -> dict[str, bytes]:
    """The event files under a folder: what is in each."""
    return {
        str(path.relative_to(logdir)): path.read_bytes()
        for path in sorted(logdir.rglob("*tfevents*"))
        if path.is_file()
    }


def size_of(report: pa.Table) -> int:
    """The bytes of stretches that are left behind."""
    return sum(size for size in report["size"].to_pylist() if size)


@given(file=st.one_of(files(), damaged_files()))
def test_every_intact_record_is_saved_and_every_other_byte_is_told(
    file: EventFile, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("recover")
    (folder / "in").mkdir()
    (folder / "in" / NAME).write_bytes(file.bytes)
    reading = oracle.read(file.bytes)
    saved = b"".join(
        file.bytes[event.offset :][: 16 + int.from_bytes(file.bytes[event.offset :][:8], "little")]
        for event in reading.events
    )
    done = tbtools.recover(folder / "in", folder / "out")
    assert done.records == len(reading.events)
    assert done.lost_bytes == sum(damage.size for damage in reading.damages)
    assert size_of(done.report) == len(file.bytes) - len(saved)
    assert done.is_lossy == bool(reading.damages)
    if not reading.events and file.bytes:
        assert done.path is None
        assert not (folder / "out").exists()
    else:
        assert (folder / "out" / NAME).read_bytes() == saved
        assert done.saved_bytes == len(saved)
        assert not any(tbtools.verify(folder / "out").to_table()["damage"].to_pylist())
    shutil.rmtree(folder)


def damaged(name: str, folder: Path) -> Path:
    """A golden log of which every file has lost a record in its middle, or its end."""
    shutil.copytree(DATA / name, folder)
    for number, path in enumerate(sorted(folder.rglob("*tfevents*"))):
        data = bytearray(path.read_bytes())
        if number % 3 == 2:
            del data[-5:]
        else:
            data[2 * len(data) // 3] ^= 1
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize("name", LOGS)
def test_tensorboard_reads_of_it_what_tbtools_reads_of_the_damaged_log(
    name: str, tmp_path: Path
) -> None:
    logdir = damaged(name, tmp_path / "in")
    before = tbtools.open(logdir)
    done = tbtools.recover(before, tmp_path / "out")
    assert done.is_lossy
    after = tbtools.open(tmp_path / "out")
    for table in before.tables:
        if table not in ("runs", "files", "embeddings"):
            rows = [repr(logs[table].to_table().to_pylist()) for logs in (after, before)]
            assert rows[0] == rows[1], table
    unclaimed = {(row["run"], row["tag"]) for row in before.events.to_table().to_pylist()}
    found = compared(by_loader(tmp_path / "out"))
    expected = told(before)
    assert {key: repr(points) for key, points in found.items() if key[1:] not in unclaimed} == {
        key: repr(points) for key, points in expected.items()
    }
    assert not any(tbtools.verify(tmp_path / "out").to_table()["damage"].to_pylist())


@pytest.mark.parametrize("name", LOGS)
def test_an_undamaged_log_comes_out_as_it_is(name: str, tmp_path: Path) -> None:
    done = tbtools.recover(DATA / name, tmp_path / "out")
    assert event_files(tmp_path / "out") == event_files(DATA / name)
    assert (done.is_lossy, done.report.num_rows) == (False, 0)
    assert done.saved_bytes == done.bytes


def test_the_corpus(corpus: Path, tmp_path: Path) -> None:
    done = tbtools.recover(corpus / "logs", tmp_path / "out")
    assert (done.files, done.saved_files, done.lost_bytes) == (122, 121, 100)
    before, after = event_files(corpus / "logs"), event_files(tmp_path / "out")
    assert {name for name in before if before[name] != after.get(name)} == {
        os.path.relpath(path, corpus / "logs") for path in done.report["path"].to_pylist()
    }


def test_what_is_left_behind_is_told_as_verify_tells_it(tmp_path: Path) -> None:
    logdir = damaged("torch", tmp_path / "in")
    (logdir / "nothing.tfevents").write_bytes(b"no event file at all" * 20)
    done = tbtools.recover(logdir, tmp_path / "out")
    found = tbtools.verify(logdir).to_table()
    kept = [row for row in found.to_pylist() if row["damage"] or row["what"] == "torn tail"]
    assert done.report.to_pylist() == kept
    assert "not a record" in done.report["what"].to_pylist()
    assert not (tmp_path / "out" / "nothing.tfevents").exists()


def test_empty_files_stay_and_packed_ones_are_unpacked(tmp_path: Path) -> None:
    plain = EventFile().version().scalar("t", 1, 0.5).bytes
    (tmp_path / "in" / "run").mkdir(parents=True)
    (tmp_path / "in" / "run" / f"{NAME}.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "in" / NAME).write_bytes(b"")
    done = tbtools.recover(tmp_path / "in", tmp_path / "out")
    assert event_files(tmp_path / "out") == {NAME: b"", f"run/{NAME}": plain}
    assert (done.saved_files, done.is_lossy) == (2, False)


def test_a_file_that_may_not_be_read_is_told_and_the_others_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in "ab":
        EventFile(tmp_path / "in" / run / NAME).version().scalar("t", 1, 0.5)
    logs = tbtools.open(tmp_path / "in")
    storage = type(logs.readers(survey=False)[0].run.files[0].storage)
    real = storage.open

    def refuse(self: Any, path: str) -> Any:
        if "/a/" in path:
            raise PermissionError(13, "Permission denied")
        return real(self, path)

    monkeypatch.setattr(storage, "open", refuse)
    done = tbtools.recover(logs, tmp_path / "out")
    assert (done.unreadable, done.saved_files, done.is_lossy) == (1, 1, True)
    (row,) = done.report.to_pylist()
    assert (row["run"], row["what"], row["detail"]) == ("a", "unreadable", "Permission denied")
    assert [*event_files(tmp_path / "out")] == [f"b/{NAME}"]


def test_a_hostile_file_takes_little_memory_for_its_report(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME)
    for _ in range(20_000):
        file.record(b"\xff")
    file.scalar("t", 0, 1.0)
    done = tbtools.recover(tmp_path / "in", tmp_path / "out")
    assert (done.records, done.lost_bytes) == (1, 20_000 * 17)
    assert size_of(done.report) == 20_000 * 17
    assert done.report["records"].to_pylist() == [20_000]


def test_nothing_is_written_where_it_may_not_be(tmp_path: Path) -> None:
    EventFile(tmp_path / "in" / NAME).version().scalar("t", 1, 0.5)
    for output in (tmp_path / "in", tmp_path / "in" / "out", tmp_path):
        with pytest.raises(UsageError):
            tbtools.recover(tmp_path / "in", output, force=True)
    tbtools.recover(tmp_path / "in", tmp_path / "out")
    with pytest.raises(TargetExistsError):
        tbtools.recover(tmp_path / "in", tmp_path / "out")
    tbtools.recover(tmp_path / "in", tmp_path / "out", force=True)
    with pytest.raises(UsageError, match="every intact record"):
        tbtools.recover(tbtools.open(tmp_path / "in", tag="t"), tmp_path / "x")
    with pytest.raises(UsageError, match="skip"):
        tbtools.recover(tmp_path / "in", tmp_path / "x", on_damage="fail")


def test_the_command_says_by_its_exit_code_what_was_saved(cli: Cli, tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version().scalar("t", 0, 1.0).scalar("t", 1, 2.0)
    done = cli("recover", tmp_path / "in", "-o", tmp_path / "all")
    assert done.stdout == "run,path,offset,size,what,damage,records,detail\n"
    assert done.stderr == (
        f"tbtools: 3 records saved in 1 of 1 file; 0 bytes of {len(file)} left behind, "
        "0 of them damaged\n"
    )
    size = len(file)
    file.junk(b"\x01\x02")
    done = cli("recover", tmp_path / "in", "-o", tmp_path / "tail")
    assert "2 bytes of" in done.stderr
    assert ",torn tail,false," in done.stdout
    file.flip(file.offsets[1] + 20)
    done = cli("recover", tmp_path / "in", "-o", tmp_path / "some", code=3)
    assert done.stdout.splitlines()[1].startswith(f".,{tmp_path}/in/{NAME},{file.offsets[1]},")
    assert "2 records saved in 1 of 1 file" in done.stderr
    assert size > 0
    file.zero(0)
    done = cli("recover", tmp_path / "in", "-o", tmp_path / "none", code=1)
    assert done.stderr == "tbtools: nothing could be saved of 1 file; nothing was written\n"
    assert ",zero-filled," in done.stdout
    assert not (tmp_path / "none").exists()
    cli("recover", tmp_path / "gone", "-o", tmp_path / "none", code=4)
    cli("recover", tmp_path / "in", code=2)
