"""Graphs folded to their outer name scopes, as TensorBoard shows them before a plus is clicked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from tbtools.errors import UsageError
from tbtools.verbs.graph.selection import Graph, joined, path_of

__all__ = ["Folded", "edges", "fold", "nodes"]

NODES = pa.schema(
    {
        "run": pa.string(),
        "graph": pa.string(),
        "name": pa.string(),
        "op": pa.string(),
        "scope": pa.string(),
        "depth": pa.int32(),
        "nodes": pa.int64(),
        "ops": pa.map_(pa.string(), pa.int64()),
        "devices": pa.list_(pa.string()),
    }
)
EDGES = pa.schema(
    {
        "run": pa.string(),
        "graph": pa.string(),
        "source": pa.string(),
        "target": pa.string(),
        "control": pa.bool_(),
        "edges": pa.int64(),
    }
)


@dataclass(frozen=True)
class Folded:
    """A graph of scopes. A node is a scope, with ``op`` null, or a node that is in none so deep.

    An edge stands for all ``edges`` of one sort that lead from something in its source to
    something in its target. Edges inside of a scope are left out.
    """

    run: str
    name: str
    nodes: pa.Table
    edges: pa.Table


@dataclass
class _Group:
    op: str | None
    ops: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    nodes: int = 0


def fold(graph: Graph, depth: int) -> Folded:
    """A graph whose scopes below ``depth`` are folded; 1 leaves the outermost.

    A node ``a`` beside nodes ``a/…`` becomes ``a/(a)``, as in TensorBoard. Raises UsageError.
    """
    if depth < 1:
        raise UsageError(f"a depth of {depth} would leave nothing; 1 leaves the outermost scopes")
    columns = ("function", "name", "op", "device")
    rows = list(zip(*(graph.nodes[name].to_pylist() for name in columns), strict=True))
    paths = [path_of(function, name) for function, name, _, _ in rows]
    scopes = _scopes(paths)
    places = {path: _place(path, scopes, depth) for path in paths}
    groups: dict[str, _Group] = {}
    for path, (_, _, op, device) in zip(paths, rows, strict=True):
        place, is_folded = places[path]
        group = groups.setdefault(place, _Group(None if is_folded else op))
        group.nodes += 1
        if op is not None:
            group.ops[op] += 1
        if device is not None:
            group.devices[device] += 1
    return Folded(
        graph.run, graph.name, _node_table(graph, groups), _edge_table(graph, places, scopes, depth)
    )


def nodes(graphs: Sequence[Graph], depth: int | None = None) -> pa.Table:
    """The nodes of graphs, one after the other, folded if a depth is given."""
    if depth is None:
        return joined("graph_nodes", [graph.nodes for graph in graphs])
    return pa.concat_tables([fold(graph, depth).nodes for graph in graphs])


def edges(graphs: Sequence[Graph], depth: int | None = None) -> pa.Table:
    """The edges of graphs, one after the other, folded if a depth is given."""
    if depth is None:
        return joined("graph_edges", [graph.edges for graph in graphs])
    return pa.concat_tables([fold(graph, depth).edges for graph in graphs])


def _scopes(paths: list[str]) -> set[str]:
    """Every scope that some node is in."""
    scopes: set[str] = set()
    for path in paths:
        scope = path.rpartition("/")[0]
        while scope and scope not in scopes:
            scopes.add(scope)
            scope = scope.rpartition("/")[0]
    return scopes


def _place(path: str, scopes: set[str], depth: int) -> tuple[str, bool]:
    """Where a node is after folding, and whether that is a scope."""
    if path in scopes:
        path = f"{path}/({path.rpartition('/')[2]})"
    parts = path.split("/", depth)
    if len(parts) <= depth:
        return path, False
    return "/".join(parts[:depth]), True


def _node_table(graph: Graph, groups: dict[str, _Group]) -> pa.Table:
    rows = [
        {
            "run": graph.run,
            "graph": graph.name,
            "name": place,
            "op": group.op,
            "scope": place.rpartition("/")[0],
            "depth": place.count("/"),
            "nodes": group.nodes,
            "ops": group.ops.most_common(),
            "devices": [device for device, _ in group.devices.most_common()],
        }
        for place, group in groups.items()
    ]
    return pa.Table.from_pylist(rows, schema=NODES)


def _edge_table(
    graph: Graph, places: dict[str, tuple[str, bool]], scopes: set[str], depth: int
) -> pa.Table:
    columns = ("function", "source", "target", "control")
    counts: Counter[tuple[str, str, bool]] = Counter()
    for function, source, target, control in zip(
        *(graph.edges[name].to_pylist() for name in columns), strict=True
    ):
        ends = []
        for end in (source, target):
            path = path_of(function, end)
            # An edge may come from where no node is: from outside of what was chosen.
            found = places.get(path) or _place(path, scopes, depth)
            ends.append(found[0])
        if ends[0] != ends[1]:
            counts[ends[0], ends[1], control] += 1
    rows = [
        {
            "run": graph.run,
            "graph": graph.name,
            "source": source,
            "target": target,
            "control": control,
            "edges": count,
        }
        for (source, target, control), count in counts.items()
    ]
    return pa.Table.from_pylist(rows, schema=EDGES)
