"""gzip and zstd copies: broken, joined, growing, hostile; read once."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from event_writing import EventFile, bytes_field
from process_memory import is_told, resident

from tbtools.files.discovery import EventFile as Listed
from tbtools.files.health import FileHealth
from tbtools.files.packed import UnpackedSource
from tbtools.files.scans import EventReader
from tbtools.files.storage import LOCAL, LocalStorage, Source

CODECS = ("gzip", "zstd")


@dataclass
class Bytes:
    """A source in memory that counts what is read of it."""

    data: bytes
    read: int = 0

    def size(self) -> int | None:
        """All of it."""
        return len(self.data)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Not more than a part at once, as a network gives it."""
        part = self.data[offset : offset + min(len(buffer), 10_000)]
        buffer[: len(part)] = part
        self.read += len(part)
        return len(part)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class CountingStorage(LocalStorage):
    """The machine's files, whose sources count."""

    opened: list[Bytes] = field(default_factory=list)

    def open(self, path: str) -> Source:
        """What the file holds now, and later."""
        self.opened.append(Bytes(Path(path).read_bytes()))
        return self.opened[-1]


def pack(data: bytes, codec: str) -> bytes:
    """A copy of one member or frame."""
    if codec == "gzip":
        return gzip.compress(data, 1, mtime=0)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def unpacked(source: UnpackedSource, size: int = 1 << 20) -> bytes:
    """All that it gives, in windows of a size."""
    found = bytearray()
    buffer = bytearray(size)
    while count := source.read_into(len(found), memoryview(buffer)):
        found += buffer[:count]
    return bytes(found)


