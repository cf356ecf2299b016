"""Graphs without the contents of their constants, which may be most of a log."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from tbtools.proto.graph_pb2 import AttrValue, GraphDef, MetaGraphDef
from tbtools.proto.tfevents_pb2 import Event, TensorProto

__all__ = ["LARGEST", "without_constants"]

#: Bytes of a constant that stays: TensorBoard, too, shows none that is larger
#: (``prepare_graph_for_ui`` in plugins/graph/graph_util.py of 2.21: ``limit_attr_size``).
LARGEST = 1024


def without_constants(event: Event) -> bytes | None:
    """The event with graphs whose large constants have a type and a shape, but no content.

    None if there is nothing to leave out, or no graph in it that can be read.
    """
    try:
        if event.WhichOneof("what") == "meta_graph_def":
            meta = MetaGraphDef.FromString(event.meta_graph_def)
            if not _strip(meta.graph_def):
                return None
            event.meta_graph_def = meta.SerializeToString()
        else:
            graph = GraphDef.FromString(event.graph_def)
            if not _strip(graph):
                return None
            event.graph_def = graph.SerializeToString()
    except DecodeError:
        return None
    return event.SerializeToString()


def _strip(graph: GraphDef) -> bool:
    found = False
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            if node.op == "Const" and len(node.attr.get("value", b"")) > LARGEST:
                tensor = AttrValue.FromString(node.attr["value"]).tensor
                empty = TensorProto(dtype=tensor.dtype, tensor_shape=tensor.tensor_shape)
                node.attr["value"] = AttrValue(tensor=empty).SerializeToString()
                found = True
    return found
