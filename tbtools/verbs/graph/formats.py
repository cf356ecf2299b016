"""Graphs as JSON and as the text form of a GraphDef, and the list of all formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tbtools.errors import UnknownNameError, UsageError
from tbtools.verbs.graph.folding import Folded, fold
from tbtools.verbs.graph.pictures import to_dot, to_graphml, to_mermaid
from tbtools.verbs.graph.selection import Graph, one_of

__all__ = ["FORMATS", "draw", "to_json", "to_pbtxt"]


def to_json(graph: Graph | Folded) -> Iterator[str]:
    """Lines of one JSON object: ``run``, ``graph``, ``nodes`` and ``edges``, a line per row."""
    yield f'{{"run": {_json(graph.run)}, "graph": {_json(graph.name)},'
    yield '"nodes": ['
    yield from _rows(graph.nodes.to_pylist())
    yield '], "edges": ['
    yield from _rows(graph.edges.to_pylist())
    yield "]}"


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        kept = {
            key: dict(value) if key in ("attrs", "ops") else value
            for key, value in row.items()
            if key not in ("run", "graph")
        }
        yield _json(kept) + ("," if number < len(rows) else "")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def to_pbtxt(graph: Graph | Folded) -> Iterator[str]:
    """Lines of a GraphDef in text form, as TensorBoard's Graphs tab opens it from a file.

    Attributes are there as text, since tables have no more; so TensorFlow reads the graph, but
    cannot run it. Raises UsageError for a folded graph.
    """
    if isinstance(graph, Folded):
        raise UsageError("a folded graph is no GraphDef; --depth is for the other formats")
    bodies: dict[str, list[dict[str, Any]]] = {}
    for row in graph.nodes.to_pylist():
        if row["function"] is None:
            yield from _node("node", row)
        else:
            bodies.setdefault(row["function"], []).append(row)
    if bodies:
        yield "library {"
        for name, rows in bodies.items():
            yield from _indented(_function(name, rows))
        yield "}"
    if graph.about["producer"] is not None:
        yield f"versions {{ producer: {graph.about['producer']} }}"


def _function(name: str, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    results = {
        row["name"].removesuffix("_RetVal"): row["inputs"] for row in rows if row["op"] == "_Retval"
    }
    yield "function {"
    yield f"  signature {{ name: {_text(name)}"
    for row in rows:
        if row["op"] == "_Arg":
            yield f"    input_arg {{ name: {_text(row['name'])} }}"
    for result in results:
        yield f"    output_arg {{ name: {_text(result)} }}"
    yield "  }"
    for row in rows:
        if row["op"] not in ("_Arg", "_Retval"):
            yield from _indented(_node("node_def", row))
    for result, inputs in results.items():
        for each in inputs[:1]:
            yield f"  ret {{ key: {_text(result)} value: {_text(each)} }}"
    yield "}"


def _node(field: str, row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{field} {{"
    yield f"  name: {_text(row['name'])}"
    if row["op"]:
        yield f"  op: {_text(row['op'])}"
    for each in row["inputs"]:
        yield f"  input: {_text(each)}"
    if row["device"]:
        yield f"  device: {_text(row['device'])}"
    for key, value in row["attrs"]:
        yield f"  attr {{ key: {_text(key)} value {{ s: {_text(value)} }} }}"
    if row["output_shapes"] is not None:
        shapes = " ".join(map(_shape, row["output_shapes"]))
        yield f'  attr {{ key: "_output_shapes" value {{ list {{ {shapes} }} }} }}'
    yield "}"


def _shape(sizes: Sequence[int | None] | None) -> str:
    if sizes is None:
        return "shape { unknown_rank: true }"
    dims = [f"dim {{ size: {-1 if size is None else size} }}" for size in sizes]
    return f"shape {{ {' '.join(dims)} }}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield "  " + line


def _text(text: str) -> str:
    """A string literal of protobuf's text format; bytes that are not plain ASCII in octal."""
    plain = {ord("\\"): "\\\\", ord('"'): '\\"'}
    return (
        '"'
        + "".join(
            plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
            for byte in text.encode()
        )
        + '"'
    )


#: What a graph can be written as, a line at a time.
FORMATS: dict[str, Callable[[Graph | Folded], Iterator[str]]] = {
    "dot": to_dot,
    "graphml": to_graphml,
    "json": to_json,
    "mermaid": to_mermaid,
    "pbtxt": to_pbtxt,
}


def draw(graphs: Sequence[Graph], format: str, depth: int | None = None) -> Iterator[str]:
    """The only graph of these, folded if a depth is given, in one of FORMATS.

    Raises UnknownNameError and what ``one_of``, ``fold`` and the format raise.
    """
    if format not in FORMATS:
        raise UnknownNameError("format of graphs", format, FORMATS)
    graph = one_of(graphs)
    return FORMATS[format](graph if depth is None else fold(graph, depth))
