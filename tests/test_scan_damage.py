"""Damage that the core steps over by itself, and files that are made to hurt it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import hostile
import oracle
import pytest
from driver import assert_agrees, drive, table
from event_writing import EventFile, bytes_field, event_message, header, record
from hypothesis import given
from hypothesis import strategies as st

import tbtools
from tbtools import _core
from tbtools._core import Stop
from tbtools.files import scans
from tbtools.files.discovery import EventFile as Listed
from tbtools.files.health import FileHealth

SMALL = 5000  # bytes: the oracle takes a while for overlapping claims


def damaged() -> EventFile:
    """Seven records, of which the second, third and fifth are damaged in different ways."""
    file = EventFile()
    for step in range(7):
        file.scalar("a", step, 0.5)
    file.flip(file.offsets[1] + 20).flip(file.offsets[2] + 3)
    return file.set_byte(file.offsets[4] + 12, 0x07).fix_checksums(4)


def test_damage_is_told_and_stepped_over() -> None:
    file = damaged()
    scan = _core.scan(file.bytes, salvage=True, position=100)
    size = file.offsets[2] - file.offsets[1]
    assert table(scan.damages) == [
        {"offset": 100 + file.offsets[1], "size": 2 * size, "kind": "bad_data"},
        {"offset": 100 + file.offsets[4], "size": size, "kind": "bad_event"},
    ]
    assert (scan.damaged_bytes, scan.records, scan.stop) == (3 * size, 4, Stop.end)
    assert [point["step"] for point in table(scan.points)] == [0, 3, 5, 6]


def test_without_salvage_damage_stops() -> None:
    scan = _core.scan(damaged().bytes)
    assert (scan.stop, scan.records, len(scan.damages)) == (Stop.bad_data, 1, 0)


def test_a_stretch_that_the_window_leaves_open_is_told_with_its_kind() -> None:
    file = EventFile().scalar("a", 1, 0.5).junk(b"\xff" * 50)
    scan = _core.scan(file.bytes, salvage=True)
    assert (scan.stop, scan.lost, scan.offset) == (Stop.lost, "bad_length", file.offsets[-1] + 39)
    assert scan.skip_to == len(file) - 11
    again = _core.scan(file.bytes, scan.skip_to, salvage=True, search=True)
    assert (again.stop, again.lost) == (Stop.lost, None)


def test_a_torn_tail_is_no_damage_but_what_stands_in_front_of_a_header_is() -> None:
    tail = _core.scan(header(1000) + bytes(50), salvage=True, at_end=True)
    assert (tail.stop, tail.lost, tail.offset) == (Stop.lost, "torn", 0)
    inside = _core.scan(
        header(1000) + EventFile().scalar("a", 1, 1.0).bytes, salvage=True, at_end=True
    )
    assert table(inside.damages) == [{"offset": 0, "size": 12, "kind": "torn"}]
    assert inside.records == 1
    assert _core.scan(header(1000) + bytes(50), salvage=True).stop == Stop.cut


def test_whether_a_length_is_right_shows_only_behind_the_record() -> None:
    file = EventFile().scalar("a", 1, 0.5).scalar("a", 2, 0.5).flip(-1)
    for rest in (b"", b"\xff" * 11):
        data = file.bytes + rest
        assert _core.scan(data, salvage=True).stop == Stop.cut
        at_end = _core.scan(data, salvage=True, at_end=True)
        assert (at_end.stop, at_end.framed, len(at_end.damages)) == (Stop.bad_data, True, 0)


# --- overlapping claims --------------------------------------------------------------------------


@given(
    st.lists(
        st.one_of(
            st.integers(0, 3000).map(header),
            st.binary(max_size=40),
            st.integers(0, 300).map(lambda size: record(bytes(size))),
            st.integers(0, 300).map(lambda size: record(bytes_field(15, bytes(size)))),
        ),
        max_size=40,
    ),
    st.integers(0, 3000),
)
def test_claims_that_overlap_are_judged_as_the_oracle_judges_them(
    pieces: list[bytes], rest: int
) -> None:
    data = b"".join(pieces) + bytes(rest)
    reading = oracle.read(data)
    assert_agrees(drive(data, salvage=True), reading)
    assert_agrees(drive(data, [500], salvage=True), reading)


def test_a_good_record_inside_one_with_wrong_data_is_found_whatever_its_size() -> None:
    for size in (1, 127, 128, 129, 191, 192, 200, 1000, 5000, 70_000):
        inner = record(bytes_field(15, bytes(size)))
        noise = b"\xff" * 77
        data = header(len(noise) + len(inner) + 3000) + noise + inner + bytes(5000)
        scan = _core.scan(data, salvage=True)
        assert (scan.records, table(scan.damages)[0]["size"]) == (1, 12 + 77)
        payload = len(data) - 5000 - 4 - size // 2 - 1  # in the middle of the inner one
        wrong = bytearray(data)
        wrong[payload] ^= 1
        assert _core.scan(bytes(wrong), salvage=True).records == 0


@pytest.mark.parametrize("name", [name for name in hostile.FILES if name != "good_images"])
def test_hostile_files_read_as_the_oracle_reads_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Callable[[int], bytes] = hostile.FILES[name]
    data = made(SMALL)[: 4 * SMALL]
    reading = oracle.read(data)
    assert_agrees(drive(data, salvage=True), reading)
    assert_agrees(drive(data, [700], salvage=True), reading)


@pytest.mark.parametrize("name", ["headers_of_1_MB", "nested", "no_events", "zeros"])
def test_a_hostile_file_is_read_in_a_few_scans(name: str, tmp_path: Path) -> None:
    size = 3_000_000
    path = hostile.write(tmp_path, name, size)
    (health,) = tbtools.open(path.parent)["files"].to_table().to_pylist()
    assert health["status"] in ("damaged", "pending")
    stops = []
    data = memoryview(path.read_bytes())
    offset = end = need = 0
    lost = False
    while end < len(data):
        end = offset + max(need + need // 4, 1 << 20)
        scan = _core.scan(
            data[offset:end], position=offset, at_end=end >= len(data), salvage=True, search=lost
        )
        stops.append(scan.stop)
        lost = scan.stop == Stop.lost
        offset, need = (scan.skip_to if lost else scan.offset), scan.need
    assert len(stops) < 30


# --- records with more values than a batch holds -------------------------------------------------

MOST_ROWS = 1 << 15  # of a batch
MOST_DAMAGES = 1 << 18


@pytest.mark.parametrize("values", [MOST_ROWS - 1, MOST_ROWS, MOST_ROWS + 1, 2 * MOST_ROWS + 7])
def test_a_batch_ends_inside_a_record_of_many_values(values: int) -> None:
    what = bytes_field(5, b"\x0a\x00" * values)
    payload = event_message(3, 1.0, what)
    crc = _core.crc32c(payload)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    data = header(len(payload)) + payload + struct.pack("<I", masked)
    data += EventFile().scalar("a", 4, 0.5).bytes
    rows, records, offset, resume = [], 0, 0, 0
    while offset < len(data):
        scan = _core.scan(data, offset, resume=resume, at_end=True)
        assert len(scan.rows) <= MOST_ROWS
        rows.append(len(scan.rows))
        records += scan.records
        assert (offset, resume) < (scan.offset, scan.resume)
        offset, resume = scan.offset, scan.resume
    assert (sum(rows), records) == (values, 2)
    assert scan.stop == Stop.end
    assert len(scan.points) == 1


def test_many_small_records_end_a_batch_between_two() -> None:
    data = record(event_message(1, 1.0)) * (MOST_ROWS + 5)
    scan = _core.scan(data, at_end=True)
    assert (scan.stop, scan.resume, len(scan.rows)) == (Stop.full, 0, MOST_ROWS)
    assert (scan.records, scan.offset) == (MOST_ROWS, len(data) // (MOST_ROWS + 5) * MOST_ROWS)


def test_many_damages_end_a_batch() -> None:
    data = record(b"\x07") * (MOST_DAMAGES + 5)
    scan = _core.scan(data, at_end=True, salvage=True)
    assert (scan.stop, len(scan.damages)) == (Stop.full, MOST_DAMAGES)
    rest = _core.scan(data, scan.offset, at_end=True, salvage=True)
    assert (rest.stop, len(rest.damages)) == (Stop.end, 5)


@pytest.mark.parametrize("resume", [1, 3, 1 << 40])
def test_a_resume_that_is_wrong_does_no_harm(resume: int) -> None:
    file = EventFile().scalars(1, {"a": 1.0, "b": 2.0}).event().scalar("c", 2, 0.5)
    for offset in (*file.offsets, 1, len(file)):
        _core.scan(file.bytes, offset, resume=resume, at_end=True)


def test_a_file_with_more_values_than_a_batch_holds_is_read_whole(tmp_path: Path) -> None:
    path = hostile.write(tmp_path, "one_record_of_empty_values", 1_500_000)
    rows = tbtools.open(path.parent)["events"].count_rows()
    assert rows == 750_000


def test_a_record_that_reaches_beyond_the_file_is_torn_before_its_end_is_seen() -> None:
    file = EventFile().junk(header(10**6)).scalar("a", 1, 0.5)
    inside = _core.scan(file.bytes, salvage=True, file_end=10**6)
    assert table(inside.damages) == [{"offset": 0, "size": 12, "kind": "torn"}]
    assert inside.records == 1
    assert _core.scan(file.bytes, salvage=True, file_end=10**6 + 16).stop == Stop.cut
    assert _core.scan(file.bytes, file_end=10**6).stop == Stop.cut


def test_a_large_claim_beyond_the_file_needs_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "_SPARE", [])
    path = hostile.write(tmp_path, "headers_of_2_GB", 20_000_000)
    listed = Listed(path.name, str(path), path.stat().st_size)
    for growing in (False, True):
        reader = scans.EventReader(listed, FileHealth("r", str(path)))
        for _ in reader.read(growing=growing):
            assert len(reader._buffer) <= scans.WINDOW
        assert reader.health.pending_bytes == (listed.size if growing else 12)
        assert reader.health.bytes == listed.size


@pytest.mark.parametrize("claimed", [scans.WINDOW - 60_000, scans.WINDOW - 10, 2_000_000])
def test_a_window_moves_on_by_a_good_part_of_what_it_holds(claimed: int, tmp_path: Path) -> None:
    path = tmp_path / "tfevents"
    path.write_bytes(header(claimed) * 400_000)
    listed = Listed(path.name, str(path), path.stat().st_size)
    reader = scans.EventReader(listed, FileHealth("r", str(path)))
    assert len([*reader.read()]) < 4_800_000 // (claimed // 4) + 5
