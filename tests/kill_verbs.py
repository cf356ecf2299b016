"""Kills what writes at random instants: ``tests/kill_verbs.py [KILLS] [SEED] [CASE…]``.

Each process writes over an old output, and is killed at a call to the file system that was picked
at random, or after a random time. What is there then is the old output or the new one, whole. The
next call succeeds, and leaves nothing but the output: not in its folder, and not among the
temporary files of the system. ``every`` instead of KILLS kills once at each of the calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow
from event_writing import EventFile
from killing import calls_of, in_a_process, killed_at

import tbtools
import tbtools.verbs.export
import tbtools.verbs.merge
import tbtools.verbs.recover
import tbtools.verbs.rewrite
from tbtools.output import targets

pyarrow.set_cpu_count(1)

State = Mapping[str, str]  # a digest of every file by its path


class WrongError(Exception):
    """What was found is not what should be."""


@dataclass(frozen=True)
class Case:
    """A way to write: the old output of other logs is made in the same way."""

    output: str
    write: Callable[[Path, Path], object]
    exchanges: bool = True  # whether two folders can be exchanged in one step


def exporting(**options: object) -> Callable[[Path, Path], object]:
    """An export to a folder or file."""
    return lambda logs, out: tbtools.export(logs, out, force=True, threads=2, **options)  # type: ignore[arg-type]


def merging(logs: Path, out: Path, **options: object) -> object:
    """A merging of all runs to one."""
    return tbtools.merge(logs, output=out, into="x", force=True, **options)  # type: ignore[arg-type]


def recovering(logs: Path, out: Path) -> object:
    """What is intact of them."""
    return tbtools.recover(logs, out, force=True)


CASES = {
    "parquet": Case("out", exporting()),
    "csv": Case("out", exporting(format="csv")),
    "one_csv": Case("out.csv", exporting(format="csv", tables=["scalars"])),
    "wide": Case("out.parquet", exporting(wide=True)),
    "jsonl": Case("out", exporting(format="jsonl")),
    "arrow": Case("out", exporting(format="arrow")),
    "duckdb": Case("out.duckdb", exporting(format="duckdb")),
    "recover": Case("out", recovering),
    "recover_moved": Case("out", recovering, exchanges=False),
    "rewrite": Case("out", lambda logs, out: tbtools.rewrite(logs, out, drop="y", force=True)),
    "merge": Case("out", lambda logs, out: merging(logs, out)),
    "merge_parquet": Case("out", lambda logs, out: merging(logs, out, format="parquet")),
}  # fmt: skip

IN_PLACE = ("in_place", "in_place_copied")


def make_logs(folder: Path, points: int) -> Path:
    """Three runs, one of them torn and one with a flipped bit."""
    for number, run in enumerate("abc"):
        file = EventFile(folder / run / f"events.out.tfevents.{number}").version()
        for step in range(points):
            file.scalar("xyz"[step % 3], step, step / 7)
        EventFile(folder / run / "later.tfevents").version().scalar("x", points, 1.0)
    torn = folder / "b" / "events.out.tfevents.1"
    torn.write_bytes(torn.read_bytes()[:-5])
    flipped = folder / "c" / "events.out.tfevents.2"
    flipped.write_bytes(flipped.read_bytes()[:300] + b"\xff" + flipped.read_bytes()[301:])
    return folder


def state_of(path: Path) -> State:
    """A digest of every file of an output; nothing for what is not there."""
    if path.suffix == ".duckdb":
        return {".": _rows_in(path)} if path.exists() else {}
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {
        each.relative_to(path).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in files
    }


def _rows_in(path: Path) -> str:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        tables = sorted(name for (name,) in connection.execute("SHOW TABLES").fetchall())
        rows = {name: str(connection.execute(f'FROM "{name}"').fetchall()) for name in tables}
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


class Killing:
    """Kills one process after the other."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.ends: Counter[str] = Counter()
        self.kills = 0
        self._rng = rng
        self._folder = folder
        self._logs = make_logs(folder / "logs", 2000)
        self._older = make_logs(folder / "older", 500)
        self._calls: dict[str, int] = {}
        self._states: dict[str, State] = {}
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        tempfile.tempdir = str(self._temporary)

    def _state(self, path: Path) -> State:
        """Found by a process of its own, since the libraries that read have threads."""
        note = self._folder / "note"
        if in_a_process(lambda: note.write_text(json.dumps(state_of(path)))):
            raise WrongError(f"{path.name} cannot be read")
        found: State = json.loads(note.read_text())
        return found

    def _run_killed(self, name: str, work: Callable[[], object], call: int | None) -> bool:
        """Whether it was killed before it was done."""
        if call is not None:
            ended = in_a_process(killed_at(call, work))
        elif self._rng.random() < 0.7:
            # More often late than early: then files are moved.
            call = int(self._calls[name] * self._rng.random() ** 0.5) + 1
            ended = in_a_process(killed_at(call, work))
        else:
            ended = in_a_process(work, self._rng.uniform(0.0, 0.12))
        if ended not in (0, -signal.SIGKILL):
            raise WrongError("it failed")
        self.kills += ended != 0
        return ended != 0

    def _succeed(self, work: Callable[[], object]) -> None:
        if in_a_process(work):
            raise WrongError("it failed after a kill")

    def _nothing_is_left(self, folder: Path, *expected: str) -> None:
        left = {path.name for path in folder.iterdir()} - {*expected}
        left |= {path.name for path in self._temporary.iterdir()}
        left |= {path.name for path in folder.rglob(".tbtools-*")}
        if left:
            raise WrongError(f"left over: {sorted(left)}")

    def over_an_old_output(self, name: str, call: int | None = None) -> bool:
        """One kill; tells whether it came before the end."""
        case = CASES[name]
        folder = self._folder / name
        output = folder / case.output

        def write(logs: Path) -> None:
            if not case.exchanges:
                renamed = targets._rename
                targets._rename = lambda one, other, flag: (  # type: ignore[assignment]
                    flag != targets.RENAME_EXCHANGE and renamed(one, other, flag)
                )
            case.write(logs, output)

        if name not in self._states:
            folder.mkdir()
            self._succeed(lambda: write(self._older))
            self._calls[name] = calls_of(lambda: write(self._logs), self._folder / "note")
            self._states[name] = self._state(output)
            self._succeed(lambda: write(self._older))
            self._states[f"{name} old"] = self._state(output)
        new, old = self._states[name], self._states[f"{name} old"]
        if not old or not new or old == new:
            raise WrongError("nothing can be told apart")
        was_killed = self._run_killed(name, lambda: write(self._logs), call)
        found = self._state(output)
        may_be = [old, new] if case.exchanges else [old, new, {}]
        if found not in may_be:
            raise WrongError("neither old nor new")
        how = "old" if found == old else "new" if found == new else "nothing"
        self.ends[how] += was_killed
        self._succeed(lambda: write(self._older))
        if self._state(output) != old:
            raise WrongError("the next output is not as it should be")
        self._nothing_is_left(folder, case.output)
        return was_killed

    def in_place(self, name: str, call: int | None = None) -> bool:
        """One kill of a rewriting in place; tells whether it came before the end."""
        folder = self._folder / name

        def rewrite(backup: str) -> None:
            if name == "in_place_copied":  # as if the backup were in another file system
                moved, near = Path.replace, str(folder / "logs")

                def replace(self: Path, target: Path) -> Path:
                    if str(target).startswith(near) and not str(self).startswith(near):
                        raise OSError(18, "Invalid cross-device link")
                    return moved(self, target)

                Path.replace = replace  # type: ignore[assignment,method-assign]
            tbtools.rewrite(folder / "logs", backup=folder / backup, drop="y")

        shutil.copytree(self._logs, folder / "logs")
        if name not in self._states:
            self._states[f"{name} old"] = self._state(folder / "logs")
            note = self._folder / "note"
            self._calls[name] = calls_of(lambda: rewrite("backup"), note)
            self._states[name] = self._state(folder / "logs")
            shutil.rmtree(folder)
            shutil.copytree(self._logs, folder / "logs")
        new, old = self._states[name], self._states[f"{name} old"]
        was_killed = self._run_killed(name, lambda: rewrite("backup"), call)
        found = self._state(folder / "logs")
        events = {path: digest for path, digest in found.items() if "tfevents" in path}
        if events.keys() != old.keys() or any(
            digest not in (old[path], new[path]) for path, digest in events.items()
        ):
            raise WrongError("a file is neither old nor new")
        if (folder / "backup").exists():
            if self._state(folder / "backup") != old:
                raise WrongError("the backup does not hold all old ones")
        elif events != old:
            raise WrongError("files were replaced before there was a backup")
        how = "old" if events == old else "new" if events == new else "some old, some new"
        self.ends[how] += was_killed
        self._succeed(lambda: rewrite("again"))
        if self._state(folder / "logs") != new:
            raise WrongError("the next rewriting does not end where it should")
        self._nothing_is_left(folder, "logs", "backup", "again")
        shutil.rmtree(folder)
        return was_killed

    def one(self, name: str, call: int | None = None) -> bool:
        """One kill of a case."""
        return (self.in_place if name in IN_PLACE else self.over_an_old_output)(name, call)


def main(kills: str, seed: int, names: list[str]) -> None:
    """Kill that often, and tell what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="kill-verbs-"))
    killing = Killing(folder, random.Random(seed))
    turn = 0
    for name in names:
        try:
            if kills == "every":
                turn = 1
                while killing.one(name, turn):
                    turn += 1
            else:
                begin = killing.kills
                share = len(names[: names.index(name) + 1]) * int(kills) // len(names)
                while killing.kills < max(share, begin):
                    killing.one(name)
        except WrongError as error:
            where = f"{name}, kill {killing.kills} at {turn} (seed {seed}, see {folder})"
            raise SystemExit(f"{where}: {error}") from None
    shutil.rmtree(folder)
    found = ", ".join(f"{what} {times}" for what, times in sorted(killing.ends.items()))
    print(f"{killing.kills} kills of {len(names)} ways to write; what was there then: {found}")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    given = sys.argv[1:]
    main(
        given[0] if given else "200",
        int(given[1]) if len(given) > 1 else 1,
        given[2:] or [*CASES, *IN_PLACE],
    )
