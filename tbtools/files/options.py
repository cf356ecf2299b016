"""What the core is to read of a file, in the words of those who ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tbtools import _core

__all__ = ["ScanOptions", "name_set"]


@dataclass(frozen=True)
class ScanOptions:
    """What the core is to read of a file: everything, unless said otherwise. See ``_core.scan``.

    ``decode/routing.py`` makes them of a Selection. ``windows`` is how many times ``WINDOW`` is
    read at once. With ``whole``, large records that nobody wants are read and checked, too.
    """

    fields: tuple[str, ...] | None = None
    payloads: tuple[str, ...] | None = None
    heads: tuple[str, ...] = ()
    plugins: tuple[str, ...] | None = None
    head_plugins: tuple[str, ...] = ()
    largest: int | None = None
    offsets: bool = False
    windows: int = 1
    whole: bool = False


def name_set(names: Iterable[str] | None) -> _core.NameSet | None:
    """The names as the core takes them; None if there is no such set."""
    return None if names is None else _core.NameSet(list(names))
