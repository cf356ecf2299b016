"""What no writer here produces, by TensorBoard's own protobufs and record writer."""

from __future__ import annotations

import io
import json
import struct
import wave
import zlib
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, graph_pb2, summary_pb2, tensor_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

WALL_TIME = 1_700_000_000.0

Value = summary_pb2.Summary.Value

#: dtype, its number, and the element 1 as bytes and as a field of TensorProto.
DTYPES = {
    "float": (1, "<f", "float_val"),
    "double": (2, "<d", "double_val"),
    "int32": (3, "<i", "int_val"),
    "uint8": (4, "<B", "int_val"),
    "int16": (5, "<h", "int_val"),
    "int8": (6, "<b", "int_val"),
    "int64": (9, "<q", "int64_val"),
    "bool": (10, "<?", "bool_val"),
    "uint16": (17, "<H", "int_val"),
    "half": (19, "<e", "half_val"),
    "uint32": (22, "<I", "uint32_val"),
    "uint64": (23, "<Q", "uint64_val"),
}


def metadata(plugin: str, **fields: Any) -> summary_pb2.SummaryMetadata:
    """Metadata that names a plugin."""
    data = summary_pb2.SummaryMetadata.PluginData(
        plugin_name=plugin, content=fields.pop("content", b"")
    )
    return summary_pb2.SummaryMetadata(plugin_data=data, **fields)


def tensor(dtype: int, **fields: Any) -> tensor_pb2.TensorProto:
    """A tensor of rank 0, unless ``shape`` says otherwise."""
    made = tensor_pb2.TensorProto(dtype=dtype)
    for size in fields.pop("shape", ()):
        made.tensor_shape.dim.add(size=size)
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(made, name).extend(value)
        else:
            setattr(made, name, value)
    return made


