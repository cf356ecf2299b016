"""Files that are made to hurt a reader: ``python tests/hostile.py FOLDER [--size MB]``.

Each is a log of its own, ``FOLDER/<name>/events.out.tfevents.1``. What they have in common: a
reader that begins anew for each of their headers, or values, takes forever, or all the memory.
``--measure`` reads each, in a process of its own, and prints how much longer it takes than good
images of the same size, and the most memory that it takes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from event_writing import (
    bytes_field,
    event_message,
    float_field,
    header,
    record,
    summary,
    varint_field,
)

MB = 1_000_000


def repeated(piece: bytes, size: int) -> bytes:
    """The same bytes over and over."""
    return piece * (size // len(piece) + 1)


def good_images(size: int) -> bytes:
    """What the others are compared with: images of 200 kB, which no header claims twice."""
    pieces = []
    total = 0
    while total < size:
        image = varint_field(1, 100) + varint_field(2, 100)
        image += bytes_field(4, b"\x89PNG" + bytes(range(256)) * 781)
        value = bytes_field(1, "image") + bytes_field(4, image)
        pieces.append(record(event_message(len(pieces), 1.0, summary(value))))
        total += len(pieces[-1])
        if len(pieces) >= 20:  # in Python a CRC takes long
            pieces *= size // total + 1
            break
    return b"".join(pieces)


def headers(claimed: int) -> Callable[[int], bytes]:
    """Nothing but believable headers that claim as much."""
    return lambda size: repeated(header(claimed), size)


def nested(size: int) -> bytes:
    """Headers that all claim to end at the same place, where the data CRC is wrong."""
    claims = range(size - size // 4, size // 4, -1024)
    body = bytearray(b"".join(header(claim - 12 * i) for i, claim in enumerate(claims)))
    while len(body) < size:
        body += body[: size - len(body)]
    return bytes(body)


def varied(size: int) -> bytes:
    """Headers that claim less and less, so that no two stretches have the same length."""
    one = b"".join(header(200_000 - 7 * i) for i in range(20_000))
    return repeated(one, size)


def no_events(size: int) -> bytes:
    """Records with good CRCs that hold no event."""
    return repeated(record(b"\x07"), size)


def wrong_data(size: int) -> bytes:
    """Small records, each with a wrong data CRC, each followed by a good header."""
    piece = bytearray(record(event_message(1, 1.0)))
    piece[-1] ^= 1
    return repeated(bytes(piece), size)


def wrong_data_unframed(size: int) -> bytes:
    """The same with a byte too many behind each."""
    piece = bytearray(record(event_message(1, 1.0)) + b"\x00")
    piece[-2] ^= 1
    return repeated(bytes(piece), size)


def zeros(size: int) -> bytes:
    """What a file system leaves after a crash."""
    return record(event_message(1, 1.0)) + bytes(size)


def almost_headers(size: int) -> bytes:
    """Lengths that may be, at every byte, with CRCs that are wrong."""
    return repeated(struct.pack("<Q", 0) + b"\x01" * 4, size)


def empty_values(size: int) -> bytes:
    """Records of 100 kB that hold values without anything."""
    return repeated(record(event_message(1, 1.0, summary(*[b""] * 50_000))), size)


def one_record_of_empty_values(size: int) -> bytes:
    """The same in one record; Python takes a while for its CRC."""
    what = bytes_field(5, b"\x0a\x00" * (size // 2))
    return record(event_message(1, 1.0, what))


def values_with_tags_only(size: int) -> bytes:
    """Values that have a tag and nothing else."""
    return repeated(record(event_message(1, 1.0, summary(*[b"\x0a\x01a"] * 20_000))), size)


def noise(size: int) -> bytes:
    """Bytes without any order."""
    return Random(1).randbytes(size)


def gzip_cut(size: int) -> bytes:
    """A gzip copy of images that do not pack, without its last bytes."""
    pieces = []
    for step in range(size // 200_000 + 1):
        image = bytes_field(4, Random(step % 20).randbytes(200_000))
        value = bytes_field(1, "image") + bytes_field(4, image)
        pieces.append(record(event_message(step % 20, 1.0, summary(value))) if step < 20 else b"")
        pieces[step] = pieces[step % 20]
    return gzip.compress(b"".join(pieces), 1)[: size - 7]


FILES: dict[str, Callable[[int], bytes]] = {
    "good_images": good_images,
    "headers_of_100_bytes": headers(100),
    "headers_of_1_MB": headers(MB),
    "headers_of_20_MB": headers(20 * MB),
    "headers_of_2_GB": headers(2**31 - 1),
    "headers_of_2_to_the_62": headers(2**62),
    "nested": nested,
    "varied": varied,
    "no_events": no_events,
    "wrong_data": wrong_data,
    "wrong_data_unframed": wrong_data_unframed,
    "zeros": zeros,
    "almost_headers": almost_headers,
    "empty_values": empty_values,
    "one_record_of_empty_values": one_record_of_empty_values,
    "values_with_tags_only": values_with_tags_only,
    "noise": noise,
    "gzip_cut": gzip_cut,
}

WHAT = ("files", "runs", "scalars", "everything", "export")

READ = """
import contextlib, json, resource, sys, tempfile, time
import tbtools
from tbtools.kinds import table_specs

