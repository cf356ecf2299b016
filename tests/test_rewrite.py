"""Records written again: what changes, that nothing else does, and where they go."""

from __future__ import annotations

import gzip
import math
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import oracle
import pyarrow.compute as pc
import pytest
from conftest import DATA, Cli
from event_writing import EventFile, summary, summary_metadata, value_message, varint
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from strategies import damaged_files, files

import tbtools
from tbtools import _core
from tbtools.errors import (
    NothingFoundError,
    TargetExistsError,
    UnknownTableError,
    UsageError,
)
from tbtools.kinds.graphs.defs import GraphDef
from tbtools.proto.graph_pb2 import AttrValue
from tbtools.proto.tfevents_pb2 import Event, TensorProto

NAME = "events.out.tfevents.1"
LOGS = ["iris", "malformed", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed", "handmade"]
DATED = {"session_log", "log_message", "tagged_run_metadata"}


def event_files(logdir: Path) -> dict[str, bytes]:
    """The event files under a folder: what is in each."""
    return {
        str(path.relative_to(logdir)): path.read_bytes()
        for path in sorted(logdir.rglob("*tfevents*"))
        if path.is_file()
    }


def points(logdir: Path, **options: Any) -> list[tuple[str, int, float]]:
    """Tag, step and value of the scalars."""
    rows = tbtools.open(logdir, **options).scalars.to_table()
    return [*zip(*(rows[name].to_pylist() for name in ("tag", "step", "value")), strict=True)]


# --- against an oracle ---------------------------------------------------------------------------


@dataclass
class Plan:
    """What the oracle changes, event by event."""

    names: dict[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    steps: tuple[int | None, int | None] = (None, None)
    times: tuple[float | None, float | None] = (None, None)
    scale: Fraction = Fraction(1)
    shift: int = 0

    def holds(self, event: oracle.Event) -> bool:
        first, end = self.steps
        begin, until = self.times
        return (
            (first is None or event.step >= first)
            and (end is None or event.step < end)
            and (begin is None or event.wall_time >= begin)
            and (until is None or event.wall_time < until)
        )

    def apply(self, events: Iterable[oracle.Event]) -> list[oracle.Event | None]:
        """Each event as it becomes, None if it goes."""
        seen: dict[str, bytes] = {}
        told: set[str] = set()
        made: list[oracle.Event | None] = []
        for event in events:
            is_summary = all(value.tag is not None for value in event.values)
            dated = is_summary or event.values[0].field in DATED
            values = []
            for value in event.values:
                tag = value.tag
                if tag is None:
                    if not dated or self.holds(event):
                        values.append(value)
                    continue
                stays = tag not in self.drop and self.holds(event)
                if value.metadata is not None:
                    seen.setdefault(tag, value.metadata)
                    if stays:
                        told.add(tag)
                if not stays:
                    continue
                metadata = value.metadata
                if metadata is None and tag in seen and tag not in told:
                    metadata = seen[tag]
                    told.add(tag)
                field = value.field
                if field == "none" and metadata is not None:
                    field = "metadata"
                values.append(
                    replace(value, tag=self.names.get(tag, tag), metadata=metadata, field=field)
                )
            if not values and (event.values or not self.holds(event)):
                made.append(None)
                continue
            step = math.floor(event.step * self.scale) + self.shift if dated else event.step
            made.append(replace(event, step=step, values=tuple(values)))
        return made


def same(event: oracle.Event, other: oracle.Event) -> bool:
    """Whether events are equal but for where they stand; NaN is NaN."""
    return repr(replace(event, offset=0)) == repr(replace(other, offset=0))


plans = st.builds(
    Plan,
    names=st.dictionaries(
        st.sampled_from(["a", "b", "loss/train", ""]), st.sampled_from(["c", "d", "x", "é"])
    ).filter(lambda names: len({*names.values()}) == len(names)),
    drop=st.sampled_from([(), (), ("a",), ("b", "loss/train")]),
    steps=st.sampled_from([(None, None), (None, None), (2, None), (None, 100), (0, 500)]),
    times=st.sampled_from([(None, None), (None, None), (1e9, None), (None, 1e9)]),
    scale=st.sampled_from([Fraction(1), Fraction(1), Fraction(10), Fraction(1, 7), Fraction(3, 2)]),
    shift=st.sampled_from([0, 0, 5, -3, 2**62]),
)


@given(file=st.one_of(files(), damaged_files()), plan=plans)
def test_what_changes_is_what_an_oracle_changes(
    file: EventFile, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rewrite")
    (folder / "in").mkdir()
    (folder / "in" / NAME).write_bytes(file.bytes)
    before = oracle.read(file.bytes).events
    expected = plan.apply(before)
    options: dict[str, Any] = {
        "rename": {f"(?:{name})": to for name, to in plan.names.items()},
        "drop": plan.drop,
        "times": plan.times,
        "scale_steps": plan.scale,
        "shift_steps": plan.shift,
    }

    def rewrite() -> tbtools.verbs.rewrite.Rewritten:
        logs = tbtools.open(folder / "in", steps=plan.steps)
        return tbtools.rewrite(logs, folder / "out", **options)

    left = [event for event in expected if event is not None]
    # That of an event that goes, too: it is an error before it is known that nothing is left.
    fits = all(
        -(2**63) <= math.floor(event.step * plan.scale) + plan.shift < 2**63
        for event in before
        if all(value.tag is not None for value in event.values) or event.values[0].field in DATED
    )
    if not fits:
        with pytest.raises(UsageError, match="no number of 64 bits"):
            rewrite()
        return
    is_bare = all(
        len(event.values) == 1
        and event.values[0].field == "file_version"
        and is_decoded(record_at(file.bytes, event.offset))
        for event in left
    )
    if is_bare and len(left) < len(before):
        with pytest.raises(NothingFoundError):
            rewrite()
        return
    done = rewrite()
    written = (folder / "out" / NAME).read_bytes()
    reading = oracle.read(written)
    assert not reading.damages
    assert not reading.pending
    assert len(reading.events) == len(left) == done.total.events
    for event, wanted in zip(reading.events, left, strict=True):
        assert same(event, wanted)
    # What is not changed has the same bytes.
    made = iter(reading.events)
    for event, wanted in zip(before, expected, strict=True):
        if wanted is not None:
            now = next(made)
            if same(event, wanted):
                assert record_at(file.bytes, event.offset) == record_at(written, now.offset)
    shutil.rmtree(folder)


def is_decoded(record: bytes) -> bool:
    """Whether protobuf, too, reads an event: it refuses what is no UTF-8."""
    try:
        Event.FromString(record[12:-4])
    except DecodeError:
        return False
    return True


def record_at(data: bytes, offset: int) -> bytes:
    """The record that begins there."""
    size = 12 + int.from_bytes(data[offset : offset + 8], "little") + 4
    return data[offset : offset + size]


@given(file=damaged_files())
def test_with_nothing_to_do_every_intact_record_stays_as_it_is(
    file: EventFile, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rewrite")
    (folder / "in").mkdir()
    (folder / "in" / NAME).write_bytes(file.bytes)
    tbtools.rewrite(folder / "in", folder / "out")
    intact = [record_at(file.bytes, event.offset) for event in oracle.read(file.bytes).events]
    assert (folder / "out" / NAME).read_bytes() == b"".join(intact)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", LOGS)
def test_golden_logs_come_out_as_they_are(name: str, tmp_path: Path) -> None:
    tbtools.rewrite(DATA / name, tmp_path / "out")
    assert event_files(tmp_path / "out") == event_files(DATA / name)


def test_undamaged_files_of_the_corpus_come_out_as_they_are(corpus: Path, tmp_path: Path) -> None:
    logs = tbtools.open(corpus / "logs")
    done = tbtools.rewrite(logs, tmp_path / "out")
    before, after = event_files(corpus / "logs"), event_files(tmp_path / "out")
    damaged = {
        os.path.relpath(health.path, corpus / "logs") for health in logs.health if health.is_lossy
    }
    assert len(before) == done.total.files_after == 122
    assert {name for name in before if before[name] != after[name]} == damaged
    assert len(damaged) == 1


# --- tags ----------------------------------------------------------------------------------------


def small(folder: Path) -> Path:
    """A log of two tags, a graph and hyperparameters."""
    file = EventFile(folder / "run" / NAME).version().what("graph_def", b"")
    file.value("_hparams_/session_start_info", 0, plugin="hparams")
    for step in range(10):
        file.scalars(step, {"loss/train": step / 2, "loss/val": step / 4})
    return folder


def test_tags_are_renamed_by_the_first_expression_that_matches_them_whole(tmp_path: Path) -> None:
    small(tmp_path / "in")
    renames = [r"loss/tr.*=first", r"loss/(.*)=\1/loss", "oss=never", ".*=hparams?"]
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", rename=renames)
    tags = tbtools.open(tmp_path / "out")["tags"].to_table()["tag"].to_pylist()
    assert tags == ["_hparams_/session_start_info", "first", "val/loss"]
    assert done.renamed == {"run": {"loss/train": "first", "loss/val": "val/loss"}}
    assert done.total.changed == 10
    wanted = [("first" if tag == "loss/train" else "val/loss", *rest) for tag, *rest in points(tmp_path / "in")]  # fmt: skip  # noqa: E501
    assert points(tmp_path / "out") == wanted


def test_a_name_may_hold_an_equals_sign_and_a_lookahead_too(tmp_path: Path) -> None:
    EventFile(tmp_path / "in" / NAME).scalar("lr=0.1", 0, 1.0)
    tbtools.rewrite(tmp_path / "in", tmp_path / "a", rename=["(?=lr).*=rate"])
    assert points(tmp_path / "a") == [("rate", 0, 1.0)]
    tbtools.rewrite(tmp_path / "in", tmp_path / "b", rename=[("lr=(.*)", r"rate=\1")])
    assert points(tmp_path / "b") == [("rate=0.1", 0, 1.0)]


@pytest.mark.parametrize(
    ("rename", "says"),
    [
        (["loss"], "'loss' is no renaming: give PATTERN=NAME"),
        (["(=x"], "'(' is no regular expression"),
        ([r"a=\1"], r"'\\1' does not fit 'a'"),
        (["a="], "'a' is renamed to nothing (--drop leaves tags out)"),
        ([r"loss/.*=loss"], "'loss/train' and 'loss/val' would both be called 'loss'"),
        ([r"loss/train=loss/val"], "'loss/train' and 'loss/val' would both be called 'loss/val'"),
    ],
)
def test_a_renaming_that_makes_no_sense_is_said(
    rename: list[str], says: str, tmp_path: Path
) -> None:
    small(tmp_path / "in")
    with pytest.raises(UsageError) as error:
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", rename=rename)
    assert says in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_tag_that_is_dropped_leaves_its_name_free(tmp_path: Path) -> None:
    small(tmp_path / "in")
    tbtools.rewrite(
        tmp_path / "in", tmp_path / "out", rename=["loss/train=loss/val"], drop="loss/val"
    )
    assert [value for _, _, value in points(tmp_path / "out")] == [step / 2 for step in range(10)]


def test_keep_and_drop_are_globs_of_tags(tmp_path: Path) -> None:
    small(tmp_path / "in")
    tbtools.rewrite(tmp_path / "in", tmp_path / "a", keep="loss/*", drop="*val")
    tbtools.rewrite(tbtools.open(tmp_path / "in", tag="loss/t*"), tmp_path / "b")
    assert {tag for tag, _, _ in points(tmp_path / "a")} == {"loss/train"}
    assert event_files(tmp_path / "a") == event_files(tmp_path / "b")
    assert tbtools.open(tmp_path / "a").graphs.count_rows() == 1


def test_metadata_goes_to_the_first_value_that_stays(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version()
    file.tensor_scalar("t", 0, 0.5)
    for step in range(1, 5):
        file.tensor_scalar("t", step, step / 2, plugin="")
    tbtools.rewrite(tbtools.open(tmp_path / "in", steps="2:"), tmp_path / "out")
    assert points(tmp_path / "out") == [("t", 2, 1.0), ("t", 3, 1.5), ("t", 4, 2.0)]
    events = oracle.read((tmp_path / "out" / NAME).read_bytes()).events
    metadata = [value.metadata for event in events for value in event.values if value.tag]
    assert metadata == [summary_metadata("scalars"), None, None]


def test_tables_choose_values_by_what_they_are(tmp_path: Path) -> None:
    for name in ("torch", "tensorboardx", "tf2"):
        before = tbtools.open(DATA / name)
        for table in ("scalars", "images", "histograms", "graphs", "hparams", "messages", "text"):
            rows = before[table].to_table()
            out = tmp_path / name / table
            if not rows.num_rows:
                with pytest.raises(NothingFoundError):
                    tbtools.rewrite(before, out, tables=[table])
                continue
            tbtools.rewrite(before, out, tables=[table])
            after = tbtools.open(out)
            assert repr(after[table].to_table().to_pylist()) == repr(rows.to_pylist())
            spared = {"tags", "runs", "files", "embeddings", "events", table}
            kinds = {"graphs": {"graph_nodes", "graph_edges", "node_stats"}}
            kinds["hparams"] = {"hparam_sessions", "hparam_metrics"}
            spared |= kinds.get(table, set())
            assert not [other for other in after.tables if other not in spared and after[other].count_rows()]  # fmt: skip  # noqa: E501


def test_values_of_one_tag_may_be_of_different_tables(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).scalar("t", 0, 1.0)
    file.value("t", 1, "tensor", b"\x08\x07", plugin="text")
    file.event(summary(value_message("t", b"\x15\x00\x00\x00\x40")), 2)
    tbtools.rewrite(tmp_path / "in", tmp_path / "out", tables=["scalars"])
    assert points(tmp_path / "out") == [("t", 0, 1.0), ("t", 2, 2.0)]


def test_a_table_that_is_not_in_event_files_is_refused(tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(UnknownTableError, match="nearest: scalars"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", tables=["scalar"])
    with pytest.raises(UsageError, match="the table 'runs' is not in event files"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", tables=["runs"])


def test_a_summary_in_pieces_that_are_no_messages_stays_as_it_is(tmp_path: Path) -> None:
    """Found by fuzzing: put together the pieces are one, and protobuf refuses them."""
    whole = value_message("t", b"\x15\x00\x00\x80\x3f")
    summary_of = b"\x0a" + varint(len(whole)) + whole
    file = EventFile(tmp_path / "in" / NAME).version().scalar("t", 0, 2.0)
    pieces = [summary_of * 2 + summary_of[:3], summary_of[3:] + summary_of]
    file.event(b"".join(b"\x2a" + varint(len(piece)) + piece for piece in pieces), 1)
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", rename=["t=renamed"])
    assert done.total.changed == 1
    written = (tmp_path / "out" / NAME).read_bytes()
    assert written.endswith(record_at(file.bytes, file.offsets[2]))


# --- steps and times -----------------------------------------------------------------------------


def test_what_is_of_the_run_as_a_whole_stays_whatever_its_step(tmp_path: Path) -> None:
    small(tmp_path / "in")
    logs = tbtools.open(tmp_path / "in", steps="5:7")
    tbtools.rewrite(logs, tmp_path / "out", shift_steps=100)
    assert [step for _, step, _ in points(tmp_path / "out")] == [105, 105, 106, 106]
    after = tbtools.open(tmp_path / "out")
    assert after.graphs.to_table()["step"].to_pylist() == [0]
    assert "_hparams_/session_start_info" in after["tags"].to_table()["tag"].to_pylist()


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ((1_700_000_002.0, 1_700_000_003.0), [2, 3]),
        ("1700000002..1700000003", [2, 3]),
        ("2023-11-14T22:13:22..2023-11-14T22:13:23", [2, 3]),
        ("2023-11-14T23:13:22+01:00..", [2, 3, 4, 5]),
        ("..1700000001.5", [0]),
    ],
)
def test_times_are_half_open_and_may_be_dates(times: Any, kept: list[int], tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version()
    for step in range(6):
        file.scalar("t", step, 0.5, wall_time=1_700_000_001 + step / 2)
    tbtools.rewrite(tmp_path / "in", tmp_path / "out", times=times)
    assert [step for _, step, _ in points(tmp_path / "out")] == kept


@pytest.mark.parametrize("times", ["2023", "tomorrow..", "..nan", "1e999..", "2023-99-01.."])
def test_what_is_no_range_of_times_is_said(times: str, tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(UsageError, match=r"is no (range of times|time): give"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", times=times)


@pytest.mark.parametrize("scale", ["0", "-1", "x", "1/0", str(2**31), math.nan, math.inf, None])
def test_what_steps_cannot_be_scaled_by_is_said(scale: Any, tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(UsageError, match=r"cannot be scaled by|is no factor"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", scale_steps=scale)


def test_what_restarts_overwrote_can_be_left_out(tmp_path: Path) -> None:
    for policy in ("latest", "tensorboard"):
        logs = tbtools.open(DATA / "torch_resumed", restarts=policy)
        tbtools.rewrite(logs, tmp_path / policy)
        rows = tbtools.open(tmp_path / policy).scalars.to_table().to_pylist()
        assert rows == logs.scalars.to_table().to_pylist()


# --- files ---------------------------------------------------------------------------------------


def test_files_are_split_by_size_and_can_be_read_alone(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version()
    for step in range(1000):
        file.tensor_scalar("t", step, step / 2, plugin="" if step else "scalars")
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", split_by="size", split_size=10_000)
    parts = sorted((tmp_path / "out").glob("*tfevents*"))
    assert len(parts) == done.total.files_after == math.ceil(len(file) / 10_000)
    largest = max(len(record_at(file.bytes, offset)) for offset in file.offsets)
    assert all(part.stat().st_size < 10_000 + largest + 100 for part in parts)
    assert points(tmp_path / "out") == points(tmp_path / "in")
    assert [*chain.from_iterable(map(points, parts))] == points(tmp_path / "in")
    assert all(tbtools.open(part)["files"].to_table()["file_version"][0].as_py() for part in parts)


def test_files_are_split_by_tag(tmp_path: Path) -> None:
    small(tmp_path / "in")
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", split_by="tag")
    assert done.total.files_after == 4  # the graph, and three tags
    tags = [
        set(tbtools.open(part)["tags"].to_table()["tag"].to_pylist())
        for part in (tmp_path / "out" / "run").iterdir()
    ]
    assert sorted(map(sorted, tags)) == [
        [], ["_hparams_/session_start_info"], ["loss/train"], ["loss/val"],
    ]  # fmt: skip
    assert sorted(points(tmp_path / "out")) == sorted(points(tmp_path / "in"))


def test_many_tags_are_split_without_as_many_open_files(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version()
    for step in range(3):
        file.scalars(step, {f"t{number}": step * number for number in range(200)})
    tbtools.rewrite(tmp_path / "in", tmp_path / "out", split_by="tag")
    assert len([*(tmp_path / "out").glob("*tfevents*")]) == 200
    assert sorted(points(tmp_path / "out")) == sorted(points(tmp_path / "in"))


@pytest.mark.parametrize("options", [{"compact": True}, {"split_by": "run"}])
def test_a_run_becomes_one_file(options: dict[str, Any], tmp_path: Path) -> None:
    done = tbtools.rewrite(DATA / "torch_resumed", tmp_path / "out", **options)
    assert len(event_files(tmp_path / "out")) == done.total.files_after == 1
    assert done.total.files == 3
    before, after = tbtools.open(DATA / "torch_resumed"), tbtools.open(tmp_path / "out")
    for table in ("scalars", "messages"):
        assert after[table].to_table().to_pylist() == before[table].to_table().to_pylist()
    assert done.unknowable == 90
    latest = tbtools.open(DATA / "torch_resumed", restarts="latest")
    assert tbtools.rewrite(latest, tmp_path / "latest", **options).unknowable == 0


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    plain = EventFile().version().scalar("t", 1, 0.5).bytes
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{NAME}.gz").write_bytes(gzip.compress(plain))
    tbtools.rewrite(tmp_path / "in", tmp_path / "out")
    assert event_files(tmp_path / "out") == {NAME: plain}


def test_of_runs_and_files_that_lose_everything_nothing_is_left(tmp_path: Path) -> None:
    EventFile(tmp_path / "in" / "a" / NAME).version().scalar("x", 0, 1.0)
    EventFile(tmp_path / "in" / "b" / NAME).version().scalar("y", 0, 1.0)
    EventFile(tmp_path / "in" / "c" / NAME)
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", drop="x")
    assert sorted(event_files(tmp_path / "out")) == [f"b/{NAME}", f"c/{NAME}"]
    assert [done.runs[run].files_after for run in "abc"] == [0, 1, 1]
    with pytest.raises(NothingFoundError):
        tbtools.rewrite(tmp_path / "in", tmp_path / "none", run=["a"], drop="x")
    assert not (tmp_path / "none").exists()


# --- graphs --------------------------------------------------------------------------------------


def graph_with_constants() -> GraphDef:
    graph = GraphDef()
    for name, size in (("large", 5000), ("small", 10)):
        tensor = TensorProto(dtype=1, tensor_content=b"\1" * size)
        tensor.tensor_shape.dim.add(size=size // 4)
        node = graph.node.add(name=name, op="Const")
        node.attr["value"] = AttrValue(tensor=tensor).SerializeToString()
    return graph


@pytest.mark.parametrize("field", ["graph_def", "meta_graph_def"])
def test_constants_of_graphs_lose_their_contents(field: str, tmp_path: Path) -> None:
    data = graph_with_constants().SerializeToString()
    if field == "meta_graph_def":
        data = b"\x12" + varint(len(data)) + data
    EventFile(tmp_path / "in" / NAME).version().what(field, data).scalar("t", 0, 1.0)
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", drop_graph_constants=True)
    assert done.total.changed == 1
    assert done.total.bytes_after < 1000 < done.total.bytes
    before, after = (tbtools.open(tmp_path / name).graph_nodes.to_table() for name in ("in", "out"))
    columns = [name for name in before.schema.names if name != "attrs"]
    assert after.select(columns).to_pylist() == before.select(columns).to_pylist()
    assert "5000" not in str(after["attrs"].to_pylist())


def test_a_graph_that_is_none_stays(tmp_path: Path) -> None:
    EventFile(tmp_path / "in" / NAME).version().what("graph_def", b"\xff\xff").scalar("t", 0, 1.0)
    tbtools.rewrite(tmp_path / "in", tmp_path / "out", drop_graph_constants=True)
    assert event_files(tmp_path / "out") == event_files(tmp_path / "in")


# --- where it goes -------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_tells_what_would_be(tmp_path: Path) -> None:
    small(tmp_path / "in")
    told = tbtools.rewrite(tmp_path / "in", dry_run=True, drop="loss/val", shift_steps=1)
    assert [*tmp_path.iterdir()] == [tmp_path / "in"]
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", drop="loss/val", shift_steps=1)
    assert told.path is None
    assert told.to_table().equals(done.to_table())
    assert done.total.bytes_after == sum(map(len, event_files(tmp_path / "out").values()))
    assert done.total.dropped_values == 10


def test_in_place_keeps_the_old_files_in_the_backup(tmp_path: Path) -> None:
    logdir = small(tmp_path / "in")
    (logdir / "run" / "checkpoint.bin").write_bytes(b"weights")
    before = event_files(logdir)
    done = tbtools.rewrite(logdir, backup=tmp_path / "old", drop="loss/val")
    assert event_files(tmp_path / "old") == before
    assert {tag for tag, _, _ in points(logdir)} == {"loss/train"}
    assert (logdir / "run" / "checkpoint.bin").read_bytes() == b"weights"
    assert done.path == logdir
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "old"]
    assert sorted(path.name for path in (logdir / "run").iterdir()) == ["checkpoint.bin", NAME]


def test_in_place_files_that_are_gone_or_new_are_so_in_the_logdir(tmp_path: Path) -> None:
    shutil.copytree(DATA / "torch_resumed", tmp_path / "in")
    rows = points(tmp_path / "in")
    tbtools.rewrite(tmp_path / "in", backup=tmp_path / "old", compact=True)
    assert points(tmp_path / "in") == rows
    assert len(event_files(tmp_path / "in")) == 1
    assert event_files(tmp_path / "old") == event_files(DATA / "torch_resumed")


def test_in_place_on_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    logdir = small(tmp_path / "in")
    before = event_files(logdir)
    monkeypatch.setattr(os, "link", refuse)
    real = Path.replace
    monkeypatch.setattr(
        Path,
        "replace",
        lambda self, to: refuse() if self.parent.parent.name == "new" else real(self, to),
    )
    tbtools.rewrite(logdir, backup=tmp_path / "old", drop="loss/val")
    assert event_files(tmp_path / "old") == before
    assert {tag for tag, _, _ in points(logdir)} == {"loss/train"}
    assert sorted(path.name for path in (logdir / "run").iterdir()) == [NAME]


def test_in_place_stops_before_anything_is_changed(tmp_path: Path) -> None:
    logdir = small(tmp_path / "in")
    before = event_files(logdir)

    def changes_nothing(error: type[Exception], says: str, **options: Any) -> None:
        with pytest.raises(error, match=says):
            tbtools.rewrite(logdir, **options)
        assert {name: data[: len(before[name])] for name, data in event_files(logdir).items()} == before  # fmt: skip  # noqa: E501

    (tmp_path / "there").mkdir()
    changes_nothing(TargetExistsError, "exists", backup=tmp_path / "there")
    changes_nothing(UsageError, "lies in the logdir", backup=logdir / "old")
    changes_nothing(
        NothingFoundError, "nothing", backup=tmp_path / "old", drop="*", tables=["text"]
    )
    (tmp_path / "file").write_bytes(b"")
    changes_nothing(UsageError, "is not a folder", backup=tmp_path / "file" / "old")
    logs = tbtools.open(logdir)
    with (logdir / "run" / NAME).open("ab") as file:
        file.write(b"more")
    with pytest.raises(UsageError, match="was written to meanwhile"):
        tbtools.rewrite(logs, backup=tmp_path / "old", drop="loss/val")
    assert not (tmp_path / "old").exists()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / NAME).symlink_to(logdir / "run" / NAME)
    with pytest.raises(UsageError, match="is a link"):
        tbtools.rewrite(tmp_path / "links", backup=tmp_path / "old")


def test_the_input_is_never_written_to(tmp_path: Path) -> None:
    small(tmp_path / "in")
    for output in (tmp_path / "in", tmp_path / "in" / "out", tmp_path):
        with pytest.raises(UsageError):
            tbtools.rewrite(tmp_path / "in", output, force=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"")
    with pytest.raises(TargetExistsError, match="mine"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "out", force=True)
    tbtools.rewrite(tmp_path / "in", tmp_path / "a")
    with pytest.raises(TargetExistsError, match="--force replaces it"):
        tbtools.rewrite(tmp_path / "in", tmp_path / "a")
    tbtools.rewrite(tmp_path / "in", tmp_path / "a", force=True, drop="loss/val")
    assert {tag for tag, _, _ in points(tmp_path / "a")} == {"loss/train"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "give one of"),
        ({"output": "a", "dry_run": True}, "give one of"),
        ({"output": "a", "backup": "b"}, "give one of"),
        ({"output": "a", "split_by": "size", "split_size": 0}, "a file of 0 bytes"),
        ({"output": "a", "split_by": "tag", "compact": True}, "cannot be split by tag"),
        ({"output": "a", "split_by": "sizes"}, "nearest: size"),
    ],
)
def test_what_makes_no_sense_is_said(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    small(tmp_path / "in")
    with pytest.raises(UsageError, match=says):
        tbtools.rewrite(tmp_path / "in", **options)


def test_a_dataset_has_no_records(tmp_path: Path) -> None:
    small(tmp_path / "in")
    tbtools.export(tmp_path / "in", tmp_path / "set")
    with pytest.raises(UsageError, match="tables and no event files"):
        tbtools.rewrite(tmp_path / "set", tmp_path / "out")


# --- the command ---------------------------------------------------------------------------------


def test_the_command_tells_what_it_did(cli: Cli, tmp_path: Path) -> None:
    small(tmp_path / "in")
    done = cli("rewrite", tmp_path / "in", "-o", tmp_path / "out", "--rename", r"loss/(.*)=\1", "--drop", "loss/val")  # fmt: skip  # noqa: E501
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "run: loss/train is now train"
    assert lines[-1].startswith("13 events, 10 changed, 0 left out; ")
    dry = cli("rewrite", tmp_path / "in", "--dry-run", "--drop", "*", "-f", "json", "--table", "graphs")  # fmt: skip  # noqa: E501
    assert '"dropped_values":21,' in dry.stdout


def test_the_command_ends_with_3_if_something_was_damaged(cli: Cli, tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version().scalar("t", 0, 1.0).scalar("t", 1, 2.0)
    file.flip(file.offsets[1] + 20)
    done = cli("rewrite", tmp_path / "in", "-o", tmp_path / "out", code=3)
    assert "1 damaged record in 1 of 1 file" in done.stderr
    assert points(tmp_path / "out") == [("t", 1, 2.0)]
    cli("rewrite", tmp_path / "in", "-o", tmp_path / "b", "--on-damage", "fail", code=1)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--in-place"], 2, "--in-place and --backup DIR go together"),
        (["--backup", "b"], 2, "--in-place and --backup DIR go together"),
        ([], 2, "give one of -o OUT, --in-place --backup DIR, and --dry-run"),
        (["-o", "out", "-f", "csv"], 2, "--format is for the rows of --dry-run"),
        (["-o", "out", "--drop", "*", "--table", "scalars"], 4, "nothing would be left"),
        (["-o", "out", "--run", "rum"], 4, "no run matches 'rum'; nearest: run"),
        (["-o", "out", "--shift-steps", str(2**63 - 1)], 2, "no number of 64 bits"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], code: int, says: str, cli: Cli, tmp_path: Path
) -> None:
    small(tmp_path / "in")
    done = cli("rewrite", tmp_path / "in", *words, code=code, cwd=tmp_path)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# --- the core ------------------------------------------------------------------------------------


def test_the_core_refuses_misuse() -> None:
    rewriter = _core.Rewriter()
    calls: list[Callable[[], object]] = [
        lambda: rewriter.set_events(asked=["nothing"]),
        lambda: rewriter.set_events(multiplier=0),
        lambda: rewriter.set_events(divisor=2**31),
        lambda: rewriter.set_limit("t", 1),
        lambda: rewriter.set_tag("t", exceptions=[("nothing", "", True)]),
        lambda: rewriter.run(b"", 1),
    ]
    for call in calls:
        with pytest.raises(ValueError):  # noqa: PT011
            call()


def test_the_core_stops_at_what_it_was_not_told_of() -> None:
    file = EventFile().version().scalar("a", 0, 1.0).scalar("b", 1, 1.0)
    rewriter = _core.Rewriter()
    rewriter.set_tag("a")
    assert rewriter.run(file.bytes) == ("unknown", file.offsets[2], False, [])
    assert rewriter.run(file.bytes[:-1], file.offsets[2])[:2] == ("broken", file.offsets[2])
    assert rewriter.run(file.bytes, file.offsets[1], most=1)[:2] == ("full", file.offsets[2])
    rewriter.set_events(asked=["file_version"])
    assert rewriter.run(file.bytes)[:2] == ("asked", 0)
    assert rewriter.run(file.bytes, answered=True)[0] == "unknown"


def test_a_record_of_many_values_takes_memory_in_proportion(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "in" / NAME).version()
    file.event(summary(*[value_message("t", b"")] * 100_000), 1)
    done = tbtools.rewrite(tmp_path / "in", tmp_path / "out", rename=["t=much longer"])
    assert done.total.values == 100_000
    tags = tbtools.open(tmp_path / "out")["tags"].to_table()
    assert pc.sum(tags["points"]).as_py() == 100_000
