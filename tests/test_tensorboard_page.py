"""TensorBoard's own page over tbtools, in a real browser: every tab shows what is in the log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorboard", reason="tensorboard is not installed")

from browsing import launched
from conftest import DATA
from tensorboard_pages import OURS, PATIENCE, STOCK, TABS, Opened, lit, opened, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Golden logs that light every tab; over some of the others the page itself hangs.
LOGS = ("tf1", "tf2", "torch")

#: Of most tabs, a tag or a run of the logs that is to be read there.
READ = {
    "scalars": "accuracy",
    "timeseries": "tf2/hparams/session_1",
    "images": "picture",
    "distributions": "weights",
    "histograms": "weights",
    "hparams": "trial_1",
    "text": "note",
    "audio": "tone",
    "pr_curves": "pr",
    "custom_scalars": "losses",
}

#: Of some, what is to be shown: the width of an image, a node, seconds, words, points.
SHOWN: dict[str, object] = {
    "images": 12,
    "graphs": "choice",
    "audio": 0.1,
    "text": "hello",
    "projector": 4,
}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs, in one folder."""
    folder = tmp_path_factory.mktemp("logs")
    for log in LOGS:
        shutil.copytree(DATA / log, folder / log)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the module."""
    with launched() as browser:
        yield browser


def every_tab(page: Opened) -> None:
    """Look at one after the other."""
    for tab in TABS:
        shown = page.turn_to(tab)
        assert shown, f"{tab} shows nothing"
        assert SHOWN.get(tab, shown[0]) in shown, tab
        if tab in READ:
            text = page.page.get_by_text(READ[tab]).locator("visible=true")
            text.first.wait_for(timeout=PATIENCE * 1e3)


def test_every_tab_shows_something_of_the_log_and_nothing_complains_more_than_in_stock(
    browser: Browser, logdir: Path
) -> None:
    with served(OURS, logdir) as address, opened(browser, address) as page:
        assert lit(address) == [*TABS]
        every_tab(page)
        complaints = page.complaints
    if complaints:
        with served(STOCK, logdir) as address, opened(browser, address) as page:
            assert lit(address) == [*TABS]
            every_tab(page)
            complaints -= page.complaints
    assert complaints == set()
