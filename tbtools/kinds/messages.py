"""Messages: what Event.session_log and Event.log_message hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.encoding import Encoded, Encoder, enum_number, members
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.rows import Rows
from tbtools.errors import UsageError
from tbtools.proto.tfevents_pb2 import LogMessage, SessionLog
from tbtools.schema import LABEL

MESSAGES = table(
    "messages",
    "A row per session log or log message. A session log says that a writer was started, stopped "
    "or saved a checkpoint; START is where TensorBoard sees a restart.",
    column("type", LABEL, "`session_log` or `log_message`.", nullable=False),
    column("status", LABEL, "Of a session log: `start`, `stop` or `checkpoint`; null if not said."),
    column(
        "level",
        LABEL,
        "Of a log message: `debugging`, `info`, `warn`, `error` or `fatal`; null if not said.",
    ),
    column("message", pa.string(), "The text; null if there is none."),
    column("checkpoint_path", pa.string(), "Where the checkpoint is, as the writer named it."),
    keys=("run", "step", "wall_time"),
)

STATUSES = {0: None, 1: "start", 2: "stop", 3: "checkpoint"}
LEVELS = {0: None, 10: "debugging", 20: "info", 30: "warn", 40: "error", 50: "fatal"}


def decode(events: Events) -> Decoded:
    """A row for each event that holds what its field says."""
    rows = Rows(MESSAGES)
    refused = []
    pairs = zip(events.field.to_pylist(), events.payload.to_pylist(), strict=True)
    for index, (field, payload) in enumerate(pairs):
        try:
            rows.add(index, type=field, **_columns(field, payload or b""))
        except DecodeError:
            refused.append((index, f"not a {field.replace('_', ' ')}"))
    return Decoded(rows.made(), refused)


def _columns(field: str, payload: bytes) -> Mapping[str, Any]:
    if field == "log_message":
        log = LogMessage.FromString(payload)
        return {"level": _named(LEVELS, log.level), "message": log.message or None}
    session = SessionLog.FromString(payload)
    return {
        "status": _named(STATUSES, session.status),
        "message": session.msg or None,
        "checkpoint_path": session.checkpoint_path or None,
    }


def _named(names: Mapping[int, str | None], number: int) -> str | None:
    # Enums are open: a number without a name is shown as it is.
    return names.get(number, str(number))


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """An event for each row."""
    rows = tables[MESSAGES.name]
    payloads = [_payload(row) for row in rows.to_pylist()]
    return Encoded(
        pa.nulls(rows.num_rows, LABEL),
        rows["step"],
        rows["wall_time"],
        member=members(rows["type"].to_pylist()),
        payload=pa.array(payloads, pa.binary()),
    )


def _payload(row: Mapping[str, Any]) -> bytes:
    message = row["message"] or ""
    if row["type"] == "log_message":
        level: Any = enum_number(LEVELS, row["level"], "messages: level")
        return LogMessage(level=level, message=message).SerializeToString()
    if row["type"] != "session_log":
        raise UsageError(f"messages: type {row['type']!r} is neither session_log nor log_message")
    status: Any = enum_number(STATUSES, row["status"], "messages: status")
    path = row["checkpoint_path"] or ""
    return SessionLog(status=status, msg=message, checkpoint_path=path).SerializeToString()


KIND = Kind(
    tables=(MESSAGES,),
    decode=decode,
    fields=frozenset({"session_log", "log_message"}),
    encode=Encoder({MESSAGES.name: ("type",)}, encode),
)
