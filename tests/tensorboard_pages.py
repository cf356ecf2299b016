"""TensorBoard's own page in a browser: its tabs, what shows that one has data, its complaints."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import ROOT

sys.path.append(str(ROOT))  # at the end: the package that is tested stays the one installed
from benchmarks.servers import answer, started
from benchmarks.tensorboard import OURS, SERVERS, STOCK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["OURS", "PATIENCE", "STOCK", "TABS", "Opened", "lit", "opened", "served"]

PATIENCE = 30.0  # seconds until something has to be there

#: What is true of an element that shows something of the log.
DRAWN = "e => (e.getAttribute('d') ?? '').length > 20"
TEXT = "e => e.textContent.trim()"
LOADED = "e => e.naturalWidth"
HEARD = "e => e.duration"
COUNTED = "e => /\\d/.test(e.textContent) && e.textContent.trim()"  # what has a number is no header
LARGE = "e => e.clientWidth > 20 && e.clientHeight > 20"

#: Of each tab, elements of its page, and what is true of them when they show something of the log.
TABS = {
    "scalars": ("vz-line-chart2 .line", DRAWN),
    "timeseries": ("scalar-card tb-data-table-content-row", COUNTED),
    "images": ("tf-image-loader img", LOADED),
    "graphs": ("tf-graph-scene g.node title", TEXT),
    "distributions": ("vz-distribution-chart path.area", DRAWN),
    "histograms": ("vz-histogram-timeseries path", DRAWN),
    "hparams": ("tf-hparams-table-view vaadin-grid-cell-content", COUNTED),
    "text": ("tf-text-loader .text #markdown", TEXT),
    "audio": ("tf-audio-loader audio", HEARD),
    "pr_curves": ("tf-pr-curve-card .line", DRAWN),
    "custom_scalars": ("tf-custom-scalar-multi-line-chart-card .line", DRAWN),
    "projector": ("vz-projector .numDataPoints", "e => Number(e.textContent)"),
    # The last: it draws without end, which makes slow what comes after it.
    "mesh": ("tf-mesh-loader canvas", LARGE),
}


@contextmanager
def served(server: str, logdir: Path) -> Iterator[str]:
    """The address of a TensorBoard in a process of its own: that of tbtools, or stock."""
    with started(SERVERS[server], logdir) as (process, address):
        ends = time.monotonic() + PATIENCE
        while not answer(f"{address}/data/environment"):
            assert process.poll() is None, f"{server} ended with {process.returncode}"
            assert time.monotonic() < ends, f"{server} does not answer"
            time.sleep(0.05)
        yield address


def lit(address: str) -> list[str]:
    """The tabs that the log lights up, when all of its runs were read for the first time."""
    tabs: list[str] = []
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        time.sleep(0.3)
        plugins = json.loads(answer(f"{address}/data/plugins_listing") or "{}")
        before, tabs = tabs, [name for name in TABS if plugins.get(name, {}).get("enabled")]
        if before == tabs and tabs:
            break
    return tabs


@dataclass
class Opened:
    """A page of TensorBoard, and what it complained of, without the address of its server."""

    page: Page
    address: str
    complaints: set[str] = field(default_factory=set)

    def note(self, complaint: str, is_one: bool = True) -> None:
        """Keep a complaint."""
        if is_one:
            self.complaints.add(complaint.replace(self.address, ""))

    def turn_to(self, tab: str, patience: float = PATIENCE) -> list[object]:
        """Open a tab, and give what its elements show as soon as they show anything."""
        selector, shows = TABS[tab]
        if self.page.url.startswith(self.address):
            self.page.evaluate("tab => { location.hash = tab }", tab)
        else:
            self.page.goto(f"{self.address}/#{tab}")
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            for frame in self.page.frames:  # the projector is in one of its own
                found: list[object] = frame.locator(selector).evaluate_all(
                    f"elements => elements.map({shows}).filter(Boolean)"
                )
                if found:
                    return found
            self.page.wait_for_timeout(100)
        return []


@contextmanager
def opened(browser: Browser, address: str, size: tuple[int, int] = (1000, 700)) -> Iterator[Opened]:
    """A page of a server, with the complaints that it writes to the console."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        it = Opened(page, address)
        page.on("console", lambda said: it.note(f"console: {said.text}", said.type == "error"))
        page.on("pageerror", lambda error: it.note(f"error: {error}"))
        page.on("response", lambda got: it.note(f"{got.status}: {got.url}", got.status >= 400))
        page.on("requestfailed", lambda asked: it.note(f"failed: {asked.url}"))
        yield it
    finally:
        context.close()
