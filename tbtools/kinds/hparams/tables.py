"""The tables of hyperparameters, and the names of what their messages number."""

from __future__ import annotations

import pyarrow as pa

from tbtools.decode.kind import column, table
from tbtools.schema import LABEL

__all__ = ["DATASETS", "HPARAMS", "METRICS", "SESSIONS", "STATUSES", "TYPES"]

HPARAMS = table(
    "hparams",
    "A row per hyperparameter of a session, with its value.",
    column("name", LABEL, "Name of the hyperparameter.", nullable=False),
    column(
        "type",
        LABEL,
        "`string`, `bool` or `float64`; `null`, `list` or `struct` if the writer gave such a "
        "value. PyTorch writes a bool as float64.",
        nullable=False,
    ),
    column("number", pa.float64(), "The number; 1 or 0 for a bool; null for other types."),
    column(
        "text",
        pa.string(),
        "The value as text, whatever its type: `true` and `false` for a bool, `32` for a number "
        "without fraction, JSON for a list or struct; null for a null.",
    ),
    keys=("run",),
)

SESSIONS = table(
    "hparam_sessions",
    "A row per start and per end that a session reports. `tensorboard.plugins.hparams` writes "
    "both, other writers may leave out the end.",
    column("event", LABEL, "`start` or `end`; columns of the other are null.", nullable=False),
    column(
        "group_name",
        pa.string(),
        "Of a start: sessions with the same name repeat one experiment; null: it stands alone.",
    ),
    column("status", LABEL, "Of an end: `success`, `failure` or `running`; null if not said."),
    column("start_time", pa.float64(), "Of a start: seconds since the epoch."),
    column("end_time", pa.float64(), "Of an end: seconds since the epoch."),
    column("model_uri", pa.string(), "Of a start: where the model is."),
    column("monitor_url", pa.string(), "Of a start: where to watch the session."),
    keys=("run",),
)

METRICS = table(
    "hparam_metrics",
    "What experiments declare: a row per metric, per hyperparameter with its domain, and for what "
    "is said of the experiment as a whole.",
    column("kind", LABEL, "`experiment`, `metric` or `hparam`.", nullable=False),
    column(
        "name",
        pa.string(),
        "Name of the experiment or hyperparameter; of a metric, the tag of its scalars.",
    ),
    column(
        "metric_group",
        pa.string(),
        "Of a metric: the run, below that of the session, which has its scalars; empty if that is "
        "the session's own.",
    ),
    column("display_name", pa.string(), "Name to be shown instead; null if none."),
    column("description", pa.string(), "Markdown; null if none."),
    column(
        "type",
        LABEL,
        "Of a hyperparameter: `string`, `bool` or `float64`; of a metric: `training` or "
        "`validation`; null if not said.",
    ),
    column("domain_min", pa.float64(), "Of a hyperparameter with an interval: its lower end."),
    column("domain_max", pa.float64(), "Of a hyperparameter with an interval: its upper end."),
    column(
        "domain_values",
        pa.list_(pa.string()),
        "Of a hyperparameter with a list of possible values: these, as in `hparams.text`.",
    ),
    column("author", pa.string(), "Of an experiment: the user who made it."),
    column("time_created", pa.float64(), "Of an experiment: seconds since the epoch."),
    keys=("run",),
)

STATUSES = {0: None, 1: "success", 2: "failure", 3: "running"}
TYPES = {0: None, 1: "string", 2: "bool", 3: "float64"}
DATASETS = {0: None, 1: "training", 2: "validation"}
