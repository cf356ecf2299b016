"""Measurements → a table of ratios, JSON, and a chart."""

from __future__ import annotations

import math
from html import escape

from benchmarks.targets import TARGETS, Results

__all__ = ["chart", "table"]

BARS = (
    ("tbtools_one_thread", "tbtools, one thread"),
    ("rustboard", "RustBoard --checksum"),
    ("event_accumulator", "EventAccumulator"),
    ("tbparse", "tbparse"),
)


def table(results: Results) -> str:
    """What was measured and, for each target, the ratio, as Markdown."""
    lines = ["| log | contender | seconds | rows | peak MB |", "|---|---|---|---|---|"]
    for log, measured in results.items():
        for name, each in measured.items():
            rows = "" if each["rows"] is None else f"{each['rows']:,}"
            lines.append(f"| {log} | {name} | {each['seconds']:.3f} | {rows} | {each['peak_mb']} |")
    lines += ["", "| target | where | goal | measured | |", "|---|---|---|---|---|"]
    for target in TARGETS:
        found = target.found(results)
        if found is not None:
            number, where = found
            goal = f"{'≤' if target.most else '≥'} {target.goal:,g}{target.unit}"
            shown = f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
            verdict = "met" if target.is_met(number) else "missed"
            lines.append(f"| {target.what} | {where} | {goal} | {shown}{target.unit} | {verdict} |")
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
