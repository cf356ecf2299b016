"""The errors that tbtools raises on purpose.

    TbtoolsError
    ├── UsageError             what was asked for makes no sense: exit code 2
    │   ├── UnknownNameError   a column, run or format that does not exist
    │   │   └── UnknownTableError  a table or view that does not exist
    │   ├── UnsupportedError   what pyarrow's datasets offer and a log cannot
    │   └── TargetExistsError  the output is there already
    ├── NothingFoundError      no event file, or nothing selected: exit code 4
    ├── DamageError            damage was found and on_damage="fail": exit code 1
    └── QueryError             DuckDB refused the statement: exit code 2

Damage is data, not an error, unless it is asked to be one: see ``Logs.health``.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "DamageError",
    "NothingFoundError",
    "QueryError",
    "TargetExistsError",
    "TbtoolsError",
    "UnknownNameError",
    "UnknownTableError",
    "UnsupportedError",
    "UsageError",
]


class TbtoolsError(Exception):
    """Any error of tbtools. ``exit_code`` is what the command line ends with."""

    exit_code = 1


class UsageError(TbtoolsError):
    """What was asked for makes no sense, whatever the files hold."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that does not exist. The message lists those that come nearest."""

    def __init__(self, what: str, name: str, known: Iterable[str], hint: str = "") -> None:
        found = nearest(name, known)
        message = f"no {what} is called {name!r}"
        if found:
            message += f"; nearest: {', '.join(found)}"
        super().__init__(message + (f" ({hint})" if hint else ""))
        self.name = name
        self.nearest = found


class UnknownTableError(UnknownNameError, KeyError, AttributeError):  # type: ignore[misc]
    """A table or view that does not exist: what ``logs["x"]`` and ``logs.x`` raise."""

    def __str__(self) -> str:  # that of KeyError is the repr of a key
        return str(self.args[0])


class UnsupportedError(UsageError, NotImplementedError):
    """What pyarrow's datasets can do and a table of logs cannot; the text says what can."""


class TargetExistsError(UsageError):
    """The output exists and ``force`` was not given."""


class NothingFoundError(TbtoolsError):
    """There is no event file, or none is left after the selection."""

    exit_code = 4


class DamageError(TbtoolsError):
    """Damage was found and ``on_damage="fail"`` was given."""


class QueryError(UsageError):
    """DuckDB refused a statement. The message is DuckDB's, with tbtools' names as candidates."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names of ``known`` that are most like ``name``; upper and lower case are the same."""
    by_lower = {each.lower(): each for each in known}
    return [by_lower[each] for each in get_close_matches(name.lower(), by_lower, count, 0.5)]
