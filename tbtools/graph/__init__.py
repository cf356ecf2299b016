"""Graphs of logs: what is in them, parts of them, pictures of them, and how two of them differ.

From the tables ``graphs``, ``graph_nodes`` and ``graph_edges``, of logs as of exported datasets.
"""

from __future__ import annotations

from tbtools.graph.difference import diff
from tbtools.graph.folding import Folded, edges, fold, nodes
from tbtools.graph.formats import FORMATS, draw, to_json, to_pbtxt
from tbtools.graph.pictures import to_dot, to_graphml, to_mermaid
from tbtools.graph.selection import Graph, graphs_of, one_of
from tbtools.graph.summary import brief, summary

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
