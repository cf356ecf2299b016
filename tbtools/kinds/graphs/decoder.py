"""Graphs, in whatever field or tensor they come → rows of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from tbtools.decode.kind import Decoded, Events
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_values import RefusedError, strings, tensor_of, type_name
from tbtools.kinds.graphs.attrs import sizes_of
from tbtools.kinds.graphs.columns import GraphColumns
from tbtools.kinds.graphs.defs import add_graph_def, add_graph_defs
from tbtools.kinds.graphs.keras import model_of
from tbtools.kinds.graphs.tables import EDGES, GRAPHS, NODES, STATS
from tbtools.proto.graph_pb2 import GraphDef, MetaGraphDef, RunMetadata, StepStats
from tbtools.proto.tfevents_pb2 import SummaryMetadata, TaggedRunMetadata

__all__ = ["CHECKED", "decode"]

#: Plugins of which TensorBoard only takes values whose metadata has this content.
CONTENT = b"1"
CHECKED = frozenset({"graph_run_metadata", "graph_run_metadata_graph", "graph_keras_model"})

M = TypeVar("M", bound=Message)


class _Event(NamedTuple):
    """One event: what its graphs are named after."""

    number: int
    tag: str | None
    step: int
    wall_time: float
    plugin: str | None = None

    def graph(self, name: str, part: str = "") -> str:
        """What a graph of this name, or a part of it, is called."""
        step = f":{self.step}" if self.step else ""
        wall_time = repr(self.wall_time).removesuffix(".0")
        return f"{name}{part}{step}@{wall_time}"


def decode(events: Events) -> Decoded:
    """The rows of each event that holds what its field or plugin says."""
    decoder = _Decoder(events.wants("definition"))
    keys = [events.keys[name].to_pylist() for name in ("tag", "step", "wall_time")]
    refused = []
    for index, (*key, field) in enumerate(zip(*keys, events.field.to_pylist(), strict=True)):
        payload, metadata = events.payload[index].as_py(), events.metadata[index].as_py()
        try:
            decoder.add(_Event(index, *key), field, payload, metadata)
        except RefusedError as reason:
            refused.append((index, str(reason)))
    return Decoded(decoder.tables(), refused)


def _parsed(message: type[M], content: bytes, what: str) -> M:
    try:
        return message.FromString(content)
    except DecodeError:
        raise RefusedError(f"not {what}") from None


class _Decoder:
    """Makes the rows of all tables. An event is refused before anything of it is added."""

    def __init__(self, keeps_definitions: bool) -> None:
        self._keeps_definitions = keeps_definitions
        self._graphs = Rows(GRAPHS)
        self._columns = GraphColumns()
        self._stats = Rows(STATS)

    def tables(self) -> dict[str, Any]:
        """What belongs into Decoded.tables."""
        tables = {**self._graphs.made(), **self._stats.made()}
        if self._columns.names:
            nodes, edges = self._columns.arrays()
            tables[NODES.name] = nodes
            if len(edges[0]):
                tables[EDGES.name] = edges
        return tables

    def add(self, event: _Event, field: str, payload: bytes | None, metadata: bytes | None) -> None:
        """The rows of an event. Raises RefusedError."""
        if field == "graph_def":
            self._graph_def(event, "graph_def", payload or b"")
        elif field == "meta_graph_def":
            self._meta_graph_def(event, payload or b"")
        elif field == "tagged_run_metadata":
            tagged = _parsed(TaggedRunMetadata, payload or b"", "tagged run metadata")
            self._run_metadata(event, tagged.tag or field, tagged.run_metadata)
        else:
            self._tensor(event, payload, metadata)

    def _tensor(self, event: _Event, payload: bytes | None, metadata: bytes | None) -> None:
        about = _parsed(SummaryMetadata, metadata or b"", "readable metadata").plugin_data
        plugin = about.plugin_name
        if plugin in CHECKED and about.content != CONTENT:
            raise RefusedError(f"the content of {plugin} is not '1', the only version known")
        values = strings(tensor_of(payload)).values
        if len(values) != 1:
            raise RefusedError(f"{len(values)} strings, not the one that a graph is")
        name = event.tag or plugin
        event = event._replace(plugin=plugin)
        if plugin == "graphs":
            self._graph_def(event, name, values[0])
        elif plugin == "graph_keras_model":
            self._keras_model(event, name, values[0])
        else:
            self._run_metadata(event, name, values[0])

    def _graph_def(self, event: _Event, name: str, content: bytes) -> None:
        graph = _parsed(GraphDef, content, "a GraphDef")
        self._add(event, name, [graph], definition=content, source="graph_def")

    def _meta_graph_def(self, event: _Event, content: bytes) -> None:
        meta = _parsed(MetaGraphDef, content, "a MetaGraphDef")
        info = meta.meta_info_def
        self._add(
            event,
            "meta_graph_def",
            [meta.graph_def],
            lambda: add_graph_def(self._columns, meta.graph_def, info.stripped_op_list.op),
            definition=content,
            source="meta_graph_def",
            made_by=info.tensorflow_version and f"TensorFlow {info.tensorflow_version}",
        )

    def _run_metadata(self, event: _Event, name: str, content: bytes) -> None:
        run = _parsed(RunMetadata, content, "a RunMetadata")
        shown = [each.pre_optimization_graph for each in run.function_graphs]
        self._add(event, name, shown, definition=content, source="run_metadata")
        for part, stage, graph in _further_graphs(run):
            self._add(event, name, [graph], part=part, source="run_metadata", stage=stage)
        self._add_stats(event, event.graph(name), run.step_stats)

    def _keras_model(self, event: _Event, name: str, content: bytes) -> None:
        model = model_of(content)

        def add() -> None:
            for layer in model.layers:
                inputs = [f"{source}:{port}" if port else source for source, port in layer.inputs]
                self._columns.add(
                    layer.name, layer.class_name, inputs, layer.attrs, layer.types, layer.shapes
                )

        made_by = model.version and f"Keras {model.version}"
        self._add(event, name, [], add, definition=content, source="keras_model", made_by=made_by)

    def _add(
        self,
        event: _Event,
        name: str,
        graphs: list[GraphDef],
        add: Callable[[], None] | None = None,
        part: str = "",
        definition: bytes | None = None,
        **about: str | None,
    ) -> None:
        """A graph: what ``add`` adds, or these GraphDefs as one."""
        columns = self._columns
        called = event.graph(name, part)
        nodes, edges = len(columns.names), len(columns.inputs)
        columns.begin(event.number, called)
        if add is None:
            add_graph_defs(columns, graphs)
        else:
            add()
        producers = [graph.versions.producer for graph in graphs if graph.versions.producer]
        self._graphs.add(
            event.number,
            graph=called,
            name=name,
            nodes=len(columns.names) - nodes,
            edges=len(columns.inputs) - edges,
            functions=sum(len(graph.library.function) for graph in graphs),
            producer=max(producers, default=None),
            plugin=event.plugin,
            definition=definition if self._keeps_definitions else None,
            **{key: value or None for key, value in about.items()},
        )

    def _add_stats(self, event: _Event, graph: str, stats: StepStats) -> None:
        for device in stats.dev_stats:
            threads = device.thread_names
            for node in device.node_stats:
                thread = node.thread_id
                outputs = [output.tensor_description for output in node.output]
                memory = node.memory
                self._stats.add(
                    event.number,
                    graph=graph,
                    device=device.device,
                    node=node.node_name,
                    label=node.timeline_label or None,
                    thread=threads[thread] if thread in threads else str(thread),
                    scheduled_us=node.scheduled_micros or None,
                    start_us=node.all_start_micros,
                    duration_us=node.all_end_rel_micros,
                    op_start_us=node.op_start_rel_micros,
                    op_duration_us=_sum([node.op_end_rel_micros, -node.op_start_rel_micros]),
                    memory_bytes=_sum([each.total_bytes for each in memory]),
                    peak_bytes=_sum([each.peak_bytes for each in memory]),
                    output_types=[type_name(output.dtype) for output in outputs],
                    output_shapes=[sizes_of(output.shape) for output in outputs],
                )


def _further_graphs(run: RunMetadata) -> Iterator[tuple[str, str, GraphDef]]:
    """The graphs that TensorBoard does not show: what they are called after, stage and graph."""
    for number, function in enumerate(run.function_graphs, 1):
        own = f"/graph_{number}"
        if function.HasField("post_optimization_graph"):
            yield f"{own}/optimized", "optimized", function.post_optimization_graph
        for partition, graph in enumerate(function.partition_graphs, 1):
            yield f"{own}/partition_{partition}", "partition", graph
    for partition, graph in enumerate(run.partition_graphs, 1):
        yield f"/partition_{partition}", "partition", graph


def _sum(numbers: Sequence[int]) -> int | None:
    """The sum of what there is, if int64 holds it; a damaged log can say anything."""
    total = sum(numbers)
    return total if numbers and -(1 << 63) <= total < 1 << 63 else None
