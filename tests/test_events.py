"""The reader of one file: windows, damage, growth, compressed copies."""

from __future__ import annotations

import gzip
import random
import struct
from contextlib import closing
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from event_writing import EventFile, header
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import damaged_files

from tbtools import DamageError
from tbtools.files import scans as events
from tbtools.files.discovery import EventFile as Listed
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, ScanOptions
from tbtools.files.storage import LOCAL


def reader_of(path: Path, **options: object) -> EventReader:
    """A reader of a file, and an empty health."""
    return EventReader(
        Listed(path.name, str(path), 0, LOCAL),
        FileHealth("r", str(path)),
        follow=True,
        **options,
    )


def points(reader: EventReader, growing: bool = False) -> list[tuple[str, int, float]]:
    """Tag, step and value of all scalars up to the end."""
    found = []
    with closing(reader):
        for scan in reader.read(growing=growing):
            batch = pa.record_batch(scan.points)
            columns = (batch[name].to_pylist() for name in ("tag", "step", "value"))
            found += zip(*columns, strict=True)
    return found


def read(path: Path, **options: object) -> tuple[list[tuple[str, int, float]], FileHealth]:
    """All scalars of a file, and its health."""
    reader = reader_of(path, **options)
    return points(reader), reader.health


@pytest.fixture
def file(tmp_path: Path) -> EventFile:
    """A version and ten scalars, steps 0 to 9."""
    file = EventFile(tmp_path / "events.out.tfevents.1").version(writer="a.writer")
    for step in range(10):
        file.scalar("loss", step, step / 2)
    return file


def steps(found: list[tuple[str, int, float]]) -> list[int]:
    """The steps alone."""
    return [step for _, step, _ in found]


def test_an_intact_file_is_ok_and_says_who_wrote_it(file: EventFile) -> None:
    found, health = read(file.path)
    assert found == [("loss", step, step / 2) for step in range(10)]
    assert (health.status, health.events, health.bytes) == ("ok", 11, len(file))
    assert (health.file_version, health.writer) == ("brain.Event:2", "a.writer")


def test_a_flipped_byte_in_a_payload_costs_one_record(file: EventFile) -> None:
    file.flip(file.offsets[4] + 15)
    found, health = read(file.path)
    assert steps(found) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    size = file.offsets[5] - file.offsets[4]
    assert health.status == "damaged"
    assert (health.damaged_records, health.skipped_bytes) == (1, size)
    assert health.first_error == (
        f"wrong data CRC at offset {file.offsets[4]}, {size} bytes skipped"
    )


def test_a_flipped_byte_in_a_length_costs_one_record(file: EventFile) -> None:
    file.flip(file.offsets[4])
    found, health = read(file.path)
    assert steps(found) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert (health.damaged_records, health.skipped_bytes) == (
        1,
        file.offsets[5] - file.offsets[4],
    )
    assert "wrong length CRC" in str(health.first_error)


def test_a_zero_filled_page_costs_what_it_covers(file: EventFile) -> None:
    file.zero(file.offsets[3] + 5, file.offsets[6] + 5)
    found, health = read(file.path)
    assert steps(found) == [0, 1, 6, 7, 8, 9]
    assert health.skipped_bytes == file.offsets[7] - file.offsets[3]


def test_junk_between_records_costs_no_record(file: EventFile) -> None:
    file.insert(file.offsets[5], b"junk" * 30)
    found, health = read(file.path)
    assert steps(found) == list(range(10))
    assert (health.damaged_records, health.skipped_bytes) == (1, 120)


def test_bytes_that_are_missing_cost_one_record(file: EventFile) -> None:
    file.remove(file.offsets[4] + 20, file.offsets[4] + 25)
    found, health = read(file.path)
    assert steps(found) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert health.damaged_records == 1


def test_a_torn_tail_is_pending_and_not_damage(file: EventFile) -> None:
    file.cut(-7)
    found, health = read(file.path)
    assert steps(found) == list(range(9))
    assert (health.status, health.damaged_records) == ("pending", 0)
    assert health.pending_bytes == len(file) - file.offsets[-1]


def test_records_behind_a_torn_one_come_out(file: EventFile) -> None:
    file.remove(file.offsets[4] + 30, file.offsets[5])
    found, health = read(file.path)
    assert steps(found) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert health.damaged_records == 1


def test_a_record_that_is_no_event_is_damage(file: EventFile) -> None:
    file.record(b"\xff\xff\xff").scalar("loss", 10, 5.0)
    found, health = read(file.path)
    assert steps(found) == list(range(11))
    assert "not an Event" in str(health.first_error)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents")
    assert read(file.path)[1].status == "empty"


def test_random_bytes_are_one_stretch_of_damage(tmp_path: Path) -> None:
    path = tmp_path / "tfevents"
    path.write_bytes(random.Random(1).randbytes(100_000))
    found, health = read(path)
    assert found == []
    assert (health.damaged_records, health.skipped_bytes) == (1, 100_000)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**31, 2**31 - 1, 10**10])
