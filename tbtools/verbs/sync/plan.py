"""What is to be done: the files of a logdir, compared with what is known of them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError
from tbtools.files.discovery import Listing, Run, readable
from tbtools.files.storage import Stamp
from tbtools.output.parts import may_hold
from tbtools.runs.beside import Looked, look
from tbtools.runs.growing import FileState
from tbtools.runs.states import packed, unpacked
from tbtools.schema import LABEL

__all__ = ["STATES", "KnownFiles", "Plan", "Work", "plan_of", "rows_of_looked", "rows_of_states"]

#: The columns of what is known of each file. A row without a name is about a run's embeddings.
STATES = pa.schema(
    [
        pa.field("run", LABEL, nullable=False),
        pa.field("name", pa.binary(), nullable=False),
        pa.field("stamp", pa.string(), nullable=False),
        pa.field("has_tail", pa.bool_(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)

NO_NAME = b""
BATCH = 1 << 13  # rows
_NO_STATES: dict[str, bytes] = {}


class _Known(NamedTuple):
    stamp: str
    has_tail: bool


class KnownFiles:
    """What an earlier call noted of files, by run and name; their states are read when needed."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self.runs: dict[str, dict[str, _Known]] = {}
        self.looked: dict[str, Looked] = {}  # what embeddings were read of, by run
        with _intact():
            for batch in self._batches(["run", "name", "stamp", "has_tail"]):
                columns = (column.to_pylist() for column in batch.columns)
                for run, name, stamp, has_tail in zip(*columns, strict=True):
                    files = self.runs.setdefault(run, {})
                    if name == NO_NAME:
                        self.looked[run] = _looked(json.loads(stamp))
                    else:
                        files[os.fsdecode(name)] = _Known(stamp, has_tail)

    def states(self, runs: Collection[str]) -> dict[str, dict[str, bytes]]:
        """The packed states of the files of some runs."""
        found: dict[str, dict[str, bytes]] = {}
        names = sorted(runs)
        wanted = pa.array(names, pa.string())
        with _intact():
            for batch in self._batches(["run", "name", "state"], names):
                some = batch.filter(pc.is_in(batch["run"].cast(pa.string()), wanted))
                columns = (column.to_pylist() for column in some.columns)
                for run, name, state in zip(*columns, strict=True):
                    if name != NO_NAME:
                        found.setdefault(run, {})[os.fsdecode(name)] = state
        return found

    def _batches(
        self, columns: list[str], runs: Sequence[str] | None = None
    ) -> Iterable[pa.RecordBatch]:
        """Batches of all rows; or of those row groups that may hold one of these runs, sorted."""
        import pyarrow.parquet as pq

        for path in self._paths:
            with pq.ParquetFile(path) as file:
                groups = [
                    index
                    for index in range(file.num_row_groups)
                    if runs is None or may_hold(file.metadata.row_group(index), runs)
                ]
                if groups:
                    yield from file.iter_batches(BATCH, groups, columns)


