"""What is written now and then, evenly chosen over steps: histograms and curves in a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.page.block import block, numbers
from tbtools.page.json import Json
from tbtools.page.part import Answer, Params
from tbtools.page.shown import Shown
from tbtools.page.spacing import evenly

__all__ = ["MOST_STEPS", "Evenly", "Series", "flat", "series_of"]

Key = tuple[str, str]  # run and tag

#: Steps of a run and tag in a report: more ridges or curves than these lie on one another.
MOST_STEPS = 100


class Series(NamedTuple):
    """What was chosen of a run and tag, in the order written, and how many there are of all."""

    run: str
    tag: str
    total: int
    kept: int
    batches: list[pa.RecordBatch]


def _steps_of_each(shown: Shown, table: str, size: int) -> int | None:
    """How many steps of each run and tag are in a report, so that all fit; None: all of them.

    ``size`` is about how many bytes a step has.
    """
    if shown.most_bytes is None:
        return None
    fitting = shown.most_bytes // (size * max(len(shown.tags(table)), 1))
    return min(MOST_STEPS, max(fitting, 2))


def series_of(
    shown: Shown, table: str, columns: Sequence[str], most: int | None, index: str | None = None
) -> Iterator[Series]:
    """Every run and tag of a table, each when all of it was read, in one pass.

    ``index`` is a column that is 0 in the first row of each step, of tables with many rows of one.
    """
    choosing = {
        (row.run, row.tag): _Choosing(row.run, row.tag, row.points or 0, most)
        for row in shown.tags(table)
    }
    open_end: dict[Key, None] = {}
    for batch in shown.logs[table].to_batches(columns=[*columns]):
        found = _items(batch, index)
        for key, items in found.items():
            # A run or tag that was not there when they were counted comes with the next look.
            if key in choosing:
                choosing[key].add(batch, items)
        read = {**found, **open_end}
        # A step of many rows may go on in the next batch.
        open_end = {
            key: None
            for key, items in found.items()
            if index is not None and items[-1].end == batch.num_rows
        }
        for key in read:
            if key in choosing and key not in open_end and choosing[key].is_full:
                yield choosing.pop(key).series()
    for each in choosing.values():
        yield each.series()


class _Item(NamedTuple):
    """Rows of a batch with one step; whether they only go on with what a batch before began."""

    begin: int
    end: int
    continues: bool


@dataclass
class _Choosing:
    """The chosen steps of one run and tag; the last one seen is kept until there is another."""

    run: str
    tag: str
    count: int  # as it was told: what is refused, for damage, is counted, too
    most: int | None
    seen: int = 0
    kept: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)
    last: list[pa.RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chosen = evenly(self.count, self.most)

    @property
    def is_full(self) -> bool:
        return self.seen >= self.count

    def add(self, batch: pa.RecordBatch, items: list[_Item]) -> None:
        rows: list[int] = []
        for item in items:
            self.seen += not item.continues
            if self.most is None or self.seen - 1 in self._chosen:
                rows += range(item.begin, item.end)
                self.kept += not item.continues
                self.last = []
            elif item is items[-1]:
                part = batch.take(pa.array(range(item.begin, item.end), pa.int64()))
                self.last = [*(self.last if item.continues else []), part]
        if rows:
            self.batches.append(batch.take(pa.array(rows, pa.int64())))

    def series(self) -> Series:
        kept = self.kept + bool(self.last)
        return Series(self.run, self.tag, self.seen, kept, [*self.batches, *self.last])


def _items(batch: pa.RecordBatch, index: str | None) -> dict[Key, list[_Item]]:
    found: dict[Key, list[_Item]] = {}
    if not batch.num_rows:
        return found
    if index is None:
        begins = list(range(batch.num_rows))
    else:
        begins = pc.indices_nonzero(pc.equal(batch[index], 0)).to_pylist()
    continues = begins[:1] != [0]
    if continues:
        begins.insert(0, 0)
    places = pa.array(begins, pa.int64())
    runs, tags = (batch[name].take(places).to_pylist() for name in ("run", "tag"))
    ends = [*begins[1:], batch.num_rows]
    for run, tag, begin, end in zip(runs, tags, begins, ends, strict=True):
        found.setdefault((run, tag), []).append(_Item(begin, end, continues and begin == 0))
    return found


def flat(arrays: Iterable[pa.Array], kind: pa.DataType) -> pa.Array:
    """Arrays one behind the other, without nulls: those of float64 become NaN."""
    whole = pa.concat_arrays([pa.array([], kind), *arrays])
    return numbers(whole) if whole.null_count else whole


class Evenly:
    """A part with a block per run and tag of a table, asked for by their names.

    The info of a block has ``total``, the number of steps that there are, and ``kept``, of those
    that are in it: all of them if a server answers.
    """

    table: str
    columns: Sequence[str]  # that are read
    noun: str  # in notes
    size: int  # of a step, in bytes, about
    index: str | None = None  # that of ``series_of``

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def encoded(self, series: Series) -> dict[str, pa.Array]:
        """The columns of a block."""
        raise NotImplementedError

    def overview(self) -> Json | None:
        """The tags, with the runs that have them; None without any."""
        tags = self._shown.entries(self.table)
        return {"tags": tags} if tags else None

    def resources(self) -> Iterator[tuple[Params, Answer]]:
        """All runs and tags; what is left out is told in the notes."""
        if self.table not in self._shown.logs.tables:
            return
        most = _steps_of_each(self._shown, self.table, self.size)
        kept, total = 0, 0
        for series in series_of(self._shown, self.table, self.columns, most, self.index):
            kept += series.kept
            total += series.total
            yield {"run": series.run, "tag": series.tag}, Answer(self._block(series))
        if kept < total:
            more = "" if most == MOST_STEPS else "--media holds more, "
            self._shown.notes.append(
                f"{kept:,} of {total:,} {self.noun} are held, at most {most} of each run and tag, "
                f"evenly chosen, first and last always ({more}`tbtools serve` shows all)"
            )

    def answer(self, params: Params) -> Answer:
        """All steps of a run and tag. Raises UnknownNameError."""
        run, tag = params.get("run", ""), params.get("tag", "")
        self._shown.check(self.table, tag, run)
        wanted = (pc.field("run") == run) & (pc.field("tag") == tag)
        table = self._shown.logs[self.table]
        batches = list(table.to_batches(columns=[*self.columns], filter=wanted))
        total = sum(len(items) for batch in batches for items in _items(batch, self.index).values())
        return Answer(self._block(Series(run, tag, total, total, batches), packed=False))

    def _block(self, series: Series, packed: bool = True) -> bytes:
        info = {"total": series.total, "kept": series.kept}
        return block(info, self.encoded(series), packed)
