"""``serve``: listen first, then read, then follow."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from tbtools.errors import NothingFoundError, UsageError
from tbtools.files.discovery import list_runs, named_paths
from tbtools.page.document import document
from tbtools.verbs.serve.guard import Guard, is_any, is_local
from tbtools.verbs.serve.requests import Site, handler_of
from tbtools.verbs.serve.server import PageServer, listening

if TYPE_CHECKING:
    from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet

__all__ = ["Server", "serve"]

PATIENCE = 1.0  # seconds that what is being read or sent may take to end


class Server:
    """A page that is served until ``close`` is called, or the context is left."""

    def __init__(self, server: PageServer, site: Site, shown_host: str) -> None:
        self._server = server
        self._site = site
        self._shown_host = shown_host
        self._is_over = threading.Event()
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="tbtools serve", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return self._server.server_port

    @property
    def token(self) -> str | None:
        """What whoever asks has to know; None where only this computer can ask."""
        return self._site.guard.token

    @property
    def url(self) -> str:
        """The address of the page, with the token, if there is one."""
        host = f"[{self._shown_host}]" if ":" in self._shown_host else self._shown_host
        token = f"?token={self.token}" if self.token is not None else ""
        return f"http://{host}:{self.port}/{token}"

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is closed, or for so long; whether it is closed.

        Ctrl-C is a KeyboardInterrupt here, as everywhere.
        """
        return self._is_over.wait(seconds)

    def close(self) -> bool:
        """Stop serving and reading; whether all that was being read has come to its end."""
        if self._is_over.is_set():
            return True
        if self._site.has_begun:
            self._site.statements.close()
        self._server.stop()
        self._thread.join()
        self._is_over.set()
        has_read = not self._site.has_begun or self._site.following.close(PATIENCE)
        return self._server.join(PATIENCE) and has_read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tbtools server: {self.url}>"


def serve(
    logs: LogsOrPaths,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    points: int = 2000,
    interval: float = 1.0,
    on_note: Callable[[str], None] | None = None,
    **options: Unpack[OpenOptions],
) -> Server:
    """Serve a page with all that TensorBoard shows, which follows the logs while they grow.

    It listens at ``port`` of ``host``: of this computer alone, unless told otherwise, and then
    whoever opens it needs the token in its ``url``. Without a port it is the first free one from
    6006 on; 0 is any. Lines have at most ``points`` points until they are zoomed. Logs are looked
    at every ``interval`` seconds while somebody has the page open; where there is no event file
    yet, it waits for the first. ``on_note`` is told, in a line, of what goes wrong meanwhile.

    ``logs`` is what ``open`` gives or takes; ``options`` are those of ``open``. Returns at once:
    ``wait`` for it, ``close`` it. Raises UsageError if it cannot listen there and for arguments
    that make no sense, NothingFoundError if there is no such folder.
    """
    note = on_note or _silent
    paths = _paths_of(logs)
    title = ", ".join(paths)
    page = "".join(document(f"{title} · tbtools")).encode("utf-8", "replace")
    site = Site(page, note)
    listener = listening(host, port, handler_of(site), note)
    address = str(listener.server_address[0])
    token = None if is_local(address) else secrets.token_urlsafe(24)
    site.guard = Guard(host, listener.server_port, token)
    server = Server(listener, site, address if is_any(host) else host)
    try:
        # What reads logs takes longest to import: browsers have the page by then.
        from tbtools.page.spacing import FEWEST_POINTS
        from tbtools.tables.limits import limits_of
        from tbtools.verbs.serve.following import Following
        from tbtools.verbs.serve.statements import Statements

        if points < FEWEST_POINTS:
            raise UsageError(f"{points} points draw no line: {FEWEST_POINTS} at least")
        if not interval > 0:
            raise UsageError(f"an interval of {interval} seconds makes no sense")
        found, opening = _opened_if_there(logs, options, paths)
        following = Following(found, opening, title, paths, points, interval, note)
        following.start()
        site.begin(following, Statements(limits_of(None, None, sandbox=True)))
    except BaseException:
        server.close()
        raise
    return server


def _paths_of(logs: LogsOrPaths) -> list[str]:
    if isinstance(logs, str | os.PathLike):
        return [os.fspath(logs)]
    return [os.fspath(path) for path in getattr(logs, "paths", logs)]


def _opened_if_there(
    logs: LogsOrPaths, options: OpenOptions, paths: list[str]
) -> tuple[TableSet | None, Callable[[], TableSet]]:
    """The logs, None if there is no event file yet; and what tries again to open them."""
    from tbtools.tables.logs import opened

    def opening() -> TableSet:
        return opened(logs, options)

    try:
        return opening(), opening
    except NothingFoundError:
        # That no run matches is a mistake, but only where there are some.
        if not all(Path(path).is_dir() for _, path in named_paths(paths)) or _has_runs(paths):
            raise
        return None, opening


def _has_runs(paths: list[str]) -> bool:
    try:
        return bool(list_runs(paths).runs)
    except NothingFoundError:
        return False


def _silent(_: str) -> None:
    pass
