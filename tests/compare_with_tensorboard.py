"""Compares what ``restarts="tensorboard"`` and purging_oracle.py keep with TensorBoard itself.

With what the tests need:

    python tests/compare_with_tensorboard.py --runs 20000 --seed 1

Random runs are written, read by TensorBoard's own loader, by the oracle and by tbtools. Ends with
exit code 1 and shows the first runs that differ, if any do.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from random import Random

from purging_oracle import MEMBERS, NOT_KEPT, TABLES, Run, kept, kept_by_tbtools, random_run, write
from tensorboard.backend.event_processing import plugin_event_accumulator

import tbtools
from tbtools.files import scans

WINDOWS = (64, 300, scans.WINDOW)  # bytes that tbtools reads at a time
AT_ONCE = 200  # runs in one logdir
SHOWN = 3  # runs that differ

Kept = list[tuple[str, int, float]]


def kept_by_tensorboard(folder: Path, run: Run) -> tuple[Kept, float | None]:
    """Tag, step and wall_time of all values that it keeps, and when it says the run began."""
    accumulator = plugin_event_accumulator.EventAccumulator(
        str(folder), size_guidance={"tensors": 0}, purge_orphaned_data=True
    ).Reload()
    # What it makes of graphs and run metadata is no value of a Summary in the file.
    of_summaries = {event.wall_time for file in run for event in file if event.values}
    found = [
        (tag, event.step, event.wall_time)
        for tag in accumulator.Tags()["tensors"]
        for event in accumulator.Tensors(tag)
        if event.wall_time in of_summaries
    ]
    try:
        begin = accumulator.FirstEventTimestamp()
    except ValueError:
        begin = None
    return sorted(found), begin


def differences(runs: list[Run], scalars_only: bool) -> list[tuple[Run, str]]:
    """The runs that are not read alike, and how they differ."""
    found: list[tuple[Run, str]] = []
    with tempfile.TemporaryDirectory() as name:
        logdir = Path(name)
        for number, run in enumerate(runs):
            write(run, logdir / f"{number:04}")
        ours = kept_by_tbtools(logdir, TABLES[:1] if scalars_only else TABLES)
        rows = [] if scalars_only else tbtools.open(logdir).runs.to_table().to_pylist()
        begins = {row["run"]: row["first_time"] for row in rows}
        for number, run in enumerate(runs):
            run_name = f"{number:04}"
            theirs, begin = kept_by_tensorboard(logdir / run_name, run)
            expected = kept(run)
            by_oracle = sorted(value[:3] for value in expected if value.member not in NOT_KEPT)
            if by_oracle != theirs:
                found.append((run, f"TensorBoard keeps {theirs}\nthe oracle  keeps {by_oracle}"))
            # tbtools has rows of what TensorBoard never keeps, too; these follow the same rules.
            whole = sorted(value[:3] for value in expected)
            if whole != ours.get(run_name, []):
                found.append((run, f"the oracle keeps {whole}\ntbtools keeps {ours.get(run_name)}"))
            if begin != begins.get(run_name, begin):
                found.append((run, f"the run began at {begin}, for tbtools {begins[run_name]}"))
    return found


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # TensorBoard warns of every purge
    random = Random(options.seed)
    done = values = dropped = 0
    found: list[tuple[Run, str]] = []
    while done < options.runs:
        # Most are read in one piece and for scalars only, because that is much faster.
        scalars_only = random.random() < 0.7
        scans.WINDOW = random.choice(WINDOWS) if random.random() < 0.2 else WINDOWS[-1]
        members = tuple(MEMBERS)[: 1 if scalars_only else None]
        part = [random_run(random, members) for _ in range(min(AT_ONCE, options.runs - done))]
        found += differences(part, scalars_only)
        done += len(part)
        for run in part:
            total = sum(len(event.values) for file in run for event in file)
            values += total
            dropped += total - len(kept(run))
        print(
            f"{done} runs, {values} values, {dropped} dropped, {len(found)} differences", end="\r"
        )
    print()
    for run, difference in found[:SHOWN]:
        for file in run:
            print("file", *file, sep="\n  ")
        print(difference)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
