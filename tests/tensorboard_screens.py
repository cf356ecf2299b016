"""Takes pictures of TensorBoard's tabs over tbtools: ``python tests/tensorboard_screens.py OUT``.

To be looked at. Of each folder of the corpus, or of the LOGDIRs given, each tab that the log lights
up is turned to, and a picture is taken when it shows something and has had some time to draw. What
the page complains of is printed. No test runs it.

The whole corpus as one logdir makes poor pictures: where there are more than forty runs,
TensorBoard's page selects none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from browsing import launched
from conftest import CORPUS
from tensorboard_pages import OURS, STOCK, lit, opened, served

PATIENCE = 8.0  # seconds
SETTLED = 2_000  # milliseconds


def main() -> None:
    """Take a picture of each tab."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("logdir", type=Path, nargs="*")
    parser.add_argument("--server", default=OURS, choices=(OURS, STOCK))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for logdir in options.logdir or sorted((CORPUS / "logs").iterdir()):
            with (
                served(options.server, logdir) as address,
                opened(browser, address, (1400, 1000)) as page,
            ):
                for tab in lit(address):
                    shown = page.turn_to(tab, PATIENCE)
                    page.page.wait_for_timeout(SETTLED)
                    page.page.screenshot(path=options.out / f"{logdir.name}.{tab}.png")
                    print(f"{logdir.name} {tab}: {len(shown)} elements, {shown[:3]}", flush=True)
                print(*sorted(page.complaints), sep="\n", flush=True)


if __name__ == "__main__":
    main()
