"""Payloads of the golden logs by their kind, and what fuzzers may ask of a kind."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
from kind_events import check

from tbtools.decode.kind import Events, Kind
from tbtools.decode.routing import claims
from tbtools.kinds import all_kinds
from tbtools.proto.metadata import plugin_of
from tbtools.proto.tfevents_pb2 import Event
from tbtools.schema import KEYS, LABEL

DATA = Path(__file__).parent / "data"

#: Of one event: the field, its tag's metadata, and the payload.
Entry = tuple[str, bytes | None, bytes | None]

MOST_PAYLOAD = 1 << 13  # bytes, of those of the golden logs
#: Kinds of which an event may say nothing: a layout without charts, an experiment without anything
#: declared, a tensor without strings.
MAY_BE_NONE = ("audio", "custom_scalars", "hparams", "images", "text")

MOST_ROOM = 200  # bytes of columns for each byte of payloads; a NodeDef of two bytes is a row


def name_of(kind: Kind) -> str:
    """What a test of a kind is called."""
    return kind.tables[0].name


@cache
def pool() -> dict[str, list[Entry]]:
    """Events of each kind; of every kind there are some."""
    known = claims(all_kinds())
    found: dict[str, list[Entry]] = {name_of(kind): [] for kind in known.kinds}
    for path in sorted(DATA.rglob("*tfevents*")):
        if not path.is_file() or path.suffix in (".gz", ".zst"):
            continue
        of_tag: dict[str, bytes] = {}
        for event in _events(path.read_bytes()):
            for field, metadata, payload in _entries(event, of_tag):
                kind = known.kind_of(field, plugin_of(metadata))
                if kind is not None and len(payload or b"") <= MOST_PAYLOAD:
                    entries = found[name_of(kind)]
                    if (field, metadata, payload) not in entries and len(entries) < 60:
                        entries.append((field, metadata, payload))
    for kind in known.kinds:  # of which there are none, or none that is small
        if not found[name_of(kind)]:
            field = next(iter(kind.fields), "tensor")
            found[name_of(kind)].append((field, None, b""))
    return found


def _events(data: bytes) -> list[Event]:
    events, offset = [], 0
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, offset)
        try:
            events.append(Event.FromString(data[offset + 12 : offset + 12 + length]))
        except Exception:  # malformed on purpose
            break
        offset += length + 16
    return events


def _entries(event: Event, of_tag: dict[str, bytes]) -> list[Entry]:
    what = event.WhichOneof("what")
    if what != "summary":
        member = getattr(event, what) if what else b""
        if isinstance(member, str):
            return []
        data = member if isinstance(member, bytes) else member.SerializeToString()
        return [(what or "", None, data)]
    entries: list[Entry] = []
    for value in event.summary.value:
        field = value.WhichOneof("value") or "metadata"
        if value.HasField("metadata"):
            of_tag.setdefault(value.tag, value.metadata.SerializeToString())
        if field == "metadata":
            payload = None
        elif field == "simple_value":
            payload = value.SerializeToString()
        else:
            member = getattr(value, field)
            payload = member if isinstance(member, bytes) else member.SerializeToString()
        entries.append((field, of_tag.get(value.tag), payload))
    return entries


def events_of_entries(entries: Sequence[Entry]) -> Events:
    """Events as a kind gets them."""
    count = len(entries)
    keys = {
        "run": pa.array(["run"] * count, LABEL),
        "tag": pa.array([f"tag{number % 3}" for number in range(count)], LABEL),
        "step": pa.array(range(count), pa.int64()),
        "wall_time": pa.array(map(float, range(count)), pa.float64()),
    }
    return Events(
        pa.record_batch(keys, schema=pa.schema(KEYS)),
        pa.array([field for field, _, _ in entries], pa.string()),
        pa.array([metadata for _, metadata, _ in entries], pa.binary()),
        pa.array([payload for _, _, payload in entries], pa.binary()),
        pa.array([0.5 if each == "simple_value" else None for each, _, _ in entries], pa.float64()),
    )


def check_decoding(kind: Kind, entries: Sequence[Entry]) -> None:
    """Decode events, whatever they are, and see that a kind keeps what it promises."""
    events = events_of_entries(entries)
    decoded = kind.decode(events)
    check(kind, events, decoded)
    assert all(reason and isinstance(reason, str) for _, reason in decoded.refused)
    seen = {index for index, _ in decoded.refused}
    assert seen <= {*range(len(entries))}
    room = 0
    for origin, columns in decoded.tables.values():
        seen |= {*origin.to_pylist()}
        room += sum(column.nbytes for column in columns.values())
    missing = {*range(len(entries))} - seen
    assert not missing or name_of(kind) in MAY_BE_NONE, (
        f"neither rows nor refused: {[entries[each] for each in missing]}"
    )
    size = sum(len(metadata or b"") + len(payload or b"") for _, metadata, payload in entries)
    assert room <= MOST_ROOM * (size + 64), (room, size)
