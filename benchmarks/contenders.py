"""What is measured: one function each, called in a process of its own.

``python -m benchmarks.contenders NAME LOGDIR TABLE`` prints seconds, rows and peak memory as JSON.
The time is that of the work alone, without starting Python and importing, except for the contenders
that are whole processes.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.changes import CHANGES
from benchmarks.processes import Measure, process

__all__ = ["CONTENDERS", "NEEDS"]

#: The package that each peer needs.
NEEDS = {
    "rustboard": "tensorboard_data_server",
    "event_accumulator": "tensorboard",
    "tbparse": "tbparse",
    "tbparse_process": "tbparse",
    "tensorboard_reducer": "tensorboard_reducer",
    "tensorboardx": "tensorboardX",
    "tensorboard_rename": "tensorboard",
}


def _files(logdir: Path) -> list[Path]:
    return sorted(logdir.rglob("*tfevents*"))


def walk(logdir: Path, table: str) -> Measure:
    """The floor: read each file into memory that is there already, check both CRCs of a frame."""
    from tbtools._core import walk

    paths = _files(logdir)
    buffer = bytearray(b"\xff") * max(path.stat().st_size for path in paths)
    begin = time.perf_counter()
    records = 0
    for path in paths:
        with path.open("rb", buffering=0) as file, memoryview(buffer) as whole:
            records += walk(whole[: file.readinto(buffer)])
    return time.perf_counter() - begin, records - len(paths)


def walk_in_memory(logdir: Path, table: str) -> Measure:
    """The same over bytes that are in memory."""
    from tbtools._core import walk

    data = [path.read_bytes() for path in _files(logdir)]
    begin = time.perf_counter()
    records = sum(map(walk, data))
    return time.perf_counter() - begin, records - len(data)


def scan_in_memory(logdir: Path, table: str) -> Measure:
    """The core alone, over bytes that are in memory, to Arrow record batches."""
    import pyarrow as pa

    from tbtools import _core

    data = [path.read_bytes() for path in _files(logdir)]
    begin = time.perf_counter()
    rows = 0
    for whole in map(memoryview, data):
        offset = 0
        while offset < len(whole):
            end = offset + (1 << 20)
            scan = _core.scan(whole[offset:end], position=offset, at_end=end >= len(whole))
            rows += pa.record_batch(scan.points).num_rows
            offset = scan.offset
    return time.perf_counter() - begin, rows


def _decode(logdir: Path, table: str, threads: int) -> Measure:
    import tbtools

    begin = time.perf_counter()
    reader = tbtools.open(logdir, threads=threads)[table].to_reader()
    rows = sum(batch.num_rows for batch in reader)
    return time.perf_counter() - begin, rows


def tbtools_one_thread(logdir: Path, table: str) -> Measure:
    """The table of a logdir as record batches, each looked at and let go."""
    return _decode(logdir, table, 1)


def tbtools_two_threads(logdir: Path, table: str) -> Measure:
    """The same with two threads."""
    return _decode(logdir, table, 2)


def tbtools_eight_threads(logdir: Path, table: str) -> Measure:
    """The same with eight: for its memory."""
    return _decode(logdir, table, 8)


def tbtools_one_tag(logdir: Path, table: str) -> Measure:
    """One tag of a log, by a filter."""
    import pyarrow.dataset as pads

    import tbtools

    begin = time.perf_counter()
    scalars = tbtools.open(logdir, threads=1)[table]
    rows = scalars.count_rows(filter=pads.field("tag") == "train/loss")
    return time.perf_counter() - begin, rows


def _images(logdir: Path, columns: list[str] | None) -> Measure:
    import tbtools

    begin = time.perf_counter()
    images = tbtools.open(logdir, threads=1).images
    rows = sum(batch.num_rows for batch in images.to_batches(columns))
    return time.perf_counter() - begin, rows


def tbtools_images(logdir: Path, table: str) -> Measure:
    """Every image of a log, with its bytes."""
    return _images(logdir, None)


def tbtools_images_counted(logdir: Path, table: str) -> Measure:
    """The images of a log, counted: no column of theirs."""
    return _images(logdir, [])


def tbtools_images_steps(logdir: Path, table: str) -> Measure:
    """The steps of the images of a log."""
    return _images(logdir, ["step"])


def _everything(logdir: Path, table: str, threads: int) -> Measure:
    import tbtools
    from tbtools.kinds import table_specs

    begin = time.perf_counter()
    logs = tbtools.open(logdir, threads=threads)
    rows = sum(batch.num_rows for name, batch in logs.scan(table_specs()) if name == table)
    return time.perf_counter() - begin, rows


def tbtools_everything(logdir: Path, table: str) -> Measure:
    """Every table of a log, read in full."""
    return _everything(logdir, table, 1)


def tbtools_everything_eight_threads(logdir: Path, table: str) -> Measure:
    """The same with eight threads: for its memory."""
    return _everything(logdir, table, 8)


def tbtools_survey(logdir: Path, table: str) -> Measure:
    """What a log holds: the tables runs, tags and files; rows: files."""
    import tbtools

    begin = time.perf_counter()
    logs = tbtools.open(logdir, threads=1)
    read = logs.scan(["runs", "tags", "files"])
    rows = sum(batch.num_rows for name, batch in read if name == "files")
    return time.perf_counter() - begin, rows


def rustboard(logdir: Path, table: str) -> Measure:
    """TensorBoard's Rust loader, keeping all points and checking all CRCs.

    The time is what the server says of its load cycle. The points are then fetched from it.
    """
    import tensorboard_data_server

    plugins = ("scalars", "images", "histograms", "audio", "text", "hparams")
    with tempfile.NamedTemporaryFile("r") as port:
        server = subprocess.Popen(
            [
                tensorboard_data_server.server_binary(),
                f"--logdir={logdir}",
                "--reload=once",
                "--checksum",
                f"--samples-per-plugin={','.join(f'{each}=all' for each in plugins)}",
                "--port=0",
                f"--port-file={port.name}",
                "-v",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stderr is not None
        try:
            for line in server.stderr:
                done = re.search(r"Finished load cycle \(([\d.]+)(ms|s|µs)\)", line)
                if done:
                    seconds = float(done[1]) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[done[2]]
                    port_number = int(Path(port.name).read_text())
                    counted = table in ("scalars", "histograms")
                    return seconds, _rows_of_server(port_number, table) if counted else None
        finally:
            server.kill()
            server.wait()
    raise RuntimeError("the server ended before it had loaded")


def _rows_of_server(port: int, table: str) -> int:
    import grpc
    from tensorboard.data import provider
    from tensorboard.data.proto import data_provider_pb2 as pb
    from tensorboard.data.proto import data_provider_pb2_grpc

    del provider
    options = [("grpc.max_receive_message_length", 1 << 30)]
    with grpc.insecure_channel(f"localhost:{port}", options=options) as channel:
        stub = data_provider_pb2_grpc.TensorBoardDataProviderStub(channel)
        plugin = pb.PluginFilter(plugin_name=table)
        most = pb.Downsample(num_points=1 << 30)
        if table == "scalars":
            found = stub.ReadScalars(pb.ReadScalarsRequest(plugin_filter=plugin, downsample=most))
        else:
            found = stub.ReadTensors(pb.ReadTensorsRequest(plugin_filter=plugin, downsample=most))
        return sum(len(tag.data.step) for run in found.runs for tag in run.tags)


def event_accumulator(logdir: Path, table: str) -> Measure:
    """TensorBoard's Python loader as scripts use it, told to keep all points."""
    from tensorboard.backend.event_processing import event_accumulator as ea

    begin = time.perf_counter()
    rows = 0
    for folder in sorted({path.parent for path in _files(logdir)}):
        loader = ea.EventAccumulator(
            str(folder),
            size_guidance=dict.fromkeys(ea.DEFAULT_SIZE_GUIDANCE, 0),
            purge_orphaned_data=False,
        )
        loader.Reload()
        tags = loader.Tags()
        if table == "scalars":
            rows += sum(len(loader.Scalars(tag)) for tag in tags["scalars"])
        else:
            rows += sum(len(loader.Histograms(tag)) for tag in tags["histograms"])
        rows += sum(len(loader.Tensors(tag)) for tag in tags["tensors"])
    return time.perf_counter() - begin, rows


