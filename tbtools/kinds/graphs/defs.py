"""GraphDefs → nodes and edges: the graph itself, then the bodies of the functions in its library.

Names, inputs and ports are as TensorFlow writes them (docs/graphs.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tbtools.decode.tensor_values import type_name
from tbtools.kinds.graphs.attrs import AttrTexts, Shape, shapes_of
from tbtools.kinds.graphs.columns import GraphColumns
from tbtools.kinds.graphs.ops import BUILT_IN, output_types, rules_of
from tbtools.proto.graph_pb2 import FunctionDef, GraphDef, NodeDef, OpDef

__all__ = ["OUTPUT_SHAPES", "add_graph_def", "add_graph_defs"]

OUTPUT_SHAPES = "_output_shapes"

#: Operations of one output, and the attribute that has its shape if ``_output_shapes`` does not.
SHAPES_IN = {
    "Const": "value",
    "Placeholder": "shape",
    "PlaceholderV2": "shape",
    "PlaceholderWithDefault": "shape",
    "TemporaryVariable": "shape",
    "Variable": "shape",
    "VariableV2": "shape",
}

#: Graphs older than this say "a scalar" of a placeholder where they mean "any shape".
SCALARS_ARE_SCALARS = 24  # VersionDef.producer

MOST_CACHED = 1 << 16


def add_graph_defs(columns: GraphColumns, graphs: Sequence[GraphDef]) -> None:
    """Graphs that are shown as one: with several, the names of each get a prefix.

    It is TensorBoard's own, ``graph_1/`` for nodes and ``graph_1_`` for functions.
    """
    if len(graphs) == 1:
        add_graph_def(columns, graphs[0])
        return
    for number, graph in enumerate(graphs, 1):
        add_graph_def(columns, graph, prefix=f"graph_{number}")


def add_graph_def(
    columns: GraphColumns,
    graph: GraphDef,
    definitions: Sequence[OpDef] = (),
    prefix: str = "",
) -> None:
    """A graph. ``definitions`` are those of its operations, as far as the log has them."""
    functions = frozenset(function.signature.name for function in graph.library.function)

    def rename(function: str) -> str:
        return f"{prefix}_{function}" if prefix and function in functions else function

    signatures = rules_of(function.signature for function in graph.library.function)
    adder = _NodeAdder(
        columns,
        rules={**BUILT_IN, **rules_of(definitions), **signatures},
        texts=AttrTexts(rename),
        prefix=f"{prefix}/" if prefix else "",
        producer=graph.versions.producer,
    )
    columns.begin_function(None)
    adder.add(graph.node)
    adder.prefix = ""
    for function in graph.library.function:
        columns.begin_function(rename(function.signature.name))
        adder.add_body(function)


@dataclass
class _NodeAdder:
    """Adds the nodes of one graph."""

    columns: GraphColumns
    rules: Mapping[str, str]
    texts: AttrTexts
    prefix: str
    producer: int

    def __post_init__(self) -> None:
        self._known_shapes: dict[bytes, tuple[Shape, ...] | None] = {}

    def add(self, nodes: Iterable[NodeDef]) -> None:
        """Nodes of the graph, or of the function that was begun."""
        # Reading a large graph is this loop: it only appends, and looks up what is known.
        columns, texts, prefix, rules = self.columns, self.texts, self.prefix, self.rules
        names, ops, devices = columns.names, columns.ops, columns.devices
        inputs, keys, values = columns.inputs, columns.keys, columns.texts
        for node in nodes:
            op = node.op
            ops.append(op)
            names.append(prefix + node.name)
            devices.append(node.device)
            inputs += [self._prefixed(each) for each in node.input] if prefix else node.input
            columns.input_ends.append(len(inputs))
            attr = node.attr
            attrs = {}
            shapes = None
            for key in sorted(attr):  # protobuf gives them in any order
                raw = attr[key]
                if key == OUTPUT_SHAPES:
                    shapes = self._shapes_of(raw)
                    if shapes is not None:
                        continue
                attrs[key] = texts[raw]
            keys += attrs
            values += attrs.values()
            columns.attr_ends.append(len(keys))
            if shapes is None and op in SHAPES_IN:
                shapes = self._own_shape(op, attr)
            columns.shapes.append(shapes)
            columns.types.append(output_types(rules[op], attrs) if op in rules else None)

    def _prefixed(self, name: str) -> str:
        return "^" + self.prefix + name[1:] if name.startswith("^") else self.prefix + name

    def _shapes_of(self, raw: bytes) -> tuple[Shape, ...] | None:
        try:
            return self._known_shapes[raw]
        except KeyError:
            shapes = shapes_of(raw)
            if len(self._known_shapes) < MOST_CACHED:
                self._known_shapes[raw] = shapes
            return shapes

    def _own_shape(self, op: str, attr: Mapping[str, bytes]) -> tuple[Shape, ...] | None:
        key = SHAPES_IN[op]
        if key not in attr:
            return None
        shapes = shapes_of(attr[key]) if op == "Const" else self._shapes_of(attr[key])
        if shapes == ((),) and op == "Placeholder" and self.producer < SCALARS_ARE_SCALARS:
            return None
        return shapes

    def add_body(self, function: FunctionDef) -> None:
        """The nodes of a function, with one more for each of its arguments and results.

        These are named as TensorFlow names them when it calls the function.
        """
        for argument in function.signature.input_arg:
            types = (type_name(argument.type),) if argument.type else None
            self.columns.add(argument.name, "_Arg", types=types)
        self.add(function.node_def)
        results = function.ret
        for result in function.signature.output_arg:
            inputs = [results[result.name]] if result.name in results else []
            attrs = {"T": type_name(result.type)} if result.type else {}
            self.columns.add(f"{result.name}_RetVal", "_Retval", inputs, attrs, types=())
