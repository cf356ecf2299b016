"""What docs/design.md, section 9, asks for: ratios, rates, costs of a file, and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import NEEDS
from benchmarks.logs import HOSTILE

__all__ = ["TARGETS", "Results", "Target"]

#: By log and contender: seconds, rows, peak_mb; and bytes and files of the log.
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]

#: What a target is about, and where that was: a log or, of several, the one that is furthest off.
Found = tuple[float, str]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A number that is to be so large at least, or with ``most`` at most."""

    what: str
    goal: float
    most: bool = False
    unit: str = " \N{MULTIPLICATION SIGN}"

    def needs(self) -> list[tuple[str, str]]:
        """The logs and contenders that have to be measured; none: whatever was measured."""
        return []

    def found(self, results: Results) -> Found | None:
        """The number, and where; None if it was not measured."""
        raise NotImplementedError

    def is_met(self, number: float) -> bool:
        """Whether a number is as good as asked for."""
        return number <= self.goal if self.most else number >= self.goal


@dataclass(frozen=True, kw_only=True)
class Ratio(Target):
    """How many times as long ``slow`` takes as ``fast``."""

    log: str
    slow: str
    fast: str

    def needs(self) -> list[tuple[str, str]]:
        """Both, of one log."""
        return [(self.log, self.slow), (self.log, self.fast)]

    def found(self, results: Results) -> Found | None:
        """The ratio of their seconds."""
        measured = results.get(self.log, {})
        if self.slow not in measured or self.fast not in measured:
            return None
        return measured[self.slow]["seconds"] / measured[self.fast]["seconds"], self.log


@dataclass(frozen=True, kw_only=True)
class Rate(Target):
    """Rows per second."""

    log: str
    contender: str
    unit: str = " / s"

    def needs(self) -> list[tuple[str, str]]:
        """The one contender."""
        return [(self.log, self.contender)]

    def found(self, results: Results) -> Found | None:
        """Rows through seconds."""
        each = results.get(self.log, {}).get(self.contender)
        return None if each is None else (each["rows"] / each["seconds"], self.log)


@dataclass(frozen=True, kw_only=True)
class PerFile(Target):
    """Microseconds per file of a log."""

    log: str
    contender: str
    most: bool = True
    unit: str = " µs"

    def needs(self) -> list[tuple[str, str]]:
        """The one contender."""
        return [(self.log, self.contender)]

    def found(self, results: Results) -> Found | None:
        """Seconds through files."""
        each = results.get(self.log, {}).get(self.contender)
        return None if each is None else (each["seconds"] / each["files"] * 1e6, self.log)


@dataclass(frozen=True, kw_only=True)
class Hostile(Target):
    """How many times as long hostile bytes take as as many of good images; the worst shape."""

    contender: str
    most: bool = True

    def needs(self) -> list[tuple[str, str]]:
        """What is compared with; and of the shapes, those that were measured."""
        return [(GOOD, self.contender)]

    def found(self, results: Results) -> Found | None:
        """The ratio of their seconds per byte."""
        costs = {
            log: measured[self.contender]["seconds"] / measured[self.contender]["bytes"]
            for log, measured in results.items()
            if log.startswith(HOSTILE) and self.contender in measured
        }
        good = costs.pop(GOOD, None)
        if good is None or not costs:
            return None
        worst = max(costs, key=costs.__getitem__)
        return costs[worst] / good, worst


GOOD = f"{HOSTILE}good_images"


@dataclass(frozen=True, kw_only=True)
class Memory(Target):
    """Peak memory of tbtools in all that was measured, with eight threads or with fewer."""

    eight_threads: bool
    most: bool = True
    unit: str = " MB"

    def found(self, results: Results) -> Found | None:
        """The most, and of whom."""
        peaks = {
            f"{log}, {name}": each["peak_mb"]
            for log, measured in results.items()
            for name, each in measured.items()
            if name.startswith("tbtools_") or name.endswith("_process")
            if name not in NEEDS and ("eight_threads" in name) is self.eight_threads
        }
        worst = max(peaks, key=peaks.__getitem__, default=None)
        return None if worst is None else (peaks[worst], worst)


def _ratio(what: str, log: str, slow: str, fast: str, goal: float, *, most: bool = False) -> Target:
    return Ratio(what=what, log=log, slow=slow, fast=fast, goal=goal, most=most)


ONE, TWO = "tbtools_one_thread", "tbtools_two_threads"

