"""``rewrite``: what may be asked of it, and the way through the runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal, Unpack, get_args

import pyarrow as pa

from tbtools import _core
from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.output.copying import Answer, Copied, Copier, RecordFiles, changes_of, unpacked_name
from tbtools.output.event_files import check_run
from tbtools.output.records import name_of_file, opening
from tbtools.output.targets import check_target, staged
from tbtools.proto.tfevents_pb2 import Event
from tbtools.runs.reading import RunReader
from tbtools.runs.survey import Survey
from tbtools.selection import RestartPolicy
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.tables.manifest import LOGDIR, write_manifest
from tbtools.tables.parallel import in_order
from tbtools.verbs.rewrite.constants import without_constants
from tbtools.verbs.rewrite.edits import Edits, Times, as_fraction, as_renames, parse_times
from tbtools.verbs.rewrite.places import in_place

__all__ = ["Rewritten", "SplitBy", "rewrite"]

SplitBy = Literal["size", "run", "tag"]

SPLIT_SIZE = 100_000_000  # bytes


@dataclass
class Rewritten:
    """What became of each run, and what was renamed in it: new names by run and old name.

    ``path`` is what was written, None if nothing was. ``unknowable`` rows were overwritten by
    restarts that the new files do not show any more.
    """

    path: Path | None
    runs: dict[str, Copied] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    unknowable: int = 0

    def to_table(self) -> pa.Table:
        """A row per run; the columns are those of Copied, but for ``versions``."""
        names = [each.name for each in fields(Copied) if each.name != "versions"]
        rows = [{"run": run, **asdict(copied)} for run, copied in self.runs.items()]
        columns = [("run", pa.string()), *((name, pa.int64()) for name in names)]
        return pa.Table.from_pylist(rows, pa.schema(columns))

    @property
    def total(self) -> Copied:
        """What became of all runs together."""
        names = [each.name for each in fields(Copied)]
        return Copied(*(sum(getattr(each, name) for each in self.runs.values()) for name in names))


def rewrite(
    logs: LogsOrPaths,
    output: str | os.PathLike[str] | None = None,
    *,
    rename: Mapping[str, str] | Iterable[str | tuple[str, str]] = (),
    keep: str | Iterable[str] = (),
    drop: str | Iterable[str] = (),
    tables: Iterable[str] | None = None,
    times: str | Times | None = None,
    shift_steps: int = 0,
    scale_steps: float | str | Fraction = 1,
    split_by: SplitBy | None = None,
    split_size: int = SPLIT_SIZE,
    compact: bool = False,
    drop_graph_constants: bool = False,
    dry_run: bool = False,
    backup: str | os.PathLike[str] | None = None,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Rewritten:
    r"""Write event files again, with other tags, steps or files, to a new logdir ``output``.

    Records of which nothing changes are copied byte for byte, others but for what changes in them;
    the metadata of a tag goes to the first of its values that stays. With nothing to do, undamaged
    files come out as they are. Damaged stretches are left out, and told as everywhere.

    ``rename`` has regular expressions of whole tags and what takes their place, as
    ``{r"loss/(.*)": r"train/\1"}`` or texts ``loss/(.*)=train/\1``; the first that matches counts.
    ``keep`` and ``drop`` are globs of tags, ``tables`` the only ones of which values and events
    stay. ``times`` (seconds since the epoch, or a text ``A..B`` of dates) are half-open. Of what
    ``open`` takes, ``run``, ``tag``, ``exclude_tag`` and ``steps`` choose what stays, and
    ``restarts`` leaves out what was overwritten. Steps and times are those that were written; a
    step becomes floor(step * ``scale_steps``) + ``shift_steps``. Graphs, hyperparameters and
    layouts are of a run as a whole: they stay whatever their step and time.

    ``split_by`` "size" ends a file with the record that brings it to ``split_size`` bytes, "tag"
    makes a file of each tag, "run", as ``compact``, one of each run.
    ``drop_graph_constants`` takes the contents of constants of more than 1,024 bytes from graphs.

    ``dry_run`` writes nothing and tells what would be. Without ``output``, ``backup`` is a folder
    that is made for the event files of the logdir, which then are changed in place.

    Raises UsageError or one of its kind for what makes no sense, TargetExistsError without
    ``force``, and NothingFoundError if nothing is left.
    """
    if split_by is not None and split_by not in get_args(SplitBy):
        raise UnknownNameError("way to split", split_by, get_args(SplitBy))
    if split_size < 1:
        raise UsageError(f"a file of {split_size} bytes is none")
    if sum(given is not None for given in (output, backup)) + dry_run != 1:
        raise UsageError("give one of an output, a backup to rewrite in place, and dry_run")
    if compact and split_by not in (None, "run"):
        raise UsageError(f"one file per run cannot be split by {split_by}")
    source = opened(logs, options)
    edits = Edits(
        source.selection,
        rename=as_renames(rename),
        keep=_texts(keep),
        drop=_texts(drop),
        tables=None if tables is None else frozenset(tables),
        times=parse_times(times) if times is None or isinstance(times, str) else times,
        shift_steps=shift_steps,
        scale_steps=as_fraction(scale_steps),
        drop_graph_constants=drop_graph_constants,
    )
    way = "run" if compact else split_by
    work = _Rewriting(source, edits, way, split_size if way == "size" else None)
    if dry_run:
        return work.run(None)
    if backup is not None:
        with in_place(source, Path(backup)) as folder:
            done = work.run(folder)
        done.path = Path(source.paths[0])
        return done
    assert output is not None
    target = Path(output)
    check_target(target, source.inputs, force, folder=True)
    with staged(target, source.inputs, force, folder=True) as folder:
        folder.mkdir()
        done = work.run(folder)
        write_manifest(folder, LOGDIR, {}, {})
    done.path = target
    return done


def _texts(globs: str | Iterable[str]) -> tuple[str, ...]:
    return (globs,) if isinstance(globs, str) else tuple(globs)


#: A run, what became of it, and the new names of its tags.
_Done = tuple[RunReader, Copied, dict[str, str]]


class _Rewriting:
    """One rewriting of all runs."""

    def __init__(
        self, logs: TableSet, edits: Edits, split_by: SplitBy | None, most: int | None
    ) -> None:
        self._readers = logs.readers()
        self._threads = logs.threads
        self._policy: RestartPolicy = logs.selection.restarts
        self._edits = edits
        self._split_by = split_by
        self._most = most

    def run(self, folder: Path | None) -> Rewritten:
        """Rewrite all runs to a folder, or find out what that would do."""
        done = Rewritten(None)
        for reader in self._readers:
            check_run(reader.run.name)
        openers = [partial(self._rewrite, reader, folder) for reader in self._readers]
        for reader, copied, renamed in in_order(openers, self._threads):
            name = reader.run.name
            done.runs[name] = copied
            done.renamed |= {name: renamed} if renamed else {}
            if self._split_by is not None and self._policy == "keep":
                done.unknowable += reader.dropped("latest")
        if not any(copied.files_after for copied in done.runs.values()):
            raise NothingFoundError("nothing would be left of these logs")
        return done

    def _rewrite(self, reader: RunReader, folder: Path | None) -> Iterator[_Done]:
        name = reader.run.name
        place = None if folder is None else folder if name == "." else folder / name
        survey = reader.survey()
        rewriter = _core.Rewriter()
        renamed = self._edits.apply(rewriter, survey, self._lanes(survey))
        if self._split_by is None:
            files = RecordFiles(place)
        else:
            begin = survey.first_time
            files = RecordFiles(place, partial(name_of_file, begin), opening(begin), self._most)
        copier = Copier(rewriter, files, self._decide)
        limits = changes_of(reader.limits(self._policy), rewriter)
        with files:
            for number, file in enumerate(reader.run.files):
                if self._split_by is None:
                    files.begin(unpacked_name(file))
                before = copier.copied
                copier.copy(reader, file, limits.get(number, ()))
                if self._split_by is None:
                    _drop_bare(files, before, copier.copied)
        yield reader, copier.copied, renamed

    def _lanes(self, survey: Survey) -> dict[str, int]:
        if self._split_by != "tag":
            return {}
        tags = dict.fromkeys(stats.tag for stats in survey.stats if stats.tag is not None)
        return {tag: lane for lane, tag in enumerate(tags, 1)}

    def _decide(self, event: Event) -> Answer:
        field = event.WhichOneof("what") or "none"
        if field in self._edits.dropped_fields:
            return False
        return (self._edits.drop_graph_constants and without_constants(event)) or True


def _drop_bare(files: RecordFiles, before: Copied, after: Copied) -> None:
    """Keep no file of which nothing is left but its version."""
    dropped = after.dropped > before.dropped
    if dropped and after.events - before.events == after.versions - before.versions:
        files.discard()
