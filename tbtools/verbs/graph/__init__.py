"""Graphs of logs: what is in them, parts of them, pictures of them, and how two of them differ.

From the tables ``graphs``, ``graph_nodes`` and ``graph_edges``, of logs as of exported datasets.
"""

from __future__ import annotations

from tbtools.verbs.graph.difference import diff
from tbtools.verbs.graph.folding import Folded, edges, fold, nodes
from tbtools.verbs.graph.formats import FORMATS, draw, to_json, to_pbtxt
from tbtools.verbs.graph.pictures import to_dot, to_graphml, to_mermaid
from tbtools.verbs.graph.selection import Graph, graphs_of, one_of
from tbtools.verbs.graph.summary import brief, summary

__all__ = [
    "FORMATS",
    "Folded",
    "Graph",
    "brief",
    "diff",
    "draw",
    "edges",
    "fold",
    "graphs_of",
    "nodes",
    "one_of",
    "summary",
    "to_dot",
    "to_graphml",
    "to_json",
    "to_mermaid",
    "to_pbtxt",
]
