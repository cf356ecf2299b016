"""Compares every answer of ``serve --tensorboard`` with that of TensorBoard over its own loader.

With what the tests need:

    python tests/compare_with_tensorboard_answers.py
    python tests/compare_with_tensorboard_answers.py --logs random restarts --count 1000 --seed 2
    python tests/compare_with_tensorboard_answers.py --logdir LOGDIR

Ends with exit code 1 where an answer differs in a way that is not on the list of those that are
meant (KNOWN in tensorboard_differences.py).
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random

from dashboard_logs import random_log
from purging_oracle import random_run, write
from tensorboard_answers import Comparison, ours, stock
from tensorboard_questions import compared

import tbtools

DATA = Path(__file__).parent / "data"
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "logs"
AT_ONCE = 20  # runs in a logdir of restarts

#: Arguments of TensorBoard, and a name of what they are about.
Case = tuple[str, list[str]]


def golden(scratch: Path) -> Path:
    """The golden logs, but for tags that claim 10 GB: TensorBoard has no memory for a page then."""
    out = scratch / "golden"
    shutil.copytree(DATA, out, ignore=lambda folder, names: {*names} & {"malformed"})
    tbtools.rewrite(DATA / "malformed", out / "malformed", drop="*of 10 GB")
    return out


def of_folder(folder: Path) -> Iterator[Case]:
    """All logs of a folder as one logdir, each apart, and two with names."""
    yield f"{folder.name}, all", ["--logdir", str(folder)]
    parts = sorted(path for path in folder.iterdir() if path.is_dir())
    spec = f"first:{parts[0]},second:{parts[-1]},{parts[1]}"
    yield f"{folder.name}, --logdir_spec", ["--logdir_spec", spec]
    for each in parts:
        yield each.name, ["--logdir", str(each)]


def of_random(scratch: Path, count: int, seed: int) -> Iterator[Case]:
    """Random logs of every kind, each purged and not."""
    for number in range(seed, seed + count):
        folder = random_log(Random(number), scratch / "random" / str(number))
        for purges in ("true", "false"):
            named = ["--logdir", str(folder), "--purge_orphaned_data", purges]
            yield f"random {number}, purged: {purges}", named
        shutil.rmtree(folder)


def of_restarts(scratch: Path, count: int, seed: int) -> Iterator[Case]:
    """Runs with every oddity that matters to what restarts drop, each purged and not."""
    for number in range(seed, seed + count):
        random = Random(number)
        folder = scratch / "restarts" / str(number)
        for run in range(AT_ONCE):
            write(random_run(random), folder / f"{run:04}")
        for purges in ("true", "false"):
            named = ["--logdir", str(folder), "--purge_orphaned_data", purges]
            yield f"restarts {number}, purged: {purges}", named
        shutil.rmtree(folder)


def cases_of(options: argparse.Namespace, scratch: Path) -> Iterator[Case]:
    """What is to be compared."""
    for each in options.logdir:
        yield each, ["--logdir", each]
    for name in [] if options.logdir else options.logs:
        if name == "golden":
            yield from of_folder(golden(scratch))
        elif name == "corpus" and CORPUS.is_dir():
            yield from of_folder(CORPUS)
        elif name == "random":
            yield from of_random(scratch, options.count, options.seed)
        elif name == "restarts":
            yield from of_restarts(scratch, max(1, options.count // AT_ONCE), options.seed)


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    every = ("golden", "corpus", "random", "restarts")
    parser.add_argument("--logs", nargs="+", choices=every, default=every)
    parser.add_argument("--logdir", nargs="+", default=[], help="these instead")
    parser.add_argument("--count", type=int, default=300, help="random logs, and restarted runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=10, help="differences of a logdir")
    parser.add_argument("--stock", action="store_true", help="hold TensorBoard against itself")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # TensorBoard warns of every purge
    warnings.simplefilter("ignore")
    total = Comparison()
    with tempfile.TemporaryDirectory() as scratch:
        for name, arguments in cases_of(options, Path(scratch)):
            begin = time.monotonic()
            done = compared(stock(*arguments), (stock if options.stock else ours)(*arguments))
            seconds = time.monotonic() - begin
            if done.differences or name.partition(" ")[0] not in ("random", "restarts"):
                print(f"{name}: {done.summary}, {seconds:.1f} s", flush=True)
            for question, difference in done.differences[: options.shown]:
                print(f"  {question[:200]}\n    {difference[:300]}")
            total.add(done)
    print(total.table)
    return 1 if total.differences else 0


if __name__ == "__main__":
    sys.exit(main())
