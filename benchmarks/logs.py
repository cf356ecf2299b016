"""Makes the logs that are read, with a fixed seed and no writer but the format itself."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tbtools._core import crc32c

__all__ = ["LOGS", "make"]

BEGAN = 1_700_000_000.0
TAGS = ["train/loss", "train/acc", "val/loss", "val/acc", "lr", "grad_norm/l1", "grad_norm/l2",
        "perf/it_s", "gpu/mem", "aux_loss"]  # fmt: skip


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


def _scalars(
    steps: int, tags: list[str], value: Callable[[bytes, float], bytes], seed: int
) -> Iterator[bytes]:
    rng = random.Random(seed)
    levels = [rng.random() for _ in tags]
    names = [tag.encode() for tag in tags]
    yield opening()
    for step in range(steps):
        for index, name in enumerate(names):
            levels[index] += rng.gauss(0, 0.01)
            wall_time = BEGAN + step * 0.25 + index * 0.001
            yield event(step, wall_time, value(name, levels[index]))


def _long(folder: Path, scale: float) -> None:
    _write(folder, _scalars(int(200_000 * scale), TAGS, simple, 1))


def _long_tf2(folder: Path, scale: float) -> None:
    _write(folder, _scalars(int(200_000 * scale), TAGS, tensor, 1))


def _many(folder: Path, scale: float) -> None:
    tags = [f"{'train' if index % 2 else 'val'}/metric_{index}" for index in range(20)]
    for run in range(int(200 * scale)):
        _write(folder / f"seed_{run:03}", _scalars(500, tags, simple, run))


def _images(folder: Path, scale: float) -> None:
    def events() -> Iterator[bytes]:
        rng = random.Random(3)
        yield opening()
        for step in range(int(2_000 * scale)):
            picture = b"\x89PNG\r\n\x1a\n" + rng.randbytes(200_000)
            yield event(step, BEGAN + step, image(b"samples", picture))
            for index, tag in enumerate(TAGS):
                yield event(step, BEGAN + step + index / 100, simple(tag.encode(), rng.random()))

    _write(folder, events())


def _histogram_events(
    form: Callable[[bytes, random.Random], bytes], scale: float
) -> Iterator[bytes]:
    rng = random.Random(4)
    yield opening()
    for step in range(int(1_000 * scale)):
        for index in range(20):
            tag = f"layer_{index}/kernel".encode()
            yield event(step, BEGAN + step, form(tag, rng))


def _histograms(folder: Path, scale: float) -> None:
    _write(folder, _histogram_events(histogram, scale))


def _legacy_histograms(folder: Path, scale: float) -> None:
    _write(folder, _histogram_events(legacy_histogram, scale))


WRITER = part(10, part(1, b"tensorboard.summary.writer.event_file_writer"))


def opening_of_torch(wall_time: float) -> bytes:
    """The record that opens a file of torch's SummaryWriter."""
    return record(b"\x09" + struct.pack("<d", wall_time) + part(3, b"brain.Event:2") + WRITER)


def session_start(step: int, wall_time: float) -> bytes:
    """The record of SummaryWriter(purge_step=step)."""
    head = b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step)
    return record(head + part(7, b"\x08\x01"))


def _tiny(folder: Path, scale: float) -> None:
    """A sweep: each run wrote one value at its end."""
    rng = random.Random(5)
    for run in range(int(7_000 * scale)):
        began = BEGAN + run * 60
        where = folder / "sweep" / f"lr={1e-5 * (1 + run // 100):.5f}" / f"seed={run % 100}"
        value = event(1_000, began + 50, simple(b"test/accuracy", rng.random()))
        name = f"events.out.tfevents.{began:.0f}.host.{1_000 + run}.0"
        _write(where, [opening_of_torch(began), value], name)


def _restarts(folder: Path, scale: float) -> None:
    """Trainings that were resumed once or twice, a little before where they had been."""
    tags = [b"train/loss", b"train/acc", b"val/loss", b"val/acc", b"lr", b"grad_norm"]
    rng = random.Random(6)
    for run in range(int(700 * scale)):
        # 1,000 points of each tag, at 900 steps: a hundred are lost to restarts
        pieces = [(0, 600), (500, 900)] if run % 2 else [(0, 400), (350, 700), (650, 900)]
        began = BEGAN + run * 3_600
        for number, (first, end) in enumerate(pieces):
            records = [opening_of_torch(began)]
            if first and run % 3 == 0:
                records.append(session_start(first * 50, began))
            for step in range(first, end):
                for index, tag in enumerate(tags):
                    value = math.nan if rng.random() < 0.01 else rng.random()
                    wall_time = began + 1 + (step - first) * 0.25 + index * 0.001
                    records.append(event(step * 50, wall_time, simple(tag, value)))
            name = f"events.out.tfevents.{began:.0f}.host.{1_000 + number}.0"
            _write(folder / f"group_{run // 50:02}" / f"run_{run:03}", records, name)
            began += 1_000


def _write(
    folder: Path, records: Iterable[bytes], name: str = "events.out.tfevents.1700000000.host"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        file.writelines(records)


#: What makes each log, and the number of values of it that are counted: (table, rows).
LOGS: dict[str, tuple[Callable[[Path, float], None], str, int]] = {
    "long": (_long, "scalars", 2_000_000),
    "long_tf2": (_long_tf2, "scalars", 2_000_000),
    "many": (_many, "scalars", 2_000_000),
    "images": (_images, "scalars", 20_000),
    "histograms": (_histograms, "histograms", 20_000),
    "legacy_histograms": (_legacy_histograms, "histograms", 20_000),
    "tiny": (_tiny, "scalars", 7_000),
    "restarts": (_restarts, "scalars", 4_200_000),
}


def make(name: str, root: Path, scale: float = 1.0) -> Path:
    """The folder of a log; it is made if it is not there."""
    folder = root / f"{name}-{scale:g}"
    if not (folder / "complete").exists():
        LOGS[name][0](folder, scale)
        (folder / "complete").touch()
    return folder
