"""Makes the logs that are read, with a fixed seed and no writer but the format itself."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.encoding import (
    BEGAN,
    event,
    graph_def,
    histogram,
    image,
    layer,
    legacy_histogram,
    node_stats,
    opening,
    opening_of_torch,
    run_metadata,
    session_start,
    simple,
    tensor,
)

# The shapes of hostile files are those of the tests, which are scripts and no package.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from hostile import FILES as SHAPES

__all__ = ["HOSTILE", "LOGS", "Log", "make"]

TAGS = ["train/loss", "train/acc", "val/loss", "val/acc", "lr", "grad_norm/l1", "grad_norm/l2",
        "perf/it_s", "gpu/mem", "aux_loss"]  # fmt: skip


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


def _long(folder: Path, steps: int) -> None:
    _write(folder, _scalars(steps, TAGS, simple, 1))


def _long_tf2(folder: Path, steps: int) -> None:
    _write(folder, _scalars(steps, TAGS, tensor, 1))


def _many(folder: Path, runs: int) -> None:
    tags = [f"{'train' if index % 2 else 'val'}/metric_{index}" for index in range(20)]
    for run in range(runs):
        _write(folder / f"seed_{run:03}", _scalars(500, tags, simple, run))


def _images(folder: Path, steps: int, seed: int = 3) -> None:
    def events() -> Iterator[bytes]:
        rng = random.Random(seed)
        yield opening()
        for step in range(steps):
            picture = b"\x89PNG\r\n\x1a\n" + rng.randbytes(200_000)
            yield event(step, BEGAN + step, image(b"samples", picture))
            for index, tag in enumerate(TAGS):
                yield event(step, BEGAN + step + index / 100, simple(tag.encode(), rng.random()))

    _write(folder, events())


def _image_runs(folder: Path, steps: int) -> None:
    """Several runs of images, which several threads can have in memory at once."""
    for run in range(8):
        _images(folder / f"run_{run}", steps, seed=10 + run)


def _histogram_events(form: Callable[[bytes, random.Random], bytes], steps: int) -> Iterator[bytes]:
    rng = random.Random(4)
    yield opening()
    for step in range(steps):
        for index in range(20):
            tag = f"layer_{index}/kernel".encode()
            yield event(step, BEGAN + step, form(tag, rng))


def _histograms(folder: Path, steps: int) -> None:
    _write(folder, _histogram_events(histogram, steps))


def _legacy_histograms(folder: Path, steps: int) -> None:
    _write(folder, _histogram_events(legacy_histogram, steps))


def _tiny(folder: Path, runs: int) -> None:
    """A sweep: each run wrote one value at its end."""
    rng = random.Random(5)
    for run in range(runs):
        began = BEGAN + run * 60
        where = folder / "sweep" / f"lr={1e-5 * (1 + run // 100):.5f}" / f"seed={run % 100}"
        value = event(1_000, began + 50, simple(b"test/accuracy", rng.random()))
        name = f"events.out.tfevents.{began:.0f}.host.{1_000 + run}.0"
        _write(where, [opening_of_torch(began), value], name)


def _restarts(folder: Path, runs: int) -> None:
    """Trainings that were resumed once or twice, a little before where they had been."""
    tags = [b"train/loss", b"train/acc", b"val/loss", b"val/acc", b"lr", b"grad_norm"]
    rng = random.Random(6)
    for run in range(runs):
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


def _graphs(folder: Path, files: int) -> None:
    """Estimators of TF1: a graph of 3,000 nodes, a few scalars and what some steps took."""
    for run in range(files):
        rng = random.Random(run)
        layers, before = [], "input"
        for number in range(300):
            layers.append(layer(number, before, rng))
            before = f"model/tower_{number % 4}/dense_{number}/Relu"
        records = [opening(), graph_def(layers)]
        for step in range(100, 1_100, 100):
            now = BEGAN + step
            records.append(event(step, now, simple(b"loss", rng.random())))
            records.append(event(step, now, simple(b"global_step/sec", rng.random())))
            if step % 500 == 0:
                took = [
                    node_stats(f"model/tower_{i % 4}/dense_{i}/MatMul".encode(), i * 50)
                    for i in range(300)
                ]
                records.append(run_metadata(f"step_{step}".encode(), step, now, took))
        _write(folder / f"model_{run:03}", records)


def _hostile(shape: str, folder: Path, megabytes: int) -> None:
    _write(folder, [SHAPES[shape](megabytes * 1_000_000)])


def _write(
    folder: Path, records: Iterable[bytes], name: str = "events.out.tfevents.1700000000.host"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        file.writelines(records)


@dataclass(frozen=True)
class Log:
    """A log that is made of so many steps, runs, files or bytes, and what is in it."""

    write: Callable[[Path, int], None]
    units: int
    table: str
    rows_each: int
    #: The rows that are left where a reader takes back what a restart wrote again.
    left_each: int | None = None

    def scaled(self, scale: float) -> int:
        """The units at a scale; one at least."""
        return max(1, round(self.units * scale))

    def rows(self, scale: float) -> int:
        """The rows of the table at a scale."""
        return self.rows_each * self.scaled(scale)

    def left(self, scale: float) -> int:
        """The rows that RustBoard keeps at a scale."""
        return (self.left_each or self.rows_each) * self.scaled(scale)


#: What good images and hostile bytes have before the name of their shape, as logs.
HOSTILE = "hostile_"

LOGS = {
    "long": Log(_long, 200_000, "scalars", 10),
    "long_tf2": Log(_long_tf2, 200_000, "scalars", 10),
    "many": Log(_many, 200, "scalars", 10_000),
    "tiny": Log(_tiny, 7_000, "scalars", 1),
    "restarts": Log(_restarts, 700, "scalars", 6_000, left_each=5_400),
    "graphs": Log(_graphs, 100, "graph_nodes", 3_000),
    "images": Log(_images, 2_000, "scalars", 10),
    "image_runs": Log(_image_runs, 210, "scalars", 80),
    "histograms": Log(_histograms, 1_000, "histograms", 20),
    "legacy_histograms": Log(_legacy_histograms, 1_000, "histograms", 20),
} | {
    # 64 parts of a megabyte in one file
    HOSTILE + shape: Log(partial(_hostile, shape), 64, "files", 0)
    for shape in SHAPES
}


def make(name: str, root: Path, scale: float = 1.0) -> Path:
    """The folder of a log; it is made if it is not there."""
    folder = root / f"{name}-{scale:g}"
    if not (folder / "complete").exists():
        LOGS[name].write(folder, LOGS[name].scaled(scale))
        (folder / "complete").touch()
    return folder
