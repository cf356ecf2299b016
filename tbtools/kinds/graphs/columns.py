"""Nodes and edges of graphs as columns, while they grow.

Columns and not rows: a graph may have hundreds of thousands of nodes. What the inputs of a node
say is taken apart by Arrow, for all of them at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.kinds.graphs.attrs import Shape

__all__ = ["ATTRS", "SHAPES", "TYPES", "GraphColumns"]

ATTRS = pa.map_(pa.string(), pa.string())
TYPES = pa.list_(pa.string())
SHAPES = pa.list_(pa.list_(pa.int64()))

#: ``node:port``, or in the body of a function ``node:argument:port``. Anything else is a name.
_WITH_PORT = r"^(?P<node>[^:]+):(?:(?P<output>\w+):)?(?P<port>[0-9]{1,18})$"


class GraphColumns:
    """The rows of ``graph_nodes`` and ``graph_edges``.

    Whoever adds many nodes appends to the columns itself: one element to each of ``names``,
    ``ops``, ``devices``, ``types`` and ``shapes``, any number to ``inputs`` (written as in a
    NodeDef), ``keys`` and ``texts``, and then the lengths of these to ``input_ends`` and
    ``attr_ends``.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.ops: list[str] = []
        self.devices: list[str] = []
        self.types: list[tuple[str, ...] | None] = []
        self.shapes: list[tuple[Shape, ...] | None] = []
        self.inputs: list[str] = []
        self.input_ends = array("i", [0])
        self.keys: list[str] = []
        self.texts: list[str] = []
        self.attr_ends = array("i", [0])
        # Stretches of nodes that share event, graph and function, and where each begins.
        self._stretches: list[tuple[int, str, str | None]] = []
        self._begins: list[int] = []

    def begin(self, event: int, graph: str) -> None:
        """What is added from here on is of this graph."""
        self._begin(event, graph, None)

    def begin_function(self, name: str | None) -> None:
        """What is added from here on is in the body of a function; with None, in the graph."""
        event, graph, _ = self._stretches[-1]
        self._begin(event, graph, name)

    def _begin(self, event: int, graph: str, function: str | None) -> None:
        self._stretches.append((event, graph, function))
        self._begins.append(len(self.names))

    def add(
        self,
        name: str,
        op: str,
        inputs: Sequence[str] = (),
        attrs: Mapping[str, str] | None = None,
        types: tuple[str, ...] | None = None,
        shapes: tuple[Shape, ...] | None = None,
    ) -> None:
        """A node, and an edge for each of its inputs."""
        self.names.append(name)
        self.ops.append(op)
        self.devices.append("")
        self.types.append(types)
        self.shapes.append(shapes)
        self.inputs += inputs
        self.input_ends.append(len(self.inputs))
        if attrs:
            self.keys += attrs
            self.texts += attrs.values()
        self.attr_ends.append(len(self.keys))

    def arrays(self) -> tuple[_Made, _Made]:
        """For ``graph_nodes`` and for ``graph_edges``: the event of each row, and the columns."""
        numbers = array("i")
        for number, (begin, end) in enumerate(pairwise([*self._begins, len(self.names)])):
            numbers += array("i", [number]) * (end - begin)
        stretch = _integers(numbers)
        events, graphs, functions = zip(*self._stretches, strict=True)
        event = pa.array(events, pa.int64()).take(stretch)
        shared = {
            "graph": pa.array(graphs, pa.string()).dictionary_encode().take(stretch),
            "function": pa.array(functions, pa.string()).dictionary_encode().take(stretch),
        }
        names = pa.array(self.names, pa.string())
        inputs = pa.ListArray.from_arrays(
            _integers(self.input_ends), pa.array(self.inputs, pa.string())
        )
        scopes = pc.replace_substring_regex(names, "/?[^/]*$", "", max_replacements=1)
        attrs = pa.MapArray.from_arrays(
            _integers(self.attr_ends),
            pa.array(self.keys, pa.string()),
            pa.array(self.texts, pa.string()),
        )
        nodes = {
            **shared,
            "name": names,
            "op": _labels(self.ops),
            "scope": scopes.dictionary_encode(),
            "depth": pc.count_substring(names, "/"),
            "device": _labels(self.devices),
            "inputs": inputs,
            "attrs": attrs,
            "output_types": _values(self.types, TYPES),
            "output_shapes": _values(self.shapes, SHAPES),
        }
        target = pc.list_parent_indices(inputs)
        of_target = {name: column.take(target) for name, column in shared.items()}
        edges = {**of_target, **_edges(names, inputs, target)}
        return (event, nodes), (event.take(target), edges)


_Made = tuple[pa.Array, Mapping[str, pa.Array]]


def _edges(names: pa.Array, inputs: pa.ListArray, target: pa.Array) -> dict[str, pa.Array]:
    """The columns of edges: those of their own ends."""
    texts = inputs.flatten()
    control = pc.starts_with(texts, "^")
    source = pc.if_else(control, pc.utf8_slice_codeunits(texts, 1), texts)
    port = pc.if_else(control, pa.scalar(None, pa.int64()), pa.scalar(0, pa.int64()))
    output = pa.nulls(len(texts), pa.string())
    may_have_port = pc.and_not(pc.match_substring(texts, ":"), control)
    at = pc.indices_nonzero(may_have_port)
    if len(at):
        found = pc.extract_regex(texts.take(at), _WITH_PORT)
        has_port = found.is_valid()
        at, found = at.filter(has_port), found.filter(has_port)
        mask = _mask(at, len(texts))
        node, argument, number = found.flatten()
        source = pc.replace_with_mask(source, mask, node)
        port = pc.replace_with_mask(port, mask, number.cast(pa.int64()))
        argument = pc.if_else(pc.equal(argument, ""), pa.scalar(None, pa.string()), argument)
        output = pc.replace_with_mask(output, mask, argument)
    first = inputs.offsets.take(target)
    index = pc.subtract(_integers(array("i", range(len(texts)))), first)
    return {
        "source": source.dictionary_encode(),
        "source_output": output.dictionary_encode(),
        "source_port": port,
        "target": pa.DictionaryArray.from_arrays(target.cast(pa.int32()), names),
        "target_index": index,
        "control": control,
    }


def _mask(indices: pa.Array, length: int) -> pa.BooleanArray:
    mask = bytearray(length)
    for index in indices.to_pylist():
        mask[index] = 1
    return pa.Array.from_buffers(pa.uint8(), length, [None, pa.py_buffer(mask)]).cast(pa.bool_())


def _integers(values: array[int]) -> pa.Int32Array:
    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])


def _labels(texts: list[str]) -> pa.DictionaryArray:
    """A column of few distinct strings, null where there is none."""
    column = pa.array(texts, pa.string())
    return pc.if_else(
        pc.equal(column, ""), pa.scalar(None, pa.string()), column
    ).dictionary_encode()


def _values(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """A column of values of which few are distinct."""
    numbers: dict[Any, int] = {}
    rows = array("i", [numbers.setdefault(value, len(numbers)) for value in values])
    return pa.array(list(numbers), kind).take(_integers(rows))
