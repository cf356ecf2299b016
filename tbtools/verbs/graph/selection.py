"""Which graphs of logs, and which parts of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import NothingFoundError, UsageError, nearest
from tbtools.kinds import table_specs
from tbtools.tables.logs import TableSet

__all__ = ["Graph", "graphs_of", "joined", "one_of", "path_of", "plain_name"]

#: Where TensorBoard puts the functions of a graph's library.
LIBRARY = "__function_library__"

SPECS = {name: table_specs()[name] for name in ("graphs", "graph_nodes", "graph_edges")}


@dataclass(frozen=True)
class Graph:
    """A graph, or what was chosen of it: its rows of ``graph_nodes`` and ``graph_edges``.

    ``about`` is its row of ``graphs``.
    """

    run: str
    name: str
    about: Mapping[str, Any]
    nodes: pa.Table
    edges: pa.Table


def plain_name(about: Mapping[str, Any]) -> str:
    """What a graph is called without step and time, from its row of ``graphs``."""
    name: str = about["graph"].rpartition("@")[0]
    return name.removesuffix(f":{about['step']}") if about["step"] else name


def path_of(function: str | None, name: str) -> str:
    """A node's place among all, as in TensorBoard: functions are scopes of their own."""
    return name if function is None else f"{LIBRARY}{function}/{name}"


def graphs_of(logs: TableSet, graph: str | Sequence[str] = (), scope: str = "") -> list[Graph]:
    """The graphs of logs in the order in which they were written, run by run.

    ``graph`` are globs of names, with or without step and time; ``scope`` is the name of a scope,
    or of one node, outside of which nothing is wanted but the ends of edges that lead there.
    Raises NothingFoundError, and UsageError for a dataset without the table ``graphs``.
    """
    globs = [graph] if isinstance(graph, str) else list(graph)
    if "graphs" not in logs:
        raise UsageError("this dataset was exported without the table 'graphs'")
    found: dict[str, dict[tuple[str, str], list[pa.Table]]] = {name: {} for name in SPECS}
    for name, batch in logs.scan([name for name in SPECS if name in logs]):
        if "definition" in batch.schema.names:  # which may be large
            batch = batch.drop_columns(["definition"])
        for key, part in _by_graph(pa.Table.from_batches([batch])):
            if _matches(key[1], globs):
                found[name].setdefault(key, []).append(part)
    if not found["graphs"]:
        raise NothingFoundError("no graph" + (f" matches {' or '.join(globs)}" if globs else ""))
    graphs = [
        Graph(
            *key,
            parts[0].to_pylist()[0],
            joined("graph_nodes", found["graph_nodes"].get(key, [])),
            joined("graph_edges", found["graph_edges"].get(key, [])),
        )
        for key, parts in found["graphs"].items()
    ]
    if not scope.strip("/"):
        return graphs
    inside = [_inside(each, scope.strip("/")) for each in graphs]
    inside = [each for each in inside if each.nodes.num_rows]
    if not inside:
        raise NothingFoundError(f"no graph has a scope {scope!r}{_near_scopes(graphs, scope)}")
    return inside


def one_of(graphs: Sequence[Graph]) -> Graph:
    """The only graph that has nodes. Raises UsageError if there are several, or none."""
    drawn = [graph for graph in graphs if graph.nodes.num_rows]
    if len(drawn) == 1:
        return drawn[0]
    if not drawn:
        raise NothingFoundError(f"{graphs[0].name} in run {graphs[0].run!r} has no nodes")
    listed = [f"{graph.name} (run {graph.run})" for graph in drawn[:5]]
    more = f" and {len(drawn) - 5} more" if len(drawn) > 5 else ""
    raise UsageError(
        f"{len(drawn)} graphs, and this format is for one: {', '.join(listed)}{more}; "
        "choose by --run and --graph"
    )


def joined(name: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Rows of the table of this name, one part after the other."""
    if not parts:
        return SPECS[name].schema.empty_table()
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _by_graph(table: pa.Table) -> Iterable[tuple[tuple[str, str], pa.Table]]:
    """The stretches of a table that are of one graph."""
    runs, names = _codes(table["run"]), _codes(table["graph"])
    differs = pc.or_(
        pc.not_equal(runs[1:], runs[:-1]),
        pc.not_equal(names[1:], names[:-1]),
    )
    begins = [0, *(index + 1 for index in pc.indices_nonzero(differs).to_pylist())]
    for begin, end in pairwise([*begins, table.num_rows]):
        key = (table["run"][begin].as_py(), table["graph"][begin].as_py())
        yield key, table.slice(begin, end - begin)


def _codes(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks().dictionary_encode().indices


def _matches(name: str, globs: Sequence[str]) -> bool:
    if not globs:
        return True
    timeless = name.rpartition("@")[0]
    names = {name, timeless, re.sub(r":-?\d+$", "", timeless)}
    return any(each == glob or fnmatchcase(each, glob) for glob in globs for each in names)


def _inside(graph: Graph, scope: str) -> Graph:
    within = _in_scope(graph.nodes, "name", scope)
    touching = pc.or_(
        _in_scope(graph.edges, "source", scope), _in_scope(graph.edges, "target", scope)
    )
    return Graph(
        graph.run,
        graph.name,
        graph.about,
        graph.nodes.filter(within),
        graph.edges.filter(touching),
    )


def _in_scope(table: pa.Table, column: str, scope: str) -> pa.ChunkedArray:
    """Whether the path of each node that a column names is in a scope."""
    paths = _paths(table, column)
    return pc.or_(pc.equal(paths, scope), pc.starts_with(paths, f"{scope}/"))


def _paths(table: pa.Table, column: str) -> pa.ChunkedArray:
    names = table[column].cast(pa.string())
    functions = table["function"].cast(pa.string())
    prefixes = pc.fill_null(pc.binary_join_element_wise(LIBRARY, functions, "/", ""), "")
    return pc.binary_join_element_wise(prefixes, names, "")


def _near_scopes(graphs: Sequence[Graph], scope: str) -> str:
    known: set[str] = set()
    for graph in graphs:
        known.update(pc.unique(graph.nodes["scope"].cast(pa.string())).to_pylist())
    near = nearest(scope, sorted(known - {""}))
    return f"; nearest: {', '.join(near)}" if near else ""
