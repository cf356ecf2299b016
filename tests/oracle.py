"""A short, obvious reader of event files in pure Python: what the native core is held against.

It reads a whole file at once, knows nothing of windows or selections and shares no code with
tbtools. Rules: docs/format.md; salvage: what ``tbtools.events`` does with ``on_damage="skip"``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER = 12
FOOTER = 4
MAX_LENGTH = 2**31 - 1

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)

# Members of the two oneofs: field number → name. Those that are messages are merged.
EVENT_WHAT = {
    3: "file_version",
    4: "graph_def",
    5: "summary",
    6: "log_message",
    7: "session_log",
    8: "tagged_run_metadata",
    9: "meta_graph_def",
}
VALUE_WHAT = {3: "obsolete_old_style_histogram", 4: "image", 5: "histo", 6: "audio", 8: "tensor"}
PLAIN_BYTES = {"file_version", "graph_def", "meta_graph_def", "obsolete_old_style_histogram"}

# DataType → (struct format of one element in tensor_content, number of its *_val field).
DTYPES = {
    1: ("<f", 5),
    2: ("<d", 6),
    3: ("<i", 7),
    4: ("<B", 7),
    5: ("<h", 7),
    6: ("<b", 7),
    9: ("<q", 10),
    10: ("<?", 11),
    14: ("bfloat16", 13),
    17: ("<H", 7),
    19: ("<e", 13),
    22: ("<I", 16),
    23: ("<Q", 17),
}


@dataclass(frozen=True)
class Value:
    """A Summary.Value, or what an Event without a Summary holds (then ``tag`` is None)."""

    tag: str | None
    field: str
    metadata: bytes | None
    payload: bytes | None
    scalar: float | None


@dataclass(frozen=True)
class Event:
    """One good record."""

    offset: int
    step: int
    wall_time: float
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Damage:
    """A stretch that could not be read: ``bad_data``, ``bad_event``, ``bad_length``, ``torn``."""

    offset: int
    size: int
    kind: str


@dataclass
class Reading:
    """All that a file holds. ``pending`` counts the bytes of an unfinished record at its end."""

    events: list[Event] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    pending: int = 0


class MalformedError(Exception):
    """The bytes are not the protobuf message they should be."""


# --- CRC -----------------------------------------------------------------------------------------


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


#: What a byte makes of the state 0.
TABLE = _table()


def crc32c(data: bytes | bytearray) -> int:
    """CRC-32C, a byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked_crc(data: bytes | bytearray) -> int:
    """The CRC as it is stored beside the data."""
    return masked(crc32c(data))


