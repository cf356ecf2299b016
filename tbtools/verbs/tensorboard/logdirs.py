"""Where TensorBoard's flags say that the logs are."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from tbtools.verbs.tensorboard.store import Logdir

__all__ = ["logdirs_of"]

URL = re.compile("[a-zA-Z][0-9a-zA-Z.]*://.*")


def logdirs_of(flags: argparse.Namespace) -> list[Logdir]:
    """The folders that ``--logdir`` or ``--logdir_spec`` name.

    A spec is ``path`` or ``name:path``, several are separated by commas; a name begins with no
    slash (``_parse_event_files_spec`` of TensorBoard's data_ingester.py).
    """
    if flags.logdir:
        is_url = URL.match(flags.logdir)
        return [Logdir(flags.logdir if is_url else str(Path(flags.logdir).expanduser()))]
    found: dict[str, Logdir] = {}
    for spec in (flags.logdir_spec or "").split(","):
        name: str | None
        name, colon, path = spec.partition(":")
        if not colon or spec.startswith("/") or URL.match(spec) or os.path.splitdrive(spec)[0]:
            name, path = None, spec
        if not URL.match(path):
            path = os.path.realpath(Path(path).expanduser())
        if spec:
            found[path] = Logdir(path, name)
    return [*found.values()]