def read(path, what):
    logs = tbtools.open(path, threads=1)
    if what == "everything":
        return sum(batch.num_rows for _, batch in logs.scan(table_specs()))
    if what != "export":
        return len(logs[what].to_table())
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(tbtools.NothingFoundError):
        return sum(logs.export(folder, force=True).rows.values())
    return 0

read(sys.argv[1], sys.argv[3])  # what has to be imported is no matter of the file
begin = time.process_time()
rows = read(sys.argv[2], sys.argv[3])
seconds = time.process_time() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, rows, peak]))
"""


def write(folder: Path, name: str, size: int) -> Path:
    """The log of this name, made if it is not there yet."""
    path = folder / name / "events.out.tfevents.1"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name](size))
    return path


@dataclass
class Cost:
    """What a reading took: seconds of a processor, peak memory in MB; and how many rows it gave."""

    seconds: float
    rows: int
    peak: float


def measure(folder: Path, name: str, what: str, repeats: int) -> Cost:
    """The fastest of several readings, each in a process of its own."""
    costs = []
    for _ in range(repeats):
        warm_up, log = folder / "warm_up", folder / name
        command = [sys.executable, "-c", READ, str(warm_up), str(log), what]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        costs.append(Cost(*json.loads(done.stdout)))
    return min(costs, key=lambda cost: cost.seconds)


def main() -> None:
    """Write the files, and measure if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=float, default=64, help="of each, in MB")
    parser.add_argument("--only", nargs="*", choices=[*FILES], default=[*FILES])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--what", nargs="*", choices=WHAT, default=WHAT)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    good = "good_images"
    warm_up = options.folder / "warm_up" / "events.out.tfevents.1"
    warm_up.parent.mkdir(parents=True, exist_ok=True)
    warm_up.write_bytes(record(event_message(1, 1.0, summary(b"\x0a\x01a" + float_field(2, 1)))))
    if options.measure:
        print(f"{'':28}" + "".join(f"{what:>20}" for what in options.what))
    per_byte: dict[str, float] = {}
    for name in [good, *[each for each in options.only if each != good]]:
        size = write(options.folder, name, int(options.size * MB)).stat().st_size
        if not options.measure:
            continue
        print(f"{name:28}", end="", flush=True)
        for what in options.what:
            cost = measure(options.folder, name, what, options.repeat)
            ratio = cost.seconds / size / per_byte.setdefault(what, cost.seconds / size)
            seconds = f"{cost.seconds:.2f} s" if name == good else f"{ratio:.2f} x"
            print(f"{seconds:>11}{cost.peak:6.0f} MB", end="", flush=True)
        print(f"{cost.rows:10} rows")


if __name__ == "__main__":
    main()
