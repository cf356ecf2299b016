"""Lines of a page, held against M4 in plain Python."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbtools import _core
from tbtools.page.lines import Line, Lines
from tbtools.page.spacing import FEWEST_POINTS

Point = tuple[int, int, float]  # position, step, value

STEPS = st.one_of(
    st.lists(st.integers(-5, 5), max_size=400),
    st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=60),
    st.integers(0, 400).map(lambda count: [*range(count)]),
    st.integers(0, 400).map(lambda count: [step % 90 for step in range(count)]),
)
VALUES = st.one_of(
    st.floats(width=32), st.integers(-3, 3).map(float), st.sampled_from([math.nan, math.inf])
)


def stretches(points: list[Point], shift: int, most: int) -> list[Point]:
    """Of each stretch of 2^shift points between two restarts, the points that M4 keeps."""
    groups: dict[tuple[int, int], list[Point]] = {}
    pieces, before = 0, points[0][1] if points else 0
    for point in points:
        pieces += point[1] < before and pieces < most // 16
        before = point[1]
        groups.setdefault((pieces, point[0] >> shift), []).append(point)
    kept: set[int] = set()
    for group in groups.values():
        finite = [point for point in group if math.isfinite(point[2])]
        chosen = [group[0], group[-1]]
        if finite:
            chosen += [min(finite, key=lambda point: point[2]), max(finite, key=lambda p: p[2])]
        chosen += [point for point in group if math.isnan(point[2])][:1]
        chosen += [point for point in group if math.isinf(point[2])][:1]
        kept |= {position for position, _, _ in chosen}
    return [point for point in points if point[0] in kept]


def plain(points: list[Point], most: int) -> list[Point]:
    """What stays, of the least stretches that will do."""
    if len(points) <= most:
        return points
    found = stretches(points, shift := 1, most)
    while len(found) > most:
        found = stretches(points, shift := shift + 1, most)
    return found


def batch(run: str, tag: str, steps: list[int], values: list[float]) -> pa.RecordBatch:
    """Rows of scalars."""
    names = [pa.array([name] * len(steps), pa.string()) for name in (run, tag)]
    numbers = [pa.array(steps, pa.int64()), pa.array(map(float, steps), pa.float64())]
    columns = [*names, *numbers, pa.array(values, pa.float64())]
    return pa.RecordBatch.from_arrays(columns, ["run", "tag", "step", "wall_time", "value"])


def points_of(line: Line) -> list[tuple[int, int, str]]:
    """The points of a line; text, since NaN is not equal to itself."""
    columns = (line.position, line.step, line.value)
    return [(p, s, repr(v)) for p, s, v in zip(*(c.to_pylist() for c in columns), strict=True)]


@given(STEPS, st.data(), st.sampled_from([12, 16, 40, 100]))
def test_lines_keep_what_m4_keeps(steps: list[int], data: st.DataObject, most: int) -> None:
    values = data.draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps)))
    whole, pieces = Lines(most), Lines(most)
    whole.add(batch("a", "x", steps, values))
    cut = data.draw(st.integers(0, len(steps)))
    for begin, end in ((0, cut), (cut, len(steps))):
        pieces.add(batch("other", "x", steps[begin:end], values[begin:end]))
        pieces.add(batch("a", "x", steps[begin:end], values[begin:end]))
    if not steps:
        assert whole.names() == {}
        return
    line = whole.line("a", "x")
    points = [*zip(range(len(steps)), steps, values, strict=True)]
    assert line.points == len(steps)
    assert len(line.step) <= most
    assert points_of(line) == points_of(pieces.line("a", "x"))
    if len(steps) < most + most // 4:  # more are thinned on the way, perhaps by longer stretches
        assert points_of(line) == [(p, s, repr(v)) for p, s, v in plain(points, most)]
    finite = [value for value in values if math.isfinite(value)]
    kept = [value for value in line.value.to_pylist() if math.isfinite(value)]
    if finite:
        assert (min(kept), max(kept)) == (min(finite), max(finite))
    assert any(map(math.isnan, values)) == any(map(math.isnan, line.value.to_pylist()))
    assert {points_of(line)[0][0], points_of(line)[-1][0]} == {0, len(steps) - 1}
    sums, total = [], 0.0
    for value in values:
        total += value if math.isfinite(value) else 0.0
        sums.append(total)
    assert line.sum.to_pylist() == [sums[position] for position in line.position.to_pylist()]


def test_what_stays_does_not_grow() -> None:
    lines = Lines(FEWEST_POINTS)
    for begin in range(0, 20_000, 500):
        lines.add(batch("a", "x", [-step for step in range(begin, begin + 500)], [1.0] * 500))
    assert lines.line("a", "x").points == 20_000
    assert len(lines.line("a", "x").step) <= FEWEST_POINTS
    assert lines.runs_of("x") == ["a"]
    with pytest.raises(KeyError):
        lines.line("a", "y")


def test_wrong_columns_are_refused() -> None:
    lines = _core.Lines(100)
    one = bytes(8)
    with pytest.raises(ValueError, match="different lengths"):
        lines.add(one, one, one, b"")
    with pytest.raises(ValueError, match="not in order"):
        lines.add((1).to_bytes(8, "little"), one, one, one)
    with pytest.raises(ValueError, match="eight bytes"):
        lines.add(one, one, one, b"abc")
    with pytest.raises(IndexError):
        lines.take(0)
    assert len(lines) == 0
