"""The format, encoded by hand: records, events, and the values that the logs are made of."""

from __future__ import annotations

import random
import struct

from tbtools._core import crc32c

BEGAN = 1_700_000_000.0


def record(payload: bytes) -> bytes:
    """A TFRecord: length, its masked CRC, payload, its masked CRC."""
    length = struct.pack("<Q", len(payload))
    return length + _masked(length) + payload + _masked(payload)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value: int) -> bytes:
    """A protobuf varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def part(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def event(step: int, wall_time: float, value: bytes) -> bytes:
    """The record of an Event with one Summary.Value."""
    head = b"\x09" + struct.pack("<d", wall_time) + (b"\x10" + varint(step) if step else b"")
    return record(head + part(5, part(1, value)))


def opening() -> bytes:
    """The record that opens a file."""
    return record(b"\x09" + struct.pack("<d", BEGAN) + part(3, b"brain.Event:2"))


def simple(tag: bytes, value: float) -> bytes:
    """A scalar as TF1, PyTorch and tensorboardX write it."""
    return part(1, tag) + b"\x15" + struct.pack("<f", value)


SCALAR_METADATA = part(9, part(1, part(1, b"scalars")) + b"\x20\x01")


def tensor(tag: bytes, value: float) -> bytes:
    """A scalar as TF2 writes it: metadata with every value."""
    content = b"\x08\x01" + part(2, b"") + part(4, struct.pack("<f", value))
    return part(1, tag) + part(8, content) + SCALAR_METADATA


def image(tag: bytes, data: bytes) -> bytes:
    """A legacy image."""
    return part(1, tag) + part(4, b"\x08\x40\x10\x40\x18\x03" + part(4, data))


HISTOGRAM_METADATA = part(9, part(1, part(1, b"histograms")) + b"\x20\x02")


def histogram(tag: bytes, rng: random.Random) -> bytes:
    """A histogram of thirty buckets as TF2 writes it."""
    edges = sorted(rng.gauss(0, 1) for _ in range(31))
    rows = b"".join(
        struct.pack("<ddd", edges[i], edges[i + 1], rng.randrange(1000)) for i in range(30)
    )
    shape = part(2, part(2, b"\x08\x1e") + part(2, b"\x08\x03"))
    return part(1, tag) + part(8, b"\x08\x02" + shape + part(4, rows)) + HISTOGRAM_METADATA


def legacy_histogram(tag: bytes, rng: random.Random) -> bytes:
    """A histogram of thirty buckets as PyTorch writes it."""
    edges = sorted(rng.gauss(0, 1) for _ in range(30))
    counts = [float(rng.randrange(1000)) for _ in range(30)]
    moments = b"".join(
        bytes([number << 3 | 1]) + struct.pack("<d", value)
        for number, value in enumerate((edges[0], edges[-1], sum(counts), 0.5, 2.0), 1)
    )
    packed = part(6, struct.pack("<30d", *edges)) + part(7, struct.pack("<30d", *counts))
    return part(1, tag) + part(5, moments + packed)


WRITER = part(10, part(1, b"tensorboard.summary.writer.event_file_writer"))


def opening_of_torch(wall_time: float) -> bytes:
    """The record that opens a file of torch's SummaryWriter."""
    return record(b"\x09" + struct.pack("<d", wall_time) + part(3, b"brain.Event:2") + WRITER)


def session_start(step: int, wall_time: float) -> bytes:
    """The record of SummaryWriter(purge_step=step)."""
    head = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step)
    return record(head + part(7, b"\x08\x01"))


def attribute(key: bytes, value: bytes) -> bytes:
    """An attribute of a node; ``value`` is an AttrValue."""
    return part(5, part(1, key) + part(2, value))


def dims(*sizes: int) -> bytes:
    """A TensorShapeProto."""
    return b"".join(part(2, b"\x08" + varint(size)) for size in sizes)


