"""What ``rewrite`` is asked to change, checked and ready to be applied."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tbtools import _core
from tbtools.errors import UnknownTableError, UsageError
from tbtools.kinds import table_specs
from tbtools.output.tag_plans import fields_outside, plan_tags, whole_tags
from tbtools.runs.survey import Survey
from tbtools.selection import Selection
from tbtools.tables.logdir import all_specs

__all__ = ["Edits", "Renames", "Times", "as_fraction", "as_renames", "parse_times"]

#: Regular expressions of whole tags, and what takes the place of what they match.
Renames = Sequence[tuple[re.Pattern[str], str]]

#: Half-open, in seconds since the epoch; None at either end means no limit.
Times = tuple[float | None, float | None]

MOST_FACTOR = 2**31 - 1
GRAPHS = ("graph_def", "meta_graph_def")


@dataclass(frozen=True)
class Edits:
    """What becomes of tags, values and events. Of these, too, stays what is in ``selection``."""

    selection: Selection
    rename: Renames = ()
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    tables: frozenset[str] | None = None
    times: Times = (None, None)
    shift_steps: int = 0
    scale_steps: Fraction = Fraction(1)
    drop_graph_constants: bool = False

    def __post_init__(self) -> None:
        for name in self.tables or ():
            if name not in table_specs():
                if name in all_specs():
                    raise UsageError(f"the table {name!r} is not in event files")
                raise UnknownTableError("table", name, [*table_specs()])
        if self.scale_steps <= 0 or max(self.scale_steps.as_integer_ratio()) > MOST_FACTOR:
            raise UsageError(
                f"steps cannot be scaled by {self.scale_steps}: give a positive whole number, or "
                f"a fraction of two such as 1/100, each up to {MOST_FACTOR:,}"
            )

    @property
    def dropped_fields(self) -> frozenset[str]:
        """The fields of events that do not stay."""
        return frozenset() if self.tables is None else frozenset(fields_outside(self.tables))

    def apply(
        self, rewriter: _core.Rewriter, survey: Survey, lanes: Mapping[str, int]
    ) -> dict[str, str]:
        """Tell the core what becomes of a run; tags in ``lanes`` go to files of their own.

        Gives the new names of the tags that get one. Raises UsageError if two tags get one name.
        """
        asked = self.dropped_fields | {"file_version"}
        if self.drop_graph_constants:
            asked |= {*GRAPHS}
        scale = self.scale_steps
        rewriter.set_events(
            first_step=self.selection.steps[0],
            end_step=self.selection.steps[1],
            first_time=self.times[0],
            end_time=self.times[1],
            multiplier=scale.numerator,
            divisor=scale.denominator,
            shift=self.shift_steps,
            asked=sorted(asked),
        )
        names = self._names_in(survey)
        plan_tags(
            rewriter,
            [survey],
            names=names,
            is_kept=self.keeps,
            tables=self.tables,
            lanes=lanes,
        )
        return names

    def keeps(self, tag: str) -> bool:
        """Whether the values of a tag stay, as far as its name says."""
        own = Selection(tag=self.keep, exclude_tag=self.drop)
        return own.wants_tags([tag])[0] and self.selection.wants_tags([tag])[0]

    def _names_in(self, survey: Survey) -> dict[str, str]:
        """The new names of the tags of a run that get one.

        Tags by which TensorBoard finds hyperparameters and layouts keep theirs.
        """
        if not self.rename:
            return {}
        tags = {stats.tag for stats in survey.stats if stats.tag is not None}
        named = {tag: self._renamed(tag) for tag in sorted(tags - whole_tags(survey))}
        return {tag: name for tag, name in named.items() if name != tag}

    def _renamed(self, tag: str) -> str:
        for pattern, to in self.rename:
            match = pattern.fullmatch(tag)
            if match is not None:
                return match.expand(to)
        return tag


def as_renames(rename: Mapping[str, str] | Iterable[str | tuple[str, str]]) -> Renames:
    r"""Renames from ``{pattern: replacement}``, pairs, or texts such as ``loss/(.*)=train/\1``.

    A text is split at its last ``=``. Raises UsageError for one that makes no sense.
    """
    pairs = rename.items() if isinstance(rename, Mapping) else rename
    return [_rename(each) for each in pairs]


def _rename(pair: str | tuple[str, str]) -> tuple[re.Pattern[str], str]:
    if isinstance(pair, str):
        pattern, equals, to = pair.rpartition("=")
        if not equals:
            raise UsageError(f"{pair!r} is no renaming: give PATTERN=NAME")
    else:
        pattern, to = pair
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from error
    try:
        # Any match will do to find out whether the name refers to groups that there are.
        re.compile(f"(?:{pattern})|").sub(to, "")
    except (re.error, IndexError) as error:
        raise UsageError(f"{to!r} does not fit {pattern!r}: {error}") from error
    if not to:
        raise UsageError(f"{pattern!r} is renamed to nothing (--drop leaves tags out)")
    return compiled, to


def as_fraction(scale: float | str | Fraction) -> Fraction:
    """A factor such as 10, ``"1/100"`` or 0.5. Raises UsageError for what is none."""
    try:
        return Fraction(scale)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        raise UsageError(f"{scale!r} is no factor: give one such as 10 or 1/100") from None


def parse_times(text: str | None) -> Times:
    """``A..B`` as a half-open range of times; either end may be missing.

    Each is a number of seconds since the epoch, or a date as ISO 8601 has it, of local time unless
    it says otherwise. Raises UsageError for what is none.
    """
    if text is None:
        return None, None
    first, dots, end = text.partition("..")
    if not dots:
        raise UsageError(
            f"{text!r} is no range of times: give A..B, A.. or ..B, such as "
            "2025-10-31..2025-11-01T12:00 or seconds since the epoch"
        )
    return _time(first), _time(end)


def _time(text: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            pass
    else:
        if math.isfinite(seconds):
            return seconds
    raise UsageError(f"{text!r} is no time: give seconds since the epoch, or 2025-10-31T15:28:11")
