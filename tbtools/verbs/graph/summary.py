"""What graphs consist of: operations, scopes, devices, variables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.verbs.graph.selection import Graph

__all__ = ["brief", "summary"]

#: Operations that are a variable, whose attribute ``shape`` says how many numbers it holds.
VARIABLES = ("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable")

MOST_OPS = 5  # that the brief form names

SCHEMA = pa.schema(
    {
        "run": pa.string(),
        "graph": pa.string(),
        "source": pa.string(),
        "stage": pa.string(),
        "nodes": pa.int64(),
        "edges": pa.int64(),
        "functions": pa.int64(),
        "depth": pa.int32(),
        "variables": pa.int64(),
        "parameters": pa.int64(),
        "devices": pa.list_(pa.string()),
        "ops": pa.map_(pa.string(), pa.int64()),
    }
)


def summary(graphs: Iterable[Graph]) -> pa.Table:
    """A row per graph, of what was chosen of it.

    ``depth`` is the number of scopes that the deepest node is in, ``ops`` the number of nodes by
    operation, most frequent first. ``parameters`` are the elements of all variables, those that
    an optimizer keeps among them, and null if a graph does not say.
    """
    rows = []
    for graph in graphs:
        table = graph.nodes
        variables, parameters = _variables(table)
        rows.append(
            {
                "run": graph.run,
                "graph": graph.name,
                "source": graph.about["source"],
                "stage": graph.about["stage"],
                "nodes": table.num_rows,
                "edges": graph.edges.num_rows,
                "functions": pc.count_distinct(table["function"].cast(pa.string())).as_py(),
                "depth": pc.max(table["depth"]).as_py(),
                "variables": variables,
                "parameters": parameters,
                "devices": [device for device, _ in _counted(table, "device")],
                "ops": _counted(table, "op"),
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def brief(summaries: pa.Table) -> pa.Table:
    """A summary as people read it: the commonest operations, and only columns with something."""
    ops = [_listed(each) for each in summaries["ops"].to_pylist()]
    devices = [", ".join(each) for each in summaries["devices"].to_pylist()]
    columns = {name: summaries[name] for name in SCHEMA.names if name != "ops"}
    columns["devices"] = pa.chunked_array([pa.array(devices, pa.string())])
    kept = {
        name: column
        for name, column in columns.items()
        if name not in ("stage", "functions", "variables", "parameters", "devices")
        or any(column.to_pylist())
    }
    return pa.table({**kept, "ops": pa.array(ops, pa.string())})


def _listed(ops: Sequence[tuple[str, int]]) -> str:
    text = ", ".join(f"{op} {count:,}" for op, count in ops[:MOST_OPS])
    rest = len(ops) - MOST_OPS
    return f"{text}, {rest} more" if rest > 0 else text


def _counted(table: pa.Table, column: str) -> list[tuple[str, int]]:
    """The distinct values of a column and how often they occur, the commonest first."""
    counts = pc.value_counts(table[column].cast(pa.string()).drop_null()).to_pylist()
    return Counter({each["values"]: each["counts"] for each in counts}).most_common()


def _variables(table: pa.Table) -> tuple[int, int | None]:
    """The number of variables, and of their elements if all shapes are known."""
    own = table.filter(pc.is_in(table["op"].cast(pa.string()), pa.array(VARIABLES)))
    sizes = [_elements(dict(attrs).get("shape", "?")) for attrs in own["attrs"].to_pylist()]
    known = [size for size in sizes if size is not None]
    return len(sizes), sum(known) if known and len(known) == len(sizes) else None


def _elements(shape: str) -> int | None:
    """The number of elements of a shape that is written ``[4,3]``."""
    if not (shape.startswith("[") and shape.endswith("]")):
        return None
    sizes = shape[1:-1].split(",") if shape != "[]" else []
    if not all(size.isdecimal() for size in sizes):
        return None
    product = math.prod(map(int, sizes))
    return product if product < 1 << 63 else None