def node(name: str, op: str, *inputs: str, shape: bytes = b"", attributes: bytes = b"") -> bytes:
    """A NodeDef of float32 as TF1 writes it into a summary: with the shapes of its outputs."""
    text = part(1, name.encode()) + part(2, op.encode())
    text += b"".join(part(3, each.encode()) for each in inputs)
    kind = attribute(b"dtype" if op in ("Const", "VariableV2") else b"T", b"\x30\x01")
    return part(1, text + kind + attributes + attribute(b"_output_shapes", part(1, part(7, shape))))


def layer(number: int, before: str, rng: random.Random) -> bytes:
    """Ten nodes: a dense layer, how its weights begin, and the gradient of its product."""
    name = f"model/tower_{number % 4}/dense_{number}"
    kernel, start = f"{name}/kernel", f"{name}/kernel/Initializer/truncated_normal"
    place = attribute(b"_class", part(1, part(2, f"loc:@{kernel}".encode())))
    wide, batch = dims(128, 128), dims(64, 128)
    sizes = b"\x08\x03" + part(2, dims(2)) + part(4, struct.pack("<ii", 128, 128))
    deviation = b"\x08\x01" + part(2, b"") + b"\x2d" + struct.pack("<f", rng.random())
    of_sizes, of_deviation = (attribute(b"value", part(8, each)) for each in (sizes, deviation))
    slot = attribute(b"shape", part(7, wide)) + attribute(b"container", part(2, b""))
    flags = attribute(b"use_locking", b"\x28\x01") + attribute(b"validate_shape", b"\x28\x01")
    sides = attribute(b"transpose_a", b"\x28\x00") + attribute(b"transpose_b", b"\x28\x01")
    return b"".join([
        node(f"{start}/shape", "Const", shape=dims(2), attributes=of_sizes),
        node(f"{start}/stddev", "Const", attributes=of_deviation + place),
        node(start, "TruncatedNormal", f"{start}/shape", f"{start}/stddev", shape=wide),
        node(kernel, "VariableV2", shape=wide, attributes=slot + place),
        node(f"{kernel}/Assign", "Assign", kernel, start, shape=wide, attributes=flags + place),
        node(f"{kernel}/read", "Identity", kernel, shape=wide, attributes=place),
        node(f"{name}/MatMul", "MatMul", before, f"{kernel}/read", shape=batch, attributes=sides),
        node(f"{name}/Relu", "Relu", f"{name}/MatMul", shape=batch),
        node(f"train/gradients/{name}/MatMul_grad/MatMul", "MatMul", f"{name}/Relu",
             f"{kernel}/read", f"^{kernel}/Assign", shape=batch, attributes=sides),
        node(f"train/gradients/{name}/MatMul_grad/sum", "AddV2",
             f"train/gradients/{name}/MatMul_grad/MatMul", f"{name}/MatMul:0", shape=batch),
    ])  # fmt: skip


def node_stats(name: bytes, start: int) -> bytes:
    """What a node took: NodeExecStats."""
    times = b"\x10" + varint(start) + b"\x18\x01\x20" + varint(40) + b"\x28" + varint(45)
    memory = part(6, part(1, b"cpu") + b"\x10" + varint(32_768) + b"\x18" + varint(65_536))
    return part(1, name) + times + memory + part(8, name + b" = MatMul(...)")


def graph_def(layers: list[bytes]) -> bytes:
    """The record of an Event with a GraphDef."""
    content = b"".join(layers) + part(4, b"\x08\x86\x01")
    return record(b"\x09" + struct.pack("<d", BEGAN + 1) + part(4, content))


def run_metadata(tag: bytes, step: int, wall_time: float, took: list[bytes]) -> bytes:
    """The record of an Event with RunMetadata: what nodes of one device took."""
    device = part(1, b"/device:CPU:0") + b"".join(part(2, each) for each in took)
    tagged = part(1, tag) + part(2, part(1, part(1, device)))
    head = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step)
    return record(head + part(8, tagged))
