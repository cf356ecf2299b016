"""What TensorBoard's Python loader drops of a run, in as few and plain lines as it takes.

This is the purging of ``plugin_event_accumulator.EventAccumulator``, written down once more without
windows, columns or offsets. ``python tests/compare_with_tensorboard.py`` holds it against
TensorBoard itself, test_restarts.py against tbtools. Runs to try it on are made here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from event_writing import (
    EVENT_FIELDS,
    EventFile,
    bytes_field,
    double_field,
    float_field,
    summary,
    summary_metadata,
    tensor,
    value_message,
    varint_field,
)

import tbtools

START = 1  # SessionLog.SessionStatus

#: Members of Summary.Value as a run has them; what TensorBoard keeps of none comes last.
MEMBERS = {
    "simple_value": float_field(2, 0.5),
    "scalar": bytes_field(8, tensor("float32", [0.5], ()))
    + bytes_field(9, summary_metadata("scalars")),
    "bare": bytes_field(8, tensor("float32", [0.5, 1.0], (2,))),
    "text": bytes_field(8, tensor("string", [b"x"], ())) + bytes_field(9, summary_metadata("text")),
    "histo": bytes_field(
        5,
        b"".join(double_field(number, 1.0) for number in range(1, 6))
        + bytes_field(6, bytes(8))
        + bytes_field(7, bytes(8)),
    ),
    "image": bytes_field(4, bytes_field(4, b"x")),
    "audio": bytes_field(6, bytes_field(4, b"x")),
    "obsolete": bytes_field(3, b"x"),
    "metadata": bytes_field(9, summary_metadata("mine")),
    "nothing": b"",
}
NOT_KEPT = ("obsolete", "metadata", "nothing")

VERSIONS = [
    *["brain.Event:1", "brain.Event:2"] * 5,
    "brain.Event:3.5", "brain.Event:1.99", "brain.Event:0", "brain.Event:-2", "brain.Event:inf",
    "brain.Event:nan", "brain.Event: 2 ", "brain.Event:1_0", "brain.Event:two", "brain.Event:",
    "", "2", "1", "brain.Event:1brain.Event:2", "brain.Event:2,brain.Event:1", "brain.event:2",
    "brain.Event:\N{ARABIC-INDIC DIGIT TWO}",
]  # fmt: skip
TAGS = ["a", "a", "b", "c", "", "__run_graph__"]


@dataclass(frozen=True)
class Event:
    """An Event; ``what`` is the member that is set, if any."""

    what: str
    step: int
    wall_time: float  # tells events apart
    text: str = ""  # the file_version, or the tag of tagged_run_metadata
    status: int = 0  # of the SessionLog
    values: tuple[tuple[str, str], ...] = ()  # tag and member of each value of a Summary


class Value(NamedTuple):
    """A value of a Summary."""

    tag: str
    step: int
    wall_time: float
    member: str


Run = list[list[Event]]  # by file


def values_of(run: Run) -> list[Value]:
    """All values of a run."""
    return [
        Value(tag, event.step, event.wall_time, member)
        for file in run
        for event in file
        for tag, member in event.values
    ]


def kept(run: Run) -> list[Value]:
    """Those that TensorBoard has not dropped when it has read the run."""
    found: list[Value] = []
    version = -1.0
    started = False
    latest = -1  # the step of the latest event with a Summary
    for event in (event for file in run for event in file):
        if event.what == "file_version":
            try:
                version = float(event.text.split("brain.Event:")[-1])
            except ValueError:
                version = -1.0
        is_summary = event.what in ("summary", "graph_def", "tagged_run_metadata")
        tags = {tag for tag, _ in event.values}
        # TensorBoard reads these two as Summaries.
        if event.what == "graph_def":
            tags = {"__run_graph__"}
        elif event.what == "tagged_run_metadata":
            tags = {event.text}
        if version >= 2:
            if event.what == "session_log" and event.status == START:
                if started:
                    found = [each for each in found if each.step < event.step]
                started = True
        elif is_summary and event.step < latest:
            found = [each for each in found if each.tag not in tags or each.step < event.step]
        if is_summary:
            latest = event.step
        found += values_of([[event]])
    return found


# --- runs ----------------------------------------------------------------------------------------


def random_run(random: Random, members: Sequence[str] = tuple(MEMBERS)) -> Run:
    """A run of a few short files, with every oddity that matters and some that do not."""
    run: Run = []
    step, wall_time = random.randint(-3, 6), 1.0
    falling = random.choice([0.1, 0.3, 0.6])
    for _ in range(random.randint(1, 3)):
        file: list[Event] = []
        opening = random.choice(["", "brain.Event:1", "brain.Event:2", "brain.Event:2", "any"])
        if opening:
            text = random.choice(VERSIONS) if opening == "any" else opening
            file.append(Event("file_version", random.choice([0, 0, step]), wall_time, text))
            wall_time += 1
        for _ in range(random.randint(0, 16)):
            kind = random.random()
            if random.random() < falling:
                step -= random.randint(1, 6)
            else:
                step += random.randint(0, 3)
            file.append(_random_event(random, kind, step, wall_time, members))
            wall_time += 1
        run.append(file)
    return run


def _random_event(
    random: Random, kind: float, step: int, wall_time: float, members: Sequence[str]
) -> Event:
    if kind < 0.04:
        return Event("file_version", step, wall_time, text=random.choice(VERSIONS))
    if kind < 0.16:
        status = random.choice([START, START, START, 0, 2, 3])
        return Event("session_log", step, wall_time, status=status)
    if kind < 0.22:
        return Event("tagged_run_metadata", step, wall_time, text=random.choice(TAGS))
    if kind < 0.32:
        others = ["graph_def", "graph_def", "meta_graph_def", "log_message", "none"]
        return Event(random.choice(others), step, wall_time)
    if kind < 0.4:
        return Event("summary", step, wall_time)
    count = random.choice([1, 1, 1, 2, 3])
    if random.random() < 0.7:
        members = members[:1]
    values = [(random.choice(TAGS), random.choice(members)) for _ in range(count)]
    return Event("summary", step, wall_time, values=tuple(values))


def write(run: Run, folder: Path) -> None:
    """The event files of a run."""
    folder.mkdir(parents=True)
    for number, events in enumerate(run):
        file = EventFile()
        for event in events:
            file.event(_what(event), event.step, event.wall_time)
        (folder / f"events.out.tfevents.{number}").write_bytes(file.bytes)


def _what(event: Event) -> bytes:
    payload = {
        "file_version": event.text.encode(),
        "session_log": varint_field(1, event.status),
        "tagged_run_metadata": bytes_field(1, event.text) + bytes_field(2, b""),
    }.get(event.what, b"")
    if event.what == "none":
        return b""
    if event.what == "summary":
        return summary(*(value_message(tag, MEMBERS[member]) for tag, member in event.values))
    return bytes_field(EVENT_FIELDS[event.what], payload)


#: Tables of which each row is a value as ``write`` makes them.
TABLES = ("scalars", "tensors", "text", "histograms", "images", "audio", "events")


def kept_by_tbtools(
    logdir: Path, tables: Sequence[str] = TABLES
) -> dict[str, list[tuple[str, int, float]]]:
    """By run: tag, step and wall_time of each value that ``restarts="tensorboard"`` keeps."""
    logs = tbtools.open(logdir, restarts="tensorboard")
    found: dict[str, list[tuple[str, int, float]]] = {}
    for name in tables:
        rows = logs[name].to_table().select(["run", "tag", "step", "wall_time"]).to_pylist()
        for row in rows:
            if row["tag"] is not None:
                value = (row["tag"], row["step"], row["wall_time"])
                found.setdefault(row["run"], []).append(value)
    return {run: sorted(values) for run, values in found.items()}
