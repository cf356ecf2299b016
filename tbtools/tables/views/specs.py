"""What the views hold: their columns, and the formula of each."""

from __future__ import annotations

import pyarrow as pa

from tbtools.decode.kind import column, table
from tbtools.schema import LABEL

__all__ = [
    "BASIS_POINTS",
    "DISTRIBUTIONS",
    "DOWNSAMPLE",
    "HISTOGRAM_STATS",
    "HPARAMS_WIDE",
    "METHOD",
    "POINTS",
    "QUANTILES",
    "SMOOTHED",
    "STATS",
    "WEIGHT",
]

#: Parts in ten thousand: those of a normal distribution that are below its mean by infinitely many
#: standard deviations, 1.5, 1, 0.5 and 0, then the same above it.
#: Source: tensorflow/tensorboard, plugins/distribution/compressor.py.
BASIS_POINTS = (0, 668, 1587, 3085, 5000, 6915, 8413, 9332, 10000)

QUANTILES = {"p05": 500, "p25": 2500, "p50": 5000, "p75": 7500, "p95": 9500}

#: TensorBoard's own default.
WEIGHT = 0.6

DISTRIBUTIONS = table(
    "distributions",
    "The lines of TensorBoard's Distributions: nine rows per row of `histograms`. The counts of "
    "the buckets are added up and scaled, so that all of them make 10000. A line is in the first "
    "bucket at which this sum exceeds its basis points: where they are between the sum before the "
    "bucket and behind it, the line is between its edges (linear interpolation). A bucket begins "
    "where the one before it ends, the first that is not empty at the left edge of all. A line "
    "that no sum exceeds is at the right edge of all. Without any bucket all lines are 0. Where "
    "the writer gave minimum and maximum (HistogramProto), empty buckets at both ends are left out "
    "and these two are the outer edges; TensorBoard rounds such a histogram to float32, this view "
    "does not.",
    column(
        "basis_points",
        pa.int64(),
        "Parts in ten thousand that are smaller: 0, 668, 1587, 3085, 5000, 6915, 8413, 9332, "
        "10000, which for a normal distribution are half standard deviations.",
        nullable=False,
    ),
    column("value", pa.float64(), "Where the line is.", nullable=False),
)

#: Of ``downsample``, unless others are asked for.
METHOD = "m4"
POINTS = 1000

DOWNSAMPLE = table(
    "downsample",
    "`FROM downsample('loss', 500)` has the rows of `scalars` with this tag, at most 500 of each "
    "run; `downsample('loss', 500, 'lttb')` takes another method, `downsample(points := 500)` all "
    "tags. Without `points` it is 1000, without `method` `m4`; all have to be plain values. They "
    'are those of `tbtools downsample` (design.md, "Downsampling"). Of values that are NaN or '
    "infinite as many stay as there is room for, at least a quarter of the points.",
    column("value", pa.float64(), "The number, or for `mean` the mean of several.", nullable=False),
)

HISTOGRAM_STATS = table(
    "histogram_stats",
    "A row per row of `histograms`. Quantiles are interpolated as in `distributions`; they and the "
    "mean are null for a histogram that counts nothing.",
    column("count", pa.float64(), "Sum of the counts of all buckets."),
    column(
        "mean",
        pa.float64(),
        "`sum` / `num` where the writer gave them, else that of the buckets' middles, weighted by "
        "their counts.",
    ),
    column("min", pa.float64(), "As the writer gave it, else the left edge of all buckets."),
    *(
        column(name, pa.float64(), f"{points / 100:g} % of the values are smaller.")
        for name, points in QUANTILES.items()
    ),
    column("max", pa.float64(), "As the writer gave it, else the right edge of all buckets."),
)

HPARAMS_WIDE = table(
    "hparams_wide",
    "A row per session, which is a run that says when it started. Behind the columns below there "
    "is one per hyperparameter: a number or a bool if all sessions give one, else text, null where "
    "a session has none. Then four per metric: `…_last`, the value that was written last, which "
    "TensorBoard shows, `…_min` and `…_max`, one of which is the best, and `…_final`, that at the "
    "largest step, all as in `stats`. Metrics are those that the experiments of all runs declare. "
    "If there are none they are, as in TensorBoard, the scalar tags of each session's run and of "
    "the runs below it, as far as these are not below a nearer session; a metric of a run below is "
    "called by the rest of the run and the tag (`validation/loss`). Below a session that is the "
    "logdir itself TensorBoard finds nothing, this view does. Names that are taken already, in "
    "whatever case, get ` (2)` behind them. A run that starts more than once has what it said "
    "first, as in TensorBoard.",
    column("group_name", pa.string(), "Sessions with the same name repeat one experiment."),
    column("status", LABEL, "`success`, `failure` or `running`; null if it did not end."),
    column("start_time", pa.float64(), "Seconds since the epoch."),
    column("end_time", pa.float64(), "Seconds since the epoch."),
    keys=("run",),
)

SMOOTHED = table(
    "smoothed",
    "The rows of `scalars`, and what TensorBoard draws of them with smoothing 0.6; "
    "`FROM smoothed(weight := 0.9)` takes another weight, a number from 0 up to, not including, 1. "
    "Along the rows of a run and tag, in the order of writing, `average` is 0 at first, and then "
    "`weight * average + (1 - weight) * value`; `smoothed` is `average / (1 - weight ** n)` at the "
    "n-th value. NaN and infinities stay as they are, and are passed over. TensorBoard averages "
    "the points that its sampling left over, this view all of them.",
    column("value", pa.float64(), "The number; NaN is a number here."),
    column("smoothed", pa.float64(), "The moving average up to here."),
)

STATS = table(
    "stats",
    "A row per run and tag of `scalars`. First and last go by the order of writing (in an exported "
    "dataset by step), whatever the steps. NaN counts in `n` and `nans` only; an infinity is a "
    "number, so it can be the largest, and makes the mean infinite and `std` NaN.",
    column("n", pa.int64(), "Number of values, NaN included.", nullable=False),
    column("first", pa.float64(), "Value that was written first."),
    column("last", pa.float64(), "Value that was written last: what TensorBoard's HParams shows."),
    column("final", pa.float64(), "Value at the largest step; of several, that written last."),
    column("min", pa.float64(), "Smallest value; null if all are NaN."),
    column("max", pa.float64(), "Largest value; null if all are NaN."),
    column("mean", pa.float64(), "Sum of the values through their number, NaN left out."),
    column(
        "std",
        pa.float64(),
        "Sample standard deviation `sqrt(sum((value - mean) ** 2) / (count - 1))`, NaN left out; "
        "null for fewer than two values.",
    ),
    column("final_step", pa.int64(), "Largest step.", nullable=False),
    column("min_step", pa.int64(), "Step of the smallest value; of several, the first."),
    column("max_step", pa.int64(), "Step of the largest value; of several, the first."),
    column("nans", pa.int64(), "Number of values that are NaN.", nullable=False),
    column("infs", pa.int64(), "Number of values that are infinite.", nullable=False),
    keys=("run", "tag"),
)
