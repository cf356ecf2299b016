"""Compares what tbtools reads of damaged logs with what the oracle in oracle.py reads of them.

    python tests/compare_damage_with_oracle.py --logs 1000 --seed 1 [--real]

Small logs are made and damaged: bits that flip, zeroed pages, cuts, blocks that are inserted,
overwritten, deleted, repeated and swapped, up to five at once. Each is read a window at a time,
again as it grows, and together with others as a logdir. Every record has to agree (offset, step,
wall_time, tag and value), and every damage (offset, size and kind); ``files``, ``verify``,
``recover`` and ``export`` have to tell as many records and bytes, and ``recover`` has to write the
bytes of the intact records. With ``--real`` the logs are copies of those in tests/data and of the
corpus, of which the rows are not compared. Ends with exit code 1 and the seeds of the logs that
differ, if any do; ``--logs 1 --seed S`` makes that of a seed alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import oracle
from driver import Drive, assert_agrees, rows_of
from event_writing import EventFile, bytes_field, header, tensor, varint_field
from oracle import Damage, Reading, plugin_name

import tbtools
from tbtools.files import scans
from tbtools.files.discovery import EventFile as Listed
from tbtools.files.health import FileHealth
from tbtools.files.storage import LOCAL

WINDOWS = (16, 100, 1000, scans.WINDOW)  # bytes that tbtools reads at a time
AT_ONCE = 50  # logs in one logdir
SHOWN = 5  # logs that differ
LARGEST = 60_000  # bytes of a real log

TAGS = ("loss", "accuracy", "val/loss", "ü", "")
#: The table whose row a value becomes, by its plugin.
TABLES = {b"scalars": "scalars", b"text": "text", b"histograms": "histograms", b"": "tensors"}

# --- logs ----------------------------------------------------------------------------------------


def good_log(random: Random) -> EventFile:
    """Up to forty records of several kinds and tags, as writers make them."""
    file = EventFile().version(writer="a.writer" if random.random() < 0.5 else None)
    for step in range(random.randrange(40)):
        random.choice(RECORDS)(file, step, random)
    return file


def _image(file: EventFile, step: int, random: Random) -> None:
    picture = random.randbytes(random.choice([30, 300, 3000]))
    if random.random() < 0.2:  # what looks like the beginning of a record, or is one
        inner = header(random.choice([0, 10, 1000, 10**6]))
        picture += random.choice([inner, EventFile().scalar("inner", step, 1.0).bytes])
        picture += random.randbytes(random.randrange(40))
    image = varint_field(1, 2) + varint_field(2, 3) + bytes_field(4, b"\x89PNG" + picture)
    file.value(random.choice(["image", "picture"]), step, "image", image)


def _tensor(file: EventFile, step: int, random: Random) -> None:
    elements = [random.gauss(0, 1) for _ in range(random.randrange(2, 200))]
    payload = tensor("float32", elements, [len(elements)])
    file.value("weights", step, "tensor", payload)


def _tf2_scalar(file: EventFile, step: int, random: Random) -> None:
    # Only the first value of a tag has metadata in some writers' files.
    plugin = random.choice(["scalars", "scalars", ""])
    file.tensor_scalar("epoch_loss", step, random.gauss(0, 1), plugin=plugin)


def _text(file: EventFile, step: int, random: Random) -> None:
    payload = tensor("string", [b"x" * random.randrange(100)], [])
    file.value("note", step, "tensor", payload, plugin="text")


RECORDS: tuple[Callable[[EventFile, int, Random], object], ...] = (
    lambda file, step, random: file.scalar(random.choice(TAGS), step, random.gauss(0, 1)),
    lambda file, step, random: file.scalar("loss", step, float("nan")),
    lambda file, step, random: file.scalars(step, {tag: random.random() for tag in TAGS}),
    _tf2_scalar,
    _tf2_scalar,
    _image,
    _tensor,
    _text,
    lambda file, step, random: file.session_start(step),
    lambda file, step, random: file.record(random.randbytes(random.randrange(20))),  # no event
)

# --- damage --------------------------------------------------------------------------------------


def _block(data: bytearray, offsets: list[int], random: Random) -> tuple[int, int]:
    """A stretch: any, whole records, or a page."""
    kind = random.randrange(3)
    if kind == 0:
        begin = random.randrange(len(data) + 1)
        return begin, min(len(data), begin + int(random.expovariate(1 / 100)))
    if kind == 1 and offsets:
        first = random.randrange(len(offsets))
        ends = [*offsets[1:], len(data)]
        last = min(len(offsets) - 1, first + random.randrange(4))
        return min(offsets[first], len(data)), min(ends[last], len(data))
    page = random.choice([64, 512, 4096])
    begin = random.randrange(len(data) // page + 1) * page
    return begin, min(len(data), begin + page)


def damage(data: bytearray, offsets: list[int], random: Random) -> None:
    """One thing that happens to a file. ``offsets`` are where its records began at first."""
    begin, end = _block(data, offsets, random)
    block = bytes(data[begin:end])
    what = random.choice(DAMAGES)
    if what == "flip" and data:
        for _ in range(random.choice([1, 1, 2, 8])):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif what == "zero":
        data[begin:end] = bytes(end - begin)
    elif what == "overwrite":
        data[begin:end] = random.randbytes(end - begin)
    elif what == "cut":
        del data[random.choice([begin, end]) :]
    elif what == "insert":
        claimed = random.choice([0, 1, 50, 1000, len(data), 2**31 - 1, 2**31, 2**64 - 1])
        data[begin:begin] = random.choice(
            [random.randbytes(end - begin), bytes(end - begin), header(claimed), block]
        )
    elif what == "delete":
        del data[begin:end]
    elif what == "repeat":
        data[end:end] = block * random.choice([1, 1, 3])
    elif what == "swap":
        other, other_end = _block(data, offsets, random)
        if other >= end:
            data[begin:other_end] = data[other:other_end] + data[end:other] + block


DAMAGES = ("flip", "flip", "zero", "overwrite", "cut", "insert", "delete", "repeat", "swap")


def damaged_log(seed: int, real: Sequence[Path] = ()) -> bytes:
    """The log of a seed; if there are ``real`` ones, a copy of one of these."""
    random = Random(seed)
    if real:
        data = bytearray(random.choice(real).read_bytes())
        offsets = [event.offset for event in oracle.read(bytes(data)).events]
    else:
        file = good_log(random)
        data, offsets = bytearray(file.bytes), file.offsets
    for _ in range(random.choice([0, 1, 1, 1, 2, 3, 5])):
        damage(data, offsets, random)
    return bytes(data)


def real_logs() -> list[Path]:
    """Event files of other writers: small ones, since the oracle is slow."""
    root = Path(__file__).parent
    folders = [root / "data", root.parent.parent / "shared" / "corpus" / "logs"]
    paths = [path for folder in folders for path in folder.rglob("*tfevents*") if path.is_file()]
    return sorted(path for path in paths if path.stat().st_size <= LARGEST)


# --- readings ------------------------------------------------------------------------------------


@contextmanager
def windows_of(size: int) -> Iterator[None]:
    """Tbtools reads files so many bytes at a time."""
    before = {name: getattr(scans, name) for name in ("WINDOW", "_SPARE")}
    try:
        scans.WINDOW, scans._SPARE = size, []
        yield
    finally:
        for name, value in before.items():
            setattr(scans, name, value)


def read_in_steps(path: Path, data: bytes, sizes: list[int]) -> Drive:
    """What tbtools gives of a file that grows to these sizes, the last of which is all of it."""
    health = FileHealth("", str(path))
    options = scans.ScanOptions(offsets=True)
    reader = scans.EventReader(Listed(path.name, str(path), 0, LOCAL), health, options, follow=True)
    result = Drive()
    for size in sizes:
        path.write_bytes(data[:size])
        for scan in reader.read(growing=size < len(data)):
            result.rows += rows_of(scan)
    reader.close()
    result.metadata = reader.metadata
    result.damages = [Damage(each.offset, each.size, each.kind) for each in health.damages]
    result.records, result.pending = health.events, health.pending_bytes
    return result


Rows = dict[str, list[str]]


def rows_of_oracle(reading: Reading) -> Rows:
    """By table: tag, step, wall_time and value, if it is a scalar, of what a file holds."""
    values = [(event, value) for event in reading.events for value in event.values]
    declared: dict[str | None, bytes] = {}
    for _, value in values:
        if name := plugin_name(value.metadata):
            declared.setdefault(value.tag, name)
    found: Rows = {}
    for event, value in values:
        scalar = value.scalar
        if value.tag is None:
            continue
        if value.field == "simple_value":
            table = "scalars"
        elif value.field == "image":
            table = "images"
        else:
            table = TABLES[plugin_name(value.metadata) or declared.get(value.tag, b"")]
        row = [value.tag, event.step, event.wall_time, scalar if table == "scalars" else None]
        found.setdefault(table, []).append(repr(row))
    return found


def rows_of_library(logdir: Path) -> dict[str, Rows]:
    """The same by run, as the tables of a logdir have it."""
    found: dict[str, Rows] = {}
    tables = ("scalars", "images", "tensors", "text")
    for table, batch in tbtools.open(logdir, threads=1).scan(tables):
        for row in batch.to_pylist():
            value = row["value"] if table == "scalars" else None
            told = repr([row["tag"], row["step"], row["wall_time"], value])
            found.setdefault(row["run"], {}).setdefault(table, []).append(told)
    return found


Stretches = list[tuple[int, int]]


def joined(damages: list[Damage]) -> Stretches:
    """Where damaged stretches begin and end; those of one kind that adjoin are one."""
    found: list[tuple[int, int, str]] = []
    for each in damages:
        begin, end = each.offset, each.offset + each.size
        if found and found[-1][1:] == (begin, each.kind):
            begin = found.pop()[0]
        found.append((begin, end, each.kind))
    return [(begin, end) for begin, end, _ in found]


def damage_of_verify(findings: list[dict[str, Any]], run: str) -> tuple[Stretches, int, int]:
    """The damaged stretches of a run that ``verify`` tells, and their records and bytes."""
    rows = [each for each in findings if each["run"] == run and each["damage"]]
    stretches = [(each["offset"], each["offset"] + each["size"]) for each in rows]
    return stretches, sum(each["records"] for each in rows), sum(each["size"] for each in rows)


def tail_of_verify(findings: list[dict[str, Any]], run: str) -> int:
    """The bytes of a torn tail that it tells."""
    rows = [each for each in findings if each["run"] == run and each["what"] == "torn tail"]
    return sum(each["size"] for each in rows)


def records_of(data: bytes, reading: Reading) -> bytes:
    """The bytes of the intact records."""
    sizes = (int.from_bytes(data[event.offset :][:8], "little") + 16 for event in reading.events)
    pairs = zip(reading.events, sizes, strict=True)
    return b"".join(data[event.offset : event.offset + size] for event, size in pairs)


def differences(seeds: range, folder: Path, real: Sequence[Path] = ()) -> list[tuple[int, str]]:
    """The seeds of which the logs are not read alike, and how they differ."""
    found: list[tuple[int, str]] = []
    readings: dict[str, Reading] = {}
    intact: dict[str, bytes] = {}
    for seed in seeds:
        data = damaged_log(seed, real)
        readings[str(seed)] = reading = oracle.read(data)
        intact[str(seed)] = records_of(data, reading)
        path = folder / str(seed) / "events.out.tfevents.1"
        path.parent.mkdir()
        random = Random(seed)
        steps = sorted(random.randrange(len(data) + 1) for _ in range(3))
        ways = [(window, [len(data)]) for window in WINDOWS]
        ways.append((random.choice(WINDOWS), [*steps, len(data)]))
        for window, sizes in ways:
            try:
                with windows_of(window):
                    assert_agrees(read_in_steps(path, data, sizes), reading)
            except (AssertionError, KeyError, ValueError) as error:
                found.append((seed, f"windows of {window}, sizes {sizes}: {error}"))
    window = Random(seeds.start).choice(WINDOWS)
    with windows_of(window):
        rows = rows_of_library(folder)
        files = tbtools.open(folder, threads=1)["files"].to_table().to_pylist()
        findings = tbtools.verify(folder, threads=1).to_table().to_pylist()
        with tempfile.TemporaryDirectory() as outputs:
            saved = tbtools.recover(folder, Path(outputs) / "saved")
            recovered = {
                path.parent.name: path.read_bytes()
                for path in (Path(outputs) / "saved").rglob("*tfevents*")
            }
            logs = tbtools.open(folder)
            logs.export(Path(outputs) / "tables")
    left = {row["run"]: 0 for row in saved.report.to_pylist()}
    for row in saved.report.to_pylist():
        left[row["run"]] += row["size"] or 0
    exported = {each.run: each for each in logs.health}
    health = {each["run"]: each for each in files}
    for run, reading in readings.items():
        if recovered.get(run, b"") != intact[run]:
            found.append((int(run), "recover writes other bytes"))
        lost = sum(each.size for each in reading.damages) + reading.pending
        if left.get(run, 0) != lost:
            found.append((int(run), f"recover leaves {left.get(run, 0)} bytes behind, not {lost}"))
        if not real and rows.get(run, {}) != rows_of_oracle(reading):
            found.append((int(run), f"tables differ, windows of {window}"))
        damaged = [len(reading.damages), sum(each.size for each in reading.damages)]
        expected = [len(reading.events), *damaged, reading.pending]
        names = ("events", "damaged_records", "skipped_bytes", "pending_bytes")
        told = [health[run][name] for name in names]
        if told != expected:
            found.append((int(run), f"files tells {told}, the oracle {expected}"))
        told = [getattr(exported[run], name) for name in names]
        if told != expected:
            found.append((int(run), f"export tells {told}, the oracle {expected}"))
        verified = [*damage_of_verify(findings, run), tail_of_verify(findings, run)]
        expected = [joined(reading.damages), *damaged, reading.pending]
        if verified != expected:
            found.append((int(run), f"verify tells {verified}, the oracle {expected}"))
    return found


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--logs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first; each has the next")
    parser.add_argument("--real", action="store_true", help="copies of real logs")
    options = parser.parse_args()
    real = real_logs() if options.real else []
    found: list[tuple[int, str]] = []
    end = options.seed + options.logs
    for begin in range(options.seed, end, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            found += differences(range(begin, min(begin + AT_ONCE, end)), Path(folder), real)
        done = min(begin + AT_ONCE, end) - options.seed
        print(f"{done} logs, {len({seed for seed, _ in found})} differ", end="\r", flush=True)
    print()
    for seed, difference in found[:SHOWN]:
        print(f"seed {seed}: {difference}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
