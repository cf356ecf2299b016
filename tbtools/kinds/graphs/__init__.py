"""Graphs: TensorFlow's and PyTorch's, Keras models, and what runs measured of their nodes.

They come as members of Event (``graph_def``, ``meta_graph_def``, ``tagged_run_metadata``) and as
tensors of TF2's summaries: docs/graphs.md. A graph is known by a name that no other of
its run has, since a resumed run writes its graph again.
"""

from __future__ import annotations

from tbtools.decode.encoding import Encoder
from tbtools.decode.kind import Kind
from tbtools.kinds.graphs.decoder import CHECKED, decode
from tbtools.kinds.graphs.encoder import encode
from tbtools.kinds.graphs.tables import EDGES, GRAPHS, NODES, STATS

KIND = Kind(
    tables=(GRAPHS, NODES, EDGES, STATS),
    decode=decode,
    fields=frozenset({"graph_def", "meta_graph_def", "tagged_run_metadata"}),
    plugins=frozenset({*CHECKED, "graphs", "graph_tagged_run_metadata"}),
    encode=Encoder({GRAPHS.name: ("graph",), NODES.name: ("name", "inputs")}, encode, whole=True),
)
