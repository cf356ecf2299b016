"""Asks two TensorBoards everything that TensorBoard's page asks, and says where they differ.

One reads with its own loader in Python, all samples; the other is what is held against it. Both run
in this process. compare_with_tensorboard_answers.py and test_tensorboard_answers.py use this.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from tensorboard import default, program
from tensorboard.backend import application
from tensorboard.backend.event_processing import data_provider
from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
from tensorboard.plugins.distribution.distributions_plugin import DistributionsPlugin
from tensorboard.plugins.graph import metadata as graphs
from tensorboard.plugins.histogram.histograms_plugin import HistogramsPlugin
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
#: The page puts the experiment before some questions; keys of blobs hold it.
EXPERIMENT = "/experiment/defaultExperimentId"


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


# --- questions and answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A request. ``form`` and ``json`` are what is posted, if anything is."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    json: str | None = None

    @property
    def route(self) -> str:
        """The path without the experiment."""
        return self.path.removeprefix(EXPERIMENT)

    def __str__(self) -> str:
        told = [f"{key}={value}" for key, value in (*self.query, *self.form)]
        return " ".join([self.path, *told, *([] if self.json is None else [self.json])])


@dataclass(frozen=True)
class Answer:
    """What comes back. ``failure`` is the exception that a page does not see."""

    status: int
    content_type: str
    body: bytes
    failure: str = ""

    @property
    def parsed(self) -> Any:
        """The body as JSON, else as text or bytes."""
        if self.content_type.startswith("application/json"):
            return json.loads(self.body)
        return self.body


@dataclass(frozen=True)
class Known:
    """A difference that is meant: where it is, why, and what has to hold of both answers."""

    route: str  # a glob
    reason: str
    holds: Callable[[Question, Answer, Answer], bool]


def _only_the_provider_differs(question: Question, expected: Answer, found: Answer) -> bool:
    told = [answer.parsed for answer in (expected, found)]
    for answer in told:
        del answer["debug"]["data_provider"]
    return not first_difference(*told)


def _both_refuse(question: Question, expected: Answer, found: Answer) -> bool:
    return expected.status >= 400 and 400 <= found.status < 500


def _counts_from_the_end(question: Question, expected: Answer, found: Answer) -> bool:
    index = data_provider._decode_blob_key(dict(question.query)["blob_key"])[-1]
    return int(index) < 0 and found.status == 404


def _is_the_same_number(question: Question, expected: Answer, found: Answer) -> bool:
    """Whether they differ only where one has an integer or a boolean and the other a float."""
    if (expected.status, expected.content_type) != (found.status, found.content_type):
        return False
    if not expected.content_type.startswith("text/csv"):
        return not first_difference(_as_floats(expected.parsed), _as_floats(found.parsed))
    one, two = ([*csv.reader(answer.body.decode().splitlines())] for answer in (expected, found))
    return not first_difference([*map(_floats_of_row, one)], [*map(_floats_of_row, two)])


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [*map(_as_floats, value)]
    return float(value) if isinstance(value, int) else value


def _floats_of_row(row: list[str]) -> list[Any]:
    logicals = {"True": 1.0, "False": 0.0}
    try:
        return [*row[:2], logicals[row[2]] if row[2] in logicals else float(row[2])]
    except ValueError:
        return row


#: The differences that are meant. Nothing else may differ.
KNOWN = [
    Known(
        "/data/environment",
        "the name of what reads the data",
        _only_the_provider_differs,
    ),
    Known(
        "/data/plugin/images/individualImage",
        "the words of a refusal of a key that no answer holds",
        _both_refuse,
    ),
    Known(
        "/data/plugin/images/individualImage",
        "a negative index in a key that no answer holds",
        _counts_from_the_end,
    ),
    *(
        Known(
            route,
            "scalars are kept as float64, of which a page makes the same number as of an integer",
            _is_the_same_number,
        )
        for route in (
            "/data/plugin/scalars/scalars*",
            "/data/plugin/custom_scalars/*",
            "/data/plugin/timeseries/timeSeries",
            "/data/plugin/hparams/metric_evals",
        )
    ),
]


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
            self._note(question, *answers)
        return [answer.parsed for answer in answers if answer.status == 200]

    def _note(self, question: Question, expected: Answer, found: Answer) -> None:
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

    def compare(self, what: str, expected: Any, found: Any) -> None:
        """Note whether two things agree that no page asks for."""
        route = what.partition(" ")[0]
        self.done.asked[route] += 1
        difference = first_difference(expected, found)
        if difference:
            self.done.differences.append((what, difference))
        else:
            self.done.equal[route] += 1


# --- where they differ ---------------------------------------------------------------------------


def difference_of(expected: Answer, found: Answer) -> str:
    """The first difference of two answers, nothing if there is none."""
    if expected.status != found.status:
        return f"status {_status(expected)}, not {_status(found)}"
    if expected.content_type != found.content_type:
        return f"content type {expected.content_type}, not {found.content_type}"
    if expected.body == found.body:
        return ""
    return first_difference(expected.parsed, found.parsed)


def _status(answer: Answer) -> str:
    text = answer.failure or ("" if answer.status == 200 else repr(answer.body[:80]))
    return f"{answer.status} {text}".strip()


def first_difference(expected: Any, found: Any, at: str = "") -> str:
    """Where two values first differ, and how. NaN is itself; the order of keys tells nothing."""
    if type(expected) is not type(found):
        return f"{at}: {_short(expected)}, not {_short(found)}"
    if isinstance(expected, dict):
        for key in expected.keys() | found.keys():
            if key not in found or key not in expected:
                return f"{at}[{key!r}] is {'missing' if key in expected else 'there'}"
        inner = ((f"[{key!r}]", expected[key], found[key]) for key in expected)
    elif isinstance(expected, (list, tuple)):
        if len(expected) != len(found):
            return f"{at}: {len(expected)} items, not {len(found)}"
        inner = (
            (f"[{index}]", *pair) for index, pair in enumerate(zip(expected, found, strict=False))
        )
    elif isinstance(expected, (bytes, str)):
        if expected == found:
            return ""
        place = next(
            (
                index
                for index, pair in enumerate(zip(expected, found, strict=False))
                if pair[0] != pair[1]
            ),
            min(len(expected), len(found)),
        )
        part = slice(max(place - 20, 0), place + 40)
        return f"{at} at {place}: {expected[part]!r}, not {found[part]!r}"
    else:
        is_same = expected == found or (
            isinstance(expected, float) and math.isnan(expected) and math.isnan(found)
        )
        if is_same and isinstance(expected, float):
            is_same = math.copysign(1, expected) == math.copysign(1, found)
        return "" if is_same else f"{at}: {_short(expected)}, not {_short(found)}"
    return next(
        filter(None, (first_difference(one, two, at + more) for more, one, two in inner)), ""
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:76]} ..."
