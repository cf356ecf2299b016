"""Session logs and log messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of

from tbtools.kinds.messages import KIND
from tbtools.proto.tfevents_pb2 import LogMessage, SessionLog


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_a_session_log_says_its_status() -> None:
    events = events_of(
        SessionLog(status=SessionLog.START),
        SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path="/m/model.ckpt"),
        SessionLog(status=SessionLog.STOP, msg="done"),
        field="session_log",
    )
    assert rows_of(KIND, events) == [
        {"event_index": 0, "type": "session_log", "status": "start"},
        {
            "event_index": 1,
            "type": "session_log",
            "status": "checkpoint",
            "checkpoint_path": "/m/model.ckpt",
        },
        {"event_index": 2, "type": "session_log", "status": "stop", "message": "done"},
    ]


def test_a_log_message_says_its_level() -> None:
    levels = [LogMessage(level=level, message="m") for level in (0, 10, 20, 30, 40, 50)]
    rows = rows_of(KIND, events_of(*levels, field="log_message"))
    assert [row.get("level") for row in rows] == [
        None,
        "debugging",
        "info",
        "warn",
        "error",
        "fatal",
    ]
    assert {row["type"] for row in rows} == {"log_message"}


def test_numbers_without_a_name_are_shown() -> None:
    assert rows_of(KIND, events_of(b"\x08\x63", field="session_log"))[0]["status"] == "99"
    assert rows_of(KIND, events_of(b"\x08\x63", field="log_message"))[0]["level"] == "99"


def test_an_empty_message_is_a_row() -> None:
    assert rows_of(KIND, events_of(b"", None, field="log_message")) == [
        {"event_index": 0, "type": "log_message"},
        {"event_index": 1, "type": "log_message"},
    ]


def test_what_cannot_be_read_is_refused_and_the_rest_is_read() -> None:
    events = events_of(b"\xff", SessionLog(status=1), field="session_log")
    decoded = KIND.decode(events)
    assert decoded.refused == [(0, "not a session log")]
    assert [row["event_index"] for row in rows_in(KIND, events, decoded, "messages")] == [1]


def test_invalid_utf8_is_refused() -> None:
    assert len(refused_by(KIND, b"\x12\x01\xff")) == 1


@given(st.sampled_from(["session_log", "log_message"]), st.lists(st.binary(max_size=32)))
def test_any_bytes_are_rows_or_refused(field: str, payloads: list[bytes]) -> None:
    events = events_of(*payloads, field=field)
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "messages")
    assert len(rows) + len(decoded.refused) == len(payloads)
