"""Compares every answer of ``serve --tensorboard`` with that of TensorBoard over its own loader.

With what the tests need:

    python tests/compare_with_tensorboard_answers.py
    python tests/compare_with_tensorboard_answers.py --logs golden made
    python tests/compare_with_tensorboard_answers.py --logdir LOGDIR

Ends with exit code 1 where an answer differs in a way that is not on the list of those that are
meant (KNOWN in tensorboard_answers.py).
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from tensorboard_answers import Comparison, ours, stock
from tensorboard_questions import compared

DATA = Path(__file__).parent / "data"
CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "logs"


def of_folder(folder: Path) -> Iterator[list[str]]:
    """All logs of a folder as one logdir, and each apart."""
    yield ["--logdir", str(folder)]
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield ["--logdir", str(each)]


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--logs", nargs="+", default=["golden", "corpus"])
    parser.add_argument("--logdir", nargs="+", default=[])
    parser.add_argument("--shown", type=int, default=40, help="differences of a logdir")
    parser.add_argument("--stock", action="store_true", help="hold TensorBoard against itself")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # TensorBoard warns of every purge
    warnings.simplefilter("ignore")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    cases: list[list[str]] = [["--logdir", each] for each in options.logdir]
    if not cases:
        for name in options.logs:
            cases += of_folder({"golden": DATA, "corpus": CORPUS}[name])
    total = Comparison()
    for case in cases:
        begin = time.monotonic()
        done = compared(stock(*case), (stock if options.stock else ours)(*case))
        seconds = time.monotonic() - begin
        print(f"{' '.join(case)}: {done.summary}, {seconds:.1f} s")
        for question, difference in done.differences[: options.shown]:
            print(f"  {question[:200]}\n    {difference[:300]}")
        total.add(done)
    print(total.table)
    return 1 if total.differences else 0


if __name__ == "__main__":
    sys.exit(main())
