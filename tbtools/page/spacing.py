"""Which points stay of a series that has more than are to be shown."""

from __future__ import annotations

__all__ = ["FEWEST_POINTS", "evenly"]

#: That M4 can leave of a line: the first, last, smallest and largest point of two stretches, and
#: two of each that are no number. Source: ``Lines`` of the core.
FEWEST_POINTS = 12


def evenly(count: int, most: int | None) -> frozenset[int]:
    """``most`` of ``count`` places, evenly: the first and the last are always among them."""
    if most is None or count <= most:
        return frozenset(range(count))
    return frozenset((2 * i * (count - 1) + most - 1) // (2 * (most - 1)) for i in range(most))
