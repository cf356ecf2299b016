"""A process that gets only so much memory and time: the third wall of ``sandbox.py``.

``confine`` limits the process that calls it, which is the command line's. The library does not
touch the limits of its host: there, ``rows_of_child`` has the command line do it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from tbtools.errors import DamageError, NothingFoundError, QueryError, TbtoolsError, UsageError
from tbtools.tables.sandbox import Limits

__all__ = ["confine", "rows_of_child"]

SLACK = 1 << 29  # bytes that reading logs and the libraries take, beside what a statement does
GRACE = 2.0  # seconds in which DuckDB may end by itself
STARTUP = 20.0  # seconds more for a process to begin

STATUS = Path("/proc/self/status")


@contextmanager
def confine(limits: Limits, late: Callable[[], None]) -> Iterator[None]:
    """Let this process have no more than that, where the system can (memory: Linux).

    What DuckDB does not notice by itself ends the process: ``late`` is called, and must not return.
    """
    before = _limit_memory(limits.memory) if limits.memory is not None else None
    watch = threading.Timer((limits.seconds or 0) + GRACE, late)
    watch.daemon = True
    if limits.seconds is not None:
        watch.start()
    try:
        yield
    finally:
        watch.cancel()
        if before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, before)


def _limit_memory(most: int) -> tuple[int, int] | None:
    if not STATUS.exists():
        return None
    import resource

    taken = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmData:"))
    wanted = int(taken.split()[1]) * 1024 + most + SLACK
    before = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = [each for each in (*before, wanted) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(allowed), before[1]))
    return before


def rows_of_child(
    paths: Sequence[str],
    options: Mapping[str, Any],
    sql: str,
    params: object,
    limits: Limits,
) -> pa.Table:
    """The rows of a sandboxed statement over the logs that ``open`` was given, from a process.

    Raises QueryError for a statement that is refused, fails or takes more than it may, and what
    the opening of the logs raises.
    """
    command = [sys.executable, "-m", "tbtools", "query", "--sandbox", "--format", "arrow"]
    command += ["--memory-limit", str(limits.memory), "--time-limit", str(limits.seconds)]
    command += _words(options)
    if params is not None:
        command += ["--params", _as_json(params)]
    command += ["--", "-", *paths]
    home = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONPATH": path},
        )
        watch = threading.Timer((limits.seconds or 0) + GRACE + STARTUP, child.kill)
        watch.start()
        try:
            rows = _talk(child, sql, limits)
        finally:
            watch.cancel()
            child.kill()
            child.wait()
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    if rows is None or child.returncode not in (0, 3):  # 3: damaged records were passed over
        raise _failure(child.returncode, text)
    return rows


def _talk(child: subprocess.Popen[bytes], sql: str, limits: Limits) -> pa.Table | None:
    """Give the statement, and take all rows that come; None if they end too early."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with child.stdin as stdin:
            stdin.write(sql.encode())
    except BrokenPipeError:
        pass  # it says why on stderr
    batches: list[pa.RecordBatch] = []
    size = 0
    with child.stdout as stdout:
        try:
            with pa.ipc.open_stream(stdout) as reader:
                for batch in reader:
                    size += batch.nbytes
                    if limits.memory is not None and size > limits.memory:
                        raise QueryError(
                            "the result is larger than the memory limit (memory_limit=)"
                        )
                    batches.append(batch)
        except (pa.ArrowException, OSError):
            child.wait()
            return None
    child.wait()
    return pa.Table.from_batches(batches, reader.schema)


def _failure(code: int, text: str) -> TbtoolsError:
    lines = [line.removeprefix("tbtools: ") for line in text.splitlines()]
    message = "\n".join(lines) or f"the process of the sandboxed statement ended with {code}"
    kinds: dict[int, type[TbtoolsError]] = {1: DamageError, 4: NothingFoundError}
    return kinds.get(code, QueryError)(message)


def _words(options: Mapping[str, Any]) -> list[str]:
    """The options of ``open`` as the command line takes them."""
    words: list[str] = []
    for name in ("run", "tag", "exclude_tag"):
        globs = options.get(name) or ()
        for glob in [globs] if isinstance(globs, str) else globs:
            words.append(f"--{name.replace('_', '-')}={glob}")
    steps = options.get("steps")
    if steps is not None:
        text = (
            steps
            if isinstance(steps, str)
            else ":".join("" if each is None else str(each) for each in steps)
        )
        words.append(f"--steps={text}")
    for name in ("restarts", "on_damage"):
        if name in options:
            words.append(f"--{name.replace('_', '-')}={options[name]}")
    return words


def _as_json(params: object) -> str:
    try:
        return json.dumps(params)
    except TypeError as error:
        raise UsageError(
            "the params of a sandboxed statement are a list or dict of numbers and text"
        ) from error
