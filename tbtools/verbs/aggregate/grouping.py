"""Which runs belong together: by the name of a run, or by a hyperparameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

import pyarrow as pa

from tbtools.errors import UnknownNameError, UsageError
from tbtools.tables.logs import TableSet
from tbtools.tables.views.sessions import SESSIONS, hparam_columns, session_of
from tbtools.verbs.aggregate.statistics import STATISTICS

__all__ = ["ALL", "Groups", "by_hparams", "by_name"]

#: The one group of all runs.
ALL = "all"


@dataclass
class Groups:
    """The group of each run, and the columns that tell what it stands for."""

    columns: pa.Schema
    of: Callable[[str], Mapping[str, Any] | None]  # run → values of the columns; None: no group
    named: Callable[[Mapping[str, Any]], str]
    numbers: dict[str, int] = field(default_factory=dict)
    values: list[Mapping[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    what: str = "--group"

    def number(self, run: str) -> int:
        """The number of the group of a run; -1 if it has none."""
        found = self.of(run)
        if found is None:
            self.left_out.append(run)
            return -1
        name = self.named(found)
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self.values.append(found)
        return self.numbers[name]


def by_name(patterns: Sequence[str]) -> Groups:
    """Groups by globs, or by regular expressions: what has a ``(`` is one.

    They have to match the whole name of a run; the first that does counts. The group is called as
    the glob, or as what the groups of the expression hold: ``lr=0.1,seed=3`` if they have names,
    which become columns. Without patterns, all runs are one group. Raises UsageError for what is no
    expression.
    """
    compiled = [(pattern, _compiled(pattern)) for pattern in patterns]
    names = list(dict.fromkeys(name for _, each in compiled for name in each.groupindex))
    columns = pa.schema([(name, pa.string()) for name in names])

    def of(run: str) -> Mapping[str, Any] | None:
        if not compiled:
            return {"": ALL}
        for pattern, each in compiled:
            match = each.fullmatch(run)
            if match is not None:
                return {"": _called(pattern, match), **match.groupdict()}
        return None

    return Groups(columns, of, lambda values: str(values[""]))


def _compiled(pattern: str) -> re.Pattern[str]:
    if "(" not in pattern:
        return re.compile(translate(pattern))
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from None
    for name in compiled.groupindex:
        _check_column(name)
    return compiled


def _check_column(name: str) -> None:
    """Raises UsageError for the name of a column that a table of statistics has anyway."""
    if name.lower() in TAKEN or re.fullmatch(r"q[0-9.e-]+", name.lower()):
        raise UsageError(f"a column is called {name!r} already; call the group something else")


TAKEN = {"group", "tag", "step", "wall_time", "count", "nans", "ci_low", "ci_high", *STATISTICS}


def _called(pattern: str, match: re.Match[str]) -> str:
    named = {name: text for name, text in match.groupdict().items() if text is not None}
    if match.re.groupindex:
        return ",".join(f"{name}={text}" for name, text in named.items())
    texts = [text for text in match.groups() if text is not None]
    return ",".join(texts) if match.re.groups and "(" in pattern else pattern


def by_hparams(logs: TableSet, names: Sequence[str]) -> Groups:
    """Groups by hyperparameters of the session that a run belongs to, its own or one above it.

    Raises UnknownNameError for a hyperparameter that no session has.
    """
    rows = logs["hparams"].to_table().to_pylist() if "hparams" in logs else []
    columns = ["run"]
    sessions = {row["run"] for row in rows}
    if SESSIONS in logs:
        sessions |= {row["run"] for row in logs[SESSIONS].to_table(columns).to_pylist()}
    order = sorted(sessions)
    known = hparam_columns(rows, order)
    for name in names:
        if name not in known:
            raise UnknownNameError("hyperparameter", name, known, "" if known else "there are none")
        _check_column(name)
    kinds = pa.schema([(name, known[name].type) for name in dict.fromkeys(names)])
    values = {name: known[name].to_pylist() for name in kinds.names}
    found = {session: {name: values[name][n] for name in values} for n, session in enumerate(order)}

    def of(run: str) -> Mapping[str, Any] | None:
        session = session_of(run, sessions)
        chosen = None if session is None else found[session]
        return None if chosen is None or None in chosen.values() else chosen

    def named(values: Mapping[str, Any]) -> str:
        return ",".join(f"{name}={_text(value)}" for name, value in values.items())

    return Groups(kinds, of, named, what="--by")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
