"""Which runs, tags and steps somebody asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError

__all__ = ["Choice", "parse_steps"]


@dataclass(frozen=True)
class Choice:
    """Globs of runs and tags (``*`` matches ``/`` too), and a half-open range of steps."""

    run: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    exclude_tag: tuple[str, ...] = ()
    steps: tuple[int | None, int | None] = (None, None)

    def wants_run(self, name: str) -> bool:
        """Whether a run is wanted."""
        return not self.run or any(fnmatchcase(name, glob) for glob in self.run)

    def wants_tags(self, tags: Sequence[str]) -> list[bool]:
        """Whether each of these tags is wanted."""
        return [
            (not self.tag or any(fnmatchcase(tag, glob) for glob in self.tag))
            and not any(fnmatchcase(tag, glob) for glob in self.exclude_tag)
            for tag in tags
        ]

    @property
    def has_tags(self) -> bool:
        """Whether tags are restricted at all."""
        return bool(self.tag or self.exclude_tag)

    def select(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that are wanted, by whichever key columns it has."""
        names = batch.schema.names
        if self.run and "run" in names:
            batch = batch.filter(_mask(batch["run"], [*map(self.wants_run, _values(batch["run"]))]))
        if self.has_tags and "tag" in names:
            batch = batch.filter(_mask(batch["tag"], self.wants_tags(_values(batch["tag"]))))
        first, end = self.steps
        if "step" in names:
            if first is not None:
                batch = batch.filter(pc.greater_equal(batch["step"], first))
            if end is not None:
                batch = batch.filter(pc.less(batch["step"], end))
        return batch


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _values(column: pa.Array) -> list[str]:
    values: list[str] = _encoded(column).dictionary.to_pylist()
    return values


def _mask(column: pa.Array, wanted: list[bool]) -> pa.Array:
    return pc.fill_null(pa.array(wanted, pa.bool_()).take(_encoded(column).indices), False)


def parse_steps(text: str | None) -> tuple[int | None, int | None]:
    """``A:B`` as a half-open range; either end may be missing. Raises UsageError otherwise."""
    if text is None:
        return None, None
    match = re.fullmatch(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no range of steps: give A:B, A: or :B (A included, B not)")
    first, end = match.groups()
    return (None if first is None else int(first)), (None if end is None else int(end))
