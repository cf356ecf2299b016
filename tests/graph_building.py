"""GraphDefs in few words. For tests of graphs.

``graph(node("y", "MatMul", "x", "w:1", T=dtype(1)))`` is a GraphDef of one node.
"""

from __future__ import annotations

from collections.abc import Sequence

from event_writing import EventFile
from tensor_building import shape_proto, tensor_proto

from tbtools.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef

FLOAT, INT32, BOOL = 1, 3, 10


def node(name: str, op: str, *inputs: str, device: str = "", **attrs: AttrValue) -> NodeDef:
    """A node."""
    made = NodeDef(name=name, op=op, input=inputs, device=device)
    for key, value in attrs.items():
        made.attr[key] = value.SerializeToString()
    return made


def graph(*nodes: NodeDef, functions: Sequence[FunctionDef] = (), producer: int = 0) -> GraphDef:
    """A graph and its library."""
    made = GraphDef(node=nodes)
    made.library.function.extend(functions)
    made.versions.producer = producer
    return made


def function(
    name: str, takes: Sequence[str], gives: dict[str, str], *nodes: NodeDef
) -> FunctionDef:
    """A function of float32; ``gives`` says of each result what it is."""
    made = FunctionDef(node_def=nodes, ret=gives)
    made.signature.name = name
    for each in takes:
        made.signature.input_arg.add(name=each, type=FLOAT)
    for each in gives:
        made.signature.output_arg.add(name=each, type=FLOAT)
    return made


def dtype(number: int) -> AttrValue:
    """An attribute that is a type."""
    return AttrValue(type=number)


def dtypes(*numbers: int) -> AttrValue:
    """An attribute that is a list of types."""
    return AttrValue(list=AttrValue.ListValue(type=numbers))


def shape(*sizes: int) -> AttrValue:
    """An attribute that is a shape."""
    return AttrValue(shape=shape_proto(sizes))


def shapes(*each: Sequence[int] | None) -> AttrValue:
    """An attribute that is a list of shapes."""
    return AttrValue(list=AttrValue.ListValue(shape=map(shape_proto, each)))


def tensor(number: int, sizes: Sequence[int], content: bytes = b"") -> AttrValue:
    """An attribute that is a tensor."""
    return AttrValue(tensor=tensor_proto(number, sizes, tensor_content=content))


def small_model(units: int = 3, *, device: str = "/gpu:0") -> GraphDef:
    """A dense layer and its loss: seven nodes, two of them in scopes."""
    return graph(
        node("x", "Placeholder", dtype=dtype(FLOAT), shape=shape(-1, 4)),
        node("dense/kernel", "VariableV2", dtype=dtype(FLOAT), shape=shape(4, units)),
        node("dense/MatMul", "MatMul", "x", "dense/kernel", device=device, T=dtype(FLOAT)),
        node("dense", "Relu", "dense/MatMul", device=device, T=dtype(FLOAT)),
        node("init", "NoOp", "^dense/kernel"),
        node("loss/axis", "Const", dtype=dtype(INT32), value=tensor(INT32, (), b"\1\0\0\0")),
        node("loss", "Sum", "dense", "loss/axis:0", "^init", T=dtype(FLOAT)),
        producer=1000,
    )


def log_of(file: EventFile, *graphs: GraphDef, at: float = 1000.5) -> EventFile:
    """A file with these graphs, a second apart."""
    for number, each in enumerate(graphs):
        file.what("graph_def", each.SerializeToString(), wall_time=at + number)
    return file
