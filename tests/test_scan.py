"""The core's one entry: windows, damage, misuse."""

from __future__ import annotations

import mmap
import threading
import time

import pyarrow as pa
import pytest
from driver import table
from event_writing import (
    EventFile,
    header,
    summary_metadata,
)

from tbtools import _core
from tbtools._core import Stop


def three_scalars() -> EventFile:
    """Three records of one length."""
    return EventFile().scalar("a", 1, 0.5).scalar("a", 2, 1.5).scalar("a", 3, 2.5)


# --- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [b"", bytearray(), memoryview(b"")])
@pytest.mark.parametrize("at_end", [False, True])
def test_an_empty_window_is_read_to_its_end(window, at_end: bool) -> None:
    scan = _core.scan(window, at_end=at_end, position=40)
    assert (scan.stop, scan.offset, scan.skip_to, scan.records) == (Stop.end, 40, 40, 0)
    assert (len(scan.points), len(scan.rows), len(scan.tags)) == (0, 0, 0)
    assert table(scan.points) == table(scan.rows) == table(scan.tags) == []


def test_a_window_cut_at_any_byte_says_what_it_needs() -> None:
    file = three_scalars()
    size = file.offsets[1]
    for cut in range(len(file)):
        scan = _core.scan(memoryview(file.bytes)[:cut])
        whole, rest = divmod(cut, size)
        assert scan.records == whole
        assert scan.stop == (Stop.cut if rest else Stop.end)
        assert scan.offset == scan.skip_to == whole * size
        assert scan.need == (0 if not rest else 12 if rest < 12 else size)


def test_offsets_are_those_of_the_file() -> None:
    file = three_scalars().value("b", 4, "image", b"x")
    window = bytes(7) + file.bytes
    scan = _core.scan(window, 7, position=1000, offsets=True)
    expected = [1007 + offset for offset in file.offsets]
    assert [point["offset"] for point in table(scan.points)] == expected[:3]
    assert [row["offset"] for row in table(scan.rows)] == expected[3:]
    assert (scan.found, scan.offset) == (1007, 1007 + len(file))
    assert "offset" not in pa.record_batch(_core.scan(file.bytes).points).schema.names


def test_the_offset_column_is_there_even_without_points() -> None:
    names = pa.record_batch(_core.scan(b"", offsets=True).points).schema.names
    assert names == ["tag", "step", "wall_time", "value", "offset"]


def test_a_batch_never_holds_more_bytes_than_arrow_can_number() -> None:
    first = EventFile().scalar("a", 1, 0.5).bytes
    with mmap.mmap(-1, 2**31 + 100) as window:  # of which only the first page is ever touched
        window[: len(first) + 12] = first + header(2**31 - 20)
        scan = _core.scan(window)
    assert (scan.stop, scan.records, scan.offset) == (Stop.full, 1, len(first))
    assert scan.skip_to == len(first)


def test_a_batch_survives_its_window() -> None:
    buffer = bytearray(EventFile().value("tag", 1, "image", b"payload", plugin="p").bytes)
    scan = _core.scan(buffer)
    rows = pa.record_batch(scan.rows)
    buffer[:] = b"\xff" * len(buffer)
    buffer.extend(b"more")  # would raise BufferError if the window were still held
    del scan, buffer
    (row,) = rows.to_pylist()
    assert (row["tag"], row["payload"], row["metadata"]) == (
        "tag", b"payload", summary_metadata("p"))  # fmt: skip


def test_other_threads_run_while_a_window_is_scanned() -> None:
    large = EventFile().scalar("a", 1, 0.5).bytes * 1_000_000
    for _ in range(10):  # a busy machine may leave this process no second core for a while
        span, ticks = [], []

        def scan(span: list[float] = span) -> None:
            span.append(time.perf_counter())
            assert _core.scan(large).records == 1_000_000
            span.append(time.perf_counter())

        thread = threading.Thread(target=scan)
        thread.start()
        while thread.is_alive():
            ticks.append(time.perf_counter())
        thread.join()
        begin, end = span
        if any(begin + (end - begin) / 4 < tick < end - (end - begin) / 4 for tick in ticks):
            return
    pytest.fail("nothing else ran during a scan: the GIL was held")


# --- damage --------------------------------------------------------------------------------------


def test_a_wrong_data_crc_in_front_of_a_good_header_costs_one_record() -> None:
    file = three_scalars()
    scan = _core.scan(file.flip(file.offsets[1] + 15).bytes)
    assert (scan.stop, scan.framed) == (Stop.bad_data, True)
    assert (scan.offset, scan.skip_to) == tuple(file.offsets[1:])


