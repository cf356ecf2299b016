"""The command line: parse, call one library function, print through one printer.

Nothing here imports pyarrow, polars or duckdb before a command needs it.
"""

from __future__ import annotations

import errno
import gc
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from tbtools.cli.aggregate import aggregate
from tbtools.cli.diff import diff
from tbtools.cli.downsample import downsample
from tbtools.cli.export import export
from tbtools.cli.graph import graph
from tbtools.cli.import_ import import_
from tbtools.cli.ls import ls
from tbtools.cli.merge import merge
from tbtools.cli.plot import plot
from tbtools.cli.query import query
from tbtools.cli.recover import recover
from tbtools.cli.report import report
from tbtools.cli.rewrite import rewrite
from tbtools.cli.serve import serve
from tbtools.cli.streams import note, open_missing, silence
from tbtools.cli.sync import sync
from tbtools.cli.tail import tail
from tbtools.cli.tensorboard import PassingFlags, run_tensorboard
from tbtools.cli.verify import verify
from tbtools.errors import TbtoolsError
from tbtools.version import __version__

__all__ = ["app", "main", "tensorboard"]

app = typer.Typer(
    name="tbtools",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tbtools {__version__}")
        raise typer.Exit


@app.callback()
def _tbtools(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """TensorBoard event files as tables: list, query, export; merge, rewrite, repair, follow.

    Exit codes: 0 done, 1 the answer is no, 2 usage, 3 done but damaged data was skipped, 4 nothing
    found.
    """


COMMANDS = (
    *(ls, query, export, plot, graph, import_, diff, downsample, aggregate),
    *(merge, rewrite, verify, recover, sync, tail, report, serve),
)

for command in COMMANDS:
    kind = PassingFlags if command is serve else None
    app.command(name=command.__name__.rstrip("_"), cls=kind)(command)


def main() -> None:
    """Run the command line. Errors of the user's or a file's become one line and an exit code."""
    _run(lambda: app(prog_name="tbtools"))


def tensorboard() -> None:
    """``tbtools-tensorboard``: TensorBoard reading by tbtools, with TensorBoard's own arguments."""
    _run(lambda: run_tensorboard(sys.argv[1:]))


def _run(command: Callable[[], object]) -> None:
    # pyarrow and duckdb import these where they are installed, which takes longer than most
    # commands, and look for them again and again where not. None of them needs them; what does,
    # lets them in again: page/projection.py.
    for unneeded in ("numpy", "pandas", "dateutil"):
        sys.modules.setdefault(unneeded, None)  # type: ignore[arg-type]
    # Thousands of runs are many objects, and no garbage: to look for it took a third of the time.
    gc.set_threshold(100_000, 50, 1000)
    open_missing()
    try:
        command()
    except TbtoolsError as error:
        from tbtools.output.safe_names import visible

        # DuckDB's messages have lines of their own, and quote what is in a log.
        lines = [visible(line) for line in str(error).splitlines()]
        note("tbtools: " + "\n".join(lines))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as end:
        # Typer takes it for a failure that nobody reads its help to the end.
        if isinstance(end.__context__, BrokenPipeError):
            silence(sys.stdout)
            sys.exit(0)
        raise
    except OSError as error:
        # Typer's own help and complaints, to nobody or to a full disk.
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        silence(sys.stdout)
        note(f"tbtools: cannot write stdout: {error.strerror}")
        sys.exit(2 if error.errno == errno.EPIPE else 1)
