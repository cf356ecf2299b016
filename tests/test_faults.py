"""Storages that fail, copies that unpack to much more than they are, messages without end."""

from __future__ import annotations

import errno
import gc
import gzip
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import Cli
from event_writing import EventFile, bytes_field, event_message, header, record, varint
from process_memory import is_told, resident

import tbtools
from tbtools.files.storage import LocalStorage, Source, read_each
from tbtools.kinds import table_specs


class Failing:
    """A source that gives an error for what lies behind an offset, as a disk that dies does."""

    def __init__(self, source: Source, end: int) -> None:
        self._source = source
        self._end = end

    def size(self) -> int | None:
        return self._source.size()

    def read_into(self, offset: int, buffer: memoryview) -> int:
        if offset >= self._end:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._source.read_into(offset, buffer[: self._end - offset])

    def close(self) -> None:
        self._source.close()


@pytest.fixture
def logdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs a to d of a hundred points; that of b may not be opened, that of c fails at half."""
    for run in "abcd":
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(100):
            file.scalar("loss", step, 1.0)
    opening = LocalStorage.open

    def opened(self: LocalStorage, path: str) -> Source:
        if "/b/" in path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        source = opening(self, path)
        return Failing(source, file.offsets[51] + 10) if "/c/" in path else source

    def read_many(
        self: LocalStorage, files: Sequence[tuple[str, int]], buffer: bytearray
    ) -> list[bool]:
        return read_each(self, files, buffer)

    monkeypatch.setattr(LocalStorage, "open", opened)
    monkeypatch.setattr(LocalStorage, "read_many", read_many)
    return tmp_path / "logs"


def test_what_cannot_be_read_is_a_row_and_the_rest_is_read(logdir: Path) -> None:
    files = tbtools.open(logdir)["files"].to_table().to_pylist()
    assert [(row["run"], row["status"], row["events"], row["first_error"]) for row in files] == [
        ("a", "ok", 101, None),
        ("b", "unreadable", 0, "Permission denied"),
        ("c", "unreadable", 51, "Input/output error"),
        ("d", "ok", 101, None),
    ]
    runs = tbtools.open(logdir).scalars.to_table()["run"].to_pylist()
    assert {run: runs.count(run) for run in "abcd"} == {"a": 100, "b": 0, "c": 50, "d": 100}


def test_commands_say_so_and_end_with_3(logdir: Path, tmp_path: Path, cli: Cli) -> None:
    said = cli("export", logdir, "-o", tmp_path / "out", code=3).stderr
    assert "2 files could not be read; first: " in said
    assert "/b/events.tfevents: Permission denied" in said
    assert tbtools.open(tmp_path / "out").scalars.count_rows() == 250
    assert cli("query", "SELECT count(*) AS n FROM scalars", logdir, code=3).stdout == "n\n250\n"
    assert cli("ls", logdir, "-f", "csv", code=3).stdout.count("\n") == 5
    told = cli("query", "FROM scalars", logdir, "--on-damage", "fail", code=1).stderr
    assert "/b/events.tfevents: Permission denied" in told


def test_verify_tells_where_it_ended(logdir: Path, cli: Cli) -> None:
    rows = tbtools.verify(logdir).to_table().to_pylist()
    assert [(row["run"], row["what"], row["damage"], row["detail"]) for row in rows] == [
        ("b", "unreadable", True, "Permission denied"),
        ("c", "unreadable", True, "Input/output error"),
    ]
    assert rows[0]["offset"] is None
    assert rows[1]["offset"] > 0
    assert "damage in 2 of 4 files, 2 could not be read" in cli("verify", logdir, code=1).stderr


# --- bombs ---------------------------------------------------------------------------------------

READINGS = ("files", "scalars", "findings", "everything")


def read(path: Path, what: str) -> None:
    """Read a log without keeping anything of it."""
    logs = tbtools.open(path, threads=1)
    if what == "everything":
        for _ in logs.scan(table_specs()):
            pass
    else:
        (logs.verify() if what == "findings" else logs[what]).count_rows()


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("what", READINGS)
def test_a_copy_of_zeros_takes_little_memory(tmp_path: Path, what: str) -> None:
    path = tmp_path / "events.tfevents"
    with gzip.open(path, "wb", 1) as packed:
        packed.write(record(event_message(1, 1.0)))
        for _ in range(256):
            packed.write(bytes(1 << 20))
    small = tmp_path / "small" / "events.tfevents"
    EventFile(small).scalar("x", 1, 1.0)
    read(small.parent, what)
    gc.collect()
    before = resident()
    read(path, what)
    assert resident() - before < 50_000_000


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("what", READINGS)
def test_a_small_copy_is_not_believed_to_hold_a_large_record(tmp_path: Path, what: str) -> None:
    path = tmp_path / "events.tfevents"
    good = record(event_message(1, 1.0))
    with gzip.open(path, "wb", 1) as packed:
        packed.write(good + header(2**31 - 1))
        for _ in range(256):
            packed.write(bytes(1 << 20))
        packed.write(good)
    EventFile(tmp_path / "small" / "events.tfevents").scalar("x", 1, 1.0)
    read(tmp_path / "small", what)
    gc.collect()
    before = resident()
    read(path, what)
    assert resident() - before < 50_000_000
    (row,) = tbtools.open(path)["files"].to_table().to_pylist()
    assert (row["events"], row["skipped_bytes"]) == (2, 12 + (256 << 20))
    assert row["first_error"].startswith("record cut off")


@pytest.mark.parametrize("pack", [gzip.compress, partial(pa.compress, codec="zstd", asbytes=True)])
def test_what_packs_well_is_read_all_the_same(tmp_path: Path, pack: Any) -> None:
    log = EventFile()
    for step in range(3):
        image = bytes_field(4, b"\x89PNG" + bytes(20_000_000))
        log.value("image", step, "image", image)
    (tmp_path / "tfevents").write_bytes(pack(log.bytes))
    assert tbtools.open(tmp_path).images.count_rows() == 3


def test_a_copy_of_a_copy_is_no_log(tmp_path: Path) -> None:
    log = EventFile().scalar("x", 1, 1.0).bytes
    (tmp_path / "tfevents").write_bytes(gzip.compress(gzip.compress(log)))
    (row,) = tbtools.verify(tmp_path).to_table().to_pylist()
    assert row["what"] == "not a record"


# --- nesting -------------------------------------------------------------------------------------


def nested(field: int, depth: int, core: bytes = b"") -> bytes:
    """A message in a message in a message, by the field of this number."""
    # From the inside out, each only its key and length: a list, because they come to megabytes.
    heads, size = [], len(core)
    for _ in range(depth):
        head = varint(field << 3 | 2) + varint(size)
        heads.append(head)
        size += len(head)
    return b"".join(reversed(heads)) + core


DEPTHS = (99, 101, 100_000)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("plugin", "fields"),
    [
        ("hparams", (5, 1)),
        ("custom_scalars", (1,)),
        ("text", (2,)),
        ("scalars", (2,)),
        ("images", (8,)),
        ("pr_curves", (2,)),
        ("mesh", (2,)),
        ("graph_run_metadata", (1, 2)),
        ("graph_run_metadata_graph", (1, 5)),
        ("graph_keras_model", (1,)),
        ("unknown", (1,)),
    ],
)
def test_messages_may_be_nested_without_end(
    tmp_path: Path, plugin: str, fields: tuple[int, ...], depth: int
) -> None:
    content = b"".join(nested(field, depth) for field in fields)
    metadata = bytes_field(1, bytes_field(1, plugin) + bytes_field(2, content))
    file = EventFile(tmp_path / "tfevents").version()
    for field in fields:
        message = nested(field, depth)
        file.value("a", 1, "tensor", message, metadata=metadata)
        file.value("b", 2, "tensor", bytes_field(8, message), metadata=metadata)
        file.value("c", 3, "image", message).value("d", 3, "histo", message)
        file.what("graph_def", message, 4).what("meta_graph_def", message, 5)
        file.what("tagged_run_metadata", bytes_field(1, "t") + bytes_field(2, message), 6)
        file.what("session_log", message, 7).what("log_message", message, 8)
    read(tmp_path, "everything")
    read(tmp_path, "files")
    read(tmp_path, "findings")


@pytest.mark.parametrize("depth", DEPTHS)
def test_attributes_of_nodes_may_be_nested_without_end(tmp_path: Path, depth: int) -> None:
    # NodeDef.attr → value → func → attr → value → func …: maps are messages of key and value.
    attribute = b""
    for _ in range(min(depth, 3000)):
        function = bytes_field(1, "f") + bytes_field(2, bytes_field(1, "k") + attribute)
        attribute = bytes_field(2, bytes_field(10, function))
    node = bytes_field(1, "n") + bytes_field(2, "op")
    node += bytes_field(5, bytes_field(1, "a") + attribute)
    EventFile(tmp_path / "tfevents").what("graph_def", bytes_field(1, node)).scalar("x", 1, 1.0)
    read(tmp_path, "everything")
    assert tbtools.open(tmp_path).scalars.count_rows() == 1


@pytest.mark.parametrize("depth", DEPTHS)
def test_groups_may_be_nested_without_end(tmp_path: Path, depth: int) -> None:
    group = varint(99 << 3 | 3) * depth + varint(99 << 3 | 4) * depth
    EventFile(tmp_path / "tfevents").event(group).scalar("x", 1, 1.0)
    read(tmp_path, "everything")
    assert tbtools.open(tmp_path).scalars.count_rows() == 1


def test_a_header_that_claims_much_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "tfevents").write_bytes(header(2**31 - 1) + bytes(100))
    gc.collect()
    before = resident() if is_told else 0
    read(tmp_path, "files")
    assert not is_told or resident() - before < 50_000_000
