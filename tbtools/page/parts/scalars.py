"""The page ``scalars``: lines, thinned to what a screen shows, and all points of what is zoomed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError
from tbtools.page.block import block
from tbtools.page.json import Json
from tbtools.page.lines import Line, Lines
from tbtools.page.part import Answer, Params
from tbtools.page.shown import Shown
from tbtools.page.spacing import FEWEST_POINTS

if TYPE_CHECKING:
    from tbtools.tables.following import Follower

__all__ = ["PART"]

TABLE = "scalars"
COLUMNS = ["run", "tag", "step", "wall_time", "value"]
MOST_POINTS = 1 << 20  # of a line, in one answer


class Scalars:
    """A block per tag. Its info has ``lines``: run (number), points, begin, end (of the columns).

    The columns are step, wall_time and value, and where points were left out also ``position`` and
    ``sum``: see ``lines.Line``.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._lines: Lines | None = None
        self._follower: Follower | None = None
        self._restarted: list[str] = []  # what the follower says of files that begin anew
        self._revision = shown.revision
        self._is_followed = shown.is_live

    def overview(self) -> Json | None:
        """The tags, with the runs that have them and the points of all of them."""
        tags = self._shown.entries(TABLE)
        return {"points": self._shown.points, "tags": tags} if tags else None

    def resources(self) -> Iterator[tuple[Params, Answer]]:
        """The lines of every tag."""
        if TABLE not in self._shown.logs.tables:
            return
        self.update()
        assert self._lines is not None
        runs: dict[str, list[str]] = {}
        for run, tag in self._lines.names():
            runs.setdefault(tag, []).append(run)
        count, kept, total = 0, 0, 0
        for tag in sorted(runs):
            lines = {run: self._lines.line(run, tag) for run in runs[tag]}
            yield {"tag": tag}, Answer(self._block(lines))
            thinned = [line for line in lines.values() if line.is_thinned]
            count += len(thinned)
            kept += sum(len(line.step) for line in thinned)
            total += sum(line.points for line in thinned)
        if count:
            self._shown.notes.append(
                f"{count:,} lines are drawn from {kept:,} of their {total:,} points: the first, "
                "last, smallest and largest of each stretch, so that no spike is lost "
                "(--points holds more, `tbtools serve` all)"
            )

    def update(self) -> bool:
        """Read what is new; whether there was anything."""
        if self._is_followed:
            try:
                return self._followed()
            except UsageError:  # of a dataset, which is read again when there is another
                self._is_followed = False
        if self._lines is not None and self._revision == self._shown.revision:
            return False
        self._revision = self._shown.revision
        self._lines = self._read(self._shown.logs[TABLE].to_batches(columns=COLUMNS))
        return True

    def answer(self, params: Params) -> Answer:
        """The lines of a tag; with ``from`` and ``to`` (steps) all points there, to ``points``.

        ``runs`` are the numbers of those that are wanted then, separated by commas.
        """
        tag = params.get("tag", "")
        if "from" in params or "to" in params:
            self._shown.check(TABLE, tag)
            return Answer(self._block(self._between(tag, params), packed=False))
        if self._lines is None:
            self.update()
        assert self._lines is not None
        runs = self._lines.runs_of(tag)
        if not runs:  # one that is known is read in a moment
            self._shown.check(TABLE, tag)
        return Answer(self._block({run: self._lines.line(run, tag) for run in runs}, packed=False))

    def _read(self, batches: Iterable[pa.RecordBatch], points: int | None = None) -> Lines:
        lines = Lines(self._shown.points if points is None else points)
        for batch in batches:
            lines.add(batch)
        lines.compact()
        return lines

    def _followed(self) -> bool:
        """A file that begins anew begins all lines anew: what it had is not told from the rest."""
        if self._follower is not None and self._lines is not None:
            is_new = False
            for made in self._follower.poll():
                for _, batch in made:
                    is_new = True
                    if not self._restarted:
                        self._lines.add(batch)
            if not self._restarted:
                return is_new
        while self._follower is None or self._restarted:
            self._restarted.clear()
            self._follower = self._shown.logs.follower(TABLE, self._restarted.append)
            lines = self._read(batch for made in self._follower.poll() for _, batch in made)
        self._lines = lines
        return True

    def _between(self, tag: str, params: Params) -> dict[str, Line]:
        first, last = _whole(params, "from", -(1 << 63)), _whole(params, "to", (1 << 63) - 1)
        points = _whole(params, "points", self._shown.points)
        if not FEWEST_POINTS <= points <= MOST_POINTS:
            raise UsageError(f"points are at least {FEWEST_POINTS} and at most {MOST_POINTS:,}")
        rows = (pc.field("tag") == tag) & (pc.field("step") >= first) & (pc.field("step") <= last)
        if "runs" in params:
            rows = rows & pc.field("run").isin(self._named(params["runs"]))
        lines = self._read(self._shown.logs[TABLE].to_batches(columns=COLUMNS, filter=rows), points)
        return {run: lines.line(run, tag) for run, _ in lines.names()}

    def _named(self, numbers: str) -> list[str]:
        try:
            places = [int(number) for number in numbers.split(",")]
            return [self._shown.runs[place] for place in places if place >= 0]
        except (ValueError, IndexError):
            raise UsageError("runs are the numbers of runs, separated by commas") from None

    def _block(self, lines: dict[str, Line], packed: bool = True) -> bytes:
        numbers = self._shown.numbers
        order = sorted((run for run in lines if run in numbers), key=numbers.__getitem__)
        info, begin = [], 0
        for run in order:
            end = begin + len(lines[run].step)
            info.append(
                {"run": numbers[run], "points": lines[run].points, "begin": begin, "end": end}
            )
            begin = end
        names = ["step", "wall_time", "value"]
        if any(lines[run].is_thinned for run in order):
            names += ["position", "sum"]
        columns = {
            name: pa.concat_arrays([getattr(lines[run], name) for run in order])
            for name in names
            if order
        }
        return block({"lines": info}, columns, packed)


def _whole(params: Params, name: str, fallback: int) -> int:
    try:
        number = int(params.get(name, fallback))
    except ValueError:
        raise UsageError(f"{name} is a whole number, and not {params[name]!r}") from None
    return min(max(number, -(1 << 63)), (1 << 63) - 1)


PART = Scalars
