"""The tables of graphs, and what their columns mean."""

from __future__ import annotations

import pyarrow as pa

from tbtools.decode.kind import column, table
from tbtools.kinds.graphs.columns import ATTRS, SHAPES, TYPES
from tbtools.schema import LABEL

__all__ = ["EDGES", "GRAPHS", "NODES", "STATS"]

GRAPHS = table(
    "graphs",
    "A row per graph that was written, and one per run metadata without a graph.",
    column(
        "graph",
        pa.string(),
        "What it is called in the other tables: its name, `:` and the step if that is not 0, `@` "
        "and the wall_time. No other graph of the run is called so.",
        nullable=False,
    ),
    column(
        "name",
        LABEL,
        "What it was written as: `graph_def`, `meta_graph_def` or the tag.",
        nullable=False,
    ),
    column(
        "source",
        LABEL,
        "`graph_def`, `meta_graph_def`, `run_metadata` or `keras_model`.",
        nullable=False,
    ),
    column(
        "stage",
        LABEL,
        "Of run metadata: null for what TensorBoard shows, all functions as they were before they "
        "were optimized; `optimized`, or `partition` for what one device was given.",
    ),
    column("nodes", pa.int64(), "Rows of `graph_nodes`.", nullable=False),
    column("edges", pa.int64(), "Rows of `graph_edges`.", nullable=False),
    column("functions", pa.int64(), "Functions in its library.", nullable=False),
    column("producer", pa.int32(), "Version of the graph format, as the writer gives it."),
    column("made_by", pa.string(), "Version of TensorFlow or Keras, if the graph names it."),
    column("plugin", LABEL, "Plugin that the tag's metadata names; null where there is no tag."),
    column(
        "definition",
        pa.binary(),
        "What was written, byte for byte: a GraphDef, MetaGraphDef or RunMetadata, or the JSON of "
        "a Keras model. Null for what has a `stage`: it is in the row without one.",
    ),
    keys=("run", "step", "wall_time"),
)

NODES = table(
    "graph_nodes",
    "A row per node of a graph and of the functions in its library. Run, graph, function and name "
    "identify it.",
    column("graph", LABEL, "As in `graphs`.", nullable=False),
    column("function", LABEL, "Function in whose body it is; null: in the graph itself."),
    column("name", pa.string(), "Full name, scopes and all.", nullable=False),
    column(
        "op",
        LABEL,
        "Operation, or class of a Keras layer. `_Arg` and `_Retval` are arguments and results of "
        "a function.",
    ),
    column("scope", LABEL, "The name up to the last `/`; empty at the top.", nullable=False),
    column("depth", pa.int32(), "Number of scopes that it is in.", nullable=False),
    column("device", LABEL, "Device that was asked for."),
    column(
        "inputs",
        pa.list_(pa.string()),
        "As written: `node`, `node:port`, or `^node` for a control input.",
        nullable=False,
    ),
    column(
        "attrs",
        ATTRS,
        "Attributes as text; of those over 1024 bytes, and of tensors over 16 elements, size and "
        "SHA-256.",
        nullable=False,
    ),
    column(
        "output_types",
        TYPES,
        "A type per output; null if not known: a graph does not say, but for common operations "
        "and those that a meta_graph_def defines it follows from the attributes.",
    ),
    column(
        "output_shapes",
        SHAPES,
        "A shape per output; null if not known, as is a size or a whole shape inside.",
    ),
    keys=("run",),
)

EDGES = table(
    "graph_edges",
    "A row per input of a node. Run, graph, function, target and target_index identify it.",
    column("graph", LABEL, "As in `graphs`.", nullable=False),
    column("function", LABEL, "Function in whose body it is; null: in the graph itself."),
    column("source", LABEL, "Name of the node that it comes from.", nullable=False),
    column("source_output", LABEL, "In a function: name of the output that it comes from."),
    column("source_port", pa.int64(), "Number of the output, from 0; null for control edges."),
    column("target", LABEL, "Name of the node that it goes to.", nullable=False),
    column("target_index", pa.int32(), "Which of its inputs it is, from 0.", nullable=False),
    column("control", pa.bool_(), "Whether it only says what is done first.", nullable=False),
    keys=("run",),
)

STATS = table(
    "node_stats",
    "A row per execution of a node that run metadata measured. Names are those of `graph_nodes`.",
    column("graph", LABEL, "The run metadata, as in `graphs`.", nullable=False),
    column("device", LABEL, "Device that it ran on.", nullable=False),
    column("node", pa.string(), "Name of the node.", nullable=False),
    column("label", pa.string(), "What the timeline calls it."),
    column("thread", pa.string(), "Name of the thread, or its number."),
    column("scheduled_us", pa.int64(), "When it was scheduled, microseconds since the epoch."),
    column("start_us", pa.int64(), "When it began, microseconds since the epoch.", nullable=False),
    column("duration_us", pa.int64(), "From begin to end, in microseconds.", nullable=False),
    column("op_start_us", pa.int64(), "When its kernel began, after start_us.", nullable=False),
    column("op_duration_us", pa.int64(), "How long its kernel took."),
    column("memory_bytes", pa.int64(), "Bytes allocated in all, by all allocators."),
    column("peak_bytes", pa.int64(), "The most at once, summed over allocators."),
    column("output_types", TYPES, "A type per output.", nullable=False),
    column("output_shapes", SHAPES, "A shape per output.", nullable=False),
    keys=("run", "step"),
)