TARGETS: tuple[Target, ...] = (
    # against the floor
    _ratio("decode in memory / frame walk", "long", "scan_in_memory", "walk_in_memory", 1.8,
           most=True),
    _ratio("the same, TF2", "long_tf2", "scan_in_memory", "walk_in_memory", 2.4, most=True),
    _ratio("decode from disk / frame walk", "long", ONE, "walk", 2.5, most=True),
    _ratio("the same, TF2", "long_tf2", ONE, "walk", 2.5, most=True),
    # against RustBoard
    _ratio("RustBoard / one long run", "long", "rustboard", ONE, 45),
    _ratio("RustBoard / one long TF2 run", "long_tf2", "rustboard", ONE, 30),
    _ratio("RustBoard / 200 runs", "many", "rustboard", TWO, 20),
    _ratio("RustBoard / 700 runs", "restarts", "rustboard", TWO, 15),
    _ratio("RustBoard / 7,000 one-value runs", "tiny", "rustboard", TWO, 3),
    _ratio("RustBoard / histograms", "histograms", "rustboard", ONE, 8),
    _ratio("RustBoard / legacy histograms", "legacy_histograms", "rustboard", ONE, 8),
    _ratio("ls / RustBoard", "tiny", "ls_process", "rustboard", 2, most=True),
    PerFile(what="ls, per file", log="tiny", contender="ls_process", goal=100),
    _ratio("export / RustBoard", "tiny", "export_process", "rustboard", 4, most=True),
    _ratio("ls / RustBoard", "restarts", "ls_process", "rustboard", 0.6, most=True),
    _ratio("export / RustBoard", "restarts", "export_process", "rustboard", 0.8, most=True),
    # against the readers in Python
    _ratio("EventAccumulator", "long", "event_accumulator", ONE, 300),
    _ratio("tbparse", "long", "tbparse", ONE, 300),
    _ratio("EventAccumulator, histograms", "histograms", "event_accumulator", ONE, 30),
    _ratio("EventAccumulator, legacy histograms", "legacy_histograms", "event_accumulator", ONE,
           30),
    _ratio("tbparse to_parquet / export", "long", "tbparse_process", "export_process", 40),
    # changes, against peers and export
    _ratio("tensorboardX add_scalar / write", "long", "tensorboardx", "tbtools_write", 20),
    _ratio("tensorboard-reducer / aggregate", "many", "tensorboard_reducer", "tbtools_aggregate",
           50),
    _ratio("aggregate / export", "restarts", "aggregate_process", "export_process", 2, most=True),
    _ratio("downsample / export", "restarts", "downsample_process", "export_process", 2,
           most=True),
    _ratio("merge / export", "restarts", "merge_process", "export_process", 2, most=True),
    _ratio("TensorBoard's record writer / rewrite", "long", "tensorboard_rename", "tbtools_rename",
           100),
    _ratio("rewrite of images, nothing to do / cp", "images", "tbtools_copy", "cp", 2, most=True),
    _ratio("rewrite of images, all renamed / cp", "images", "tbtools_rename", "cp", 2, most=True),
    Rate(what="points thinned by minmax per second", log="long", contender="tbtools_minmax",
         goal=50_000_000),
    Rate(what="points thinned by lttb per second", log="long", contender="tbtools_lttb",
         goal=20_000_000),
    # against itself
    _ratio("one thread / two threads", "many", ONE, TWO, 1.6),
    _ratio("one thread / two threads", "restarts", ONE, TWO, 1.6),
    _ratio("one thread / two threads", "tiny", ONE, TWO, 1.6),
    _ratio("query / decode + imports", "long", "query_process", "decode_and_imports", 2, most=True),
    _ratio("all of an image log / one tag", "images", "tbtools_everything", "tbtools_one_tag", 5),
    _ratio("images whole / counted", "images", "tbtools_images", "tbtools_images_counted", 5),
    _ratio("images whole / their steps", "images", "tbtools_images", "tbtools_images_steps", 5),
    Rate(what="nodes of graphs per second", log="graphs", contender=ONE, goal=250_000),
    *(
        Hostile(what=f"hostile bytes / good images, {contender}", contender=contender, goal=5)
        for contender in ("tbtools_survey", "tbtools_everything", "ls_process", "count_process",
                          "export_process")
    ),
    Memory(what="peak memory, one or two threads", eight_threads=False, goal=400),
    Memory(what="peak memory, eight threads", eight_threads=True, goal=400),
)  # fmt: skip
