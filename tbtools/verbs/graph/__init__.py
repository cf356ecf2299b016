"""Graphs of logs: what is in them, parts of them, pictures of them, and how two of them differ.

From the tables ``graphs``, ``graph_nodes`` and ``graph_edges``, of logs as of exported datasets.
"""

from __future__ import annotations

from tbtools.verbs.graph.formats import DrawingFormat
from tbtools.verbs.graph.summary import brief
from tbtools.verbs.graph.verb import graph, graph_diff, graph_drawing

__all__ = ["DrawingFormat", "brief", "graph", "graph_diff", "graph_drawing"]
