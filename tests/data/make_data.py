"""Make the golden logs with the real writers, and beside each what TensorBoard reads of it.

``python tests/data/make_data.py [--truth] [NAME...]`` in a venv with tensorflow-cpu, torch,
tensorboardX, tensorboard and scikit-learn. Event files are renamed, because their names tell the
host. ``--truth`` reads the logs that are there again, and makes none.
"""

from __future__ import annotations

import os

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_DETERMINISTIC_OPS": "1", "CUDA_VISIBLE_DEVICES": ""}

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from make_handmade import handmade, malformed
from make_iris import train as iris
from make_tf import tf1, tf2
from make_torch import resumed, tensorboardx, torch_all
from truth import write_truth

FOLDER = Path(__file__).parent

LOGS: dict[str, Callable[[Path], None]] = {
    "handmade": handmade,
    "iris": iris,
    "malformed": malformed,
    "tensorboardx": tensorboardx,
    "tf1": tf1,
    "tf2": tf2,
    "torch": torch_all,
    "torch_resumed": resumed,
}


def keep(folder: Path, target: Path) -> None:
    """Copy what the writer wrote; event files get names that keep their order and no more."""
    shutil.rmtree(target, ignore_errors=True)
    for run in sorted({path.parent for path in folder.rglob("*") if path.is_file()}):
        place = target / run.relative_to(folder)
        place.mkdir(parents=True)
        number = 1_700_000_000
        for path in sorted(run.iterdir()):
            if path.is_file():
                is_log = "tfevents" in path.name
                name = f"events.out.tfevents.{number}" if is_log else path.name
                number += is_log
                shutil.copyfile(path, place / name)


def main() -> None:
    """Make the logs that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(LOGS))
    parser.add_argument("--truth", action="store_true", help="only read the logs again")
    options = parser.parse_args()
    for name in options.names or LOGS:
        if not options.truth:
            with tempfile.TemporaryDirectory() as folder:
                LOGS[name](Path(folder))
                keep(Path(folder), FOLDER / name)
        # What is read of these is not the truth about a log, so no test compares it.
        ending = "refused.jsonl" if name == "malformed" else "truth.jsonl"
        write_truth(FOLDER / name, FOLDER / f"{name}.{ending}")


if __name__ == "__main__":
    main()
