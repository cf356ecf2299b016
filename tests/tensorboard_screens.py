"""Takes pictures of TensorBoard's tabs over tbtools: ``python tests/tensorboard_screens.py OUT``.

To be looked at. Each tab that the log lights up is turned to, and a picture is taken when it shows
something and has had some time to draw. What the page complains of is printed. No test runs it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from urllib.parse import urlencode

from browsing import launched
from conftest import CORPUS
from tensorboard_pages import OURS, STOCK, answer, lit, opened, served

SETTLED = 3_000  # milliseconds
LEAST = 5_000  # bytes of a graph worth a picture
SELECTED = 40  # runs; TensorBoard selects none if there are more


def main() -> None:
    """Take a picture of each tab."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--logdir", type=Path, default=CORPUS / "logs")
    parser.add_argument("--server", default=OURS, choices=(OURS, STOCK))
    parser.add_argument("--only", nargs="*", help="these tabs alone")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        served(options.server, options.logdir) as address,
        launched() as browser,
        opened(browser, address, (1400, 1000)) as page,
    ):
        tabs = options.only or lit(address)
        if len(json.loads(answer(f"{address}/data/runs"))) > SELECTED:
            page.turn_to("scalars", patience=5.0)
            page.page.get_by_text("Toggle all runs").first.click()
        for tab in tabs:
            shown = page.turn_to(tab, _run_with_graph(address) if tab == "graphs" else "")
            page.page.wait_for_timeout(SETTLED)
            page.page.screenshot(path=options.out / f"{tab}.png")
            print(f"{tab}: {len(shown)} elements, as {shown[:5]}", flush=True)
        print(*sorted(page.complaints), sep="\n")


def _run_with_graph(address: str) -> str:
    """A run whose graph is not empty, which that of the first is now and then."""
    plugin = f"{address}/data/plugin/graphs"
    for run, found in json.loads(answer(f"{plugin}/info")).items():
        asked = urlencode({"run": run, "conceptual": "false"})
        if found["run_graph"] and len(answer(f"{plugin}/graph?{asked}")) > LEAST:
            return str(run)
    return ""


if __name__ == "__main__":
    main()
