"""Disks that are full at some point: a clear message, the old output untouched, nothing left."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from conftest import Cli
from event_writing import EventFile, bytes_field, event_message, record, summary
from faulty_storage import disk_of

#: What is written: the words of a command, the output's name behind them.
WRITING = {
    "parquet": (["export"], "out"),
    "csv": (["export", "--csv"], "out"),
    "jsonl": (["export", "--jsonl"], "out"),
    "arrow": (["export", "--arrow"], "out"),
    "duckdb": (["export", "--duckdb"], "out.duckdb"),
    "one_csv": (["export", "--csv", "--table", "scalars"], "out.csv"),
    "one_parquet": (["export", "--table", "scalars"], "out.parquet"),
    "wide": (["export", "--wide"], "out"),
    "media": (["export", "--media"], "out"),
    "recover": (["recover"], "out"),
    "rewrite": (["rewrite", "--drop", "y"], "out"),
    "compact": (["rewrite", "--compact"], "out"),
    "by_tag": (["rewrite", "--split-by", "tag"], "out"),
    "merge": (["merge", "--into", "x"], "out"),
    "merge_parquet": (["merge", "--into", "x", "--parquet"], "out"),
    "aggregate": (["aggregate", "--events"], "out"),
    "downsample": (["downsample", "--points", "200"], "out"),
}  # fmt: skip


def make_logs(folder: Path, points: int) -> Path:
    """Three runs of scalars and an image that does not pack."""
    random = Random(points)
    for run in "abc":
        file = EventFile(folder / run / "events.out.tfevents.1").version()
        for step in range(points):
            file.scalar("xyz"[step % 3], step, random.random())
        image = bytes_field(4, b"\x89PNG" + random.randbytes(20 * points))
        value = bytes_field(1, "image") + bytes_field(4, image)
        with (folder / run / "events.out.tfevents.1").open("ab") as out:
            out.write(record(event_message(points, 1.0, summary(value))))
    return folder


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 1 MB of logs."""
    return make_logs(tmp_path_factory.mktemp("logs"), 6000)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Others, of which old outputs are made."""
    return make_logs(tmp_path_factory.mktemp("older"), 20)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def command(name: str, logs: Path, place: Path) -> list[str]:
    words, output = WRITING[name]
    if name == "media":
        return [*words, str(place / output), str(logs)]
    return [*words, str(logs), "-o", str(place / output)]


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may grow over so many bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_said(done: subprocess.CompletedProcess[str], what: Path, why: str) -> None:
    """One line says what could not be written, and why."""
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert line.startswith(f"tbtools: cannot write {what}")
    assert why in line


@pytest.mark.parametrize("size", [64, 12_000])
@pytest.mark.parametrize("name", WRITING)
def test_a_file_that_may_not_grow(
    name: str,
    size: int,
    logs: Path,
    older: Path,
    tmp_path: Path,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary, place = tmp_path / "temporary", tmp_path / "place"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    output = place / WRITING[name][1]
    with limited(size):
        said = cli(*command(name, logs, place), code=1)
    assert_said(said, output, "File too large")
    assert not place.exists()
    cli(*command(name, older, place))
    before = contents(place)
    with limited(size):
        said = cli(*command(name, logs, place), "--force", code=1)
    assert_said(said, output, "File too large")
    assert contents(place) == before
    assert [path.name for path in place.iterdir()] == [output.name]
    assert list(temporary.iterdir()) == []


def test_a_report_that_has_no_room_is_said_before_anything_is_written(
    tmp_path: Path, cli: Cli
) -> None:
    file = EventFile(tmp_path / "logs" / "events.tfevents").version().scalar("x", 1, 1.0)
    bad = bytearray(record(event_message(1, 1.0)))
    bad[-1] ^= 1
    with (tmp_path / "logs" / "events.tfevents").open("ab") as out:
        out.write((bytes(bad) + file.bytes[file.offsets[1] :]) * 300)
    with limited(file.offsets[1] + 300 * 40):
        said = cli("recover", tmp_path / "logs", "-o", tmp_path / "out", code=1)
    assert_said(said, Path("the report to"), "(TMPDIR names another folder): File too large")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [64, 20_000, 100_000])
def test_in_place_nothing_is_replaced_before_all_is_written(
    size: int, logs: Path, tmp_path: Path, cli: Cli
) -> None:
    shutil.copytree(logs, tmp_path / "logs")
    before = contents(tmp_path / "logs")
    words = ["rewrite", tmp_path / "logs", "--drop", "y", "--in-place"]
    with limited(size):
        said = cli(*words, "--backup", tmp_path / "backup", code=1)
    assert_said(said, tmp_path / "backup", "File too large")
    assert contents(tmp_path / "logs") == before
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    cli(*words, "--backup", tmp_path / "backup")
    assert contents(tmp_path / "backup") == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB."""
    yield from disk_of(12, tmp_path / "disk")


@pytest.mark.parametrize("name", WRITING)
def test_a_disk_may_be_full_at_any_point(
    name: str, logs: Path, older: Path, small_disk: Path, tmp_path: Path, cli: Cli
) -> None:
    place, filler = small_disk / "place", small_disk / "filler"
    cli(*command(name, older, place))
    before = contents(place)
    for room in (0, 8 << 10, 40 << 10):
        filler.write_bytes(b"")
        free = os.statvfs(small_disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - room))
        said = cli(*command(name, logs, place), "--force", code=1)
        assert_said(said, place / WRITING[name][1], "No space left on device")
        assert contents(place) == before
        assert len([*place.iterdir()]) == 1
    filler.unlink()
    cli(*command(name, logs, place), "--force")
    assert contents(place) != before


def test_in_place_on_a_disk_that_gets_full(
    logs: Path, small_disk: Path, tmp_path: Path, cli: Cli
) -> None:
    """The backup is on another disk; the files are replaced one by one, the last has no room."""
    shutil.copytree(logs, small_disk / "logs")
    before = contents(small_disk / "logs")
    words = ["rewrite", small_disk / "logs", "--drop", "y", "--in-place"]
    filler = small_disk / "filler"
    filler.write_bytes(b"")
    free = os.statvfs(small_disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - 4096))
    said = cli(*words, "--backup", tmp_path / "backup", code=1)
    assert_said(said, small_disk / "logs", "No space left on device")
    assert contents(small_disk / "logs") == before
    assert contents(tmp_path / "backup") == before
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "logs"]
