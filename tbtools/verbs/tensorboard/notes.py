"""What is said in TensorBoard's log: each thing once, and what may come in millions is counted."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from tbtools.output.safe_names import visible

__all__ = ["Notes"]

MOST_SAID = 20  # of a kind; then there are only numbers
LONGEST = 1000  # characters: names and messages come from logs


class Notes:
    """Lines for whoever ``tell`` names; until then they are kept.

    Any thread may say something.
    """

    def __init__(self) -> None:
        self.odd_values = 0
        self._told = 0
        self._lock = Lock()
        self._said: set[str] = set()
        self._odd_tags: set[tuple[str, str]] = set()
        self._kinds: dict[str, int] = {}
        self._kept: list[str] = []
        self._out: Callable[[str], None] = self._kept.append

    def tell(self, out: Callable[[str], None]) -> None:
        """Say all that was kept, and everything from now on."""
        with self._lock:
            self._out = out
            for text in self._kept:
                out(text)
            self._kept.clear()

    def say(self, text: str) -> None:
        """A line."""
        text = visible(text)
        with self._lock:
            self._out(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")

    def once(self, kind: str, text: str) -> None:
        """A line, if it was not said before, and not too many of this kind were."""
        with self._lock:
            if text in self._said or self._kinds.get(kind, 0) == MOST_SAID:
                return
            self._said.add(text)
            self._kinds[kind] = count = self._kinds.get(kind, 0) + 1
        more = "; more of them will not be told" if count == MOST_SAID else ""
        self.say(text + more)

    def odd(self, run: str, tag: str, error: Exception) -> None:
        """Count a value that cannot be shown."""
        self.odd_values += 1
        self.not_shown(run, tag, error)

    def not_shown(self, run: str, tag: str, error: Exception) -> None:
        """Say that values of a tag cannot be shown, and why the first could not."""
        why = f"{type(error).__name__}: {error}".partition("\n")[0][:150]
        with self._lock:
            if (run, tag) in self._odd_tags or len(self._odd_tags) == MOST_SAID:
                return
            self._odd_tags.add((run, tag))
        self.say(f"values of {tag!r} in run {run!r} cannot be shown: {why}")

    def settle(self) -> None:
        """Say how many values cannot be shown, if these became more."""
        if self.odd_values > self._told:
            self._told = self.odd_values
            self.say(f"{self._told:,} values cannot be shown as what their plugin promises")
