"""``merge``: parts of a training into one run, or logdirs into one, their records copied."""

from __future__ import annotations

from tbtools.verbs.merge.verb import Merged, MergedFormat, merge

__all__ = ["Merged", "MergedFormat", "merge"]
