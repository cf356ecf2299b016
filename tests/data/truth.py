"""What TensorBoard's own loader and plugins read of a log, value by value.

Each value is a row: run, step, wall_time, tag, plugin; then for a tensor dtype, shape, ``values``
or ``strings`` (the SHA-256 of each) and, of more than a number, the ``sha256`` of the whole tensor;
then what the plugin says.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import config_pb2, graph_pb2, meta_graph_pb2, types_pb2
from tensorboard.plugins.graph import graph_util, keras_util
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.util import tensor_util

Row = dict[str, Any]

#: A tensor whose shape claims more elements is not built.
MOST_ELEMENTS = 1_000_000


def write_truth(logdir: Path, target: Path) -> None:
    """A line of JSON per value, in the order of runs, files and records."""
    with target.open("w", encoding="utf-8") as file:
        for path in sorted(logdir.rglob("*tfevents*")):
            run = path.parent.relative_to(logdir).as_posix()
            for event in EventFileLoader(str(path)).Load():
                row = {"run": run, "step": event.step, "wall_time": event.wall_time}
                for value in event.summary.value:
                    file.write(json.dumps(row | of_value(value)) + "\n")
                if event.WhichOneof("what") == "meta_graph_def":
                    file.write(json.dumps(row | of_meta_graph(event.meta_graph_def)) + "\n")


def of_value(value: Any) -> Row:
    """Tag, plugin and content of a value as TensorBoard's migration leaves it."""
    plugin = value.metadata.plugin_data.plugin_name
    found: Row = {"tag": value.tag, "plugin": plugin}
    if value.HasField("tensor"):
        tensor = value.tensor
        found["dtype"] = types_pb2.DataType.Name(tensor.dtype).removeprefix("DT_").lower()
        found["shape"] = [dim.size for dim in tensor.tensor_shape.dim]
        found |= _strings(tensor) if tensor.dtype == types_pb2.DT_STRING else _numbers(tensor)
    try:
        if plugin == metadata.PLUGIN_NAME:
            found["hparams"] = of_hparams(value.metadata.plugin_data.content)
        if plugin in GRAPHS:
            found["graph"] = of_graph(GRAPHS[plugin](value.tensor.string_val[0]))
    except (DecodeError, KeyError, TypeError, ValueError, metadata.error.HParamsError) as problem:
        found["error"] = type(problem).__name__
    return found


def _strings(tensor: Any) -> Row:
    """The SHA-256 of each string, and of all with their lengths before them."""
    joined = b"".join(len(each).to_bytes(8, "little") + each for each in tensor.string_val)
    return {
        "strings": [hashlib.sha256(each).hexdigest() for each in tensor.string_val],
        "sha256": hashlib.sha256(joined).hexdigest(),
    }


def _numbers(tensor: Any) -> Row:
    """The elements, NaN and infinities as text, and the SHA-256 of their own bytes.

    ``values`` is None where TensorBoard itself cannot build the tensor; ``error`` says why.
    """
    if math.prod(dim.size for dim in tensor.tensor_shape.dim) > MOST_ELEMENTS:
        return {"values": None, "error": "too large"}
    try:
        array = tensor_util.make_ndarray(tensor)
    except (OverflowError, TypeError, ValueError) as problem:
        return {"values": None, "error": type(problem).__name__}
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    if array.dtype.kind == "c":
        pairs = [[_number(each.real), _number(each.imag)] for each in array.flatten()]
        return {"values": None, "complex": pairs, "sha256": digest}
    values = [_number(each) for each in array.flatten()]
    return {"values": values} | ({"sha256": digest} if len(values) > 1 else {})


def _number(value: Any) -> float | str:
    """A float, or text for what JSON has no number for."""
    number = float(value)
    return number if math.isfinite(number) else str(number)


def of_hparams(content: bytes) -> Row:
    """The experiment, the start or the end of a session, as the hparams plugin parses it."""
    kind = plugin_data_pb2.HParamsPluginData.FromString(content).WhichOneof("data")
    parse = {
        "experiment": metadata.parse_experiment_plugin_data,
        "session_start_info": metadata.parse_session_start_info_plugin_data,
        "session_end_info": metadata.parse_session_end_info_plugin_data,
    }[kind or ""]
    found: Row = json_format.MessageToDict(parse(content), preserving_proto_field_name=True)
    if "hparams" in found:
        found["hparams"] = dict(sorted(found["hparams"].items()))
    return {"kind": kind, **found}


def of_graph(graph: Any) -> Row:
    """The size of a graph: nodes, edges (inputs, of which some are control), ops, functions."""
    inputs = [name for node in graph.node for name in node.input]
    functions = graph.library.function
    return {
        "nodes": len(graph.node),
        "edges": len(inputs),
        "control": sum(name.startswith("^") for name in inputs),
        "ops": dict(sorted(Counter(map(_op, graph.node)).items())),
        "functions": len(functions),
        "function_nodes": sum(len(function.node_def) for function in functions),
        "function_edges": sum(len(node.input) for each in functions for node in each.node_def),
    }


def _op(node: Any) -> str:
    """The op, or of a Keras layer its class."""
    return node.op or node.attr["keras_class"].s.decode()


def of_meta_graph(content: bytes) -> Row:
    """The graph in a MetaGraphDef, which TensorBoard shows where there is no other graph."""
    meta = meta_graph_pb2.MetaGraphDef.FromString(content)
    return {"tag": "", "plugin": "meta_graph_def", "graph": of_graph(meta.graph_def)}


def _keras(content: bytes) -> Any:
    return keras_util.keras_model_to_graph_def(json.loads(content))


def _functions(content: bytes) -> Any:
    functions = config_pb2.RunMetadata.FromString(content).function_graphs
    return graph_util.merge_graph_defs([each.pre_optimization_graph for each in functions])


#: How the graphs plugin makes a graph of the string of a value.
GRAPHS = {
    "graphs": graph_pb2.GraphDef.FromString,
    "graph_keras_model": _keras,
    "graph_run_metadata_graph": _functions,
}