class Log:
    """Writes events whose times count up."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._writer = RecordWriter(self._file)
        self._count = 0
        self.event(file_version="brain.Event:2")

    def event(self, step: int = 0, **what: Any) -> None:
        """Any event."""
        event = event_pb2.Event(wall_time=WALL_TIME + self._count / 4, step=step, **what)
        self._count += 1
        self._writer.write(event.SerializeToString())

    def value(self, tag: str, step: int = 0, **fields: Any) -> None:
        """An event with one value."""
        self.event(step, summary=summary_pb2.Summary(value=[Value(tag=tag, **fields)]))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def handmade(folder: Path) -> None:
    """Display names, every dtype, a tag that changes its kind, late metadata, messages, Keras 2."""
    log = Log(folder / "events.out.tfevents.1")
    described = metadata("scalars", display_name="Loss", summary_description="of *training*")
    log.value("described", 1, simple_value=0.5, metadata=described)
    for name, (number, code, field) in DTYPES.items():
        one = struct.unpack("<H", struct.pack("<e", 1.0))[0] if name == "half" else 1
        log.value(
            f"{name}/val", tensor=tensor(number, **{field: [one]}), metadata=metadata("scalars")
        )
        content = tensor(number, tensor_content=struct.pack(code, 1))
        log.value(f"{name}/content", tensor=content, metadata=metadata("scalars"))
    log.value("bfloat16/val", tensor=tensor(14, half_val=[0x3F80]), metadata=metadata("scalars"))
    content = tensor(14, tensor_content=struct.pack("<H", 0x3F80))
    log.value("bfloat16/content", tensor=content, metadata=metadata("scalars"))
    _legacy_kinds(log)
    log.value("changes", 1, tensor=tensor(1, float_val=[1.0]), metadata=metadata("scalars"))
    log.value("changes", 2, tensor=tensor(7, string_val=[b"now text"]), metadata=metadata("text"))
    log.value("late", 1, tensor=tensor(1, float_val=[1.5]))
    log.value("late", 2, tensor=tensor(1, float_val=[2.5]), metadata=metadata("scalars"))
    log.event(3, log_message=event_pb2.LogMessage(level=30, message="careful"))
    log.event(4, session_log=event_pb2.SessionLog(status=3, checkpoint_path="model-4"))
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "dtype": "float32"}, "name": "x",
         "inbound_nodes": []},
        {"class_name": "Dense", "config": {"name": "d", "dtype": "float32"}, "name": "d",
         "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]  # fmt: skip
    model = {"class_name": "Functional", "config": {
        "name": "old", "layers": layers, "input_layers": [["x", 0, 0]],
        "output_layers": [["d", 0, 0]]}}  # fmt: skip
    keras = tensor(7, string_val=[json.dumps(model).encode()])
    log.value("keras", tensor=keras, metadata=metadata("graph_keras_model", content=b"1"))
    graph = graph_pb2.GraphDef()
    graph.node.add(name="a", op="Const")
    graph.node.add(name="b", op="Identity", input=["a:0", "^a"])
    log.event(graph_def=graph.SerializeToString())
    log.close()


def _legacy_kinds(log: Log) -> None:
    """A picture, a tone and a histogram in the fields of TF 1, with metadata all the same."""
    said = {"display_name": "Named", "summary_description": "*old* field"}
    picture = summary_pb2.Summary.Image(
        height=1, width=1, colorspace=1, encoded_image_string=_png()
    )
    log.value("legacy/image", 1, image=picture, metadata=metadata("images", **said))
    tone = summary_pb2.Summary.Audio(
        sample_rate=8000, num_channels=1, length_frames=4, content_type="audio/wav",
        encoded_audio_string=_wav(),
    )  # fmt: skip
    log.value("legacy/audio", 1, audio=tone, metadata=metadata("audio", **said))
    counts = summary_pb2.HistogramProto(
        min=0.5, max=2.5, num=3, sum=4.5, sum_squares=8.75,
        bucket_limit=[0.0, 1.0, 2.0, 3.0], bucket=[0.0, 1.0, 1.0, 1.0],
    )  # fmt: skip
    log.value("legacy/histo", 1, histo=counts, metadata=metadata("histograms", **said))


def _png() -> bytes:
    """A gray pixel."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\x80")),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _wav() -> bytes:
    """Four samples."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as writer:
            writer.setparams((1, 2, 8000, 4, "NONE", "not compressed"))
            writer.writeframes(struct.pack("<4h", 0, 1000, 0, -1000))
        return file.getvalue()


def malformed(folder: Path) -> None:
    """Values that are not what their plugin promises; each tag says what is wrong."""
    log = Log(folder / "events.out.tfevents.1")
    strings = tensor(7, string_val=[b"x"])
    cases = {
        "scalars/of strings": strings,
        "scalars/of two": tensor(1, shape=[2], float_val=[1.0, 2.0]),
        "scalars/without a value": tensor(1),
        "histograms/of two columns": tensor(2, shape=[3, 2], double_val=[0.0] * 6),
        "histograms/of strings": strings,
        "images/of numbers": tensor(1, shape=[2], float_val=[1.0, 2.0]),
        "images/without a size": tensor(7, shape=[1], string_val=[b"x"]),
        "images/of 10 GB": tensor(7, shape=[10**10]),
        "audio/of numbers": tensor(1, float_val=[1.0]),
        "text/of numbers": tensor(3, int_val=[1]),
        "text/not UTF-8": tensor(7, string_val=[b"\xff\xfe"]),
        "pr_curves/of rank 1": tensor(1, shape=[6], float_val=[0.0] * 6),
        "mesh/without metadata": tensor(1, shape=[1, 1, 3], float_val=[0.0] * 3),
        "hparams/of nothing": tensor(1, shape=[0]),
        "graph_keras_model/not JSON": tensor(7, string_val=[b"{nonsense"]),
        "tensor/of 10 GB": tensor(1, shape=[10**5, 10**5], float_val=[1.0]),
    }
    for tag, value in cases.items():
        plugin = tag.partition("/")[0]
        content = {"mesh": b"\xff", "hparams": b"\xff", "graph_keras_model": b"1"}.get(plugin, b"")
        log.value(tag, 1, tensor=value, metadata=metadata(plugin, content=content))
    log.event(2, graph_def=b"\xff\xff")
    log.close()
