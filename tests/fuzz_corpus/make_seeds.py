"""Writes the seeds of the fuzz targets: ``python tests/fuzz_corpus/make_seeds.py``.

In ``scan`` a seed is a byte of flags, a byte that says how to cut the file into windows, and a
file: see ``tbtools/cpp/fuzz/fuzz_scan.cc``. In ``payloads`` it is payloads, each behind a byte that
is its length: see ``fuzz_payloads.cc``. Files named ``found_*`` are not made here: the fuzzer found
them, and they reach code that no seed reaches. How to run it is in docs/contributing.md.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from event_writing import (  # noqa: E402 - a test module, found by the line above
    DTYPES,
    EventFile,
    bytes_field,
    double_field,
    event_message,
    float_field,
    header,
    record,
    summary,
    summary_metadata,
    tensor,
    tensor_shape,
    value_message,
    varint,
    varint_field,
)

RAW, FIX, SELECT, HEADS = 0, 1, 2, 4  # flags
NULL = 255  # the length of a payload that is null; it has so many bytes all the same


def scalars() -> EventFile:
    """As TF1, PyTorch and tensorboardX write them."""
    file = EventFile().version()
    for step in range(6):
        file.scalar("loss", step, 0.5**step).scalar("val/accuracy", step, step / 6)
    return file


def tensor_scalars() -> EventFile:
    """As TF2 writes them: metadata with each value, then as TensorBoard's own writer does."""
    file = EventFile().version(writer="tensorboard.summary.writer.event_file_writer")
    for step in range(4):
        file.tensor_scalar("loss", step, 0.25 * step).tensor_scalar("a", step, step, "float64")
    for step in range(4):
        file.tensor_scalar("loss", step, 0.5, plugin="", content=False)
    return file.tensor_scalar("b", 1, 1.0, plugin="").tensor_scalar("b", 2, 1.0)


def dtypes() -> EventFile:
    """A scalar of every type, in all three forms."""
    file = EventFile()
    for dtype in DTYPES:
        if dtype != "string":
            file.tensor_scalar("c", 1, 1, dtype).tensor_scalar("v", 1, 1, dtype, content=False)
            file.value("u", 1, "tensor", tensor(dtype, [1], (1,), packed=False), plugin="scalars")
    return file


def kinds() -> EventFile:
    """One of everything else."""
    histo = double_field(1, 0.0) + double_field(2, 1.0) + bytes_field(6, b"\0" * 16)
    image = varint_field(1, 2) + varint_field(2, 2) + varint_field(3, 3) + bytes_field(4, "\x89PNG")
    file = EventFile().version().session_start(0).value("h", 1, "histo", histo)
    file.value("i", 1, "image", image).value("o", 1, "obsolete_old_style_histogram", b"x")
    file.value("s", 1, "audio", float_field(1, 44100.0))
    file.value("t", 1, "tensor", tensor("string", ["text"], (1,)), plugin="text")
    file.value("m", 1, plugin="hparams").value("nothing", 1)
    file.what("graph_def", bytes_field(1, bytes_field(1, "node"))).what("meta_graph_def", b"")
    file.what("log_message", varint_field(1, 20) + bytes_field(2, "hello"))
    return file.what("tagged_run_metadata", bytes_field(1, "step1")).event()


def several_values() -> EventFile:
    """TF1's merged summaries."""
    values = {"a": 1.0, "loss": 2.0, "b": 3.0}
    return EventFile().scalars(1, values).scalars(2, values).event(summary(), 3)


def odd_protobuf() -> EventFile:
    """What protobuf allows and no writer does."""
    group = varint(11 << 3 | 3) + varint_field(2, 9) + varint(11 << 3 | 4)
    value = value_message("a", float_field(2, 1.0))
    file = EventFile().event(group + summary(value)).event(summary(value) + summary(value))
    file.event(summary(bytes_field(8, tensor("half", [1.0])) + bytes_field(7, "node name")))
    file.event(summary(value_message("a", bytes_field(4, "on") + bytes_field(4, "ce"))))
    file.event(bytes_field(3, "version") + summary(value) + varint_field(2, 2**64 - 1))
    file.event(bytes_field(7, b"\x08\x01") + bytes_field(7, b"\x12\x01p") + bytes_field(10, "w"))
    file.event(summary(float_field(2, 1.0) + bytes_field(99, "new") + bytes_field(1, "a")))
    return file.record(b"").record(summary(value)).record(varint_field(1, 1) + bytes_field(2, "x"))


def odd_metadata() -> EventFile:
    """Metadata in pieces, malformed, and that changes."""
    pieces = bytes_field(1, bytes_field(2, "c" * 30)) + bytes_field(1, bytes_field(1, "scalars"))
    payload = tensor("float32", [1.0], ())
    file = EventFile()
    for metadata in (b"", pieces, summary_metadata("text"), b"\x0a\x7f", None, pieces):
        file.value("a", 1, "tensor", payload, metadata=metadata)
    value = value_message("b", bytes_field(8, payload) + bytes_field(9, pieces), pieces)
    return file.event(summary(value))


