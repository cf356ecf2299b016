"""What is measured of the verbs that change logs, and of their peers."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import Measure, process

__all__ = ["CHANGES"]

#: Scalars that are written, at most.
WRITTEN = 1_000_000

STATISTICS = ("mean", "std", "min", "max", "median")


def tbtools_write(logdir: Path, table: str) -> Measure:
    """``tbtools.write`` of a million scalars that are in memory."""
    import tbtools

    rows = tbtools.open(logdir, threads=1).scalars.to_table().slice(0, WRITTEN)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        tbtools.write(rows, Path(folder) / "logs")
        return time.perf_counter() - begin, rows.num_rows


def tensorboardx(logdir: Path, table: str) -> Measure:
    """The same by ``add_scalar`` of tensorboardX, until it is closed."""
    from tensorboardX import SummaryWriter

    import tbtools

    rows = tbtools.open(logdir, threads=1).scalars.to_table().slice(0, WRITTEN)
    names = ("tag", "value", "step", "wall_time")
    tags, values, steps, times = (rows[name].to_pylist() for name in names)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        with SummaryWriter(folder) as writer:
            for tag, value, step, wall_time in zip(tags, values, steps, times, strict=True):
                writer.add_scalar(tag, value, step, wall_time)
        return time.perf_counter() - begin, rows.num_rows


def tbtools_aggregate(logdir: Path, table: str) -> Measure:
    """Statistics over all runs of a log, to a table; rows: those of the statistics."""
    import tbtools

    begin = time.perf_counter()
    made = tbtools.aggregate(logdir, statistic=STATISTICS)
    return time.perf_counter() - begin, made.num_rows


def tensorboard_reducer(logdir: Path, table: str) -> Measure:
    """The same by tensorboard-reducer, to pandas; it samples beyond 10,000 points of a tag."""
    import tensorboard_reducer as tbr

    folders = sorted({str(path.parent) for path in logdir.rglob("*tfevents*")})
    begin = time.perf_counter()
    events = tbr.load_tb_events(folders, verbose=False)
    made = tbr.reduce_events(events, STATISTICS, verbose=False)
    return time.perf_counter() - begin, sum(len(rows) for rows in made["mean"].values())


def _thinned(logdir: Path, method: str) -> Measure:
    """Rows: points of one series, counted and thinned to a thousand by the core."""
    import tbtools
    from tbtools import _core

    rows = tbtools.open(logdir, threads=1).scalars.to_table(["step", "wall_time", "value"])
    columns = [rows[name].combine_chunks().buffers()[1] for name in rows.schema.names]
    number = bytes(8 * rows.num_rows)
    begin = time.perf_counter()
    thinner = _core.Thinner(method, 1_000)
    thinner.count(number, columns[2])
    thinner.begin([0], [0])
    thinner.add(number, *columns)
    thinner.take()
    return time.perf_counter() - begin, rows.num_rows


def tbtools_minmax(logdir: Path, table: str) -> Measure:
    """The core alone, ``minmax``, over columns that are in memory."""
    return _thinned(logdir, "minmax")


def tbtools_lttb(logdir: Path, table: str) -> Measure:
    """The same for ``lttb``."""
    return _thinned(logdir, "lttb")


def _copied(logdir: Path, **edits: object) -> Measure:
    """``tbtools.rewrite`` to a new logdir."""
    import tbtools

    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        tbtools.rewrite(logdir, Path(folder) / "logs", **edits)
        return time.perf_counter() - begin, None


def tbtools_copy(logdir: Path, table: str) -> Measure:
    """``rewrite`` with nothing to do: every record is checked and copied."""
    return _copied(logdir)


def tbtools_rename(logdir: Path, table: str) -> Measure:
    """``rewrite`` with a new tag for every value."""
    return _copied(logdir, rename={"(.*)": r"renamed/\1"})


def tensorboard_rename(logdir: Path, table: str) -> Measure:
    """The same by decoding, editing and encoding with TensorBoard's messages and record writer."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    paths = sorted(logdir.rglob("*tfevents*"))
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        for number, path in enumerate(paths):
            with (Path(folder) / str(number)).open("wb") as file:
                writer = RecordWriter(file)
                for record in RawEventFileLoader(str(path)).Load():
                    event = Event.FromString(record)
                    for value in event.summary.value:
                        value.tag = f"renamed/{value.tag}"
                    writer.write(event.SerializeToString())
        return time.perf_counter() - begin, None


def cp(logdir: Path, table: str) -> Measure:
    """``cp -r``, the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        subprocess.run(["cp", "-r", str(logdir), folder], check=True)
        return time.perf_counter() - begin, None


def _to(name: str, *arguments: str) -> Measure:
    with tempfile.TemporaryDirectory() as folder:
        return process("-m", "tbtools", *arguments, "-o", str(Path(folder) / name)), None


def aggregate_process(logdir: Path, table: str) -> Measure:
    """``tbtools aggregate`` to a Parquet file, all statistics, the whole process."""
    return _to("x.parquet", "aggregate", str(logdir))


def downsample_process(logdir: Path, table: str) -> Measure:
    """``tbtools downsample`` to event files, the whole process."""
    return _to("x", "downsample", str(logdir), "--points", "100")


def merge_process(logdir: Path, table: str) -> Measure:
    """``tbtools merge --restarts latest``, the whole process."""
    return _to("x", "merge", str(logdir), "--restarts", "latest")


CHANGES: tuple[Callable[[Path, str], Measure], ...] = (
    tbtools_write, tensorboardx, tbtools_aggregate, tensorboard_reducer, tbtools_minmax,
    tbtools_lttb, tbtools_copy, tbtools_rename, tensorboard_rename, cp, aggregate_process,
    downsample_process, merge_process,
)  # fmt: skip
