"""What is known of a file that grows, as bytes that another process reads."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from tbtools.files.growth import ReaderState, Seen
from tbtools.files.health import Damage, FileHealth
from tbtools.files.storage import Stamp
from tbtools.runs.growing import FileState
from tbtools.runs.surveyed import KEPT, NOT_KEPT, Counted

__all__ = ["VERSION", "packed", "unpacked"]

# Of what is packed, and of the columns of tables: one more whenever what is read back would be
# misread, or parts of a table could not be put together.
VERSION = 2


def packed(state: FileState) -> bytes:
    """A state as bytes."""
    reader, seen = state.reader, state.seen
    content = {
        "stamp": state.stamp,
        "seen": [seen.end, seen.sum, seen.furthest, _text(seen.first), _text(seen.last)],
        "reader": {
            "offset": reader.offset,
            "resume": reader.resume,
            "codec": reader.codec,
            "lost": reader.lost,
            "open": _damages(reader.open),
            "metadata": _texts(reader.metadata),
            "health": _told(reader.health),
        },
        "found": _counted(state.found),
        "answers": _texts(state.answers),
        "has_tail": state.has_tail,
    }
    # What is as it was before the end of the file was read need not be told twice.
    if state.whole != state.found:
        content["whole"] = _counted(state.whole)
    if state.metadata != reader.metadata:
        content["metadata"] = _texts(state.metadata)
    if state.health != reader.health:
        content["health"] = _told(state.health)
    return json.dumps(content, separators=(",", ":")).encode()


def unpacked(data: bytes, run: str, path: str) -> FileState:
    """The state that was packed, of a file of this run, which is there now.

    Raises ValueError, or what Python raises, if it is none.
    """
    content: dict[str, Any] = json.loads(data)
    read = content["reader"]
    health = _health(run, path, read["health"])
    open_ = [Damage(*each) for each in read["open"]]
    # What is judged again has to be the very object that is kept.
    kept = health.damages[-len(open_) :] if open_ else []
    open_ = kept if kept == open_ else open_
    reader = ReaderState(
        read["offset"],
        read["resume"],
        read["codec"],
        None if read["lost"] is None else (read["lost"][0], read["lost"][1]),
        open_,
        {tag: data for tag, data in _bytes(read["metadata"]).items() if data is not None},
        health,
    )
    end, total, furthest, first, last = content["seen"]
    found = _found(content["found"])
    whole = content.get("whole")
    metadata = content.get("metadata")
    at_end = content.get("health")
    identity, size, time = content["stamp"]
    return FileState(
        Stamp(tuple(identity) if isinstance(identity, list) else identity, size, time),
        Seen(end, total, furthest, b64decode(first), b64decode(last)),
        reader,
        found,
        _bytes(content["answers"]),
        found if whole is None else _found(whole),
        reader.metadata
        if metadata is None
        else {tag: data for tag, data in _bytes(metadata).items() if data is not None},
        health.copy() if at_end is None else _health(run, path, at_end),
        content["has_tail"],
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def _texts(found: Mapping[str, bytes | None]) -> dict[str, str | None]:
    return {name: _text(data) for name, data in found.items()}


def _bytes(found: Mapping[str, str | None]) -> dict[str, bytes | None]:
    return {name: None if data is None else b64decode(data) for name, data in found.items()}


#: What is told of a file's health beside its damages.
_HEALTH = (
    "bytes", "events", "file_version", "writer", "damaged_records", "skipped_bytes",
    "pending_bytes", "unread_bytes", "undecoded", "unreadable",
)  # fmt: skip


def _told(health: FileHealth) -> list[Any]:
    return [[getattr(health, name) for name in _HEALTH], _damages(health.damages)]


def _damages(damages: list[Damage]) -> list[tuple[int, int, str]]:
    return [(each.offset, each.size, each.kind) for each in damages]


def _health(run: str, path: str, content: list[Any]) -> FileHealth:
    told, damages = content
    kept = [Damage(*each) for each in damages]
    return FileHealth(run, path, **dict(zip(_HEALTH, told, strict=True)), damages=kept)


def _counted(counted: Counted) -> list[Any]:
    marks = [
        (what, offset, _text(rest[0])) if what == "version" else (what, offset, *rest)
        for what, offset, *rest in counted.marks
    ]
    counts = [each[:KEPT] for each in counted.counts]
    return [counts, counted.starts, marks, counted.last_step]


def _found(content: list[Any]) -> Counted:
    counts, starts, marks, last_step = content
    return Counted(
        [(*each[:-1], _sequences(each[-1]), *NOT_KEPT) for each in counts],
        starts,
        [
            (what, offset, b64decode(rest[0])) if what == "version" else (what, offset, *rest)
            for what, offset, *rest in marks
        ],
        last_step,
    )


def _sequences(steps: list[list[int]] | None) -> list[tuple[int, ...]] | None:
    return None if steps is None else [tuple(each) for each in steps]
