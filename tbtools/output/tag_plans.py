"""What becomes of the tags of a run when its records are copied, told to the core's rewriter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set

from tbtools import _core
from tbtools.decode.kind import UNCLAIMED, Kind
from tbtools.errors import UsageError
from tbtools.runs.catalog import kind_of
from tbtools.runs.rows import CLAIMS
from tbtools.runs.survey import SCALAR, Survey, TagStats

__all__ = ["EVENT_FIELDS", "fields_outside", "plan_tags", "whole_tags"]

#: What an event may hold but a Summary and a file_version.
EVENT_FIELDS = (
    "none",
    "graph_def",
    "log_message",
    "session_log",
    "tagged_run_metadata",
    "meta_graph_def",
)


def plan_tags(
    rewriter: _core.Rewriter,
    surveys: Iterable[Survey],
    *,
    names: Mapping[str, str] | None = None,
    is_kept: Callable[[str], bool] = lambda tag: True,
    tables: Set[str] | None = None,
    lanes: Mapping[str, int] | None = None,
) -> None:
    """Tell what becomes of every tag that these surveys found.

    Those in ``names`` get a new name and those in ``lanes`` go to other files; of the others stays
    what ``is_kept``, and of that only what is in one of ``tables``. Raises UsageError if two tags
    that stay get one name, since their values could not be told apart any more.
    """
    names, lanes = names or {}, lanes or {}
    of_tag: dict[str, list[tuple[TagStats, Kind | None]]] = {}
    for survey in surveys:
        for stats in survey.stats:
            if stats.tag is not None:
                of_tag.setdefault(stats.tag, []).append((stats, kind_of(stats, survey)[0]))
    called: dict[str, str] = {}
    for tag, found in of_tag.items():
        keep = is_kept(tag)
        verdicts = {
            (field, stats.plugin): keep
            and (tables is None or not tables.isdisjoint(_names_of(kind)))
            for stats, kind in found
            for field in _members(stats.field)
        }
        if any(verdicts.values()):
            other = called.setdefault(names.get(tag, tag), tag)
            if other != tag:
                raise UsageError(
                    f"the tags {other!r} and {tag!r} would both be called {names.get(tag, tag)!r}; "
                    "rename or drop one of them"
                )
        is_mixed = len(set(verdicts.values())) > 1
        rewriter.set_tag(
            tag,
            name=names.get(tag),
            keep=any(verdicts.values()),
            whole=all(_is_whole(kind) for _, kind in found),
            lane=lanes.get(tag, 0),
            exceptions=[(*which, kept) for which, kept in verdicts.items()] if is_mixed else (),
        )


def whole_tags(survey: Survey) -> set[str]:
    """The tags that say something of the run as a whole: hyperparameters, layouts."""
    whole: dict[str, bool] = {}
    for stats in survey.stats:
        if stats.tag is not None:
            kind, _ = kind_of(stats, survey)
            whole[stats.tag] = whole.get(stats.tag, True) and _is_whole(kind)
    return {tag for tag, is_whole in whole.items() if is_whole}


def fields_outside(tables: Set[str]) -> set[str]:
    """The fields of events that belong to none of these tables."""
    return {
        field for field in EVENT_FIELDS if tables.isdisjoint(_names_of(CLAIMS.kind_of(field, "")))
    }


def _members(field: str) -> tuple[str, ...]:
    """What the survey counts as a number may be either."""
    return ("simple_value", "tensor") if field == SCALAR else (field,)


def _names_of(kind: Kind | None) -> set[str]:
    return {UNCLAIMED.name} if kind is None else {spec.name for spec in kind.tables}


def _is_whole(kind: Kind | None) -> bool:
    return kind is not None and kind.encode is not None and kind.encode.whole
