"""Writes event files, record by record and byte by byte, and damages them.

The verbs of :class:`EventFile` are the vocabulary of the tests. Protobuf is encoded by hand, so
that also what no library would write can be written: ``EventFile(path).version().scalar("a", 1,
0.5).flip(-3)``. Source of the field numbers: docs/format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from long_crc import masked_crc

Bytes = bytes  # inside EventFile, `bytes` is what the file holds

WALL_TIME = 1_700_000_000.0  # of the first record; each further one is half a second later

# --- protobuf ------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    """A varint; a negative number is that of 64 bits, as int32 and int64 are written."""
    value &= 2**64 - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes([value])


def varint_field(number: int, value: int) -> bytes:
    """A field of an integer, bool or enum."""
    return varint(number << 3) + varint(value)


def bytes_field(number: int, value: bytes | str) -> bytes:
    """A field of a string, bytes or message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def double_field(number: int, value: float) -> bytes:
    """A field of a double."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def float_field(number: int, value: float) -> bytes:
    """A field of a float."""
    return varint(number << 3 | 5) + struct.pack("<f", value)


# --- messages ------------------------------------------------------------------------------------

EVENT_FIELDS = {
    "file_version": 3,
    "graph_def": 4,
    "summary": 5,
    "log_message": 6,
    "session_log": 7,
    "tagged_run_metadata": 8,
    "meta_graph_def": 9,
}
VALUE_FIELDS = {
    "obsolete_old_style_histogram": 3,
    "image": 4,
    "histo": 5,
    "audio": 6,
    "tensor": 8,
}
# name → (DataType, struct format of an element in tensor_content, number of the *_val field)
DTYPES = {
    "float32": (1, "<f", 5),
    "float64": (2, "<d", 6),
    "int32": (3, "<i", 7),
    "uint8": (4, "<B", 7),
    "int16": (5, "<h", 7),
    "int8": (6, "<b", 7),
    "string": (7, "", 8),
    "int64": (9, "<q", 10),
    "bool": (10, "<?", 11),
    "bfloat16": (14, "", 13),
    "uint16": (17, "<H", 7),
    "half": (19, "<e", 13),
    "uint32": (22, "<I", 16),
    "uint64": (23, "<Q", 17),
}


def event_message(step: int = 0, wall_time: float = 0.0, what: bytes = b"") -> bytes:
    """An Event; ``what`` are its further fields, encoded. Defaults are left out, as in proto3."""
    time_ = double_field(1, wall_time) if wall_time != 0 else b""
    return time_ + (varint_field(2, step) if step else b"") + what


def summary(*values: bytes) -> bytes:
    """The field of an Event that holds these Summary.Values."""
    return bytes_field(5, b"".join(bytes_field(1, value) for value in values))


def value_message(tag: str | bytes, member: bytes = b"", metadata: bytes | None = None) -> bytes:
    """A Summary.Value; ``member`` is its encoded oneof field, e.g. ``float_field(2, 0.5)``."""
    return bytes_field(1, tag) + member + (b"" if metadata is None else bytes_field(9, metadata))


def summary_metadata(
    plugin: str = "",
    content: bytes = b"",
    display_name: str = "",
    description: str = "",
    data_class: int = 0,
) -> bytes:
    """A SummaryMetadata."""
    plugin_data = (bytes_field(1, plugin) if plugin else b"") + (
        bytes_field(2, content) if content else b""
    )
    return (
        (bytes_field(1, plugin_data) if plugin_data else b"")
        + (bytes_field(2, display_name) if display_name else b"")
        + (bytes_field(3, description) if description else b"")
        + (varint_field(4, data_class) if data_class else b"")
    )


def tensor_shape(sizes: Sequence[int]) -> bytes:
    """A TensorShapeProto. A dimension of size 0 is an empty Dim."""
    return b"".join(bytes_field(2, varint_field(1, size) if size else b"") for size in sizes)


def tensor(
    dtype: str,
    values: Sequence[Any],
    shape: Sequence[int] | None = None,
    *,
    content: bool = False,
    packed: bool = True,
) -> bytes:
    """A TensorProto; its values in tensor_content or in the ``*_val`` of the type."""
    number, code, field = DTYPES[dtype]
    head = varint_field(1, number) + (b"" if shape is None else bytes_field(2, tensor_shape(shape)))
    if dtype == "string":
        return head + b"".join(bytes_field(field, value) for value in values)
    if content:
        return head + bytes_field(4, b"".join(_content(code, value) for value in values))
    elements = [_element(dtype, value) for value in values]
    if packed:
        return head + (bytes_field(field, b"".join(elements)) if elements else b"")
    wire = {"float32": 5, "float64": 1}.get(dtype, 0)
    return head + b"".join(varint(field << 3 | wire) + element for element in elements)


def _content(code: str, value: float) -> bytes:
    return struct.pack(code, value) if code else struct.pack("<f", value)[2:]  # bfloat16


def _element(dtype: str, value: float) -> bytes:
    if dtype == "float32":
        return struct.pack("<f", value)
    if dtype == "float64":
        return struct.pack("<d", value)
    if dtype in ("half", "bfloat16"):
        return varint(int.from_bytes(_content(DTYPES[dtype][1], value), "little"))
    return varint(int(value))


def record(payload: bytes) -> bytes:
    """A record: length, its CRC, payload, its CRC."""
    return header(len(payload)) + payload + struct.pack("<I", masked_crc(payload))


def header(length: int) -> bytes:
    """The twelve bytes that claim a payload of ``length`` bytes, with the right CRC."""
    encoded = struct.pack("<Q", length)
    return encoded + struct.pack("<I", masked_crc(encoded))


# --- files ---------------------------------------------------------------------------------------


class EventFile:
    """An event file in memory and, with a path, on disk: there it is up to date after each verb.

    Every verb returns the file, so they can be chained. ``offsets`` are where the records that
    were written begin; the verbs that damage do not move them, those that insert or remove do.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.offsets: list[int] = []
        self._sizes: list[int] = []  # of the payloads of the records
        self._data = bytearray()
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")

    def __len__(self) -> int:
        return len(self._data)

    # Verbs that append.

    def record(self, payload: Bytes) -> EventFile:
        """A well-framed record of any payload."""
        self.offsets.append(len(self._data))
        self._sizes.append(len(payload))
        return self.junk(record(payload))

    def event(self, what: Bytes = b"", step: int = 0, wall_time: float | None = None) -> EventFile:
        """An Event of these encoded fields beside step and wall_time."""
        if wall_time is None:
            wall_time = WALL_TIME + 0.5 * len(self.offsets)
        return self.record(event_message(step, wall_time, what))

    def version(self, version: str = "brain.Event:2", writer: str | None = None) -> EventFile:
        """The event that opens a file."""
        source = b"" if writer is None else bytes_field(10, bytes_field(1, writer))
        return self.event(bytes_field(3, version) + source)

    def what(
        self, field: str, payload: Bytes, step: int = 0, wall_time: float | None = None
    ) -> EventFile:
        """An event of another member than a Summary, such as ``graph_def``."""
        return self.event(bytes_field(EVENT_FIELDS[field], payload), step, wall_time)

    def session_start(self, step: int = 0, wall_time: float | None = None) -> EventFile:
        """A SessionLog START, as a resumed run writes it."""
        return self.what("session_log", varint_field(1, 1), step, wall_time)

    def scalar(
        self,
        tag: str | Bytes,
        step: int,
        value: float,
        wall_time: float | None = None,
        metadata: Bytes | None = None,
    ) -> EventFile:
        """A simple_value."""
        member = float_field(2, value)
        return self.event(summary(value_message(tag, member, metadata)), step, wall_time)

    def scalars(self, step: int, values: dict[str, float]) -> EventFile:
        """One event of many simple_values, as TF1's merged summaries are."""
        members = [value_message(tag, float_field(2, value)) for tag, value in values.items()]
        return self.event(summary(*members), step)

    def value(
        self,
        tag: str | Bytes,
        step: int,
        field: str | None = None,
        payload: Bytes = b"",
        *,
        plugin: str = "",
        metadata: Bytes | None = None,
        wall_time: float | None = None,
    ) -> EventFile:
        """A value of any member (``image``, ``histo``, ``tensor`` …); none if ``field`` is None.

        ``plugin`` is short for metadata that says no more.
        """
        if metadata is None and plugin:
            metadata = summary_metadata(plugin)
        member = b"" if field is None else bytes_field(VALUE_FIELDS[field], payload)
        return self.event(summary(value_message(tag, member, metadata)), step, wall_time)

    def tensor_scalar(
        self,
        tag: str | Bytes,
        step: int,
        value: float,
        dtype: str = "float32",
        plugin: str = "scalars",
        wall_time: float | None = None,
        shape: Sequence[int] | None = (),
        content: bool = True,
    ) -> EventFile:
        """A scalar as TF2 writes it; without metadata if ``plugin`` is empty."""
        payload = tensor(dtype, [value], shape, content=content)
        return self.value(tag, step, "tensor", payload, plugin=plugin, wall_time=wall_time)

    def junk(self, data: Bytes) -> EventFile:
        """Bytes that are in no record."""
        self._data += data
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(data)
        return self

    # Verbs that damage. Offsets may be negative: then they count from the end.

    def set_byte(self, offset: int, value: int) -> EventFile:
        """Overwrite one byte."""
        self._data[offset] = value
        return self._save()

    def flip(self, offset: int, bit: int = 0) -> EventFile:
        """Invert one bit."""
        return self.set_byte(offset, self._data[offset] ^ 1 << bit)

    def zero(self, begin: int, end: int | None = None) -> EventFile:
        """Overwrite a stretch with zeros, as a crash of a network file system does."""
        for offset in range(*slice(begin, end).indices(len(self._data))):
            self._data[offset] = 0
        return self._save()

    def cut(self, size: int) -> EventFile:
        """Keep the first ``size`` bytes; negative: drop as many at the end."""
        del self._data[size:]
        kept = sum(offset < len(self._data) for offset in self.offsets)
        del self.offsets[kept:], self._sizes[kept:]
        return self._save()

    def insert(self, offset: int, data: Bytes) -> EventFile:
        """Bytes where none belong."""
        self._data[offset:offset] = data
        self.offsets = [each + len(data) * (each >= offset) for each in self.offsets]
        return self._save()

    def remove(self, begin: int, end: int) -> EventFile:
        """Lose the bytes from ``begin`` to ``end``; records that begin there are forgotten."""
        del self._data[begin:end]
        kept = [
            (each - (end - begin) * (each >= end), size)
            for each, size in zip(self.offsets, self._sizes, strict=True)
            if not begin <= each < end
        ]
        self.offsets = [each for each, _ in kept]
        self._sizes = [size for _, size in kept]
        return self._save()

    def fix_checksums(self, index: int) -> EventFile:
        """Make both CRCs of a record agree with what its bytes are now."""
        at = self.offsets[index]
        footer = at + 12 + self._sizes[index]
        self._data[at + 8 : at + 12] = struct.pack("<I", masked_crc(self._data[at : at + 8]))
        crc = masked_crc(self._data[at + 12 : footer])
        self._data[footer : footer + 4] = struct.pack("<I", crc)
        return self._save()

    def _save(self) -> EventFile:
        if self.path is not None:
            self.path.write_bytes(self._data)
        return self

    @property
    def bytes(self) -> Bytes:
        """What the file holds."""
        return Bytes(self._data)
