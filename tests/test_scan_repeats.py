"""Records that repeat the last one of their tag: recognised by their bytes, read as any other."""

from __future__ import annotations

import struct

import oracle
import pytest
from driver import assert_agrees, drive, points_of, table
from event_writing import EventFile, bytes_field, double_field, float_field, record, varint
from hypothesis import given
from hypothesis import strategies as st

from tbtools import _core
from tbtools._core import NameSet

SLACK = EventFile().what("graph_def", bytes(100)).bytes  # the loop reads a bit beyond a record


def many(tags: list[str], tensors: bool, steps: list[int]) -> EventFile:
    """A scalar of each tag at each step."""
    file = EventFile()
    for step in steps:
        for tag in tags:
            if tensors:
                file.tensor_scalar(tag, step, step * 0.5)
            else:
                file.scalar(tag, step, step * 0.5)
    return file.junk(SLACK)


@given(
    st.lists(st.sampled_from(["a", "b", "loss/train", "x" * 31, "y" * 300, "ü"]), min_size=1),
    st.booleans(),
    st.lists(st.integers(-3, 2**40), min_size=1, max_size=8).map(sorted),
)
def test_repeats_are_read_as_the_oracle_reads_them(
    tags: list[str], tensors: bool, steps: list[int]
) -> None:
    file = many(tags, tensors, steps)
    assert_agrees(drive(file.bytes), oracle.read(file.bytes))


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize(
    "at", [0, 5, 8, 11, 12, 13, 20, 21, 22, 23, 24, 26, 30, 32, 35, 36, 40, -1]
)
@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("fixed", [False, True])
def test_a_repeat_that_differs_anywhere_is_looked_at(
    at: int, tensors: bool, bit: int, fixed: bool
) -> None:
    file = many(["loss"], tensors, [300, 301, 302, 303, 304])
    begin, end = file.offsets[2], file.offsets[3]
    file.flip(end - 1 if at < 0 else begin + at, bit)
    if fixed and at >= 12:
        file.fix_checksums(2)
    assert_agrees(drive(file.bytes), oracle.read(file.bytes))
    assert_agrees(drive(file.bytes, [100, 333]), oracle.read(file.bytes))


@pytest.mark.parametrize(
    "step", [0, 127, 128, 2**14 - 1, 2**35, 2**49, 2**56 - 1, 2**56, 2**63 - 1, -1]
)
def test_steps_of_any_size_repeat(step: int) -> None:
    file = many(["a", "b"], False, [step, step, step])
    points = table(_core.scan(file.bytes).points)
    assert [point["step"] for point in points] == [step] * 6


def test_an_overlong_step_is_the_same_step() -> None:
    def event(step: bytes) -> bytes:
        value = bytes_field(1, bytes_field(1, "a") + float_field(2, 0.5))
        return record(double_field(1, 1.0) + b"\x10" + step + bytes_field(5, value))

    for step in (b"\x85\x00", b"\x85\x80\x00", b"\x80\x80\x80\x80\x80\x80\x80\x00"):
        data = event(step) * 3 + event(varint(5)) + SLACK
        expected = int(step[0] == 0x85) * 5
        assert points_of(data) == [("a", expected, 0.5)] * 3 + [("a", 5, 0.5)]


def test_tags_that_change_their_order_or_come_new_are_read() -> None:
    file = EventFile()
    for number, tag in enumerate("ababbaabcabcacbabc" * 3):
        file.scalar(tag, 200 + number, float(number))
    points = points_of(file.junk(SLACK).bytes)
    assert [(tag, step) for tag, step, _ in points] == [
        (tag, 200 + number) for number, tag in enumerate("ababbaabcabcacbabc" * 3)
    ]


def test_other_metadata_ends_the_repeats_of_a_tensor() -> None:
    file = EventFile()
    for step, plugin in enumerate(["scalars"] * 3 + ["abcdefg"] * 2 + ["scalars"] * 2 + [""] * 2):
        file.tensor_scalar("a", 200 + step, 1.0, plugin=plugin)
    scan = _core.scan(file.junk(SLACK).bytes)
    assert [row["step"] for row in table(scan.points)] == [200, 201, 202, 205, 206, 207, 208]
    assert [row["step"] for row in table(scan.rows) if row["tag"]] == [203, 204]


@pytest.mark.parametrize("tensors", [False, True])
def test_repeats_that_nobody_wants_are_counted_and_give_nothing(tensors: bool) -> None:
    file = many(["a", "b"], tensors, [200, 201, 202, 203])
    scan = _core.scan(file.bytes, skip=NameSet(["a"]))
    assert scan.records == 9
    assert [row["tag"] for row in table(scan.points)] == ["b"] * 4
    scan = _core.scan(file.bytes, fields=["image"])
    assert (scan.records, len(scan.points), len(scan.rows)) == (9, 0, 0)


def test_offsets_of_repeats_are_those_of_their_records() -> None:
    file = many(["a", "b"], False, [200, 201, 202])
    scan = _core.scan(file.bytes, position=1000, offsets=True)
    assert [row["offset"] for row in table(scan.points)] == [1000 + at for at in file.offsets]


def test_values_keep_their_bits() -> None:
    file = EventFile()
    numbers = [float("nan"), float("inf"), -0.0, 2.0**-149, 3.4028234663852886e38]
    for number in numbers:
        file.scalar("a", 200, number)
    values = [value for _, _, value in points_of(file.junk(SLACK).bytes)]
    assert struct.pack("<5d", *values) == struct.pack("<5d", *numbers)


def test_a_refused_event_leaves_nothing_behind() -> None:
    file = EventFile().scalar("a", 1, 0.5)
    values = [bytes_field(1, bytes_field(1, name) + float_field(2, 1.0)) for name in "abcdefghij"]
    bad = bytes_field(1, bytes_field(1, b"\xff") + float_field(2, 1.0))
    file.event(b"".join([bytes_field(5, b"".join(values) + bad)]), 2).scalar("k", 3, 0.5)
    good = EventFile().event(bytes_field(5, b"".join(values)), 2)
    assert [point[0] for point in points_of(good.bytes)] == list("abcdefghij")
    assert [row["tag"] for row in table(_core.scan(file.bytes).tags)] == ["a"]
    assert_agrees(drive(file.bytes), oracle.read(file.bytes))