def masked(crc: int) -> int:
    """A CRC as it is stored."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# --- records -------------------------------------------------------------------------------------


def _length_at(data: bytes, at: int) -> int | None:
    """What the header at ``at`` claims; None if there is no believable one."""
    if at + HEADER > len(data):
        return None
    length, crc = struct.unpack_from("<QI", data, at)
    if length > MAX_LENGTH or masked_crc(data[at : at + 8]) != crc:
        return None
    return int(length)


def _find_header(data: bytes, at: int) -> int | None:
    """The first believable header at or after ``at``."""
    return next((i for i in range(at, len(data)) if _length_at(data, i) is not None), None)


def read(data: bytes, growing: bool = False) -> Reading:
    """Everything that is intact, in file order, and where the rest is.

    With ``growing`` nothing is told that more bytes might change, but for where damage ends.
    """
    reading = Reading()
    at = 0

    def give_up(until: int, kind: str) -> None:
        reading.damages.append(Damage(at, until - at, kind))

    while at < len(data):
        length = _length_at(data, at)
        if length is None:
            if len(data) - at < HEADER:
                reading.pending = len(data) - at
                break
            found = _find_header(data, at + 1)
            behind = len(data) if found is None else found
            give_up(behind, "bad_length")
        elif at + HEADER + length + FOOTER > len(data):
            if growing:
                reading.pending = len(data) - at
                break
            found = _find_header(data, at + HEADER)
            if found is None:
                reading.pending = len(data) - at
                break
            behind = found
            give_up(behind, "torn")
        else:
            end = at + HEADER + length
            behind = end + FOOTER
            payload = data[at + HEADER : end]
            if masked_crc(payload) != struct.unpack_from("<I", data, end)[0]:
                if growing and len(data) - behind < HEADER:
                    reading.pending = len(data) - at
                    break
                framed = len(data) - behind < HEADER or _length_at(data, behind) is not None
                if not framed:
                    found = _find_header(data, at + HEADER)
                    behind = len(data) if found is None else found
                give_up(behind, "bad_data")
            else:
                try:
                    reading.events.append(_event(payload, at))
                except MalformedError:
                    give_up(behind, "bad_event")
        at = behind
    return reading


# --- protobuf ------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if at + i >= len(data):
            raise MalformedError
        value |= (data[at + i] & 0x7F) << 7 * i
        if data[at + i] < 0x80:
            return value & 2**64 - 1, at + i + 1
    raise MalformedError


def fields_of(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(number, wire type, value) of each field; groups are checked and left out."""
    at = 0
    groups: list[int] = []
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if not 0 < number < 2**29:
            raise MalformedError
        value: int | bytes = 0
        if wire == VARINT:
            value, at = _varint(message, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            value, at = int.from_bytes(message[at : at + size], "little"), at + size
        elif wire == BYTES:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        elif wire == GROUP and len(groups) < 100:
            groups.append(number)
        elif wire != END_GROUP or not groups or groups.pop() != number:
            raise MalformedError
        if at > len(message):
            raise MalformedError
        if not groups and wire not in (GROUP, END_GROUP):
            yield number, wire, value
    if groups:
        raise MalformedError


def _signed(value: int, bits: int = 64) -> int:
    value &= 2**bits - 1
    return value - 2**bits if value >> bits - 1 else value


def _as_float(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def _as_double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def _merged(old: tuple[str, bytes] | None, name: str, new: bytes) -> tuple[str, bytes]:
    if old is not None and old[0] == name and name not in PLAIN_BYTES:
        return name, old[1] + new
    return name, new


def _event(message: bytes, offset: int) -> Event:
    step, wall_time = 0, 0.0
    what: tuple[str, bytes] | None = None
    source_metadata: bytes | None = None
    for number, wire, value in fields_of(message):
        if isinstance(value, bytes):
            if number in EVENT_WHAT:
                what = _merged(what, EVENT_WHAT[number], value)
            elif number == 10:
                source_metadata = (source_metadata or b"") + value
        elif (number, wire) == (1, FIXED64):
            wall_time = _as_double(value)
        elif (number, wire) == (2, VARINT):
            step = _signed(value)
    if what is None:
        values = (Value(None, "none", source_metadata, message, None),)
    elif what[0] == "summary":
        pieces = [v for n, _, v in fields_of(what[1]) if n == 1 and isinstance(v, bytes)]
        values = tuple(_value(piece) for piece in pieces)
    else:
        values = (Value(None, what[0], source_metadata, what[1], None),)
    return Event(offset, step, wall_time, values)


def _value(message: bytes) -> Value:
    tag = node_name = b""
    metadata: bytes | None = None
    what: tuple[str, bytes] | None = None
    number_: float | None = None
    for number, wire, value in fields_of(message):
        if isinstance(value, bytes):
            if number == 1:
                tag = value
            elif number == 7:
                node_name = value
            elif number == 9:
                metadata = (metadata or b"") + value
            elif number in VALUE_WHAT:
                what = _merged(what, VALUE_WHAT[number], value)
        elif (number, wire) == (2, FIXED32):
            what, number_ = ("simple_value", b""), _as_float(value)
    member, payload = what or ("none" if metadata is None else "metadata", None)
    if member == "tensor" and payload is not None:
        tag = tag or node_name
        scalar = tensor_scalar(payload)
    else:
        scalar = number_ if member == "simple_value" else None
    try:
        name = tag.decode()
    except UnicodeDecodeError:
        raise MalformedError from None
    return Value(name, member, metadata, None if member == "simple_value" else payload, scalar)


def plugin_name(metadata: bytes | None) -> bytes:
    """The plugin that a SummaryMetadata names; empty if it names none, or is malformed."""
    try:
        outer = b"".join(v for n, w, v in fields_of(metadata or b"") if (n, w) == (1, BYTES))
        names = [v for n, w, v in fields_of(outer) if (n, w) == (1, BYTES)]
        name: bytes = names[-1] if names else b""
        name.decode()
    except (MalformedError, UnicodeDecodeError):
        return b""
    return name


def tensor_scalar(tensor: bytes) -> float | None:
    """The number in a TensorProto of one element; None if it holds none that float64 can say.

    Takes more than the core does, which may decline whatever looks unusual.
    """
    try:
        fields_ = list(fields_of(tensor))
        dims = [_dims(v) for n, _, v in fields_ if n == 2 and isinstance(v, bytes)]
    except MalformedError:
        return None
    dtype = next((v for n, w, v in reversed(fields_) if (n, w) == (1, VARINT)), 0)
    content = next((v for n, w, v in reversed(fields_) if (n, w) == (4, BYTES)), b"")
    if dtype not in DTYPES or any(size != 1 for each in dims for size in each):
        return None
    code, member = DTYPES[dtype]
    if content:
        return _from_content(code, content)
    members = {member, 16} if dtype == 4 else {member}  # PyTorch puts uint8 into uint32_val
    try:
        elements = [x for n, w, v in fields_ if n in members for x in _elements(code, w, v)]
    except MalformedError:
        return None
    return _from_element(code, elements[0]) if len(elements) == 1 else None


def _dims(shape: bytes) -> list[int]:
    """The sizes; that of an unknown rank is [-1]."""
    sizes = []
    for number, wire, value in fields_of(shape):
        if number == 3 and wire == VARINT and value:
            return [-1]
        if number == 2 and isinstance(value, bytes):
            last = 0
            for n, w, v in fields_of(value):
                if (n, w) == (1, VARINT) and isinstance(v, int):
                    last = _signed(v)
            sizes.append(last)
    return sizes


def _elements(code: str, wire: int, value: int | bytes) -> list[int]:
    """The raw elements of a *_val field, packed or not."""
    one = {"<f": FIXED32, "<d": FIXED64}.get(code, VARINT)
    if not isinstance(value, bytes):
        return [value] if wire == one else []
    elements, at = [], 0
    while at < len(value):
        if one == VARINT:
            element, at = _varint(value, at)
        else:
            size = 4 if one == FIXED32 else 8
            if len(value) - at < size:
                raise MalformedError
            element, at = int.from_bytes(value[at : at + size], "little"), at + size
        elements.append(element)
    return elements


def _exact(number: int | float) -> float | None:
    return float(number) if isinstance(number, float) or int(float(number)) == number else None


def _from_content(code: str, content: bytes) -> float | None:
    if code == "bfloat16":
        return _as_float(int.from_bytes(content, "little") << 16) if len(content) == 2 else None
    if len(content) != struct.calcsize(code):
        return None
    return _exact(struct.unpack(code, content)[0])


def _from_element(code: str, raw: int) -> float | None:
    if code in ("<f", "<d"):
        return _as_float(raw) if code == "<f" else _as_double(raw)
    if code == "<?":
        return float(raw != 0)
    if code in ("<e", "bfloat16"):
        bits = raw & 0xFFFFFFFF
        if bits > 0xFFFF:  # PyTorch stores the bits of the float32
            return _as_float(bits)
        return _from_content(code, bits.to_bytes(2, "little"))
    if code in ("<q", "<Q"):
        return _exact(_signed(raw) if code == "<q" else raw)
    number = raw & 0xFFFFFFFF if code == "<I" else _signed(raw, 32)
    try:
        struct.pack(code, number)
    except struct.error:
        return None
    return float(number)