@contextmanager
def _intact() -> Iterator[None]:
    """Raises UsageError if what was noted cannot be understood."""
    try:
        yield
    except (pa.ArrowException, KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(
            "what sync noted of the files is damaged (--force makes the dataset anew)"
        ) from error


def _looked(content: Mapping[str, Any]) -> Looked:
    return {path: None if each is None else _stamp(each) for path, each in content.items()}


def _stamp(content: Sequence[Any]) -> Stamp:
    identity, size, time = content
    return Stamp(tuple(identity) if isinstance(identity, list) else identity, size, time)


def rows_of_states(files: Iterable[tuple[str, str, FileState]]) -> pa.RecordBatch:
    """What is to be noted of files, given as (run, name, state)."""
    return _batch(
        [
            (run, os.fsencode(name), json.dumps(state.stamp), state.has_tail, packed(state))
            for run, name, state in files
        ]
    )


def rows_of_looked(runs: Mapping[str, Looked]) -> pa.RecordBatch:
    """What is to be noted of the embeddings of runs."""
    return _batch([(run, NO_NAME, json.dumps(looked), False, b"") for run, looked in runs.items()])


def _batch(rows: Sequence[tuple[str, bytes, str, bool, bytes]]) -> pa.RecordBatch:
    runs, *others = zip(*rows, strict=True)
    arrays = [pa.array(each, field.type) for each, field in zip(others, [*STATES][1:], strict=True)]
    labels = pa.array(runs, pa.string()).dictionary_encode().cast(LABEL)
    return pa.RecordBatch.from_arrays([labels, *arrays], schema=STATES)


@dataclass(slots=True)
class Work:
    """A run that is to be read: its files, as large as they are now, and their stamps.

    If not ``is_changed``, only what may not stay of it.
    """

    run: Run
    stamps: list[Stamp]
    is_changed: bool
    fresh: list[str]  # names of files that are not as they were
    states: dict[str, bytes]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(stamp.size for stamp in self.stamps)

    def known(self) -> dict[str, FileState]:
        """What is known of its files."""
        paths = {file.name: file.path for file in self.run.files}
        run = self.run.name
        with _intact():
            return {
                name: unpacked(state, run, paths.get(name, ""))
                for name, state in self.states.items()
            }


@dataclass
class Plan:
    """What is to be done: runs to be read, embeddings to be read, runs that are no more."""

    looked: Mapping[str, Looked]  # what embeddings were read of, by run
    works: list[Work] = field(default_factory=list)
    embeddings: list[Run] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    bytes: int = 0  # that are new
    files: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is new."""
        return not (self.gone or any(work.is_changed for work in self.works))


def plan_of(
    listing: Listing,
    roots: Sequence[tuple[str, str]],
    known: KnownFiles,
    all_changed: bool = False,
) -> Plan:
    """Compare a listing of ``roots``, the names and paths of logdirs, with what is known.

    ``all_changed`` takes every run for a changed one.
    """
    plan = Plan(looked=known.looked)
    left = dict(known.runs)
    for each in listing.runs:
        stamped = [(file, file.storage.stamp(file.path)) for file in each.files]
        present = [(file, stamp) for file, stamp in stamped if stamp is not None]
        if not present:
            continue
        files = left.pop(each.name, {})
        run = each._replace(files=tuple(file._replace(size=now.size) for file, now in present))
        is_changed = all_changed or len(files) != len(present)
        work = Work(run, [now for _, now in present], is_changed, [], _NO_STATES)
        for file, now in present:
            before = files.get(file.name)
            if before is None or before.stamp != json.dumps(now):
                work.is_changed = True
                work.fresh.append(file.name)
                plan.files += 1
                size = 0 if before is None else json.loads(before.stamp)[1]
                plan.bytes += max(now.size - max(size, 0), 0)
        looked = known.looked.get(run.name, {})
        if (looked or not run.is_bare) and (look(run, looked) or (all_changed and looked)):
            plan.embeddings.append(run)
            work.is_changed = True
        if work.is_changed or any(before.has_tail for before in files.values()):
            plan.works.append(work)
    # What cannot be listed at the moment may be there still.
    closed = _names_below([path for path, _ in listing.unlistable], roots)
    plan.gone = [
        run for run in left if not any(f"{run}/".startswith(f"{name}/") for name in closed)
    ]
    states = known.states([work.run.name for work in plan.works if work.run.name in known.runs])
    for work in plan.works:
        work.states = states.get(work.run.name, _NO_STATES)
    return plan


def _names_below(closed: Sequence[str], roots: Sequence[tuple[str, str]]) -> list[str]:
    """The names of the runs that folders would be, which cannot be listed."""
    names = []
    for prefix, root in roots:
        for path in closed:
            relative = os.path.relpath(path, root).replace(os.sep, "/")
            if relative.split("/")[0] != "..":
                parts = (prefix, "" if relative == "." else relative)
                names.append(readable("/".join(filter(None, parts))))
    return names
