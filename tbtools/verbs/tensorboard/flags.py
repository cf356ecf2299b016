"""TensorBoard's own flags: made of logdirs, and read by TensorBoard with mistakes in one line."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import Any

from tbtools.errors import UnknownNameError, UsageError
from tbtools.files.discovery import existing, named_paths

__all__ = ["NAMING_LOGS", "check_flags", "configure", "logdir_flags", "names_of"]

#: Flags that name logs as LOGDIR does, or other data.
NAMING_LOGS = frozenset(
    ("--logdir", "--logdir_spec", "--event_file", "--grpc_data_provider", "--db")
)

HINT = "`tensorboard --help` lists its flags"


def names_of(flags: Sequence[str]) -> list[str]:
    """The names of flags: ``--port`` of ``--port=0``."""
    return [flag.partition("=")[0] for flag in flags if flag.startswith("-")]


def logdir_flags(logdirs: Sequence[str]) -> list[str]:
    """What makes TensorBoard read these logdirs, each of which may be NAME=PATH.

    One without a name is ``--logdir``; others are ``--logdir_spec name:path,name:path``, which
    nothing can be quoted in (``_parse_event_files_spec`` of TensorBoard's data_ingester.py).
    Raises NothingFoundError if one does not exist, UsageError for what cannot be said so.
    """
    pairs = named_paths(logdirs)
    for (_, path), logdir in zip(pairs, logdirs, strict=True):
        existing(path, logdir)
    if len(pairs) == 1 and not pairs[0][0]:
        return [f"--logdir={_unexpanded(pairs[0][1])}"]
    specs = []
    seen: dict[str, str] = {}
    for name, path in pairs:
        # A name that begins with a slash would be taken for a path.
        name = name.lstrip("/")
        for what, text, forbidden in (("name", name, ",:"), ("path", path, ",")):
            found = [each for each in forbidden if each in text]
            if found:
                raise UsageError(
                    f"TensorBoard takes no {what} with {found[0]!r} in it beside others: {text!r}; "
                    + ("name it: NAME=PATH" if what == "name" else "make a link to it")
                )
        folder = os.path.realpath(path)
        if folder in seen:
            raise UsageError(
                f"{seen[folder]!r} and {path!r} are one folder, which TensorBoard shows once"
            )
        seen[folder] = path
        specs.append(f"{name}:{_unexpanded(path)}")
    return [f"--logdir_spec={','.join(specs)}"]


def _unexpanded(path: str) -> str:
    """A path in which TensorBoard finds no ``~`` to expand: the shell has done that."""
    return f"./{path}" if path.startswith("~") else path


def configure(tensorboard: Any, arguments: Sequence[str]) -> None:
    """Let TensorBoard read its flags. Raises UsageError, in a line, for those it does not take."""
    from tensorboard.plugins.base_plugin import FlagsError

    with redirect_stderr(io.StringIO()) as said:
        try:
            tensorboard.configure(["tensorboard", *arguments])
            mistake = None
        except SystemExit as end:
            if not end.code:  # help was asked for
                raise
            # Above is how it is used, which is pages long.
            usage, _, mistake = said.getvalue().strip().rpartition("\n")
            _check_names(arguments, usage, mistake)
            mistake += f" ({HINT})"
        except (FlagsError, ValueError) as error:
            mistake = _in_a_line(str(error))
    if mistake is not None:
        mistake = mistake.removeprefix("tensorboard: error: ")
        raise UsageError(f"TensorBoard: {mistake}")
    sys.stderr.write(said.getvalue())
    check_flags(tensorboard.flags)


def _check_names(arguments: Sequence[str], usage: str, mistake: str) -> None:
    """Raises UnknownNameError for the flag that a complaint is about, if it names but its value."""
    if "unrecognized arguments" not in mistake and "{serve}" not in mistake:
        return
    from absl.flags import FLAGS  # which are not in the usage

    known = {*re.findall(r"--\w+", usage), *(f"--{name}" for name in FLAGS)}
    for name in names_of(arguments):
        if name.startswith("--") and not any(each.startswith(name) for each in known):
            raise UnknownNameError("flag of TensorBoard", name, known, HINT)


def check_flags(flags: Any) -> None:
    """Raises UsageError for flags of TensorBoard's that ask for another loader than ours."""
    for flag in ("grpc_data_provider", "db"):
        if getattr(flags, flag, ""):
            raise UsageError(f"--{flag}: data comes from there, or from what tbtools reads: choose")
    if getattr(flags, "load_fast", "") == "true":
        raise UsageError("--load_fast=true asks for TensorBoard's own loader: leave it out")
    if flags.reload_task == "process":
        raise UsageError("--reload_task=process: tbtools reads in a thread; leave it out")
    if flags.reload_task == "blocking" and flags.reload_interval:
        raise UsageError("--reload_task=blocking needs --reload_interval=0")


def _in_a_line(text: str) -> str:
    """A message of several lines as one."""
    return " ".join(text.split())
