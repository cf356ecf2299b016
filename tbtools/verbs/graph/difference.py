"""How the graphs of two logs differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from tbtools.errors import NothingFoundError
from tbtools.verbs.graph.selection import Graph, plain_name

__all__ = ["diff"]

SCHEMA = pa.schema(
    {
        "run": pa.string(),
        "graph": pa.string(),
        "function": pa.string(),
        "name": pa.string(),
        "change": pa.string(),
        "field": pa.string(),
        "a": pa.string(),
        "b": pa.string(),
    }
)

FIELDS = ("op", "device", "inputs", "attrs", "output_shapes")


class _Key(NamedTuple):
    run: str | None
    graph: str


def diff(a: Iterable[Graph], b: Iterable[Graph]) -> pa.Table:
    """A row per node that only one side has, and per field of a node that is not the same.

    ``change`` is ``only in a``, ``only in b`` or ``changed``; a row without ``name`` is about a
    whole graph. Graphs are compared that have the same run and were written as the same; if each
    side has only one run, its name does not matter. Of graphs that were written several times the
    last counts. Raises NothingFoundError if nothing can be compared.
    """
    left, right = list(a), list(b)
    by_run = len({graph.run for graph in left}) > 1 or len({graph.run for graph in right}) > 1
    ours, theirs = _latest(left, by_run), _latest(right, by_run)
    if not ours.keys() & theirs.keys():
        raise NothingFoundError(
            f"no graph is on both sides: {_names(ours)} here, {_names(theirs)} there"
        )
    rows: list[dict[str, Any]] = []
    for key in sorted(ours.keys() | theirs.keys(), key=lambda each: (each.run or "", each.graph)):
        about = {"run": key.run, "graph": key.graph}
        if key not in theirs or key not in ours:
            rows.append({**about, "change": f"only in {'a' if key in ours else 'b'}"})
        else:
            changes = _changes(_nodes(ours[key]), _nodes(theirs[key]))
            rows += [{**about, **change} for change in changes]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _latest(graphs: Iterable[Graph], by_run: bool) -> dict[_Key, Graph]:
    return {_Key(graph.run if by_run else None, plain_name(graph.about)): graph for graph in graphs}


def _names(graphs: Iterable[_Key]) -> str:
    texts = [f"{run}: {graph}" if run is not None else graph for run, graph in graphs]
    return ", ".join(texts[:3]) + (" …" if len(texts) > 3 else "")


_Nodes = Mapping[tuple[str | None, str], Mapping[str, Any]]


def _nodes(graph: Graph) -> _Nodes:
    columns = ["function", "name", *FIELDS]
    rows = zip(*(graph.nodes[name].to_pylist() for name in columns), strict=True)
    return {
        (function, name): dict(zip(FIELDS, fields, strict=True)) for function, name, *fields in rows
    }


def _changes(ours: _Nodes, theirs: _Nodes) -> Iterator[dict[str, Any]]:
    for key, node in ours.items():
        about = {"function": key[0], "name": key[1]}
        if key not in theirs:
            yield {**about, "change": "only in a", "field": "op", "a": node["op"]}
        elif node != theirs[key]:
            for name, a, b in _changed(node, theirs[key]):
                yield {**about, "change": "changed", "field": name, "a": a, "b": b}
    for key, node in theirs.items():
        if key not in ours:
            about = {"function": key[0], "name": key[1]}
            yield {**about, "change": "only in b", "field": "op", "b": node["op"]}


def _changed(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    """The fields that differ, and both values as text. Each attribute is a field of its own."""
    for name in FIELDS:
        if ours[name] == theirs[name]:
            continue
        if name == "attrs":
            a, b = dict(ours[name]), dict(theirs[name])
            for key in sorted(a.keys() | b.keys()):
                if a.get(key) != b.get(key):
                    yield f"attrs.{key}", a.get(key), b.get(key)
        else:
            yield name, _shown(ours[name]), _shown(theirs[name])


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) or "?" for each in value) + "]"
    return str(value)
