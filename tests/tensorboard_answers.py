"""Asks two TensorBoards everything that TensorBoard's page asks, and says where they differ.

One reads with its own loader in Python, all samples; the other is what is held against it. Both run
in this process. compare_with_tensorboard_answers.py and test_tensorboard_answers.py use this.
"""

from __future__ import annotations

import fnmatch
import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from tensorboard import default, program
from tensorboard.backend import application
from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
from tensorboard.plugins.distribution.distributions_plugin import DistributionsPlugin
from tensorboard.plugins.graph import metadata as graphs
from tensorboard.plugins.histogram.histograms_plugin import HistogramsPlugin
from tensorboard_differences import KNOWN, Answer, Known, Question, difference_of
from werkzeug.test import Client
from werkzeug.wrappers import Response

#: More points than there are. 0 is "all" to the loader, but nothing to what answers.
ALL = 10**9
PLUGINS = (
    "scalars", "histograms", "distributions", "images", "audio", "text", "pr_curves", "mesh",
    "hparams", "custom_scalars", graphs.PLUGIN_NAME, graphs.PLUGIN_NAME_RUN_METADATA,
    graphs.PLUGIN_NAME_RUN_METADATA_WITH_GRAPH, graphs.PLUGIN_NAME_KERAS_MODEL,
    graphs.PLUGIN_NAME_TAGGED_RUN_METADATA,
)  # fmt: skip


# --- two of them ---------------------------------------------------------------------------------


class Board:
    """A TensorBoard over a data provider, made as ``program.TensorBoard._make_server`` makes it."""

    def __init__(self, flags: Any, loaders: Any, provider: Any) -> None:
        self.provider = provider
        app = application.TensorBoardWSGIApp(flags, loaders, provider, None, None)
        self._client = Client(app, Response)

    def answer(self, question: Question) -> Answer:
        """What it says to a question; if it fails, as the server would."""
        options: dict[str, Any] = {"query_string": list(question.query)}
        if question.form:
            options |= {"method": "POST", "data": _form(question.form)}
        if question.json is not None:
            options |= {"method": "POST", "data": question.json, "content_type": "application/json"}
        try:
            response = self._client.open(question.path, **options)
        except Exception as error:  # the server makes an answer of status 500 of any
            return Answer(500, "", b"", f"{type(error).__name__}: {error}")
        body = response.get_data()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(response.status_code, response.headers.get("Content-Type", ""), body)


def _form(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def configured(*arguments: str) -> tuple[Any, Any]:
    """The flags of TensorBoard and what loads its plugins; every sample, read once."""
    board = program.TensorBoard(plugins=default.get_plugins(), assets_zip_provider=lambda: None)
    samples = ",".join(f"{plugin}={ALL}" for plugin in PLUGINS)
    board.configure(
        [
            "",
            *arguments,
            "--load_fast=false",
            "--reload_interval=0",
            "--reload_task=blocking",
            f"--samples_per_plugin={samples}",
        ]
    )
    return board.flags, board.plugin_loaders


def stock(*arguments: str, altered: Callable[[Any], Any] = lambda provider: provider) -> Board:
    """TensorBoard over its own loader; ``altered`` may put something else before its provider."""
    flags, loaders = configured(*arguments)
    ingester = LocalDataIngester(flags)
    ingester.start()
    return Board(flags, loaders, altered(ingester.data_provider))


def ours(*arguments: str) -> Board:
    """TensorBoard over tbtools."""
    from tbtools.verbs.tensorboard.ingester import Ingester

    flags, loaders = configured(*arguments)
    ingester = Ingester(flags)
    ingester.reload()
    return Board(flags, loaders, ingester.data_provider)


@contextmanager
def every_sample() -> Iterator[None]:
    """Two pages show fewer histograms than the flag says, at random; not here."""
    with (
        mock.patch.object(HistogramsPlugin, "SAMPLE_SIZE", ALL),
        mock.patch.object(DistributionsPlugin, "SAMPLE_SIZE", ALL),
    ):
        yield


# --- what comes of it ----------------------------------------------------------------------------


@dataclass
class Comparison:
    """What came of it, by route."""

    asked: Counter[str] = field(default_factory=Counter)
    equal: Counter[str] = field(default_factory=Counter)
    known: Counter[tuple[str, str]] = field(default_factory=Counter)  # route and reason
    differences: list[tuple[str, str]] = field(default_factory=list)  # question and difference

    def add(self, other: Comparison) -> None:
        """Those of another logdir as well."""
        self.asked += other.asked
        self.equal += other.equal
        self.known += other.known
        self.differences += other.differences

    @property
    def summary(self) -> str:
        """How many answers of each sort."""
        known = f", {self.known.total()} differ as is meant" if self.known else ""
        different = f", {len(self.differences)} DIFFER" if self.differences else ""
        return f"{self.asked.total()} answers, {self.equal.total()} equal{known}{different}"

    @property
    def table(self) -> str:
        """The same by route, and why those that are meant to differ do."""
        width = max(map(len, self.asked), default=0)
        lines = [
            f"{route:{width}} {count:7} answers {self.equal[route]:7} equal"
            for route, count in sorted(self.asked.items())
        ]
        reasons = [
            f"{count} x {route}: {reason}" for (route, reason), count in sorted(self.known.items())
        ]
        return "\n".join([*lines, *reasons, self.summary])


class Asking:
    """Two boards, and what was found so far."""

    def __init__(self, expected: Board, found: Board, known: Iterable[Known] = KNOWN) -> None:
        self.boards = (expected, found)
        self.done = Comparison()
        self._known = tuple(known)
        self._seen: set[Question] = set()

    def get(self, path: str, **query: Any) -> list[Any]:
        """What both answer where they do, parsed."""
        told = tuple((key, str(value)) for key, value in query.items() if value is not None)
        return self.ask(Question(path, told))

    def post(
        self, path: str, form: Iterable[tuple[str, str]] = (), json: str | None = None
    ) -> list[Any]:
        """The same of something posted: a form, or JSON."""
        return self.ask(Question(path, form=tuple(form), json=json))

    def ask(self, question: Question) -> list[Any]:
        """Ask both, and note whether they agree; what was answered with status 200, parsed."""
        answers = [board.answer(question) for board in self.boards]
        if question not in self._seen:
            self._seen.add(question)
            self.note(question, *answers)
        return [answer.parsed for answer in answers if answer.status == 200]

    def note(self, question: Question, expected: Answer, found: Answer) -> None:
        """Note whether two answers agree."""
        self.done.asked[question.route] += 1
        difference = difference_of(expected, found)
        if not difference:
            self.done.equal[question.route] += 1
            return
        for known in self._known:
            if fnmatch.fnmatch(question.route, known.route) and known.holds(
                question, expected, found
            ):
                self.done.known[question.route, known.reason] += 1
                return
        self.done.differences.append((str(question), difference))