def test_a_wrong_data_crc_waits_for_the_header_behind_it() -> None:
    file = three_scalars()
    size = file.offsets[1]
    data = file.flip(15).bytes[: size + 11]
    assert _core.scan(data).stop == Stop.cut
    assert _core.scan(data).need == size + 12
    at_end = _core.scan(data, at_end=True)
    assert (at_end.stop, at_end.framed, at_end.skip_to) == (Stop.bad_data, True, size)


@pytest.mark.parametrize("lost", [1, 5, 20])
def test_lost_bytes_do_not_hide_the_records_behind_them(lost: int) -> None:
    file = three_scalars()
    file.remove(14, 14 + lost)
    scan = _core.scan(file.bytes)
    assert (scan.stop, scan.framed, scan.skip_to) == (Stop.bad_data, False, 12)
    found = _core.scan(file.bytes, 12, search=True)
    assert (found.found, found.records) == (file.offsets[1], 2)


def test_a_wrong_header_stops_the_scan_and_a_search_goes_on_behind_it() -> None:
    file = three_scalars()
    scan = _core.scan(file.zero(file.offsets[1], file.offsets[1] + 20).bytes)
    assert (scan.stop, scan.framed, scan.offset) == (Stop.bad_length, False, file.offsets[1])
    assert (scan.skip_to, scan.records) == (file.offsets[1] + 1, 1)
    found = _core.scan(file.bytes, scan.skip_to, search=True)
    assert (found.found, found.stop, found.records) == (file.offsets[2], Stop.end, 1)


@pytest.mark.parametrize("length", [2**31, 2**40, 2**63, 2**64 - 16, 2**64 - 1])
def test_a_length_that_no_event_can_have_is_wrong_in_spite_of_its_crc(length: int) -> None:
    scan = _core.scan(header(length) + bytes(20), at_end=True)
    assert (scan.stop, scan.offset) == (Stop.bad_length, 0)


def test_the_longest_length_is_believed_and_nothing_is_allocated_for_it() -> None:
    scan = _core.scan(header(2**31 - 1) + bytes(20))
    assert (scan.stop, scan.need) == (Stop.cut, 2**31 - 1 + 16)


@pytest.mark.parametrize(("at_end", "skip_to"), [(False, 189), (True, 200)])
def test_a_search_in_vain_keeps_what_may_begin_a_header(at_end: bool, skip_to: int) -> None:
    scan = _core.scan(b"\xff" * 100, 10, search=True, at_end=at_end, position=100)
    assert (scan.stop, scan.skip_to, scan.records) == (Stop.lost, skip_to, 0)


@pytest.mark.parametrize("before", [0, 1, 50])
def test_a_search_finds_the_first_header(before: int) -> None:
    scan = _core.scan(b"\xff" * before + three_scalars().bytes, search=True, position=9)
    assert (scan.stop, scan.found, scan.records) == (Stop.end, 9 + before, 3)


def test_walk_counts_the_good_records_in_front() -> None:
    file = EventFile().version().scalar("a", 1, 0.5).record(b"no event").scalar("a", 2, 0.5)
    assert _core.walk(file.bytes) == 4
    assert _core.walk(file.bytes[:-1]) == 3
    assert _core.walk(file.flip(file.offsets[1] + 12).bytes) == 1
    assert _core.walk(b"") == 0


# --- misuse --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "arguments", "options"),
    [
        (TypeError, (None,), {}),
        (TypeError, ("text",), {}),
        (TypeError, (), {}),
        (BufferError, (memoryview(bytes(40))[::2],), {}),
        (ValueError, (b"abc", 4), {}),
        (TypeError, (b"abc", -1), {}),
        (TypeError, (b"abc", 0, 0), {}),
        (TypeError, (b"abc",), {"position": -1}),
        (TypeError, (b"abc",), {"largest": -1}),
        (TypeError, (b"abc",), {"unknown": 1}),
        (TypeError, (b"abc",), {"skip": ["a"]}),
        (ValueError, (b"abc",), {"fields": ["simple_values"]}),
        (ValueError, (b"abc",), {"payloads": ["image", ""]}),
    ],
)
def test_misuse_raises(error: type[Exception], arguments: tuple, options: dict) -> None:
    with pytest.raises(error):
        _core.scan(*arguments, **options)


def test_an_unknown_field_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="no field is called loss"):
        _core.scan(b"", fields=["loss"])


def test_a_window_may_begin_at_its_end() -> None:
    assert _core.scan(b"abc", 3).stop == Stop.end


def test_what_a_scan_gives_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        _core.scan(b"").offset = 3
