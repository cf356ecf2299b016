"""Hyperparameters: what the plugin ``hparams`` keeps in the metadata of its tags.

The tensors of these tags are placeholders, and some writers leave them out. A session is a run
that says when it started; an experiment declares what there is to compare. TensorBoard goes by the
experiment that it finds first, these tables have those of all runs.
"""

from __future__ import annotations

from tbtools.decode.encoding import Encoder
from tbtools.decode.kind import Kind
from tbtools.kinds.hparams.decoder import decode
from tbtools.kinds.hparams.encoder import encode
from tbtools.kinds.hparams.tables import HPARAMS, METRICS, SESSIONS

KIND = Kind(
    tables=(HPARAMS, SESSIONS, METRICS),
    decode=decode,
    plugins=frozenset({"hparams"}),
    bare=True,
    encode=Encoder(
        {
            HPARAMS.name: ("name",),
            SESSIONS.name: ("event",),
            METRICS.name: ("kind", "name"),
        },
        encode,
        whole=True,
    ),
)
