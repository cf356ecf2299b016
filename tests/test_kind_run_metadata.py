"""Run metadata, and what is not what its field or plugin says. The rest: test_kind_graphs.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from event_writing import EventFile, summary_metadata
from graph_building import dtype, graph, node
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, refused_by, rows_in, rows_of
from tensor_building import shape_proto, string_tensor

import tbtools
from tbtools.decode.kind import Events
from tbtools.kinds.graphs import KIND
from tbtools.proto.graph_pb2 import GraphDef, MetaGraphDef, NodeExecStats, RunMetadata
from tbtools.proto.tfevents_pb2 import TaggedRunMetadata, TensorProto

PLUGINS = ("graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model")
FIELDS = ("graph_def", "meta_graph_def", "tagged_run_metadata")


def tagged(run: RunMetadata, tag: str = "step0100") -> Events:
    """An event as TF1's ``add_run_metadata`` writes it."""
    content = run.SerializeToString()
    return events_of(TaggedRunMetadata(tag=tag, run_metadata=content), field="tagged_run_metadata")


def measured(*each: NodeExecStats, device: str = "/cpu:0", threads: dict[int, str] | None = None):
    """Run metadata of one device."""
    run = RunMetadata()
    run.step_stats.dev_stats.add(device=device, node_stats=each, thread_names=threads or {})
    return run


def test_tagged_run_metadata_is_named_by_its_tag() -> None:
    (row,) = rows_of(KIND, tagged(RunMetadata()), "graphs")
    assert (row["graph"], row["source"], row["nodes"]) == ("step0100@0", "run_metadata", 0)


def test_tagged_run_metadata_without_tag_has_a_name_too() -> None:
    (row,) = rows_of(KIND, tagged(RunMetadata(), tag=""), "graphs")
    assert row["graph"] == "tagged_run_metadata@0"


def test_a_node_that_ran_is_a_row() -> None:
    stats = NodeExecStats(
        node_name="a/MatMul",
        timeline_label="a/MatMul = MatMul(x, w)",
        thread_id=7,
        scheduled_micros=90,
        all_start_micros=100,
        op_start_rel_micros=2,
        op_end_rel_micros=30,
        all_end_rel_micros=31,
    )
    stats.memory.add(total_bytes=64, peak_bytes=32)
    stats.memory.add(total_bytes=1, peak_bytes=1)
    output = stats.output.add().tensor_description
    output.dtype = 1
    output.shape.CopyFrom(shape_proto([2, 3]))
    assert rows_of(KIND, tagged(measured(stats, threads={7: "worker"})), "node_stats") == [
        {
            "event_index": 0,
            "graph": "step0100@0",
            "device": "/cpu:0",
            "node": "a/MatMul",
            "label": "a/MatMul = MatMul(x, w)",
            "thread": "worker",
            "scheduled_us": 90,
            "start_us": 100,
            "duration_us": 31,
            "op_start_us": 2,
            "op_duration_us": 28,
            "memory_bytes": 65,
            "peak_bytes": 33,
            "output_types": ["float32"],
            "output_shapes": [[2, 3]],
        }
    ]


def test_what_was_not_measured_is_null() -> None:
    (row,) = rows_of(KIND, tagged(measured(NodeExecStats(node_name="n"))), "node_stats")
    assert row["thread"] == "0"
    assert not {"memory_bytes", "peak_bytes", "scheduled_us", "label"} & row.keys()


def test_sums_that_no_int64_holds_are_null() -> None:
    stats = NodeExecStats(op_start_rel_micros=-(1 << 63), op_end_rel_micros=(1 << 63) - 1)
    for _ in range(2):
        stats.memory.add(total_bytes=(1 << 63) - 1)
    (row,) = rows_of(KIND, tagged(measured(stats)), "node_stats")
    assert not {"memory_bytes", "op_duration_us"} & row.keys()


def test_graphs_that_tensorboard_does_not_show_have_names_of_their_own() -> None:
    made = graph(node("a", "NoOp"))
    run = RunMetadata(partition_graphs=[made])
    run.function_graphs.add(
        pre_optimization_graph=made, post_optimization_graph=made, partition_graphs=[made, made]
    )
    assert [(row["graph"], row.get("stage")) for row in rows_of(KIND, tagged(run), "graphs")] == [
        ("step0100@0", None),
        ("step0100/graph_1/optimized@0", "optimized"),
        ("step0100/graph_1/partition_1@0", "partition"),
        ("step0100/graph_1/partition_2@0", "partition"),
        ("step0100/partition_1@0", "partition"),
    ]


def test_synthesised_plugins_are_read() -> None:
    made = string_tensor(graph(node("a", "NoOp")).SerializeToString(), shape=())
    (row,) = rows_of(KIND, events_of(made, metadata=metadata_of("graphs")), "graphs")
    assert (row["graph"], row["source"]) == ("tag0@0", "graph_def")
    made = string_tensor(RunMetadata().SerializeToString(), shape=())
    events = events_of(made, metadata=metadata_of("graph_tagged_run_metadata"))
    assert rows_of(KIND, events, "graphs")[0]["source"] == "run_metadata"


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS)
def test_bytes_that_are_no_message_are_refused(field: str) -> None:
    events = events_of(b"\xff\xff", b"\x0a\x7f", field=field)
    decoded = KIND.decode(events)
    assert decoded.tables == {}
    assert [index for index, _ in decoded.refused] == [0, 1]
    assert all(reason.startswith("not ") for _, reason in decoded.refused)


