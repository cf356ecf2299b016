"""A writer and ``sync`` side by side: ``tests/compare_sync_with_writer.py [SECONDS] [RATE]``.

The writer (tensorboardX if it is installed, else event_writing.py) writes RATE events a second, is
restarted twice, the second time with ``purge_step``. Beside it runs ``tbtools sync --watch``, which
is killed ten times and started again. Meanwhile the dataset is read: what it holds has to be a
beginning of each file. At the end it is compared, table by table, with a fresh export.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from event_writing import EventFile, tensor
from syncing import leftovers, tables_of

import tbtools

KILLS = 10
SPARE = 256  # events between two looks at the clock


def write(folder: Path, first: int, seconds: float, rate: int, purge: bool) -> None:
    """What the writer process does: events of three tags, and other kinds between them."""
    try:
        from tensorboardX import SummaryWriter  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        _write_by_hand(folder, first, seconds, rate, purge)
        return
    options = {"purge_step": first} if purge else {}
    with SummaryWriter(str(folder), flush_secs=1, **options) as writer:
        for step in _paced(first, seconds, rate):
            writer.add_scalar(f"loss/{step % 3}", 1 / (step + 1), step)
            if step % 500 == 0:
                writer.add_text("note", f"step {step}", step)
                writer.add_histogram("weights", [0.1, 0.2, float(step)], step)


def _write_by_hand(folder: Path, first: int, seconds: float, rate: int, purge: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"events.out.tfevents.{time.time_ns()}"
    rng = random.Random(first)
    with (folder / name).open("ab", buffering=0) as out:
        data = EventFile().version(writer="by hand")
        if purge:
            data.session_start(first)
        waiting = data.bytes
        for step in _paced(first, seconds, rate):
            event = EventFile().scalar(f"loss/{step % 3}", step, 1 / (step + 1))
            if step % 500 == 0:
                event.value("blob", step, "tensor", tensor("string", [bytes(2000)]))
            waiting += event.bytes
            if step % 16 == 0:
                size = rng.randrange(len(waiting))  # now and then half a record
                out.write(waiting[:size])
                waiting = waiting[size:]
        out.write(waiting)


def _paced(first: int, seconds: float, rate: int) -> Iterator[int]:
    """Steps, as many a second as were asked for."""
    begun = time.monotonic()
    step = first
    while time.monotonic() - begun < seconds:
        for _ in range(SPARE):
            yield step
            step += 1
        ahead = (step - first) / rate - (time.monotonic() - begun)
        if ahead > 0:
            time.sleep(ahead)


def start_writer(
    folder: Path, first: int, seconds: float, rate: int, purge: bool
) -> subprocess.Popen[bytes]:
    """The writer as a process."""
    words = ["write", folder, first, seconds, rate, int(purge)]
    return subprocess.Popen([sys.executable, __file__, *map(str, words)])


def start_sync(logs: Path, dataset: Path) -> subprocess.Popen[bytes]:
    """``sync --watch`` as a process."""
    words = ["sync", logs, "-o", dataset, "--watch", "--interval", "0.2"]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tbtools", *map(str, words)], stderr=subprocess.DEVNULL
    )


def main(seconds: float, rate: int) -> None:
    """Let them run, and compare."""
    rng = random.Random(1)
    top = Path(tempfile.mkdtemp(prefix="sync-writer-"))
    logs, dataset = top / "logs", top / "dataset"
    (logs / "run").mkdir(parents=True)
    third = seconds / 3
    # The second goes on where the first was 500 steps before its end, the third purges that many.
    part = int(third * rate)
    firsts = [0, max(part - 500, 0), max(2 * part - 1000, 0)]
    begun = time.monotonic()
    writer, written = start_writer(logs / "run", 0, seconds, rate, False), 1
    sync, kills = start_sync(logs, dataset), 0
    kill_at = sorted(rng.uniform(0.5, seconds - 0.5) for _ in range(KILLS))
    looks = most = 0
    while (now := time.monotonic() - begun) < seconds + 2 or writer.poll() is None:
        if written < 3 and now > third * written:
            writer.kill()  # as training is, in the middle of whatever it writes
            writer.wait()
            length = third if written == 2 else seconds
            writer = start_writer(logs / "run", firsts[written], length, rate, written == 2)
            written += 1
        if kill_at and now > kill_at[0]:
            kill_at.pop(0)
            sync.send_signal(signal.SIGKILL)
            sync.wait()
            kills += 1
            sync = start_sync(logs, dataset)
        if sync.poll() is not None:
            raise SystemExit(f"sync ended by itself, with {sync.returncode}")
        if (dataset / "manifest.json").exists():
            rows = tbtools.open(dataset).scalars.count_rows()
            if rows < most:
                raise SystemExit(f"rows were lost: {most} before, {rows} now")
            most, looks = rows, looks + 1
        time.sleep(0.1)
    sync.kill()
    sync.wait()
    size = sum(path.stat().st_size for path in logs.rglob("*tfevents*"))
    began = time.monotonic()
    tbtools.sync(logs, dataset)
    took = time.monotonic() - began
    tbtools.export(logs, top / "export")
    found, expected = tables_of(tbtools.open(dataset)), tables_of(tbtools.open(top / "export"))
    if found != expected:
        names = [name for name in expected if found.get(name) != expected[name]]
        raise SystemExit(f"not as a fresh export: {', '.join(names)} ({top} has both)")
    if leftovers(dataset):
        raise SystemExit(f"left over: {leftovers(dataset)}")
    parts = len([*(dataset / "scalars").glob("*.parquet")])
    shutil.rmtree(top)
    counts = ", ".join(f"{name} {len(rows):,}" for name, rows in expected.items())
    print(f"{written} writers, {size:,} bytes; sync killed {kills} times, {looks} looks meanwhile")
    print(f"as a fresh export, row for row: {counts}; {parts} parts of scalars")
    print(f"the last call took {took:.2f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        folder, first, length, per_second, purges = sys.argv[2:]
        write(Path(folder), int(first), float(length), int(per_second), bool(int(purges)))
        os._exit(0)
    seconds, rate = [*sys.argv[1:], *["60", "2000"][len(sys.argv) - 1 :]]
    main(float(seconds), int(rate))
