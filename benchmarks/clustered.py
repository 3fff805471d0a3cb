"""Drawn vectors that lie as pictures' embeddings do: in a narrow cone, in topics of very different sizes, unevenly.

A photo is the sum of a common direction (the cone of every CLIP model: unrelated pictures have a cosine of about 0.5),
a topic (the r-th of TOPICS with a probability proportional to r ** -0.7), an occasion within it (there are N / 50), and
noise. Topics, occasions and noise have a spectrum that falls with the square root of the axis's number, so that
neighbourhoods overlap as real ones do. Two photos of one occasion have a cosine of about 0.86.

A query by picture is another photo of an occasion. A query by words is noisier and lies off the cone, by GAP along an
axis of its own: the gap between texts and pictures of every CLIP model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from polyglance.arrays import Floats

TOPICS = 1000
CONE, TOPIC, OCCASION, NOISE = 1.0, 0.6, 0.55, 0.5
"""Lengths of what a photo's vector is the sum of."""

GAP, WORDY = 1.2, 0.9
"""Of a text: the length along the axis that no picture has, and of its noise."""

BATCH = 50_000


@dataclass(frozen=True)
class World:
    """What photos and queries are drawn from."""

    occasions: Floats
    """Their centres, shape (n, d), with the cone."""
    weights: npt.NDArray[np.float64]
    """How probable a photo of each occasion is, shape (n,)."""
    gap: Floats
    """The axis of the texts, shape (d,)."""
    spectrum: Floats
    """Standard deviation of the noise on each axis, shape (d,)."""

    def photos(self, count: int, seed: int = 0) -> Floats:
        """`count` unit vectors, shape (count, d)."""
        draw = np.random.default_rng((1, seed))
        return self._around(draw, count, NOISE, np.zeros_like(self.gap))

    def pictures(self, count: int) -> Floats:
        """Queries by picture."""
        return self._around(np.random.default_rng((2, 0)), count, NOISE, np.zeros_like(self.gap))

    def texts(self, count: int) -> Floats:
        """Queries by words."""
        return self._around(np.random.default_rng((3, 0)), count, WORDY, GAP * self.gap)

    def _around(self, draw: np.random.Generator, count: int, noise: float, offset: Floats) -> Floats:
        chosen = draw.choice(len(self.weights), size=count, p=self.weights)
        return unit(self.occasions[chosen] + offset + noise * _drawn(draw, count, self.spectrum))


def world(photos: int, dimension: int, seed: int = 0) -> World:
    """The topics and occasions of a library of that many photos."""
    draw = np.random.default_rng((0, seed))
    spectrum = np.arange(1, dimension + 1, dtype=np.float32) ** -0.5
    spectrum /= np.linalg.norm(spectrum)
    cone, gap = unit(draw.standard_normal((2, dimension), dtype=np.float32))
    topics = min(TOPICS, max(1, photos // 100))
    occasions = max(1, photos // 50)
    sizes = np.arange(1, topics + 1) ** -0.7
    of_topic = draw.choice(topics, size=occasions, p=sizes / sizes.sum())
    centres = TOPIC * _drawn(draw, topics, spectrum)[of_topic] + OCCASION * _drawn(draw, occasions, spectrum)
    weights = draw.pareto(1.5, occasions) + 0.2
    return World(CONE * cone + centres, weights / weights.sum(), gap, spectrum)


def unit(vectors: Floats) -> Floats:
    """Rows divided by their lengths."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def _drawn(draw: np.random.Generator, count: int, spectrum: Floats) -> Floats:
    """Vectors of about unit length with this spectrum."""
    return draw.standard_normal((count, len(spectrum)), dtype=np.float32) * spectrum
