"""``python -m benchmarks``: make the logs, measure every contender, print the ratios."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.logs import LOGS, make
from benchmarks.report import chart, table

#: The package that each peer needs.
NEEDS = {
    "rustboard": "tensorboard_data_server",
    "event_accumulator": "tensorboard",
    "tbparse": "tbparse",
    "tbparse_process": "tbparse",
}

READERS = ["walk", "tbtools_one_thread", "tbtools_two_threads", "rustboard", "event_accumulator"]
MEASURED = {
    "long": ["walk_in_memory", "scan_in_memory", *READERS, "tbparse", "export_process",
             "tbparse_process", "query_process", "imports_process"],
    "long_tf2": ["walk_in_memory", "scan_in_memory", *READERS],
    "many": READERS,
    "images": ["walk", "tbtools_one_thread", "tbtools_one_tag", "tbtools_images",
               "tbtools_images_counted", "tbtools_images_steps", "tbtools_everything", "rustboard"],
    "histograms": READERS,
    "legacy_histograms": READERS,
}  # fmt: skip

#: Contenders that count something else than the rows of the log's table.
COUNT_OTHERWISE = {"walk", "walk_in_memory", "tbtools_one_tag", "tbtools_images",
                   "tbtools_images_counted", "tbtools_images_steps"}  # fmt: skip


def measure(name: str, folder: Path, table_name: str, repeats: int) -> dict[str, Any]:
    """One contender in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contenders", name, folder, table_name, str(repeats)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def disagreements(results: dict[str, dict[str, dict[str, Any]]], scale: float) -> list[str]:
    """Readers that did not give as many rows as were written."""
    found = []
    for log, measured in results.items():
        expected = int(LOGS[log][2] * scale)
        for name, each in measured.items():
            counts = each["rows"] is not None and not name.endswith(("_process", "_imports"))
            if counts and name not in COUNT_OTHERWISE and each["rows"] != expected:
                found.append(f"{name} read {each['rows']} rows of {log}, not {expected}")
    return found


def main() -> int:
    """Measure, print, and fail if the readers do not agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "tbtools-logs")
    parser.add_argument("--only", nargs="*", choices=[*LOGS], default=[*LOGS], metavar="LOG")
    parser.add_argument("--contender", nargs="*", choices=[*CONTENDERS], metavar="NAME")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the logs; 0.01 to try")
    parser.add_argument("--json", type=Path, help="write the measurements to a file")
    parser.add_argument("--svg", type=Path, help="draw the long log to a file")
    options = parser.parse_args()
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for log in options.only:
        folder = make(log, options.logs, options.scale)
        results[log] = {}
        for name in MEASURED[log]:
            if options.contender and name not in options.contender:
                continue
            if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
                print(f"{name}: {NEEDS[name]} is not installed", file=sys.stderr)
                continue
            print(f"{log}: {name}", file=sys.stderr)
            results[log][name] = measure(name, folder, LOGS[log][1], options.repeat)
        measured = results[log]
        if {"imports_process", "tbtools_one_thread"} <= measured.keys():
            both = (
                measured["imports_process"]["seconds"] + measured["tbtools_one_thread"]["seconds"]
            )
            measured["decode_and_imports"] = {"seconds": both, "rows": None, "peak_mb": 0}
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.svg:
        options.svg.write_text(chart(results))
    wrong = disagreements(results, options.scale)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
