"""What a byte and a file cost: measurements of all logs, fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from benchmarks.logs import HOSTILE, LOGS
from benchmarks.targets import Results

__all__ = ["COSTS", "Cost", "Fit", "least_squares"]


@dataclass(frozen=True)
class Fit:
    """Costs that explain what was measured, and the log that they explain worst."""

    ns_per_byte: float
    us_per_file: float
    ms_per_process: float
    worst: str
    #: Seconds of that log through what the fit says.
    off_by: float


@dataclass(frozen=True)
class Cost:
    """What is fitted: a contender, of logs with this table, or of all but hostile ones."""

    what: str
    contender: str
    table: str | None = None
    process: bool = False

    def fit(self, results: Results) -> Fit | None:
        """Seconds = a * bytes + b * files, of a process + c; None if there are too few logs.

        Relative errors count, as a log of milliseconds says as much as one of seconds.
        """
        logs, rows, seconds = [], [], []
        for log, measured in results.items():
            of_table = self.table in (None, LOGS[log].table)
            if self.contender in measured and of_table and not log.startswith(HOSTILE):
                each = measured[self.contender]
                logs.append(log)
                rows.append([each["bytes"] / 1e9, each["files"] / 1e6, 1e-3][: 2 + self.process])
                seconds.append(each["seconds"])
        if len(logs) <= 2 + self.process:
            return None
        relative = [[x / y for x in row] for row, y in zip(rows, seconds, strict=True)]
        costs = least_squares(relative, [1.0] * len(relative))
        said = [sum(x * c for x, c in zip(row, costs, strict=True)) for row in rows]
        ratios = {log: y / each for log, y, each in zip(logs, seconds, said, strict=True) if each}
        worst = max(ratios, key=lambda log: max(ratios[log], 1 / ratios[log]))
        return Fit(*[*costs, 0.0][:3], worst=worst, off_by=ratios[worst])


COSTS = (
    Cost("scalars to Arrow, one thread", "tbtools_one_thread", table="scalars"),
    Cost("survey, one thread", "tbtools_survey"),
    Cost("`ls`, whole process", "ls_process", process=True),
)


def least_squares(rows: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The x of which none is below zero and for which the squares of rows · x - right are least.

    As there are two or three unknowns, every choice of those that are zero is tried.
    """
    count = len(rows[0])
    best = ([0.0] * count, sum(y * y for y in right))
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            solved = _solve(
                [[sum(row[i] * row[j] for row in rows) for j in chosen] for i in chosen],
                [sum(row[i] * y for row, y in zip(rows, right, strict=True)) for i in chosen],
            )
            if solved is None or min(solved) < 0:
                continue
            x = [0.0] * count
            for i, each in zip(chosen, solved, strict=True):
                x[i] = each
            said = [sum(a * b for a, b in zip(row, x, strict=True)) for row in rows]
            error = sum((s - y) ** 2 for s, y in zip(said, right, strict=True))
            if error < best[1]:
                best = (x, error)
    return best[0]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Gauss: the x of matrix · x = right, or None if there is not exactly one."""
    rows = [[*row, y] for row, y in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda j: abs(rows[j][i]))
        if abs(rows[pivot][i]) <= 1e-12 * max(map(abs, matrix[pivot])):
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(size):
            if j != i:
                factor = rows[j][i] / rows[i][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]