def test_a_huge_length_allocates_nothing(file: EventFile, length: int) -> None:
    file.junk(struct.pack("<Q", length) + header(length % 2**31)[8:]).scalar("loss", 10, 5.0)
    file.junk(header(min(length, 2**31 - 1))).scalar("loss", 11, 5.0)
    reader = reader_of(file.path)
    assert steps(points(reader)) == list(range(12))
    assert reader.health.damaged_records == 2


def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    found, health = read(tmp_path / "gone.tfevents")
    assert (found, health.status) == ([], "unreadable")
    with pytest.raises(DamageError, match=r"gone\.tfevents"):
        read(tmp_path / "gone.tfevents", on_damage="fail")


def test_stop_gives_up_the_rest_of_the_file(file: EventFile) -> None:
    file.flip(file.offsets[4] + 15)
    found, health = read(file.path, on_damage="stop")
    assert steps(found) == [0, 1, 2]
    assert health.skipped_bytes == len(file) - file.offsets[4]


@pytest.mark.parametrize("at", [0, 15])
def test_fail_raises_and_says_where(file: EventFile, at: int) -> None:
    file.flip(file.offsets[4] + at)
    with pytest.raises(DamageError, match=rf"CRC at offset {file.offsets[4]} .*--on-damage"):
        read(file.path, on_damage="fail")


def test_fail_does_not_mind_a_torn_tail(file: EventFile) -> None:
    file.cut(-3)
    assert steps(read(file.path, on_damage="fail")[0]) == list(range(9))


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_compressed_copy_is_read_through(file: EventFile, codec: str) -> None:
    packed = file.path.with_name("copy.tfevents")
    with pa.CompressedOutputStream(str(packed), codec) as stream:
        stream.write(file.bytes)
    found, health = read(packed)
    assert steps(found) == list(range(10))
    assert (health.status, health.bytes) == ("ok", len(file))


