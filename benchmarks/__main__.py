"""``python -m benchmarks``: make the logs, measure every contender, print the ratios."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, NEEDS
from benchmarks.logs import HOSTILE, LOGS, make
from benchmarks.report import chart, table
from benchmarks.targets import Results

READERS = ["walk", "tbtools_one_thread", "tbtools_two_threads", "rustboard", "event_accumulator"]
PROCESSES = ["ls_process", "count_process", "export_process"]
#: What is measured of every log that is a log: what is in it, and all of it with eight threads.
OF_ALL = ["tbtools_survey", "ls_process", "tbtools_eight_threads", "export_one_thread_process",
          "export_eight_threads_process"]  # fmt: skip
OF_MANY = [*READERS, *OF_ALL, "tbtools_everything", "tbtools_everything_eight_threads",
           "count_process", "export_process"]  # fmt: skip
OF_HOSTILE = ["tbtools_survey", "tbtools_everything", *PROCESSES]
MEASURED = {
    "long": ["walk_in_memory", "scan_in_memory", *READERS, "tbparse", "export_process",
             "tbparse_process", "query_process", "imports_process", *OF_ALL, "tbtools_write",
             "tensorboardx", "tbtools_minmax", "tbtools_lttb", "tbtools_copy", "tbtools_rename",
             "tensorboard_rename", "cp"],
    "long_tf2": ["walk_in_memory", "scan_in_memory", *READERS, *OF_ALL],
    "many": [*OF_MANY, "tbtools_aggregate", "tensorboard_reducer"],
    "tiny": [*OF_MANY, "tbparse"],
    "restarts": [*OF_MANY, "tbparse", "aggregate_process", "downsample_process",
                 "merge_process"],
    "graphs": [name for name in OF_MANY if name != "event_accumulator"],
    "images": ["walk", "tbtools_one_thread", "tbtools_one_tag", "tbtools_images",
               "tbtools_images_counted", "tbtools_images_steps", "tbtools_everything", "rustboard",
               "tbtools_copy", "tbtools_rename", "cp", *OF_ALL],
    "image_runs": ["tbtools_one_thread", "tbtools_everything", "tbtools_everything_eight_threads",
                   *OF_ALL],
    "histograms": [*READERS, *OF_ALL],
    "legacy_histograms": [*READERS, *OF_ALL],
} | {log: OF_HOSTILE for log in LOGS if log.startswith(HOSTILE)}  # fmt: skip

#: Contenders that count something else than the rows of the log's table.
COUNT_OTHERWISE = {"walk", "walk_in_memory", "tbtools_one_tag", "tbtools_images",
                   "tbtools_images_counted", "tbtools_images_steps", "tbtools_survey",
                   "tbtools_write", "tensorboardx", "tbtools_aggregate",
                   "tensorboard_reducer"}  # fmt: skip


def measure(name: str, folder: Path, table_name: str, repeats: int, plain: str) -> dict[str, Any]:
    """One contender in a process of its own; tbtools in an environment of its own, too."""
    if "eight_threads" in name or "one_thread_process" in name:
        repeats = 1  # for their memory
    python = sys.executable if name in NEEDS else plain
    done = subprocess.run(
        [python, "-m", "benchmarks.contenders", name, folder, table_name, str(repeats)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def has_pandas(python: str) -> bool:
    """Whether pandas can be imported there."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pandas') is None)"
    return subprocess.run([python, "-c", code]).returncode == 0


def size_of(folder: Path) -> dict[str, int]:
    """Bytes and files of a log."""
    sizes = [path.stat().st_size for path in folder.rglob("*tfevents*")]
    return {"bytes": sum(sizes), "files": len(sizes)}


def disagreements(results: Results, scale: float) -> list[str]:
    """Readers that did not give as many rows as were written."""
    found = []
    for log, measured in results.items():
        for name, each in measured.items():
            counts = each["rows"] is not None and not name.endswith("_process")
            if not counts or name in COUNT_OTHERWISE or log.startswith(HOSTILE):
                continue
            of = LOGS[log]
            expected = of.left(scale) if name == "rustboard" else of.rows(scale)
            if each["rows"] != expected:
                found.append(f"{name} read {each['rows']} rows of {log}, not {expected}")
    return found


def measure_log(log: str, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Every contender of a log that is installed and asked for."""
    folder = make(log, options.logs, options.scale)
    size = size_of(folder)
    measured: dict[str, dict[str, Any]] = {}
    for name in MEASURED[log]:
        if options.contender and name not in options.contender:
            continue
        if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
            print(f"{name}: {NEEDS[name]} is not installed", file=sys.stderr)
            continue
        print(f"{log}: {name}", file=sys.stderr)
        repeats = min(options.repeat, 2) if log.startswith(HOSTILE) else options.repeat
        each = measure(name, folder, LOGS[log].table, repeats, options.plain)
        measured[name] = each | size
    if {"imports_process", "tbtools_one_thread"} <= measured.keys():
        both = measured["imports_process"]["seconds"] + measured["tbtools_one_thread"]["seconds"]
        measured["decode_and_imports"] = {"seconds": both, "rows": None, "peak_mb": 0} | size
    return measured


def main() -> int:
    """Measure, print, and fail if the readers do not agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "tbtools-logs")
    parser.add_argument("--only", nargs="*", choices=[*LOGS], default=[*LOGS], metavar="LOG")
    parser.add_argument("--contender", nargs="*", choices=[*CONTENDERS], metavar="NAME")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the logs; 0.01 to try")
    parser.add_argument(
        "--plain",
        default=sys.executable,
        metavar="PYTHON",
        help="what tbtools runs in: a Python without pandas",
    )
    parser.add_argument("--json", type=Path, help="write the measurements to a file")
    parser.add_argument(
        "--read",
        type=Path,
        metavar="JSON",
        help="earlier measurements, which the new ones replace one by one; "
        "with --only and no LOG they are only shown",
    )
    parser.add_argument("--svg", type=Path, help="draw readers and logs to a file")
    options = parser.parse_args()
    if options.only and has_pandas(options.plain):
        print(
            f"{options.plain} has pandas, which pyarrow imports; give --plain a PYTHON without",
            file=sys.stderr,
        )
    if options.only and hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        load = os.getloadavg()[0]
        print(f"the machine is at work (load {load:.1f}): times will be too long", file=sys.stderr)
    results: dict[str, dict[str, dict[str, Any]]] = {}
    if options.read:
        results = json.loads(options.read.read_text())
    for log in options.only:
        results.setdefault(log, {}).update(measure_log(log, options))
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(table(results))
    if options.svg:
        options.svg.write_text(chart(results))
    wrong = disagreements(results, options.scale)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
