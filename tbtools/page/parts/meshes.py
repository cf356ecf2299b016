"""The page ``meshes``: points and faces that turn, with a slider over steps.

A mesh is three tags of a run: vertices, faces and colours. Each row of the table ``meshes`` is a
resource of its own, so that faces that were written once are held once; an index of the mesh says
which rows belong together.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UnknownNameError, UsageError
from tbtools.page.block import block, numbers
from tbtools.page.json import Json
from tbtools.page.part import Answer, Params
from tbtools.page.shown import Shown
from tbtools.page.spacing import evenly

__all__ = ["PART"]

#: How TensorBoard and tensorboardX name the three tags of a mesh.
SUFFIX = re.compile(r"_(?:VERTEX|FACE|COLOR|[123])\Z")

PARTS = ("vertex", "face", "color")
#: Numbers in a page that are enough for every writer: TensorBoard's own types.
TYPES = {"vertex": pa.float32(), "face": pa.int32(), "color": pa.uint8()}

_HEAD = ["run", "tag", "step", "wall_time", "name", "part", "shape", "config"]


class _Row(NamedTuple):
    """A row of the table without its numbers; ``at`` is its place among those of its tag."""

    tag: str
    at: int
    step: int
    wall_time: float
    shape: tuple[int, ...]

    def bytes(self, part: str) -> int:
        """What its numbers take in a page, before they are deflated."""
        size: int = TYPES[part].bit_width // 8
        for dimension in self.shape:
            size *= max(dimension, 0)
        return size


@dataclass
class _Mesh:
    """What a run has of a mesh."""

    config: str | None = None
    rows: dict[str, list[_Row]] = field(default_factory=lambda: {part: [] for part in PARTS})

    def steps(self) -> list[tuple[_Row, _Row | None, _Row | None]]:
        """Vertices with the faces and colours that go with them, in the order of writing."""
        vertices = self.rows["vertex"]
        others = (_paired(vertices, self.rows[part]) for part in PARTS[1:])
        return list(zip(vertices, *others, strict=True))


class Meshes:
    """An index for each mesh of a run; its rows."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def overview(self) -> Json | None:
        """The meshes by name, and the runs that have them."""
        found: dict[str, Json] = {}
        for row in self._shown.tags("meshes"):
            entry = found.setdefault(
                mesh_of(row.tag), {"display_name": "", "description": "", "runs": []}
            )
            number = self._shown.numbers[row.run]
            if number not in entry["runs"]:
                entry["runs"].append(number)
            for name in ("display_name", "description"):
                entry[name] = entry[name] or getattr(row, name)
        if not found:
            return None
        return {"meshes": [{"tag": tag, **found[tag]} for tag in sorted(found)]}

    def resources(self) -> Iterator[tuple[Params, Answer]]:
        """Every index, and of each mesh as many steps as there is room for, evenly chosen.

        Two passes: sizes have to be known before it can be said what there is room for.
        """
        if not self._shown.tags("meshes"):
            return
        read = self._read()
        named = sorted({(row.run, mesh_of(row.tag)) for row in self._shown.tags("meshes")})
        meshes = {each: read.get(each, _Mesh()) for each in named}
        wanted: set[tuple[str, str, int]] = set()
        total = sum(_bytes(mesh.steps()) for mesh in meshes.values())
        for (run, name), mesh in meshes.items():
            steps = mesh.steps()
            room = self._shown.most_bytes
            if room is not None and total > room:
                room = room * _bytes(steps) // total
            kept = _chosen(steps, room)
            if len(kept) < len(steps):
                self._shown.notes.append(
                    f"meshes: {len(kept):,} of {len(steps):,} steps of {name!r} in {run!r}; "
                    "--media MB holds more, and tbtools serve shows all"
                )
            wanted |= {(run, row.tag, row.at) for step in kept for row in step if row}
            yield {"run": run, "mesh": name}, Answer(_index(mesh))
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for batch in self._shown.logs["meshes"].to_batches(
            columns=["run", "tag", "part", "values"]
        ):
            columns = (batch.column(name).to_pylist() for name in ("run", "tag", "part"))
            for i, (run, tag, part) in enumerate(zip(*columns, strict=True)):
                at = counts[run, tag]
                counts[run, tag] += 1
                if (run, tag, at) in wanted:
                    params = {"run": run, "tag": tag, "at": str(at)}
                    yield params, Answer(_numbers(part, batch.column("values")[i].values))

    def answer(self, params: Params) -> Answer:
        """The index of a mesh (``run``, ``mesh``), or one row (``run``, ``tag``, ``at``)."""
        run = params.get("run", "")
        if "mesh" in params:
            name = params["mesh"]
            tags = [row.tag for row in self._shown.tags("meshes") if row.run == run]
            if name not in map(mesh_of, tags):
                raise UnknownNameError("mesh", name, sorted({*map(mesh_of, tags)}))
            return Answer(_index(self._read(run, name).get((run, name), _Mesh())))
        if not {"tag", "at"} <= params.keys() or not re.fullmatch(r"[0-9]{1,18}", params["at"]):
            raise UsageError("a mesh is asked for by run and mesh, or by run, tag and at")
        chosen = (pc.field("run") == run) & (pc.field("tag") == params["tag"])
        left = int(params["at"])
        table = self._shown.logs["meshes"]
        for batch in table.to_batches(columns=["part", "values"], filter=chosen):
            if left < batch.num_rows:
                part = batch.column("part")[left].as_py()
                return Answer(_numbers(part, batch.column("values")[left].values))
            left -= batch.num_rows
        raise UsageError(f"run {run!r} has no row {params['at']} of the tag {params['tag']!r}")

    def _read(
        self, run: str | None = None, name: str | None = None
    ) -> dict[tuple[str, str], _Mesh]:
        """What there is of each mesh; of one only, if it is named."""
        chosen = None
        if run is not None:
            tags = {row.tag for row in self._shown.tags("meshes") if mesh_of(row.tag) == name}
            chosen = (pc.field("run") == run) & pc.field("tag").isin(sorted(tags))
        found: dict[tuple[str, str], _Mesh] = defaultdict(_Mesh)
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for batch in self._shown.logs["meshes"].to_batches(columns=_HEAD, filter=chosen):
            for row in batch.to_pylist():
                tag = row["tag"]
                at = counts[row["run"], tag]
                counts[row["run"], tag] += 1
                mesh = found[row["run"], mesh_of(tag)]
                mesh.config = row["config"] or mesh.config
                shape = tuple(row["shape"] or ())
                kept = _Row(tag, at, row["step"], row["wall_time"], shape)
                mesh.rows[row["part"]].append(kept)
        return found


