"""Columns of what TensorBoard is shown: packed, cut off, thinned, and every bit kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbtools.verbs.tensorboard.columns import BLOCK, Columns
from tbtools.verbs.tensorboard.thinning import by_shape, evenly_spaced

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=64) | st.floats(width=32)


def bits(numbers: list[float]) -> np.ndarray:
    return np.array(numbers, np.float64).view(np.int64)


@st.composite
def pieces(draw: st.DrawFn) -> list[np.ndarray]:
    """Pieces of columns, some of them longer than a block and regular, others odd."""
    made = []
    for _ in range(draw(st.integers(0, 5))):
        count = draw(st.sampled_from([1, 2, 7, BLOCK, BLOCK + 3]))
        first, stride = draw(INTEGERS), draw(st.integers(-3, 1000))
        with np.errstate(over="ignore"):
            steps = np.array([first], np.int64) + np.arange(count) * stride
        some = draw(st.lists(FLOATS, min_size=1, max_size=7))
        times = np.resize(bits(some), count) + np.arange(count) * draw(
            st.sampled_from([0, 1, 4096])
        )
        values = np.resize(bits(draw(st.lists(FLOATS, min_size=1, max_size=7))), count)
        odd = draw(st.lists(INTEGERS, min_size=1, max_size=7))
        steps = steps if draw(st.booleans()) else np.resize(np.array(odd, np.int64), count)
        made.append(np.stack([steps, times, values]))
    return made


@given(pieces(), st.lists(st.tuples(st.integers(0, 5), INTEGERS), max_size=3))
def test_columns_are_what_was_added_and_not_dropped(
    added: list[np.ndarray], drops: list[tuple[int, int]]
) -> None:
    columns = Columns(3)
    expected = np.empty((3, 0), np.int64)
    for number, rows in enumerate([*added, None]):
        for place, step in drops:
            if place == number:
                stays = expected[0] < step
                assert columns.drop_from(step) == int((~stays).sum())
                expected = expected[:, stays]
        if rows is not None:
            columns.add(rows)
            expected = np.concatenate([expected, rows], axis=1)
    found = columns.snapshot()
    assert np.array_equal(found.all(), expected)
    assert np.array_equal(found.last(), expected[:, -1:])
    assert columns.rows == found.rows == expected.shape[1]
    assert found.greatest == (int(expected[0].max()) if expected.size else None)


def test_a_snapshot_stays_as_it_is() -> None:
    columns = Columns(3)
    for begin in range(0, 3 * BLOCK, 100):
        columns.add(np.arange(begin, begin + 100) + np.zeros((3, 1), np.int64))
    before = columns.snapshot()
    columns.drop_from(500)
    columns.add(np.zeros((3, 1), np.int64))
    assert np.array_equal(before.all()[0], np.arange(before.rows))
    assert columns.rows == 501


def test_what_is_usual_takes_a_third_of_the_room() -> None:
    columns = Columns(3)
    count = 50 * BLOCK
    times = bits([1.7e9 + 0.1 * number for number in range(count)])
    values = np.random.default_rng(1).random(count).astype(np.float32).astype(np.float64)
    columns.add(np.stack([np.arange(count), times, values.view(np.int64)]))
    packed = sum(
        column.nbytes if isinstance(column, np.ndarray) else column[1].nbytes
        for block in columns.snapshot().blocks
        for column in block.columns
        if not isinstance(column[1], int)
    )
    assert packed <= 8 * count


@given(st.integers(0, 3000), st.integers(0, 400), st.randoms(use_true_random=False))
def test_shape_keeps_the_ends_and_the_extremes(count: int, most: int, random: object) -> None:
    seed = random.randrange(1 << 30)  # type: ignore[attr-defined]
    values = np.random.default_rng(seed).standard_normal(count).cumsum()
    points = np.stack([np.arange(count), np.arange(count), values.view(np.int64)])
    kept = by_shape(points, most)
    assert kept.shape[1] <= max(most, 0)
    assert np.array_equal(kept, by_shape(points, most))
    assert (np.diff(kept[0]) > 0).all()
    if count <= most:
        assert np.array_equal(kept, points)
    elif most >= 12:
        shown = kept[2].view(np.float64) if kept.flags.c_contiguous else kept[2].copy().view("f8")
        assert kept[0, 0] == 0
        assert kept[0, -1] == count - 1
        assert math.isclose(shown.min(), values.min(), rel_tol=0)
        assert math.isclose(shown.max(), values.max(), rel_tol=0)
    elif most and count:
        assert kept[0, -1] == count - 1


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [
        *[(0, 5, []), (5, 0, []), (5, 1, [4]), (5, 2, [0, 4]), (5, 3, [0, 2, 4])],
        *[(3, 5, [0, 1, 2]), (0, 1, [])],
    ],
)
def test_places_are_spread_evenly(count: int, most: int, places: list[int]) -> None:
    assert evenly_spaced(count, most).tolist() == places
