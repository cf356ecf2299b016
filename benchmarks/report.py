"""Measurements → tables of times, targets and costs, and a chart."""

from __future__ import annotations

import math
from html import escape

from benchmarks.costs import COSTS
from benchmarks.targets import TARGETS, Results

__all__ = ["chart", "table"]

#: What the chart compares: each as it is used, on all processors that it can use.
BARS = (
    ("tbtools_two_threads", "tbtools"),
    ("rustboard", "RustBoard --checksum"),
    ("event_accumulator", "EventAccumulator"),
    ("tbparse", "tbparse"),
)
CHARTED = (("long", "One run"), ("restarts", "Resumed runs"), ("tiny", "A sweep"))

STYLE = (
    "text{fill:#24292f}.faint{fill:#6e7781}.bar{fill:#afb8c1}.own{fill:#1a7f37}"
    ".grid{stroke:#8883}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#8d96a0}"
    ".bar{fill:#57606a}.own{fill:#3fb950}}"
)


def table(results: Results) -> str:
    """What was measured, the targets and whether they were met, and costs, as Markdown."""
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
            goal = f"{'≤' if target.most else '≥'} {target.goal:,.10g}{target.unit}"
            shown = f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
            verdict = "met" if target.is_met(number) else "missed"
            lines.append(f"| {target.what} | {where} | {goal} | {shown}{target.unit} | {verdict} |")
    lines += ["", "| cost | ns per byte | µs per file | ms per process | measured / fitted |"]
    lines.append("|---|---|---|---|---|")
    for cost in COSTS:
        fit = cost.fit(results)
        if fit is not None:
            process = f"{fit.ms_per_process:.0f}" if cost.process else ""
            lines.append(
                f"| {cost.what} | {fit.ns_per_byte:.2f} | {fit.us_per_file:.1f} | {process} "
                f"| {fit.off_by:.2f} ({fit.worst}) |"
            )
    return "\n".join(lines)


def chart(results: Results) -> str:
    """The seconds that each reader takes for some logs, as an SVG with a logarithmic scale."""
    groups = [
        (title, results[log], [bar for bar in BARS if bar[0] in results[log]])
        for log, title in CHARTED
        if "tbtools_two_threads" in results.get(log, {})
    ]
    seconds = [measured[name]["seconds"] for _, measured, bars in groups for name, _ in bars]
    low = 10 ** math.floor(math.log10(min(seconds, default=0.1)))
    high = max(10 ** math.ceil(math.log10(max(seconds, default=1))), low * 10)
    left, width, step, head, gap = 170, 410, 22, 24, 12
    heights = [head + step * len(bars) + gap for _, _, bars in groups]
    bottom = sum(heights) + 4

    def x(value: float) -> float:
        return left + width * math.log(value / low) / math.log(high / low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {bottom + 44}" role="img" '
        'font-family="sans-serif" font-size="13">',
        f"<style>{STYLE}</style>",
    ]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = f"{x(10.0**power):.1f}"
        parts.append(
            f'<line class="grid" x1="{at}" x2="{at}" y1="{head}" y2="{bottom}"/>'
            f'<text class="faint" x="{at}" y="{bottom + 16}" font-size="11" text-anchor="middle">'
            f"{_time(10.0**power)}</text>"
        )
    top = 0
    for (title, measured, bars), height in zip(groups, heights, strict=True):
        own = measured["tbtools_two_threads"]
        what = f"{own['rows']:,} scalars in {own['files']:,} file{'s' if own['files'] > 1 else ''}"
        parts.append(
            f'<text x="{left}" y="{top + 17}" font-weight="600">{title}'
            f'<tspan class="faint" font-weight="400">: {what}</tspan></text>'
        )
        for index, (name, label) in enumerate(bars):
            y = top + head + index * step
            taken = measured[name]["seconds"]
            times = f" · {_times(taken / own['seconds'])}" if index else ""
            parts.append(
                f'<text x="{left - 10}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
                f'<rect class="{"bar" if index else "own"}" x="{left}" y="{y + 1}" '
                f'width="{x(taken) - left:.1f}" height="16" rx="2"/>'
                f'<text x="{x(taken) + 8:.1f}" y="{y + 13}">{_time(taken)}'
                f'<tspan class="faint">{times}</tspan></text>'
            )
        top += height
    caption = "Time to read every point, with every CRC checked; logarithmic scale"
    parts.append(
        f'<text class="faint" x="{left}" y="{bottom + 36}" font-size="11">{caption}</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _time(seconds: float) -> str:
    if seconds >= 999.5:
        return f"{seconds:,.0f} s"
    return f"{seconds:.3g} s" if seconds >= 0.9995 else f"{seconds * 1e3:.3g} ms"


def _times(ratio: float) -> str:
    return (f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}") + " \N{MULTIPLICATION SIGN}"
