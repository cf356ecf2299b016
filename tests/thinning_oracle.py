"""Downsampling in plain Python: Largest Triangle Three Buckets as its author published it.

Source: Sveinn Steinarsson, "Downsampling Time Series for Visual Representation" (2013), section
4.2, and the same in JavaScript, flot-downsample's ``largestTriangleThreeBuckets``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["lttb"]


def lttb(steps: Sequence[float], values: Sequence[float], threshold: int) -> list[int]:
    """The indices of the points that stay, of finite values."""
    length = len(steps)
    if threshold >= length or threshold == 0:
        return list(range(length))
    kept = [0]
    every = (length - 2) / (threshold - 2)
    a = 0
    for i in range(threshold - 2):
        begin = math.floor((i + 1) * every) + 1
        end = min(math.floor((i + 2) * every) + 1, length)
        average_x = sum(steps[begin:end]) / (end - begin)
        average_y = sum(values[begin:end]) / (end - begin)
        largest, chosen = -1.0, 0
        for j in range(math.floor(i * every) + 1, math.floor((i + 1) * every) + 1):
            area = abs(
                (steps[a] - average_x) * (values[j] - values[a])
                - (steps[a] - steps[j]) * (average_y - values[a])
            )
            if area * 0.5 > largest:
                largest, chosen = area * 0.5, j
        kept.append(chosen)
        a = chosen
    return [*kept, length - 1]
