"""Measurements → a table of ratios, JSON, and a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from benchmarks.targets import TARGETS, Target

__all__ = ["Results", "chart", "ratio_of", "table"]

#: By log and contender: seconds, rows, peak_mb.
Results = Mapping[str, Mapping[str, Mapping[str, float]]]

BARS = (
    ("tbtools_one_thread", "tbtools, one thread"),
    ("rustboard", "RustBoard --checksum"),
    ("event_accumulator", "EventAccumulator"),
    ("tbparse", "tbparse"),
)


def ratio_of(target: Target, results: Results) -> float | None:
    """The ratio that a target is about; None if it was not measured."""
    measured = results.get(target.log, {})
    if target.slow not in measured or target.fast not in measured:
        return None
    return measured[target.slow]["seconds"] / measured[target.fast]["seconds"]


def table(results: Results) -> str:
    """What was measured and, for each target, the ratio, as Markdown."""
    lines = ["| log | contender | seconds | rows | peak MB |", "|---|---|---|---|---|"]
    for log, measured in results.items():
        for name, each in measured.items():
            rows = "" if each["rows"] is None else f"{each['rows']:,}"
            lines.append(f"| {log} | {name} | {each['seconds']:.3f} | {rows} | {each['peak_mb']} |")
    lines += ["", "| ratio | log | target | measured | |", "|---|---|---|---|---|"]
    for target in TARGETS:
        ratio = ratio_of(target, results)
        if ratio is not None:
            met = ratio <= target.goal if target.most else ratio >= target.goal
            goal = f"{'≤' if target.most else '≥'} {target.goal:g}"
            verdict = "met" if met else "missed"
            lines.append(f"| {target.what} | {target.log} | {goal} | {ratio:.2f} | {verdict} |")
    return "\n".join(lines)


def chart(results: Results, log: str = "long") -> str:
    """The seconds that each reader takes for a log, as an SVG with a logarithmic scale."""
    bars = [(label, results[log][name]["seconds"]) for name, label in BARS if name in results[log]]
    low = 10 ** math.floor(math.log10(min(seconds for _, seconds in bars)))
    high = 10 ** math.ceil(math.log10(max(seconds for _, seconds in bars)))
    left, width, step = 190, 430, 30
    height = step * len(bars) + 50

    def x(seconds: float) -> float:
        return left + width * math.log(seconds / low) / math.log(high / low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<style>text{fill:#24292f}.bar{fill:#8c959f}.own{fill:#1a7f37}.grid{stroke:#8884}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.own{fill:#3fb950}}</style>",
    ]
    tick = low
    while tick <= high * 1.001:
        parts.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="8" y2="{height - 38}"/>'
            f'<text x="{x(tick):.1f}" y="{height - 22}" text-anchor="middle">{tick:g} s</text>'
        )
        tick *= 10
    for index, (label, seconds) in enumerate(bars):
        y = 10 + index * step
        own = "own" if label.startswith("tbtools") else "bar"
        parts.append(
            f'<text x="{left - 10}" y="{y + 16}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="{own}" x="{left}" y="{y}" width="{x(seconds) - left:.1f}" height="22"/>'
            f'<text x="{x(seconds) + 8:.1f}" y="{y + 16}">{seconds:.3g} s</text>'
        )
    rows = f"{results[log]['walk']['rows']:,}"
    caption = f"Reading {rows} scalars of one run, every CRC checked; logarithmic scale"
    parts.append(f'<text x="{left}" y="{height - 4}" font-size="11">{caption}</text></svg>')
    return "\n".join(parts) + "\n"