def tbparse(logdir: Path, table: str) -> Measure:
    """tbparse, to a pandas frame."""
    from tbparse import SummaryReader

    begin = time.perf_counter()
    reader = SummaryReader(str(logdir), extra_columns={"dir_name", "wall_time"})
    frames = (reader.scalars, reader.tensors) if table == "scalars" else (reader.histograms,)
    return time.perf_counter() - begin, sum(len(frame) for frame in frames)


def ls_process(logdir: Path, table: str) -> Measure:
    """``tbtools ls``, the whole process."""
    return process("-m", "tbtools", "ls", str(logdir)), None


def count_process(logdir: Path, table: str) -> Measure:
    """``tbtools query`` for the number of scalars, the whole process."""
    return process("-m", "tbtools", "query", "SELECT count(*) FROM scalars", str(logdir)), None


def _exported(logdir: Path, *arguments: str) -> Measure:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "x"
        seconds = process(*arguments, str(logdir), "-o", str(out))
        return seconds, sum(path.stat().st_size for path in out.rglob("*.parquet"))


def export_process(logdir: Path, table: str) -> Measure:
    """``tbtools export --parquet``, the whole process; rows: bytes of the Parquet files."""
    return _exported(logdir, "-m", "tbtools", "export", "--parquet")


EXPORT = "import sys, tbtools; tbtools.export(sys.argv[1], sys.argv[3], threads={})"


