"""Many dimensions in few: PCA, and t-SNE by scikit-learn.

Only here, in ``vectors.py`` and for TensorBoard is numpy computed with. The command line hides it
from all others (``cli/__init__.py``): to import it takes longer than most commands.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tbtools.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

__all__ = ["COMPONENTS", "MOST_SQUARE", "PROJECTIONS", "Pca", "check_projection", "pca", "tsne"]

#: What a report can be asked for.
PROJECTIONS = ("pca", "tsne")

COMPONENTS = 10  # of PCA in a page, as in TensorBoard's projector
MOST_SQUARE = 2000  # rows of the matrix whose eigenvectors are computed: 32 MB, two seconds
BLOCK = 1024  # vectors taken at a time
PERPLEXITY = 30.0  # of t-SNE: scikit-learn's default
TSNE_DIMENSIONS = 50  # which are reduced by PCA before, as in van der Maaten & Hinton (2008)


def unhidden() -> None:
    """Let numpy be imported, and what others look for: ``None`` in its place forbids it."""
    for name in ("numpy", "pandas", "dateutil"):
        if sys.modules.get(name, sys) is None:
            sys.modules.pop(name, None)


def check_projection(projection: str) -> None:
    """Raises UsageError for a projection that there is not, or not here."""
    if projection not in PROJECTIONS:
        raise UsageError(f"no projection is called {projection!r}: {', '.join(PROJECTIONS)}")
    if projection == "tsne":
        unhidden()
        try:
            import sklearn  # noqa: F401
        except ImportError:
            raise UsageError(
                "t-SNE needs scikit-learn: pip install 'tbtools-tfevents[projector]' "
                "(--projection pca needs nothing more)"
            ) from None


class Pca(NamedTuple):
    """Coordinates of vectors along the components, a row a vector, and each one's share of the
    variance. ``of`` is the number of vectors that the components were computed of.
    """

    coordinates: Floats
    shares: list[float]
    of: int


def pca(vectors: Floats, most: int = COMPONENTS) -> Pca:
    """The first principal components; the largest loading of each is positive.

    They are eigenvectors of the covariance, or, of fewer vectors than dimensions, of their scalar
    products. If both are more than ``MOST_SQUARE``, so many vectors, evenly chosen, stand for all.
    """
    unhidden()
    import numpy as np

    count, dimensions = vectors.shape
    basis = vectors
    if min(count, dimensions) > MOST_SQUARE:
        basis = vectors[np.linspace(0, count - 1, MOST_SQUARE).round().astype(int)]
    of = len(basis)
    kept = min(most, of, dimensions)
    if not kept:
        return Pca(np.zeros((count, 0)), [], of)
    mean = basis.mean(axis=0, dtype=np.float64)
    if dimensions <= of:
        square = np.zeros((dimensions, dimensions))
        for start in range(0, of, BLOCK):
            block = basis[start : start + BLOCK] - mean
            square += block.T @ block
    else:
        centered = basis - mean
        square = centered @ centered.T
    total = float(np.trace(square))
    values, found = np.linalg.eigh(square)
    values = np.maximum(values[::-1][:kept], 0.0)
    found = found[:, ::-1][:, :kept]
    # What is below rounding is no direction at all.
    is_real = values > values.max(initial=0.0) * 1e-12
    if dimensions > of:
        scale = np.where(is_real, np.sqrt(values), 1.0)
        found = (centered.T @ found) / scale
    found = np.where(is_real, found * _signs(found), 0.0)
    coordinates = np.empty((count, kept))
    for start in range(0, count, BLOCK):
        coordinates[start : start + BLOCK] = (vectors[start : start + BLOCK] - mean) @ found
    shares = (values / total).tolist() if total > 0 else [0.0] * kept
    return Pca(coordinates, shares, of)


def _signs(components: Floats) -> Floats:
    """1 or -1 for each column: what makes its largest number positive, the first of equal ones."""
    import numpy as np

    size = np.abs(components)
    largest = (size >= size.max(axis=0) * (1 - 1e-9)).argmax(axis=0)
    signs: Floats = np.where(components[largest, np.arange(components.shape[1])] < 0, -1.0, 1.0)
    return signs


def tsne(vectors: Floats, dimensions: int) -> Floats:
    """Coordinates by t-SNE: the same each time. Of fewer than four vectors, there are none."""
    unhidden()
    import numpy as np
    from sklearn.manifold import TSNE

    if len(vectors) < 4:
        return np.zeros((len(vectors), dimensions))
    data = pca(vectors, TSNE_DIMENSIONS).coordinates
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    # Its default start is PCA, too; of fewer dimensions than it makes, it is none.
    start = "pca" if data.shape[1] >= dimensions else "random"
    maker = TSNE(dimensions, perplexity=perplexity, init=start, random_state=0)
    made: Floats = maker.fit_transform(data)
    return made
