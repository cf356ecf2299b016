"""``tbtools serve``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    Restarts,
    Runs,
    Steps,
    Tags,
    do_without_pandas,
    paths_of,
)
from tbtools.cli.streams import interrupts, note
from tbtools.cli.tensorboard import serve_tensorboard

LOOK = 0.1  # seconds until Ctrl-C is noticed

WithTensorBoard = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        help="Serve TensorBoard itself, reading by tbtools; its own flags go behind --.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="N",
        help="Where to listen; 0: any that is free. Default: the first free one from 6006 on.",
        show_default=False,
    ),
]
Host = Annotated[
    str,
    typer.Option(
        "--host",
        metavar="NAME",
        help="Who may connect: this computer alone; another name or address, such as 0.0.0.0, "
        "lets others, who need the token in the address that is printed.",
    ),
]


def serve(
    context: typer.Context,
    logdirs: Logdirs = None,
    tensorboard: WithTensorBoard = False,
    port: Port = None,
    host: Host = "127.0.0.1",
    open_: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.", show_default=False)
    ] = False,
    interval: Annotated[
        float,
        typer.Option("--interval", metavar="SECONDS", help="Between two looks for what is new."),
    ] = 1.0,
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="Points of a line, until it is zoomed.")
    ] = 2000,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    logdir: MoreLogdirs = None,
) -> None:
    """Serve a page with all that TensorBoard shows, which follows the logs, until Ctrl-C.

    Nothing can be written by way of it. A folder without event files is waited for.

    Example: tbtools serve runs --open

    Example: tbtools serve --tensorboard runs -- --port 6007 --bind_all
    """
    if tensorboard:
        return serve_tensorboard(context, [*(logdirs or ()), *(logdir or ())], open_)
    from tbtools.verbs.serve import serve as serve_logs

    server = serve_logs(
        paths_of(logdirs, logdir),
        host=host,
        port=port,
        points=points,
        interval=interval,
        on_note=lambda text: note(f"tbtools: {text}"),
        run=run or (),
        tag=tag or (),
        exclude_tag=exclude_tag or (),
        steps=steps,
        restarts=restarts,
        on_damage=on_damage,
    )
    try:
        with interrupts() as pressed:
            do_without_pandas()
            note(f"tbtools: {server.url} (Ctrl-C ends it)")
            if open_:
                import webbrowser

                webbrowser.open(server.url)
            while not pressed and not server.wait(LOOK):
                pass
    finally:
        if not server.close():
            # Threads that read a large file would be waited for.
            sys.stderr.flush()
            os._exit(130)
    if pressed:
        raise KeyboardInterrupt
