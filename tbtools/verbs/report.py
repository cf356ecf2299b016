"""``report``: logs as a page in one file, which needs no network and no server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from tbtools.errors import UsageError
from tbtools.output.targets import staged
from tbtools.page.document import Resource, document
from tbtools.page.json import Json
from tbtools.page.manifest import manifest
from tbtools.page.part import Part
from tbtools.page.parts import all_parts
from tbtools.page.projection import check_projection
from tbtools.page.shown import Shown
from tbtools.page.spacing import FEWEST_POINTS
from tbtools.tables.logs import LogsOrPaths, OpenOptions, opened

__all__ = ["Reported", "report"]


@dataclass(frozen=True)
class Reported:
    """A report that was written: its pages, its size in bytes, and what it had to leave out."""

    path: Path
    pages: tuple[str, ...]
    bytes: int
    notes: tuple[str, ...]


def report(
    logs: LogsOrPaths,
    output: str | os.PathLike[str],
    *,
    title: str | None = None,
    points: int = 2000,
    media: int | None = 20 << 20,
    projection: str = "pca",
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Reported:
    """Write a page with all that TensorBoard would show to one HTML file.

    Lines of scalars have at most ``points`` points: of each stretch the first, last, smallest and
    largest, so that no spike is lost. ``media`` is the most bytes of each of images, sounds, meshes
    and vectors, evenly chosen over steps; None: all of them. What is left out, the page says.
    ``projection`` of embeddings is "pca", or "tsne", which is shown beside it and takes minutes for
    thousands of vectors; the extra ``projector`` is for it.

    ``logs`` is what ``open`` gives or takes; ``options`` are those of ``open``. Raises
    NothingFoundError, UsageError for arguments that make no sense, TargetExistsError for an output
    that is there, without ``force``, and WriteError for a full disk.
    """
    if points < FEWEST_POINTS:
        raise UsageError(f"{points} points are too few to draw a line: {FEWEST_POINTS} at least")
    if media is not None and media < 0:
        raise UsageError(f"{media} bytes of media are less than none")
    check_projection(projection)
    tables = opened(logs, options)
    shown = Shown(tables, points, media, projection=projection)
    parts = {name: make(shown) for name, make in all_parts().items()}
    named = title or ", ".join(tables.paths)
    pages: dict[str, Json] = {}

    def told() -> Json:
        for name, part in parts.items():
            overview = part.overview()
            if overview is not None:
                pages[name] = overview
        made = manifest(named, tables.paths, runs=shown.runs, pages=pages, notes=shown.notes)
        return made | {"revision": 0}

    target = Path(output)
    with staged(target, tables.inputs, force) as beside:
        with beside.open("w", encoding="utf-8") as file:
            for piece in document(f"{named} · tbtools", told, _resources(parts)):
                file.write(piece)
        size = beside.stat().st_size
    return Reported(target, tuple(pages), size, tuple(shown.notes))


def _resources(parts: dict[str, Part]) -> Iterator[Resource]:
    for name, part in parts.items():
        for params, answer in part.resources():
            yield name, params, answer
