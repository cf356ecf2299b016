"""TensorBoard's server, whose address is told, and which says in a line where it cannot listen."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import Any

from tbtools.errors import UsageError

__all__ = ["listening"]


def listening(on_url: Callable[[str], object] | None = None) -> Callable[[Any, Any], Any]:
    """A ``server_class`` for ``tensorboard.program.TensorBoard``: its own server.

    ``on_url`` is told the address of its page, which answers as soon as TensorBoard serves. The
    server raises UsageError where TensorBoard's ends the process or has a traceback.
    """

    def server(wsgi_app: Any, flags: Any) -> Any:
        from tensorboard import program

        with redirect_stderr(io.StringIO()) as said:
            try:
                made = program.create_port_scanning_werkzeug_server(wsgi_app, flags)
                why = None
            except program.TensorBoardPortInUseError:
                why = "it is in use; give another --port, or --port 0 for any that is free"
            except program.TensorBoardServerException as error:
                why = error.msg
            except (OSError, OverflowError) as error:
                why = getattr(error, "strerror", None) or str(error)
            except SystemExit:  # of werkzeug, which has said why
                why = " ".join(said.getvalue().split())
        if why is not None:
            port = "its default port" if flags.port is None else f"port {flags.port}"
            host = "all addresses" if flags.bind_all else flags.host or "localhost"
            raise UsageError(f"TensorBoard cannot listen at {port} of {host}: {why}")
        sys.stderr.write(said.getvalue())
        if on_url is not None:
            on_url(made.get_url())
        return made

    return server
