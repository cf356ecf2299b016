"""Time and memory of whole commands on logs that are larger than either should grow with.

``python -m benchmarks.bounds`` makes a logdir of 4 GB (scalars, histograms, images of up to 50 MB)
and one of 100,000 runs of one value, and runs the commands on them, with few open files allowed.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.encoding import BEGAN, event, image, opening
from benchmarks.logs import LOGS, make

MOST_OPEN = 256  # files, as on a Mac
MEMORY = 400  # MB that are allowed

MEAN = "SELECT run, tag, count(*) AS n, avg(value) AS mean FROM scalars GROUP BY ALL ORDER BY ALL"
COMMANDS = {
    "ls": ["ls"],
    "verify": ["verify", "-f", "csv"],
    "query": ["query", MEAN],
    "export": ["export", "--parquet", "-o", "OUT"],
    "recover": ["recover", "-o", "OUT"],
    "rewrite": ["rewrite", "--shift-steps", "1", "-o", "OUT"],
    "merge": ["merge", "-o", "OUT"],
    "sync": ["sync", "-o", "OUT"],
    "sync, nothing new": ["sync", "-o", "OUT"],
}
#: Seconds that are allowed on 100,000 runs.
LIMITS = {"ls": 20, "export": 60}


def large(root: Path, scale: float) -> Path:
    """Three kinds of runs, 4 GB in all: copies of the benchmarks' logs, and growing images."""
    folder = root / f"large-{scale:g}"
    if (folder / "complete").exists():
        return folder
    for name, copies in (("long", 16), ("histograms", 60)):
        (source,) = make(name, root, scale).glob("*tfevents*")
        for number in range(copies):
            run = folder / name / f"run_{number:02}"
            run.mkdir(parents=True, exist_ok=True)
            (run / source.name).write_bytes(source.read_bytes())
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "images" / "events.out.tfevents.1700000000.host").open("wb") as file:
        file.writelines(_growing_images(scale))
    (folder / "complete").touch()
    return folder


def _growing_images(scale: float) -> Iterator[bytes]:
    rng = random.Random(8)
    yield opening()
    for step in range(60):
        picture = b"\x89PNG\r\n\x1a\n" + rng.randbytes(int(scale * 50e6 * (step + 1) / 60))
        yield event(step, BEGAN + step, image(b"samples", picture))


def measure(arguments: list[str]) -> tuple[float, int]:
    """Seconds and peak megabytes of a command. Raises RuntimeError if it fails."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN, MOST_OPEN))

    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tbtools", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=limit,  # there are no threads here
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {said[-500:]!r}")
    return time.perf_counter() - begin, usage.ru_maxrss // 1024


def main() -> None:
    """Measure, print, and fail if memory or time is more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "tbtools-logs")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--command", nargs="*", default=[*COMMANDS])
    options = parser.parse_args()
    runs = round(100_000 * options.scale)
    logs = {
        "large": large(options.logs, options.scale),
        "runs": make("tiny", options.logs, runs / LOGS["tiny"].units),
    }
    print("| log | command | seconds | peak MB | |\n|---|---|---|---|---|")
    failed = False
    for log, logdir in logs.items():
        with tempfile.TemporaryDirectory() as folder:
            for name in options.command:
                output = str(Path(folder) / name.partition(",")[0])
                words = [output if word == "OUT" else word for word in COMMANDS[name]]
                seconds, peak = measure([*words, str(logdir)])
                allowed = LIMITS.get(name, float("inf")) if log == "runs" else float("inf")
                is_met = peak <= MEMORY and seconds <= allowed
                failed |= not is_met
                print(f"| {log} | {name} | {seconds:.1f} | {peak} | {'' if is_met else 'missed'} |")
    sys.exit(failed)


if __name__ == "__main__":
    main()
