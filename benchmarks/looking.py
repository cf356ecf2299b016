"""From the start of a server to the first chart in a browser, beside stock TensorBoard.

``python -m benchmarks.looking`` starts ``tensorboard`` as it is installed and ``tbtools serve`` in
turn, opens Debian's chromium as soon as the server has a chart to show, and waits until it is
drawn. The memory is that of the server with all of its processes (proportional set size), after
the first chart. Needs playwright, chromium and Linux.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.logs import make
from benchmarks.servers import answer, megabytes, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOGS = ("long", "many", "corpus")
SOONER, LIGHTER = 5, 2  # times: what issue 11 asks for
PATIENCE = 600.0  # seconds


@dataclass(frozen=True)
class Server:
    """How one is started, when it has something to show, and when a chart is drawn."""

    arguments: tuple[str, ...]  # LOGDIR and PORT are put in
    ready: Callable[[str], bool]  # given its address
    page: str
    drawn: Callable[[Page], None]


def _tensorboard_ready(address: str) -> bool:
    """It answers long before it has read anything: a page that is opened then stays empty."""
    tags = answer(f"{address}/data/plugin/timeseries/tags")
    return bool(tags) and bool(json.loads(tags).get("scalars", {}).get("runTagInfo"))


def _tensorboard_drawn(page: Page) -> None:
    # Its lines are drawn by the frame after the one in which the data came.
    with page.expect_response(
        lambda response: "timeSeries" in response.url, timeout=PATIENCE * 1e3
    ):
        pass
    page.locator("line-chart .series-view").first.wait_for(timeout=PATIENCE * 1e3)


def _tbtools_drawn(page: Page) -> None:
    page.locator(".card canvas").first.wait_for(timeout=PATIENCE * 1e3)


SERVERS = {
    "tensorboard": Server(
        ("-m", "tensorboard.main", "--logdir", "LOGDIR", "--port", "PORT"),
        _tensorboard_ready,
        "/#timeseries",
        _tensorboard_drawn,
    ),
    "tbtools": Server(
        ("-m", "tbtools", "serve", "LOGDIR", "--port", "PORT"),
        lambda address: bool(answer(f"{address}/")),
        "/#page=scalars",
        _tbtools_drawn,
    ),
}


def measure(server: Server, logdir: Path, browser: Browser) -> tuple[float, float]:
    """Seconds until the first chart, and the megabytes that the server has then."""
    # A browser is open already where somebody works; a new profile has nothing of before.
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begin = time.perf_counter()
    with started(server.arguments, logdir) as (process, address):
        while not server.ready(address):
            if process.poll() is not None or time.perf_counter() - begin > PATIENCE:
                raise RuntimeError(f"{server.arguments} shows nothing of {logdir}")
            time.sleep(0.02)
        page.goto(address + server.page, wait_until="commit")
        server.drawn(page)
        seconds = time.perf_counter() - begin
        memory = megabytes(process.pid)
    context.close()
    return seconds, memory


def main() -> None:
    """Measure in turn, print medians and ratios, and fail where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "tbtools-logs")
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus/logs"))
    parser.add_argument("--only", nargs="*", default=[*LOGS], choices=LOGS)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    print(
        "| log | tensorboard s | tbtools s | sooner | tensorboard MB | tbtools MB | lighter | |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    failed = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for log in options.only:
            logdir = options.corpus if log == "corpus" else make(log, options.logs)
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in SERVERS}
            for _ in range(options.repeat):
                for name, server in SERVERS.items():
                    found[name].append(measure(server, logdir, browser))
            seconds, memory = (
                {
                    name: statistics.median(each[place] for each in measured)
                    for name, measured in found.items()
                }
                for place in (0, 1)
            )
            sooner, lighter = (each["tensorboard"] / each["tbtools"] for each in (seconds, memory))
            is_met = sooner >= SOONER and lighter >= LIGHTER
            failed |= not is_met
            print(
                f"| {log} | {seconds['tensorboard']:.2f} | {seconds['tbtools']:.2f} | {sooner:.1f} "
                f"| {memory['tensorboard']:.0f} | {memory['tbtools']:.0f} | {lighter:.1f} "
                f"| {'' if is_met else 'missed'} |",
                flush=True,
            )
        browser.close()
    sys.exit(failed)


if __name__ == "__main__":
    main()
