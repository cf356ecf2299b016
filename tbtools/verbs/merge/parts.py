"""Which runs are parts of one, in which order, and what is called how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tbtools.errors import UnknownNameError, UsageError
from tbtools.files.discovery import named_paths, readable
from tbtools.runs.reading import RunReader

__all__ = ["Order", "Parts", "parts_of"]

Order = Literal["time", "given"]

MOST_NAMED = 3  # clashes


@dataclass(frozen=True)
class Parts:
    """A run that is to be, and the runs that it is made of, in their order."""

    name: str
    readers: tuple[RunReader, ...]


def parts_of(
    paths: Sequence[str],
    readers: Sequence[RunReader],
    *,
    into: str | None,
    stitch: bool,
    order: Order,
) -> list[Parts]:
    """The runs to make of those of some logdirs; see ``merge``.

    Raises UsageError if several have one name and are not said to be parts of one training.
    """
    if order not in get_args(Order):
        raise UnknownNameError("order", order, get_args(Order))
    placed = _placed(paths, readers)
    groups: dict[str, list[tuple[int, RunReader]]] = {}
    for argument, name, reader in placed:
        groups.setdefault(name if into is None else into, []).append((argument, reader))
    # Arguments that are runs themselves are parts: else there was no reason to name them all.
    stitch = stitch or into is not None or all(name == "." for _, name, _ in placed)
    clashes = [name for name, group in groups.items() if len(group) > 1]
    if clashes and not stitch:
        raise _clash(clashes, groups)
    return [Parts(name, _ordered(groups[name], order)) for name in sorted(groups)]


def _placed(paths: Sequence[str], readers: Sequence[RunReader]) -> list[tuple[int, str, RunReader]]:
    """Of each run the number of the argument that it is under, and its name in what is made.

    A logdir that was named gives its runs this name, others are put into one as they are.
    """
    named = named_paths(paths)
    found = []
    for reader in readers:
        fitting = [
            (len(prefix), number)
            for number, (prefix, path) in enumerate(named)
            if _is_under(reader.run.name, readable(prefix)) and _is_under(reader.run.path, path)
        ]
        number = max(fitting)[1] if fitting else 0
        prefix, path = named[number]
        if path != paths[number] or not prefix:
            name = reader.run.name
        else:
            name = reader.run.name.removeprefix(readable(prefix)).removeprefix("/") or "."
        found.append((number, name, reader))
    return sorted(found, key=lambda placed: (placed[0], placed[1]))


def _is_under(path: str, above: str) -> bool:
    above = above.rstrip("/")
    return not above or path == above or path.startswith(f"{above}/")


def _clash(clashes: list[str], groups: dict[str, list[tuple[int, RunReader]]]) -> UsageError:
    told = []
    for name in clashes[:MOST_NAMED]:
        paths = [repr(readable(reader.run.path)) for _, reader in groups[name]]
        told.append(f"{name!r} is in {' and '.join(paths[:MOST_NAMED])}")
    more = len(clashes) - len(told)
    told += [f"and {more:,} more"] if more else []
    return UsageError(
        f"runs of one name: {'; '.join(told)} (NAME=PATH keeps logdirs apart; if they are parts of "
        "one training, --stitch puts runs of one name together, --into RUN all of them)"
    )


def _ordered(group: list[tuple[int, RunReader]], order: Order) -> tuple[RunReader, ...]:
    if order == "time":
        # Runs without any value say nothing of time: they stay where they were given.
        with_values = [each for each in group if _has_values(each[1])]
        times = iter(sorted(with_values, key=lambda each: each[1].survey().first_time))
        group = [next(times) if each in with_values else each for each in group]
    return tuple(reader for _, reader in group)


def _has_values(reader: RunReader) -> bool:
    return any(stats.tag is not None for stats in reader.survey().stats)
