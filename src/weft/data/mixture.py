"""Several corpora drawn from at once, the small ones more often than their size says: temperature sampling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weft.base.errors import ConfigError
from weft.data.corpus import Example, Lengths, PairCorpus


class Tours:
    """Which rows of several sets an epoch visits: a pure function of seed and epoch.

    Set i is drawn with probability proportional to (weight_i x rows_i) ** (1 / temperature). Temperature 1 is by size;
    a high one draws all alike (Arivazhagan et al. 2019, https://arxiv.org/abs/1907.05019, section 4.2). Rows are
    numbered through all sets. Each set is visited permutation after permutation of its own, so that at any time two of
    its rows differ by at most one visit.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        seed: int,
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
        epoch_rows: int | None = None,
    ) -> None:
        """`sizes` are the rows of each set; `epoch_rows` is how many an epoch draws, by default all there are."""
        weights = [1.0] * len(sizes) if weights is None else weights
        _check(sizes, weights, temperature)
        if epoch_rows is not None and epoch_rows < 1:
            raise ConfigError(
                f"epoch_rows must be at least 1, got {epoch_rows}; leave it out to draw as many as there are"
            )
        self._seed = seed
        self._sizes = np.array(sizes, dtype=np.int64)
        self._firsts = np.cumsum([0, *self._sizes[:-1]], dtype=np.int64)
        mass = (np.array(weights, dtype=np.float64) * self._sizes) ** (1.0 / temperature)
        self.probabilities: NDArray[np.float64] = mass / mass.sum()
        self._epoch_rows = len(self) if epoch_rows is None else epoch_rows

    def __len__(self) -> int:
        return int(self._sizes.sum())

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch, set after set."""
        drawn = self._drawn_before(epoch), self._drawn_before(epoch + 1)
        parts = [self._visits(i, int(start), int(end)) for i, (start, end) in enumerate(zip(*drawn, strict=True))]
        return np.concatenate(parts)

    def place(self, row: int) -> tuple[int, int]:
        """The set that a row is in, and which of its rows it is."""
        number = int(np.searchsorted(self._firsts, row, side="right")) - 1
        return number, row - int(self._firsts[number])

    def _drawn_before(self, epoch: int) -> NDArray[np.int64]:
        """How many rows of each set all earlier epochs drew; rounded here, so that no fraction is ever lost."""
        return np.rint(self.probabilities * self._epoch_rows * epoch).astype(np.int64)

    def _visits(self, number: int, start: int, end: int) -> NDArray[np.int64]:
        """Visits `start` to `end` of the endless tour through a set: one permutation of its rows after another."""
        size = int(self._sizes[number])
        rounds = [self._round(number, turn) for turn in range(start // size, -(-end // size))]
        offset = start - start % size
        tour = np.concatenate([np.zeros(0, dtype=np.int64), *rounds])
        visits: NDArray[np.int64] = self._firsts[number] + tour[start - offset : end - offset]
        return visits

    def _round(self, number: int, turn: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, number, turn]).permutation(int(self._sizes[number]))


class Mixture:
    """Several corpora as one, drawn from in `Tours`; rows are numbered through all corpora."""

    def __init__(
        self,
        corpora: Sequence[PairCorpus],
        *,
        seed: int,
        weights: Sequence[float] | None = None,
        temperature: float = 1.0,
        epoch_rows: int | None = None,
    ) -> None:
        """See `Tours`."""
        self._corpora = tuple(corpora)
        sizes = [len(corpus) for corpus in corpora]
        self._tours = Tours(sizes, seed=seed, weights=weights, temperature=temperature, epoch_rows=epoch_rows)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """How often each corpus is drawn."""
        return self._tours.probabilities

    def __len__(self) -> int:
        return len(self._tours)

    def lengths(self, epoch: int) -> Lengths:
        """The numbers of tokens of each row, corpus after corpus."""
        parts = [corpus.lengths(epoch) for corpus in self._corpora]
        return Lengths(np.concatenate([part.source for part in parts]), np.concatenate([part.target for part in parts]))

    def example(self, row: int, epoch: int) -> Example:
        corpus, inside = self._tours.place(row)
        return self._corpora[corpus].example(inside, epoch)

    def texts(self, row: int) -> tuple[str, str]:
        corpus, inside = self._tours.place(row)
        return self._corpora[corpus].texts(inside)

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch, corpus after corpus: a pure function of seed and epoch."""
        return self._tours.draw(epoch)


def _check(sizes: Sequence[int], weights: Sequence[float], temperature: float) -> None:
    if not sizes or len(weights) != len(sizes):
        raise ConfigError(
            f"a mixture needs one corpus or more and a weight for each, got {len(sizes)} corpora and "
            f"{len(weights)} weights; give one weight a corpus"
        )
    if min(weights) <= 0 or temperature <= 0:
        raise ConfigError(
            f"weights and temperature must be above 0, got {list(weights)} and {temperature}; leave a corpus out "
            "rather than weigh it 0"
        )