def odd_tensors() -> EventFile:
    """Tensors that are declined, or nearly."""
    file = EventFile()
    for payload in (
        varint_field(1, 19) + bytes_field(13, varint(0x3FC00000)),
        varint_field(1, 4) + bytes_field(16, varint(200)) + varint_field(16, 2),
        varint_field(1, 9) + bytes_field(10, varint(2**53 + 1)),
        varint_field(1, 3) + bytes_field(7, b"\x80"),
        varint_field(1, 1) + bytes_field(2, tensor_shape([1, 0])) + float_field(5, 1.0),
        varint_field(1, 1) + bytes_field(2, varint_field(3, 1)) + float_field(5, 1.0),
        tensor("uint64", [2**63], (1, 1)),
        tensor("half", [float("inf")], ()),
        tensor("half", [2.0**-24], (), content=True),
        varint_field(1, 6) + bytes_field(7, varint(128)),
        tensor("float64", [1.0, 2.0], (2,), content=True),
    ):
        file.value("a", 1, "tensor", payload, plugin="scalars")
    return file


def odd_tags() -> EventFile:
    """Tags of every length of UTF-8, none, and some that are not UTF-8."""
    file = EventFile().scalar("", 1, 0.5).scalar("é☃𝄞\0", 1, 0.5).scalar("x" * 300, 1, 0.5)
    for tag in (b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xc3", b"a\xff"):
        file.scalar(tag, 1, 0.5).scalar("ok", 2, 0.5)
    return file


def no_events() -> EventFile:
    """Good records that are no Events, among some that are."""
    file = EventFile()
    for payload in (b"\x09", b"\x00\x00", b"\x10" + b"\xff" * 11, b"\x5b", b"\x5c", b"\x2a\x05abc"):
        file.record(payload).scalar("a", 1, 0.5)
    value = value_message("new", bytes_field(8, ""), summary_metadata("scalars"))
    return file.event(summary(value, b"\x15")).tensor_scalar("new", 2, 1.0, plugin="")


def large() -> EventFile:
    """Images that are larger than the windows, to be passed over."""
    file = EventFile().version()
    for step in range(3):
        file.value("loss", step, "image", bytes(700), plugin="images").scalar("a", step, 0.5)
        file.value("t", step, "tensor", tensor("string", ["x" * 200], (1,)), plugin="text")
    return file


def pictures() -> EventFile:
    """Images and sounds with strings of more than 64 bytes."""
    image = varint_field(1, 2) + bytes_field(4, b"\xff\xd8\xff\xe0\0\x50" + bytes(200))
    file = EventFile().value("i", 1, "image", image).value("i", 2, "image", image + b"\x22")
    file.value("s", 1, "audio", bytes_field(4, bytes(90)) + bytes_field(5, "wav"))
    strings = tensor("string", ["2", "3", b"\x89PNG" + bytes(90)], (3,))
    file.value("t", 1, "tensor", strings, plugin="images").value("t", 2, "tensor", strings)
    frame = b"\xff\xd8\xff\xe1\0\x40" + bytes(62) + b"\xff\xc0\0\x11\x08\0\x01\0\x02" + bytes(90)
    return file.value("j", 1, "image", bytes_field(4, frame))


def damaged() -> dict[str, EventFile]:
    """What happens to files."""
    file = scalars()
    third = file.offsets[2]
    return {
        "zeros_at_the_end": scalars().junk(bytes(100)),
        "zeros_inside": scalars().zero(third - 20, third + 30),
        "cut_in_payload": scalars().cut(-20),
        "cut_in_header": scalars().cut(file.offsets[-1] + 5),
        "wrong_data": scalars().flip(third + 20).flip(-1),
        "wrong_length": scalars().flip(third).flip(file.offsets[5] + 9),
        "bytes_lost": scalars().remove(third + 15, third + 18),
        "bytes_added": scalars().insert(third + 15, b"\0\xff\0"),
        "record_inside_a_torn_one": EventFile().junk(header(4000)).junk(scalars().bytes),
        "lengths_that_lie": EventFile()
        .junk(header(2**31))
        .junk(header(2**31 - 1))
        .scalar("a", 1, 1.0),
        "not_an_event_file": EventFile().junk(b"PK\x03\x04 and so on, for a while"),
        "empty": EventFile(),
    }


def costly() -> dict[str, bytes]:
    """What makes a reader work again and again through the same bytes: see tests/hostile.py."""
    event = record(event_message(1, 1.0))
    torn = event[:-1] + bytes([event[-1] ^ 1])
    return {
        "headers_again": header(1000) * 200,
        "headers_that_end_together": b"".join(header(2400 - 12 * i) for i in range(200))
        + bytes(16),
        "headers_that_claim_less": b"".join(header(1400 - 7 * i) for i in range(200)),
        "short_headers": b"".join(header(128 - i % 2) for i in range(200)),
        "torn_records_unframed": (torn + b"\0") * 60,
        "empty_values": record(event_message(1, 1.0, summary(*[b""] * 500))),
        "tags_only": record(event_message(1, 1.0, summary(*[b"\x0a\x01a"] * 300))),
        "groups_in_groups": record((varint(11 << 3 | 3) * 100 + varint(11 << 3 | 4) * 100) * 8),
    }


def scan_seeds() -> dict[str, bytes]:
    """Name → content."""
    whole = [scalars, tensor_scalars, dtypes, kinds, several_values, odd_protobuf, odd_metadata,
             odd_tensors, odd_tags, no_events]  # fmt: skip
    made = {each.__name__: bytes([FIX, 7]) + each().bytes for each in whole}
    for name, window in {"fields": 6, "tags": 23, "plugins": 15, "sizes": 27}.items():
        made[f"selected_by_{name}"] = bytes([FIX | SELECT, window]) + large().bytes
    made["selected_kinds"] = bytes([FIX | SELECT, 0]) + kinds().bytes
    made["heads"] = bytes([FIX | HEADS, 7]) + pictures().bytes
    for number, (name, file) in enumerate(damaged().items()):
        made[name] = bytes([RAW, number]) + file.bytes
    for name, file in costly().items():
        made[name] = bytes([RAW, 7]) + file
    return made


def histogram_tensors() -> list[bytes | None]:
    """Of TF2, and such that are none."""
    rows = [float(value) for value in range(9)]
    counts = bytes_field(5, struct.pack("<3f", *rows[:3])) + float_field(5, 3) + float_field(5, 4)
    shape = bytes_field(2, tensor_shape([2, 3]))
    return [
        tensor("float64", rows, (3, 3), content=True),
        tensor("float32", rows, (3, 3)),
        tensor("float64", rows[:3], (1, 3), packed=False),
        varint_field(1, 101) + shape + counts + float_field(5, 5),
        tensor("float32", [], (0, 3)),
        None,
        tensor("half", rows, (3, 3)),
        tensor("float64", rows, (9,)),
        tensor("float64", rows, (2, 3)),
        varint_field(1, 2) + bytes_field(2, varint_field(3, 1)),
        varint_field(1, 2) + shape + bytes_field(6, b"1234567"),
        varint_field(1, 2) + bytes_field(2, tensor_shape([-1, 3])),
        tensor("float64", rows, (2**62, 3)),
    ]


def histogram_protos() -> list[bytes | None]:
    """Of TF1, packed, not packed, in pieces, and such that are none."""
    numbers = b"".join(double_field(number, number / 2) for number in range(1, 6))
    limits, counts = struct.pack("<3d", 0.5, 1.5, 1e308), struct.pack("<3d", 1, 2, 3)
    single = b"".join(double_field(6, 1.5 + i) + double_field(7, i) for i in range(4))
    return [
        numbers + bytes_field(6, limits) + bytes_field(7, counts),
        numbers + single,
        bytes_field(6, limits) + single + bytes_field(7, counts),
        numbers,
        None,
        bytes_field(6, limits),
        bytes_field(6, limits[:-1]) + bytes_field(7, counts),
        numbers + b"\x0f",
        b"",
    ]


def string_tensors() -> list[bytes | None]:
    """Texts, such that are not UTF-8, and shapes that hold more or less or no one knows what."""
    pieces = bytes_field(2, tensor_shape([2])) + bytes_field(2, tensor_shape([1]))
    return [
        tensor("string", ["a", "é☃𝄞", ""], (3,)),
        tensor("string", ["a", "b", "c", "d"], (2, 2)),
        tensor("string", ["alone"]),
        tensor("string", ["alone"], ()),
        varint_field(1, 7) + pieces + bytes_field(8, "1") + bytes_field(8, "2"),
        varint_field(1, 107) + bytes_field(8, "ref"),
        tensor("string", [b"\xff", "b"], (2,)),
        tensor("string", ["a"], (2,)),
        tensor("string", [], (0, 2**62, 4)),
        tensor("string", ["a"], (2**32, 2**32)),
        varint_field(1, 7) + bytes_field(2, varint_field(3, 1)) + bytes_field(8, "a"),
        None,
        tensor("float32", [1.0], ()),
        b"\x42\x05a",
    ]


def payload_seeds() -> dict[str, bytes]:
    """Name → content."""
    made = {}
    for each in (histogram_tensors, histogram_protos, string_tensors):
        payloads = each()
        assert all(payload is None or len(payload) < NULL for payload in payloads)
        made[each.__name__] = b"".join(
            bytes([NULL]) + bytes(NULL) if payload is None else bytes([len(payload)]) + payload
            for payload in payloads
        )
    made["many_strings"] = b"".join([bytes([202, 8, 7]), b"\x42\0" * 100] * 4)
    made["many_sizes"] = b"".join([bytes([204, 8, 7, 18, 200]), b"\x12\0" * 100] * 4)
    made["many_limits"] = b"".join([bytes([252]), double_field(6, 1.5) * 28] * 4)
    return made


if __name__ == "__main__":
    for folder, seeds in {"scan": scan_seeds(), "payloads": payload_seeds()}.items():
        (HERE / folder).mkdir(exist_ok=True)
        for name, content in seeds.items():
            (HERE / folder / name).write_bytes(content)