def test_a_compressed_copy_that_is_cut_gives_what_is_intact(file: EventFile) -> None:
    for step in range(10, 3000):
        file.scalar(f"tag{step % 7}", step, step * 1.25)
    packed = gzip.compress(file.bytes)
    path = file.path.with_name("cut.tfevents.gz")
    path.write_bytes(packed[: len(packed) // 2])
    found, health = read(path)
    assert len(found) > 500
    assert steps(found) == list(range(len(found)))
    assert health.is_lossy


def test_large_records_that_nobody_wants_are_not_read(file: EventFile) -> None:
    for step in range(10, 20):
        file.value("picture", step, "image", bytes(300_000)).scalar("loss", step, step / 2)
    wanted = ScanOptions(fields=("simple_value",))
    found, health = read(file.path, options=wanted)
    assert steps(found) == list(range(20))
    assert health.unread_bytes > 2_000_000
    assert health.events + 9 >= 21 + 10  # at least nine pictures were stepped over


def test_a_tag_that_is_skipped_gives_no_rows(file: EventFile) -> None:
    from tbtools._core import NameSet

    reader = reader_of(file.scalar("other", 3, 1.0).path)
    reader.skip_tags = NameSet(["loss"])
    assert points(reader) == [("other", 3, 1.0)]


def test_the_plugin_of_a_tag_is_remembered_between_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "WINDOW", 256)
    file = EventFile(tmp_path / "tfevents").tensor_scalar("loss", 0, 0.5)
    for step in range(1, 50):
        file.tensor_scalar("loss", step, 0.5, plugin="")
    assert steps(read(file.path)[0]) == list(range(50))


@settings(max_examples=60)
@given(file=damaged_files(), window=st.sampled_from([16, 64, 300, 1 << 20]))
def test_any_damage_is_read_as_the_oracle_reads_it(
    file: EventFile, window: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "tfevents"
    path.write_bytes(file.bytes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "WINDOW", window)
        patch.setattr(events, "_SPARE", [])
        _, health = read(path)
    truth = oracle.read(file.bytes)
    assert health.events == len(truth.events)
    found = [(each.offset, each.size, each.kind) for each in health.damages]
    assert found == [(each.offset, each.size, each.kind) for each in truth.damages]
    assert health.pending_bytes == truth.pending


def damages_of(reading: FileHealth | oracle.Reading) -> list[tuple[int, int, str]]:
    """What was damaged, as the reader or the oracle tells it."""
    return [(each.offset, each.size, each.kind) for each in reading.damages]


def half_written() -> EventFile:
    """A record of 40 bytes whose damaged payload holds the header of an empty record."""
    return EventFile().record(header(0) + bytes(12)).flip(-1)


# While it is written, the record is what the file ends inside of, with a header inside.
HALF_WRITTEN = half_written()
FOLLOWED = EventFile().record(header(0) + bytes(12)).flip(-1).scalar("a", 1, 0.5)


@settings(max_examples=100)
@given(
    file=damaged_files(),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    closes=st.booleans(),
    window=st.sampled_from([16, 300, 1 << 20]),
)
@example(file=HALF_WRITTEN, cuts=[39 / 40], closes=False, window=1 << 20)
@example(file=HALF_WRITTEN, cuts=[30 / 40, 39 / 40, 1], closes=True, window=16)
@example(file=FOLLOWED, cuts=[39 / len(FOLLOWED), 41 / len(FOLLOWED)], closes=False, window=1 << 20)
@example(file=FOLLOWED, cuts=[51 / len(FOLLOWED)], closes=True, window=1 << 20)
def test_every_prefix_of_a_file_is_resumable(
    file: EventFile,
    cuts: list[float],
    closes: bool,
    window: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole = file.bytes
    path = tmp_path_factory.mktemp("growing") / "tfevents"
    path.write_bytes(whole)
    expected, healthy = read(path)
    path.write_bytes(b"")
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "WINDOW", window)
        patch.setattr(events, "_SPARE", [])
        reader = reader_of(path)
        for cut in sorted(round(cut * len(whole)) for cut in cuts):
            path.write_bytes(whole[:cut])
            found += points(reader, growing=True)
            so_far = oracle.read(whole[:cut], growing=True)
            assert reader.health.events == len(so_far.events)
            assert reader.health.pending_bytes == so_far.pending
            assert damages_of(reader.health) == damages_of(so_far)
            if closes:
                reader.close()
        path.write_bytes(whole)
        found += points(reader)
    assert repr(found) == repr(expected)  # NaN is equal to itself here
    assert reader.health.events == healthy.events
    assert reader.health.skipped_bytes == healthy.skipped_bytes
    assert reader.health.pending_bytes == healthy.pending_bytes
    assert damages_of(reader.health) == damages_of(healthy)


@given(file=damaged_files(), cut=st.floats(0, 1))
def test_what_is_told_while_a_file_grows_stays_true(file: EventFile, cut: float) -> None:
    whole = oracle.read(file.bytes)
    size = round(cut * len(file))
    so_far = oracle.read(file.bytes[:size], growing=True)
    assert repr(whole.events[: len(so_far.events)]) == repr(so_far.events)
    ended = [each for each in so_far.damages if each.offset + each.size < size]
    assert whole.damages[: len(ended)] == ended


def test_a_record_that_is_being_written_is_pending(file: EventFile) -> None:
    whole = file.junk(half_written().bytes).bytes
    begin = len(whole) - 40
    file.cut(-1)
    reader = reader_of(file.path)
    assert steps(points(reader, growing=True)) == list(range(10))
    assert (reader.health.pending_bytes, reader.health.damaged_records) == (39, 0)
    file.path.write_bytes(whole)
    assert points(reader, growing=True) == []
    assert (reader.health.pending_bytes, reader.health.damaged_records) == (40, 0)
    assert points(reader) == []
    assert damages_of(reader.health) == [(begin, 40, "bad_data")]


def test_records_inside_one_that_is_never_completed_come_out_at_last(file: EventFile) -> None:
    file.junk(header(1000)).scalar("loss", 10, 5.0).scalar("loss", 11, 5.5)
    reader = reader_of(file.path)
    assert steps(points(reader, growing=True)) == list(range(10))
    assert reader.health.status == "pending"
    assert steps(points(reader)) == [10, 11]
    assert [each.kind for each in reader.health.damages] == ["torn"]
    file.scalar("loss", 12, 6.0)
    assert steps(points(reader)) == [12]


def test_records_inside_a_cut_one_that_nobody_wants_come_out(file: EventFile) -> None:
    picture = EventFile().value("picture", 10, "image", bytes(300_000)).bytes
    place = len(file)
    file.junk(picture[:2000]).scalar("loss", 10, 5.0)
    found, health = read(file.path, options=ScanOptions(fields=("simple_value",)))
    assert steps(found) == list(range(11))
    assert damages_of(health) == [(place, 2000, "torn")]
    assert (health.unread_bytes, health.pending_bytes) == (0, 0)


@pytest.mark.parametrize("damage", ["length", "data", "unframed"])
def test_stop_stops_once_however_the_file_grows(file: EventFile, damage: str) -> None:
    place = file.offsets[4]
    if damage == "unframed":
        file.remove(place + 20, place + 25)
    else:
        file.flip(place + (0 if damage == "length" else 15))
    whole = file.bytes
    reader = reader_of(file.path, on_damage="stop")
    found = []
    for size in (place + 30, place + 90, len(whole) - 50, len(whole)):
        file.path.write_bytes(whole[:size])
        found += steps(points(reader, growing=size < len(whole)))
    assert found == [0, 1, 2]
    assert [(each.offset, each.size) for each in reader.health.damages] == [
        (place, len(whole) - place)
    ]


def test_damage_at_the_end_is_looked_at_again_when_the_file_grows(file: EventFile) -> None:
    file.scalar("loss", 10, 5.0).flip(file.offsets[-1])
    reader = reader_of(file.path)
    assert steps(points(reader)) == list(range(10))
    assert reader.health.damaged_records == 1
    file.scalar("loss", 11, 5.5)
    assert steps(points(reader)) == [11]
    assert reader.health.damaged_records == 1
    assert reader.health.skipped_bytes == file.offsets[-1] - file.offsets[-2]
