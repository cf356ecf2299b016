"""The ratios that docs/design.md, section 9, asks for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """How many times as long ``slow`` takes as ``fast``; at least, or with ``most`` at most."""

    what: str
    log: str
    slow: str
    fast: str
    goal: float
    most: bool = False


TARGETS = (
    Target("decode in memory / frame walk", "long", "scan_in_memory", "walk_in_memory", 2.5, True),
    Target("the same, TF2", "long_tf2", "scan_in_memory", "walk_in_memory", 2.5, True),
    Target("decode from disk / frame walk", "long", "tbtools_one_thread", "walk", 2.5, True),
    Target("the same, TF2", "long_tf2", "tbtools_one_thread", "walk", 2.5, True),
    Target("RustBoard, one long run", "long", "rustboard", "tbtools_one_thread", 30),
    Target("RustBoard, one long TF2 run", "long_tf2", "rustboard", "tbtools_one_thread", 30),
    Target("RustBoard, 200 runs", "many", "rustboard", "tbtools_two_threads", 10),
    Target("EventAccumulator", "long", "event_accumulator", "tbtools_one_thread", 300),
    Target("tbparse", "long", "tbparse", "tbtools_one_thread", 300),
    Target("one thread / two threads", "many", "tbtools_one_thread", "tbtools_two_threads", 1.6),
    Target("tbparse to_parquet / export", "long", "tbparse_process", "export_process", 40),
    Target("query / decode + imports", "long", "query_process", "decode_and_imports", 2, True),
    Target("all of an image log / one tag", "images", "tbtools_everything", "tbtools_one_tag", 5),
    Target("images whole / counted", "images", "tbtools_images", "tbtools_images_counted", 5),
    Target("images whole / their steps", "images", "tbtools_images", "tbtools_images_steps", 5),
    Target("EventAccumulator, histograms", "histograms", "event_accumulator",
           "tbtools_one_thread", 30),
    Target("RustBoard, histograms", "histograms", "rustboard", "tbtools_one_thread", 5),
    Target("EventAccumulator, legacy histograms", "legacy_histograms", "event_accumulator",
           "tbtools_one_thread", 30),
    Target("RustBoard, legacy histograms", "legacy_histograms", "rustboard",
           "tbtools_one_thread", 5),
)  # fmt: skip