def test_run_metadata_inside_of_a_good_tag_is_refused_too() -> None:
    bad = TaggedRunMetadata(tag="t", run_metadata=b"\xff")
    decoded = KIND.decode(events_of(bad, field="tagged_run_metadata"))
    assert decoded.refused == [(0, "not a RunMetadata")]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_tensors_that_are_not_one_string_are_refused(plugin: str) -> None:
    about = metadata_of(plugin, b"1")
    assert refused_by(
        KIND,
        string_tensor(shape=()),
        string_tensor(b"", b""),
        string_tensor(),
        string_tensor(b"", shape=[1 << 40]),
        TensorProto(dtype=1, float_val=[1]),
        b"\xff",
        None,
        metadata=about,
    ) == [
        "the shape declares 1 strings, the tensor holds 0",
        "2 strings, not the one that a graph is",
        "0 strings, not the one that a graph is",
        f"the shape declares {1 << 40} strings, the tensor holds 1",
        "float32 values, not strings",
        "not a tensor",
        "metadata without a tensor",
    ]


@pytest.mark.parametrize("sizes", [(), (1,), (1, 1)])
def test_a_string_of_one_element_is_one_string(sizes: tuple[int, ...]) -> None:
    made = string_tensor(RunMetadata().SerializeToString(), shape=sizes)
    assert rows_of(KIND, events_of(made, metadata=metadata_of(PLUGINS[0], b"1")), "graphs")


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("content", [b"", b"2", b"\xff"])
def test_an_unknown_version_is_refused(plugin: str, content: bytes) -> None:
    (reason,) = refused_by(
        KIND, string_tensor(b"", shape=()), metadata=metadata_of(plugin, content)
    )
    assert reason == f"the content of {plugin} is not '1', the only version known"


def test_one_bad_event_costs_one_event() -> None:
    good = graph(node("a", "NoOp")).SerializeToString()
    events = events_of(good, b"\xff", good, field="graph_def")
    decoded = KIND.decode(events)
    assert [row["event_index"] for row in rows_in(KIND, events, decoded, "graph_nodes")] == [0, 2]
    assert decoded.refused == [(1, "not a GraphDef")]


def test_a_graph_that_is_nested_too_deeply_is_refused_or_told_by_size() -> None:
    inner = b""
    for _ in range(5000):  # NameAttrList.attr["a"].func, again and again
        entry = b"\x0a\x01a\x12" + _sized(b"\x52" + _sized(inner))
        inner = b"\x12" + _sized(entry)
    made = node("n", "Op")
    made.attr["f"] = b"\x52" + _sized(inner)
    decoded = KIND.decode(events_of(graph(made), field="graph_def"))
    assert decoded.refused == []


def _sized(content: bytes) -> bytes:
    size, prefix = len(content), b""
    while size > 0x7F:
        prefix += bytes([size & 0x7F | 0x80])
        size >>= 7
    return prefix + bytes([size]) + content


SEEDS = [
    graph(node("a", "Const", "^b", "c:1", T=dtype(1))).SerializeToString(),
    MetaGraphDef(graph_def=graph(node("a", "b"))).SerializeToString(),
    TaggedRunMetadata(tag="t", run_metadata=b"\x1a\x00").SerializeToString(),
]


@given(st.sampled_from(FIELDS), st.sampled_from(SEEDS), st.data())
def test_whatever_the_bytes_are_nothing_is_raised(field: str, seed: bytes, data: Any) -> None:
    at = data.draw(st.integers(0, len(seed)))
    payload = (
        seed[:at] + data.draw(st.binary(max_size=8)) + seed[at + data.draw(st.integers(0, 4)) :]
    )
    events = events_of(payload, field=field)
    decoded = KIND.decode(events)
    found = sum(len(rows_in(KIND, events, decoded, spec.name)) for spec in KIND.tables)
    assert bool(decoded.refused) != bool(found)


# --- in a file -----------------------------------------------------------------------------------


def test_a_log_has_its_graphs_in_tables(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.out.tfevents.1").version()
    file.what("graph_def", graph(node("a", "NoOp")).SerializeToString(), wall_time=5.25)
    file.what("graph_def", b"\xff", wall_time=6)
    content = string_tensor(RunMetadata().SerializeToString(), shape=()).SerializeToString()
    about = summary_metadata("graph_run_metadata", b"1")
    file.value("batch", 7, "tensor", content, metadata=about, wall_time=7)
    logs = tbtools.open(tmp_path)
    assert logs.graphs.to_table()["graph"].to_pylist() == ["graph_def@5.25", "batch:7@7"]
    assert logs.graph_nodes.to_table()["graph"].to_pylist() == ["graph_def@5.25"]
    (left,) = logs.events.to_table().to_pylist()
    assert (left["field"], left["reason"]) == ("graph_def", "not a GraphDef")
    assert sum(health.undecoded for health in logs.health) == 1


def test_an_empty_graph_is_read_as_one() -> None:
    assert rows_of(KIND, events_of(GraphDef(), field="graph_def"), "graphs")[0]["nodes"] == 0