def mixed(size: int) -> bytes:
    """Noise and what packs well, in turns."""
    random = Random(size)
    return b"".join(
        random.randbytes(random.randrange(3000)) + bytes(random.randrange(9000))
        for _ in range(size // 6000)
    )


def log(points: int) -> EventFile:
    """Scalars of which the values are noise, so that packing leaves something to break."""
    random = Random(points)
    file = EventFile().version()
    for step in range(points):
        file.scalar(f"tag{step % 7}", step, random.random())
    return file


def steps(reader: EventReader, growing: bool = False) -> list[int]:
    """The steps of the points up to the end."""
    found = []
    for scan in reader.read(growing=growing):
        found += pa.record_batch(scan.points)["step"].to_pylist()
    return found


def reader_of(path: Path, storage: LocalStorage = LOCAL) -> EventReader:
    """A reader that follows the file."""
    listed = Listed(path.name, str(path), 0, storage)
    return EventReader(listed, FileHealth("r", str(path)), follow=True)


@pytest.mark.parametrize("size", [100, 70_000, 1 << 20])
@pytest.mark.parametrize("codec", CODECS)
def test_a_copy_is_read_once(codec: str, size: int) -> None:
    data = mixed(3_000_000)
    below = Bytes(pack(data, codec))
    source = UnpackedSource(below, codec)
    assert unpacked(source, size) == data
    assert (below.read, source.broken) == (len(below.data), None)


@pytest.mark.parametrize("cut", [1, 5, 9, 1000, 400_000])
@pytest.mark.parametrize("codec", CODECS)
def test_a_copy_that_is_cut_is_not_read_over_and_over(codec: str, cut: int) -> None:
    data = mixed(3_000_000)
    below = Bytes(pack(data, codec)[:-cut])
    source = UnpackedSource(below, codec)
    found = unpacked(source)
    assert data.startswith(found)
    assert source.broken == f"the {codec} copy ends too early"
    # pyarrow does not say what came before a break, so up to there zstd is read once more.
    assert below.read <= (1 if codec == "gzip" else 2) * len(below.data)
    if codec == "gzip":
        assert found == zlib.decompressobj(wbits=31).decompress(below.data)
    assert len(found) > len(data) - 100 * cut - 140_000
    assert source.has_broken(growing=False)
    assert not source.has_broken(growing=True)


def byte_by_byte(packed: bytes) -> bytes:
    """What zlib gives if it has no more than a byte to break at."""
    member = zlib.decompressobj(wbits=31)
    found = bytearray()
    with contextlib.suppress(zlib.error):
        for byte in packed:
            found += member.decompress(bytes([byte]))
    return bytes(found)


@pytest.mark.parametrize("place", [0.01, 0.5, 0.75, 1])
def test_what_comes_before_a_broken_byte_is_given(place: float) -> None:
    wrong = bytearray(gzip.compress(mixed(1_500_000), 1))
    at = int(place * (len(wrong) - 8))  # the last is that of the CRC
    for each in range(at, at + 4):
        wrong[each] ^= 0xFF
    below = Bytes(bytes(wrong))
    source = UnpackedSource(below, "gzip")
    found = unpacked(source)
    expected = byte_by_byte(below.data)
    assert found.startswith(expected)
    assert len(found) <= len(expected) + 8 * 258  # what a byte may stand for
    assert str(source.broken).startswith("the gzip copy is broken: Error -3")
    assert source.has_broken(growing=True)
    assert below.read <= len(wrong)


def test_a_zstd_copy_gives_what_comes_before_a_gap() -> None:
    data = mixed(1_500_000)
    packed = pack(data, "zstd")
    middle = len(packed) // 2
    below = Bytes(packed[:middle] + packed[middle + 50 :])
    source = UnpackedSource(below, "zstd")
    found = unpacked(source)
    third = len(data) // 3
    assert found[:third] == data[:third]
    assert source.has_broken(growing=False)
    assert below.read <= 2 * len(packed)


@pytest.mark.parametrize("codec", CODECS)
def test_members_and_frames_are_joined(codec: str) -> None:
    parts = [mixed(100_000), b"", b"a", mixed(70_000)]
    below = Bytes(b"".join(pack(part, codec) for part in parts))
    source = UnpackedSource(below, codec)
    assert unpacked(source) == b"".join(parts)
    assert (source.broken, below.read) == (None, len(below.data))


@pytest.mark.parametrize(
    ("tail", "broken"),
    [
        (bytes(100_000), None),
        (bytes(700) + gzip.compress(b"more"), None),
        (b"\x1f", "ends too early"),
        (b"\x1f\x8b\x08", "ends too early"),
        (b"junk", "is followed by what is no gzip"),
        (bytes(9) + b"junk", "is followed by what is no gzip"),
    ],
)
def test_what_stands_behind_a_gzip_member(tail: bytes, broken: str | None) -> None:
    source = UnpackedSource(Bytes(gzip.compress(b"data") + tail), "gzip")
    assert unpacked(source) == (b"datamore" if b"\x8b" in tail[3:] else b"data")
    assert source.broken == (broken and f"the gzip copy {broken}")


@pytest.mark.parametrize("codec", CODECS)
def test_going_back_begins_again(codec: str) -> None:
    data = mixed(600_000)
    source = UnpackedSource(Bytes(pack(data, codec)), codec)
    buffer = bytearray(1000)
    for offset in (500_000, 499_000, 0, 7, 590_000, len(data) - 3, len(data), 10**9, 5):
        count = source.read_into(offset, memoryview(buffer))
        assert buffer[:count] == data[offset : offset + 1000]


@pytest.mark.parametrize("codec", CODECS)
def test_an_error_of_the_file_is_no_break(codec: str) -> None:
    class Failing(Bytes):
        def read_into(self, offset: int, buffer: memoryview) -> int:
            if offset >= 20_000:
                raise OSError(5, "Input/output error")
            return super().read_into(offset, buffer)

    source = UnpackedSource(Failing(pack(Random(1).randbytes(100_000), codec)), codec)
    with pytest.raises(OSError, match="Input/output error"):
        unpacked(source)
    assert source.broken is None


# --- growth --------------------------------------------------------------------------------------


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("codec", CODECS)
def test_a_copy_that_grows_gives_everything_once(codec: str, closes: bool, tmp_path: Path) -> None:
    path = tmp_path / "growing.tfevents"
    file = log(3000)
    packed = pack(log(1).bytes, codec) + pack(file.bytes, codec)
    reader = reader_of(path)
    found = []
    with closing(reader):
        for size in (0, 1, 3, 4, 20, 1000, 20_000, 20_000, len(packed) - 1, len(packed)):
            path.write_bytes(packed[:size])
            found += steps(reader, growing=True)
            assert reader.health.damaged_records == 0
            if closes:
                reader.close()
        assert found == [0, *range(3000)]
        assert steps(reader) == []
    assert (reader.health.events, reader.health.status) == (3003, "ok")


def test_a_copy_that_does_not_grow_any_more_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "cut.tfevents"
    packed = gzip.compress(log(3000).bytes)
    path.write_bytes(packed[:-5000])
    reader = reader_of(path)
    with closing(reader):
        found = steps(reader, growing=True)
        assert reader.health.status == "pending"
        found += steps(reader)
        assert [each.kind for each in reader.health.damages] == ["stream"]
        path.write_bytes(packed)
        found += steps(reader)
    assert (found, reader.health.status) == ([*range(3000)], "ok")


@pytest.mark.parametrize("codec", CODECS)
def test_a_reader_reads_a_cut_copy_once(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.tfevents"
    path.write_bytes(pack(log(60_000).bytes, codec)[:-700])
    storage = CountingStorage()
    listed = Listed(path.name, str(path), path.stat().st_size, storage)
    reader = EventReader(listed, FileHealth("r", str(path)))
    with closing(reader):
        found = steps(reader)
    assert found == [*range(len(found))]
    assert len(found) > 50_000
    (source,) = storage.opened
    assert source.read <= (1 if codec == "gzip" else 2) * len(source.data)


# --- bombs ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_takes_no_more_memory_than_a_window(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.tfevents"
    zeros = pack(bytes(10_000_000), codec)
    picture = EventFile().value("a", 1, "image", bytes_field(4, bytes(100_000))).bytes
    path.write_bytes(pack(picture, codec) + zeros * 20)
    reader = reader_of(path)
    before = resident()
    grown = 0
    with closing(reader):
        for _ in reader.read():
            grown = max(grown, resident() - before)
    assert reader.health.skipped_bytes == 200_000_000
    assert grown < 30_000_000
