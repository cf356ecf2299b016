"""Which points of a series are sent, if there are more than a page is to have: never at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tbtools import _core
from tbtools.page.spacing import FEWEST_POINTS, evenly
from tbtools.verbs.tensorboard.columns import Rows

__all__ = ["by_shape", "evenly_spaced"]

Indices = NDArray[np.int64]


def by_shape(points: Rows, most: int) -> Rows:
    """At most so many points (step, bits of wall_time and of value), chosen by M4.

    The first, the last, the smallest and the largest are among them. What is chosen does not
    depend on how the points came: see ``_core.Lines``.
    """
    count = points.shape[1]
    if count <= most:
        return points
    if most < FEWEST_POINTS:
        return points[:, evenly_spaced(count, most)]
    lines = _core.Lines(most)
    step, time, value = (np.ascontiguousarray(row) for row in points)
    line = np.zeros(count, np.int64)
    lines.add(line, step, time.view(np.float64), value.view(np.float64))
    return points[:, np.frombuffer(lines.take(0)[0], np.int64)]


def evenly_spaced(count: int, most: int) -> Indices:
    """At most so many of ``count`` places: the last, then the first, and others between."""
    if most <= 0:
        return np.empty(0, np.int64)
    if count <= most:
        return np.arange(count)
    if most == 1:
        return np.array([count - 1])
    return np.array(sorted(evenly(count, most)))
