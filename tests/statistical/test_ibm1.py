from __future__ import annotations

import numpy as np
import pytest

from weft.statistical import ibm1


@pytest.mark.parametrize(("num_t", "num_s"), [(1, 1), (3, 7), (7, 3), (11, 11)])
def test_the_prior_is_highest_near_the_diagonal(num_t: int, num_s: int) -> None:
    prior = ibm1.diagonal(num_t, num_s, tension=4.0)
    np.testing.assert_allclose(prior.sum(1), 1, rtol=1e-5)
    distance = np.abs((np.arange(num_s) + 0.5)[None] / num_s - (np.arange(num_t) + 0.5)[:, None] / num_t)
    assert (np.take_along_axis(distance, prior.argmax(1)[:, None], 1)[:, 0] == distance.min(1)).all()


def test_without_tension_all_places_are_alike() -> None:
    np.testing.assert_allclose(ibm1.diagonal(3, 7, tension=0.0), 1 / 7, rtol=1e-6)


def test_the_posterior_is_prior_times_lexicon_over_its_sum() -> None:
    random = np.random.default_rng(5)
    words, null = random.random((2, 3, 7), dtype=np.float32), random.random((2, 3), dtype=np.float32)
    found = ibm1.posterior(words, null, tension=2.0, unaligned=0.2)
    joint = 0.8 * ibm1.diagonal(3, 7, tension=2.0) * words
    total = joint.sum(2) + 0.2 * null
    np.testing.assert_allclose(found.words, joint / total[..., None], rtol=1e-5)
    np.testing.assert_allclose(found.null, 0.2 * null / total, rtol=1e-5)
    assert found.log_likelihood == pytest.approx(np.log(total).sum(), rel=1e-5)
    assert not found.jumps.any()