def mesh_of(tag: str) -> str:
    """The name of the mesh that a tag is a part of: "m" of "m_VERTEX", and of "m_1"."""
    return SUFFIX.sub("", tag) or tag


def _paired(vertices: Sequence[_Row], rows: Sequence[_Row]) -> list[_Row | None]:
    """For each row of vertices the one of the same step, or else the last of an earlier step.

    Where a restart wrote a step again, the n-th goes with the n-th.
    """
    by_step: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        by_step[row.step].append(row)
    steps = sorted(by_step)
    met: dict[int, int] = defaultdict(int)
    found: list[_Row | None] = []
    for vertex in vertices:
        turn = met[vertex.step]
        met[vertex.step] += 1
        same = by_step.get(vertex.step)
        earlier = bisect_left(steps, vertex.step)
        if same:
            found.append(same[min(turn, len(same) - 1)])
        else:
            found.append(by_step[steps[earlier - 1]][-1] if earlier else None)
    return found


_Step = tuple[_Row, _Row | None, _Row | None]


def _bytes(steps: Sequence[_Step]) -> int:
    """What steps take in a page; what several of them have in common counts once."""
    rows = {(row, part) for step in steps for row, part in zip(step, PARTS, strict=True) if row}
    return sum(row.bytes(part) for row, part in rows)


def _chosen(steps: Sequence[_Step], room: int | None) -> list[_Step]:
    """As many steps as fit into ``room`` bytes, evenly, the first and the last among them."""
    if room is None or _bytes(steps) <= room:
        return list(steps)
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _bytes(_evenly(steps, middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return _evenly(steps, low)


def _evenly(steps: Sequence[_Step], count: int) -> list[_Step]:
    if count < 2:
        return list(steps[len(steps) - count :])  # the last says most
    return [steps[place] for place in sorted(evenly(len(steps), count))]


def _index(mesh: _Mesh) -> bytes:
    steps = mesh.steps()
    columns = {
        "step": pa.array([step[0].step for step in steps], pa.int64()),
        "wall_time": pa.array([step[0].wall_time for step in steps], pa.float64()),
    }
    for number, part in enumerate(PARTS):
        rows = [step[number] for step in steps]
        columns[part] = pa.array([row.at if row else -1 for row in rows], pa.int32())
    tags = {part: rows[0].tag for part, rows in mesh.rows.items() if rows}
    shapes = [[list(row.shape) if row else None for row in step] for step in steps]
    return block({"tags": tags, "config": mesh.config, "shapes": shapes}, columns)


def _numbers(part: str, values: pa.Array) -> bytes:
    """The numbers of a row: in the type that is usual for its part, if that loses nothing."""
    column = numbers(values, pa.float64())
    if part != "vertex":
        with suppress(pa.ArrowInvalid):  # the page says what is wrong with them
            column = column.cast(TYPES[part])
    return block({"part": part}, {"values": column})


PART = Meshes
