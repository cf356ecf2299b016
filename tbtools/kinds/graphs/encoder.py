"""Rows of graphs → what was written, where there is a ``definition``; else rows of nodes →
GraphDefs: names, operations, inputs, devices, attributes as text, and shapes.

Edges follow from ``inputs``. What is not kept in rows of nodes is not written: the content of
constants, and what run metadata measured. A Keras model becomes the graph of run metadata, which
TensorBoard shows under its tag, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import (
    BLOB_SEQUENCE,
    Encoded,
    labels,
    members,
    metadata_of,
    string_tensor,
)
from tbtools.errors import UsageError
from tbtools.kinds.graphs.attr_values import AttrValues, shapes_value, type_number
from tbtools.kinds.graphs.decoder import CHECKED, CONTENT
from tbtools.kinds.graphs.defs import OUTPUT_SHAPES
from tbtools.kinds.graphs.ops import BUILT_IN, output_types
from tbtools.kinds.graphs.tables import GRAPHS, NODES
from tbtools.proto.graph_pb2 import FunctionDef, GraphDef, MetaGraphDef, NodeDef, OpDef, RunMetadata
from tbtools.proto.tfevents_pb2 import TaggedRunMetadata

__all__ = ["encode"]

Row = dict[str, Any]

OF_GRAPH = metadata_of("graphs", BLOB_SEQUENCE)
OF_RUN_METADATA = metadata_of("graph_run_metadata_graph", BLOB_SEQUENCE, b"1")

RESULT = "_RetVal"  # behind the name of a function's result


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """An event for each graph of a run: in the order of ``graphs``, else in that of the nodes."""
    nodes = tables.get(NODES.name)
    graphs = tables[GRAPHS.name].to_pylist() if GRAPHS.name in tables else []
    named = {row["graph"] for row in graphs}
    defined = {_event_of(row) for row in graphs if row.get("definition") is not None}
    # The graphs of one event are all in its definition.
    said = {row["graph"] for row in graphs if _event_of(row) in defined}
    by_graph = {} if nodes is None else _by_graph(nodes, said)
    graphs += [{"graph": name} for name in by_graph if name not in named]
    values = AttrValues()
    tags: list[str | None] = []
    steps: list[int] = []
    times: list[float | None] = []
    about: list[bytes | None] = []
    names: list[str] = []
    payloads: list[bytes] = []
    for row in graphs:
        if row["graph"] in said:
            if row["definition"] is not None:
                tag, name, payload = _as_written(row)
                tags.append(tag)
                steps.append(row.get("step") or 0)
                times.append(row.get("wall_time"))
                about.append(None if tag is None else _metadata(row["plugin"]))
                names.append(name)
                payloads.append(payload)
            continue
        rows = by_graph.get(row["graph"])
        if rows is None and row.get("nodes"):
            raise UsageError(f"graphs: the nodes of {row['graph']!r} are missing (graph_nodes)")
        if rows is None and row.get("source") != "graph_def":
            continue  # run metadata that has no graph
        graph = _graph_def(rows or [], row.get("producer") or 0, values)
        tag, name, payload = _written(row, graph, rows or [])
        tags.append(tag)
        steps.append(row.get("step") or 0)
        times.append(row.get("wall_time"))
        source = row.get("source")
        about.append(
            None if tag is None else OF_GRAPH if source == "graph_def" else OF_RUN_METADATA
        )
        names.append(name)
        payloads.append(payload)
    return Encoded(
        labels(tags),
        pa.array(steps, pa.int64()),
        pa.array(times, pa.float64()),
        member=members(names) if names else pa.array([], pa.uint8()),
        payload=pa.array(payloads, pa.binary()),
        metadata=pa.array(about, pa.binary()).dictionary_encode(),
    )


def _by_graph(nodes: pa.RecordBatch, without: set[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    if without:
        nodes = nodes.filter(pc.invert(pc.is_in(nodes["graph"], pa.array([*without]))))
    for row in nodes.to_pylist():
        if row["graph"] is None:
            row["graph"] = "graph_def"
        found.setdefault(row["graph"], []).append(row)
    return found


def _event_of(row: Row) -> tuple[object, ...]:
    return row.get("name"), row.get("step"), repr(row.get("wall_time"))


def _metadata(plugin: str) -> bytes:
    return metadata_of(plugin, BLOB_SEQUENCE, CONTENT if plugin in CHECKED else b"")


def _as_written(row: Row) -> tuple[str | None, str, bytes]:
    """Tag, member and payload of a graph that has a definition."""
    source, definition = row.get("source"), row["definition"]
    if row.get("plugin") is not None:
        return row.get("name"), "tensor", string_tensor([definition], [1])
    if source in ("graph_def", "meta_graph_def"):
        return None, source, definition
    if source == "run_metadata":
        tagged = TaggedRunMetadata(tag=row.get("name") or "", run_metadata=definition)
        return None, "tagged_run_metadata", tagged.SerializeToString()
    raise UsageError(f"graphs: {row['graph']!r} has a definition, and neither plugin nor source")


def _written(row: Row, graph: GraphDef, rows: list[Row]) -> tuple[str | None, str, bytes]:
    """Tag, member and payload of a graph."""
    content = graph.SerializeToString()
    name, source = row.get("name"), row.get("source")
    if source == "meta_graph_def":
        meta = MetaGraphDef(graph_def=graph)
        meta.meta_info_def.tensorflow_version = (row["made_by"] or "").removeprefix("TensorFlow ")
        meta.meta_info_def.stripped_op_list.op.extend(_definitions(rows))
        return None, "meta_graph_def", meta.SerializeToString()
    if name is None or name == "graph_def":
        return None, "graph_def", content
    # What it is called, without its step and time: run metadata has several of one name.
    called = row["graph"].rpartition("@")[0].removesuffix(f":{row['step']}") or name
    if source != "graph_def":
        run = RunMetadata()
        run.function_graphs.add().pre_optimization_graph.CopyFrom(graph)
        content = run.SerializeToString()
    return called, "tensor", string_tensor([content], [1])


def _definitions(rows: list[Row]) -> Iterator[OpDef]:
    """Operations whose outputs nobody would know of otherwise, if they are always the same."""
    known: dict[str, set[tuple[str, ...]]] = {}
    odd: set[str] = set()
    for row in rows:
        op, types = row["op"] or "", tuple(row["output_types"] or ())
        if types:
            known.setdefault(op, set()).add(types)
            if output_types(BUILT_IN.get(op, "?"), dict(_pairs(row["attrs"]))) != types:
                odd.add(op)
    for op in sorted(odd):
        if len(known[op]) == 1:
            types = known[op].pop()
            outputs = [OpDef.ArgDef(type=type_number(each)) for each in types]
            yield OpDef(name=op, output_arg=outputs)


def _graph_def(rows: list[Row], producer: int, values: AttrValues) -> GraphDef:
    graph = GraphDef()
    graph.versions.producer = producer
    for name, body in groupby(rows, key=lambda row: row["function"]):
        if name is None:
            graph.node.extend(_node(row, values) for row in body)
        else:
            graph.library.function.append(_function(name, list(body), values))
    return graph


def _function(name: str, rows: list[Row], values: AttrValues) -> FunctionDef:
    function = FunctionDef(signature=OpDef(name=name))
    signature = function.signature
    for row in rows:
        if row["op"] == "_Arg" and not row["inputs"] and not row["attrs"]:
            types = row["output_types"] or [""]
            signature.input_arg.add(name=row["name"], type=type_number(types[0]))
        elif row["op"] == "_Retval" and row["name"].endswith(RESULT):
            result = row["name"].removesuffix(RESULT)
            signature.output_arg.add(name=result, type=type_number(dict(row["attrs"]).get("T", "")))
            if row["inputs"]:
                function.ret[result] = row["inputs"][0]
        else:
            function.node_def.append(_node(row, values))
    return function


def _node(row: Row, values: AttrValues) -> NodeDef:
    attrs = _pairs(row["attrs"])
    made = {key: values[key == "shape", text or ""] for key, text in attrs}
    if row["output_shapes"]:
        made[OUTPUT_SHAPES] = shapes_value(row["output_shapes"])
    return NodeDef(
        name=row["name"],
        op=row["op"] or "",
        input=row["inputs"] or [],
        device=row["device"] or "",
        attr=made,
    )


def _pairs(attrs: Any) -> Iterable[tuple[str, str]]:
    return attrs.items() if isinstance(attrs, dict) else attrs or []
