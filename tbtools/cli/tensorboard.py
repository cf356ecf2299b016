"""``tbtools serve --tensorboard``: its options as flags of TensorBoard's, and Ctrl-C."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperCommand

from tbtools.cli.options import do_without_pandas, paths_of
from tbtools.cli.streams import interrupts
from tbtools.errors import UsageError

__all__ = ["PassingFlags", "run_tensorboard", "serve_tensorboard"]

#: Options of ``serve`` that TensorBoard has flags for.
FLAGS = {"port": "--port", "host": "--host", "interval": "--reload_interval"}

#: Options that are for the other page, and what does it here.
INSTEAD = {
    "points": "use -- --samples_per_plugin scalars=N",
    "run": "use the filter of TensorBoard's page",
    "tag": "use the filter of TensorBoard's page",
    "exclude_tag": "use the filter of TensorBoard's page",
    "steps": "export them, and serve the dataset",
    "restarts": "use -- --purge_orphaned_data=false, or true",
    "on_damage": "damage costs a record, and is logged",
}


class PassingFlags(TyperCommand):
    """With ``--tensorboard``, what stands behind ``--`` is TensorBoard's: ``args`` of the context.

    Without, it is what it is everywhere: an argument, whatever it begins with.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what is ours. Raises UsageError for flags of TensorBoard's among it."""
        end = args.index("--") if "--" in args else len(args)
        if "--tensorboard" not in args[:end]:
            return super().parse_args(ctx, args)
        try:
            super().parse_args(ctx, args[:end])
        except Exception as error:
            if not hasattr(error, "possibilities"):  # as only an unknown option has
                raise
            name = getattr(error, "option_name", "")
            raise UsageError(
                f"no option of tbtools is called {name}; those of TensorBoard go behind --: "
                f"tbtools serve --tensorboard LOGDIR -- {name} …"
            ) from None
        ctx.args = args[end + 1 :]
        return args[end + 1 :]


def serve_tensorboard(context: typer.Context, logdirs: list[str], open_page: bool) -> None:
    """Run TensorBoard with what ``serve`` was given until Ctrl-C.

    Raises UsageError for options that are not for it.
    """
    from tbtools.verbs.tensorboard.flags import NAMING_LOGS, logdir_flags, names_of

    flags = context.args
    named = {*names_of(flags)}
    refused = [
        f"--{name.replace('_', '-')} is not for --tensorboard: {INSTEAD[name]}"
        for name in INSTEAD
        if _is_given(context, name)
    ]
    if refused:
        raise UsageError("; ".join(refused))
    own = {flag: context.params[name] for name, flag in FLAGS.items() if _is_given(context, name)}
    if twice := own.keys() & named:
        raise UsageError(f"{min(twice)} is given twice: once before --, once behind")
    elsewhere = named & NAMING_LOGS
    if elsewhere and logdirs:
        raise UsageError(f"LOGDIR and {min(elsewhere)} both say where the logs are: give one")
    ours = [] if elsewhere else logdir_flags(paths_of(logdirs, None))
    ours += [f"{flag}={value}" for flag, value in own.items()]
    run_tensorboard([*ours, *flags], open_page)


def run_tensorboard(flags: list[str], open_page: bool = False) -> None:
    """Run TensorBoard, reading by tbtools, with these flags of its own until Ctrl-C."""
    from tbtools.verbs.tensorboard.board import run

    do_without_pandas()  # but plugins of TensorBoard may need it: ``run`` lets it in
    with interrupts(at_once=True) as pressed:
        code = run(flags, _open if open_page else None)
    if pressed:  # TensorBoard takes it for a way to end well
        raise KeyboardInterrupt
    sys.exit(code)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _open(url: str) -> None:
    import webbrowser
    from threading import Thread

    # A browser in the terminal comes back when it is closed, and would never be answered.
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()
