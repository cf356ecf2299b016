"""Whatever the bytes are: the core agrees with the oracle, and windows do not matter."""

from __future__ import annotations

import struct

import oracle
import pyarrow as pa
from driver import SMALLEST_WINDOW, assert_agrees, drive
from event_writing import EventFile, record
from google.protobuf.message import DecodeError
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from strategies import NUMERIC, damaged_files, events, files, scalar_tensors

from tbtools import _core
from tbtools.proto.tfevents_pb2 import Event

WINDOWS = st.lists(st.integers(SMALLEST_WINDOW, 400), min_size=1, max_size=5)


@given(files())
def test_a_good_file_reads_as_the_oracle_reads_it(file: EventFile) -> None:
    assert_agrees(drive(file.bytes), oracle.read(file.bytes))


@given(damaged_files())
def test_a_damaged_file_reads_as_the_oracle_reads_it(file: EventFile) -> None:
    assert_agrees(drive(file.bytes), oracle.read(file.bytes))


@given(st.binary(max_size=200))
def test_any_bytes_read_as_the_oracle_reads_them(data: bytes) -> None:
    assert_agrees(drive(data), oracle.read(data))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_payloads_read_as_the_oracle_reads_them(payloads: list[bytes]) -> None:
    data = b"".join(record(payload) for payload in payloads)
    assert_agrees(drive(data), oracle.read(data))


@given(damaged_files(), WINDOWS, st.integers(0, 50))
def test_the_core_steps_over_damage_as_its_caller_would(
    file: EventFile, windows: list[int], before: int
) -> None:
    reading = oracle.read(file.bytes)
    assert_agrees(drive(file.bytes, salvage=True), reading)
    assert_agrees(drive(file.bytes, windows, before, salvage=True), reading)


@given(damaged_files(), WINDOWS, st.integers(0, 50))
def test_any_split_into_windows_gives_the_same(
    file: EventFile, windows: list[int], before: int
) -> None:
    whole, split = drive(file.bytes), drive(file.bytes, windows, before)
    assert split.rows == whole.rows
    assert split.metadata == whole.metadata
    assert split.damages == whole.damages
    assert (split.pending, split.records) == (whole.pending, whole.records)


@given(files(max_size=6), st.data())
def test_a_cut_file_gives_the_records_before_the_cut(file: EventFile, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(file)))
    whole, cut = drive(file.bytes), drive(file.bytes[:size])
    ends = [*file.offsets[1:], len(file)] if file.offsets else []
    intact = [at for at, end in zip(file.offsets, ends, strict=True) if end <= size]
    assert cut.rows == [row for row in whole.rows if row.offset in intact]
    begin = max((end for end in [0, *ends] if end <= size), default=0)
    assert cut.pending == size - begin


@given(files(max_size=6), st.data())
def test_a_flipped_bit_costs_one_record(file: EventFile, data: st.DataObject) -> None:
    assume(len(file))
    at = data.draw(st.integers(0, len(file) - 1))
    hit = max(offset for offset in file.offsets if offset <= at)
    good = drive(file.bytes)
    flipped = drive(file.flip(at, data.draw(st.integers(0, 7))).bytes)
    lost = [row for row in good.rows if row.offset == hit]
    # What the metadata of the lost record said of later tensors is lost as well.
    kept = [(row.offset, row.step, row.tag) for row in good.rows if row not in lost]
    assert [(row.offset, row.step, row.tag) for row in flipped.rows] == kept
    assert hit in [damage.offset for damage in flipped.damages] or flipped.pending


@given(files(), st.sets(st.sampled_from(["a", "b", "", "loss/train"])))
def test_skipped_tags_are_what_is_missing(file: EventFile, tags: set[str]) -> None:
    whole, some = drive(file.bytes), drive(file.bytes, skip=_core.NameSet(sorted(tags)))
    assert some.rows == [row for row in whole.rows if row.tag not in tags]


def has_several_members(file: EventFile) -> bool:
    """Whether some Summary.Value sets its oneof more than once."""
    members = {2, 3, 4, 5, 6, 8}
    for offset in file.offsets:
        (size,) = struct.unpack_from("<Q", file.bytes, offset)
        try:
            event = list(oracle.fields_of(file.bytes[offset + 12 : offset + 12 + size]))
            summaries = [value for number, _, value in event if number == 5]
            values = [
                value
                for summary in summaries
                for number, _, value in oracle.fields_of(summary)
                if number == 1
            ]
            counts = [
                sum(number in members for number, _, _ in oracle.fields_of(value))
                for value in values
            ]
        except (oracle.MalformedError, TypeError):
            return True
        if len(summaries) > 1 or max(counts, default=0) > 1:
            return True
    return False


@given(files(), WINDOWS, st.sampled_from([["simple_value"], ["tensor", "histo"], [], ["none"]]))
def test_large_unwanted_records_may_be_passed_over_without_other_loss(
    file: EventFile, windows: list[int], fields: list[str]
) -> None:
    read = drive(file.bytes, fields=fields, may_skip=False)
    passed = drive(file.bytes, windows, fields=fields)
    # Else some metadata came with a value that was passed over; or a value of several members, of
    # which the last counts: no writer makes one, and what is passed over is not looked at.
    if read.metadata == passed.metadata and not has_several_members(file):
        assert passed.rows == read.rows
    assert passed.unread == 0 or "unwanted" in passed.stops
    assert passed.unread + sum(damage.size for damage in passed.damages) <= len(file)


@given(st.one_of(events(), st.binary(max_size=60)))
def test_whatever_protobuf_takes_for_an_event_is_one(payload: bytes) -> None:
    try:
        event = Event.FromString(payload)
    except DecodeError:
        reject()
    scan = _core.scan(record(payload), at_end=True)
    assert scan.stop == _core.Stop.end
    if event.WhichOneof("what") == "summary":
        assert len(scan.points) + len(scan.rows) == len(event.summary.value)
    else:
        assert pa.record_batch(scan.rows)["step"].to_pylist() == [event.step]


@given(scalar_tensors(NUMERIC))
def test_every_tensor_that_writers_write_is_a_number_if_it_is_one(payload: bytes) -> None:
    file = EventFile().value("a", 1, "tensor", payload, plugin="scalars")
    (row,) = drive(file.bytes).rows
    number = oracle.tensor_scalar(payload)
    assert row.value == (None if number is None else repr(number))
