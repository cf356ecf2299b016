"""Meshes: vertices, faces and colours of the plugin ``mesh``, each a tensor of its own."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.encoding import TENSOR, Encoded, Encoder, members, metadata_of
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_content import narrowest, number_tensor
from tbtools.decode.tensor_values import RefusedError, numbers, plugin_content, tensor_of
from tbtools.errors import UsageError
from tbtools.proto.plugins_pb2 import MeshPluginData
from tbtools.schema import LABEL

MESHES = table(
    "meshes",
    "A row per part of a mesh and step: its vertices, its faces or its colours. The parts of one "
    "mesh have the same `name`, and tags that end in `_VERTEX`, `_FACE` and `_COLOR`.",
    column("name", LABEL, "Name of the mesh that this is a part of."),
    column("part", LABEL, "`vertex`, `face` or `color`.", nullable=False),
    column(
        "shape",
        pa.list_(pa.int64()),
        "Sizes of the dimensions: as a rule batch, number of points or faces, and 3.",
        nullable=False,
    ),
    column(
        "values",
        pa.list_(pa.float64()),
        "The numbers, last dimension running fastest: coordinates, indices of vertices, or "
        "red, green and blue.",
        nullable=False,
    ),
    column("config", pa.string(), "The writer's settings of the view, JSON; null if none."),
)

PARTS = {1: "vertex", 2: "face", 3: "color"}

#: The types of their numbers in TensorBoard.
TYPES = {"vertex": "float32", "face": "int32", "color": "uint8"}


def decode(events: Events) -> Decoded:
    """A row for each event that is part of a mesh."""
    rows = Rows(MESHES)
    values: list[pa.DoubleArray] = []
    refused = []
    pairs = zip(events.metadata.to_pylist(), events.payload.to_pylist(), strict=True)
    for index, (metadata, payload) in enumerate(pairs):
        try:
            about = _about(metadata)
            part = numbers(tensor_of(payload))
        except RefusedError as reason:
            refused.append((index, str(reason)))
            continue
        rows.add(
            index,
            name=about.name or None,
            part=PARTS[about.content_type],
            shape=part.shape,
            config=about.json_config or None,
        )
        values.append(part.values)
    made = rows.made()
    if made:
        origin, columns = made[MESHES.name]
        made[MESHES.name] = (origin, {**columns, "values": _lists(values)})
    return Decoded(made, refused)


def _about(metadata: bytes | None) -> MeshPluginData:
    try:
        about = MeshPluginData.FromString(plugin_content(metadata))
    except DecodeError:
        raise RefusedError("the tag's metadata is not that of a mesh") from None
    if about.content_type not in PARTS:
        raise RefusedError("the tag's metadata does not say which part of a mesh this is")
    return about


def _lists(values: list[pa.DoubleArray]) -> pa.ListArray:
    offsets = [0]
    for each in values:
        offsets.append(offsets[-1] + len(each))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.concat_arrays(values))


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for each row, in the type that TensorBoard takes its part to be of."""
    rows = tables[MESHES.name]
    numbers_of = {part: number for number, part in PARTS.items()}
    known = rows.select(["name", "part", "shape", "config"]).to_pylist()
    components: dict[str | None, int] = {}  # a bit for each part that a mesh has
    for row in known:
        if row["part"] not in numbers_of:
            raise UsageError(f"meshes: part {row['part']!r} is none of {', '.join(numbers_of)}")
        components[row["name"]] = components.get(row["name"], 0) | 1 << numbers_of[row["part"]]
    payloads, about = [], []
    for row, values in zip(known, rows["values"], strict=True):
        shape = row["shape"]
        if shape is None:
            shape = [1, len(values.values) // 3, 3]
        dtype = narrowest(values.values, TYPES[row["part"]], "float32")
        payloads.append(number_tensor(MESHES.name, values.values, shape, dtype))
        content = MeshPluginData(
            name=row["name"] or "",
            content_type=numbers_of[row["part"]],
            json_config=row["config"] or "",
            shape=shape,
            components=components[row["name"]],
        )
        about.append(metadata_of("mesh", TENSOR, content.SerializeToString()))
    return Encoded(
        rows["tag"],
        rows["step"],
        rows["wall_time"],
        member=members("tensor", rows.num_rows),
        payload=pa.array(payloads, pa.binary()),
        metadata=pa.array(about, pa.binary()).dictionary_encode(),
    )


KIND = Kind(
    tables=(MESHES,),
    decode=decode,
    plugins=frozenset({"mesh"}),
    encode=Encoder({MESHES.name: ("part", "values")}, encode),
)
