"""Which rows and which columns of which tables are wanted: the one vocabulary of the whole way.

A Selection is made when logs are opened, narrowed by each reading (its tables, their columns, an
engine's filter) and handed down. Discovery asks it for runs, a run's reader for tags, steps and
restarts, ``decode/routing.py`` for what the core has to read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal, Protocol, get_args

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UnknownNameError, UsageError
from tbtools.schema import KEYS

__all__ = ["Filter", "KeysOnly", "RestartPolicy", "Selection", "check_policy", "parse_steps"]

RestartPolicy = Literal["keep", "latest", "tensorboard"]

#: Half-open; None at either end means no limit.
Steps = tuple[int | None, int | None]


class Filter(Protocol):
    """A condition of an engine, such as DuckDB's or polars', that rows have to pass."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it looks at, and perhaps more."""

    def survivors(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """Whether rows with each of these values of ``run`` or ``tag`` may pass.

        Those of the run ``run``, if one is given.
        """

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that pass."""


@dataclass(frozen=True)
class KeysOnly:
    """What a filter says of runs and tags, for rows that it does not otherwise know."""

    filter: Filter
    columns: frozenset[str] = frozenset()

    def survivors(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """What the filter says."""
        return self.filter.survivors(column, values, run)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """All rows: whoever made them of others applies the filter to what was made."""
        return batch


@dataclass(frozen=True)
class Selection:
    """Globs of runs and tags (``*`` matches ``/`` too), steps, restarts; then what is narrowed.

    ``columns`` has, for each table that is to be read, the columns that are wanted; None for all.
    Rows that cannot pass ``filter`` may be left out; whoever gave it applies it to the others.
    """

    run: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    exclude_tag: tuple[str, ...] = ()
    steps: Steps = (None, None)
    restarts: RestartPolicy = "keep"
    columns: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    filter: Filter | None = None

    def narrowed(
        self, columns: Mapping[str, Iterable[str] | None], filter: Filter | None = None
    ) -> Selection:
        """The same for a reading of some columns of some tables.

        Keys come with them, since they are what rows are chosen by, and what the filter looks at.
        """
        keys = {key.name for key in KEYS} | (filter.columns if filter is not None else set())
        wanted = {
            table: None if names is None else frozenset(names) | keys
            for table, names in columns.items()
        }
        return replace(self, columns=wanted, filter=filter)

    @property
    def tables(self) -> frozenset[str]:
        """The tables that are to be read."""
        return frozenset(self.columns)

    def schema_of(self, table: str, schema: pa.Schema) -> pa.Schema:
        """The columns of a table that are wanted, in their order."""
        wanted = self.columns[table]
        if wanted is None:
            return schema
        return pa.schema([each for each in schema if each.name in wanted], schema.metadata)

    def wants_runs(self, names: Sequence[str]) -> list[bool]:
        """Whether each of these runs is wanted."""
        chosen = [_matches(name, self.run) for name in names]
        return self._surviving(chosen, "run", names)

    @property
    def names_tags(self) -> bool:
        """Whether tags are named at all; then rows without one are not wanted."""
        return bool(self.tag or self.exclude_tag)

    @property
    def restricts_tags(self) -> bool:
        """Whether there may be tags that are not wanted."""
        return self.names_tags or self.filter is not None

    def wants_tags(self, names: Sequence[str], run: str | None = None) -> list[bool]:
        """Whether each of these tags, of one run or of any, is wanted."""
        excluded = self.exclude_tag
        chosen = [
            _matches(name, self.tag) and not (excluded and _matches(name, excluded))
            for name in names
        ]
        return self._surviving(chosen, "tag", names, run)

    def _surviving(
        self, chosen: list[bool], column: str, names: Sequence[str], run: str | None = None
    ) -> list[bool]:
        if self.filter is None:
            return chosen
        passing = self.filter.survivors(column, names, run)
        return [one and other for one, other in zip(chosen, passing, strict=True)]

    def of_steps(self, batch: pa.RecordBatch) -> pa.BooleanArray | None:
        """Which rows of a batch have a step that is wanted; None if all have."""
        first, end = self.steps
        if "step" not in batch.schema.names or (first is None and end is None):
            return None
        masks = []
        if first is not None:
            masks.append(pc.greater_equal(batch["step"], first))
        if end is not None:
            masks.append(pc.less(batch["step"], end))
        return masks[0] if len(masks) == 1 else pc.and_(*masks)

    def select(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch whose run, tag and step are wanted, as far as it has these."""
        names = batch.schema.names
        if self.run and "run" in names:
            batch = batch.filter(_mask(batch["run"], self.wants_runs))
        if self.names_tags and "tag" in names:
            batch = batch.filter(_mask(batch["tag"], self.wants_tags))
        steps = self.of_steps(batch)
        return batch if steps is None else batch.filter(steps)


def _matches(name: str, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _mask(column: pa.Array, wanted: Callable[[list[str]], list[bool]]) -> pa.Array:
    codes = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    mask = pa.array(wanted(codes.dictionary.to_pylist()), pa.bool_())
    return pc.fill_null(mask.take(codes.indices), False)


def parse_steps(text: str | None) -> Steps:
    """``A:B`` as a half-open range; either end may be missing. Raises UsageError otherwise."""
    if text is None:
        return None, None
    match = re.fullmatch(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no range of steps: give A:B, A: or :B (A included, B not)")
    first, end = match.groups()
    return (None if first is None else int(first)), (None if end is None else int(end))


def check_policy(name: str) -> RestartPolicy:
    """The restart policy of this name. Raises UnknownNameError if there is none."""
    for policy in get_args(RestartPolicy):
        if name == policy:
            return policy  # type: ignore[no-any-return]
    raise UnknownNameError("restart policy", name, get_args(RestartPolicy))
