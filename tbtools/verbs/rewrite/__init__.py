"""``rewrite``: event files with other tags, steps and files, their records copied byte for byte."""

from __future__ import annotations

from tbtools.verbs.rewrite.verb import Rewritten, SplitBy, rewrite

__all__ = ["Rewritten", "SplitBy", "rewrite"]
