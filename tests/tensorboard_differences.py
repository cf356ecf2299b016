"""Questions to TensorBoard, its answers, where two differ, and which differences are meant."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tensorboard.backend.event_processing import data_provider

#: The page puts the experiment before some questions; keys of blobs hold it.
EXPERIMENT = "/experiment/defaultExperimentId"


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
    """What comes back. ``failure`` is the exception that a page does not see.

    ``value`` is what a call of a data provider gives, which has no body.
    """

    status: int
    content_type: str
    body: bytes = b""
    failure: str = ""
    value: Any = None

    @property
    def parsed(self) -> Any:
        """The body as JSON, else as bytes."""
        if self.content_type.startswith("application/json"):
            return json.loads(self.body)
        return self.body if self.value is None else self.value


# --- where they differ ---------------------------------------------------------------------------


def difference_of(expected: Answer, found: Answer) -> str:
    """The first difference of two answers, nothing if there is none."""
    if expected.status != found.status:
        return f"status {_status(expected)}, not {_status(found)}"
    if expected.content_type != found.content_type:
        return f"content type {expected.content_type}, not {found.content_type}"
    if expected.value is None and expected.body == found.body:
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


# --- what is meant -------------------------------------------------------------------------------


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
    return expected.status >= 400 and found.status in (400, 404)


def _counts_from_the_end(question: Question, expected: Answer, found: Answer) -> bool:
    index = data_provider._decode_blob_key(dict(question.query)["blob_key"])[-1]
    return int(index) < 0 and found.status == 404


def _shows_the_same_numbers(question: Question, expected: Answer, found: Answer) -> bool:
    """Whether all numbers are those of the other, made floats, and there is nothing else."""
    if (expected.status, expected.content_type) != (found.status, found.content_type):
        return False
    return not first_difference(*(_as_floats(_told(answer)) for answer in (expected, found)))


def _told(answer: Answer) -> Any:
    if answer.content_type.startswith("text/csv"):
        return [*csv.reader(answer.body.decode().splitlines())][1:]
    return answer.parsed


def _as_floats(value: Any) -> Any:
    """Values of points as floats; no points whose value is none."""
    if isinstance(value, dict):
        found = {key: _as_floats(each) for key, each in value.items()}
        return found if "value" not in value else found | {"value": _as_float(value["value"])}
    if not isinstance(value, list):
        return value
    if len(value) == 3 and not isinstance(value[0], (list, dict)):
        return [*value[:2], _as_float(value[2])]
    return [each for each in map(_as_floats, value) if not _is_no_point(each)]


def _as_float(value: Any) -> float | None:
    if isinstance(value, str) and value in ("True", "False"):
        return float(value == "True")
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_no_point(point: Any) -> bool:
    if isinstance(point, dict):
        return "value" in point and point["value"] is None
    return isinstance(point, list) and len(point) == 3 and point[2] is None


def _has_no_such_numbers(question: Question, expected: Answer, found: Answer) -> bool:
    lacks = (
        "Unsupported tensor type",
        "invalid data-type",
        "Cannot interpret '0' as a data type",
        "can only convert an array of size 1",
        "cannot reshape array of size 0",
        "codec can't decode byte",
    )
    return found.status == 200 and any(
        each in expected.failure or each.encode() in expected.body for each in lacks
    )


def _only_one_says_why(question: Question, expected: Answer, found: Answer) -> bool:
    return expected.status == 500 and found.status in (400, 404)


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
    Known("*", "values of which TensorBoard makes no numbers, and fails", _has_no_such_numbers),
    Known("*", "TensorBoard fails where tbtools refuses", _only_one_says_why),
    *(
        Known(
            route,
            "scalars are kept as float64, of which a page makes the same number as of an integer; "
            "what is no number among them is passed over",
            _shows_the_same_numbers,
        )
        for route in (
            "/data/plugin/scalars/scalars*",
            "/data/plugin/custom_scalars/*",
            "/data/plugin/timeseries/timeSeries",
            "/data/plugin/hparams/metric_evals",
            "read_*scalars",
        )
    ),
]