def export_one_thread_process(logdir: Path, table: str) -> Measure:
    """The same by the library, with one thread: for its memory."""
    return _exported(logdir, "-c", EXPORT.format(1))


def export_eight_threads_process(logdir: Path, table: str) -> Measure:
    """The same with eight."""
    return _exported(logdir, "-c", EXPORT.format(8))


def tbparse_process(logdir: Path, table: str) -> Measure:
    """Tbparse and ``to_parquet``, the whole process; rows: bytes of the Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "x.parquet"
        code = (
            "from tbparse import SummaryReader\n"
            f"reader = SummaryReader({str(logdir)!r}, extra_columns={{'dir_name', 'wall_time'}})\n"
            f"reader.scalars.to_parquet({str(out)!r})\n"
        )
        return process("-c", code), out.stat().st_size


QUERY = "SELECT run, tag, count(*), min(value), max(value) FROM scalars GROUP BY ALL"


def query_process(logdir: Path, table: str) -> Measure:
    """``tbtools query``, the whole process."""
    return process("-m", "tbtools", "query", QUERY, str(logdir)), None


def imports_process(logdir: Path, table: str) -> Measure:
    """Starting Python and importing what ``tbtools query`` imports."""
    code = "import tbtools.cli, tbtools.tables.logs, tbtools.tables.sql, tbtools.cli.printer"
    return process("-c", code), None


CONTENDERS: dict[str, Callable[[Path, str], Measure]] = {
    function.__name__: function
    for function in (
        walk, walk_in_memory, scan_in_memory, tbtools_one_thread, tbtools_two_threads,
        tbtools_eight_threads, tbtools_one_tag, tbtools_images, tbtools_images_counted,
        tbtools_images_steps, tbtools_everything, tbtools_everything_eight_threads, tbtools_survey,
        rustboard, event_accumulator, tbparse, tbparse_process, ls_process, count_process,
        export_process, export_one_thread_process, export_eight_threads_process, query_process,
        imports_process, *CHANGES,
    )
}  # fmt: skip


def main() -> None:
    """Measure one contender and print what came of it."""
    name, logdir, table, repeats = sys.argv[1:]
    best: Measure | None = None
    for _ in range(int(repeats)):
        measured = CONTENDERS[name](Path(logdir), table)
        best = measured if best is None or measured[0] < best[0] else best
        if best[0] > 5:
            break  # nobody waits for the best of five of those
    assert best is not None
    who = resource.RUSAGE_CHILDREN if name.endswith("_process") else resource.RUSAGE_SELF
    peak = resource.getrusage(who).ru_maxrss / 1024
    print(json.dumps({"seconds": best[0], "rows": best[1], "peak_mb": round(peak)}))


if __name__ == "__main__":
    main()
