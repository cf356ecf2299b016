"""TensorBoard over three readers: until it has data, until it has all of them, and its memory.

``python -m benchmarks.tensorboard`` starts stock TensorBoard, TensorBoard with RustBoard, and
``tbtools serve --tensorboard`` in turn, each as a whole process over the same log, and asks them
by HTTP alone. Seconds count from the start of the process:

* *answers*: TensorBoard listens. What Python takes to import it is in all three.
* *first*: Time Series lists a scalar tag, and its points come.
* *all*: every run is listed, and of up to twenty runs, evenly chosen, the last series (the one
  whose last point was written last) ends at the step at which it ends in the log, as
  ``tbtools.open`` reads it. Readers take the records of a run in their order, so that what was
  written last is read last; and between any two of the twenty a reader passes not more than a
  twentieth of the runs. That they are all there is seen when the clock has stopped, by asking for
  the last series of *each* run; if one is not, the clock goes on.

One question is open at a time, of one series if it can be, and after it comes a pause of 30 ms, or
of a fiftieth of the time so far if that is longer: a server has little to do with us, and a time is
right to two percent. A series that was seen whole is not asked for again; runs are counted only
after that.

The memory is that of the server with all of its processes (proportional set size): when all data
are there, and again when each chart has been asked for that shows one of those last series, with
the points of all runs. With *all* points (``--samples_per_plugin scalars=9999999``) every server
keeps each point, otherwise as many as it keeps if nobody says anything. Of one log, each server has
read the same files before; what takes longer than twenty seconds is measured once. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlencode

import tbtools
from benchmarks.logs import make
from benchmarks.servers import answer, megabytes, started

LOGS = ("long", "many", "tiny", "corpus")
SLOW = 20.0  # seconds, after which once is enough
PAUSE, ROUGH = 0.03, 0.02  # seconds between two questions, or this part of the time so far
ASKED = 20  # runs before the clock stops

STOCK, RUSTBOARD, OURS = "tensorboard", "rustboard", "tbtools"
SOONER = {STOCK: 50, RUSTBOARD: 1}  # times: what issue 12 asks for
LIGHTER = {STOCK: 0, RUSTBOARD: 2}  # when all points are kept

SERVERS = {
    STOCK: ("-m", "tensorboard.main", "--load_fast=false", "--logdir", "LOGDIR", "--port", "PORT"),
    RUSTBOARD: (
        *("-m", "tensorboard.main", "--load_fast=true", "--logdir", "LOGDIR", "--port", "PORT"),
    ),
    OURS: ("-m", "tbtools", "serve", "--tensorboard", "LOGDIR", "--", "--port", "PORT"),
}
SAMPLES: dict[str, tuple[str, ...]] = {
    "default": (),
    "all": ("--samples_per_plugin", "scalars=9999999"),
}


@dataclass(frozen=True)
class Log:
    """A log, and by which answers a server is known to have read it."""

    path: Path
    runs: frozenset[str]
    #: Of each run with scalars, the tag that was written last and its last step.
    last: Mapping[str, tuple[str, int]]

    @classmethod
    def read(cls, path: Path) -> Log:
        """What the log holds, as tbtools reads it."""
        logs = tbtools.open(path)
        runs = logs.query("SELECT run FROM runs").fetchall()
        last = logs.query(
            "SELECT run, arg_max(tag, ended), arg_max(step, ended) FROM (SELECT run, tag, "
            "last(step) AS step, max(wall_time) AS ended FROM scalars GROUP BY run, tag) "
            "GROUP BY run ORDER BY run"
        ).fetchall()
        return cls(
            path,
            frozenset(run for (run,) in runs),
            {run: (tag, step) for run, tag, step in last},
        )

    def asked(self) -> list[str]:
        """The runs that are asked for before the clock stops, the last of them first."""
        runs = [*self.last]
        if len(runs) <= ASKED:
            return runs[::-1]
        return [runs[(len(runs) - 1) * i // (ASKED - 1)] for i in range(ASKED)][::-1]


@dataclass(frozen=True)
class Measured:
    """Seconds since the start of the process, and megabytes; what never came is infinite."""

    answers: float = math.inf
    first: float = math.inf
    all: float = math.inf
    memory: float = math.inf
    with_chart: float = math.inf


@dataclass(frozen=True)
class _Asking:
    """A server that was started at ``begin``, and is asked until it has what is wanted."""

    process: Popen[bytes]
    address: str
    begin: float
    patience: float
    log: Log
    #: Runs whose last series was seen whole: with all points, an answer takes a second.
    whole: set[str] = field(default_factory=set)

    def __call__(self, path: str, **fields: str) -> bytes:
        return answer(f"{self.address}/data/{path}" + (f"?{urlencode(fields)}" if fields else ""))

    def until(self, is_there: Callable[[], bool]) -> float:
        """Seconds since the start when something was there."""
        while True:
            is_done = is_there()
            seconds = time.perf_counter() - self.begin
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} ended with {self.process.returncode}")
            if seconds > self.patience:
                raise TimeoutError
            if is_done:
                return seconds
            time.sleep(max(PAUSE, ROUGH * seconds))

    def has_data(self) -> bool:
        """A tag is listed, and its points come."""
        tags = self("plugin/timeseries/tags")
        runs = json.loads(tags)["scalars"]["runTagInfo"] if tags else {}
        for run, names in runs.items():
            if names:
                tag, _ = self.log.last[run]
                return bool(self.points(run, tag if tag in names else names[0]))
        return False

    def points(self, run: str, tag: str) -> list[tuple[float, int, float]]:
        """Wall times, steps and values of a series, as far as the server has read."""
        found: list[tuple[float, int, float]]
        found = json.loads(self("plugin/scalars/scalars", run=run, tag=tag) or "[]")
        if found and self.log.last[run] == (tag, found[-1][1]):
            self.whole.add(run)
        return found

    def is_whole(self, run: str) -> bool:
        """Whether the last series of a run ends, or once ended, as it does in the log."""
        if run not in self.whole:
            self.points(run, self.log.last[run][0])
        return run in self.whole

    def chart(self, tag: str) -> Mapping[str, int]:
        """Where the lines of a chart of the page end."""
        requests = json.dumps([{"plugin": "scalars", "tag": tag}])
        answers = json.loads(self("plugin/timeseries/timeSeries", requests=requests) or "[{}]")
        lines = answers[0].get("runToSeries", {})
        return {run: points[-1]["step"] for run, points in lines.items() if points}


def measure(server: tuple[str, ...], log: Log, patience: float) -> Measured:
    """A server from its start until it has all of a log and has shown charts of it."""
    begin = time.perf_counter()
    with started(server, log.path) as (process, address):
        ask = _Asking(process, address, begin, patience, log)
        found: dict[str, float] = {}
        try:
            found["answers"] = ask.until(lambda: bool(ask("environment")))
            found["first"] = ask.until(ask.has_data)
            missing = log.asked()
            while missing:
                for run in missing:
                    ask.until(partial(ask.is_whole, run))
                found["all"] = ask.until(lambda: log.runs <= {*json.loads(ask("runs") or "[]")})
                found["memory"] = megabytes(process.pid)
                charts = {tag: ask.chart(tag) for tag in {tag for tag, _ in log.last.values()}}
                missing = [
                    run for run, (tag, step) in log.last.items() if charts[tag].get(run) != step
                ]
                ask.whole.difference_update(missing)
                found["with_chart"] = megabytes(process.pid)
        except TimeoutError:
            found.pop("all", None)
    return Measured(**found)


def median(measured: list[Measured]) -> Measured:
    """Of each figure its median."""
    return Measured(*map(statistics.median, zip(*map(astuple, measured), strict=True)))


def is_met(peer: str, theirs: Measured, ours: Measured, keeps_all: bool) -> bool:
    """Whether tbtools is as much sooner and lighter than a peer as issue 12 asks for."""
    return theirs.all >= SOONER[peer] * ours.all and (
        not keeps_all
        or (
            theirs.memory >= LIGHTER[peer] * ours.memory
            and theirs.with_chart >= LIGHTER[peer] * ours.with_chart
        )
    )


def rows(
    log: str, samples: str, found: Mapping[str, Measured], patience: float
) -> tuple[list[str], bool]:
    """A row of the table for each server, and whether the targets were met."""
    ours = found.get(OURS)
    lines, met = [], True
    for name, each in found.items():
        words = [
            f"> {patience:.0f}" if math.isinf(figure) else f"{figure:.2f}"
            for figure in (each.answers, each.first, each.all)
        ]
        words += [f"{figure:.0f}" for figure in (each.memory, each.with_chart)]
        if ours is None or name == OURS:
            words += ["", "", "", ""]
        else:
            # What was not done when our patience ended took as long at least.
            theirs = replace(each, all=min(each.all, patience))
            met_here = is_met(name, theirs, ours, samples == "all")
            met &= met_here
            words += [
                f"{theirs.all / ours.all:.1f}",
                f"{each.memory / ours.memory:.1f}",
                f"{each.with_chart / ours.with_chart:.1f}",
                "" if met_here else "missed",
            ]
        lines.append(f"| {log} | {samples} | {name} | {' | '.join(words)} |")
    return lines, met


def main() -> None:
    """Measure in turn, print medians and ratios, and fail where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "tbtools-logs")
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus/logs"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the logs that are made")
    parser.add_argument("--only", nargs="*", default=[*LOGS], choices=LOGS)
    parser.add_argument("--samples", nargs="*", default=[*SAMPLES], choices=SAMPLES)
    parser.add_argument("--servers", nargs="*", default=[*SERVERS], choices=SERVERS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--patience", type=float, default=600.0, help="seconds for one server")
    options = parser.parse_args()
    print(
        "| log | points | server | answers s | first s | all s | MB | with a chart | later "
        "| heavier | with a chart | |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    failed = False
    for name in options.only:
        made = options.corpus if name == "corpus" else make(name, options.logs, options.scale)
        log = Log.read(made)
        for samples in options.samples:
            found: dict[str, list[Measured]] = {server: [] for server in options.servers}
            for _ in range(options.repeat):
                for server, measured in found.items():
                    if not measured or measured[0].all < SLOW:
                        arguments = SERVERS[server] + SAMPLES[samples]
                        measured.append(measure(arguments, log, options.patience))
            lines, met = rows(
                name,
                samples,
                {server: median(measured) for server, measured in found.items()},
                options.patience,
            )
            failed |= not met
            print("\n".join(lines), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
