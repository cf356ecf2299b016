"""The objects of parsed JSON, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["objects_in"]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value, outermost first; without recursion, which hostile ones exhaust."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
