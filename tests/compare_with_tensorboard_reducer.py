"""Compares ``aggregate`` with tensorboard-reducer: the same statistics, and how long both take.

In a venv with tbtools' dependencies and ``tensorboard-reducer``:

    python tests/compare_with_tensorboard_reducer.py --runs 10 --tags 2 --points 1000

Below 10,000 points of a tag its loader does not sample. Ends with exit code 1 if a statistic
differs by more than float64 rounds.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import tensorboard_reducer as tbr

import tbtools

OPERATIONS = ("mean", "std", "min", "max", "median")
RELATIVE = 1e-9  # of float64 sums in another order


def write(logdir: Path, runs: int, tags: int, points: int) -> list[str]:
    """Runs of noise; the paths of their folders."""
    draw = Random(1)
    names = [f"seed_{run}" for run in range(runs) for _ in range(tags * points)]
    tbtools.write(
        {
            "run": names,
            "tag": [f"t{tag}" for tag in range(tags)] * (runs * points),
            "step": [step for step in range(points) for _ in range(tags)] * runs,
            "wall_time": [1.7e9 + step for step in range(points) for _ in range(tags)] * runs,
            "value": [draw.gauss(0, 1) for _ in names],
        },
        logdir,
        table="scalars",
    )
    return [str(logdir / f"seed_{run}") for run in range(runs)]


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--tags", type=int, default=2)
    parser.add_argument("--points", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        logdir = Path(folder) / "logs"
        paths = write(logdir, arguments.runs, arguments.tags, arguments.points)
        # What both import is imported before the clock runs.
        tbtools.aggregate(paths[0], steps=":1")
        begin = time.perf_counter()
        loaded = tbr.load_tb_events(paths, verbose=False)
        theirs = tbr.reduce_events(loaded, OPERATIONS, verbose=False)
        middle = time.perf_counter()
        ours = tbtools.aggregate(logdir, statistic=OPERATIONS)
        end = time.perf_counter()
    different = 0
    for row in ours.to_pylist():
        for operation in OPERATIONS:
            other = float(theirs[operation][row["tag"]][row["step"]])
            if not math.isclose(row[operation], other, rel_tol=RELATIVE, abs_tol=1e-12):
                different += 1
                if different <= 3:
                    print(f"{row['tag']} {row['step']} {operation}: {row[operation]}, not {other}")
    rows = sum(len(table) for table in theirs["mean"].values())
    print(f"{ours.num_rows} rows, {rows} theirs, {different} statistics differ")
    print(f"tensorboard-reducer {middle - begin:.2f} s, tbtools {end - middle:.2f} s", end="")
    print(f" ({(middle - begin) / (end - middle):.0f} x)")
    return int(different > 0 or rows != ours.num_rows)


if __name__ == "__main__":
    sys.exit(main())
